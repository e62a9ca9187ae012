"""`.venv` is filled once, again when its inputs change, and from the beginning after an interruption.

The fast kernels are made with it: again when their sources change or a compiler appears, and nothing needs them.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "resources" / "packaging"))

import c_compiler
import torch_download
import virtual_environment


class FakePip:
    """Stands in for pip: keeps what it was asked for, and may be cut off at one call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.cut_off_at: int | None = None
        self.compiled: Path | None = None  # what an editable install leaves behind

    def __call__(self, environment: Path, *arguments: str) -> None:
        if len(self.calls) == self.cut_off_at:
            raise KeyboardInterrupt
        self.calls.append(arguments)
        if "--editable" in arguments and self.compiled is not None:
            self.compiled.touch()

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
    kernels = tmp_path / "engine" / "kernels"
    kernels.mkdir(parents=True)
    for path in (tmp_path / "setup.py", kernels / "operators.c", kernels / "vectors.h"):
        path.write_text("one\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(virtual_environment, "_pip", fake)
    monkeypatch.setattr(virtual_environment, "_create", create_empty)
    monkeypatch.setattr(torch_download, "is_agreed", lambda python, constraints: True)
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: True)
    monkeypatch.setattr(c_compiler, "has_headers", lambda: False)
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
    for name in ("pyproject.toml", "constraints.txt", "setup.py", ".venv"):
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


@pytest.mark.parametrize("name", ["setup.py", "engine/kernels/operators.c", "engine/kernels/vectors.h"])
def test_changed_sources_of_the_kernels_are_compiled_anew(
    provide: Provide, pip: FakePip, checkout: Path, name: str
) -> None:
    compiled = pip.compiled = checkout / "engine" / "kernels" / "_operators.abi3.so"
    provide()
    assert compiled.exists()
    (checkout / name).write_text("another\n", encoding="utf-8")
    pip.compiled = None
    assert provide() == [str(checkout)]
    assert not compiled.exists()  # what the old sources became does not outlive them


def test_a_new_header_is_compiled_in(provide: Provide, checkout: Path) -> None:
    provide()
    (checkout / "engine" / "kernels" / "more.h").touch()
    assert provide() == [str(checkout)]


def test_a_compiler_that_appears_is_used(provide: Provide, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provide()
    monkeypatch.setattr(c_compiler, "has_headers", lambda: True)
    assert provide() == [str(checkout)]
    assert provide() == []


def test_a_compiler_that_is_gone_takes_no_kernels_with_it(
    provide: Provide, pip: FakePip, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(c_compiler, "has_headers", lambda: True)
    compiled = pip.compiled = checkout / "engine" / "kernels" / "_operators.abi3.so"
    provide()
    monkeypatch.setattr(c_compiler, "has_headers", lambda: False)
    pip.compiled = None
    assert provide() == []
    provide("test")
    assert compiled.exists()


@pytest.mark.parametrize(("has_compiler", "comes_out", "lines"), [(True, False, 1), (True, True, 0), (False, False, 0)])
def test_kernels_that_did_not_compile_are_said(
    provide: Provide,
    pip: FakePip,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    has_compiler: bool,
    comes_out: bool,
    lines: int,
) -> None:
    monkeypatch.setattr(c_compiler, "has_headers", lambda: has_compiler)
    pip.compiled = checkout / "engine" / "kernels" / "_operators.abi3.so" if comes_out else None
    provide()
    assert capsys.readouterr().out.count("kernels did not compile") == lines


def test_a_real_environment_runs(tmp_path: Path) -> None:
    virtual_environment._create(tmp_path / ".venv")
    program = "import sys; print(sys.prefix)"
    done = subprocess.run(
        [virtual_environment._python(tmp_path / ".venv"), "-c", program], capture_output=True, text=True
    )
    assert done.stdout.strip() == str(tmp_path / ".venv")
