"""What the document model promises, in small examples; `test_document_properties` has the large ones."""

import subprocess
import sys
from pathlib import Path

import pytest

from desktop_app.document.history import BEGINNING
from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, IMPORTED, TYPED, Origin, Passage
from desktop_app.document.soundness import problems
from desktop_app.document.tree import ROOT

TYPED_HERE, BY_MODEL = Origin(TYPED), Origin(GENERATED, "r1")


def typed(text: str) -> Document:
    document = Document()
    for at, character in enumerate(text):
        document.insert(at, character, TYPED_HERE)
    return document


def nodes(document: Document) -> dict[int, str]:
    """The text of each node."""
    found = {}
    for key, node in document.tree.nodes.items():
        spans = [] if node.text is None else [document.buffer.read(s.start, s.length) for s in spans_in(node.text)]
        found[key] = "".join(spans)
    return found


def spans_in(rope):
    from desktop_app.document.spans import spans_of

    return list(spans_of(rope))


def test_typing_is_one_span_and_one_step():
    document = typed("从前有 😀 a girl")
    assert len(document.spans()) == 1
    assert len(document.history.steps) == 1
    document.undo()
    assert document.text() == ""
    document.redo()
    assert document.text() == "从前有 😀 a girl"


def test_typing_elsewhere_or_after_a_pause_is_another_step():
    document = typed("one")
    document.insert(0, "x", TYPED_HERE)
    document.close_step()
    document.insert(1, "y", TYPED_HERE)
    assert len(document.history.steps) == 3


def test_the_keys_that_delete_join_as_typing_does():
    document = typed("abcdef")
    for _ in range(2):
        document.delete(2, 3)
    for at in (2, 1):
        document.delete(at - 1, at)
    assert document.text() == "ef"
    assert len(document.history.steps) == 2
    document.undo()
    assert document.text() == "abcdef"


def test_text_typed_into_and_after_generated_text_is_typed():
    document = typed("Once ")
    step = 0
    for piece in ("upon ", "a time"):
        step = document.replace(
            document.length(), document.length(), (Passage(piece, BY_MODEL),), kind="generation", joins=step
        )
    document.insert(document.length(), "!", TYPED_HERE)
    document.insert(7, "X", TYPED_HERE)
    assert document.passages() == (
        Passage("Once ", TYPED_HERE),
        Passage("up", BY_MODEL),
        Passage("X", TYPED_HERE),
        Passage("on a time", BY_MODEL),
        Passage("!", TYPED_HERE),
    )
    assert document.origin_at(6) == BY_MODEL
    for _ in range(2):
        document.undo()
    assert document.text() == "Once upon a time"
    document.undo()
    assert document.text() == "Once ", "a generation is one step"


def test_cut_and_paste_keeps_origins_beside_each_other():
    document = typed("mine ")
    document.insert(5, "the model's", BY_MODEL, "generation")
    clip = document.passages(3, 8)
    document.delete(3, 8, "cut")
    document.replace(document.length(), document.length(), clip, "paste")
    assert document.text() == "min model'se the"
    assert document.passages()[-1] == Passage("the", BY_MODEL)
    assert document.passages()[-2] == Passage("e ", TYPED_HERE)


def test_a_fork_cuts_a_node_and_nothing_else_does():
    document = typed("Once upon a time")
    assert nodes(document) == {ROOT: "Once upon a time"}
    fox = document.fork(5, "fox")
    document.insert(5, "a fox ", TYPED_HERE, branch=fox)
    assert sorted(nodes(document).values()) == ["Once ", "a fox ", "upon a time"]
    assert document.text(branch=fox) == "Once a fox "
    document.prune(fox)
    assert nodes(document) == {ROOT: "Once upon a time"}
    document.undo()
    assert document.text(branch=fox) == "Once a fox "
    assert document.tree.branches[fox].name == "fox"


def test_editing_shared_text_copies_it_and_leaves_the_other_branches_alone():
    document = typed("Once upon a time")
    other = document.fork(9)
    document.insert(9, " a hill", TYPED_HERE, branch=other)
    buffered = len(document.buffer)
    document.replace(0, 4, (Passage("Twice", TYPED_HERE),), "replace")
    assert document.text() == "Twice upon a time"
    assert document.text(branch=other) == "Once upon a hill"
    assert len(document.buffer) == buffered + len("Twice"), "spans are copied, characters are not"
    assert problems(document) == []
    document.undo()
    assert document.text() == "Once upon a time"


