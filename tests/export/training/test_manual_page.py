"""The manual's page on recipes: every key with type and default, every figure of the log; what it shows is right."""

import argparse
import dataclasses
import re
import shlex
import textwrap
import tomllib
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from export.model.config import ModelConfig
from export.model.recurrent_config import RecurrentConfig
from export.training import size_dial
from export.training.checkpoint import Progress
from export.training.corpus import Group
from export.training.device import Peak
from export.training.precision import Precision
from export.training.recipe import (
    DistillationSettings,
    DistributedSettings,
    Recipe,
    Stage,
    StartSettings,
    TrainingSettings,
    parse_recipe,
)
from export.training.run_log import read_log
from export.training.run_report import RunReport
from export.training.tokenizer import TokenizerSettings
from export.training.train_command import add_arguments

Load = Callable[..., Recipe]
WORDS = {
    "en": {int: "whole number", float: "number", str: "text", bool: "true/false", list: "list of texts", dict: "table"},
    "zh": {int: "整数", float: "数", str: "文字", bool: "true/false", list: "文字列表", dict: "表"},
}
REQUIRED = {"en": "required", "zh": "必填"}
TABLES: dict[str, type[Any]] = {
    "### [model]": ModelConfig,
    "### [tokenizer]": TokenizerSettings,
    "### [training]": TrainingSettings,
    "### [[stage]]": Stage,
    "### [corpus]": Group,
    "### [start]": StartSettings,
    "### [distributed]": DistributedSettings,
    "### [distillation]": DistillationSettings,
}
# What the reader of recipes fills in where the dataclass has no default of its own.
FILLED_IN = {
    ("Group", "weight"): "`1.0`",
    ("Group", "files"): '`["NAME.jsonl.xz"]`',
    ("Group", "heldout"): '`["NAME.heldout.jsonl.xz"]`',
    ("Stage", "weights"): "`{}`",
    ("ModelConfig", "vocabulary_size"): {"en": "the tokenizer's", "zh": "分词器的"},
    ("ModelConfig", "attention_scale"): "",
}


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def page(root: Path, language: str) -> str:
    return (root / "resources" / "manual" / language / "training_from_a_recipe.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """The text under the heading that begins so, up to the next one."""
    [begin] = [match.end() for match in re.finditer(rf"^{re.escape(heading)}.*\n", page, re.MULTILINE)]
    return re.split(r"^#+ ", page[begin:], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> dict[str, list[str]]:
    """Key -> the cells of its row, in a section's Markdown tables."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return {row[0].strip("`"): row[1:] for row in cells if row[0].startswith("`")}


def kind_of(hint: Any) -> type[Any]:
    """The kind of TOML value that a field of that type is read from."""
    if hint in (int, float, str, bool):
        return typing.cast("type[Any]", hint)
    if typing.get_origin(hint) is tuple:
        return list
    return float if hint == float | None else dict


def as_toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def default_of(kind: type[Any], field: "dataclasses.Field[Any]", language: str) -> str:
    filled: Any = FILLED_IN.get((kind.__name__, field.name))
    if filled is not None:
        words = filled if isinstance(filled, str) else filled[language]
        return words.replace("NAME", "组名") if language == "zh" else words
    return REQUIRED[language] if field.default is dataclasses.MISSING else f"`{as_toml(field.default)}`"


@pytest.mark.parametrize("heading", TABLES)
def test_every_key_stands_in_its_table_with_type_and_default(page: str, language: str, heading: str) -> None:
    kind = TABLES[heading]
    hints, found = typing.get_type_hints(kind), rows(section(page, heading))
    for field in dataclasses.fields(kind):
        expected = [WORDS[language][kind_of(hints[field.name])], default_of(kind, field, language)]
        assert found[field.name][:2] == expected, field.name
    more = {field.name for field in dataclasses.fields(RecurrentConfig)} if kind is ModelConfig else set()
    assert found.keys() <= {field.name for field in dataclasses.fields(kind)} | more, "nothing that is no key"


def test_the_recurrent_network_and_what_stands_outside_tables_are_named(page: str) -> None:
    model = section(page, "### [model]")
    assert all(f"`{field.name}`" in model for field in dataclasses.fields(RecurrentConfig))
    assert "`depth`" in model
    assert all(f"`{key}`" in section(page, "### [corpus]") for key in ("folder", "group"))
    [top] = re.findall(r"^## [^\n]*\n\n([^|]*?)### \[model\]", page, re.MULTILINE | re.DOTALL)[-1:]
    assert all(f"`{key}`" in top for key in ("name", "title", "licence", "tasks"))


def test_what_a_group_gets_where_it_says_nothing() -> None:
    """The defaults that the page gives and no dataclass holds."""
    source = {"model": {"depth": 2}, "training": {}, "corpus": {"group": [{"name": "a"}]}}
    [group] = parse_recipe(source, Path("/")).groups
    assert (group.weight, group.files, group.heldout) == (1.0, (Path("/a.jsonl.xz"),), (Path("/a.heldout.jsonl.xz"),))


def test_the_recipe_that_it_shows_is_right(page: str) -> None:
    [text] = re.findall(r'^    name = "mine"\n(?:    .*\n|\n)+', page, re.MULTILINE)
    recipe = parse_recipe(tomllib.loads(textwrap.dedent(text)), Path("/here"))
    assert recipe.groups[0].heldout == (Path("/here/heldout.txt"),)
    assert recipe.training.tokens == 2_000_000
    assert "training.batch_tokens" in recipe.derived


def test_the_dial_s_table_is_the_program_s(page: str) -> None:
    documented = [
        line.split() for line in str(size_dial.__doc__).splitlines() if re.fullmatch(r"[\d,. ]+", line or "-")
    ]
    shown = [row.replace("|", " ").split() for row in re.findall(r"^\| \d+ \|.*$", page, re.MULTILINE)]
    assert len(shown) >= 5
    assert shown == documented


def test_the_train_commands_that_it_prints_are_taken(page: str) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parser.add_argument("--threads", type=int)  # every command has it
    lines = re.findall(r"^    nextstroke train (.*)$", page, re.MULTILINE)
    assert len(lines) >= 6
    assert all(parser.parse_args(shlex.split(line)).recipe in ("books-gpt", "mine.toml") for line in lines)


def test_every_figure_of_the_log_is_named(page: str, tmp_path: Path, toy_recipe: Load) -> None:
    report = RunReport(tmp_path, toy_recipe(), Progress(), torch.device("cpu"), Peak(1e9, "a test"))
    part = {"bits_per_byte": 1.0}
    found = {"groups": {"a": part}, "languages": {"en": part}, "all": part}
    report.start(Precision("float32", "as the recipe says"))
    report.meter.add(512, 32, 0.25)
    report.step(Progress(1, 512, loss_sum=3.0, loss_steps=1), 1.0)
    report.evaluation(Progress(1, 512), found)
    report.samples(Progress(1, 512), [])
    report.end(Progress(1, 512), found)
    told = rows(section(page, "### log.jsonl"))
    lines = read_log(tmp_path / "log.jsonl")
    assert told.keys() == {line["event"] for line in lines}
    for line in lines:
        named = set(re.findall(r"`(\w+)`", told[line["event"]][0]))
        assert named == line.keys() - {"event", "step"}
