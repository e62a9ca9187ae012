"""The two derived groups: what counts as modern Chinese, how the table of stories becomes documents."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from export.training import more_texts
from export.training.corpus import read_documents

MODERN = "那是一个很冷的早晨，我们的船停在河边，风从水面上吹过来，岸上的人都不说话。" * 3
ROMANCE = "却说曹操引兵至濮阳，使人探之。夏侯惇曰：此必有伏，乃令军士退三十里下寨，以待天明之时。" * 3


def write_table(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["names", " genre", " theme", " story"], *rows])
    return path


def test_modern_prose_is_told_from_historical_romance() -> None:
    assert more_texts.is_modern_vernacular(MODERN)
    assert not more_texts.is_modern_vernacular(ROMANCE)
    assert not more_texts.is_modern_vernacular("")


def test_a_story_gets_mainland_punctuation_and_its_particle() -> None:
    text = more_texts.tidy(
        " 他望著窗外,說:「你好嗎?」 著名的作家笑著. ", lambda t: t.replace("說", "说").replace("嗎", "吗")
    )
    assert text == "他望着窗外，说：“你好吗？”著名的作家笑着。"


def test_latin_words_keep_their_punctuation() -> None:
    assert more_texts.tidy("他说 Really?", str) == "他说 Really?"


def test_cut_off_and_repeated_stories_are_left_out(tmp_path: Path) -> None:
    whole = MODERN[:-1] + "。"
    table = write_table(
        tmp_path / "s.csv", [["a", "g", "t1", whole], ["b", "g", "t2", whole], ["c", "g", "t3", MODERN[:-1]]]
    )
    assert list(more_texts.read_stories(table, str)) == [("t1", whole)]


def test_no_theme_is_on_both_sides() -> None:
    stories = [(f"theme {n // 3}", f"story {n}") for n in range(300)]
    training, heldout = more_texts.split_by_theme(stories)
    of = {story: theme for theme, story in stories}
    assert len(heldout) == 6
    assert len(training) == 294
    assert not {of[s] for s in training} & {of[s] for s in heldout}


def test_the_files_are_what_a_recipe_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    more_texts.write_documents(tmp_path / "zh_modern_pd1945.jsonl.xz", [MODERN, ROMANCE])
    more_texts.write_documents(tmp_path / "zh_modern_pd1955.jsonl.xz", [ROMANCE])
    monkeypatch.setattr(more_texts, "simplifier", lambda: str)
    rows = [["n", "g", f"t{n}", f"{n}" + MODERN[n:-1] + "。"] for n in range(4)]
    table = write_table(tmp_path / "s.csv", rows)
    assert more_texts.main([str(tmp_path), str(tmp_path), "--stories", str(table)]) == 0
    assert list(read_documents(tmp_path / "zh_modern_vernacular.jsonl.xz")) == [MODERN]
    training = list(read_documents(tmp_path / "zh_short_stories.jsonl.xz"))
    heldout = list(read_documents(tmp_path / "zh_short_stories.heldout.jsonl.xz"))
    assert len(training) == 3
    assert len(heldout) == 1


@pytest.mark.parametrize("content", [b"names\nonly one column\n", b"\xff\xfe\x00bad"])
def test_another_file_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    more_texts.write_documents(tmp_path / "zh_modern_pd1945.jsonl.xz", [MODERN])
    more_texts.write_documents(tmp_path / "zh_modern_pd1955.jsonl.xz", [MODERN])
    (tmp_path / "s.csv").write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(more_texts, "simplifier", lambda: str)
        assert more_texts.main([str(tmp_path), str(tmp_path), "--stories", str(tmp_path / "s.csv")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert not (tmp_path / "zh_short_stories.jsonl.xz").exists()


def test_a_missing_corpus_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert more_texts.main([str(tmp_path), str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: cannot read training text")


def test_traditional_characters_become_simplified() -> None:
    assert more_texts.tidy("他走進圖書館,看著窗外。", more_texts.simplifier()) == "他走进图书馆，看着窗外。"
