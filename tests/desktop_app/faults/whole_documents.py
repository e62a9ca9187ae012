"""Operations on whole documents in the recovery store: by their changes, all of it again, a store of an older version.

Every state that a fault may leave is one of two documents, in everything: branches, steps, origins, records, bookmarks.
Knows: the recovery store, its older schema. Must not know: how a fault is made.
"""

import json
import sqlite3
from pathlib import Path
from unittest import mock

from desktop_app.document import recovery_format, recovery_plan
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, StoredDocument
from desktop_app.document.origins import GENERATED, TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.versions import EarlierText
from tests.desktop_app.faults.operation import Operation, kept_documents, kept_texts, opened_store, store_stray

ABOUT = (About("海上", "Ann", "zh"), About("The Sea", "Ann", "en"))
EARLIER = (EarlierText(1.0, "从前"), EarlierText(2.0, "从前有"))
OLDER_TEXT = "旧版本的文字。\n" * 400


def begun() -> Document:
    """Two branches, a record, a bookmark, a step that is undone; long enough for several pages."""
    document = Document()
    document.insert(0, "从前有一个老人。\n" * 500, Origin(TYPED))
    document.set_record("r1", {"model": "tiny", "seed": 7})
    document.insert(900, " a fox", Origin(GENERATED, "r1"), "generation")
    document.fork(400, "另一条")
    document.bookmark(20, "这里")
    document.insert(0, "x", Origin(TYPED))
    document.undo()
    return document


def go_on(document: Document) -> Document:
    """What a person does until the next autosave."""
    document.insert(7, "海上 ", Origin(TYPED))
    document.set_record("r2", {"model": "tiny", "seed": 8})
    document.insert(11, "wind", Origin(GENERATED, "r2"), "generation")
    document.undo()
    document.switch(document.fork(30, "third"))
    document.insert(30, "end", Origin(TYPED))
    return document


def kept(document: Document, about: About) -> KeptDocument:
    return KeptDocument("novel", StoredDocument(document.copy(), about, EARLIER), caret=3)


def seen(one: KeptDocument) -> str:
    """Everything of a document, to compare."""
    about = one.stored.about
    texts = [(text.saved, text.text) for text in one.stored.versions]
    return json.dumps([to_plain(one.stored.document), about.title, about.language, texts, one.is_damaged])


def write_begun(folder: Path) -> None:
    store = opened_store(folder)
    store.keep([kept(begun(), ABOUT[0])])
    store.close()


def keep_changes(folder: Path) -> None:
    """The store finds the document and gets what was done since.

    A start that cannot ask whether the earlier one has ended leaves it its document, and writes one of its own.
    """
    store = opened_store(folder)
    found = store.take_over()
    document = go_on(found[0].stored.document if found else begun())
    store.keep([kept(document, ABOUT[1])])


def keep_all_again(folder: Path) -> None:
    """The same, at a moment at which the changes have become many."""
    with mock.patch.object(recovery_plan, "CHANGES_AT_MOST", 0):
        keep_changes(folder)


def keep_changes_problems(folder: Path, is_confirmed: bool) -> list[str]:
    before, after = seen(kept(begun(), ABOUT[0])), seen(kept(go_on(begun()), ABOUT[1]))
    documents, notice = kept_documents(folder)
    found = [seen(one) for one in documents.values()]
    problems = [f"torn: {one[:200]}" for one in found if one not in (before, after)]
    if not (after in found if is_confirmed else found):
        problems.append(f"lost: {len(found)} documents, confirmed: {is_confirmed}")
    return problems + ([f"notice: {notice}"] if notice else []) + store_stray(folder)


def write_older_store(folder: Path) -> None:
    """A store as version 2 left it, of a session that has ended."""
    (folder / "recovery").mkdir()
    older = sqlite3.connect(folder / "recovery" / "recovery.db")
    older.execute("PRAGMA journal_mode = WAL")
    for script in recovery_format.MIGRATIONS[:2]:
        older.executescript(script)
    older.execute(f"PRAGMA application_id = {recovery_format.APPLICATION_ID}")
    older.execute("PRAGMA user_version = 2")
    values = "'novel', 'old', 0, ?, NULL, 2, 3, 'UTF-8', 'LF', NULL, NULL, NULL, NULL, '', 1.0, '0-2'"
    older.execute(f"INSERT INTO document VALUES ({values})", (OLDER_TEXT.encode(),))
    older.execute("INSERT INTO session VALUES ('old', 1.0)")
    older.commit()
    older.close()


def open_older_store(folder: Path) -> None:
    """The first start of a new version."""
    store = opened_store(folder)
    store.keep(store.take_over())


def open_older_store_problems(folder: Path, is_confirmed: bool) -> list[str]:
    texts = kept_texts(folder)
    found = [] if OLDER_TEXT in texts.values() else ["lost"]
    return found + [f"torn: {key}" for key, text in texts.items() if text != OLDER_TEXT] + store_stray(folder)


WHOLE_DOCUMENTS = (
    Operation("autosave of changes", write_begun, keep_changes, keep_changes_problems),
    Operation("autosave of all again", write_begun, keep_all_again, keep_changes_problems),
    Operation("open an older store", write_older_store, open_older_store, open_older_store_problems),
)
