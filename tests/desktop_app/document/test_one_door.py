"""Every file that the window's process writes goes through `Disk`."""

import ast
from pathlib import Path

# The door, its lock, and SQLite, which has a safe protocol of its own.
ALLOWED = {"document/disk.py", "document/file_lock.py", "document/system_calls.py"}
WRITING_METHODS = {"write_text", "write_bytes", "unlink", "rename", "replace", "mkdir", "touch", "rmdir", "symlink_to"}
WRITING_FUNCTIONS = {
    "open",
    "fdopen",
    "remove",
    "rmtree",
    "makedirs",
    "mkstemp",
    "NamedTemporaryFile",
    "copyfile",
    "move",
}
FILE_MODULES = {"os", "shutil", "tempfile", "io"}
QT_WRITERS = {"QFile", "QSaveFile", "QTemporaryFile", "QTemporaryDir", "QDir", "QSettings"}


def is_null_device(call: ast.Call) -> bool:
    """`open(os.devnull, …)` writes nothing."""
    return bool(call.args) and isinstance(call.args[0], ast.Attribute) and call.args[0].attr == "devnull"


def writing_calls(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "PySide6.QtCore":
            found += [f"import {alias.name}" for alias in node.names if alias.name in QT_WRITERS]
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in {"open", *QT_WRITERS} and not is_null_device(node):
            found.append(f"{node.lineno}: {function.id}")
        elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            owner, name = function.value.id, function.attr
            is_system = owner in FILE_MODULES and name in WRITING_FUNCTIONS | WRITING_METHODS
            # Text has a replace() too, with two arguments.
            is_path = name in WRITING_METHODS and ("path" in owner or "folder" in owner) and len(node.args) < 2
            if is_system or is_path:
                found.append(f"{node.lineno}: {owner}.{name}")
    return found


def test_no_module_of_the_window_writes_files_but_the_door(root: Path):
    folder = root / "desktop_app"
    guilty = {}
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name not in ALLOWED and (calls := writing_calls(path.read_text(encoding="utf-8"))):
            guilty[name] = calls
    assert guilty == {}


def test_the_guard_sees_what_it_should():
    assert writing_calls("open('x', 'w')") == ["1: open"]
    assert writing_calls("import os\nos.replace(a, b)") == ["2: os.replace"]
    assert writing_calls("path.write_text('x')") == ["1: path.write_text"]
    assert writing_calls("from PySide6.QtCore import QSaveFile") == ["import QSaveFile"]
    assert writing_calls("text.replace('a', 'b')") == []
