"""Unsaved texts that no window shows: a start takes over every ended window's text and shows one; the others become
files.

    recovered/从前有一个人 2026-05-04 10.31.txt            UTF-8, as the writer left it
    recovered/从前有一个人 2026-05-04 10.31.nextstroke     where it has branches, or belongs to such a file

A text leaves the recovery store only after its copy is on the disk. Knows the store and `Disk`; must not know Qt.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from desktop_app.document.any_file import is_document
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.nextstroke_file import SUFFIX, bytes_of
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import Note

FOLDER = "recovered"
_TITLE_CHARACTERS = 24
_NOT_IN_NAMES = '/\\:*?"<>|'


def copy_others(disk: Disk, store: RecoveryStore, others: Sequence[KeptDocument], data: Path) -> Note | None:
    """Write the unsaved ones of these documents under the data folder and forget them all; what to tell, if anything.

    A text whose copy fails stays in the store for the next start.
    """
    folder = data / FOLDER
    written = 0
    for kept in others:
        try:
            if kept.has_unsaved_text:
                disk.make_folders(folder, private=True)
                disk.write_safely(_free_path(disk, folder, kept), _content(kept), private=True)
                written += 1
            store.forget(kept.key)
        except DocumentError:
            continue
    if not written:
        return None
    words = f"{written} more texts of the last session were not saved; they lie in {folder}"
    return Note("copies_written", words, (("count", str(written)), ("folder", str(folder))))


def _is_document(kept: KeptDocument) -> bool:
    has_branches = len(kept.stored.document.tree.branches) > 1
    return has_branches or (kept.path is not None and is_document(kept.path))


def _content(kept: KeptDocument) -> bytes:
    if _is_document(kept):
        return bytes_of(kept.stored, kept.changed_at)
    return kept.text.encode("utf-8", "replace")  # half characters have no bytes


def _free_path(disk: Disk, folder: Path, kept: KeptDocument) -> Path:
    moment = time.strftime("%Y-%m-%d %H.%M", time.localtime(kept.changed_at))
    name = f"{_title(kept)} {moment}"
    number = 1
    suffix = SUFFIX if _is_document(kept) else ".txt"
    path = folder / f"{name}{suffix}"
    while disk.exists(path):
        number += 1
        path = folder / f"{name} {number}{suffix}"
    return path


def _title(kept: KeptDocument) -> str:
    """The file's name, or the beginning of the text."""
    start = kept.path.stem if kept.path is not None else kept.text.strip().partition("\n")[0]
    usable = "".join(c for c in start if c.isprintable() and c not in _NOT_IN_NAMES)
    return usable[:_TITLE_CHARACTERS].strip(". ") or "text"
