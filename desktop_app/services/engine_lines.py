"""English lines of the engine that a person can meet in the window, with their sentences there.

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
        r"there is no model folder and no model named .(?P<name>.+).; known models",
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
        r"(?P<file>.+?) is missing from (?P<path>.+); fetch",
        QT_TRANSLATE_NOOP("ErrorWords", "The model folder lacks the file {file}. Fetch or convert the model again."),
    ),
    (
        r"(?P<file>.+?) in (?P<path>.+) has \d+ bytes instead of \d+",
        QT_TRANSLATE_NOOP("ErrorWords", "The file {file} of the model is cut off. Fetch or convert the model again."),
    ),
    (
        r"(?P<file>.+?) in (?P<path>.+) differs from its SHA-256",
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
        r"nextstroke\.json (?:is not JSON|does not|lacks or|misspells|was changed|has no|has an|names no|asks for a)",
        QT_TRANSLATE_NOOP("ErrorWords", "The description of the model is damaged. Fetch or convert the model again."),
    ),
    (
        r"nextstroke\.json has format version (?P<version>\S+), this program",
        QT_TRANSLATE_NOOP("ErrorWords", "The model is of a newer format ({version}). Update the program."),
    ),
    (
        r"every possible next token is forbidden",
        QT_TRANSLATE_NOOP("ErrorWords", "The rules forbid every possible next word. Loosen one of them."),
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
        r"The processor answers faster with this model than .+ \((?P<ours>\S+) ms against (?P<theirs>\S+) ms",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "With this model the processor is faster than the graphics card ({ours} ms, {theirs} ms). It is used.",
        ),
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
    (
        r"there is no model named .(?P<name>.+).; those you added",
        QT_TRANSLATE_NOOP("ErrorWords", "There is no model “{name}” on this computer. Choose another one."),
    ),
    (
        r"(?P<path>.+) is a file, not a model folder",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” is a file, not a model folder. Choose a folder, or convert a checkpoint."
        ),
    ),
    (
        r"(?P<path>.+) holds no n-grams that fit this model \(.*\); fetch",
        QT_TRANSLATE_NOOP("ErrorWords", "The model's n-grams are damaged or of another model. Fetch the model again."),
    ),
    (
        r"(?P<path>.+) lists no file (?P<file>.+); export",
        QT_TRANSLATE_NOOP("ErrorWords", "The model folder lacks the file {file}. Fetch or convert the model again."),
    ),
    (
        r"(?P<file>.+?)(?: in .+)? is a link out of the folder",
        QT_TRANSLATE_NOOP("ErrorWords", "“{file}” leads out of the model folder. Do not use this model."),
    ),
    (
        r"nextstroke\.json names the file .(?P<file>.+)., which lies outside",
        QT_TRANSLATE_NOOP("ErrorWords", "“{file}” leads out of the model folder. Do not use this model."),
    ),
    (
        r"(?P<file>.+?) in .+ is not an ordinary file",
        QT_TRANSLATE_NOOP("ErrorWords", "“{file}” is not an ordinary file. Do not use this model."),
    ),
    (
        r".+ is (?:no ordinary manifest file|not UTF-8 text); fetch or export the model folder"
        r"|.+ names no decoder graph; export",
        QT_TRANSLATE_NOOP("ErrorWords", "The description of the model is damaged. Fetch or convert the model again."),
    ),
    (
        r"cannot .+: the disk is full;",
        QT_TRANSLATE_NOOP("ErrorWords", "The disk is full. Free some space and try again."),
    ),
    (
        r"cannot read (?:the models folder )?(?P<path>.+): no permission;",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” cannot be read: you have no permission. Ask its owner, or choose another place."
        ),
    ),
    (
        r"cannot (?:write|remove|use the models folder|add .+ to the models in) (?P<path>.+): no permission;",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” cannot be changed: you may not write there. Ask its owner, or choose another place."
        ),
    ),
    (
        r"cannot (?:read the models folder|read|write|remove|use the models folder"
        r"|add .+ to the models in) (?P<path>.+): it does not exist;",
        QT_TRANSLATE_NOOP("ErrorWords", "“{path}” does not exist any more. Check the name and try again."),
    ),
    (
        r"cannot (?:read the models folder|read the tokenizer"
        r"|read) (?P<path>.+): (?P<reason>.+); check (?:the disk|permissions|the path)",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” cannot be read ({reason}). Check permissions and disk, then try again."
        ),
    ),
    (
        r"cannot look at (?P<path>.+) \((?P<reason>.+)\); check permissions",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” cannot be read ({reason}). Check permissions and disk, then try again."
        ),
    ),
    (
        r"cannot (?:write|remove|use the models folder"
        r"|add .+ to the models in) (?P<path>.+): (?P<reason>.+); check the disk",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "“{path}” cannot be written ({reason}). Check permissions and disk, then try again."
        ),
    ),
    (
        r"this user has no home folder",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "You have no home folder, so there is no place for models and settings. Set HOME, or start the "
            "program with --profile.",
        ),
    ),
    (
        r"ONNX Runtime cannot load (?P<path>.+) \(.*\); export",
        QT_TRANSLATE_NOOP("ErrorWords", "ONNX Runtime cannot load “{path}”. Fetch or convert the model again."),
    ),
    (
        r"the model needs (?P<needed>.+?) of memory \(weights (?P<weights>.+?), cache (?P<cache>.+?), working "
        r"(?P<working>.+?)\) and (?P<free>.+?) is free",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The model needs {needed} of memory (weights {weights}, cache {cache}, working {working}), but {free} is "
            "free. Close other programs, or take a smaller model.",
        ),
    ),
    (
        r"Memory is short: with a long text the model needs (?P<needed>.+?) and (?P<free>.+?) is free",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "Memory is short: with a long text the model needs {needed}, and {free} is free. Close other programs, or "
            "take a smaller model.",
        ),
    ),
    (
        r"the computer's memory is full|the checkpoint needs more memory"
        r"|ONNX Runtime could not run the model: .*(?:allocate memory|out of memory|bad_alloc)",
        QT_TRANSLATE_NOOP("ErrorWords", "There is not enough memory. Close other programs, or take a smaller model."),
    ),
    (
        r"ONNX Runtime could not run the model: (?!.*(?:allocate memory|out of memory"
        r"|bad_alloc))(?P<reason>.+); restart",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The model could not be run ({reason}). Start the program again, or choose the processor."
        ),
    ),
    (
        r".+, so this program cannot run it; export|.+ has no \S+ cache, as its manifest says",
        QT_TRANSLATE_NOOP("ErrorWords", "This program cannot run the graph of this model. Convert the model again."),
    ),
    (
        r"the tokenizer in .+ has (?P<tokens>\d+) tokens but the model only (?P<size>\d+), so they do not",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The tokenizer has {tokens} tokens, but the model only {size}. Convert the model again with its own "
            "tokenizer.",
        ),
    ),
    (
        r"unknown kind of tokenizer .(?P<kind>.+).; known are",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The tokenizer of the model is of an unknown kind ({kind}). Update the program."
        ),
    ),
    (
        r".+ has \d+ tokens, so its \S+ token cannot be",
        QT_TRANSLATE_NOOP("ErrorWords", "The tokenizer does not belong to the model. Use the one that does."),
    ),
    (
        r"(?P<path>.+) is not a (?:SentencePiece model|tokenizer\.json), or it is damaged",
        QT_TRANSLATE_NOOP("ErrorWords", "The tokenizer “{path}” is damaged or of an unknown kind. Fetch it again."),
    ),
    (
        r"(?P<path>.+) is not a byte-level tokenizer",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "The tokenizer “{path}” is not a byte-level one. Use the SentencePiece file (tokenizer.model) of the "
            "model.",
        ),
    ),
    (
        r"the text holds half a character .+ at position (?P<place>\d+)",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The text holds half a character (at position {place}). Delete it and try again."
        ),
    ),
    (
        r"the generation ended without a result",
        QT_TRANSLATE_NOOP("ErrorWords", "The writing ended without a result. Try again."),
    ),
    (
        r"unexpected (?P<name>\S+) in the engine",
        QT_TRANSLATE_NOOP(
            "ErrorWords",
            "Something unexpected happened in the engine ({name}). Try again, and report it if it comes back.",
        ),
    ),
    (
        r"the engine does not take any more messages",
        QT_TRANSLATE_NOOP("ErrorWords", "The engine does not answer any more. Start it again."),
    ),
    (
        r"a message of \d+ bytes is longer than a frame may be",
        QT_TRANSLATE_NOOP("ErrorWords", "The text is too long for the engine. Shorten it."),
    ),
    (
        r"a frame (?:claims|is not JSON|has no type)",
        QT_TRANSLATE_NOOP("ErrorWords", "The connection to the engine is disturbed. Start the engine again."),
    ),
    (
        r"there is no message .+; update|this is no generation request|the message .+ has no text .+; update",
        QT_TRANSLATE_NOOP(
            "ErrorWords", "The window and the engine are of different versions. Install the program again."
        ),
    ),
)
