"""A checkpoint family as a table of names, and the one loop that applies any such table.

    their tensor names ── table ──> canonical names (ModelConfig.tensor_shapes), float32, PyTorch layout (out, in)

For: one small file a family, which holds only its table and how its configuration is read.
Knows: templates with {layer}, transposed layouts, tensors that hold several of ours, names dropped on purpose.
Must not know any family, nor file formats. An unknown, missing, misshapen or non-finite tensor is an error: a model
that is converted by guessing writes nonsense, and nobody knows why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import CheckpointError
from export.model.recurrent_config import AnyConfig

FloatArray = NDArray[np.float32]


class TensorReader(Protocol):
    """Tensors of a checkpoint, read one at a time."""

    name: str

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Every tensor's name and shape, without reading it."""

    def read(self, name: str) -> FloatArray:
        """One tensor as float32."""


@dataclass(frozen=True)
class Rule:
    """Their name -> our names. Several targets lie behind each other along the output axis, as in GPT-2's c_attn.

    source   "h.{layer}.attn.c_attn.weight"            (in, 3 * out), transposed
    targets  "layers.{layer}.attention.query.weight",  (out, in) each
             "layers.{layer}.attention.key.weight", …
    """

    source: str
    targets: tuple[str, ...]
    transposed: bool = False


@dataclass(frozen=True)
class Table:
    """All rules of a family; `prefixes` are cut off in this order; `dropped` are templates left out on purpose."""

    rules: tuple[Rule, ...]
    dropped: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


def canonical_tensors(table: Table, config: AnyConfig, reader: TensorReader) -> Iterator[tuple[str, FloatArray]]:
    """Every canonical tensor, in the order of the checkpoint's rules, checked.

    Raises `CheckpointError` before the first tensor for any name or shape that does not fit.
    """
    wanted = _wanted(table, config)
    named = {_without_prefixes(table, name): name for name in reader.shapes()}
    _check_names(table, wanted, named, reader)
    _check_shapes(config, wanted, named, reader)
    shapes = config.tensor_shapes()
    for source, rule in wanted.items():
        tensor = reader.read(named[source])
        if not np.isfinite(tensor).all():
            raise CheckpointError(
                f"{reader.name} holds numbers that are not finite (in {named[source]}): training went wrong there; "
                "use an earlier checkpoint"
            )
        if rule.transposed:
            tensor = tensor.T
        start = 0
        for target in rule.targets:
            rows = shapes[target][0]
            yield target, np.ascontiguousarray(tensor[start : start + rows])
            start += rows


def _wanted(table: Table, config: AnyConfig) -> dict[str, Rule]:
    """Their name -> the rule for one layer; rules for tensors that this configuration does not have fall away."""
    shapes, found = config.tensor_shapes(), dict[str, Rule]()
    for rule in table.rules:
        for layer in range(config.layers if "{layer}" in rule.source else 1):
            targets = tuple(target.format(layer=layer) for target in rule.targets)
            if all(target in shapes for target in targets):
                found[rule.source.format(layer=layer)] = Rule(rule.source, targets, rule.transposed)
    return found


def _without_prefixes(table: Table, name: str) -> str:
    for prefix in table.prefixes:
        name = name.removeprefix(prefix)
    return name


def _check_names(table: Table, wanted: Mapping[str, Rule], named: Mapping[str, str], reader: TensorReader) -> None:
    if len(named) != len(reader.shapes()):
        raise CheckpointError(f"{reader.name} holds a tensor twice under different prefixes; save the checkpoint again")
    dropped = [re.compile(re.escape(name).replace(r"\{layer\}", r"\d+")) for name in table.dropped]
    for name in named:
        if name not in wanted and not any(pattern.fullmatch(name) for pattern in dropped):
            raise CheckpointError(
                f"{reader.name} holds the tensor {named[name]}, which this model family does not have, so the result "
                "would be wrong; it is another architecture, or its configuration does not belong to it"
            )
    for name in wanted:
        if name not in named:
            raise CheckpointError(
                f"{reader.name} lacks the tensor {name}; it is incomplete or its configuration does not belong to it; "
                "save or fetch it again"
            )


def _check_shapes(
    config: AnyConfig, wanted: Mapping[str, Rule], named: Mapping[str, str], reader: TensorReader
) -> None:
    shapes, found = config.tensor_shapes(), reader.shapes()
    for source, rule in wanted.items():
        first = shapes[rule.targets[0]]
        shape = (sum(shapes[target][0] for target in rule.targets), *first[1:])
        theirs = shape[::-1] if rule.transposed else shape
        if tuple(found[named[source]]) != theirs:
            raise CheckpointError(
                f"{reader.name}: {named[source]} has shape {tuple(found[named[source]])}, but the configuration says "
                f"{theirs}; they do not belong together"
            )
