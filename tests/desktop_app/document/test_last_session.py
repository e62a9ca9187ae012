"""The file of the session: kept whole, read leniently; and which texts a start shows."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DiskError, DocumentError
from desktop_app.document.file_claims import FileClaims
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.last_session import (
    FILE_NAME,
    TABS_BOUND,
    VERSION,
    LastSession,
    Reopened,
    SessionFile,
    TabState,
    hold_files,
    texts_to_reopen,
)

ODD = Path("/家/\udcff name 😀.txt")  # a name with a byte that is no UTF-8
SESSION = LastSession((TabState("a", Path("/x/小说.txt"), 7, 3, 2), TabState("b"), TabState("c", ODD, 1)), front=2)


def saved(path: Path, text: str = "text", **says: object) -> KeptDocument:
    path.write_text(text, encoding="utf-8")
    return replace(KeptDocument.of_text(path.stem, text, path, is_modified=False), **says)


# ---- the file ---------------------------------------------------------------------------------------------------


def test_a_session_comes_back_as_it_was(tmp_path: Path):
    SessionFile(tmp_path / "state", Disk()).save(SESSION)
    assert SessionFile(tmp_path / "state", Disk()).load() == SESSION
    assert (tmp_path / "state" / FILE_NAME).stat().st_mode & 0o077 == 0


def test_the_first_start_is_known_and_a_session_without_tabs_is_no_first_start(tmp_path: Path):
    file = SessionFile(tmp_path, Disk())
    assert file.load() == LastSession(is_first=True)
    file.save(LastSession())
    assert not file.load().is_first


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"version": 1}',
        b'{"version": "x", "tabs": []}',
        b'{"version": 1, "tabs": 7}',
        b"[" * 9000,
    ],
)
def test_a_damaged_file_is_an_empty_session_and_is_replaced(tmp_path: Path, content: bytes):
    (tmp_path / FILE_NAME).write_bytes(content)
    file = SessionFile(tmp_path, Disk())
    assert file.load() == LastSession()
    file.save(SESSION)
    assert file.load() == SESSION


def test_tabs_that_make_no_sense_are_left_out_one_by_one(tmp_path: Path):
    rows = [
        None,
        {"path": "/x"},
        {"key": "a", "path": 5, "caret": -1, "scroll": "x", "branch": True},
        {"key": "a", "path": "/again"},
        {"key": "b", "path": "/b", "caret": 1 << 40, "more": 1},
    ]
    (tmp_path / FILE_NAME).write_text(json.dumps({"version": 1, "front": 9, "tabs": rows}), encoding="utf-8")
    assert SessionFile(tmp_path, Disk()).load() == LastSession((TabState("a"), TabState("b", Path("/b"))), 0)


@given(
    st.binary(max_size=400)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["version", "tabs", "key", "path", "front", "caret"]), inner)
        ),
    ).map(lambda plain: json.dumps(plain).encode())
)
def test_no_content_makes_loading_fail(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    folder = tmp_path_factory.getbasetemp() / "session"
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_bytes(content)
    assert isinstance(SessionFile(folder, Disk()).load(), LastSession)


def test_a_newer_versions_file_is_left_alone(tmp_path: Path):
    content = json.dumps({"version": VERSION + 1, "tabs": [{"key": "a"}]})
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    file = SessionFile(tmp_path, Disk())
    assert file.load() == LastSession()
    file.save(SESSION)
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8") == content


def test_a_file_that_the_disk_does_not_give_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = SessionFile(tmp_path, Disk())
    file.save(SESSION)

    def refuse(*_arguments: object) -> bytes:
        raise DiskError("cannot read", "fault")

    with monkeypatch.context() as patched:
        patched.setattr(Disk, "read_bytes", refuse)
        assert file.load() == LastSession()
    file.save(LastSession())
    assert SessionFile(tmp_path, Disk()).load() == SESSION


def test_a_save_that_fails_is_an_error_of_the_disk(tmp_path: Path):
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    with pytest.raises(DocumentError):
        SessionFile(tmp_path / "state", Disk()).save(SESSION)


# ---- which texts come back --------------------------------------------------------------------------------------


def test_texts_come_back_in_the_order_of_the_tabs_with_caret_scroll_and_branch(tmp_path: Path):
    kept = [saved(tmp_path / f"{name}.txt", name) for name in "cab"]
    session = LastSession((TabState("a", None, 5, 6, 7), TabState("b"), TabState("c")), front=1)
    reopened = texts_to_reopen(Disk(), session, kept, reopens=True)
    assert [document.key for document in reopened.documents] == ["a", "b", "c"]
    assert reopened.front == 1
    first = reopened.documents[0]
    assert (first.text, first.caret, first.scroll, first.branch) == ("a", 5, 6, 7)
    assert (reopened.others, reopened.notes) == ((), ())


def test_a_text_that_only_the_store_knows_comes_last(tmp_path: Path):
    kept = [KeptDocument.of_text("new", "written just before the crash"), saved(tmp_path / "a.txt")]
    reopened = texts_to_reopen(Disk(), LastSession((TabState("a"),)), kept, reopens=True)
    assert [document.key for document in reopened.documents] == ["a", "new"]


def test_a_tab_that_the_store_does_not_know_comes_from_its_file(tmp_path: Path):
    saved(tmp_path / "a.txt", "from the file")
    session = LastSession((TabState("lost", tmp_path / "a.txt", 3),))
    (document,) = texts_to_reopen(Disk(), session, (), reopens=True).documents
    assert (document.key, document.text, document.caret, document.has_unsaved_text) == (
        "lost",
        "from the file",
        3,
        False,
    )


def test_files_that_are_gone_are_one_note(tmp_path: Path):
    session = LastSession((TabState("a", tmp_path / "gone.txt"), TabState("b", tmp_path / "下.txt"), TabState("c")), 1)
    reopened = texts_to_reopen(Disk(), session, [KeptDocument.of_text("c", "here")], reopens=True)
    assert [document.key for document in reopened.documents] == ["c"]
    assert reopened.front == 0
    assert [note.facts for note in reopened.notes] == [(("list", "gone.txt, 下.txt"),)]


def test_who_wants_an_empty_start_gets_only_what_was_not_saved(tmp_path: Path):
    kept = [
        saved(tmp_path / "a.txt"),
        saved(tmp_path / "b.txt", is_modified=True),
        KeptDocument.of_text("untitled", "never saved"),
        KeptDocument.of_text("welcome", "as it came", is_modified=False),
    ]
    session = LastSession(tuple(TabState(document.key, document.path) for document in kept), front=2)
    reopened = texts_to_reopen(Disk(), session, kept, reopens=False)
    assert [document.key for document in reopened.documents] == ["b", "untitled"]
    assert reopened.front == 1
    assert [document.key for document in reopened.others] == ["a", "welcome"]


def test_empty_pages_do_not_come_back(tmp_path: Path):
    kept = [KeptDocument.of_text("empty", ""), saved(tmp_path / "empty-file.txt", "")]
    session = LastSession((TabState("empty"), TabState("empty-file")), front=0)
    reopened = texts_to_reopen(Disk(), session, kept, reopens=True)
    assert [document.key for document in reopened.documents] == ["empty-file"]


def test_what_is_over_the_bound_is_handed_back():
    kept = [KeptDocument.of_text(str(number), f"text {number}") for number in range(TABS_BOUND + 5)]
    reopened = texts_to_reopen(Disk(), LastSession(), kept, reopens=True)
    assert (len(reopened.documents), len(reopened.others)) == (TABS_BOUND, 5)


@given(st.data())
def test_no_unsaved_text_is_ever_lost(data: st.DataObject):
    """Whatever the session says, every text of the store gets a tab or is handed back, none twice."""
    keys = data.draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    kept = [
        KeptDocument.of_text(
            key,
            data.draw(st.sampled_from(["", "text"])),
            is_modified=data.draw(st.booleans()),
        )
        for key in keys
    ]
    tabs = tuple(TabState(key) for key in data.draw(st.lists(st.sampled_from("abcdefghij"), unique=True)))
    session = LastSession(tabs, data.draw(st.integers(0, max(0, len(tabs) - 1))))
    reopened = texts_to_reopen(Disk(), session, kept, data.draw(st.booleans()))
    assert sorted(each.key for each in (*reopened.documents, *reopened.others)) == sorted(keys)
    assert {each.key for each in kept if each.has_unsaved_text} <= {each.key for each in reopened.documents}
    assert 0 <= reopened.front < max(1, len(reopened.documents))


# ---- their files ------------------------------------------------------------------------------------------------


def test_what_another_window_has_open_is_not_opened_again_and_unsaved_text_is_a_copy(tmp_path: Path):
    free, taken, changed = (saved(tmp_path / f"{name}.txt") for name in ("free", "taken", "changed"))
    changed = replace(changed, is_modified=True)
    untitled, silent = KeptDocument.of_text("u", "no file"), saved(tmp_path / "silent.txt")
    other, ours = FileClaims(tmp_path / "locks", Disk()), FileClaims(tmp_path / "locks", Disk())
    for document in (taken, changed):
        assert document.path is not None
        other.claim(document.path)
    reopened = Reopened((taken, free, changed, untitled, silent), front=2)
    held = hold_files(ours, reopened, frozenset((tmp_path / "silent.txt",)))
    assert [each.key for each in held.documents] == ["free", "changed", "u", "silent"]
    assert held.documents[held.front].key == "changed"
    assert [each.path for each in held.documents] == [free.path, None, None, silent.path]
    assert held.documents[1].text == changed.text
    assert held.others == (taken,)
    assert list(held.claims) == ["free"]
    assert len(held.notes) == 2
    assert all(words in note.text for note, words in zip(held.notes, ("taken.txt", "changed.txt"), strict=True))
    other.close()
    ours.close()


def test_a_file_that_two_windows_had_open_is_shown_once_without_a_word(tmp_path: Path):
    one = saved(tmp_path / "one.txt")
    claims = FileClaims(tmp_path / "locks", Disk())
    held = hold_files(claims, Reopened((one, replace(one, key="again")), front=1))
    assert ([each.key for each in held.documents], held.front, held.notes) == (["one"], 0, ())
    assert [each.key for each in held.others] == ["again"]
    claims.close()
