"""`.venv`, made and kept: filled by pip from `pyproject.toml` within `constraints.txt`.

Knows: how to tell a finished environment from an interrupted or outdated one, and how to repair it; that the editable
install compiles the fast kernels into `engine/kernels` where it can, and that everything works without them.
Must not know: which extras a goal needs, or anything about system packages.

    .venv/nextstroke-setup.json   written last: what was installed, from which inputs, by which Python, for which path
    .venv/unfinished              there while pip works; found at a start, it means: an earlier set-up was cut off,
                                  and pip cannot be trusted to see half-copied files, so begin again
"""

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import c_compiler
import torch_download

STAMP_NAME = "nextstroke-setup.json"
UNFINISHED_NAME = "unfinished"
# Needed before everything else: a pip whose dry run downloads nothing, and the build tool of an editable install.
FOUNDATION = ("pip", "setuptools")
KERNELS = Path("engine", "kernels")


class SetUpError(Exception):
    """The set-up cannot go on; the message says what was found and what to do."""


def provide(root: Path, extras: Sequence[str]) -> None:
    """Make `root/.venv` hold the program and the extras; returns at once where it already does."""
    with _one_at_a_time(root):
        environment = root / ".venv"
        wanted = {**_inputs(root), "torch_spec": os.environ.get("TORCH_SPEC", "")}
        stamp = _read_stamp(environment)
        if _is_current(stamp, wanted, extras):
            return
        started = time.monotonic()
        all_extras = sorted({*extras, *stamp.get("extras", ())})
        _make(environment, stamp, wanted)
        if stamp.get("sha256") != wanted["sha256"]:
            _remove_kernels(root)  # of other sources, maybe: none are better than those
        (environment / UNFINISHED_NAME).touch()
        (environment / STAMP_NAME).unlink(missing_ok=True)
        _fill(root, environment, all_extras)
        (environment / STAMP_NAME).write_text(json.dumps({**wanted, "extras": all_extras}), encoding="utf-8")
        (environment / UNFINISHED_NAME).unlink()
        _say_missing_kernels(root)
        print(f"environment ready in {time.monotonic() - started:.0f} s: .venv", flush=True)


def _inputs(root: Path) -> dict[str, Any]:
    """What the environment was made from: when any of it changes, it is filled or made again."""
    digest = hashlib.sha256()
    kernels = sorted(path for ending in ("*.c", "*.h") for path in (root / KERNELS).glob(ending))
    for path in (root / "pyproject.toml", root / "constraints.txt", root / "setup.py", *kernels):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return {"sha256": digest.hexdigest(), "python": sys.version, "path": str(root), "compiles": _can_compile()}


def _read_stamp(environment: Path) -> dict[str, Any]:
    """The stamp of a finished environment that still runs; empty otherwise."""
    if (environment / UNFINISHED_NAME).exists() or not (environment / "bin" / "python").exists():
        return {}
    try:
        stamp = json.loads((environment / STAMP_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _is_current(stamp: dict[str, Any], wanted: dict[str, Any], extras: Sequence[str]) -> bool:
    # Asking for an alternative torch matters only to an environment that has torch in it.
    ignored = set() if "export" in extras else {"torch_spec"}
    if not wanted["compiles"]:  # a compiler that is gone takes nothing with it
        ignored.add("compiles")
    same = all(stamp.get(key) == value for key, value in wanted.items() if key not in ignored)
    return same and set(extras) <= set(stamp.get("extras", ()))


def _make(environment: Path, stamp: dict[str, Any], wanted: dict[str, Any]) -> None:
    # Scripts in an environment carry its path, and compiled packages the Python version: moved or upgraded, make anew.
    if stamp.get("python") == wanted["python"] and stamp.get("path") == wanted["path"]:
        return
    if environment.exists():
        print("making .venv anew: an earlier set-up did not finish, or Python or the folder has changed", flush=True)
        shutil.rmtree(environment)
    _create(environment)


def _create(environment: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        shutil.rmtree(environment, ignore_errors=True)
        raise SetUpError(f"python3 -m venv failed: {(done.stdout + done.stderr).strip()}")


def _fill(root: Path, environment: Path, extras: Sequence[str]) -> None:
    constraints = root / "constraints.txt"
    print(f"installing Nextstroke{' with the extras ' + ', '.join(extras) if extras else ''} into .venv", flush=True)
    _pip(environment, "--upgrade", *FOUNDATION, "--constraint", str(constraints))
    if "export" in extras:
        constraints = _provide_torch(environment, constraints)
    if _can_compile() and not _kernels(root):
        print("compiling the fast kernels as well: a minute or two, once", flush=True)
    # Constraints hold for what a build needs as well: setuptools is there already, so no isolated copy is fetched.
    target = f"{root}[{','.join(extras)}]" if extras else str(root)
    _pip(environment, "--no-build-isolation", "--editable", target, "--constraint", str(constraints))


def _can_compile() -> bool:
    return c_compiler.is_of_use() and c_compiler.has_headers()


def _kernels(root: Path) -> list[Path]:
    return sorted((root / KERNELS).glob("_operators*.so"))


def _remove_kernels(root: Path) -> None:
    for path in _kernels(root):
        path.unlink()


def _say_missing_kernels(root: Path) -> None:
    # Without a compiler `system_packages` has said what is missing; setuptools keeps quiet about what is optional.
    if _can_compile() and not _kernels(root):
        print(
            f"the fast kernels did not compile with {c_compiler.command()}: everything works, the model writes more "
            f"slowly. To see why: {Path('.venv', 'bin', 'python')} setup.py build_ext --inplace",
            flush=True,
        )


def _provide_torch(environment: Path, constraints: Path) -> Path:
    """Install torch by itself, so that its size can be said first; returns the constraints for everything else."""
    spec = os.environ.get("TORCH_SPEC", "").strip()
    if not spec:
        if not torch_download.is_agreed(_python(environment), constraints):
            raise SetUpError('nothing was downloaded; name another torch, for example: make test TORCH_SPEC="…"')
        _pip(environment, "torch", "--constraint", str(constraints))
        return constraints
    _pip(environment, *shlex.split(spec))
    without_torch = environment / "constraints-without-torch.txt"
    lines = constraints.read_text(encoding="utf-8").splitlines(keepends=True)
    without_torch.write_text("".join(line for line in lines if not line.startswith("torch==")), encoding="utf-8")
    return without_torch


def _python(environment: Path) -> str:
    return str(environment / "bin" / "python")


def _pip(environment: Path, *arguments: str) -> None:
    # A person watches the downloads; a log is spared thousands of lines, errors are shown to both.
    manner = [] if sys.stdout.isatty() else ["-qq"]
    command = [_python(environment), "-m", "pip", "install", "--prefer-binary", "--disable-pip-version-check"]
    compiler = c_compiler.command()  # the one that made Python need not be on this machine
    variables = {**os.environ, "CC": compiler} if compiler else None
    done = subprocess.run([*command, *manner, *arguments], env=variables, check=False)
    if done.returncode != 0:
        raise SetUpError(
            "pip could not install what is needed (its reason stands above). The program itself needs no network; "
            "its first set-up does. Run the same command again: what was downloaded is kept"
        )


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    """Two commands started together fill one environment after the other, not both at once."""
    try:
        import fcntl
    except ImportError:  # Windows: nobody runs make twice there
        yield
        return
    (root / "build").mkdir(exist_ok=True)
    with (root / "build" / "set_up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another set-up is at work here; waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
