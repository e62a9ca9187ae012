"""What several commands read: a text from an argument, a file or standard input; token ids; a model.

Knows: argument names, files, UTF-8. Must not know what is done with the text.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contracts.errors import EmptyPromptError, FileError, UsageError, file_error
from engine.library import open_library

if TYPE_CHECKING:  # the real import loads ONNX Runtime, which `--help` and wrong arguments need not wait for
    from engine.loaded_model import LoadedModel

STANDARD_INPUT = "-"
MOST_DIGITS = 100  # Python reads no whole number of more than 4,300
MOST_JSON_DIGITS = 4000


def add_model_argument(parser: argparse.ArgumentParser) -> None:
    """`--model`."""
    parser.add_argument("--model", metavar="M", help="model folder, or a name from `nextstroke models`")


def add_draft_argument(parser: argparse.ArgumentParser) -> None:
    """`--draft`."""
    parser.add_argument(
        "--draft", metavar="M", help="a small model with the same tokens that guesses ahead, where that is faster here"
    )


def add_network_alone_argument(parser: argparse.ArgumentParser) -> None:
    """`--network-alone`."""
    parser.add_argument(
        "--network-alone", action="store_true", help="leave out the n-grams that a model has beside its network"
    )


def open_model(arguments: argparse.Namespace, wanted: str | None) -> LoadedModel:
    """Load the model of that name or path (None: the bundled one) as the flags for models say."""
    folder = open_library().find(wanted)
    from engine.loaded_model import load_model

    model = load_model(folder, arguments.device, arguments.threads)
    if model.device.note:
        print(model.device.note, file=sys.stderr)
    if getattr(arguments, "network_alone", False):
        model = model.network_alone()
    wanted_draft = getattr(arguments, "draft", None)
    return model if wanted_draft is None else _with_draft(model, wanted_draft)


def _with_draft(model: LoadedModel, wanted: str) -> LoadedModel:
    folder = open_library().find(wanted)
    from engine.draft_trial import with_draft

    both = with_draft(model, folder)
    print(both.draft.note if both.draft is not None else "", file=sys.stderr)
    return both


def read_text(
    text: str | None, file: str | None, ids: str | None, name: str
) -> tuple[str | None, tuple[int, ...] | None]:
    """The text or the token ids, whichever was given. Raises `UsageError` unless it is exactly one of the three."""
    given = [choice for choice in (text, file, ids) if choice is not None]
    if len(given) != 1:
        problem = "nothing to read was given" if not given else "more than one text was given"
        raise UsageError(f"{problem}; give one of {name}, a file, or --ids")
    if ids is not None:
        return None, parse_ids(ids)
    found = read_text_file(Path(file)) if file is not None else _argument_text(text or "")
    if not found:
        raise EmptyPromptError(f"{file or name} is empty; there must be at least one character to go on from")
    return found, None


def read_text_file(path: Path) -> str:
    """The content of a UTF-8 file, exactly, without a byte order mark. Raises `FileError`."""
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a text file in it")
    try:
        return decode_text(path.read_bytes(), str(path))
    except OSError as error:
        raise file_error(error, f"read {path}") from error


def read_json_file(path: Path) -> Any:
    """What the JSON in a file says. Raises `FileError`, `UsageError`, and `ValueError` for what is no JSON."""

    def whole_number(digits: str) -> int:
        if len(digits) > MOST_JSON_DIGITS:
            raise UsageError(f"{path} has a number of {len(digits):,} digits, which no setting takes; correct it")
        return int(digits)

    return json.loads(read_text_file(path), parse_int=whole_number)


def decode_text(content: bytes, name: str) -> str:
    """UTF-8 bytes as text. Raises `FileError` that says where the first wrong byte is."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "it looks like UTF-16; " if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise FileError(
            f"{name} is not UTF-8 text: {hint}byte 0x{content[error.start]:02x} at offset {error.start} "
            "belongs to no character; save it as UTF-8 and try again"
        ) from error


def parse_ids(text: str) -> tuple[int, ...]:
    """Token ids out of "1 2 3" (commas allowed)."""
    words = text.replace(",", " ").split()
    if not words:
        raise EmptyPromptError("--ids is empty; give at least one token id")
    wrong = next((word for word in words if not word.isascii() or not word.isdigit()), None)
    if wrong is not None:
        raise UsageError(f"--ids has {wrong!r}, which is no token id; give whole numbers, as --ids '1 2 3'")
    longest = max(words, key=len)
    if len(longest) > MOST_DIGITS:
        raise UsageError(f"--ids has a number of {len(longest)} digits, which is no token id; see `--ids '1 2 3'`")
    return tuple(int(word) for word in words)


def _argument_text(text: str) -> str:
    if text == STANDARD_INPUT:
        return decode_text(sys.stdin.buffer.read(), "standard input")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(f"the text is not UTF-8 at character {error.start}; set the terminal to UTF-8") from error
    return text
