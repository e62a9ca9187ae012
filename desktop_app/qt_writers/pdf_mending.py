"""What Qt's PDF gets wrong about its text, put right by an incremental update at the end of the file.

    original bytes, untouched  +  new versions of /ToUnicode maps and the catalog  +  xref with /Prev

Qt tells a reader the first code point that a font draws with a glyph: a radical (⽉ U+2F49) in the place of 月, so that
searching and copying Chinese fails; and a tab for a space. The catalog gets the /Lang that screen readers ask for.

For: pdf_writer. Knows the few PDF objects that Qt writes (ISO 32000-1, 7.5.6 and 9.10.3); must not know Qt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_TO_UNICODE = re.compile(rb"/ToUnicode (\d+) 0 R")
_CODE = re.compile(rb"<([0-9A-F]{4})>")
_RADICALS = range(0x2E80, 0x2FE0)
_RANGES = re.compile(rb"beginbfrange\n(.*?)endbfrange", re.DOTALL)


def radicals() -> list[str]:
    """Every radical that may stand where an ideograph is meant."""
    return [chr(code) for code in _RADICALS]


def mended(data: bytes, language: str, meant: Mapping[str, str]) -> bytes:
    """The file with its additions. `meant`: the ideograph of the text for a radical of the same glyph."""
    trailer = re.search(rb"trailer\n<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*$", data, re.DOTALL)
    catalog = re.search(rb"/Root (\d+) 0 R", trailer[1]) if trailer else None
    if trailer is None or catalog is None:
        return data  # another Qt writes it otherwise: better as it is than broken
    changed: dict[int, bytes] = {}
    for number in sorted({int(found) for found in _TO_UNICODE.findall(data)}):
        map_object = _object(data, number)
        if map_object is not None:
            changed[number] = _with_meant(map_object, meant)
    root = _object(data, int(catalog[1]))
    if root is not None:
        tag = language.encode("ascii", "ignore")
        changed[int(catalog[1])] = root.replace(b"/Type /Catalog", b"/Type /Catalog\n/Lang (" + tag + b")")
    return data + _update(len(data), changed, trailer[1], int(trailer[2]))


def _object(data: bytes, number: int) -> bytes | None:
    """The body of an object, between `obj` and `endobj`."""
    found = re.search(rb"(?:^|\n)%d 0 obj\n(.*?)\nendobj" % number, data, re.DOTALL)
    return found[1] if found else None


def _with_meant(map_object: bytes, meant: Mapping[str, str]) -> bytes:
    start, end = map_object.index(b"stream\n") + 7, map_object.rindex(b"endstream")
    body = _RANGES.sub(lambda block: _mend_targets(block[0], meant), map_object[start:end])
    return b"<< /Length %d >>\nstream\n" % len(body.rstrip(b"\n")) + body.rstrip(b"\n") + b"\nendstream"


def _mend_targets(block: bytes, meant: Mapping[str, str]) -> bytes:
    """In each line `<first> <last> targets` only the targets are characters."""

    def target(found: re.Match[bytes]) -> bytes:
        character = chr(int(found[1], 16))
        if character == "\t":
            character = " "
        elif ord(character) in _RADICALS:
            character = meant.get(character) or unicodedata.normalize("NFKC", character)
        return b"<%04X>" % ord(character)

    lines = []
    for line in block.split(b"\n"):
        parts = re.match(rb"(<[0-9A-F]{4}> <[0-9A-F]{4}> )(.*)", line)
        lines.append(parts[1] + _CODE.sub(target, parts[2]) if parts else line)
    return b"\n".join(lines)


def _update(start: int, changed: Mapping[int, bytes], trailer: bytes, previous: int) -> bytes:
    body, table = b"\n", b""
    for number, content in changed.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, start + len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    ending = b"trailer\n<<%s/Prev %d\n>>\nstartxref\n%d\n%%%%EOF\n" % (trailer, previous, start + len(body))
    return body + b"xref\n" + table + ending
