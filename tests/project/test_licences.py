"""What the application is installed with is permissive, MPL or LGPL, by its own metadata."""

import re
from importlib import metadata
from pathlib import Path

from tests.project.dependencies import closure, requirement_lines

FORBIDDEN = re.compile(r"\b(A?GPL|Affero|GNU General Public)\b|\bA?GPL-?\d", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public|Library General Public", re.IGNORECASE)
# PyInstaller's licence excepts the programs it builds; none of it but its start code enters them.
BUILD_ONLY = {"pyinstaller", "pyinstaller-hooks-contrib"}


def licence_words(distribution: metadata.Distribution) -> str:
    fields = distribution.metadata
    classifiers = [line for line in fields.get_all("Classifier") or [] if line.startswith("License")]
    # Some put the whole text into License: its first line names it.
    declared = (fields.get("License") or "").strip().splitlines()[:1]
    return " | ".join([fields.get("License-Expression") or "", *declared, *classifiers])


def is_acceptable(words: str) -> bool:
    """One acceptable alternative of an `OR` is enough; saying nothing is not."""
    if not words.strip(" |"):
        return False
    alternatives = re.split(r"\bOR\b", words)
    return any(not FORBIDDEN.search(LESSER.sub("", alternative)) for alternative in alternatives)


def test_no_dependency_is_gpl(root: Path) -> None:
    words = {
        name: licence_words(distribution)
        for name, distribution in closure(requirement_lines(root, ("export", "test", "package"))).items()
        if name not in BUILD_ONLY
    }
    assert {name: said for name, said in words.items() if not is_acceptable(said)} == {}
    assert len(words) > 20


def test_the_check_itself_tells_licences_apart() -> None:
    assert is_acceptable("MIT")
    assert is_acceptable("MPL-2.0 AND MIT")
    assert is_acceptable("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only")
    assert not is_acceptable("GPL-3.0-or-later")
    assert not is_acceptable("License :: OSI Approved :: GNU Affero General Public License v3")
    assert not is_acceptable("")
