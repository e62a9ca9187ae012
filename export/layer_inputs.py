"""What goes into the matrices of a network, one layer at a time: the second moments of their inputs over sample texts.

For: `calibration.py`; the rounding with feedback asks for one matrix after the other. Knows the reference module.
Must not know how anything is rounded, graphs, or files.

    texts ── embedding ──> streams ── layer 0 ──> streams ── layer 1 ──> …       kept: the streams, (1, T, C) a text
                                        └─> mean x xᵀ of its four inputs         and one layer's moments

A moment of GPT-2's down projection is 38 MB, of all its matrices half a gigabyte: so a layer is run when it is first
asked for, and forgets the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from export.model.gpt import GPT
from export.quantize import FloatArray

# Of matrices that share an input, one: key and value multiply what query does, gate what up does.
_MATRICES = ("attention.query", "attention.output", "mlp.up", "mlp.down")
_LAYERS = "layers"
_COLUMNS_AT_ONCE = 512  # two thirds of the time of whole squares at a width of 3,072


class LayerInputs:
    """Second moments by the canonical name of a matrix, without ".weight"."""

    def __init__(self, model: GPT, texts: Sequence[Sequence[int]]) -> None:
        """`texts`: token lists of at least one token, each at most the context."""
        self._model = model
        self._texts = [torch.tensor([list(tokens)]) for tokens in texts]
        self._streams: list[Tensor] = []
        self._layer = -1  # the one whose moments are held; the streams are what it answered
        self._moments: dict[str, FloatArray] = {}

    def second_moment(self, name: str) -> FloatArray | None:
        """Mean of x xᵀ (in, in) over all tokens, or None for what is no matrix of a layer.

        Quick where the names come in the order of the layers; an earlier layer than before starts again.
        """
        first, _, rest = name.partition(".")
        number, _, matrix = rest.partition(".")
        if first != _LAYERS or matrix not in _MATRICES:
            return None
        if int(number) < self._layer:
            self._layer = -1
        while self._layer < int(number):
            self._advance()
        return self._moments[matrix]

    @torch.inference_mode()
    def _advance(self) -> None:
        """Run the next layer over all texts."""
        model = self._model
        if self._layer < 0:
            self._streams = [model.embedded(tokens) for tokens in self._texts]
        self._layer += 1
        self._moments = {}
        layer = model.layers[self._layer]
        sums: dict[str, Tensor] = {}
        hooks = [layer.get_submodule(name).register_forward_pre_hook(_adding(sums, name)) for name in _MATRICES]
        try:
            for index, tokens in enumerate(self._texts):
                self._streams[index] = model.through_layer(self._layer, self._streams[index], tokens)
        finally:
            for hook in hooks:
                hook.remove()
        rows = sum(tokens.shape[1] for tokens in self._texts)
        self._moments = {name: _whole(total.div_(rows)).numpy() for name, total in sums.items()}


def _adding(sums: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    """Adds x xᵀ of what a matrix is given, of which the squares on the diagonal and what lies below them are enough."""

    def add(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows = inputs[0].flatten(0, -2)
        width = rows.shape[1]
        if name not in sums:
            sums[name] = rows.new_zeros(width, width)
        for start, end in _strips(width):
            sums[name][start:end, :end].addmm_(rows[:, start:end].T, rows[:, :end])

    return add


def _whole(moment: Tensor) -> Tensor:
    """The part above the squares on the diagonal filled in, in place: x xᵀ is symmetric."""
    for start, end in _strips(len(moment)):
        moment[:start, start:end] = moment[start:end, :start].T
    return moment


def _strips(width: int) -> list[tuple[int, int]]:
    return [(start, min(start + _COLUMNS_AT_ONCE, width)) for start in range(0, width, _COLUMNS_AT_ONCE)]
