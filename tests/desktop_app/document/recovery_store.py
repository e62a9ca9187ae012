"""A recovery store with a clock that stands still, and a document with something in every field."""

import os
from pathlib import Path

from desktop_app.document.disk import Disk, StatToken
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import FileVersion, TextFormat

FULL = KeptDocument(
    key="a",
    text="从前\0有\u2028一个\ud83d 😀\n",
    path=Path(os.fsdecode("/文件 夹/章 1.txt".encode() + b"\xff")),
    caret=7,
    scroll=31,
    format=TextFormat("GB18030", "CRLF"),
    version=FileVersion(StatToken(5, 6, 2**64 - 1), "d" * 64),
    saved_digest="e" * 64,
)


def store(folder: Path) -> RecoveryStore:
    return RecoveryStore(folder, Disk(), clock=lambda: 1_000.0)
