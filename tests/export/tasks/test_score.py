"""Scores: sacrebleu's own chrF, the baselines beside the model, and a report that the model card can take in."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import sacrebleu

from engine.contracts.errors import CorpusError, UsageError
from engine.contracts.manifest import MANIFEST_NAME, read_manifest
from engine.contracts.tasks import TaskFormat
from export.tasks.answers import answers, open_engine
from export.tasks.baselines import baselines, first_sentence
from export.tasks.score import chrf, main, read_pairs, score, score_task
from tests.export.tasks.conftest import PAIRS, TASK
from tests.support.tiny_models import write_manifest, write_tiny_model


@pytest.fixture
def groups(words: Path, tmp_path: Path) -> Path:
    for part in ("", ".heldout"):
        shutil.copyfile(words / f"words{part}.jsonl.xz", tmp_path / f"translate_en_zh{part}.jsonl.xz")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (["the cat"], ["the cat"]),
        (["the cat", ""], ["a cat", "a dog"]),
        (["他喜欢吃苹果。"], ["他喜欢吃橙子。"]),
        (["abc"], ["xyz"]),
    ],
)
def test_chrf_is_sacrebleus(said: list[str], meant: list[str]) -> None:
    value, signature = chrf(said, meant)
    assert value == sacrebleu.corpus_chrf(said, [meant]).score
    assert signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_chrf_of_a_hand_case() -> None:
    # "ab" for "ac": one of two characters right, no pair of characters right: F2 of 1/2 and of 0, over two orders.
    assert chrf(["ab"], ["ac"])[0] == pytest.approx(25.0)
    assert chrf(["ab"], ["ab"])[0] == pytest.approx(100.0)


def test_the_model_answers_through_the_engine(taught: Path) -> None:
    assert answers(taught, TASK, list(PAIRS)) == list(PAIRS.values())


def test_a_report_sets_the_model_beside_the_baselines(taught: Path, groups: Path) -> None:
    report = score(taught, groups)
    entry = report["tasks"]["translate-en-zh"]
    assert entry["pairs"] == 3
    assert entry["chrf"]["model"] == 100.0
    assert entry["chrf"]["dictionary"] > entry["chrf"]["copy"] == 0.0
    assert entry["empty"] == 0.0
    held = read_pairs(TASK, groups / "translate_en_zh.heldout.jsonl.xz")
    assert entry["samples"] == [{"source": s, "target": t, "answer": t} for s, t in held]


def test_fewer_pairs_are_spread_over_the_whole(taught: Path, groups: Path) -> None:
    with open_engine(taught) as engine:
        entry = score_task(engine, TASK, groups, most=2)
    held = read_pairs(TASK, groups / "translate_en_zh.heldout.jsonl.xz")
    assert [sample["source"] for sample in entry["samples"]] == [held[0][0], held[1][0]]


def test_other_tasks_are_set_beside_leads() -> None:
    title = TaskFormat("title-en", "Title:\n", "\n=\n")
    found = baselines(title, [("a long text.", "12345"), ("another", "1234567")], ["He came. He saw.", "no end"])
    assert found == {"first characters": ["He cam", "no end"], "first sentence": ["He came.", "no end"]}


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("他来了。他走了。", "他来了。"),
        ("“你好！”他说。", "“你好！”"),
        ("Mr. Fox", "Mr."),
        ("3.5 is a number. Yes.", "3.5 is a number."),
        ("A heading\nmore", "A heading"),
        ("", ""),
    ],
)
def test_the_first_sentence(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_the_command_writes_the_report(taught: Path, groups: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(taught), str(groups), "--output", str(groups / "tasks.json")]) == 0
    assert json.loads((groups / "tasks.json").read_text(encoding="utf-8"))["tasks"]["translate-en-zh"]["pairs"] == 3
    assert "translate-en-zh" in capsys.readouterr().err


def test_what_cannot_be_scored_is_one_line(
    taught: Path, groups: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CorpusError, match="cannot read training text"):
        score(taught, tmp_path / "nowhere")
    write_tiny_model(tmp_path / "tiny")
    with pytest.raises(UsageError, match="trained for no task"):
        score(tmp_path / "tiny", groups)
    shutil.copyfile(groups / "translate_en_zh.jsonl.xz", groups / "other.jsonl.xz")
    with pytest.raises(CorpusError, match="no example of the task other"):
        read_pairs(TaskFormat("other", "Q:", "A:"), groups / "other.jsonl.xz")
    capsys.readouterr()
    assert main([str(tmp_path), str(groups)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "is no model folder" in line


def test_what_the_engine_refuses_is_said(tmp_path: Path, groups: Path) -> None:
    write_tiny_model(tmp_path / "damaged")
    manifest = read_manifest((tmp_path / "damaged" / MANIFEST_NAME).read_text(encoding="utf-8"))
    write_manifest(tmp_path / "damaged", replace(manifest, tasks=(TASK,)))
    (tmp_path / "damaged" / "decoder.onnx").write_bytes(b"nothing")
    with pytest.raises(Exception, match=r"decoder\.onnx"):
        score(tmp_path / "damaged", groups)
