"""English lines of the engine and the exporter that a person can meet in the window, with their sentences there.

A row = a pattern for the beginning of the line, with the facts in it named + the sentence that these facts fill. Knows
the lines; must not know when they are said.
"""

from __future__ import annotations


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Mark a text for lupdate, which knows this name; Qt's own of the same name has no useful type."""
    return text


ENGINE_LINES: tuple[tuple[str, str], ...] = (
    (
        r"the prompt has (?P<count>\d+) tokens but the model sees at most (?P<limit>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "The text has {count} tokens, but the model sees at most {limit}. Shorten it."),
    ),
    (
        r"(?P<count>\d+) tokens do not fit the context of (?P<limit>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "The text has {count} tokens, but the model sees at most {limit}. Shorten it."),
    ),
    (
        r"there is nothing to continue",
        QT_TRANSLATE_NOOP("ErrorWords", "There is nothing to continue yet. Write a first word."),
    ),
    (
        r"no model is open",
        QT_TRANSLATE_NOOP("ErrorWords", "No model is open. Choose one in the model list."),
    ),
    (
        r"no model is bundled with this program",
        QT_TRANSLATE_NOOP("ErrorWords", "No model comes with this program. Add a model folder to write with it."),
    ),
    (
        r"there is no model folder and no model named '(?P<name>[^']*)'",
        QT_TRANSLATE_NOOP("ErrorWords", "There is no model “{name}” on this computer. Choose another one."),
    ),
    (
        r"there is no model folder (?P<path>.+); check the path",
        QT_TRANSLATE_NOOP("ErrorWords", "The model folder “{path}” does not exist. Check where it is."),
    ),
    (
        r"(?P<path>.+) has no nextstroke\.json, so it is no model folder",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” is no model folder. Choose another folder, or convert a checkpoint."),
    ),
    (
        r"(?P<file>\S+) is missing from (?P<path>.+); fetch",
        QT_TRANSLATE_NOOP("ErrorWords", "The model folder lacks the file {file}. Fetch or convert the model again."),
    ),
    (
        r"(?P<file>\S+) in (?P<path>.+) has \d+ bytes instead of \d+",
        QT_TRANSLATE_NOOP("ErrorWords", "The file {file} of the model is cut off. Fetch or convert the model again."),
    ),
    (
        r"(?P<file>\S+) in (?P<path>.+) differs from its SHA-256",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model is damaged: {file} differs from its SHA-256. Fetch or convert the model again."
        ),
    ),
    (
        r"(?P<path>.+) is damaged \(its SHA-256",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model is damaged: a file differs from its SHA-256. Fetch or convert it again."
        ),
    ),
    (
        r"nextstroke\.json (?:is not JSON|lacks or misspells|was changed after|has an impossible|has no valid)",
        QT_TRANSLATE_NOOP("ErrorWords", "The description of the model is damaged. Fetch or convert the model again."),
    ),
    (
        r"nextstroke\.json has format version (?P<version>\S+), this program",
        QT_TRANSLATE_NOOP("ErrorWords", "The model is of a newer format ({version}). Update the program."),
    ),
    (
        r"the model answers with numbers that are not finite",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model computes no valid numbers, so it is damaged. Fetch or convert it again."
        ),
    ),
    (
        r"the model needs (?P<needed>.+) and .+ has (?P<free>.+) free",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model needs {needed}, but only {free} are free. Free some space and try again."
        ),
    ),
    (
        r"There is an NVIDIA card, but (?P<obstacle>.+); using the processor",
        QT_TRANSLATE_NOOP("ErrorWords", "There is an NVIDIA card, but {obstacle}. The processor is used."),
    ),
    (
        r"CUDA was asked for, but (?P<obstacle>.+); use --device cpu",
        QT_TRANSLATE_NOOP("ErrorWords", "The NVIDIA card cannot be used: {obstacle}. Choose the processor."),
    ),
    (
        r"\d+ jobs wait already",
        QT_TRANSLATE_NOOP("ErrorWords", "Too many tasks are waiting. Wait until one has ended, or stop it."),
    ),
    (
        r"the engine is not running",
        QT_TRANSLATE_NOOP("ErrorWords", "The engine is not running. Start it again."),
    ),
    (
        r"the engine cannot be started",
        QT_TRANSLATE_NOOP("ErrorWords", "The engine cannot be started. Install the program again."),
    ),
    (
        r"(?P<name>.+) is part of the program and stays",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{name}” is part of the program and stays. Only models that you added can be removed."
        ),
    ),
)

EXPORT_LINES: tuple[tuple[str, str], ...] = (
    (
        r"there is no checkpoint (?P<path>.+); check",
        QT_TRANSLATE_NOOP("ErrorWords", "There is no checkpoint “{path}”. Check where it is."),
    ),
    (
        r"(?P<path>.+) is no checkpoint that this program knows",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” is no checkpoint that this program knows. It opens those of nanoGPT, of GPT-2 from "
            "Hugging Face, and its own.",
        ),
    ),
    (
        r"(?P<path>.+) is cut off or (?:damaged|not JSON)",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” is cut off or damaged. Fetch it again."),
    ),
    (
        r"(?P<path>.+) has neither model\.safetensors nor pytorch_model\.bin",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” holds no weights. Fetch the whole model folder."),
    ),
    (
        r"(?P<path>.+)/config\.json describes a '(?P<family>[^']*)' model",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "This is a {family} model. Of Hugging Face’s folders only GPT-2 can be converted."
        ),
    ),
    (
        r"(?P<name>.+) holds numbers that are not finite",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The checkpoint “{name}” holds numbers that are not finite: training went wrong there. Use an earlier one.",
        ),
    ),
    (
        r"(?P<name>.+) holds the tensor (?P<tensor>.+), which this model family does not have",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The checkpoint “{name}” holds an unknown tensor ({tensor}). It is another architecture, or its "
            "configuration does not belong to it.",
        ),
    ),
    (
        r"(?P<name>.+) lacks the tensor (?P<tensor>[^;]+);",
        QT_TRANSLATE_NOOP("ErrorWords", "The checkpoint “{name}” lacks the tensor {tensor}. Save or fetch it again."),
    ),
    (
        r"(?P<name>.+): (?P<tensor>.+) has shape .+, but the configuration says",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "In the checkpoint “{name}”, {tensor} does not fit the configuration. They do not belong together.",
        ),
    ),
    (
        r"the tokenizer in (?P<path>.+) has (?P<tokens>\d+) tokens but the model only (?P<size>\d+)",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The tokenizer has {tokens} tokens, but the model only {size}. Put the tokenizer that belongs "
            "to the model into its folder.",
        ),
    ),
    (
        r"(?P<path>.+) holds no tokenizer",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” holds no tokenizer. Put the tokenizer that belongs to the model beside the checkpoint.",
        ),
    ),
    (
        r"(?P<path>.+) made its reader stop \((?P<reason>.+)\)",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The checkpoint “{path}” made its reader stop ({reason}). It is damaged, hostile or too large "
            "for this computer.",
        ),
    ),
    (
        r"the \w+ conversion misses its threshold|the conversion differs from its checkpoint",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The converted model differs too much from its original, so nothing was written."
        ),
    ),
    (
        r"PyTorch (?P<version>\S+) can be made to run code by a checkpoint",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "PyTorch {version} is not safe with checkpoints. Install PyTorch 2.10 or newer in the "
            "environment for conversions.",
        ),
    ),
)
