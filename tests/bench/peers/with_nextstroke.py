"""Nextstroke's engine as a program under test: the loop that writers use, text and sampling chain included."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.bench import bytes_read_per_token
from engine.contracts.errors import EngineError
from engine.contracts.generation import Failed, GenerationRequest, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import load_model
from tests.bench.peers.protocol import Settings, Written, run


class Nextstroke:
    """A loaded model folder and one session."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._model = load_model(folder, "cpu", settings.threads)
        self._session = self._model.new_session()

    def facts(self) -> dict[str, Any]:
        manifest = self._model.manifest
        kinds = {kind: name for kind, name in manifest.precision.items() if kind != "cache"}
        words = ", ".join(f"{part} {name}" for part, name in kinds.items())
        return {
            "program": "Nextstroke",
            "version": f"ONNX Runtime {self._model.versions['onnxruntime']}",
            "weights": words if len(set(kinds.values())) > 1 else next(iter(kinds.values())),
            "cache": manifest.cache.dtype,
            "kernel_class": self._model.device.kernel_class,
            "plan": self._model.plan.description,
            "weight_bytes": bytes_read_per_token(manifest, 0),
            "cache_bytes_per_position": bytes_read_per_token(manifest, 1) - bytes_read_per_token(manifest, 0),
            "certificate": str(manifest.certificate.get("words", "")),
        }

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        request = GenerationRequest(
            "bench",
            prompt_ids=tuple(ids),
            max_tokens=count,
            sampling=SamplingSettings(temperature=0.0, seed=1),
            candidates=rows,
            ignore_end_of_text=True,
        )
        if fresh:
            self._session.rewind(0)
        arrivals = [0.0] * count
        tokens: list[int] = []
        began = time.perf_counter()
        for event in generate(self._model, self._session, request):
            if isinstance(event, Token):
                arrivals[event.index] = max(arrivals[event.index], time.perf_counter() - began)
                if event.candidate == 0:
                    tokens.append(event.id)
            elif isinstance(event, Failed):
                raise EngineError(event.message)
        return Written(arrivals, tokens)


if __name__ == "__main__":
    run(None, Nextstroke)
