"""A run that goes on must be the run that began: what may change in between, and what may not.

For: the trainer when it resumes. Knows: recipes as plain content. Must not know: torch, checkpoints' files.

The end may move, rates and text may be changed on purpose, figures of the log are free. Seed and optimizer may not: the
next window and the next update would belong to no run at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts.errors import CheckpointError

_FIXED = {"name": "model", "training.seed": 1, "training.optimizer": "muon"}  # with what counts where nothing is said


def refuse_another_run(began: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Compare two recipes' plain content; `where` names the checkpoint that holds the older one."""
    for key, default in _FIXED.items():
        old, new = _value(began, key, default), _value(now, key, default)
        if old != new:
            raise CheckpointError(
                f"{where} comes from a run with {key} = {old!r}, the recipe says {new!r}; use the recipe it came from, "
                "or name another --output"
            )


def changes(began: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Lines "table.key old -> new" of everything else that differs; lists of tables are named, not shown."""
    result = []
    for table in sorted({*began, *now}):
        old, new = began.get(table), now.get(table)
        if isinstance(old, dict) and isinstance(new, dict):
            result += [
                f"{table}.{key} {old.get(key)!r} -> {new.get(key)!r}"
                if _is_short(old.get(key), new.get(key))
                else f"{table}.{key}"
                for key in sorted({*old, *new})
                if old.get(key) != new.get(key)
            ]
        elif old != new:
            result.append(table)
    return result


def _is_short(*values: object) -> bool:
    return not any(isinstance(value, list | dict) for value in values)


def _value(source: Mapping[str, Any], key: str, default: Any) -> Any:
    *tables, last = key.split(".")
    for table in tables:
        source = source.get(table, {})
    return source.get(last, default)
