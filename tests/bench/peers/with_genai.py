"""onnxruntime-genai as a program under test: int4 as its own model builder writes it, its own loop in C++."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnxruntime_genai

from tests.bench.peers.protocol import Settings, Written, run, shared_prefix


class Genai:
    """A loaded model and the generator of the last text."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        config = onnxruntime_genai.Config(str(folder))
        options = {"intra_op_num_threads": settings.threads}
        config.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
        self._model = onnxruntime_genai.Model(config)
        self._context = settings.context
        self._bytes = sum(file.stat().st_size for file in folder.glob("*.onnx*"))
        self._generator: Any = None
        self._read: list[int] = []

    def facts(self) -> dict[str, Any]:
        words = f"onnxruntime-genai {version('onnxruntime-genai')}"
        return {"program": "onnxruntime-genai", "version": words, "weights": "int4", "weight_bytes": self._bytes}

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        began = time.perf_counter()
        kept = 0 if fresh or self._generator is None else shared_prefix(self._read, ids)
        if kept:
            self._generator.rewind_to(kept)
        else:
            self._generator = self._new_generator(rows)
        self._generator.append_tokens([list(ids[kept:])] * rows if rows > 1 else list(ids[kept:]))
        arrivals, tokens = [], []
        for _ in range(count):
            self._generator.generate_next_token()
            tokens.append(int(self._generator.get_next_tokens()[0]))
            arrivals.append(time.perf_counter() - began)
        self._read = [*ids, *tokens] if rows == 1 else []
        return Written(arrivals, tokens)

    def _new_generator(self, rows: int) -> Any:
        parameters = onnxruntime_genai.GeneratorParams(self._model)
        # min_length keeps it going where the end of text would be most probable.
        parameters.set_search_options(
            do_sample=False, batch_size=rows, max_length=self._context, min_length=self._context
        )
        return onnxruntime_genai.Generator(self._model, parameters)


def prepare(checkpoint: Path, folder: Path) -> None:
    """Its builder, from the Hugging Face folder."""
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(checkpoint), "-o", str(folder)]
    cache = ["-c", str(folder.with_name(f"{folder.name}-builder"))]
    code = subprocess.run([*builder, *cache, "-p", "int4", "-e", "cpu"], check=False).returncode
    if code:
        raise SystemExit(code)  # it has said why


if __name__ == "__main__":
    run(prepare, Genai)
