"""Names proposed for an export: every file system takes them, and they hold as much of the title as fits."""

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.proposed_name import proposed_name
from desktop_app.document.writers.sidecar import SUFFIX

FAMILY = "👨‍👩‍👧"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("The Sea & Her", "The Sea & Her.docx"),
        ("海边的小房子（上）", "海边的小房子（上）.docx"),
        ("Who? Where: When", "Who Where When.docx"),
        ("a/b\\c*d", "a b c d.docx"),
        ("a\nb\tc\x00d\x7fe\x85f\u2028g", "a b c d e f g.docx"),
        ("gpj\u202egnp", "gpj gnp.docx"),
        ("\ufeffmark", "mark.docx"),
        ("half \ud83d one", "half one.docx"),
        ("The end...", "The end.docx"),
        (".hidden", "hidden.docx"),
        ("../../etc/passwd", "etc passwd.docx"),
        ("CON", "_CON.docx"),
        ("nul.tale", "_nul.tale.docx"),
        ("com1", "_com1.docx"),
        ("LPT²", "_LPT².docx"),
        ("Console", "Console.docx"),
        ("Com 1", "Com 1.docx"),
        (FAMILY, f"{FAMILY}.docx"),
        ("", "Untitled 2.docx"),
        ("...", "Untitled 2.docx"),
        ("???", "Untitled 2.docx"),
    ],
)
def test_a_name_for_each_title(title: str, name: str):
    assert proposed_name(title, ".docx", "Untitled 2") == name


def test_there_is_a_name_without_a_word():
    assert proposed_name("", ".odt", "//") == "text.odt"


@pytest.mark.parametrize("character", ["x", "海", "😀", FAMILY, "e\u0301", "\U0001f1e8\U0001f1f3", "👍🏽"])
@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_a_long_title_is_cut_at_a_whole_character(character: str, before: str, tmp_path: Path):
    name = proposed_name(before + character * 300, ".docx")
    stem = name.removesuffix(".docx")
    count, rest = divmod(len(stem) - len(before), len(character))
    assert (stem, rest) == (before + character * count, 0)
    beside = len((name + SUFFIX).encode())
    assert 255 - len(character.encode()) < beside <= 255
    Disk().write_safely(tmp_path / (name + SUFFIX), b"x")
    assert os.listdir(tmp_path) == [name + SUFFIX]


@given(st.text(max_size=400), st.sampled_from([".docx", ".pdf", ".nextstroke"]), st.text(max_size=9))
def test_no_title_makes_a_name_that_some_system_refuses(title: str, suffix: str, fallback: str):
    name = proposed_name(title, suffix, fallback)
    assert name.endswith(suffix)
    stem = name.removesuffix(suffix)
    assert stem
    assert stem == stem.strip(". ")
    assert len(name.encode("utf-8")) <= 255
    assert not set(name) & set('\\/:*?"<>|')
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name)
    assert proposed_name(stem, suffix) == name
