"""A whole document as plain data and back: what a store writes once, before it adds `plain_changes`.

    {"format": "nextstroke-document", "version": 1, "revision": 41, "next_id": 9, "current": 1,
     "text":      "every character that was ever there",          append-only; addresses are code points
     "origins":   [{"kind": "typed"}, {"kind": "generated", "record": "r1"}],                  append-only
     "records":   {"r1": {…}},                                    what each says, as the caller gave it
     "knots":     [[before, start, length, origin, after], …],    all texts, see `plain_values`
     "nodes":     [{"id": 1, "parent": 0, "children": [2, 5], "held": false, "text": 17}],
     "branches":  [{"id": 1, "leaf": 2, "name": ""}],
     "bookmarks": [{"id": 7, "branch": 1, "position": 12, "name": ""}],
     "history":   {"current": 3, "steps": [{"id": 1, "parent": 0, "kind": "typing", "branch": 1, "changes": […]}],
                   "ways": {"0": [1]}}}                           the steps after each step, that of redo last

Ids are numbers that are never used twice; nodes, branches and bookmarks share one count. A change is
    {"splice": {"branch", "position", "node", "offset", "removed": [spans], "added": [spans]},
     "nodes": [[id, before, after]], "branches": […], "bookmarks": […]}            before and after: as above, or null
with the keys that are empty left out; set to "after" it is the change, set to "before" its undo. A span is [start,
length, origin]. Steps come after their parents.

Knows: the model's values. Must not know: files, SQLite, Qt.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from desktop_app.document.change_log import ChangeLog
from desktop_app.document.errors import DocumentError
from desktop_app.document.history import BEGINNING
from desktop_app.document.model import Document
from desktop_app.document.origins import Origin
from desktop_app.document.plain_values import Plain, Reader, Writer, plain_bookmark, plain_branch, plain_origin
from desktop_app.document.soundness import tree_problems

FORMAT, VERSION = "nextstroke-document", 1
_MOST = 2**53  # ids and revisions: far more than anybody makes, and a store counts on from them
_LONGEST_WALK_S = 5.0  # more than ten thousand steps; a history that was made to be endless costs no more
# What Python raises for data of another shape.
WRONG_SHAPE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, RecursionError)


class PlainDocumentError(DocumentError):
    """Plain data that is no document."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"the document is damaged ({problem}), so it cannot be opened as it is; open an earlier version of it",
            "document_damaged",
            problem=problem,
        )


def to_plain(document: Document) -> Plain:
    """All of a document. Nothing in the result is shared with it."""
    tree, history, writer = document.tree, document.history, Writer()
    nodes = [writer.node(node) for _, node in sorted(tree.nodes.items())]
    steps = [writer.step(step) for _, step in sorted(history.steps.items())]
    return {
        "format": FORMAT,
        "version": VERSION,
        "revision": document.log.revision,
        "next_id": tree.next_id,
        "current": document.current,
        "text": document.buffer.read(0, len(document.buffer)),
        "origins": [plain_origin(document.origins[number]) for number in range(len(document.origins))],
        "records": {name: dict(says) for name, says in document.origins.records.items()},
        "knots": writer.knots,
        "nodes": nodes,
        "branches": [plain_branch(branch) for _, branch in sorted(tree.branches.items())],
        "bookmarks": [plain_bookmark(mark) for _, mark in sorted(document.bookmarks.items())],
        "history": {
            "current": history.current,
            "steps": steps,
            "ways": {str(parent): list(ways) for parent, ways in sorted(history.ways.items())},
        },
    }


def from_plain(plain: Mapping[str, Any], check_history: bool = False) -> Document:
    """The document of `to_plain`. Raises `PlainDocumentError` for anything else; what it gives back is sound.

    `check_history` does and undoes every step once, some tenths of a millisecond each: for a file that is not known to
    be whole. A history that cannot be walked, or not in five seconds, is left out, and the text opens without its past.
    """
    document = _sound(plain)
    if check_history and not _can_be_walked(_sound(plain)):
        steps = len(document.history.steps)
        document = _sound({**plain, "history": {"current": BEGINNING, "steps": [], "ways": {}}})
        document.history.next_id = steps + 1  # what a store tells of these steps is not taken for others
    return document


