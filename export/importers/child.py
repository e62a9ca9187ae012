"""The process that opens a checkpoint: it reads files from anywhere, so it has limits and no way out.

    standard input    one JSON line: {"source", "tokenizer", "end_of_text", "workspace", limits}
    standard output   one JSON line: {"imported": {...}} or {"kind", "message"}
    workspace         model.safetensors, tokenizer.json or tokenizer.model

For: `load.py`, which starts it. Knows the families and what a reader of checkpoints never needs: sockets, other
programs, files outside the workspace. Whatever a hostile file achieves in here, it ends with this process.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from engine.contracts.errors import NextstrokeError
from export.importers.families import open_checkpoint
from export.importers.opened import Opened
from export.importers.readers import write_tensors
from export.importers.rules import canonical_tensors
from export.importers.tokenizer_files import FoundTokenizer, import_tokenizer

TENSORS_NAME = "model.safetensors"

_NEVER = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.", "ftplib.")
_CPU_SECONDS = 3600
_OPEN_FILES = 512
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
_WRITING = ("w", "a", "x", "+")


def run(request: dict[str, Any]) -> dict[str, Any]:
    """Import what `request` names; the answer is plain data."""
    workspace = Path(request["workspace"])
    opened = open_checkpoint(Path(request["source"]))
    wanted = Path(request["tokenizer"]) if request["tokenizer"] else None
    # The tokenizer first: it is small, and its absence is the more common mistake.
    tokenizer = import_tokenizer(opened, wanted, request["end_of_text"], workspace)
    tensors = canonical_tensors(opened.table, opened.config, opened.reader)
    write_tensors(workspace / TENSORS_NAME, opened.config.tensor_shapes(), tensors)
    return _answer(opened, tokenizer)


def _answer(opened: Opened, tokenizer: FoundTokenizer) -> dict[str, Any]:
    files = (*opened.files, *tokenizer.source)
    return {
        "family": opened.family,
        "config": opened.config.to_dict(),
        "tokenizer_kind": tokenizer.kind,
        "tokenizer_file": tokenizer.file.name,
        "special_tokens": tokenizer.special_tokens,
        "languages": list(opened.languages),
        "licence": opened.licence,
        "training": dict(opened.training),
        "files": [_file_facts(path) for path in dict.fromkeys(files)],
    }


def _file_facts(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a source file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def forbid(workspace: Path) -> None:
    """From here on this process starts nothing, talks to nobody and writes nowhere but in its workspace.

    An audit hook cannot be removed again.
    """
    root = str(workspace.resolve())

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_NEVER):
            raise PermissionError(f"a checkpoint tried {event}; it was stopped")
        if event == "open" and isinstance(arguments[1], str) and any(mark in arguments[1] for mark in _WRITING):
            name = arguments[0]
            if isinstance(name, str | bytes) and not str(Path(_text(name)).resolve()).startswith(root):
                raise PermissionError("a checkpoint tried to write outside its workspace; it was stopped")

    sys.addaudithook(watch)


def limit(memory_bytes: int, file_bytes: int) -> None:
    """The operating system's limits, where it has them: memory, time, size and number of files, no core file."""
    try:
        import resource
    except ImportError:  # Windows
        return
    wanted = (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, value in wanted:
        hard = resource.getrlimit(kind)[1]
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))


def end_with_parent() -> None:
    """Ask the kernel to end this process when the one that started it ends, however it ends (Linux only)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the kernel knew
        os._exit(1)


def main() -> int:
    """Read the request, answer it, never show a traceback."""
    end_with_parent()
    request = json.loads(sys.stdin.readline())
    answers = sys.stdout
    sys.stdout = sys.stderr  # libraries that print must not mix into the answer
    try:
        limit(request["memory_bytes"], request["file_bytes"])
        if request["torch"]:
            import torch  # noqa: F401  before the hook: its start-up asks the system this and that
        forbid(Path(request["workspace"]))
        answer: dict[str, Any] = {"imported": run(request)}
    except NextstrokeError as error:
        answer = {"kind": error.kind, "message": str(error)}
    except OSError as error:
        answer = {"errno": error.errno, "message": str(error)}
    except MemoryError:
        answer = {"kind": "CheckpointError", "message": "the checkpoint needs more memory than there is; free some"}
    answers.write(json.dumps(answer) + "\n")
    return 0


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    sys.exit(main())
