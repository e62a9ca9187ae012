"""What PyInstaller put into the package, read from its own tables.

Knows: where the tables lie and their shape, (name, source, kind) somewhere in nested lists.
Must not know: what is done with the answers.
"""

import ast
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

TABLES = ("PYZ-00.toc", "COLLECT-00.toc")


def entries(work_folder: Path) -> list[tuple[str, Path]]:
    """(name, source) of everything in the package: modules as dotted names, files as paths."""
    return [
        (name, Path(source))
        for table in TABLES
        for name, source in _triples(ast.literal_eval((work_folder / table).read_text(encoding="utf-8")))
    ]


def distributions(work_folder: Path) -> list[str]:
    """The distributions of which at least one module or library was packaged, without our own."""
    owners = metadata.packages_distributions()
    modules = {name.replace("/", ".").partition(".")[0] for name, _ in entries(work_folder)}
    return sorted({owner for module in modules for owner in owners.get(module, ())} - {"nextstroke"})


def system_libraries(work_folder: Path) -> list[Path]:
    """The shared libraries that belong to the system, not to Python or a distribution."""
    ours = tuple(str(Path(prefix)) + "/" for prefix in {sys.prefix, sys.base_prefix} - {"/usr"})
    sources = {source for name, source in entries(work_folder) if "/" not in name and ".so" in name}
    return sorted(source for source in sources if source.is_absolute() and not str(source).startswith(ours))


def _triples(table: object) -> Iterator[tuple[str, str]]:
    if isinstance(table, tuple) and len(table) == 3 and all(isinstance(field, str) for field in table):
        yield table[0], table[1]
    elif isinstance(table, (list, tuple)):
        for part in table:
            yield from _triples(part)
