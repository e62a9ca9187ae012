"""Documents with odd values and a right digest: opened, edited, saved, kept, read back; none keeps another one out."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from desktop_app.document import nextstroke_schema as schema
from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import StoreError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, DocumentFileError, StoredDocument, bytes_of, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import open_text
from desktop_app.document.versions import EarlierText, sane_moment

MOST = 2**63 - 1
VALUES = {
    "revision at the limit": [f"UPDATE state SET value = {MOST} WHERE name = 'revision'"],
    "revision a real number": ["UPDATE state SET value = 1e300 WHERE name = 'revision'"],
    "revision negative": ["UPDATE state SET value = -5 WHERE name = 'revision'"],
    "revision bytes": ["UPDATE state SET value = x'41' WHERE name = 'revision'"],
    "next id at the limit": [f"UPDATE state SET value = {MOST} WHERE name = 'next_id'"],
    "step at the limit": [
        f"UPDATE step SET id = {MOST} WHERE id = 2",
        f"UPDATE way SET steps = '[{MOST}]' WHERE parent = 1",
        f"UPDATE state SET value = {MOST} WHERE name = 'step'",
    ],
    "branch at the limit": [f"INSERT INTO branch VALUES ({MOST}, 2, 'x')"],
    "times far past": ["UPDATE version SET saved = -1e300"],
    "times without end": ["UPDATE version SET saved = 9e999"],
    "times in words": ["UPDATE version SET saved = 'nan'"],
    "a title with NUL": ["UPDATE about SET value = 'a' || char(0) || char(10) WHERE name = 'title'"],
    "a record that is no number": ["INSERT INTO record VALUES ('r', '{\"a\": NaN}')"],
    "a caret far away": ["UPDATE about SET value = '99999999999' WHERE name = 'caret'"],
}


def odd(*statements: str) -> bytes:
    """A document of many earlier texts with some values changed, and the digest of what it then holds."""
    document = Document()
    document.insert(0, "hello world", Origin(TYPED))
    document.fork(3)
    earlier = tuple(EarlierText(1e9 + number * 1e5, f"v{number}") for number in range(13))
    data = bytes_of(StoredDocument(document, About("t", "a", "en"), earlier), 1.0)
    with closing(schema.open_unchecked(data)) as connection:
        for statement in statements:
            connection.execute(statement)
        digest = schema.content_digest(connection)
        connection.execute("UPDATE about SET value = ? WHERE name = 'digest'", (digest,))
        return bytes(connection.serialize())


@pytest.mark.parametrize("name", VALUES)
def test_it_is_refused_or_lives_on(tmp_path: Path, name: str):
    path = tmp_path / "odd.nextstroke"
    path.write_bytes(odd(*VALUES[name]))
    try:
        opened = open_file(Disk(), path)
    except DocumentFileError:
        return  # one line, and the texts that can be read are offered
    assert opened.stored is not None
    document = opened.stored.document
    document.insert(0, "new ", Origin(TYPED))
    document.bookmark(0)
    document.undo()
    document.redo()
    save_document(Disk(), path, opened.stored, opened.version)
    again = open_file(Disk(), path)
    assert again.text.startswith("new ")
    store = RecoveryStore(tmp_path / "state", Disk())
    other = KeptDocument("other", StoredDocument(Document()), None)
    other.stored.document.insert(0, "precious", Origin(TYPED))
    store.keep([KeptDocument("odd", opened.stored, path), other])
    assert {kept.key: kept.text for kept in store.kept()} == {"odd": document.text(), "other": "precious"}
    store.close()


def test_one_that_cannot_be_kept_keeps_no_other_out_and_is_said(tmp_path: Path):
    store = RecoveryStore(tmp_path, Disk())
    first, last = KeptDocument.of_text("first", "one"), KeptDocument.of_text("last", "two")
    bad = KeptDocument("bad", StoredDocument(Document(), versions=(EarlierText(float("nan"), "x"),)))
    with pytest.raises(StoreError, match="cannot be kept"):
        store.keep([first, bad, last])
    assert {kept.key: kept.text for kept in store.kept()} == {"first": "one", "last": "two"}
    too_large = KeptDocument.of_text("large", "three")
    object.__setattr__(too_large, "caret", 2**70)
    with pytest.raises(StoreError, match="cannot be kept"):
        store.keep([too_large, KeptDocument.of_text("last", "two and more")])
    assert {kept.key: kept.text for kept in store.kept()} == {"first": "one", "last": "two and more"}
    store.close()


def test_a_file_of_the_far_future_is_kept_like_any_other(tmp_path: Path):
    path = tmp_path / "future.txt"
    path.write_text("from 2286", encoding="utf-8")
    os.utime(path, (10_000_000_000, 10_000_000_000))
    opened = open_text(Disk(), path)
    store = RecoveryStore(tmp_path / "state", Disk())
    store.keep([KeptDocument("k", KeptDocument.of_text("k", "changed").stored, path, version=opened.version)])
    (kept,) = store.kept()
    assert (kept.text, kept.version) == ("changed", opened.version)
    store.close()


def test_moments_are_pulled_to_where_there_are_dates():
    assert [sane_moment(each) for each in (5, "nan", -1e300, float("inf"), "7.5")][:2] == [5.0, 0.0]
    for each in (-1e300, 9e999, "nan", 1e18):
        time.gmtime(sane_moment(each))
    with pytest.raises(ValueError, match="could not convert"):
        sane_moment("soon")
