"""Which texts were open, in which order, and where one was in each: a small file in the state folder.

    { "version": 1, "front": 0, "tabs": [ { "key": "9f…", "path": "/…/a.txt", "caret": 7, "scroll": 2, "branch": 1 } ] }

It holds no text: unsaved text comes from the recovery store, saved text from its file; `texts_to_reopen` brings these
together. A damaged file costs the order of the tabs and never a text; what a newer version wrote is left alone.

Knows `Disk`, kept documents, files by their opener. Must not know Qt, tabs or SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import MISSING, DocumentError
from desktop_app.document.file_claims import HELD_HERE, FileClaim, FileClaims, FileHeld
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import Note

FILE_NAME = "session.json"
VERSION = 1
TABS_BOUND = 40  # texts that come back in tabs; more may come out of stores of many windows that ended badly
GONE = "not opened again, since they cannot be read any more"
_LIMIT_BYTES = 1 << 20


@dataclass(frozen=True)
class TabState:
    """One tab. `caret` and `scroll` as the editor counts them; `branch` 0: the one that its file shows."""

    key: str
    path: Path | None = None
    caret: int = 0
    scroll: int = 0
    branch: int = 0


@dataclass(frozen=True)
class LastSession:
    """The tabs in their order. `is_first`: there was no session before."""

    tabs: tuple[TabState, ...] = ()
    front: int = 0
    is_first: bool = False


class SessionFile:
    """Loads at once and never raises; `save` raises `DiskError`. May be used from several threads."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._path, self._disk = folder / FILE_NAME, disk
        self._is_foreign = False

    def load(self) -> LastSession:
        """The last session; an empty one where it cannot be known."""
        try:
            plain = json.loads(self._disk.read_bytes(self._path, _LIMIT_BYTES).decode("utf-8"))
            if plain["version"] > VERSION:
                self._is_foreign = True
                return LastSession()
            return _session(plain)
        except DocumentError as error:
            self._is_foreign = error.kind != MISSING  # it is there and cannot be read: not to be written over
            return LastSession(is_first=error.kind == MISSING)
        except (ValueError, TypeError, KeyError, RecursionError):
            return LastSession()  # the next save puts a whole one in its place

    def save(self, session: LastSession) -> None:
        """Write it, whole or not at all."""
        if self._is_foreign:
            return
        tabs = [
            {
                "key": tab.key,
                "path": None if tab.path is None else str(tab.path),
                "caret": tab.caret,
                "scroll": tab.scroll,
                "branch": tab.branch,
            }
            for tab in session.tabs
        ]
        plain = {"version": VERSION, "front": session.front, "tabs": tabs}
        self._disk.make_folders(self._path.parent, private=True)
        self._disk.write_safely(self._path, json.dumps(plain, indent=0).encode("ascii"), private=True)


@dataclass(frozen=True)
class Reopened:
    """What a start shows. `others`: kept documents that get no tab; `notes`: what is to be told.

    `claims`: the files that are held for it, by the keys of their documents.
    """

    documents: tuple[KeptDocument, ...] = ()
    front: int = 0
    others: tuple[KeptDocument, ...] = ()
    notes: tuple[Note, ...] = ()
    claims: Mapping[str, FileClaim] = field(default_factory=dict)


def paths_of(session: LastSession, kept: Sequence[KeptDocument]) -> frozenset[Path]:
    """Every file that a start may look at."""
    paths = (*(tab.path for tab in session.tabs), *(document.path for document in kept))
    return frozenset(path for path in paths if path is not None)


