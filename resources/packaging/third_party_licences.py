"""The licence texts of what the package contains, laid beside it: `copy(distributions, folder)`.

Knows: where distributions keep their licences. Must not know: which distributions are packaged.
"""

import re
import shutil
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

LICENCE_NAME = re.compile(r"(licen[cs]e|copying|notice|thirdparty|third_party)", re.IGNORECASE)


def copy(distributions: Iterable[str], folder: Path) -> None:
    """One folder a distribution; one that ships no text gets what its metadata declares."""
    for name in distributions:
        distribution = metadata.distribution(name)
        target = folder / f"{distribution.name}-{distribution.version}"
        target.mkdir(parents=True, exist_ok=True)
        texts = [path for path in distribution.files or [] if _is_licence(path)]
        for path in texts:
            # Texts of the same name from different folders keep their folder in the name.
            shutil.copyfile(str(path.locate()), target / "-".join(path.parts[1:] or path.parts))
        if not texts:
            (target / "declared.txt").write_text(_declared(distribution), encoding="utf-8")


def _is_licence(path: metadata.PackagePath) -> bool:
    return bool(LICENCE_NAME.search(path.name)) and path.suffix.lower() in ("", ".txt", ".md", ".rst")


def _declared(distribution: metadata.Distribution) -> str:
    fields = distribution.metadata
    names = ("Name", "Version", "License-Expression", "License", "Home-page", "Project-URL")
    return "".join(f"{name}: {value}\n" for name in names for value in fields.get_all(name) or [])
