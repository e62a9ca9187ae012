"""Generation settings from a JSON file and from flags: every control by its own name, checked before a model is loaded.

    {"temperature": 0.7, "stop": ["\\n\\n"], "context_policy": "keep_end", "order": ["top_k", "temperature"]}

The names are the fields of `GenerationRequest` and `SamplingSettings`. Knows those two; must not know their use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, replace
from pathlib import Path
from typing import Any

from engine.commands.inputs import read_json_file
from engine.contracts.errors import UsageError
from engine.contracts.generation import GenerationRequest
from engine.contracts.plain_fields import shown
from engine.contracts.sampling_settings import SamplingSettings

# Given in other ways: by the prompt's own arguments, or by the window alone.
NOT_SETTINGS = frozenset({"id", "prompt", "prompt_ids", "ticket", "sampling"})
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file. Raises `UsageError` for anything that is no setting."""
    try:
        plain = read_json_file(path)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the settings file {path} is not JSON ({error}); correct it") from error
    if not isinstance(plain, dict):
        raise UsageError(f'the settings file {path} holds no JSON object; write {{"temperature": 0.7}} for example')
    controls = {**_controls(GenerationRequest), **_controls(SamplingSettings)}
    for name, value in plain.items():
        if name not in controls:
            raise UsageError(f"{path} has the unknown setting {shown(name)}; known are {', '.join(sorted(controls))}")
        _check_kind(path, controls[name], value)
    return plain


def make_request(base: GenerationRequest, settings: Mapping[str, Any]) -> GenerationRequest:
    """`base` with the settings put in. Raises `UsageError` for impossible values."""
    of_sampling = set(_controls(SamplingSettings))
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    chosen: dict[str, Any] = {name: plain[name] for name in plain if name in of_sampling}
    others: dict[str, Any] = {name: plain[name] for name in plain if name not in of_sampling}
    sampling = replace(base.sampling, **chosen)
    return replace(base, sampling=sampling, **others)


def _controls(kind: type[GenerationRequest] | type[SamplingSettings]) -> dict[str, Field[Any]]:
    return {entry.name: entry for entry in fields(kind) if entry.name not in NOT_SETTINGS}


def _check_kind(path: Path, control: Field[Any], value: object) -> None:
    default = control.default if control.default is not MISSING else None
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise UsageError(f"{path}: {control.name} is {shown(value)}; it must be a list of texts")
        return
    wanted = type(default)
    is_right = type(value) is wanted or (wanted is float and type(value) is int)
    if not is_right:
        raise UsageError(f"{path}: {control.name} is {shown(value)}; it must be {KINDS[wanted.__name__]}")
