"""What was measured once on this machine, kept in a small file: measuring again would take seconds at every start.

For: the self-check and the trials of draft models and devices. Knows: files. Must not know: what was measured.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from engine.atomic_file import write_atomically
from engine.contracts.errors import NextstrokeError

Answer = TypeVar("Answer")


def kept_answer(
    folder: Path,
    key: str,
    measure: Callable[[], Answer],
    read: Callable[[Mapping[str, Any]], Answer],
    write: Callable[[Answer], Mapping[str, Any]],
) -> Answer:
    """The answer kept under `folder` for that key, else the measured one, which is kept from then on.

    A file that `read` cannot make sense of is as good as none.
    """
    known = known_answer(folder, key, read)
    if known is not None:
        return known
    answer = measure()
    keep_answer(folder, key, write(answer))
    return answer


def known_answer(folder: Path, key: str, read: Callable[[Mapping[str, Any]], Answer]) -> Answer | None:
    """The answer kept under `folder` for that key, or None."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        return read(json.loads(_file(folder, key).read_text(encoding="utf-8")))
    return None


def keep_answer(folder: Path, key: str, plain: Mapping[str, Any]) -> None:
    """Write the plain data of an answer, where the disk lets one."""
    content = json.dumps({"key": key, **plain}, indent=1)
    with contextlib.suppress(OSError, NextstrokeError):  # a read-only home costs a measurement at every start, no more
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(_file(folder, key), content.encode())


def _file(folder: Path, key: str) -> Path:
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"
