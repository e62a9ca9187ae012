"""A large torch is named with its size before it comes; a small one comes without a word."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "resources" / "packaging"))

import torch_download


@pytest.fixture(autouse=True)
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_download, "_is_installed", lambda python: False)


def plan(monkeypatch: pytest.MonkeyPatch, *sizes_bytes: int) -> None:
    sizes = {f"file:///{number}.whl": size for number, size in enumerate(sizes_bytes)}
    monkeypatch.setattr(torch_download, "_planned_downloads", lambda python, constraints: list(sizes))
    monkeypatch.setattr(torch_download, "_size_bytes", sizes.__getitem__)


def test_a_small_torch_is_not_mentioned(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plan(monkeypatch, 190_000_000, 6_000_000)
    assert torch_download.is_agreed("python", Path("constraints.txt"))
    assert capsys.readouterr().out == ""


def test_a_large_torch_is_named_and_ci_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(monkeypatch, 527_000_000, 2_200_000_000)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("builtins.input", lambda prompt: pytest.fail("asked"))
    assert torch_download.is_agreed("python", Path("constraints.txt"))
    assert "2.7 GB in 2 files" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "agreed"), [("", False), ("n", False), ("y", True)])
def test_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, agreed: bool) -> None:
    plan(monkeypatch, 2_700_000_000)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda prompt: answer)
    assert torch_download.is_agreed("python", Path("constraints.txt")) is agreed


def test_a_file_beside_us_is_measured(tmp_path: Path) -> None:
    wheel = tmp_path / "名 字.whl"
    wheel.write_bytes(b"x" * 321)
    assert torch_download._size_bytes(wheel.as_uri()) == 321
