"""What a run tells: every figure in its log, curves of everything in it, silence from all processes but one."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from export.training.checkpoint import Progress
from export.training.device import Peak
from export.training.precision import Precision
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.run_report import RunReport, panels

Load = Callable[..., Recipe]
PART = {"bits_per_byte": 1.23456}
REPORT = {"groups": {"stories": PART, "小说": PART}, "languages": {"en": PART, "zh": PART}, "all": PART}


def told(folder: Path, recipe: Recipe, **how: Any) -> list[dict[str, Any]]:
    report = RunReport(folder, recipe, Progress(), torch.device("cpu"), Peak(1e9, "as this test says"), **how)
    report.start(Precision("float32", "as the recipe says"))
    for step in range(1, 4):
        report.meter.add(512, 32, 0.25)
        report.step(Progress(step, 512 * step, loss_sum=6.0 / step, loss_steps=2), 0.5)
    report.evaluation(Progress(3, 1536), REPORT)
    report.samples(Progress(3, 1536), [{"prompt": "小猫", "continuation": "喜欢红球"}])
    report.end(Progress(3, 1536), REPORT)
    return read_log(folder / "log.jsonl")


def test_each_line_carries_its_figures(tmp_path: Path, toy_recipe: Load, capsys: pytest.CaptureFixture[str]) -> None:
    start, one, _, three, evaluation, samples, end = told(tmp_path, toy_recipe())
    assert (start["peak_flops_per_second"], start["peak_source"]) == (1e9, "as this test says")
    assert (start["device"], start["precision"]["name"]) == ("cpu", "float32")
    assert [line["loss"] for line in (one, three)] == [3.0, 1.0]
    assert one["tokens_per_second"] == 2048
    assert one["flops_per_second"] == pytest.approx(one["share_of_peak"] * 1e9, rel=0.01)
    assert one["peak_memory_bytes"] is None or one["peak_memory_bytes"] > 1e6
    assert evaluation["bits_per_byte"] == {"stories": 1.2346, "小说": 1.2346}
    assert evaluation["languages"] == {"en": 1.2346, "zh": 1.2346}
    assert samples["samples"][0]["prompt"] == "小猫"
    assert end["tokens"] == 1536
    words = capsys.readouterr().err
    assert "2,048/s" in words
    assert "% of peak" in words
    assert "sample: 小猫|喜欢红球" in words


def test_the_picture_shows_loss_groups_and_languages(tmp_path: Path, toy_recipe: Load) -> None:
    lines = told(tmp_path, toy_recipe())
    picture = ElementTree.fromstring((tmp_path / "curve.svg").read_text(encoding="utf-8"))
    words = " ".join(element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text"))
    for word in ("training loss", "smoothed", "by group", "stories", "小说", "by language", "en 1.235", "zh 1.235"):
        assert word in words
    assert [len(panel.curves) for panel in panels(lines)] == [2, 2, 2]


def test_a_log_from_before_languages_were_written_is_drawn_too(tmp_path: Path, toy_recipe: Load) -> None:
    old = [{key: value for key, value in line.items() if key != "languages"} for line in told(tmp_path, toy_recipe())]
    loss, groups, languages = panels(old)
    assert loss.curves
    assert groups.curves
    assert not languages.curves


def test_only_the_leading_process_tells(tmp_path: Path, toy_recipe: Load, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(tmp_path, toy_recipe(), leads=False) == []
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err == ""
