"""The file of an open document, as far as it is known: where, in which form, in which state, and who holds it.

For: `OpenDocument` and what looks at its file. Knows: the claims. Must not know: the page, questions, the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.document.any_file import is_document
from desktop_app.document.file_claims import FileClaim
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion


@dataclass
class FileState:
    """All of it at its defaults: a text without a file."""

    path: Path | None = None
    format: TextFormat = field(default_factory=TextFormat)
    version: FileVersion | None = None  # the page's text came from, or went to, this state of the file
    claim: FileClaim | None = None
    asked_about: FileVersion | None = None  # the person knows that the file is not in this state any more
    is_doubtful: bool = False  # what came back is damaged: the person decides whether it goes into the file
    is_recovered: bool = False  # unsaved text is back, and the person was not shown yet what it is

    @property
    def is_document(self) -> bool:
        """Whether it is a file of our own, which holds more than text."""
        return self.path is not None and is_document(self.path)

    def belongs_to(self, path: Path | None, format: TextFormat, version: FileVersion | None) -> None:
        """The page shows what lies there, or a text without a file."""
        self.path, self.format, self.version = path, format, version
        self.asked_about, self.is_recovered = None, False

    def agrees(self, format: TextFormat, version: FileVersion) -> None:
        """Page and file hold the same."""
        self.format, self.version = format, version
        self.asked_about, self.is_doubtful, self.is_recovered = None, False, False

    def know_of_change(self) -> None:
        """The person is asked about it: the window coming to the front again must not ask a second time."""
        self.asked_about = self.version

    def hold(self, claim: FileClaim | None) -> None:
        """Hold another file, or none; others may have the one before."""
        before, self.claim = self.claim, claim
        if before is not None and before is not claim:
            before.release()

    def renew_claim(self) -> None:
        """A new file may lie in the place of the one that is held: hold that one."""
        if self.claim is not None:
            self.claim.renew()
