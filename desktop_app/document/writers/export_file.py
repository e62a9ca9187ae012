"""Write a manuscript to a file of any format, whole or not at all, with the origin of its text where that is asked for.

    manuscript → blocks → writer → bytes → Disk.write_safely (→ a sidecar beside it)

For: the window's export. Knows `Disk` and writers by their face; must not know Qt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop_app.document.disk import Disk
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


def export_file(
    disk: Disk, path: Path, manuscript: Manuscript, writer: Writer, with_origin: bool = False
) -> list[Path]:
    """The files that were written. Raises `DiskError`; a file that was there then stays whole."""
    data = rendered(manuscript, writer, with_origin)
    disk.write_safely(path, data)
    if not with_origin or writer.marks_origin or not manuscript.runs:
        return [path]
    beside = path.with_name(path.name + SUFFIX)
    disk.write_safely(beside, sidecar(manuscript, path.name, data))
    return [path, beside]
