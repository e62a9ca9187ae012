"""Generation settings from a JSON file and from flags: every control by its own name, checked before a model is loaded.

    {"temperature": 0.7, "stop": ["\\n\\n"], "context_policy": "keep_end", "order": ["top_k", "temperature"],
     "constraint": {"kind": "choices", "value": ["yes", "no"]}}

The names are the fields of `GenerationRequest` and `SamplingSettings`. Knows those two; must not know their use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from engine.commands.inputs import read_json_file
from engine.contracts.constraint import Constraint
from engine.contracts.errors import UsageError
from engine.contracts.generation import GenerationRequest
from engine.contracts.plain_fields import shown, wrong_field
from engine.contracts.sampling_settings import SamplingSettings

# Given in other ways: by the prompt's own arguments, or by the window alone.
NOT_SETTINGS = frozenset({"id", "prompt", "prompt_ids", "ticket", "sampling"})


def read_settings(path: Path) -> dict[str, Any]:
    """The settings of a file. Raises `UsageError` for anything that is no setting."""
    try:
        plain = read_json_file(path)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the settings file {path} is not JSON ({error}); correct it") from error
    if not isinstance(plain, dict):
        raise UsageError(f'the settings file {path} holds no JSON object; write {{"temperature": 0.7}} for example')
    controls = {name: kind for kind in (GenerationRequest, SamplingSettings) for name in _controls(kind)}
    for name, value in plain.items():
        if name not in controls:
            raise UsageError(f"{path} has the unknown setting {shown(name)}; {_instead(name, controls)}")
        problem = wrong_field(controls[name], {name: value})
        if problem:
            raise UsageError(f"{path}: {problem}")
    return plain


def make_request(base: GenerationRequest, settings: Mapping[str, Any]) -> GenerationRequest:
    """`base` with the settings put in. Raises `UsageError` for impossible values."""
    of_sampling = _controls(SamplingSettings)
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()
    }
    if plain.get("constraint") is not None:
        plain["constraint"] = Constraint.from_dict(plain["constraint"])
    chosen: dict[str, Any] = {name: plain[name] for name in plain if name in of_sampling}
    others: dict[str, Any] = {name: plain[name] for name in plain if name not in of_sampling}
    sampling = replace(base.sampling, **chosen)
    return replace(base, sampling=sampling, **others)


def _instead(name: str, controls: Iterable[str]) -> str:
    """What may have been meant; all that there are, where nothing is alike."""
    alike = get_close_matches(name, controls, n=2, cutoff=0.7)
    return f"write {' or '.join(alike)}" if alike else f"known are {', '.join(sorted(controls))}"


def _controls(kind: type[GenerationRequest] | type[SamplingSettings]) -> set[str]:
    return {entry.name for entry in fields(kind)} - NOT_SETTINGS
