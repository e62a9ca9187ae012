"""Task groups out of a small corpus."""

import json
import lzma
from pathlib import Path

import pytest

from engine.contracts.tasks import task_named
from export.tasks import make as maker
from export.tasks.formats import group_name, known_tasks
from export.tasks.leakage import Seen
from export.tasks.make import main, make
from export.tasks.themes import theme_pairs
from export.training.corpus import read_documents
from tests.export.tasks.corpus import HELDOUT, PARALLEL, STORY, write_corpus, write_group, write_stories


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus")


def test_every_task_has_its_sources_and_ends_its_pieces_with_a_newline() -> None:
    assert {task.name for task in known_tasks()} == set(maker.SOURCES)
    assert all(task.before.endswith("\n") and task.after.endswith("\n") for task in known_tasks())


def test_translation_goes_both_ways_and_drops_held_out_pairs_that_were_seen(corpus: Path) -> None:
    there = make(task_named(known_tasks(), "translate-en-zh"), corpus)
    back = make(task_named(known_tasks(), "translate-zh-en"), corpus)
    assert [pair for _, pair in there.training] == PARALLEL
    assert [pair for _, pair in back.training] == [(chinese, english) for english, chinese in PARALLEL]
    assert [pair for _, pair in there.heldout] == HELDOUT[:1]
    assert there.dropped == back.dropped == 2


def test_the_command_writes_groups_that_training_reads(corpus: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert main([str(corpus), str(output)]) == 0
    counts = json.loads((output / "tasks.json").read_text(encoding="utf-8"))["counts"]
    for task in known_tasks():
        training = list(read_documents(output / f"{group_name(task)}.jsonl.xz"))
        heldout = list(read_documents(output / f"{group_name(task)}.heldout.jsonl.xz"))
        assert (len(training), len(heldout)) == (counts[task.name]["training"], counts[task.name]["heldout"])
        assert training
        assert heldout
        seen = Seen(line for document in training for line in task.parse(document))
        assert not any(seen.holds(task.parse(document)) for document in heldout)


def test_a_record_says_its_task_and_where_it_comes_from(corpus: Path, tmp_path: Path) -> None:
    assert main([str(corpus), str(tmp_path / "out"), "--tasks", "title-en"]) == 0
    assert [path.name for path in sorted((tmp_path / "out").glob("*.xz"))] == [
        "title_en.heldout.jsonl.xz",
        "title_en.jsonl.xz",
    ]
    with lzma.open(tmp_path / "out" / "title_en.jsonl.xz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    assert [record["from"] for record in records] == ["en_standardebooks", "children_ccby"]
    assert {record["task"] for record in records} == {"title-en"}


def test_a_pair_that_cannot_be_spelt_is_left_out(corpus: Path) -> None:
    write_group(corpus, "children_ccby", [f"A Line of Signs\n\n{STORY}\n=\n{STORY}"])
    made = make(task_named(known_tasks(), "title-en"), corpus)
    assert [title for _, (_, title) in made.training] == ["The Fox of en_standardebooks"]


def test_whole_themes_are_held_out(tmp_path: Path) -> None:
    training, heldout = theme_pairs(write_stories(tmp_path / "stories.csv"), str)
    assert len(training) + len(heldout) == 120
    assert len(heldout) == 2
    assert not {theme for _, theme in training} & {theme for _, theme in heldout}
    assert all(theme.endswith("城的家。") for _, theme in heldout)


def test_stories_join_the_summaries(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.tasks.themes.simplifier", lambda: str)
    stories = write_stories(tmp_path / "stories.csv")
    made = make(task_named(known_tasks(), "summarize-zh"), corpus, stories)
    assert {group for group, _ in made.training} == {"zh_wiki", "zh_short_stories"}
    assert {group for group, _ in made.heldout} == {"zh_wiki", "zh_short_stories"}


@pytest.mark.parametrize(
    ("arguments", "words"), [((), "cannot read training text"), (("--tasks", "sing"), "there are translate-en-zh")]
)
def test_what_is_missing_is_one_line(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), str(tmp_path / "out"), *arguments]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line
