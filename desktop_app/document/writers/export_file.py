"""Write a manuscript to a file of any format, whole or not at all, with the origin of its text where that is asked for.

    manuscript → blocks → writer → bytes → Disk.write_safely (→ a sidecar beside it)

For: the window's export. Knows `Disk` and writers by their face; must not know Qt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import TextFileError
from desktop_app.document.writers.docx_writer import DocxWriter
from desktop_app.document.writers.epub_writer import EpubWriter
from desktop_app.document.writers.html_writer import HtmlWriter
from desktop_app.document.writers.manuscript import Manuscript
from desktop_app.document.writers.markdown_writer import MarkdownWriter
from desktop_app.document.writers.prose_markup import read_blocks
from desktop_app.document.writers.sidecar import SUFFIX, sidecar
from desktop_app.document.writers.text_writer import TextWriter
from desktop_app.document.writers.writer import Writer

WRITERS: tuple[Writer, ...] = (TextWriter(), MarkdownWriter(), HtmlWriter(), DocxWriter(), EpubWriter())


def rendered(manuscript: Manuscript, writer: Writer, with_origin: bool = False) -> bytes:
    """The bytes of the file. Where its format does not show origins, pieces are not cut by them."""
    seen = manuscript if with_origin and writer.marks_origin else replace(manuscript, runs=())
    return writer.write(seen, read_blocks(seen), with_origin)


def files_of(path: Path, manuscript: Manuscript, writer: Writer, with_origin: bool) -> list[Path]:
    """The files that an export writes: `path`, and the origin beside it where the format shows none."""
    if not with_origin or writer.marks_origin or not manuscript.runs:
        return [path]
    return [path, path.with_name(path.name + SUFFIX)]


def export_file(
    disk: Disk, path: Path, manuscript: Manuscript, writer: Writer, with_origin: bool = False
) -> list[Path]:
    """The files that were written. Raises `DiskError`, or `TextFileError` where the format cannot hold the text.

    A file that was there then stays whole.
    """
    try:
        data = rendered(manuscript, writer, with_origin)
    except Exception as error:  # five libraries' own errors have no common name
        reason = str(error) or type(error).__name__
        words = f"{path.name} cannot be written as {writer.suffix}: {reason}; choose another format"
        raise TextFileError(words, "not_rendered", name=path.name, reason=reason) from error
    files = files_of(path, manuscript, writer, with_origin)
    disk.write_safely(path, data)
    for beside in files[1:]:
        disk.write_safely(beside, sidecar(manuscript, path.name, data))
    return files
