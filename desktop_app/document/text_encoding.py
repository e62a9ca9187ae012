"""Bytes of a text file <-> text whose lines end in LF, without losing a byte.

    UTF-8 · UTF-8 with BOM · UTF-16 LE/BE with BOM, or without where it can be nothing else · GB18030 where nothing else
    fits and it decodes cleanly

A decoding counts only if encoding it again gives the same bytes: so a file that is opened and saved untouched stays the
same. Knows encodings and line ends; must not know files, Qt or the engine.
"""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from desktop_app.document.errors import NotEncodable, TextFileError

UTF_8 = "UTF-8"
UTF_8_BOM = "UTF-8 BOM"
UTF_16_LE = "UTF-16 LE"
UTF_16_BE = "UTF-16 BE"
UTF_16_LE_BARE = "UTF-16 LE without BOM"
UTF_16_BE_BARE = "UTF-16 BE without BOM"
GB18030 = "GB18030"

LF = "LF"
CRLF = "CRLF"
CR = "CR"
MIXED = "mixed"


@dataclass(frozen=True)
class _Encoding:
    codec: str
    bom: bytes
    errors: str  # "surrogatepass" where a file may hold half characters that must survive


_ENCODINGS: dict[str, _Encoding] = {
    UTF_8: _Encoding("utf-8", b"", "strict"),
    UTF_8_BOM: _Encoding("utf-8", codecs.BOM_UTF8, "strict"),
    UTF_16_LE: _Encoding("utf-16-le", codecs.BOM_UTF16_LE, "surrogatepass"),
    UTF_16_BE: _Encoding("utf-16-be", codecs.BOM_UTF16_BE, "surrogatepass"),
    UTF_16_LE_BARE: _Encoding("utf-16-le", b"", "strict"),
    UTF_16_BE_BARE: _Encoding("utf-16-be", b"", "strict"),
    GB18030: _Encoding("gb18030", b"", "strict"),
}
ENCODINGS = tuple(_ENCODINGS)
GUESSED = (UTF_16_LE_BARE, UTF_16_BE_BARE, GB18030)  # nothing in the bytes says so
_MARKED = (UTF_8_BOM, UTF_16_LE, UTF_16_BE)
_BARE = {UTF_16_LE_BARE: codecs.BOM_UTF16_LE, UTF_16_BE_BARE: codecs.BOM_UTF16_BE}

_LINE_ENDS = {LF: "\n", CRLF: "\r\n", CR: "\r"}
_PICTURE_MARKS = (b"%PDF-", b"\x89PNG", b"PK\x03\x04", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"{\\rtf")
# Controls that real text files hold: tab, line ends, form feed, escape, substitute (the end mark of old editors).
_TEXT_CONTROLS = frozenset("\t\n\r\f\x0b\x1b\x1a")
_CONTROL_SHARE_OF_BINARY = 0.02
_SAMPLE_BYTES = 65536
# Unassigned, private, half a character, control: no text of the wrong byte order is free of these for long.
_NOT_OF_A_TEXT = frozenset(("Cn", "Co", "Cs", "Cc"))


@dataclass(frozen=True)
class TextFormat:
    """How a text lies in its file; kept from opening to saving."""

    encoding: str = UTF_8
    line_ends: str = LF


@dataclass(frozen=True)
class DecodedText:
    """Text whose lines end in LF, and the format that gives the same bytes back."""

    text: str
    format: TextFormat


def decode_text(data: bytes, name: str) -> DecodedText:
    """The text of a file's bytes. Raises `TextFileError` where nothing can be promised; `name` is for its words."""
    if data.startswith(_PICTURE_MARKS):
        raise _binary(name)
    encoding, raw = _decode(data, name)
    if _is_full_of_controls(raw):
        raise _binary(name)
    return DecodedText(without_line_ends(raw), TextFormat(encoding, line_ends_of(raw)))


@dataclass(frozen=True)
class Reading:
    """How bytes are read where nothing is written back: a codec of Python's, and where the text begins."""

    encoding: str
    codec: str
    begin: int


