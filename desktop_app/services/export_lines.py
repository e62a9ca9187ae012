"""English lines of the exporter that a person can meet in the window, with their sentences there.

Rows as in `engine_lines.py`. Knows the lines; must not know when they are said.
"""

from __future__ import annotations

from desktop_app.services.engine_lines import QT_TRANSLATE_NOOP

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
        r"(?P<path>.+) is (?:cut off or (?:damaged|not JSON)|cut off, damaged or not a PyTorch|not a JSON).*;"
        r" fetch (?:or save )?it again",
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
        r"the tokenizer in (?P<path>.+) has (?P<tokens>\d+) tokens but the model only (?P<size>\d+), so it would",
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
        r"the \w+ conversion misses its threshold|the conversion differs from its checkpoint"
        r"|the converted model answers",
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
    (
        r"a recurrent network is exported in fp32 only",
        QT_TRANSLATE_NOOP("ErrorWords", "A recurrent network is converted in fp32 only. Choose that precision."),
    ),
    (
        r"converting needs (?P<names>.+), which this installation lacks",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "Converting needs {names}, which the Python for conversions lacks. Install the export add-on there.",
        ),
    ),
    (
        r"(?P<path>.+) (?:is a file or a link, so no folder|exists already; choose"
        r"|is no model folder, so --force|appeared while the model)",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” exists already. Try again: the model then gets another name."),
    ),
    (
        r".+ sets (?P<option>\S+), which this program's GPT does not have",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The checkpoint uses {option}, which this program’s GPT does not have. It cannot be converted.",
        ),
    ),
    (
        r".+ asks for the activation .(?P<name>.+).; known are",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The checkpoint uses the activation {name}, which this program does not know. It cannot be converted.",
        ),
    ),
    (
        r"(?P<path>.+): (?P<heads>\S+) heads do not divide the width (?P<width>\S+);",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” is damaged: {heads} heads do not divide the width {width}. Fetch it again."
        ),
    ),
    (
        r"(?P<path>.+) names no parts, or parts outside",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” does not name the parts of the model. Fetch the model again."),
    ),
    (
        r"(?P<path>.+) lacks (?P<file>.+), which .+ names; fetch",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” lacks {file}. Fetch the whole model folder."),
    ),
    (
        r"(?P<path>.+) is a PyTorch file but not nanoGPT's",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” is a PyTorch file, but not one of nanoGPT, so its shape is unknown. Choose a Hugging Face "
            "folder, or a checkpoint of this program.",
        ),
    ),
    (
        r"(?P<path>.+): model_args lacks (?P<names>.+); save",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” lacks {names} in model_args. Save the checkpoint again with nanoGPT."
        ),
    ),
    (
        r"(?P<path>.+)/checkpoint\.json does not describe",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” is no checkpoint of this program. Choose another folder."),
    ),
    (
        r".+/checkpoint\.json has version (?P<version>.+), this program reads",
        QT_TRANSLATE_NOOP("ErrorWords", "The checkpoint is of another version ({version}). Update the program."),
    ),
    (
        r"(?P<path>.+) holds its weights in parts, for a run to go on from",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” holds its weights in parts, for a run to go on from. Choose the folder “final” of that run.",
        ),
    ),
    (
        r"(?P<path>.+) holds (?P<tensor>.+), which another part holds too",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” holds {tensor}, which another part holds too. Save or fetch the model again."
        ),
    ),
    (
        r"(?P<path>.+): (?P<tensor>.+) holds (?P<dtype>\S+) numbers; only",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "In “{path}”, {tensor} holds {dtype} numbers, which cannot be converted. Choose the checkpoint "
            "before it was quantized.",
        ),
    ),
    (
        r"(?P<path>.+) holds more than tensors and plain values",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” holds more than tensors and plain values, so it was not opened. Save only the state_dict "
            "of the model, or use safetensors.",
        ),
    ),
    (
        r"(?P<path>.+) is in PyTorch's old format",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” is in PyTorch’s old format. Load it where you trust it, and save it again with torch.save.",
        ),
    ),
    (
        r".+ holds (?:a \S+, not a checkpoint|no tensors;|.+, which is no tensor;)|.+ is not an ordinary tensor|"
        r".+ claims more numbers than the file holds for it",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The file does not hold the plain tensors of a model. Save the state_dict of the model in it."
        ),
    ),
    (
        r"(?P<path>.+) unpacks to more than it is",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” unpacks to more than it is, so it was not opened. Fetch it again, or save it again with "
            "torch.save.",
        ),
    ),
    (
        r"(?P<name>.+) holds a tensor twice",
        QT_TRANSLATE_NOOP("ErrorWords", "The checkpoint “{name}” holds a tensor twice. Save it again."),
    ),
    (
        r"impossible model configuration: (?P<reason>.+); correct the recipe",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The configuration of the checkpoint is impossible: {reason}. Fetch or save it again."
        ),
    ),
    (
        r"the end-of-text token of this model is (?P<end>\S+), but the tokenizer in .+ has only (?P<tokens>\d+) tokens",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The end-of-text token of the model is {end}, but the tokenizer has only {tokens} tokens. Put the "
            "tokenizer that belongs to the model into its folder.",
        ),
    ),
    (
        r"there is no tokenizer (?P<path>.+); check",
        QT_TRANSLATE_NOOP("ErrorWords", "There is no tokenizer “{path}”. Check where it is."),
    ),
    (
        r"(?P<path>.+) is a pickle, which could run anything",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "“{path}” is a pickle, which could run anything, so it is never opened. Put a tokenizer.json beside "
            "the checkpoint.",
        ),
    ),
    (
        r"vocab\.json and merges\.txt in (?P<path>.+) are damaged",
        QT_TRANSLATE_NOOP("ErrorWords", "vocab.json and merges.txt in “{path}” are damaged. Fetch them again."),
    ),
    (
        r"the tokenizer in .+ has no token (?P<token>.+); check",
        QT_TRANSLATE_NOOP("ErrorWords", "The tokenizer has no token {token}. Check --end-of-text."),
    ),
    (
        r"neither the checkpoint nor the tokenizer in .+ says which token ends a text",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "Nothing says which token ends a text. Convert the checkpoint on the command line, and name the "
            "token with --end-of-text.",
        ),
    ),
    (
        r"this checkpoint brings no tokenizer",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "This checkpoint brings no tokenizer. Convert it on the command line, and name the tokenizer with "
            "--tokenizer.",
        ),
    ),
)
