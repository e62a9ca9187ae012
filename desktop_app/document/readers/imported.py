"""What an import gives: text for the page, what is known of the book, what the person should be told.

For: readers and the window's import. All of the text is of the kind `imported`. Must not know formats, Qt or files.
"""

from __future__ import annotations

from dataclasses import dataclass

from desktop_app.document.text_file import Note
from desktop_app.document.writers.manuscript import Metadata


@dataclass(frozen=True)
class ImportedText:
    """`text`: Markdown-like, lines ending in LF. `said_language`: what the file names, "" if it is guessed."""

    text: str
    metadata: Metadata
    notes: tuple[Note, ...] = ()
    said_language: str = ""
