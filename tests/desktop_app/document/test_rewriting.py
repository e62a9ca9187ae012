"""A document takes over another text: equal in the end, with what did not change left as it was."""

from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Origin, Passage
from desktop_app.document.rewriting import rewrites
from desktop_app.document.text_as_document import document_of_text, state_with_text, take_text

WORDS = st.sampled_from(["天地", "玄黄", "word ", "other ", "。\n", "a", "👩‍👧", "e\u0301"])
PASSAGES = st.lists(st.builds(Passage, WORDS, st.sampled_from([Origin(TYPED), Origin(PASTED), Origin(GENERATED, "r")])))


def document_of(passages: list[Passage]) -> Document:
    document = Document()
    document.replace(0, 0, passages, "opening")
    document.forget_past()
    return document


def generated(document: Document) -> list[bool]:
    """Of each character, whether the model wrote it."""
    return [origin.kind == GENERATED for text, origin in document.passages() for _ in text]


@given(PASSAGES, PASSAGES)
@settings(max_examples=300, deadline=None)
def test_the_text_becomes_the_other_one_as_one_step_and_every_models_word_is_known(mine, theirs):
    document, other = document_of(mine), document_of(theirs)
    before = document.passages()
    take_text(document, other)
    assert document.text() == other.text()
    assert generated(document) == generated(other)
    if document.history.can_undo:
        document.undo()
    assert document.passages() == before
    assert not document.history.can_undo


@given(PASSAGES, st.lists(WORDS).map("".join))
@settings(max_examples=300, deadline=None)
def test_a_text_without_known_origins_changes_only_what_differs(mine, text):
    document = document_of(mine)
    found = rewrites(document, document_of_text(text), is_origin_known=False)
    old, pieces, at = document.text(), [], 0
    for start, end, new_start, new_end in found:
        pieces += [old[at:start], text[new_start:new_end]]
        assert old[start:end] != text[new_start:new_end]
        at = end
    assert "".join([*pieces, old[at:]]) == text


def test_a_word_that_grew_keeps_the_origin_of_what_it_was():
    document = document_of([Passage("once", Origin(TYPED))])
    take_text(document, document_of_text("XYZonce"))
    assert document.passages() == (Passage("XYZ", Origin(IMPORTED)), Passage("once", Origin(TYPED)))


def test_words_that_stand_in_both_by_chance_get_the_origin_that_they_have_there():
    document = document_of([Passage("He walked home.", Origin(TYPED))])
    take_text(document, document_of([Passage("X ", Origin(TYPED)), Passage("He walked home.", Origin(GENERATED))]))
    assert generated(document) == [False] * 2 + [True] * 15


def test_the_last_step_that_showed_a_text_is_found_and_nothing_changes():
    document = Document()
    document.insert(0, "Once upon", Origin(TYPED))
    document.insert(9, " a time", Origin(GENERATED, "r"), "generation")
    document.replace(0, 16, [Passage("else", Origin(PASTED))], "paste")
    revision = document.log.revision
    found = state_with_text(document, "Once upon a time")
    assert found is not None
    assert [(passage.text, passage.origin) for passage in found.passages()] == [
        ("Once upon", Origin(TYPED)),
        (" a time", Origin(GENERATED, "r")),
    ]
    assert state_with_text(document, "never here") is None
    assert (document.text(), document.log.revision) == ("else", revision)
    document.forget_past()
    assert state_with_text(document, "Once upon") is None
