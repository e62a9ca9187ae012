"""Hugging Face transformers as a program under test: PyTorch in float32, not compiled, its dynamic cache.

The loop is the shortest that the library's forward pass allows; its own `generate` is slower.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

from tests.bench.peers.protocol import Settings, Written, run, shared_prefix


class Transformers:
    """A loaded checkpoint and the cache of the last text."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        torch.set_num_threads(settings.threads)
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self._cache = DynamicCache(config=self._model.config)
        self._read: list[int] = []

    def facts(self) -> dict[str, Any]:
        size = sum(parameter.numel() * parameter.element_size() for parameter in self._model.parameters())
        version = f"transformers {transformers.__version__}, torch {torch.__version__}"
        return {"program": "transformers", "version": version, "weights": "fp32", "weight_bytes": size}

    @torch.inference_mode()
    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        began = time.perf_counter()
        kept = 0 if fresh else shared_prefix(self._read, ids)
        if kept:
            self._cache.crop(kept - self._cache.get_seq_length())
        else:
            self._cache = DynamicCache(config=self._model.config)
        following = self._next(torch.tensor([ids[kept:]]))
        if rows > 1:
            self._cache.batch_repeat_interleave(rows)
            following = following.repeat(rows)
        tokens = [int(following[0])]
        arrivals = [time.perf_counter() - began]
        while len(tokens) < count:
            following = self._next(following[:, None])
            tokens.append(int(following[0]))
            arrivals.append(time.perf_counter() - began)
        self._read = [*ids, *tokens[:-1]] if rows == 1 else []
        return Written(arrivals, tokens)

    def _next(self, ids: torch.Tensor) -> torch.Tensor:
        """The most probable token of each row behind `ids` (rows, tokens)."""
        answer = self._model(input_ids=ids, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        return answer.logits[:, -1].argmax(-1)


def prepare(checkpoint: Path, folder: Path) -> None:
    """It reads the checkpoint as it is."""
    shutil.copytree(checkpoint, folder)


if __name__ == "__main__":
    run(prepare, Transformers)
