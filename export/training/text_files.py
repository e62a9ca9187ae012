"""One file of a person's own writing -> its plain text: .txt, .md and .docx.

    UTF-8 · UTF-8 with BOM · UTF-16 LE/BE with BOM · GB18030 where nothing else fits and it decodes cleanly

For: `own_texts.py`.
Knows: these encodings, what a binary file looks like, and where a Word file keeps its words. The window reads text by
the same rules; a test holds both to it, since neither may import the other.
Must not know: folders, tokenizers, training.
"""

from __future__ import annotations

import codecs
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.contracts.errors import CorpusError, MissingExtraError

PLAIN, WORD = (".txt", ".md"), (".docx",)

_WITH_BOM = (("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE))
_BINARY_MARKS = (b"%PDF-", b"\x89PNG", b"PK\x03\x04", b"\xff\xd8\xff", b"GIF8", b"\x7fELF", b"\x1f\x8b", b"{\\rtf")
_TEXT_CONTROLS = frozenset("\t\n\r\f\x0b\x1b\x1a")  # tab, line ends, form feed, escape, the end mark of old editors
_CONTROL_SHARE_OF_BINARY = 0.02
_LARGEST_WORD_FILE = 512 * 1000 * 1000  # bytes unpacked; a small file can claim any size


def read_text_file(path: Path) -> str:
    """The text of a file, lines ended by LF. Raises `CorpusError` whose line is the reason alone, without the name."""
    try:
        text = _word_text(path) if path.suffix.lower() in WORD else decode(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"cannot be read: {error.strerror or error}") from error
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not text.strip():
        raise CorpusError("is empty")
    return text


def decode(data: bytes) -> str:
    """The text of a plain file's bytes, by the first encoding that gives the same bytes back."""
    if data.startswith(_BINARY_MARKS):
        raise CorpusError("is no text file")
    for encoding, bom in _WITH_BOM:
        if data.startswith(bom):
            text = _exactly(data[len(bom) :], encoding)
            if text is None:
                raise CorpusError(f"begins like {encoding.upper()} but is damaged further on")
            return _without_binary(text)
    for encoding in ("utf-8", "gb18030"):
        text = _exactly(data, encoding)
        if text is not None:
            return _without_binary(text)
    raise CorpusError("is in an encoding that is neither UTF-8, UTF-16 nor GB18030, or no text at all")


def _exactly(data: bytes, encoding: str) -> str | None:
    try:
        text = data.decode(encoding)
        return text if text.encode(encoding) == data else None
    except UnicodeError:
        return None


def _without_binary(text: str) -> str:
    controls = sum(1 for character in text if character < " " and character not in _TEXT_CONTROLS)
    if controls > _CONTROL_SHARE_OF_BINARY * len(text):
        raise CorpusError("is no text file")
    return text


def _word_text(path: Path) -> str:
    try:
        import docx
    except ImportError as error:
        raise MissingExtraError(
            'reading .docx files needs python-docx; install the extra: pip install "nextstroke[export]"'
        ) from error
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _LARGEST_WORD_FILE:
            raise CorpusError(f"would unpack to {unpacked / 1e6:,.0f} MB, which no text needs")
        return "\n".join(_blocks(docx.Document(str(path))))
    except (OSError, CorpusError):
        raise
    except Exception as error:  # the library's own errors and its XML parser's have no common name
        raise CorpusError("is no Word file (.docx), or it is damaged") from error


def _blocks(container: Any) -> Iterator[str]:
    """Paragraphs and the cells of tables, in reading order."""
    for block in container.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                cells = dict.fromkeys(cell._tc for cell in row.cells)  # a merged cell is listed once for each column
                by_element = {cell._tc: cell for cell in row.cells}
                yield "\t".join("\n".join(_blocks(by_element[element])) for element in cells)
        else:
            yield block.text
