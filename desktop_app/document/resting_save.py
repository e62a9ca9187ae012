"""A document that rests goes into its file by itself: what is written, and which earlier texts stay beside it.

    snapshot (a copy, taken at once) → write_at_rest, in the background → what the file holds now

The file is replaced by the safe protocol, and never over another program's change. An earlier text that a rest put
there gives way to the next rest's, unless it is ten minutes younger than the one before it: the list keeps the texts
that a person saved, and one of each ten minutes of writing.

Knows both kinds of files. Must not know: Qt, when a document rests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.document.any_file import is_document
from desktop_app.document.disk import Disk
from desktop_app.document.nextstroke_file import StoredDocument, save_document
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion, save_text
from desktop_app.document.versions import EarlierText

APART_SECONDS = 600.0


@dataclass(frozen=True)
class RestingDocument:
    """A document as it is now, and its file as it was last seen. The model is a copy."""

    path: Path
    format: TextFormat
    known: FileVersion
    stored: StoredDocument


@dataclass(frozen=True)
class Written:
    """What the file holds. `passing`: the earlier text that this write put there, if it put one."""

    version: FileVersion
    versions: tuple[EarlierText, ...]
    passing: EarlierText | None = None


def write_at_rest(
    disk: Disk, resting: RestingDocument, passing: EarlierText | None, clock: Callable[[], float]
) -> Written:
    """Replace the file. `passing`: of the write before. Raises `DocumentError`; the old file then stays whole."""
    stored = resting.stored
    if not is_document(resting.path):
        version = save_text(disk, resting.path, stored.document.text(), resting.format, resting.known)
        return Written(version, stored.versions)
    kept = without_passing(stored.versions, passing)
    saved, version = save_document(disk, resting.path, replace(stored, versions=kept), resting.known, clock=clock)
    return Written(version, saved.versions, None if saved.versions == kept else saved.versions[-1])


def without_passing(versions: Sequence[EarlierText], passing: EarlierText | None) -> tuple[EarlierText, ...]:
    """The earlier texts without the one that the last rest put there, where it is to give way."""
    if passing is None or len(versions) < 2 or versions[-1] is not passing:
        return tuple(versions)
    return tuple(versions if passing.saved - versions[-2].saved >= APART_SECONDS else versions[:-1])
