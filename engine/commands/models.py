"""`nextstroke models`: the models on this computer.

Knows the library and tables on standard output; must not know what a model computes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.contracts.errors import FileError, UsageError
from engine.contracts.manifest import Manifest
from engine.devices import CPU
from engine.folder import open_folder
from engine.library import LibraryModel, ModelLibrary, open_library
from engine.memory import estimate_memory, free_memory

PERCENT = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, and with what."""
    parser.add_argument("what", nargs="?", choices=tuple(ACTIONS), default="list", help="default: list")
    parser.add_argument(
        "target", nargs="?", metavar="PATH or NAME", help="the folder to add, the model to remove or show"
    )
    parser.add_argument("--json", action="store_true", help="JSON")


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    if (arguments.target is None) != (arguments.what == "list"):
        needs = "takes no name" if arguments.what == "list" else "needs a path or a name behind it"
        raise UsageError(f"`nextstroke models {arguments.what}` {needs}")
    ACTIONS[arguments.what](open_library(), arguments.target, arguments.json)
    return 0


def _list(library: ModelLibrary, target: str, as_json: bool) -> None:
    rows = library.models()
    if as_json:
        _print_json({"models": [row.to_dict() for row in rows]})
        return
    for row in rows:
        print(_line(row))
    if not rows:
        print("there is no model; `nextstroke models add PATH` adds one", file=sys.stderr)


def _add(library: ModelLibrary, target: str, as_json: bool) -> None:
    added = library.add(Path(target), _progress if sys.stderr.isatty() else lambda done, total: None)
    if added is None:
        raise FileError("adding was cancelled; nothing was kept")
    if as_json:
        _print_json(added.to_dict())
    else:
        print(_line(added))


def _remove(library: ModelLibrary, target: str, as_json: bool) -> None:
    library.remove(target)
    if as_json:
        _print_json({"removed": target})
    else:
        print(f"removed {target}")


def _show(library: ModelLibrary, target: str, as_json: bool) -> None:
    folder = library.find(target)
    manifest = open_folder(folder).manifest
    shown: dict[str, Any] = {
        "name": folder.resolve().name,
        "folder": str(folder),
        "display_name": manifest.name,
        "family": manifest.family,
        "context_length": manifest.context_length,
        "vocabulary_size": manifest.vocabulary_size,
        "languages": list(manifest.languages),
        "tasks": {task.name: task.description for task in manifest.tasks},
        "licence": manifest.licence,
        "precision": dict(manifest.precision),
        "ngrams": manifest.ngrams,
        "bytes": sum(entry.bytes for entry in manifest.files),
        "memory_bytes": estimate_memory(manifest).to_dict(),
        "free_memory_bytes": free_memory(),
        "device_trial": _device_trial(manifest),
        "digest": manifest.digest(),
        "source": dict(manifest.source),
        "certificate": dict(manifest.certificate),
    }
    if as_json:
        _print_json(shown)
        return
    for name, value in shown.items():
        words = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
        print(f"{name.replace('_', ' ')}: {words}")


def _device_trial(manifest: Manifest) -> dict[str, Any] | None:
    """What was measured on this machine when the model was first opened; None: not yet, or nothing to choose."""
    from engine.loaded_model import kept_trial  # loads ONNX Runtime, which the other actions need not wait for

    trial = kept_trial(manifest, "auto").known() or kept_trial(manifest, CPU).known()
    return None if trial is None else {"words": trial.words, **trial.to_dict()}


ACTIONS: Mapping[str, Callable[[ModelLibrary, str, bool], None]] = {
    "list": _list,
    "add": _add,
    "remove": _remove,
    "show": _show,
}


def _line(row: LibraryModel) -> str:
    if not row.usable:
        return f"{row.name}  cannot be used: {row.problem}"
    origin = "bundled" if row.bundled else row.folder
    return f"{row.name}  {row.display_name}  {row.precision}  {row.bytes / 1e6:.1f} MB  {origin}"


def _progress(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    print(f"\r{PERCENT * done // max(total, 1):3d} %", end=end, file=sys.stderr, flush=True)


def _print_json(plain: object) -> None:
    print(json.dumps(plain, ensure_ascii=False, indent=1))
