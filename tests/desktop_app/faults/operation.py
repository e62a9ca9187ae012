"""What an operation under faults is, and what the next start finds: files, leftovers, the recovery store.

Knows: the recovery store. Must not know: any operation, how a fault is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_encoding import TextFormat

STORE_FILES = {"recovery.db", "recovery.db-wal", "recovery.db-shm"}


@dataclass(frozen=True)
class Operation:
    """One operation. `problems` acts as the next start does, then lists what is lost, torn or left over."""

    name: str
    prepare: Callable[[Path], None]
    run: Callable[[Path], None]
    problems: Callable[[Path, bool], list[str]]


def files(folder: Path) -> set[str]:
    """Every file below a folder, by its path from there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


def stray(folder: Path, *expected: str) -> list[str]:
    """Files that nobody needs, after the next start has cleared up."""
    for each in {folder, *(path.parent for path in folder.rglob("*"))}:
        Disk().remove_leftovers(each)
    allowed = {*expected, *(f"recovery/{name}" for name in STORE_FILES)}
    return [f"left over: {name}" for name in sorted(files(folder) - allowed)]


def one_of(what: str, found: str | None, is_confirmed: bool, new: str, *old: str | None) -> list[str]:
    """A problem where the content is not the new one, or, while nothing was confirmed, one of the old ones."""
    if found == new or (not is_confirmed and found in old):
        return []
    start = None if found is None else f"{len(found)} characters, {found[:20]!r}"
    return [f"{what}: {'lost' if is_confirmed else 'torn'}: {start}"]


def text_of(path: Path, format: TextFormat | None = None) -> str | None:
    """The text of a file as its bytes say, or None where there is none."""
    if not path.exists():
        return None
    encoding = "utf-8" if format is None else format.encoding
    return path.read_bytes().decode(encoding, "replace").replace("\r\n", "\n")


def opened_store(folder: Path) -> RecoveryStore:
    return RecoveryStore(folder, Disk(), clock=lambda: 1_000.0)


def kept_documents(folder: Path) -> tuple[dict[str, KeptDocument], str]:
    """What the next start finds, by key, and its notice; it ends at once, so that all waits for the start after."""
    store = opened_store(folder)
    try:
        notice = "" if store.notice is None else store.notice.text
        return {document.key: document for document in store.take_over()}, notice
    finally:
        store.close()


def kept_texts(folder: Path) -> dict[str, str]:
    """The texts that the next start finds, by key."""
    documents, notice = kept_documents(folder)
    return {key: document.text for key, document in documents.items()} | ({"notice": notice} if notice else {})


def store_stray(folder: Path, *expected: str) -> list[str]:
    """Locks of sessions that ended, but for the very last one's, are left over too."""
    left = stray(folder, *expected)
    locks = [name for name in left if name.endswith(".lock")]
    return [name for name in left if name not in locks] + locks[1:]
