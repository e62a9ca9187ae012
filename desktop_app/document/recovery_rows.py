"""A kept document as rows of the recovery store and back.

    row          where it belongs: file, caret, what is said of it            a few hundred bytes, written each time
    parts        all of it, see `recovery_parts`                              appended to
    earlier      its earlier texts

What makes no sense of a row is left out; a text is worth more than anything beside it. Knows the tables. Must not know:
sessions, when and what to write.
"""

from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from desktop_app.document.disk import StatToken
from desktop_app.document.errors import StoreError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.nextstroke_file import About, StoredDocument
from desktop_app.document.plain_document import PlainDocumentError
from desktop_app.document.recovery_parts import Part, document_of_parts, text_of_parts
from desktop_app.document.text_encoding import CR, CRLF, ENCODINGS, LF, MIXED, TextFormat
from desktop_app.document.text_file import FileVersion
from desktop_app.document.versions import EarlierText, sane_moment, unpacked

_STATE = (
    "position, path, caret, scroll, encoding, line_ends, mtime_ns, size, inode, file_digest, about, modified, text_only"
)
_SET = ", ".join(f"{name} = ?" for name in _STATE.split(", "))
INSERT = (
    f"INSERT INTO document ({_STATE}, changed, key, session, text, saved_digest) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, x'', '')"
)
UPDATE = f"UPDATE document SET {_SET}, changed = ?, text = x'', generated = '', saved_digest = '' WHERE rowid = ?"
_READ = (
    "rowid, key, text, path, caret, scroll, encoding, line_ends, mtime_ns, size, inode, file_digest, saved_digest, "
    "changed"
)
SELECT = f"SELECT {_READ}, generated, about, modified, text_only FROM document"
SELECT_BY_VERSION = (
    f"SELECT {_READ}, '', '', NULL, 1 FROM document",
    f"SELECT {_READ}, generated, '', NULL, 1 FROM document",
    SELECT,
)

Row = Sequence[Any]


def state_of(kept: KeptDocument, position: int) -> tuple[Any, ...]:
    """The values of the row that tell where a document belongs."""
    version = kept.version
    token: tuple[Any, Any, Any] = (None, None, None)
    if version is not None:
        token = (version.token.mtime_ns, version.token.size, str(version.token.inode))  # an inode may pass 2^63
    about = kept.stored.about
    return (
        position,
        None if kept.path is None else os.fsencode(kept.path),
        kept.caret,
        kept.scroll,
        kept.format.encoding,
        kept.format.line_ends,
        *token,
        None if version is None else version.digest,
        json.dumps({"title": about.title, "author": about.author, "language": about.language}),
        int(kept.is_modified),
        int(kept.is_text_only),
    )


def insert_part(connection: sqlite3.Connection, row: int, part: Part) -> None:
    """Write a part behind the others of a document."""
    values = (row, part.kind, part.content, zlib.crc32(part.content))
    connection.execute("INSERT INTO part (document, kind, content, sum) VALUES (?, ?, ?, ?)", values)


def read_parts(connection: sqlite3.Connection, row: int) -> list[Part]:
    """The parts of a document, in order; one that holds no bytes is left out."""
    rows = connection.execute("SELECT kind, content, sum FROM part WHERE document = ? ORDER BY id", (row,)).fetchall()
    return [
        Part(str(kind), content, zlib.crc32(content) == written)
        for kind, content, written in rows
        if isinstance(content, bytes)
    ]


def read_earlier(connection: sqlite3.Connection, row: int) -> tuple[EarlierText, ...]:
    """The earlier texts of a document, the oldest first; those that cannot be read are left out."""
    found = []
    for saved, text in connection.execute("SELECT saved, text FROM earlier WHERE document = ?", (row,)).fetchall():
        try:
            found.append(EarlierText(sane_moment(saved), unpacked(text)))
        except (zlib.error, ValueError, TypeError):
            continue
    return tuple(sorted(found, key=lambda version: version.saved))