def _can_be_walked(document: Document) -> bool:
    """Whether undo leads to the beginning, every way on can be gone, and redo leads back to the same text.

    The document is of no use afterwards.
    """
    texts = {branch: document.passages(branch=branch) for branch in document.tree.branches}
    way: list[int] = []
    end = time.monotonic() + _LONGEST_WALK_S
    try:
        while (step := document.undo()) is not None:
            way.append(step.id)
            _demand_time(end)
        _go_every_way(document, end)
        for chosen in reversed(way):
            document.redo(chosen)
        if tree_problems(document):
            return False
        return texts == {branch: document.passages(branch=branch) for branch in document.tree.branches}
    except (*WRONG_SHAPE, StopIteration):
        return False


def _demand_time(end: float) -> None:
    if time.monotonic() > end:
        raise ValueError("the history takes too long to be walked")


def _go_every_way(document: Document, end: float) -> None:
    """Redo and undo each step once, depth first. Raises `ValueError` where a state is not sound, or after `end`."""
    ways = [list(document.history.ways_on())]
    while ways:
        _demand_time(end)
        if tree_problems(document):
            raise ValueError("a step leads to no document")
        if ways[-1]:
            document.redo(ways[-1].pop())
            ways.append(list(document.history.ways_on()))
        else:
            ways.pop()
            if ways:
                document.undo()


def _sound(plain: Mapping[str, Any]) -> Document:
    try:
        document = _read(plain)
    except WRONG_SHAPE as error:
        raise PlainDocumentError(f"{type(error).__name__}: {error}") from error
    numbers = (document.log.revision, document.tree.next_id, *document.tree.nodes, *document.tree.branches)
    if not all(type(number) is int and 0 <= number < _MOST for number in (*numbers, *document.history.steps)):
        raise PlainDocumentError("a number is too large to be counted on from")
    found = tree_problems(document)
    if found:
        raise PlainDocumentError(found[0])
    return document


def read_appended(document: Document, plain: Mapping[str, Any]) -> None:
    """Take over what only grows: text, origins, records."""
    document.buffer.append(plain["text"])
    for entry in plain["origins"]:
        expected = len(document.origins)
        if document.origins.number_of(Origin(entry["kind"], str(entry.get("record", "")))) != expected:
            raise ValueError(f"origin {expected} is there twice")
    for name, says in plain["records"].items():
        document.origins.set_record(str(name), says)


def _read(plain: Mapping[str, Any]) -> Document:
    if plain["format"] != FORMAT or plain["version"] != VERSION:
        raise ValueError(f"it is {plain['format']!r}, version {plain['version']!r}; this program knows {VERSION}")
    document = Document()
    read_appended(document, plain)
    tree, reader = document.tree, Reader(document.buffer, document.origins)
    reader.knots(plain["knots"])
    tree.nodes = {node.id: node for node in map(reader.node, plain["nodes"])}
    tree.branches = {branch.id: branch for branch in map(reader.branch, plain["branches"])}
    document.bookmarks.update((mark.id, mark) for mark in map(reader.bookmark, plain["bookmarks"]))
    taken = (*tree.nodes, *tree.branches, *document.bookmarks)
    tree.next_id = max(int(plain["next_id"]), *(key + 1 for key in taken))
    document.current = int(plain["current"])
    document.log = ChangeLog(int(plain["revision"]))
    _read_history(document, reader, plain["history"])
    return document


def _read_history(document: Document, reader: Reader, plain: Mapping[str, Any]) -> None:
    history = document.history
    for entry in plain["steps"]:
        step = reader.step(entry)
        if step.parent not in history.steps and step.parent != BEGINNING:
            raise ValueError(f"step {step.id} follows a step that is not there")
        if step.id in history.steps or step.id == BEGINNING:
            raise ValueError(f"step {step.id} is there twice")
        history.add(step)
    history.current = int(plain["current"])
    if history.current not in history.steps and history.current != BEGINNING:
        raise ValueError(f"step {history.current} is not there")
    for parent, ways in plain["ways"].items():
        history.prefer(int(parent), [int(step) for step in ways])
