"""Build the packaged program, test it outside its environment, and print its size: `build_package.py [--no-archive]`.

Knows: PyInstaller's command, what must not be in the result, and how a stranger's machine starts it.
Must not know: what the self-test does.
"""

import argparse
import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import package_contents
import third_party_licences

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "dist"
SELFTEST_LIMIT_S = 120
WINDOW_LIMIT_S = 30
WINDOW_STAYS_S = 3
FORBIDDEN_FOLDERS = {"torch", "onnx", "transformers", "safetensors", "huggingface_hub", "nvidia", "tensorrt", "export"}
FORBIDDEN_ENDINGS = {".c", ".h"}  # of the kernels: what they were compiled to is there
FORBIDDEN_PIECES = ("providers_cuda", "providers_tensorrt", "libQt6Qml", "libQt6Quick", "libcudart", "libcublas")


class PackageError(Exception):
    """The package cannot be built or is not right; the message says why."""


def main() -> int:
    """Build, check, test, measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--no-archive", action="store_true", help="leave out the compressed archive")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="where the program's folder goes")
    arguments = parser.parse_args()
    try:
        folder = build(arguments.output)
        refuse_what_should_be_absent(folder)
        test_elsewhere(folder)
        print(f"program: {folder}  {size_bytes(folder) / 1e6:.1f} MB")
        if not arguments.no_archive:
            archive = compress(folder)
            print(f"archive: {archive}  {archive.stat().st_size / 1e6:.1f} MB")
    except PackageError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def build(output: Path) -> Path:
    """Run PyInstaller and lay the licences beside the program."""
    started = time.monotonic()
    output.mkdir(parents=True, exist_ok=True)
    log_path = output / "pyinstaller.log"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places = ["--distpath", str(output), "--workpath", str(output / "work")]
    with log_path.open("w", encoding="utf-8") as log:
        spec = Path(__file__).with_name("nextstroke.spec")
        done = subprocess.run([*command, *places, str(spec)], stdout=log, stderr=log, cwd=ROOT, check=False)
    if done.returncode != 0:
        end = "\n".join(log_path.read_text(encoding="utf-8").splitlines()[-12:])
        raise PackageError(f"PyInstaller failed; the end of {log_path}:\n{end}")
    folder = output / "nextstroke"
    add_licences(folder, output / "work" / "nextstroke")
    print(f"built in {time.monotonic() - started:.0f} s")
    return folder


def add_licences(folder: Path, work_folder: Path) -> None:
    """Our own, and those of everything that came along."""
    for name in ("LICENSE", "NOTICE", "CHANGELOG.md"):
        shutil.copy2(ROOT / name, folder / name)
    licences = folder / "licences"
    shutil.copytree(Path(__file__).with_name("licence_texts"), licences / "data")
    third_party_licences.copy_of_python(licences)
    third_party_licences.copy_of_distributions(package_contents.distributions(work_folder), licences)
    third_party_licences.copy_of_system_libraries(package_contents.system_libraries(work_folder), licences)


def refuse_what_should_be_absent(folder: Path) -> None:
    """The export side, downloads and GPU libraries have no place in this flavour."""
    found = [
        str(path.relative_to(folder))
        for path in all_files(folder)
        if FORBIDDEN_FOLDERS & set(path.relative_to(folder / "_internal").parts if "_internal" in path.parts else ())
        or any(piece in path.name for piece in FORBIDDEN_PIECES)
        or path.suffix in FORBIDDEN_ENDINGS
    ]
    if found:
        raise PackageError(f"{len(found)} files should not be in the package, the first: {found[0]}")


def test_elsewhere(folder: Path) -> None:
    """Start it as a stranger would: another folder, no PATH, no Python environment, an empty home."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="换个 地方 ") as elsewhere:
        moved = folder.rename(Path(elsewhere) / folder.name)
        home = Path(elsewhere) / "家 home"
        home.mkdir()
        try:
            compare_kernels(moved / "nextstroke", home)
            run_selftest(moved / "nextstroke", home)
            open_window(moved / "nextstroke", home)
        finally:
            moved.rename(folder)


def compare_kernels(program: Path, home: Path) -> None:
    """The packaged program has the fast kernels where the checkout has them."""
    ours = processor_line([sys.executable, "-m", "desktop_app"], {**bare(home), "cwd": ROOT})
    theirs = processor_line([program], bare(home))
    if theirs != ours:
        raise PackageError(f"the packaged program says “{theirs}”, the checkout here “{ours}”: kernels went missing")
    print(f"the packaged program runs on {theirs}")


def processor_line(command: list[Any], manner: dict[str, Any]) -> str:
    """What `--version` says of the processor and its kernels."""
    said = subprocess.run([*command, "--version"], timeout=SELFTEST_LIMIT_S, check=False, **manner).stdout
    return next((line for line in said.splitlines() if line.startswith("device cpu:")), said.strip())


def run_selftest(program: Path, home: Path) -> None:
    """The program's own account of itself."""
    started = time.monotonic()
    try:
        done = subprocess.run([program, "selftest"], timeout=SELFTEST_LIMIT_S, check=False, **bare(home))
    except subprocess.TimeoutExpired:
        raise PackageError(f"the packaged program's selftest did not end within {SELFTEST_LIMIT_S} s") from None
    print(done.stdout, end="")
    if done.returncode != 0:
        raise PackageError(f"the packaged program's selftest ended with status {done.returncode}")
    print(f"selftest passed in {time.monotonic() - started:.1f} s with an empty PATH")


def open_window(program: Path, home: Path) -> None:
    """The window opens, starts its engine, stays, and ends when it is told to."""
    with subprocess.Popen([program], **bare(home)) as window:
        children = Path(f"/proc/{window.pid}/task/{window.pid}/children")
        deadline = time.monotonic() + WINDOW_LIMIT_S
        while window.poll() is None and not children.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        has_engine = window.poll() is None and bool(children.read_text())
        with contextlib.suppress(subprocess.TimeoutExpired):
            window.wait(WINDOW_STAYS_S)
        has_stayed = window.poll() is None
        window.terminate()
        said = window.stdout.read() if window.stdout else ""
    if not (has_engine and has_stayed):
        raise PackageError(f"the packaged program's window did not open or did not stay: {said.strip()}")
    print("the window opens and its engine starts")


def bare(home: Path) -> dict[str, Any]:
    """How a process gets nothing in its environment but a home and Qt's displayless platform."""
    return {
        "env": {"PATH": "", "HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "LANG": "C.UTF-8"},
        "cwd": home,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "encoding": "utf-8",
    }


def compress(folder: Path) -> Path:
    """A .tar.xz beside the folder, by the system's own tools: they use every processor."""
    archive = folder.with_suffix(".tar.xz")
    if not (shutil.which("tar") and shutil.which("xz")):
        raise PackageError("compressing needs tar and xz: sudo apt install tar xz-utils")
    command = ["tar", "-C", str(folder.parent), "--use-compress-program=xz -T0 -6", "-cf", str(archive), folder.name]
    if subprocess.run(command, check=False).returncode != 0:
        raise PackageError(f"tar could not write {archive}")
    return archive


def size_bytes(folder: Path) -> int:
    """What the folder's files hold together; links count nothing."""
    return sum(path.stat().st_size for path in all_files(folder))


def all_files(folder: Path) -> Iterator[Path]:
    """Every plain file below a folder."""
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    sys.exit(main())
