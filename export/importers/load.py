"""Import a checkpoint: start the child process that reads it, wait, and take over what it wrote.

For: `convert.py` and `nextstroke verify --source`. Knows the child's protocol and the limits it gets.
Must not know families or file formats; this process never opens a checkpoint itself.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import export
from engine.contracts.errors import CheckpointError, error_from_kind, file_error
from export.importers.child import TENSORS_NAME
from export.importers.readers import SafetensorsReader
from export.importers.rules import FloatArray
from export.model.recurrent_config import AnyConfig, read_config

_WRITING_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)  # never of reading
_BASE_MEMORY_BYTES = 16 << 30  # address space, of which PyTorch reserves several gigabytes without using them


@dataclass(frozen=True)
class Imported:
    """A checkpoint in canonical form: tensors in a file of the workspace, read one at a time."""

    family: str
    config: AnyConfig
    tensors_file: Path
    tokenizer_kind: str
    tokenizer_file: Path
    special_tokens: Mapping[str, int]
    languages: tuple[str, ...]
    licence: str
    training: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...]

    def tensors(self) -> Callable[[str], FloatArray]:
        """Canonical name -> float32 array, mapped from the file."""
        return SafetensorsReader([self.tensors_file]).read


def import_checkpoint(
    source: Path, workspace: Path, tokenizer: Path | None = None, end_of_text: str | int | None = None
) -> Imported:
    """Read `source` in a child process with limits; `workspace` receives the canonical files.

    Raises `CheckpointError`, `TokenizerError` or `FileError` in one line, and `OSError` where `workspace` is full.
    """
    try:
        size, torch = _size_of(source), _needs_torch(source)
    except OSError as error:
        raise file_error(error, f"read {source}") from error
    request = {
        "source": str(source.absolute()),
        "tokenizer": str(tokenizer.absolute()) if tokenizer else None,
        "end_of_text": end_of_text,
        "workspace": str(workspace.absolute()),
        "torch": torch,
        "memory_bytes": _BASE_MEMORY_BYTES + 4 * size,
        "file_bytes": 4 * size + (1 << 28),
    }
    plain = _ask(request)
    return Imported(
        family=plain["family"],
        config=read_config(plain["config"]),
        tensors_file=workspace / TENSORS_NAME,
        tokenizer_kind=plain["tokenizer_kind"],
        tokenizer_file=workspace / plain["tokenizer_file"],
        special_tokens=plain["special_tokens"],
        languages=tuple(plain["languages"]),
        licence=plain["licence"],
        training=plain["training"],
        files=tuple(plain["files"]),
    )


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "export.importers.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        text=True,
        encoding="utf-8",
    )
    try:
        output, _ = process.communicate(json.dumps(request) + "\n")
    finally:
        # Cancelled or failed: the child must not outlive us.
        if process.poll() is None:
            process.kill()
            process.wait()
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise CheckpointError(
            f"{request['source']} made its reader stop ({_ending(process.returncode)}); it is damaged, hostile or too "
            "large for this computer; nothing was changed"
        ) from error
    if "imported" in answer:
        imported: dict[str, Any] = answer["imported"]
        return imported
    if "kind" in answer:
        raise error_from_kind(answer["kind"], answer["message"])
    refusal = OSError(answer["errno"], answer["message"])
    if refusal.errno in _WRITING_ERRORS:  # the caller knows by which name the person calls the place
        raise refusal
    raise file_error(refusal, f"read {request['source']}")


def _environment() -> dict[str, str]:
    """What Python needs to start, and nothing that points anywhere."""
    kept = ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR", "TEMP", "LANG", "LC_ALL", "VIRTUAL_ENV")
    values = {name: os.environ[name] for name in kept if name in os.environ}
    root = Path(next(iter(export.__path__))).resolve().parent
    return values | {"PYTHONPATH": str(root), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def _needs_torch(source: Path) -> bool:
    """Whether a pickled file will be opened; its library must start before the child's doors close."""
    if source.is_file():
        return source.suffix not in (".safetensors", ".json")
    return any(source.glob("*.pt")) or any(source.glob("*.bin")) if source.is_dir() else False


def _size_of(source: Path) -> int:
    files = [source] if source.is_file() else [path for path in source.glob("*") if path.is_file()]
    return int(np.sum([path.stat().st_size for path in files], dtype=np.int64)) if files else 0


def _ending(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
