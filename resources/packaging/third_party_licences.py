"""The licence texts of what the package contains, laid beside it.

Knows: where Python, its distributions and Debian's packages keep their licences.
Must not know: what is packaged; the caller names it.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

LICENCE_NAME = re.compile(r"(licen[cs]e|copying|notice|thirdparty|third_party)", re.IGNORECASE)


def copy_of_python(folder: Path) -> None:
    """Python's own licence, where this installation has it."""
    for place in (sysconfig.get_path("stdlib"), sys.base_prefix, f"/usr/share/doc/python3.{sys.version_info.minor}"):
        for name in ("LICENSE.txt", "LICENSE", "copyright"):
            text = Path(place) / name
            if text.is_file():
                _put(text, folder / "python" / name)
                return


def copy_of_distributions(distributions: Iterable[str], folder: Path) -> None:
    """One folder a distribution; one that ships no text gets what its metadata declares."""
    for name in distributions:
        distribution = metadata.distribution(name)
        target = folder / f"{distribution.name}-{distribution.version}"
        texts = [path for path in distribution.files or [] if _is_licence(path)]
        for path in texts:
            # Texts of the same name from different folders keep their folder in the name.
            _put(Path(str(path.locate())), target / "-".join(path.parts[1:] or path.parts))
        if not texts:
            target.mkdir(parents=True, exist_ok=True)
            (target / "declared.txt").write_text(_declared(distribution), encoding="utf-8")


def copy_of_system_libraries(libraries: Iterable[Path], folder: Path) -> None:
    """The copyright file of each Debian package that one of these libraries belongs to."""
    if shutil.which("dpkg") is None:
        return
    for package in sorted({owner for library in libraries for owner in _debian_packages(library)}):
        copyright_file = Path("/usr/share/doc") / package / "copyright"
        if copyright_file.is_file():
            _put(copyright_file, folder / "system" / f"{package}.txt")


def _debian_packages(library: Path) -> list[str]:
    # A library may be registered under /usr/lib or, before the folders were merged, under /lib.
    names = dict.fromkeys([str(library), str(library.resolve()), str(library.resolve()).removeprefix("/usr")])
    found = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True, check=False).stdout
    return [line.partition(":")[0] for line in found.splitlines() if not line.startswith("diversion")]


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _is_licence(path: metadata.PackagePath) -> bool:
    return bool(LICENCE_NAME.search(path.name)) and path.suffix.lower() in ("", ".txt", ".md", ".rst")


def _declared(distribution: metadata.Distribution) -> str:
    fields = distribution.metadata
    names = ("Name", "Version", "License-Expression", "License", "Home-page", "Project-URL")
    return "".join(f"{name}: {value}\n" for name in names for value in fields.get_all(name) or [])
