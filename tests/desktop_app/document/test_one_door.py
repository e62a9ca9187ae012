"""Every file that the window's process writes goes through `Disk`."""

import ast
import re
from pathlib import Path

import pytest

# The door, the calls under it, its lock, and SQLite, which has a safe protocol of its own.
ALLOWED = {
    "document/disk.py",
    "document/file_lock.py",
    "document/sqlite_file.py",
    "document/stoppable_calls.py",
    "document/system_calls.py",
}
# Of a path, whatever it is called, or of a module.
WRITING_METHODS = frozenset(
    [
        "write_text",
        "write_bytes",
        "unlink",
        "renames",
        "mkdir",
        "makedirs",
        "rmdir",
        "rmtree",
        "symlink_to",
        "hardlink_to",
        "symlink",
        "fdopen",
        "mkstemp",
        "mkdtemp",
        "copyfile",
        "copytree",
        "extractall",
    ]
)
FILE_MODULES = frozenset(["os", "shutil", "tempfile", "io", "codecs", "gzip", "bz2", "lzma"])
# Names that other things have too: a text's replace(), a list's remove(), a clock's touch().
OF_MODULES_ONLY = frozenset(["copy", "copy2", "move", "link", "truncate", "remove", "open"])
OF_PATHS = frozenset(("replace", "rename", "touch"))
WRITERS = frozenset(
    [
        "FileIO",
        "NamedTemporaryFile",
        "QDir",
        "QFile",
        "QPdfWriter",
        "QSaveFile",
        "QSettings",
        "QTemporaryDir",
        "QTemporaryFile",
        "QTextDocumentWriter",
        "TemporaryDirectory",
        "TemporaryFile",
        "ZipFile",
    ]
)
MEMORY_WRITERS = frozenset(("QPdfWriter", "QTextDocumentWriter", "ZipFile"))  # and of files, as one gives them
IN_MEMORY = re.compile(r"(buffer|book|data|io\.BytesIO\(.*\))")
A_PATH = re.compile(r"path|folder|\?|^os$|^shutil$", re.IGNORECASE)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of names, else its last part with a question mark before it."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def is_null_device(call: ast.Call) -> bool:
    """`open(os.devnull, …)` writes nothing."""
    return bool(call.args) and dotted(call.args[0]).endswith("devnull")


def has_writing_mode(call: ast.Call) -> bool:
    """Whether a path's open() is told to write."""
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += [given for given in call.args[:1] if isinstance(given, ast.Constant)]
    return any(not isinstance(mode, ast.Constant) or set(str(mode.value)) & set("wax+") for mode in modes)


def is_writing(call: ast.Call) -> bool:
    """Whether a call puts, moves or removes something on the disk."""
    owner, _, name = dotted(call.func).rpartition(".")
    if name == "open":
        if not owner or owner in FILE_MODULES:
            return not is_null_device(call)
        return has_writing_mode(call)
    if name in WRITERS:
        target = ast.unparse(call.args[0]) if call.args else ""
        return not (name in MEMORY_WRITERS and IN_MEMORY.fullmatch(target))
    if name == "save":
        return bool(call.args) and "path" in ast.unparse(call.args[0])
    if name == "connect" and owner == "sqlite3":
        return True
    if name in OF_MODULES_ONLY:
        return owner in FILE_MODULES
    if name in OF_PATHS:  # a text's replace() has two arguments
        return A_PATH.search(owner) is not None and (owner in FILE_MODULES or len(call.args) < 2)
    return name in WRITING_METHODS and bool(owner)


def writing_calls(source: str) -> list[str]:
    """Every call and import of a module that can write a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in FILE_MODULES:
            names = WRITING_METHODS | OF_MODULES_ONLY | OF_PATHS | WRITERS
            found += [f"import {alias.name}" for alias in node.names if alias.name in names]
        elif isinstance(node, ast.Call) and is_writing(node):
            found.append(f"{node.lineno}: {dotted(node.func)}")
    return found


def test_no_module_of_the_window_writes_files_but_the_door(root: Path):
    folder = root / "desktop_app"
    guilty = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name not in ALLOWED and (calls := writing_calls(path.read_text(encoding="utf-8"))):
            guilty[name] = calls
    assert guilty == {}


@pytest.mark.parametrize(
    "source",
    [
        "open('x', 'w')",
        "open('x')",  # reading, but not through the door either
        "os.replace(a, b)",
        "path.write_text('x')",
        "(folder / 'x').write_text('y')",
        "self._path.write_bytes(b'')",
        "path.open('w')",
        "path.open(mode='ab')",
        "path.open(mode=how)",
        "Path(name).replace(other)",
        "Path(name).rename(other)",
        "self.folder.mkdir(parents=True)",
        "sqlite3.connect(file)",
        "QPdfWriter(path)",
        "QtCore.QFile(name)",
        "QSaveFile(name)",
        "zipfile.ZipFile(path, 'w')",
        "document.save(path)",
        "document.save(str(path))",
        "shutil.copy(a, b)",
        "from os import replace",
        "from shutil import move",
        "io.FileIO(name, 'w')",
        "os.open(name, flags)",
        "os.truncate(name, 0)",
        "gzip.open(name)",
        "tempfile.mkdtemp()",
        "target.hardlink_to(path)",
        "shutil.rmtree(folder)",
        "archive.extractall(folder)",
    ],
)
def test_the_guard_sees_what_writes(source: str):
    assert len(writing_calls(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "text.replace('a', 'b')",
        "replace(settings, name=1)",
        "dataclasses.replace(settings, name=1)",
        "model.copy()",
        "path.open()",
        "path.open('rb')",
        "open(os.devnull, 'w')",
        "names.remove(name)",
        "zipfile.ZipFile(buffer, 'w')",
        "self._disk.remove(path)",
        "self._window.opening.open(path)",
        "self._clock.touch(now)",
        "zipfile.ZipFile(io.BytesIO(data))",
    ],
)
def test_the_guard_leaves_other_calls_alone(source: str):
    assert writing_calls(source) == []
