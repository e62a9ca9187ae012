"""Variants of a recipe side by side: each reads the same text, and the table says what each came to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export.training.compare_recipes import Variant, compare, main, table
from export.training.train_command import find_recipe

SHORT = ("training.tokens=4096", "training.decay_tokens=1024", "stage=[{length=32}]")


def test_variants_read_the_same_text_whatever_their_tokens(toy_corpus: Path, tmp_path: Path) -> None:
    common = (f"corpus.folder={toy_corpus}", *SHORT)
    variants = [Variant("few pieces", (*common, "tokenizer.vocabulary=330")), Variant("more", common)]
    rows = compare(find_recipe("toy"), variants, tmp_path)
    few, more = rows
    assert few["bytes_per_token"]["en"] < more["bytes_per_token"]["en"]
    text = [row["tokens"] * row["bytes_per_token"]["en"] for row in rows]
    # Steps are whole, and the bytes a token stands for were measured on other text.
    assert text[0] == pytest.approx(text[1], rel=0.15)
    assert few["tokens"] > more["tokens"]
    assert few["parameters"] < more["parameters"]
    assert rows == json.loads((tmp_path / "comparison.json").read_text())
    assert 0 < more["bits_per_byte"]["all"] < 8
    lines = table(rows).splitlines()
    assert lines[2].startswith("| few pieces |")
    assert f"| {more['bits_per_byte']['all']:.3f} |" in lines[3]


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["toy", "--variant", "a", "nonsense", "--output", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: --set nonsense: write it as table.key=value")
