"""What cannot be edited is offered to be read, in parts; the file stays as it is and nothing else changes."""

import time
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from desktop_app.dialogs.parts_dialog import LONGEST_LINE, PartsDialog
from desktop_app.document import text_file
from desktop_app.document.text_parts import PART_BYTES, TextPart
from tests.desktop_app.services.qt import delete_now

LINE = "从前 there was a village by the sea.\n"


def refused(kit, path: Path, answer: str = "read") -> str:
    """Open a file that is refused for editing; the words of the question."""
    before = path.stat()
    kit.write("mine")
    kit.view.document().setModified(False)
    kit.answers.answer = answer
    assert not kit.window.opening.open(str(path))
    assert kit.text == "mine"
    after = path.stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    assert kit.answers.told == []
    (question,) = kit.answers.asked
    assert path.name in question.title
    return question.text


def test_a_text_that_is_too_large_is_read_in_parts(kit, tmp_path):
    path = tmp_path / "大 book.txt"
    path.write_bytes((LINE * (text_file.SIZE_LIMIT_BYTES // len(LINE.encode()) + 1)).encode())
    assert "larger than 50 MB" in refused(kit, path)
    assert kit.answers.notice == "Read-only, UTF-8."
    assert [part.count for part in kit.answers.parts] == [51, 51, 51]
    assert all(part.text.startswith(LINE) and part.text.endswith(LINE) for part in kit.answers.parts)
    assert sum(len(part.text.encode()) for part in kit.answers.parts) < 3 * PART_BYTES + len(LINE.encode())


def test_who_does_not_want_to_read_sees_nothing(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("où\n".encode("latin-1"))
    refused(kit, path, answer="cancel")
    assert kit.answers.parts == []


@pytest.mark.parametrize(
    ("data", "words", "shown"),
    [
        (
            "Une soirée à Orléans, où\n".encode("latin-1"),
            "neither UTF-8",
            "Une soir\ufffde \ufffd Orl\ufffdans, o\ufffd\n",
        ),
        (b"\xff\xfea\0b", "damaged further on", "a\ufffd"),
        (b"\xff\xfea\0\x00\xd8b\0", "U+D800", "a\ufffdb"),
        ("one\u2029two\ufdd0".encode(), "U+2029", "one\u2029two\ufdd0"),
        (("x" * 1_000_001).encode(), "line 1", "x" * 1_000_001),
    ],
)
def test_what_a_save_would_change_is_not_edited(kit, tmp_path, data, words, shown):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert words in refused(kit, path)
    assert kit.answers.parts[0].text == shown
    assert path.read_bytes() == data


def test_a_part_that_the_disk_does_not_give_any_more_is_said(kit, tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes("où\n".encode("latin-1") * 900_000)
    kit.answers.answer = "read"

    def look(_title, _notice, _count, part_of):
        assert part_of(0) is not None
        path.write_bytes(b"another")
        assert part_of(1) is None

    monkeypatch.setattr(kit.answers, "show_parts", look)
    kit.window.opening.open(str(path))
    ((_, words),) = kit.answers.told
    assert "changed by another program" in words


@pytest.fixture
def dialog(kit):
    """Three parts."""
    made = PartsDialog(
        "a.txt", "Read-only, UTF-8.", 3, lambda number: TextPart(number, 3, f"part {number}", True), kit.window
    )
    made.show()
    yield made
    delete_now(made)


def test_one_goes_on_and_back_and_to_any_part(dialog):
    assert dialog.page.isReadOnly()
    assert dialog.line.text() == "Part 1 of 3. Read-only, UTF-8."
    assert not dialog.back.isEnabled()
    dialog.next.click()
    assert dialog.page.toPlainText() == "part 1"
    dialog.number.setValue(3)
    assert dialog.page.toPlainText() == "part 2"
    assert not dialog.next.isEnabled()
    dialog.back.click()
    assert dialog.page.toPlainText() == "part 1"


def test_a_part_of_one_endless_line_is_shown_in_time(kit):
    started = time.monotonic()
    part = TextPart(0, 1, "x" * PART_BYTES, False)
    dialog = PartsDialog("a.txt", "Read-only.", 1, lambda _number: part, kit.window)
    dialog.show()
    QApplication.processEvents()
    assert time.monotonic() - started < 5
    assert dialog.line.text().endswith("What is no character is shown as “\ufffd”. Very long lines are broken.")
    assert dialog.page.toPlainText().replace("\n", "") == part.text
    assert max(map(len, dialog.page.toPlainText().split("\n"))) == LONGEST_LINE
    delete_now(dialog)
