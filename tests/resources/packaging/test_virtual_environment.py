"""`.venv` is filled once, again when its inputs change, and from the beginning after an interruption."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "resources" / "packaging"))

import torch_download
import virtual_environment


class FakePip:
    """Stands in for pip: keeps what it was asked for, and may be cut off at one call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.cut_off_at: int | None = None

    def __call__(self, environment: Path, *arguments: str) -> None:
        if len(self.calls) == self.cut_off_at:
            raise KeyboardInterrupt
        self.calls.append(arguments)

    def targets(self) -> list[str]:
        return [call[call.index("--editable") + 1] for call in self.calls if "--editable" in call]


def create_empty(environment: Path) -> None:
    """As `python -m venv`, in no time and without pip."""
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("numpy==2.0\ntorch==2.13.0\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(virtual_environment, "_pip", fake)
    monkeypatch.setattr(virtual_environment, "_create", create_empty)
    monkeypatch.setattr(torch_download, "is_agreed", lambda python, constraints: True)
    monkeypatch.delenv("TORCH_SPEC", raising=False)
    return fake


Provide = Callable[..., list[str]]


@pytest.fixture
def provide(checkout: Path, pip: FakePip) -> Provide:
    """Set up with these extras; answers what pip was asked to install this time."""

    def run(*extras: str) -> list[str]:
        before = len(pip.targets())
        virtual_environment.provide(checkout, extras)
        return pip.targets()[before:]

    return run


def test_a_second_run_does_nothing(provide: Provide, checkout: Path) -> None:
    assert provide() == [str(checkout)]
    assert provide() == []


def test_extras_are_added_and_never_taken_away(provide: Provide, checkout: Path) -> None:
    provide()
    assert provide("export", "test") == [f"{checkout}[export,test]"]
    assert provide() == []
    assert provide("package") == [f"{checkout}[export,package,test]"]


def test_changed_constraints_are_installed(provide: Provide, checkout: Path) -> None:
    provide("test")
    (checkout / "constraints.txt").write_text("numpy==2.1\n", encoding="utf-8")
    assert provide() == [f"{checkout}[test]"]


def test_an_interrupted_set_up_begins_again(provide: Provide, pip: FakePip, checkout: Path) -> None:
    pip.cut_off_at = 1
    with pytest.raises(KeyboardInterrupt):
        provide()
    half_copied = checkout / ".venv" / "half-copied"
    half_copied.touch()
    pip.cut_off_at = None
    assert provide() == [str(checkout)]
    assert not half_copied.exists()
    assert provide() == []


def test_an_interrupted_addition_begins_again(provide: Provide, pip: FakePip, checkout: Path) -> None:
    provide()
    pip.cut_off_at = len(pip.calls)
    with pytest.raises(KeyboardInterrupt):
        provide("test")
    pip.cut_off_at = None
    assert provide() == [str(checkout)]


def test_a_moved_checkout_gets_a_new_environment(provide: Provide, checkout: Path) -> None:
    provide()
    moved = checkout / "别处 with spaces"
    moved.mkdir()
    for name in ("pyproject.toml", "constraints.txt", ".venv"):
        (checkout / name).rename(moved / name)
    (moved / ".venv" / "old").touch()
    virtual_environment.provide(moved, ())
    assert not (moved / ".venv" / "old").exists()


def test_another_torch_replaces_the_pinned_one(
    provide: Provide, pip: FakePip, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_SPEC", "torch==2.12.0 --index-url file:///elsewhere")
    provide("export")
    assert ("torch==2.12.0", "--index-url", "file:///elsewhere") in pip.calls
    constraints = Path(pip.calls[-1][-1])
    assert constraints.read_text(encoding="utf-8") == "numpy==2.0\n"
    assert provide("export") == []


def test_declining_the_download_installs_nothing(
    provide: Provide, pip: FakePip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch_download, "is_agreed", lambda python, constraints: False)
    with pytest.raises(virtual_environment.SetUpError, match="TORCH_SPEC"):
        provide("export")
    assert pip.targets() == []


def test_a_real_environment_runs(tmp_path: Path) -> None:
    virtual_environment._create(tmp_path / ".venv")
    program = "import sys; print(sys.prefix)"
    done = subprocess.run(
        [virtual_environment._python(tmp_path / ".venv"), "-c", program], capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / ".venv")
