"""The benchmark of draft models runs, prints every round, and stops where guesses change a text."""

from pathlib import Path

import pytest

from tests.bench import draft_gain
from tests.support.tiny_models import write_tiny_model


def test_every_round_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    for seed, name in ((1, "large"), (2, "small")):
        write_tiny_model(tmp_path / name, seed=seed, name=name)
    names = [str(tmp_path / name) for name in ("large", "small")]
    assert draft_gain.main([*names, "--new-tokens", "6"]) == 0
    words = capsys.readouterr().out
    assert words.count("ms a token") == len(draft_gain.TEMPERATURES) * len(draft_gain.SEEDS) * len(draft_gain.LINES)
    assert words.count("medians") == len(draft_gain.TEMPERATURES)
    real, calls = draft_gain.timed, []

    def wrong(*arguments: object) -> tuple[float, list[tuple[int, float]]]:
        calls.append(arguments[-1])
        seconds, answer = real(*arguments)
        return seconds, answer if len(calls) < 3 else answer[:-1]

    monkeypatch.setattr(draft_gain, "timed", wrong)
    with pytest.raises(SystemExit, match="changed the text"):
        draft_gain.main([*names, "--new-tokens", "6"])
