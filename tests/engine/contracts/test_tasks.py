"""A task's format: written, read back, and refused where it could not be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.errors import UsageError
from engine.contracts.tasks import TaskFormat, task_named, wrong_tasks

TRANSLATE = TaskFormat("translate-en-zh", "英译中：\n", "\n=\n")


def test_an_example_is_spelt_as_the_pieces_say() -> None:
    assert TRANSLATE.prompt(" The cat sleeps.\n") == "英译中：\nThe cat sleeps.\n=\n"
    assert TRANSLATE.document("The cat sleeps.", "猫在睡觉。") == "英译中：\nThe cat sleeps.\n=\n猫在睡觉。"


@given(st.text(), st.text())
def test_what_is_written_is_read_back_or_refused(source: str, target: str) -> None:
    try:
        document = TRANSLATE.document(source, target)
    except UsageError:
        assert not source.strip() or not target.strip() or "\n" in target.strip() or "\n=" in f"\n{source.strip()}\n"
        return
    assert TRANSLATE.parse(document) == (source.strip(), target.strip())
    assert document.startswith(TRANSLATE.prompt(source))


@pytest.mark.parametrize(
    "document", ["", "英译中：\nno end", "Other:\na\n=\nb", "英译中：\na\n=\n", "英译中：\na\n=\nb\nc"]
)
def test_a_text_that_is_no_example_is_refused(document: str) -> None:
    with pytest.raises(UsageError, match=r"translate-en-zh|answer"):
        TRANSLATE.parse(document)


@pytest.mark.parametrize("source", ["", " \n", "a\n=\nb", "a\n="])
def test_a_source_that_cannot_be_told_apart_is_refused(source: str) -> None:
    with pytest.raises(UsageError, match="translate-en-zh"):
        TRANSLATE.prompt(source)


def test_a_task_is_found_by_name_and_the_others_are_listed() -> None:
    assert task_named([TRANSLATE], "translate-en-zh") is TRANSLATE
    with pytest.raises(UsageError, match="there are translate-en-zh"):
        task_named([TRANSLATE], "translate-en-fr")
    with pytest.raises(UsageError, match="there is no task here"):
        task_named([], "translate-en-zh")


def test_impossible_tasks_are_said() -> None:
    assert wrong_tasks([TRANSLATE]) == ""
    assert "same name" in wrong_tasks([TRANSLATE, TRANSLATE])
    assert "empty" in wrong_tasks([TaskFormat("a", "", "\n")])
    assert "longer" in wrong_tasks([TaskFormat("a", "x" * 201, "\n")])
    assert "typed" in wrong_tasks([TaskFormat("a\nb", "x", "\n")])
    assert "before is 3" in wrong_tasks([TaskFormat("a", 3, "\n")])  # type: ignore[arg-type]
    assert "more than" in wrong_tasks([TRANSLATE] * 101)
