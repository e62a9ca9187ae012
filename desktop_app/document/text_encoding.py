"""Bytes of a text file <-> text whose lines end in LF, without losing a byte.

    UTF-8 · UTF-8 with BOM · UTF-16 LE/BE with BOM · GB18030 where nothing else fits and it decodes cleanly

A decoding counts only if encoding it again gives the same bytes: so a file that is opened and saved untouched stays the
same. Knows encodings and line ends; must not know files, Qt or the engine.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from desktop_app.document.errors import NotEncodable, TextFileError

UTF_8 = "UTF-8"
UTF_8_BOM = "UTF-8 BOM"
UTF_16_LE = "UTF-16 LE"
UTF_16_BE = "UTF-16 BE"
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
    GB18030: _Encoding("gb18030", b"", "strict"),
}
ENCODINGS = tuple(_ENCODINGS)

_LINE_ENDS = {LF: "\n", CRLF: "\r\n", CR: "\r"}
_PICTURE_MARKS = (b"%PDF-", b"\x89PNG", b"PK\x03\x04", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"{\\rtf")
# Controls that real text files hold: tab, line ends, form feed, escape, substitute (the end mark of old editors).
_TEXT_CONTROLS = frozenset("\t\n\r\f\x0b\x1b\x1a")
_CONTROL_SHARE_OF_BINARY = 0.02


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
    controls = sum(1 for character in raw if character < " " and character not in _TEXT_CONTROLS)
    if controls > _CONTROL_SHARE_OF_BINARY * len(raw):
        raise _binary(name)
    return DecodedText(without_line_ends(raw), TextFormat(encoding, line_ends_of(raw)))


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
        return encoding.bom + raw.encode(encoding.codec, encoding.errors)
    except UnicodeEncodeError as error:
        character = raw[error.start]
        line = without_line_ends(raw[: error.start]).count("\n") + 1
        offer = "" if "\ud800" <= character <= "\udfff" else UTF_8
        raise NotEncodable(format.encoding, character, line, offer) from error


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
    for encoding_name in (UTF_8_BOM, UTF_16_LE, UTF_16_BE):
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
    for encoding_name in (UTF_8, GB18030):
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


def _decode_exactly(data: bytes, encoding: _Encoding) -> str | None:
    body = data[len(encoding.bom) :]
    try:
        raw = body.decode(encoding.codec, encoding.errors)
        return raw if raw.encode(encoding.codec, encoding.errors) == body else None
    except UnicodeError:
        return None


def _looks_binary(data: bytes) -> bool:
    sample = data[:65536]
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
    return "".join(pieces) + "".join(reversed(tail))


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
