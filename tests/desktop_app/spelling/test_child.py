"""The dictionary's process: what it answers, and what it says of files that make no dictionary."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.spelling.child import alphabets_of
from desktop_app.spelling.dictionaries import bundled
from tests.desktop_app.spelling.small_dictionary import AFF, put_dictionary


def run_child(base: Path, *questions: dict, root: Path) -> list[dict]:
    """All that a child says to these questions."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "desktop_app", "spelling-host", str(base)],
        input="".join(json.dumps(question) + "\n" for question in questions),
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_words_get_verdicts_and_suggestions(tmp_path, root):
    said = run_child(
        put_dictionary(tmp_path),
        {"id": 1, "check": ["the", "cats", "teh", "Don't", "café", "well-known", "well-konwn"]},
        {"id": 2, "suggest": "recieve"},
        root=root,
    )
    assert said[0] == {"ready": ["latin"]}
    assert said[1] == {"id": 1, "wrong": ["teh", "well-konwn"]}
    assert said[2] == {"id": 2, "suggestion": "receive"}
    assert said[-1] == {"id": 2, "end": True}


def test_the_bundled_dictionary_knows_english_and_suggests_the_usual(root):
    words = [
        "The",
        "writer's",
        "colors",
        "weren't",
        "naive",
        "and",
        "she",
        "doesn't",
        "mind",
        "reading",
        "well-known",
        "novels",
    ]
    said = run_child(
        bundled().base, {"id": 1, "check": [*words, "teh", "recieve"]}, {"id": 2, "suggest": "teh"}, root=root
    )
    assert said[:3] == [{"ready": ["latin"]}, {"id": 1, "wrong": ["teh", "recieve"]}, {"id": 2, "suggestion": "the"}]
    assert 2 <= len(said) - 2 <= 7


@pytest.mark.parametrize(
    ("aff", "dic"),
    [
        (AFF.encode(), b""),
        (AFF.encode(), b"no number\nword\n"),
        (AFF.encode(), b"1000\none\ntwo\n"),  # most of it is missing
        (AFF.encode(), b"2\none\0\ntwo\n"),
        (b"\0" * 100, b"2\none\ntwo\n"),
        (b"SET no-such-encoding\n", b"2\none\ntwo\n"),
        (b"SET UTF-8\nSFX S Y 1\nSFX S 0 s [\n", b"2\none/S\ntwo/S\n"),
        (b"SET UTF-8\nCOMPOUNDRULE 1\nCOMPOUNDRULE (((\n", b"2\none/S\ntwo/S\n"),
        (b"REP\nSFX\nPFX x\nAF y\nKEY\n", b"2\none\ntwo\n"),
    ],
)
def test_a_damaged_dictionary_is_said_in_one_line_and_never_a_crash(tmp_path, root, aff, dic):
    (tmp_path / "x.aff").write_bytes(aff)
    (tmp_path / "x.dic").write_bytes(dic)
    said = run_child(tmp_path / "x", root=root)
    assert len(said) == 1
    assert said[0]["failed"] == "dictionary_damaged"
    assert said[0]["name"] == "x"
    assert said[0]["reason"]


def test_a_missing_file_and_a_folder_are_named(tmp_path, root):
    (tmp_path / "x.dic").mkdir()
    assert [run_child(tmp_path / name, root=root)[0]["failed"] for name in "xy"] == ["is_folder", "missing"]


def test_a_pipe_is_no_dictionary_and_holds_nobody_up(tmp_path, root):
    os.mkfifo(tmp_path / "x.dic")
    (tmp_path / "x.aff").write_text(AFF, encoding="utf-8")
    assert run_child(tmp_path / "x", root=root)[0]["failed"] == "not_a_file"


def test_alphabets_are_those_of_more_than_a_few_words():
    assert alphabets_of(["слово", "дом", "cat", "42"]) == ["cyrillic", "latin"]
    assert alphabets_of([*["слово"] * 50, "cat"]) == ["cyrillic"]


def test_a_word_that_takes_for_ever_is_not_called_wrong_and_the_next_ones_are_answered(tmp_path, root):
    compounds = "SET UTF-8\nCOMPOUNDFLAG C\nCOMPOUNDMIN 2\n"
    base = put_dictionary(tmp_path, "x", ["haha/C", "ha/C", "hah/C", "aha/C", "the"], compounds)
    endless = "ha" * 28 + "x"
    began = time.monotonic()
    said = run_child(base, {"id": 1, "check": [endless, "teh", "the"]}, {"id": 2, "suggest": endless}, root=root)
    assert said[1] == {"id": 1, "wrong": ["teh"]}
    assert said[-1] == {"id": 2, "end": True}
    assert time.monotonic() - began < 15
