"""The PyTorch reference of a conversion: the project's own module with the checkpoint's weights, mapped from the file.

For: calibration and verification. Knows the module and canonical tensors. Must not know graphs, folders or precisions.
The weights stay in the file's pages, so even a model larger than memory runs, one layer's pages after the other.
A conversion that tries several roundings asks for the same texts each time: what was computed for one is kept, as
hidden states, since logits would fill the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from export.model.architectures import build, generate_greedy
from export.model.gpt import GPT, rotary_angles
from export.model.recurrent_config import AnyConfig

FloatArray = NDArray[np.float32]

POSITIONS = 4096  # the longest text that is compared or measured has half of that
ROWS = 64  # positions whose logits are formed at once: a large vocabulary times a long text would fill the memory


class Reference:
    """Float32 forward passes of one checkpoint."""

    def __init__(self, config: AnyConfig, tensors: Callable[[str], FloatArray]) -> None:
        with torch.device("meta"):
            self.model = build(config)
        state = {name: torch.from_numpy(tensors(name)) for name in config.tensor_shapes()}
        self.model.load_state_dict(state, assign=True)
        if isinstance(self.model, GPT) and self.model.config.positions == "rotary":
            self.model.rotation = rotary_angles(self.model.config, min(config.context_length, POSITIONS))
        self.model.eval().requires_grad_(False)
        self._hidden: dict[tuple[int, ...], torch.Tensor] = {}  # of each text (T, C)
        self._greedy: dict[tuple[tuple[int, ...], int], list[int]] = {}

    @torch.inference_mode()
    def logits(self, ids: Sequence[int]) -> Iterator[FloatArray]:
        """Logits (rows, vocabulary) of every position, `ROWS` at a time, from one run over all of `ids`."""
        key = tuple(ids)
        if key not in self._hidden:
            self._hidden[key] = self.model.hidden(torch.tensor([key]))[0]
        for part in self._hidden[key].split(ROWS):
            rows: FloatArray = (part @ self.model.head_weight.T).numpy()
            yield rows

    def greedy(self, prompt: Sequence[int], count: int) -> list[int]:
        """The most probable continuation."""
        key = (tuple(prompt), count)
        if key not in self._greedy:
            self._greedy[key] = generate_greedy(self.model, list(prompt), count)
        return list(self._greedy[key])
