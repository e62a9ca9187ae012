"""R3: nine situations × eight operations of the window: nothing lost, one plain message, and it goes on afterwards."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from desktop_app.services import error_words
from tests.desktop_app.faults.broken_window_guards import BROKEN
from tests.desktop_app.faults.figures import note
from tests.desktop_app.faults.matrix import CELLS, EXPECTED, NO_SENSE, OVERCOME, SAID, run_cell
from tests.desktop_app.faults.situations import SITUATIONS
from tests.desktop_app.faults.window_operations import OPERATIONS
from tests.desktop_app.window_fixtures import silent_qt

__all__ = ["silent_qt"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the situations are made with Linux's own means")
POSSIBLE = [cell for cell in CELLS if cell not in NO_SENSE]
# Every situation and every operation at least once.
FAST = [
    ("device error", "open"),
    ("disk full", "save"),
    ("changed outside", "save"),
    ("a folder in its place", "save as"),
    ("file vanished", "autosave"),
    ("read-only file", "recover"),
    ("held by another", "export"),
    ("folder vanished", "import"),
    ("read-only folder", "settings"),
]


def lived_through(folder: Path, situation: str, operation: str, language: str) -> str:
    try:
        return run_cell(folder, situation, operation, language)
    except subprocess.CalledProcessError:
        pytest.skip("a small disk cannot be mounted here: only root may")


def test_every_pair_has_its_place():
    assert len(SITUATIONS) == 9
    assert len(OPERATIONS) == 8
    expected = {(situation, operation) for situation, row in EXPECTED.items() for operation in row}
    assert expected == set(POSSIBLE)
    assert not expected & set(NO_SENSE)
    assert {situation for situation, _ in FAST} == set(SITUATIONS)
    assert {operation for _, operation in FAST} == set(OPERATIONS)


@pytest.mark.slow
@pytest.mark.parametrize(("situation", "operation"), FAST)
def test_some_pairs(tmp_path: Path, situation: str, operation: str):
    lived_through(tmp_path / "en", situation, operation, "en")


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_guard_of_the_window_is_found(tmp_path: Path, name: str):
    broken = BROKEN[name]
    with broken.guard(), pytest.raises(AssertionError, match=broken.found):
        lived_through(tmp_path / "broken", broken.situation, broken.operation, "en")


@pytest.mark.slow
def test_a_message_that_has_no_chinese_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(error_words._DOCUMENT_WORDS, "is_folder", "“{name}” is one of the folders. Choose a file.")
    with pytest.raises(AssertionError, match="one of the folders"):
        lived_through(tmp_path / "zh", "a folder in its place", "save as", "zh")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_pair_in_both_languages(tmp_path: Path):
    ended: Counter[str] = Counter()
    problems = []
    for number, (situation, operation) in enumerate(POSSIBLE, 1):
        for language in ("en", "zh"):
            try:
                how = lived_through(tmp_path / f"{number} {language}", situation, operation, language)
                ended[how] += language == "en"
            except AssertionError as error:
                problems.append(f"{situation} × {operation} ({language}): {error}")
        print(f"{number} of {len(POSSIBLE)}: {situation} × {operation}", flush=True)
    note(
        "R3 situations × operations",
        {
            "pairs": len(POSSIBLE),
            "problems": len(problems),
            "said in one message": ended[SAID],
            "carried out all the same": ended[OVERCOME],
            "pairs that make no sense": len(NO_SENSE),
        },
    )
    assert problems == []
