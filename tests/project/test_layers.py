"""Rules of the layers that import contracts cannot express: network modules, and what is loaded at run time."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NETWORK_MODULES = {"socket", "socketserver", "http", "urllib.request", "ftplib", "smtplib", "asyncio", "ssl", "xmlrpc"}
PACKAGES = ("desktop_app", "engine", "export")


def python_files(root: Path, package: str) -> list[Path]:
    return sorted((root / package).rglob("*.py"))


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_one_of(module: str, names: set[str]) -> bool:
    return any(module == name or module.startswith(name + ".") for name in names)


def test_only_the_runtime_file_names_onnxruntime(root: Path) -> None:
    importers = {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in python_files(root, package)
        if any(is_one_of(module, {"onnxruntime"}) for module in imported_modules(path))
    }
    assert importers <= {"engine/runtime.py"}


def test_no_network_module_outside_the_server_files(root: Path) -> None:
    users = {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in python_files(root, package)
        if any(is_one_of(module, NETWORK_MODULES) for module in imported_modules(path))
    }
    assert users <= {"engine/server.py", "engine/server_connection.py"}


def test_one_file_of_the_window_has_sockets_and_they_are_local_ones(root: Path) -> None:
    users = {
        str(path.relative_to(root)): {module for module in imported_modules(path) if "QtNetwork" in module}
        for package in PACKAGES
        for path in python_files(root, package)
        if any("QtNetwork" in module for module in imported_modules(path))
    }
    assert set(users) == {"desktop_app/services/window_place.py"}
    names = {module.rpartition(".")[2] for modules in users.values() for module in modules}
    assert names == {"QtNetwork", "QLocalServer", "QLocalSocket"}


def test_the_entry_imports_the_standard_library_only(root: Path) -> None:
    modules = {module.split(".")[0] for module in imported_modules(root / "desktop_app" / "__main__.py")}
    assert modules <= set(sys.stdlib_module_names)


def test_package_markers_of_the_border_are_empty(root: Path) -> None:
    # Importing engine.contracts runs engine/__init__.py first: nothing may be in it.
    for package in PACKAGES:
        source = (root / package / "__init__.py").read_text(encoding="utf-8")
        body = ast.parse(source).body
        assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body), package


def run_python(root: Path, program: str, **variables: str) -> str:
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_contracts_load_the_standard_library_only(root: Path) -> None:
    program = (
        "import sys, pkgutil, importlib, engine.contracts as contracts\n"
        "for found in pkgutil.walk_packages(contracts.__path__, 'engine.contracts.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = set(run_python(root, program).split())
    assert not loaded & {"numpy", "onnxruntime", "torch", "onnx", "sentencepiece", "tokenizers", "PySide6"}


# Starts the real window, lets it live for two seconds of its event loop, and says what it has loaded by then.
WINDOW_PROGRAM = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

def live_for_a_while():
    QTimer.singleShot(2000, QApplication.quit)
    return run_event_loop()

run_event_loop = QApplication.exec
QApplication.exec = staticmethod(live_for_a_while)

import desktop_app.app
assert desktop_app.app.main(["--profile", sys.argv[1]]) == 0
print(*{name.split(".")[0] for name in sys.modules})
"""


def test_the_window_loads_no_numeric_library(root: Path, tmp_path: Path) -> None:
    program = f"import sys; sys.argv = ['nextstroke', {str(tmp_path)!r}]\n{WINDOW_PROGRAM}"
    loaded = set(run_python(root, program, QT_QPA_PLATFORM="offscreen").split())
    assert "PySide6" in loaded
    assert loaded & {"onnxruntime", "numpy", "torch", "onnx", "sentencepiece", "tokenizers", "export"} == set()
