"""What the document layer refuses, and how: changes that do not follow, trees that do not hold, no place at all."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, StoredDocument, save_document
from desktop_app.document.origins import GENERATED, IMPORTED, TYPED, Origin
from desktop_app.document.plain_changes import changes_since, mark_of, take_changes
from desktop_app.document.plain_document import PlainDocumentError, from_plain, to_plain
from desktop_app.document.restoring import NOWHERE, restore
from desktop_app.document.soundness import problems
from desktop_app.document.spans import Span, rope_of
from desktop_app.document.text_as_document import document_of_text, state_with_text
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import save_text
from desktop_app.document.tree import Branch, Node


def forked() -> tuple[Document, int]:
    document = Document()
    document.insert(0, "Once upon a time", Origin(TYPED))
    return document, document.fork(4)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "undone", "step": 99}, "step 99 is not the last one"),
        ({"kind": "redone", "step": 99}, "step 99 does not follow"),
        ({"kind": "dreamt"}, "called 'dreamt'"),
        ({"kind": "current", "branch": 99}, "no branch 99"),
        ({"kind": "done", "branch": 1, "step_kind": "x", "operation": ["boil", 1]}, "no operation is called 'boil'"),
        ({"kind": "done", "branch": 1, "step_kind": "x", "operation": ["unmark", 9]}, "no bookmark 9"),
        ({"kind": "done", "branch": 1, "step_kind": "x", "operation": ["mark", 1, 99, ""]}, "no part of a text"),
        ({"kind": "done", "branch": 1, "step_kind": "x", "operation": ["splice", 9, 0, 0, []]}, "no branch 9"),
        ({"kind": "done", "branch": 1}, "KeyError"),
    ],
)
def test_changes_that_do_not_follow_are_damage(entry: dict, words: str):
    document, _ = forked()
    mark, store = mark_of(document), from_plain(to_plain(document))
    document.insert(0, "more ", Origin(TYPED))
    changes = changes_since(document, mark)
    assert changes is not None
    with pytest.raises(PlainDocumentError, match=words):
        take_changes(store, {**changes, "entries": [*changes["entries"], entry]})


def put(document: Document, node: int, **values: object) -> None:
    document.tree.nodes[node] = replace(document.tree.nodes[node], **values)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda d: put(d, 1, parent=2), "the tree has no root"),
        (lambda d: put(d, 1, children=(2, 3, 2)), "node 2 is reached twice"),
        (lambda d: put(d, 3, parent=2), "node 3 is no child of node 1"),
        (lambda d: d.tree.nodes.update({77: Node(77, 1)}), r"nodes \[77\] hang on nothing"),
        (lambda d: d.tree.branches.update({78: Branch(78, 1)}), "leaves and branches are not the same"),
        (lambda d: setattr(d, "current", 79), "branch 79 is shown and does not exist"),
        (lambda d: put(d, 3, text=rope_of([Span(900, 4, 0, 4)])), "lies outside the text"),
        (lambda d: put(d, 3, text=rope_of([Span(0, 4, 50, 4)])), "has no origin"),
        (lambda d: put(d, 3, text=rope_of([Span(0, 4, 0, 5)])), "has another width"),
    ],
)
def test_each_harm_to_a_document_is_named(harm: Callable[[Document], object], words: str):
    document, _ = forked()
    assert sorted(document.tree.nodes) == [1, 2, 3]
    assert problems(document) == []
    harm(document)
    found = problems(document)
    assert any(re.search(words, line) for line in found), found


def test_the_last_state_with_a_text_is_found_with_its_origins():
    document = document_of_text("one two")
    document.delete(4, 7)
    document.insert(4, "two", Origin(GENERATED, "r"), "generation")
    document.insert(7, " three", Origin(TYPED))
    before = to_plain(document)
    found = state_with_text(document, "one two")
    assert found is not None
    assert [passage.origin.kind for passage in found.passages()] == [IMPORTED, GENERATED]
    assert state_with_text(document, "one ") is not None
    assert state_with_text(document, "never so") is None
    assert to_plain(document) == before


def test_a_saved_plain_text_whose_file_is_gone_is_all_there_and_to_be_saved(tmp_path: Path):
    kept = KeptDocument.of_text("k", "all of it", tmp_path / "gone.txt", is_modified=False)
    restored = restore(Disk(), kept)
    assert (restored.is_recovered, restored.is_unread, restored.document.text) == (True, True, "all of it")
    assert restored.document.is_modified


def test_a_plain_file_that_others_changed_is_read_anew_and_lost_origins_are_said(tmp_path: Path):
    path, disk = tmp_path / "a.txt", Disk()
    save_text(disk, path, "theirs", TextFormat(), None)
    kept = KeptDocument.of_text("k", "mine, and the model's", path, generated=((5, 9),), is_modified=False)
    restored = restore(disk, kept)
    assert (restored.document.text, restored.is_recovered) == ("theirs", False)
    assert [note.kind for note in restored.notes] == ["origin_lost"]
    alone = restore(disk, KeptDocument.of_text("k", "mine alone", path, is_modified=False))
    assert (alone.document.text, alone.notes) == ("theirs", ())


@pytest.mark.parametrize("about", [About(), About("Title")])
def test_only_a_file_with_an_earlier_state_of_the_document_has_a_step_that_undo_leads_to(tmp_path: Path, about: About):
    path, disk, (document, _) = tmp_path / "a.nextstroke", Disk(), forked()
    stored, version = save_document(disk, path, StoredDocument(document.copy(), about))
    document.insert(0, "More: ", Origin(TYPED))
    kept = KeptDocument("k", StoredDocument(document), path, version=version)
    restored = restore(disk, kept)
    assert restored.is_recovered
    assert restored.document.text == "More: Once upon a time"
    assert restored.document.stored.versions == stored.versions
    assert restored.saved_step == (stored.document.history.current if about == About() else NOWHERE)
    assert restored.document.version == version