def texts_to_reopen(
    disk: Disk,
    session: LastSession,
    kept: Sequence[KeptDocument],
    reopens: bool,
    silent: Set[Path] = frozenset(),
) -> Reopened:
    """The documents of the last session in the order of its tabs, then those that only the store knows.

    `reopens` False: the person wants an empty start, so only what was not saved comes back. A tab that the store does
    not know (it was opened a moment before a crash) is read from its file; that a file is gone is a note. `silent`:
    files of disks that do not answer, which nobody waits for.
    """
    by_key = {document.key: document for document in kept}
    found: list[KeptDocument] = []
    gone: list[str] = []
    front = 0
    for at, tab in enumerate(session.tabs):
        if at == session.front:
            front = len(found)
        document = by_key.pop(tab.key, None)
        if document is None and reopens and tab.path is not None:
            document = None if tab.path in silent else _from_file(disk, tab)
            gone += [] if document is not None else [tab.path.name]
        if document is not None:
            found.append(replace(document, caret=tab.caret, scroll=tab.scroll, branch=tab.branch))
    found += by_key.values()
    shown = [each for each in found if _is_worth_a_tab(each, reopens)]
    if shown and front < len(found):
        front = sum(_is_worth_a_tab(each, reopens) for each in found[:front])
    chosen = tuple(shown[:TABS_BOUND])
    keys = {each.key for each in chosen}
    return Reopened(
        documents=chosen,
        front=max(0, min(front, len(chosen) - 1)),
        others=tuple(each for each in found if each.key not in keys),
        notes=(_listed("session_files_gone", GONE, gone),) if gone else (),
    )


def hold_files(claims: FileClaims, reopened: Reopened, silent: Set[Path] = frozenset()) -> Reopened:
    """The same with every file held. Of a file that is held already, what was not saved is a text of its own.

    `silent` as in `texts_to_reopen`: their texts come back, and nobody holds the files.
    """
    documents: list[KeptDocument] = []
    others: list[KeptDocument] = []
    held: dict[str, FileClaim] = {}
    front, refused, copied = 0, list[str](), list[str]()
    for at, document in enumerate(reopened.documents):
        if at == reopened.front:
            front = len(documents)
        try:
            if document.path is not None and document.path not in silent:
                held[document.key] = claims.claim(document.path)
        except FileHeld as error:
            name = document.path.name if document.path is not None else ""
            if not document.has_unsaved_text:
                others.append(document)
                refused += [name] if error.kind != HELD_HERE else []  # two windows had it: it is shown once
                continue
            copied.append(name)
            document = replace(document, path=None, format=TextFormat(), version=None, is_modified=True)
        documents.append(document)
    notes = [_listed(kind, text, names) for kind, text, names in _held_words(refused, copied) if names]
    return Reopened(
        tuple(documents),
        max(0, min(front, len(documents) - 1)),
        (*reopened.others, *others),
        (*reopened.notes, *notes),
        held,
    )


def _held_words(refused: list[str], copied: list[str]) -> tuple[tuple[str, str, list[str]], ...]:
    return (
        ("session_files_held", "not opened again, since another window of Nextstroke has them open", refused),
        ("session_copies", "open in another window, so what was not saved is back as texts of their own", copied),
    )


def _is_worth_a_tab(document: KeptDocument, reopens: bool) -> bool:
    return document.has_unsaved_text or (reopens and (document.path is not None or bool(document.text)))


def _from_file(disk: Disk, tab: TabState) -> KeptDocument | None:
    assert tab.path is not None
    try:
        opened = open_file(disk, tab.path)
    except DocumentError:
        return None
    kept = KeptDocument.of_text(tab.key, opened.text, tab.path, is_modified=False)
    return replace(kept, format=opened.format, version=opened.version)


def _listed(kind: str, text: str, names: Sequence[str]) -> Note:
    listed = ", ".join(names)
    return Note(kind, f"{text}: {listed}", (("list", listed),))


def _session(plain: Any) -> LastSession:
    tabs: list[TabState] = []
    keys: set[str] = set()
    for row in plain["tabs"]:
        tab = _tab(row)
        if tab is not None and tab.key not in keys:
            tabs.append(tab)
            keys.add(tab.key)
    front = plain.get("front", 0)
    return LastSession(tuple(tabs), front if isinstance(front, int) and 0 <= front < len(tabs) else 0)


def _tab(row: Any) -> TabState | None:
    """One tab of the file; None where it makes no sense."""
    if not isinstance(row, dict) or not isinstance(row.get("key"), str) or not row["key"]:
        return None
    path = row.get("path")
    caret, scroll, branch = (_number(row.get(name)) for name in ("caret", "scroll", "branch"))
    return TabState(row["key"], Path(path) if isinstance(path, str) and path else None, caret, scroll, branch)


def _number(value: Any) -> int:
    is_usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31  # as Qt counts
    return value if is_usable else 0
