"""Read a file of another program as a new text: .docx, and .txt or .md as they are. The file itself is never touched.

For: the window's import. Knows `Disk` and the readers; must not know Qt.
"""

from __future__ import annotations

import re
from pathlib import Path

from desktop_app.document.any_file import demand_page
from desktop_app.document.disk import Disk
from desktop_app.document.errors import TextFileError
from desktop_app.document.readers.docx_reader import read_docx
from desktop_app.document.readers.imported import ImportedText
from desktop_app.document.text_file import SIZE_LIMIT_BYTES, open_text
from desktop_app.document.writers.manuscript import Metadata, language_of

SUFFIXES = (".txt", ".md", ".docx")
_HEAD = re.compile(r"---\n((?:[A-Za-z_-]+:.*\n)+)---\n+")
_KEPT = ("title", "author", "lang")  # the fields of our own Markdown


def import_file(disk: Disk, path: Path) -> ImportedText:
    """The text of a file, one that a page can hold. Raises `DiskError` or `TextFileError`."""
    imported = _read(disk, path)
    demand_page(imported.text, path.name)
    return imported


def _read(disk: Disk, path: Path) -> ImportedText:
    if path.suffix.lower() == ".docx":
        data = disk.read_bytes(path, SIZE_LIMIT_BYTES)
        if len(data) > SIZE_LIMIT_BYTES:
            limit = f"{SIZE_LIMIT_BYTES // 2**20} MB"
            words = f"{path.name} is larger than {limit}, more than this editor shows smoothly; split it"
            raise TextFileError(words, "file_too_large", name=path.name, limit=limit)
        return read_docx(data, path.name)
    opened = open_text(disk, path)
    fields, text = _head_and_text(opened.text, path.suffix.lower() == ".md")
    said = fields.get("lang", "")
    metadata = Metadata(fields.get("title", ""), fields.get("author", ""), said or language_of(text))
    return ImportedText(text, metadata, opened.notes, said)


def _head_and_text(text: str, is_markdown: bool) -> tuple[dict[str, str], str]:
    """What the YAML head says that our own Markdown writer and others put first, and the text.

    A head leaves the text where that loses nothing: of a Markdown file, every field one that is kept, none twice.
    """
    found = _HEAD.match(text)
    if found is None:
        return {}, text
    lines = [line.partition(":") for line in found[1][:-1].split("\n")]
    fields = {name: _unquoted(value.strip()) for name, _, value in lines if name in _KEPT}
    is_kept_whole = is_markdown and len(fields) == len(lines)
    return fields, text[found.end() :] if is_kept_whole else text


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return value