def test_editing_behind_the_fork_copies_nothing():
    document = typed("Once upon a time")
    document.fork(9)
    before = set(document.tree.nodes)
    document.insert(9, "!", TYPED_HERE)
    assert set(document.tree.nodes) == before


def test_a_cut_by_hand_stays_until_it_is_merged():
    document = typed("Once upon a time")
    document.split(5)
    document.split(5)
    assert sorted(nodes(document).values()) == ["Once ", "upon a time"]
    document.delete(3, 8)
    assert document.text() == "Oncn a time"
    assert len(document.tree.nodes) == 2
    document.merge()
    assert nodes(document) == {ROOT: "Oncn a time"}
    for _ in range(3):
        document.undo()
    assert nodes(document) == {ROOT: "Once upon a time"}


def test_a_step_that_was_undone_is_kept_when_another_way_is_taken():
    document = typed("Once ")
    document.insert(5, "upon", BY_MODEL, "generation")
    first = document.history.current
    document.undo()
    document.insert(5, "again", BY_MODEL, "generation")
    second = document.history.current
    document.undo()
    assert document.history.ways_on() == (second, first)
    document.redo(first)
    assert document.text() == "Once upon"
    document.undo()
    document.redo()
    assert document.text() == "Once upon", "redo goes back to what was undone last"


def test_operations_together_are_one_step():
    document = typed("cat cat")
    with document.step("replace all"):
        document.replace(4, 7, (Passage("dog", TYPED_HERE),))
        document.replace(0, 3, (Passage("dog", TYPED_HERE),))
    document.insert(7, "!", TYPED_HERE)
    document.undo()
    assert document.text() == "dog dog"
    document.undo()
    assert document.text() == "cat cat"


def test_bookmarks_move_with_their_character_and_come_back():
    document = typed("Once upon a time")
    mark = document.bookmark(5, "upon")
    document.insert(0, "😀", TYPED_HERE)
    assert document.bookmarks[mark].position == 6
    document.delete(3, 9)
    assert document.bookmarks[mark].position == 3
    document.undo()
    assert document.bookmarks[mark].position == 6
    document.remove_bookmark(mark)
    assert document.bookmarks == {}


def test_the_branch_of_a_step_is_shown_by_its_undo():
    document = typed("Once upon")
    shown = []
    document.on_switch.append(shown.append)
    fox = document.fork(5)
    document.switch(fox)
    document.insert(5, "fox", TYPED_HERE)
    document.switch(1)
    document.undo()
    assert document.current == fox
    document.undo()
    assert document.current == 1, "the branch is gone with its fork"
    assert shown == [fox, 1, fox, 1]


def test_pruning_the_branch_that_is_shown_shows_its_neighbour():
    document = typed("Once")
    fox = document.fork(4)
    document.switch(fox)
    document.prune()
    assert document.current == 1
    with pytest.raises(ValueError, match="at least one branch"):
        document.prune()


@pytest.mark.parametrize("place", [(-1, 2), (3, 2), (0, 5)])
def test_what_cannot_be_done_changes_nothing(place):
    document = typed("Once")
    with pytest.raises(ValueError, match="no part"):
        document.replace(*place, (Passage("x", TYPED_HERE),))
    assert (document.text(), len(document.buffer), document.history.current) == ("Once", 4, 1)
    with pytest.raises(ValueError, match="no part"):
        document.fork(9)
    with pytest.raises(ValueError, match="no branch"):
        document.switch(77)
    with pytest.raises(ValueError, match="no origin is called"):
        Origin("written")
    assert problems(document) == []


def test_positions_are_translated_inside_wide_characters():
    document = Document()
    document.insert(0, "a😀b", Origin(IMPORTED))
    document.insert(3, "𠀀", TYPED_HERE)
    assert [document.unit_at(position) for position in range(5)] == [0, 1, 3, 4, 6]
    assert [document.position_at(unit) for unit in range(7)] == [0, 1, 1, 2, 3, 3, 4]
    assert (document.length(), document.units()) == (4, 6)


def test_nothing_to_undo_is_said():
    document = Document()
    assert document.undo() is None
    assert document.redo() is None
    document.insert(0, "", TYPED_HERE)
    assert document.history.current == BEGINNING


def test_the_model_loads_neither_qt_nor_the_engine(root: Path):
    program = (
        "import sys; import desktop_app.document.plain_changes; "
        "print([name for name in sys.modules if name.split('.')[0] in ('PySide6', 'shiboken6', 'engine', 'numpy')])"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
