"""A difference in one column: nothing shown wrongly, the unchanged folded and counted, the size bounded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.document.difference import difference
from desktop_app.document.difference_rows import (
    ADDED,
    CUT,
    LINE_END,
    REMOVED,
    SAME,
    Fold,
    Paragraph,
    Part,
    Rest,
    Row,
    Summary,
    rows_of,
    summary_of,
)

TEXT = st.lists(st.sampled_from([*"天地 ab。\n", "\n\n", "word", "👩‍👧"]), max_size=40).map("".join)


def rows(old: str, new: str) -> list[Row]:
    return rows_of(difference(old, new))


def shown(row: Row) -> str:
    """One row as a person would note it."""
    if not isinstance(row, Paragraph):
        return repr(row)
    marks = {SAME: "{}", REMOVED: "[-{}-]", ADDED: "{{+{}+}}", CUT: "<{}>"}
    return "".join(marks[part.kind].format(part.text) for part in row.parts)


def test_what_changed_stands_inside_its_paragraph():
    assert [shown(row) for row in rows("one\nHe walked home.\ntwo", "one\nHe ran home.\ntwo")] == [
        "one",
        "He [-walked-]{+ran+} home.",
        "two",
    ]


def test_a_rewritten_paragraph_stands_before_the_new_one():
    found = rows("一\n我们去看海吧。\n二", "一\n他昨天就说不行。\n二")
    assert [shown(row) for row in found] == ["一", "[-我们去看海吧-]{+他昨天就说不行+}。", "二"]
    found = rows("一\n我们去看海吧，\n现在就去\n二", "一\n不行！他说\n那里下雨！\n二")
    assert [shown(row) for row in found] == [
        "一",
        "[-我们去看海吧，-]{+不行！他说+}",
        "[-现在就去-]{+那里下雨！+}",
        "二",
    ]
    found = rows("一\n甲\n乙\n二", "一\n丙丁\n二")
    assert [shown(row) for row in found] == ["一", "[-甲-]", "[-乙-]", "{+丙丁+}", "二"]


def test_a_line_end_that_went_or_came_is_seen():
    assert [shown(row) for row in rows("one. two.", "one.\ntwo.")] == ["one.[- -]{+¶+}", "two."]
    assert [shown(row) for row in rows("一。\n二。", "一。二。")] == ["一。[-¶-]", "二。"]
    assert shown(rows("a\nb", "a\n\nb")[1]) == f"{{+{LINE_END}+}}"


def test_far_from_changes_paragraphs_are_folded_and_counted_without_blank_ones():
    lines = [f"paragraph {number}" for number in range(40)]
    old = "\n\n".join(lines)
    found = rows(old, old.replace("paragraph 20", "chapter 20"))
    assert [shown(row) for row in found] == [
        "Fold(paragraphs=19)",
        "paragraph 19",
        "",
        "[-paragraph-]{+chapter+} 20",
        "",
        "paragraph 21",
        "Fold(paragraphs=18)",
    ]
    assert rows(old, old) == [Fold(40)]


def test_two_paragraphs_are_not_worth_a_fold():
    assert not any(isinstance(row, Fold) for row in rows("x\n1\n2\n3\n4\n5\ny", "X\n1\n2\n3\n4\n5\nY"))


def test_very_long_stretches_are_cut_in_the_middle_and_say_by_how_much():
    (row,) = rows("天" * 100_000, "地" * 30_000)
    assert isinstance(row, Paragraph)
    kinds = [part.kind for part in row.parts]
    assert kinds == [REMOVED, CUT, REMOVED, ADDED, CUT, ADDED]
    assert [part.text for part in row.parts if part.kind == CUT] == ["88,000", "18,000"]
    (row,) = rows("天" * 100_000, "地" + "天" * 100_000)
    assert isinstance(row, Paragraph)
    assert row.parts[:2] == (Part(ADDED, "地", 1), Part(SAME, "天" * 600))


def test_behind_the_most_paragraphs_the_other_changes_are_counted():
    old = "\n".join(f"line {number}" for number in range(100))
    found = rows_of(difference(old, old.replace("line", "verse")), most=10)
    assert found[-1] == Rest(89)  # ten are whole and one is open
    assert len(found) == 12


def test_the_summary_counts_what_a_reader_counts():
    assert summary_of(difference("天地 👩‍👧 one", "天地 👩‍👦 one two")) == Summary(changes=2, removed=1, added=4)
    assert summary_of(difference("same", "same")) == Summary(0, 0, 0)


@given(TEXT, TEXT)
@settings(max_examples=500, deadline=None)
def test_the_column_holds_both_texts(old, new):
    """Without folds, what is not added gives the old text back and what is not removed the new one."""
    found = difference(old, new)
    column = [row for row in rows_of(found) if isinstance(row, Paragraph)]
    numbers = [part.change for row in column for part in row.parts if part.change]
    assert sorted(numbers) == numbers
    assert set(numbers) == set(range(1, len(found.changes) + 1))
    for change, number in zip(found.changes, range(1, len(found.changes) + 1), strict=True):
        parts = [part for row in column for part in row.parts if part.change == number]
        removed = "".join(part.text for part in parts if part.kind == REMOVED).replace(LINE_END, "")
        added = "".join(part.text for part in parts if part.kind == ADDED).replace(LINE_END, "")
        assert removed == found.removed(change).replace("\n", "")
        assert added == found.added(change).replace("\n", "")
