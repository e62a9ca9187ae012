"""A recovery store with a clock that stands still, and a document with something in every field."""

import os
from pathlib import Path

from desktop_app.document.disk import Disk, StatToken
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, StoredDocument
from desktop_app.document.origins import GENERATED, PASTED, TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import FileVersion, TextFormat
from desktop_app.document.versions import EarlierText


def full_document() -> Document:
    """Branches, a bookmark, records, and steps of which one is undone."""
    document = Document()
    document.insert(0, "从前\0有\u2028一个\ud83d 😀\n", Origin(TYPED))
    document.set_record("r1", {"seed": 7})
    document.insert(3, "海", Origin(GENERATED, "r1"), "generation")
    document.fork(4, "另一条")
    document.bookmark(2, "这里")
    document.insert(0, "x", Origin(PASTED), "paste")
    document.undo()
    return document


FULL = KeptDocument(
    key="a",
    stored=StoredDocument(
        full_document(), About("海上", "Ann", "zh"), (EarlierText(1.0, "从前"), EarlierText(2.5, "\ud83d"))
    ),
    path=Path(os.fsdecode("/文件 夹/章 1.txt".encode() + b"\xff")),
    caret=7,
    scroll=31,
    format=TextFormat("GB18030", "CRLF"),
    version=FileVersion(StatToken(5, 6, 2**64 - 1), "d" * 64),
)


def store(folder: Path) -> RecoveryStore:
    return RecoveryStore(folder, Disk(), clock=lambda: 1_000.0)


def plain(kept: KeptDocument) -> dict[str, object]:
    """Everything of a kept document, to compare; the time at which it was kept apart."""
    stored = kept.stored
    other = {name: value for name, value in vars(kept).items() if name not in ("stored", "changed_at")}
    return other | {"document": to_plain(stored.document), "about": stored.about, "versions": stored.versions}
