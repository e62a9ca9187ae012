"""Missing system packages are found by trying, installed by root, and named in one line to anybody else."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "resources" / "packaging"))

import c_compiler
import system_packages
from system_packages import Need

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="system packages are looked for on Linux only"
)


class Machine:
    """A computer with some packages; apt adds what it is asked for, unless it is offline."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *missing: Need, root: bool = False, offline: bool = False
    ) -> None:
        self.installed: set[str] = set()
        self.commands: list[list[str]] = []
        self.offline = offline
        needs = [Need(need.package, need.purpose, self.has(need.package), need.essential) for need in missing]
        monkeypatch.setattr(system_packages, "_needs", lambda goal: needs)
        monkeypatch.setattr(system_packages, "_can_install", lambda: root)
        monkeypatch.setattr(system_packages, "_run_quietly", self.run)

    def has(self, package: str):
        return lambda: package in self.installed

    def run(self, command: list[str]) -> bool:
        self.commands.append(command)
        if self.offline:
            return False
        self.installed.update(command)
        return True


def need(package: str, essential: bool = True, purpose: str = "the window") -> Need:
    return Need(package, purpose, lambda: False, essential)


def test_root_gets_them_installed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(monkeypatch, need("libegl1"), need("libgl1"), root=True)
    assert system_packages.provide("run")
    assert machine.installed >= {"libegl1", "libgl1"}
    assert capsys.readouterr().err == ""


def test_anybody_else_gets_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(monkeypatch, need("libegl1"), need("fonts-noto-cjk", purpose="showing Chinese"))
    assert not system_packages.provide("run")
    assert machine.commands == []
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "sudo apt install libegl1 fonts-noto-cjk" in said
    assert "the window" in said
    assert "showing Chinese" in said


def test_what_is_not_essential_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, need("fonts-noto-cjk", essential=False))
    assert system_packages.provide("run")


def test_root_offline_is_told_as_well(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(monkeypatch, need("libegl1"), root=True, offline=True)
    assert not system_packages.provide("run")
    assert [command[1] for command in machine.commands] == ["install", "update", "install"]
    assert "sudo apt install libegl1" in capsys.readouterr().err


def test_libraries_are_found_by_loading_them() -> None:
    assert system_packages._loads("libc.so.6")
    assert not system_packages._loads("libnextstroke-absent.so.1")


def test_this_machine_lacks_nothing_essential() -> None:
    assert [need.package for need in system_packages._needs("test") if need.essential and not need.is_present()] == []


@pytest.mark.parametrize("goal", ["run", "test", "package"])
def test_only_running_needs_x11_libraries(monkeypatch: pytest.MonkeyPatch, goal: str) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    cursor = next(need for need in system_packages._needs(goal) if need.package == "libxcb-cursor0")
    assert cursor.essential is (goal == "run")


def compiler_needs(goal: str) -> dict[str, Need]:
    return {need.package: need for need in system_packages._needs(goal) if need.package in ("gcc", "libc6-dev")}


@pytest.mark.parametrize("goal", ["run", "test", "package"])
def test_a_compiler_is_wanted_and_stops_nothing(monkeypatch: pytest.MonkeyPatch, goal: str) -> None:
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: True)
    needs = compiler_needs(goal)
    assert list(needs) == ["gcc", "libc6-dev"]
    assert not any(need.essential for need in needs.values())
    assert {need.purpose for need in needs.values()} == {"compiling the fast kernels"}


def test_no_compiler_is_wanted_where_the_kernels_are_not_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: False)
    assert compiler_needs("run") == {}


def test_no_compiler_on_the_path_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(c_compiler.sysconfig, "get_config_var", lambda name: "x86_64-linux-gnu-gcc -pthread")
    assert not any(need.is_present() for need in compiler_needs("run").values())


def put_compiler(folder: Path, name: str, status: int) -> None:
    """A compiler that finds every header, or with another status than 0 none."""
    program = folder / name
    program.write_text(f"#!/bin/sh\nexit {status}\n", encoding="utf-8")
    program.chmod(0o755)


def test_a_common_compiler_stands_in_for_the_one_that_made_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(c_compiler.sysconfig, "get_config_var", lambda name: "compiler-of-another-machine -pthread")
    put_compiler(tmp_path, "gcc", 0)
    assert c_compiler.command() == "gcc"
    assert all(need.is_present() for need in compiler_needs("run").values())


def test_a_compiler_without_headers_lacks_one_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(c_compiler, "is_of_use", lambda: True)
    put_compiler(tmp_path, "some-cc", 1)
    monkeypatch.setenv("CC", f"{tmp_path / 'some-cc'} -O1")
    assert [need.package for need in compiler_needs("run").values() if not need.is_present()] == ["libc6-dev"]
