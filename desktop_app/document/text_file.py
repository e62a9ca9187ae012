"""Open and save plain text files (.txt, .md) as themselves: same encoding, same line ends, nothing lost on the way.

    open_text    bytes → text whose lines end in LF, its format, its version, and what the person should be told
    save_text    refuses (`ChangedOutside`) when the file is no longer the version that was read

Knows `Disk` and the encodings; must not know Qt, the engine or the recovery store.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from desktop_app.document.disk import Disk, StatToken
from desktop_app.document.errors import MISSING, ChangedOutside, TextFileError, disk_error_of_kind
from desktop_app.document.text_encoding import (
    GB18030,
    GUESSED,
    MIXED,
    TextFormat,
    decode_text,
    demand_text,
    encode_text,
)

SIZE_LIMIT_BYTES = 50 * 1024 * 1024


@dataclass(frozen=True)
class FileVersion:
    """One state of a file: what `stat` said of it, and the SHA-256 of its bytes."""

    token: StatToken
    digest: str

    @classmethod
    def of(cls, token: StatToken, data: bytes) -> FileVersion:
        """The version of a file that holds these bytes."""
        return cls(token, hashlib.sha256(data).hexdigest())


@dataclass(frozen=True)
class Note:
    """Something to tell once after opening. `kind` and `facts` as in `DocumentError`; `text` is the English line."""

    kind: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TextFile:
    """An opened file: its text (lines end in LF), how it lies on the disk, and notes for the person."""

    path: Path
    text: str
    format: TextFormat
    version: FileVersion
    notes: tuple[Note, ...] = ()


def open_text(disk: Disk, path: Path) -> TextFile:
    """Read a text file. Raises `DiskError` or `TextFileError`; the file is never touched."""
    found = disk.read_within(path, SIZE_LIMIT_BYTES)
    if found is None:
        limit = f"{SIZE_LIMIT_BYTES // 2**20} MB"
        raise TextFileError(
            f"{path.name} is larger than {limit}, more than this editor shows smoothly; split it and open the parts",
            "file_too_large",
            name=path.name,
            limit=limit,
        )
    data, token = found
    decoded = decode_text(data, path.name)
    version = FileVersion.of(token, data)
    return TextFile(path, decoded.text, decoded.format, version, _notes(decoded.text, decoded.format))


def save_text(
    disk: Disk,
    path: Path,
    text: str,
    format: TextFormat,
    known: FileVersion | None = None,
    overwrite: bool = False,
) -> FileVersion:
    """Replace the file by `text` (lines end in LF) and return its new version once the disk holds it.

    `known` is the version that the text came from: when the file is another one by now, `ChangedOutside` is raised and
    nothing is written, unless `overwrite` says that the person decided. `known` None saves under a new name. Raises
    `NotEncodable` (with the encoding to offer), `TextFileError` (it would be taken for no text) and `DiskError`; the
    old file then stays whole.
    """
    if not overwrite:
        demand_unchanged(disk, path, known)
    original = disk.read_bytes(path) if format.line_ends == MIXED and disk.exists(path) else None
    data = encode_text(text, format, original)
    demand_text(text, data, path.name)
    token = disk.write_safely(path, data)
    return FileVersion.of(token, data)


def demand_unchanged(disk: Disk, path: Path, known: FileVersion | None) -> None:
    """Raise `ChangedOutside` where the file is no longer the known version; a new name (None) has none to compare.

    Where its folder is gone too, saving cannot put the file back: that is a `DiskError`.
    """
    if known is not None and changed_outside(disk, path, known):
        if not disk.exists(path.parent):
            raise disk_error_of_kind(MISSING, "save", path.name)
        raise ChangedOutside(path.name, removed=not disk.exists(path))


def changed_outside(disk: Disk, path: Path, known: FileVersion) -> bool:
    """Whether the file is no longer the known version. Reads it only when its stat token differs."""
    token = disk.token(path)
    if token == known.token:
        return False
    if token is None or token.size > 2 * SIZE_LIMIT_BYTES:
        return True
    return hashlib.sha256(disk.read_bytes(path)).hexdigest() != known.digest


def _notes(text: str, format: TextFormat) -> tuple[Note, ...]:
    notes: list[Note] = []
    if format.encoding in GUESSED:
        kind = "opened_as_gb18030" if format.encoding == GB18030 else "opened_as_utf_16"
        words = f"opened as {format.encoding}; if the text looks wrong, close it without saving"
        notes.append(Note(kind, words))
    if format.line_ends == MIXED:
        words = "this file mixes line ends; lines that you do not change keep theirs"
        notes.append(Note("mixed_line_ends", words))
    strange = _strange_characters(text)
    if strange:
        listed = ", ".join(strange)
        words = f"this text holds invisible characters ({listed}); they are kept where the editor can"
        notes.append(Note("invisible_characters", words, (("list", listed),)))
    return tuple(notes)


def _strange_characters(text: str) -> list[str]:
    counts = {
        "NUL": text.count("\0"),
        "U+2028": text.count("\u2028"),
        "U+2029": text.count("\u2029"),
    }
    halves = 0 if text.isascii() else sum(1 for character in text if "\ud800" <= character <= "\udfff")
    counts["half characters"] = halves
    return [f"{count} × {name}" for name, count in counts.items() if count]
