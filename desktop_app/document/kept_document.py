"""What the recovery store keeps of an open document: all of it, and where it belongs.

    stored     text, branches, bookmarks, steps, records; what is said of it; earlier texts
    path …     its file, the version of that file that it came from, whether it holds more than the file

Knows the document and its file. Must not know: SQLite, Qt, the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.document.nextstroke_file import StoredDocument
from desktop_app.document.text_as_document import document_of_text
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion

Spans = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class KeptDocument:
    """One open document at one moment.

    `key` names it for as long as it is open (any unique text); `path` is None for a text without a file; `version` is
    the state of its file that it came from. `is_text_only`: the store had no more than the text of the shown branch (an
    older program's, or a damaged row), so that a `.nextstroke` file may hold branches that are not here.
    """

    key: str
    stored: StoredDocument
    path: Path | None = None
    caret: int = 0  # as the editor counts it; it may lie behind the end of a file that has become shorter
    scroll: int = 0
    format: TextFormat = field(default_factory=TextFormat)
    version: FileVersion | None = None
    is_modified: bool = True  # there is something that its file does not hold
    changed_at: float = 0.0  # seconds since 1970, set by the store
    branch: int = 0  # the one that the session's file says was shown; 0: it does not say
    is_text_only: bool = False
    is_damaged: bool = False  # the store gave back what can be read; "\ufffd" stands where bytes make no sense

    @classmethod
    def of_text(
        cls,
        key: str,
        text: str,
        path: Path | None = None,
        generated: Spans = (),
        is_modified: bool = True,
        is_damaged: bool = False,
    ) -> KeptDocument:
        """A text of which nothing else is known. `generated`: what the model wrote, as an editor counts."""
        stored = StoredDocument(document_of_text(text, generated))
        return cls(key, stored, path, is_modified=is_modified, is_text_only=True, is_damaged=is_damaged)

    @property
    def text(self) -> str:
        """Of the branch that is shown."""
        return self.stored.document.text()

    @property
    def has_unsaved_text(self) -> bool:
        """Whether closing this document without saving would lose something."""
        if not self.is_modified or self.path is not None:
            return self.is_modified
        document = self.stored.document
        return any(document.length(branch) for branch in document.tree.branches)
