"""The entry's choice of a side, and its help."""

import pytest

from desktop_app.__main__ import ENGINE_WORDS, EXPORT_WORDS, HELP, command_first
from engine.cli import COMMANDS as ENGINE_COMMANDS
from export.cli import COMMANDS as EXPORT_COMMANDS


def test_every_command_of_both_sides_is_reached_and_helped() -> None:
    for row in ENGINE_COMMANDS:
        assert row.words[0] in ENGINE_WORDS
        assert row.hidden or f"\n  {' '.join(row.words)} " in HELP
    for row in EXPORT_COMMANDS:
        assert row.words[0] in EXPORT_WORDS | {"verify"}
        assert f"\n  {' '.join(row.words)} " in HELP


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["--profile", "D", "generate", "x"], ["generate", "x", "--profile", "D"]),
        (["--profile=D", "--debug", "score", "x"], ["score", "x", "--profile=D", "--debug"]),
        (["--profile", "generate"], ["--profile", "generate"]),  # a folder of that name, and then the window
        (["--profile", "D", "novel.md"], ["--profile", "D", "novel.md"]),
        (["generate", "--profile", "D"], ["generate", "--profile", "D"]),
        ([], []),
        (["--profile"], ["--profile"]),
    ],
)
def test_common_flags_may_stand_before_the_command(given: list[str], wanted: list[str]) -> None:
    assert command_first(given) == wanted
