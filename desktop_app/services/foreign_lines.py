"""English lines about model folders that other programs wrote, with their sentences in the window.

Rows as in `engine_lines.py`. Knows the lines; must not know when they are said.
"""

from __future__ import annotations

from desktop_app.services.engine_lines import QT_TRANSLATE_NOOP

FOREIGN_LINES: tuple[tuple[str, str], ...] = (
    (
        r"(?P<path>.+) asks for the input .(?P<name>.+)., which this program does not know",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model asks for the input “{name}”, which this program cannot give. Take a model that continues text "
            "from text alone.",
        ),
    ),
    (
        r"(?P<path>.+) has no cache \(no input",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model was exported without a cache, so every token would take the whole text. Export it again for "
            "text generation with past.",
        ),
    ),
    (
        r"(?P<path>.+) keeps keys and values (?:in a form that|as .+, which) this program does not know",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model keeps its cache in a form that this program does not know. Take another export of it.",
        ),
    ),
    (
        r"(?P<path>.+) is no ONNX model, or it is damaged \(",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” is no ONNX model, or it is damaged. Fetch the model again."),
    ),
    (
        r"(?P<path>.+) cannot be understood \(|what (?P<folder>.+) says of itself cannot be true \(",
        QT_TRANSLATE_NOOP("ErrorWords", "The description of the model is damaged. Fetch or convert the model again."),
    ),
    (
        r"(?P<path>.+) has no tokenizer\.json and no tokenizer\.model",
        QT_TRANSLATE_NOOP("ErrorWords", "The model folder has no tokenizer. Put the model's tokenizer.json into it."),
    ),
    (
        r"(?P<path>.+) does not say how many tokens its model sees",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model folder does not say how many tokens the model sees. Add max_position_embeddings to config.json.",
        ),
    ),
    (
        r"(?P<path>.+) does not say which token ends a text",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model folder does not say which token ends a text. Add eos_token_id to its configuration.",
        ),
    ),
    (
        r".+ in .+ describes an encoder with a decoder"
        r"|genai_config\.json in .+ describes a model with a part for",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model is made for more than continuing text. This program runs decoders of text alone."
        ),
    ),
    (
        r"genai_config\.json in .+ describes a (?:decoder in several graphs|cache that forgets)",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model is cut into several graphs, or its cache slides. Export it as one graph for the processor.",
        ),
    ),
    (
        r"genai_config\.json in .+ (?:names no graph|has no part|names .+ instead of)",
        QT_TRANSLATE_NOOP("ErrorWords", "The description of the model is damaged. Fetch or convert the model again."),
    ),
    (
        r"(?P<folder>.+) names the file .(?P<file>.+)., which lies outside the folder; do not",
        QT_TRANSLATE_NOOP("ErrorWords", "“{file}” leads out of the model folder. Do not use this model."),
    ),
    (
        r"the graph (?:cannot go on behind a text|gives other answers with its cache)",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model cannot go on with its cache. Export it again, perhaps in another precision."
        ),
    ),
    (
        r"this model runs one text at a time",
        QT_TRANSLATE_NOOP("ErrorWords", "This model runs one text at a time. Ask for one candidate."),
    ),
)
