"""Bring the translations up to date: `python resources/i18n/update.py`, translate what it names, run it again.

    desktop_app/**/*.py ── lupdate ──> nextstroke_zh.ts (translated by people) ── lrelease ──> nextstroke_zh.qm

Needs PySide6's tools, which come with PySide6-Essentials. Tests fail while an entry is unfinished or the .qm is old.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
TRANSLATION = FOLDER / "nextstroke_zh.ts"
COMPILED = TRANSLATION.with_suffix(".qm")


def tool(name: str) -> str:
    """A PySide6 tool of this environment."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def update(translation: Path) -> None:
    """Take new and changed texts into the .ts; those that are gone leave it."""
    sources = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "desktop_app").rglob("*.py"))
    options = ["-no-obsolete", "-locations", "none", "-source-language", "en", "-target-language", "zh_CN", "-silent"]
    subprocess.run([tool("pyside6-lupdate"), *sources, "-ts", str(translation), *options], cwd=ROOT, check=True)


def compile_translation(translation: Path, compiled: Path) -> None:
    """Write the file that the window loads: whole or not at all, since a window may be starting meanwhile."""
    with tempfile.TemporaryDirectory(dir=compiled.parent, prefix=".translation-") as folder:
        fresh = Path(folder) / compiled.name
        subprocess.run([tool("pyside6-lrelease"), "-silent", str(translation), "-qm", str(fresh)], check=True)
        fresh.replace(compiled)


def unfinished(translation: Path) -> list[str]:
    """The texts that wait for a translation."""
    found = []
    for message in ElementTree.parse(translation).getroot().iter("message"):
        entry = message.find("translation")
        if entry is None or entry.get("type") == "unfinished" or not (entry.text or len(entry)):
            found.append(message.findtext("source") or "")
    return found


if __name__ == "__main__":
    update(TRANSLATION)
    compile_translation(TRANSLATION, COMPILED)
    waiting = unfinished(TRANSLATION)
    for text in waiting:
        print(f"to be translated: {text}", file=sys.stderr)
    sys.exit(1 if waiting else 0)
