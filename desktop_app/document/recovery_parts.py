"""A document as parts of the recovery store: one whole snapshot, and behind it what changed since, a part a write.

    shown            text of the branch that is shown, UTF-8: still there when the rest makes no sense
    buffer           all text that was ever there, UTF-8
    head             JSON: `plain_document` without text, knots, steps
    knots, steps     JSON lists, some hundred at a time: no single call holds up the window's thread for long
    changes          JSON of `plain_changes`, with "since", the revision that it goes on from

Knows: documents as plain data. Must not know: SQLite, rows, when to write.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from desktop_app.document.errors import DocumentError
from desktop_app.document.model import Document
from desktop_app.document.plain_changes import take_changes
from desktop_app.document.plain_document import WRONG_SHAPE, PlainDocumentError, from_plain, to_plain

SHOWN, BUFFER, HEAD, KNOTS, STEPS, CHANGES = "shown", "buffer", "head", "knots", "steps", "changes"
_AT_ONCE = 500  # knots or steps: about a millisecond


@dataclass(frozen=True)
class Part:
    """One part. `is_intact`: its bytes are those that were written."""

    kind: str
    content: bytes
    is_intact: bool = True


def parts_of(document: Document) -> Iterator[Part]:
    """The whole document."""
    yield Part(SHOWN, _encoded(document.text()))
    plain = to_plain(document)
    yield Part(BUFFER, _encoded(plain.pop("text")))
    knots, steps = plain.pop("knots"), plain["history"].pop("steps")
    yield Part(HEAD, _json(plain))
    for kind, every in ((KNOTS, knots), (STEPS, steps)):
        for start in range(0, len(every), _AT_ONCE):
            yield Part(kind, _json(every[start : start + _AT_ONCE]))


def part_of_changes(changes: Mapping[str, Any], since: int) -> Part:
    """What was added after the revision `since`."""
    return Part(CHANGES, _json({**changes, "since": since}))


def document_of_parts(parts: Sequence[Part]) -> tuple[Document, bool]:
    """The document, and whether it is all that was written. Raises `PlainDocumentError` where there is none.

    A changed byte in the history costs the history; changes that make no sense end the document before them.
    """
    whole = [part for part in parts if part.kind != CHANGES]
    document, is_all = _whole(whole)
    changes = [part for part in parts if part.kind == CHANGES]
    for number, part in enumerate(changes):
        try:
            _play(document, part)
        except (DocumentError, *WRONG_SHAPE):
            document, _ = _whole(whole)
            for earlier in changes[:number]:
                _play(document, earlier)
            return document, False
    return document, is_all


def text_of_parts(parts: Sequence[Part]) -> str | None:
    """The text that was shown when the snapshot was made, as far as it can be read; None where there is none."""
    return next((part.content.decode("utf-8", "replace") for part in parts if part.kind == SHOWN), None)


def _whole(parts: Sequence[Part]) -> tuple[Document, bool]:
    is_intact = all(part.is_intact for part in parts)
    try:
        plain = json.loads(_decoded(_one(parts, HEAD)))
        plain["text"] = _decoded(_one(parts, BUFFER))
        plain["knots"] = _every(parts, KNOTS)
        plain["history"]["steps"] = _every(parts, STEPS)
    except WRONG_SHAPE as error:
        raise PlainDocumentError(f"{type(error).__name__}: {error}") from error
    return from_plain(plain, check_history=not is_intact), is_intact


def _play(document: Document, part: Part) -> None:
    changes = json.loads(_decoded(part))
    if not part.is_intact or changes["since"] != document.log.revision:
        raise ValueError("changes do not go on where the document stops")
    take_changes(document, changes)


def _one(parts: Sequence[Part], kind: str) -> Part:
    found = [part for part in parts if part.kind == kind]
    if len(found) != 1:
        raise ValueError(f"there are {len(found)} parts called {kind}")
    if kind == BUFFER and not found[0].is_intact:
        raise ValueError("the text is not what was written")
    return found[0]


def _every(parts: Sequence[Part], kind: str) -> list[Any]:
    return [each for part in parts if part.kind == kind for each in json.loads(_decoded(part))]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half characters too


def _decoded(part: Part) -> str:
    return part.content.decode("utf-8", "surrogatepass")


def _json(value: Any) -> bytes:
    return _encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
