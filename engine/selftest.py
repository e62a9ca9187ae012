"""The checks of `nextstroke selftest`, each an outcome in a word and values; nothing is printed here.

    engine -> bundled model -> known generation -> sockets -> profile -> window -> fonts -> input methods

A check that cannot be made on this system says "note", never "ok". Knows the engine's face and the operating system;
must not know languages (`selftest_words`) or Qt, of which it only asks whether it is there.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from engine.commands.records import read_records
from engine.commands.regenerate import IDENTICAL, compare, differences, regenerated
from engine.contracts.errors import FileError, ModelFolderError, NextstrokeError
from engine.folder import open_folder
from engine.library import open_library
from engine.loaded_model import LoadedModel, engine_versions, load_model
from engine.profile import Profile, find_profile

OK, NOTE, FAILED = "ok", "note", "failed"
FONT_SECONDS = 10
INPUT_PLUGIN = re.compile(r"(?:lib)?(\w+?)(?:platforminputcontext)?plugin\.")
# What Qt loads from the system and a bare server or container lacks, with the Debian package of each.
QT_LIBRARIES: Mapping[str, str] = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
}
X11_LIBRARIES: Mapping[str, str] = {"libxcb-cursor.so.0": "libxcb-cursor0"}  # a Wayland desktop does without
INTERNET_TABLES = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")


@dataclass(frozen=True)
class Outcome:
    """`state` of the check `name`; `word` and `values` say what was found (`selftest_words` turns them into a line)."""

    name: str
    state: str
    word: str
    values: Mapping[str, object] = field(default_factory=dict)


def sample_record() -> Path:
    """Where the known generation of the bundled model lies; made by `generate --temperature 0 --record`."""
    return Path(__file__).resolve().parents[1] / "resources" / "samples" / "selftest.json"


def run_checks(threads: int | None) -> Iterator[Outcome]:
    """All checks; what rests on a failed one is left out."""
    yield _guarded("engine", check_engine)
    opened: list[LoadedModel] = []

    def check_model() -> Outcome:
        folder = open_folder(open_library().find(None), check_hashes=True)
        opened.append(load_model(folder.path, "cpu", threads))
        values = {"name": folder.manifest.name, "files": len(folder.manifest.files), "device": opened[0].device.name}
        return Outcome("model", OK, "model_opened", values)

    yield _guarded("model", check_model)
    if opened:
        yield _guarded("generation", lambda: check_generation(opened[0], sample_record()))
    yield _guarded("sockets", check_sockets)
    yield _guarded("profile", lambda: check_profile(find_profile()))
    yield _guarded("window", check_window)
    yield _guarded("fonts", check_fonts)
    yield _guarded("input_methods", lambda: check_input_methods(os.environ, qt_input_plugins()))


def check_engine() -> Outcome:
    """ONNX Runtime loads."""
    versions = engine_versions()
    return Outcome("engine", OK, "engine_loads", {"engine": versions["engine"], "runtime": versions["onnxruntime"]})


def check_generation(model: LoadedModel, sample: Path) -> Outcome:
    """The known generation comes out again; on kernels that may round otherwise: one comes out at all."""
    records = read_records(sample)
    if records[0].model_digest != model.manifest.digest():
        raise ModelFolderError(f"{sample} was made by another model; the installation is mixed up, install again")
    made = regenerated(model, records)
    if made is None:
        raise FileError("it was interrupted; run it again")
    verdict = compare(records[0], made[0], model.manifest.digest())
    count = len(made[0].output_ids)
    if verdict == IDENTICAL:
        return Outcome("generation", OK, "generation_identical", {"count": count})
    if differences(records[0], made[0]) and count:
        values = {"count": count, "then": records[0].kernel_class, "now": made[0].kernel_class}
        return Outcome("generation", OK, "generation_runs", values)
    return Outcome("generation", FAILED, "generation_differs", {"verdict": verdict})


def check_sockets() -> Outcome:
    """The process has just generated a text, and holds no internet socket."""
    if not Path("/proc/self/fd").is_dir():
        return Outcome("sockets", NOTE, "not_checked_here")
    open_now = internet_sockets()
    if open_now:
        return Outcome("sockets", FAILED, "sockets_open", {"count": len(open_now)})
    return Outcome("sockets", OK, "sockets_none")


def internet_sockets() -> set[str]:
    """Inodes of the internet sockets of this process (Linux)."""
    known: set[str] = set()
    for table in INTERNET_TABLES:
        try:
            lines = Path(f"/proc/self/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue  # a kernel without that protocol
        known |= {line.split()[9] for line in lines}
    return {inode for inode in _socket_inodes() if inode in known}


def check_profile(profile: Profile) -> Outcome:
    """The per-user folders can be written, shown by writing."""
    for folder in (profile.data, profile.state, profile.config, profile.cache):
        place = next(parent for parent in (folder, *folder.parents) if parent.exists())
        try:
            with tempfile.TemporaryFile(dir=place) as stream:
                stream.write(b"x")
        except OSError as error:
            return Outcome("profile", FAILED, "profile_closed", {"folder": place, "reason": error.strerror})
    return Outcome("profile", OK, "profile_open", {"folder": profile.data})


def check_window() -> Outcome:
    """Qt is installed and the system libraries that it loads are there."""
    if find_spec("PySide6") is None or find_spec("PySide6.QtWidgets") is None:
        return Outcome("window", FAILED, "qt_missing")
    for state, libraries in ((FAILED, QT_LIBRARIES), (NOTE, X11_LIBRARIES)):
        missing = [package for library, package in libraries.items() if not _can_load(library)]
        if sys.platform == "linux" and missing:
            return Outcome("window", state, "qt_libraries_missing", {"packages": " ".join(missing)})
    return Outcome("window", OK, "qt_found")


def check_fonts() -> Outcome:
    """Some font has Chinese characters."""
    if sys.platform != "linux":
        return Outcome("fonts", NOTE, "not_checked_here")
    program = shutil.which("fc-list") or shutil.which("fc-list", path=os.defpath)
    if program is None:
        return Outcome("fonts", NOTE, "fonts_unknown")
    done = subprocess.run(
        [program, ":lang=zh", "family"], capture_output=True, text=True, timeout=FONT_SECONDS, check=False
    )
    families = sorted({line.split(",")[0] for line in done.stdout.splitlines() if line.strip()})
    if not families:
        return Outcome("fonts", FAILED, "fonts_missing")
    return Outcome("fonts", OK, "fonts_found", {"count": len(families), "first": families[0]})


def check_input_methods(environment: Mapping[str, str], plugins: set[str]) -> Outcome:
    """The input method that the desktop names has its plugin in Qt."""
    if sys.platform != "linux":
        return Outcome("input_methods", OK, "input_method_system")
    asked = environment.get("QT_IM_MODULE", "")
    if not asked:
        return Outcome("input_methods", OK, "input_method_default", {"plugins": ", ".join(sorted(plugins)) or "-"})
    # fcitx5 speaks ibus's protocol, which is what the program falls back to.
    if asked in plugins or asked in ("xim", "wayland", "none", "simple"):
        return Outcome("input_methods", OK, "input_method_found", {"name": asked})
    return Outcome("input_methods", NOTE, "input_method_fallback", {"name": asked})


def qt_input_plugins() -> set[str]:
    """Names of the input method plugins that came with Qt ("ibus", "compose", …)."""
    spec = find_spec("PySide6")
    roots = [Path(place) for place in (spec.submodule_search_locations or [])] if spec is not None else []
    found = [path for root in roots for path in root.glob("**/plugins/platforminputcontexts/*")]
    return {match[1] for path in found if (match := INPUT_PLUGIN.match(path.name))}


def _guarded(name: str, check: Callable[[], Outcome]) -> Outcome:
    try:
        return check()
    except (NextstrokeError, OSError, subprocess.SubprocessError) as error:
        return Outcome(name, FAILED, "error", {"message": error})


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _socket_inodes() -> Iterator[str]:
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(entry)
        except OSError:
            continue  # the folder's own handle
        if target.startswith("socket:["):
            yield target.removeprefix("socket:[").removesuffix("]")