def reading_of(beginning: bytes, name: str) -> Reading:
    """How a file is read of which only the beginning is known; what fits no encoding is taken for UTF-8 with faults.

    Raises `TextFileError` for what is no text; `name` is for its words.
    """
    if beginning.startswith(_PICTURE_MARKS):
        raise _binary(name)
    for encoding_name in _candidates(beginning):
        encoding = _ENCODINGS[encoding_name]
        raw = _begun(beginning[len(encoding.bom) :], encoding.codec)
        if raw is not None:
            if _is_full_of_controls(raw):
                raise _binary(name)
            return Reading(encoding_name, encoding.codec, len(encoding.bom))
    marked = next((each for each in _MARKED if beginning.startswith(_ENCODINGS[each].bom)), UTF_8)
    encoding = _ENCODINGS[marked]
    if _is_full_of_controls(beginning[len(encoding.bom) :].decode(encoding.codec, "replace")):
        raise _binary(name)
    return Reading(marked, encoding.codec, len(encoding.bom))


def encode_text(text: str, format: TextFormat, original: bytes | None = None) -> bytes:
    """The bytes of a text whose lines end in LF. Raises `NotEncodable`, naming the first character that does not fit.

    For line ends "mixed", `original` holds the bytes that the text came from: lines unchanged at its start and end keep
    their own line ends, all others get the most frequent one.
    """
    encoding = _ENCODINGS[format.encoding]
    if format.line_ends == MIXED:
        raw = _with_original_ends(text, _raw_text(original, encoding))
    else:
        raw = text.replace("\n", _LINE_ENDS[format.line_ends])
    try:
        data = encoding.bom + raw.encode(encoding.codec, encoding.errors)
    except UnicodeEncodeError as error:
        character = raw[error.start]
        line = without_line_ends(raw[: error.start]).count("\n") + 1
        offer = "" if "\ud800" <= character <= "\udfff" else UTF_8
        raise NotEncodable(format.encoding, character, line, offer) from error
    mark = _BARE.get(format.encoding)
    # Of so short a text nobody could tell what it is: it gets the mark that it lacked, or, in GB18030 which has none,
    # becomes UTF-8.
    if format.encoding == GB18030 and not data.isascii() and not _says_its_encoding(data, GB18030):
        return raw.encode("utf-8")
    return data if mark is None or _says_its_encoding(data, format.encoding) else mark + data


def demand_text(text: str, data: bytes, name: str) -> None:
    """Raise `TextFileError` where `data`, which `text` was written as, would not be opened as a text again."""
    if data.startswith(_PICTURE_MARKS) or _is_full_of_controls(text):
        words = f"{name} would not be opened again as plain text: it begins or reads like a file of another kind"
        raise TextFileError(f"{words}; save it as a .nextstroke document", "would_not_open", name=name)


def line_ends_of(raw: str) -> str:
    """Which line ends a text has; "LF" when it has none."""
    pairs = raw.count("\r\n")
    kinds = {CRLF: pairs, LF: raw.count("\n") - pairs, CR: raw.count("\r") - pairs}
    present = [kind for kind, count in kinds.items() if count]
    if len(present) > 1:
        return MIXED
    return present[0] if present else LF


def without_line_ends(raw: str) -> str:
    """The text with every line end written as LF."""
    return raw.replace("\r\n", "\n").replace("\r", "\n")


def _decode(data: bytes, name: str) -> tuple[str, str]:
    for encoding_name in _MARKED:
        if data.startswith(_ENCODINGS[encoding_name].bom):
            raw = _decode_exactly(data, _ENCODINGS[encoding_name])
            if raw is None:
                raise TextFileError(
                    f"{name} begins like {encoding_name} but is damaged further on; nothing was changed, "
                    "open it with the program that wrote it",
                    "damaged_text",
                    name=name,
                    encoding=encoding_name,
                )
            return encoding_name, raw
    for encoding_name in _candidates(data):
        raw = _decode_exactly(data, _ENCODINGS[encoding_name])
        if raw is not None:
            return encoding_name, raw
    if _looks_binary(data):
        raise _binary(name)
    raise TextFileError(
        f"{name} is in an encoding that is neither UTF-8, UTF-16 nor GB18030; nothing was changed, "
        "save it as UTF-8 in the program that wrote it and open it again",
        "unknown_encoding",
        name=name,
    )


def _says_its_encoding(data: bytes, encoding: str) -> bool:
    try:
        return decode_text(data, "").format.encoding == encoding
    except TextFileError:
        return False