def drop(connection: sqlite3.Connection, row: int) -> None:
    """Forget a document with all that belongs to it."""
    for table in ("part", "earlier"):
        connection.execute(f"DELETE FROM {table} WHERE document = ?", (row,))
    connection.execute("DELETE FROM document WHERE rowid = ?", (row,))


def document_of(row: Row, parts: Sequence[Part], earlier: tuple[EarlierText, ...]) -> KeptDocument:
    """The document of a row and its parts. Raises `StoreError` where there is no text at all."""
    kept = _with_content(row, parts)
    _, _, _, path, caret, scroll, encoding, line_ends, mtime_ns, size, inode, digest, _, changed, _, about, *_ = row
    stored = replace(kept.stored, about=_about_of(about), versions=earlier)
    return replace(
        kept,
        stored=stored,
        path=_path_of(path),
        caret=_number_of(caret),
        scroll=_number_of(scroll),
        format=TextFormat(
            encoding if encoding in ENCODINGS else TextFormat().encoding,
            line_ends if line_ends in (LF, CRLF, CR, MIXED) else TextFormat().line_ends,
        ),
        version=_version_of(mtime_ns, size, inode, digest),
        changed_at=float(changed) if isinstance(changed, (int, float)) else 0.0,
    )


def _with_content(row: Row, parts: Sequence[Part]) -> KeptDocument:
    key, modified = str(row[1]), row[16] != 0  # what is not known counts as unsaved
    if not parts:
        return _of_older_version(row)
    try:
        document, is_all = document_of_parts(parts)
    except PlainDocumentError as error:
        text = text_of_parts(parts)
        if text is None:
            raise StoreError("a kept text cannot be read; start the program again", "store_damaged") from error
        return KeptDocument.of_text(key, text, is_damaged=True)
    return KeptDocument(
        key,
        StoredDocument(document),
        is_modified=modified or not is_all,
        is_text_only=row[17] != 0,
        is_damaged=not is_all,
    )


def _of_older_version(row: Row) -> KeptDocument:
    """A row of an older program, or one whose parts are lost: the text that was shown."""
    key, written, saved_digest, generated = str(row[1]), row[2], str(row[12]), str(row[14])
    if not isinstance(written, (bytes, str)) or (row[16] is not None and not written):
        raise StoreError("a kept text cannot be read; start the program again", "store_damaged")
    text, is_damaged = text_of(written)
    is_saved = sha256(text.encode("utf-8", "surrogatepass")).hexdigest() == saved_digest
    spans = () if is_damaged else _spans(generated)
    is_modified = not is_saved if saved_digest else bool(text)
    return KeptDocument.of_text(key, text, None, spans, is_modified or is_damaged, is_damaged)


def text_of(written: bytes | str) -> tuple[str, bool]:
    """A kept text, and whether some of it is lost."""
    if isinstance(written, str):
        return written, True  # text is written as bytes: another hand, or a damaged head of the row
    try:
        return written.decode("utf-8", "surrogatepass"), False
    except UnicodeDecodeError:
        return written.decode("utf-8", "replace"), True


def _about_of(written: Any) -> About:
    try:
        plain = json.loads(written)
        return About(str(plain["title"]), str(plain["author"]), str(plain["language"]))
    except (ValueError, TypeError, KeyError):
        return About()


def _path_of(written: Any) -> Path | None:
    return Path(os.fsdecode(written)) if isinstance(written, (bytes, str)) and written else None


def _number_of(written: Any) -> int:
    return written if isinstance(written, int) else 0


def _version_of(mtime_ns: Any, size: Any, inode: Any, digest: Any) -> FileVersion | None:
    if not (isinstance(mtime_ns, int) and isinstance(size, int) and isinstance(digest, str)):
        return None
    try:
        return FileVersion(StatToken(mtime_ns, size, int(inode)), digest)
    except (TypeError, ValueError):
        return None


def _spans(written: str) -> tuple[tuple[int, int], ...]:
    """The spans of a row; none where they make no sense: a text is worth more than its marks."""
    found = []
    for part in written.split():
        start, _, end = part.partition("-")
        if not (start.isdecimal() and end.isdecimal()):
            return ()
        found.append((int(start), int(end)))
    return tuple(found)
