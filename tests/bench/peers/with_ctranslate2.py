"""CTranslate2 as a program under test: int8, its own converter and its own loop in C++.

It keeps nothing of a text that was continued (only of a prompt declared static beforehand), so an edited text is read
anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2

from tests.bench.peers.protocol import Settings, Written, run


class CTranslate2:
    """A loaded model and the names of its tokens."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._generator = ctranslate2.Generator(
            str(folder), device="cpu", compute_type="int8", inter_threads=1, intra_threads=settings.threads
        )
        self._names: list[str] = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        self._bytes = (folder / "model.bin").stat().st_size

    def facts(self) -> dict[str, Any]:
        version = f"CTranslate2 {ctranslate2.__version__}"
        return {"program": "CTranslate2", "version": version, "weights": "int8", "weight_bytes": self._bytes}

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        arrivals, tokens = [0.0] * count, [0] * count
        began = time.perf_counter()

        def note(step: Any) -> bool:
            arrivals[step.step] = max(arrivals[step.step], time.perf_counter() - began)
            if step.batch_id == 0:
                tokens[step.step] = step.token_id
            return False

        self._generator.generate_batch(
            [[self._names[token] for token in ids]] * rows,
            max_length=count,
            min_length=count,
            include_prompt_in_result=False,
            end_token=[],
            callback=note,
        )
        return Written(arrivals, tokens)


def prepare(checkpoint: Path, folder: Path) -> None:
    """Its converter, from the Hugging Face folder."""
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(checkpoint)).convert(str(folder), quantization="int8")


if __name__ == "__main__":
    run(prepare, CTranslate2)