def _candidates(data: bytes) -> tuple[str, ...]:
    """The encodings to try, the most probable first."""
    marked = tuple(name for name in _MARKED if data.startswith(_ENCODINGS[name].bom))
    if marked:
        return marked
    # A few NULs are odd text; where they abound, two bytes are a character, or it is no text at all.
    first = (UTF_8,) if data.count(0) * 8 < len(data) else ()
    return (*first, *_utf_16_without_bom(data), UTF_8, GB18030)


def _utf_16_without_bom(data: bytes) -> Iterator[str]:
    """Which UTF-16 these bytes are, if any: half of a Latin letter is NUL there, which no other text holds."""
    if len(data) % 2 or b"\0" not in data[:_SAMPLE_BYTES]:
        return
    sample = data[:_SAMPLE_BYTES]
    fitting = [name for name in (UTF_16_LE_BARE, UTF_16_BE_BARE) if _is_plain_text(sample, _ENCODINGS[name].codec)]
    if len(fitting) == 1:
        yield fitting[0]


def _is_plain_text(sample: bytes, codec: str) -> bool:
    text = _begun(sample, codec)
    return text is not None and all(
        character in _TEXT_CONTROLS or unicodedata.category(character) not in _NOT_OF_A_TEXT for character in text
    )


def _begun(data: bytes, codec: str) -> str | None:
    """The text of bytes that may end within a character; None where they are of another encoding."""
    try:
        return codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeDecodeError:
        return None


def _is_full_of_controls(raw: str) -> bool:
    controls = sum(1 for character in raw if character < " " and character not in _TEXT_CONTROLS)
    return controls > _CONTROL_SHARE_OF_BINARY * len(raw)


def _decode_exactly(data: bytes, encoding: _Encoding) -> str | None:
    body = data[len(encoding.bom) :]
    try:
        raw = body.decode(encoding.codec, encoding.errors)
        return raw if raw.encode(encoding.codec, encoding.errors) == body else None
    except UnicodeError:
        return None


def _looks_binary(data: bytes) -> bool:
    sample = data[:_SAMPLE_BYTES]
    controls = sum(1 for byte in sample if byte < 32 and chr(byte) not in _TEXT_CONTROLS)
    return controls > _CONTROL_SHARE_OF_BINARY * len(sample)


def _binary(name: str) -> TextFileError:
    return TextFileError(
        f"{name} is not a text file; nothing was changed, open a .txt or .md file instead", "binary_file", name=name
    )


def _raw_text(original: bytes | None, encoding: _Encoding) -> str:
    return (_decode_exactly(original, encoding) or "") if original else ""


def _with_original_ends(text: str, raw: str) -> str:
    old = list(_lines_with_ends(raw))
    new = text.split("\n")
    ends = [end for _, end in old if end]
    usual = max(("\n", "\r\n", "\r"), key=ends.count)  # the first wins a tie
    start = 0
    while start < min(len(old), len(new) - 1) and old[start][0] == new[start] and old[start][1]:
        start += 1
    pieces = [line + end for line, end in old[:start]]
    tail: list[str] = []
    behind = 1  # the last line has no end; walk back from it while the lines agree
    while behind <= min(len(old), len(new)) - start and old[-behind][0] == new[-behind]:
        tail.append(old[-behind][0] + old[-behind][1])
        behind += 1
    middle = new[start : len(new) - len(tail)]
    pieces += [line + usual for line in middle[:-1]]
    if middle:
        pieces.append(middle[-1] + (usual if tail else ""))
    pieces += reversed(tail)
    for index, following in enumerate(pieces[1:]):
        if following == "\n" and pieces[index].endswith("\r"):
            pieces[index] += "\n"  # two line ends that only now stand together would be read as one
    return "".join(pieces)


def _lines_with_ends(raw: str) -> Iterator[tuple[str, str]]:
    """(line, its end) pairs; the last line's end is empty, so joining all pairs gives `raw`."""
    position = 0
    while True:
        line_feed, carriage = raw.find("\n", position), raw.find("\r", position)
        found = min((place for place in (line_feed, carriage) if place >= 0), default=-1)
        if found < 0:
            yield raw[position:], ""
            return
        end = "\r\n" if raw.startswith("\r\n", found) else raw[found]
        yield raw[position:found], end
        position = found + len(end)
