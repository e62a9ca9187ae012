"""What a family file hands over: a checkpoint whose configuration is read and whose weights are not yet.

Knows plain values, readers and tables. Must not know any family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from export.importers.rules import Table, TensorReader
from export.model.recurrent_config import AnyConfig


@dataclass(frozen=True)
class Opened:
    """A checkpoint: `files` are what was read, `tokenizer` a folder or file that may have one."""

    family: str
    config: AnyConfig
    table: Table
    reader: TensorReader
    files: tuple[Path, ...]
    tokenizer: Path | None
    end_of_text: int | None = None  # the configuration's own id, when it has one
    begins_with_end_of_text: bool = False  # trained on documents that start with the end-of-text token
    languages: tuple[str, ...] = ()
    licence: str = "unknown"
    training: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Family:
    """One row of the table of families; `looks_like` is for people."""

    name: str
    looks_like: str
    recognises: Callable[[Path], bool]
    open: Callable[[Path], Opened]
