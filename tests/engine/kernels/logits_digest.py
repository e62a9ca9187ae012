"""A model's logits as one line: `python -m tests.engine.kernels.logits_digest FOLDER TOKENS`.

For: test_processor_classes.py, which runs it in an emulator too. Knows: the runtime. Must not know: the comparison.
Prints whether there is AVX-512, the kernels' class, and the SHA-256 of all logits: of a prompt in one run, of its last
tokens one by one, and of the others in threes.
"""

import hashlib
import sys
from pathlib import Path

import numpy as np

from engine.contracts.manifest import DECODER
from engine.folder import open_folder
from engine.runtime import Graph
from engine.self_check import sample_ids


def main(folder: str, tokens: str) -> None:
    """Both thread counts must agree before anything is printed."""
    found = {digest(Path(folder), int(tokens), threads) for threads in (1, 2)}
    assert len(found) == 1, "the number of threads changes the logits"
    print(np._core._multiarray_umath.__cpu_features__["AVX512F"], *found.pop(), sep="\n")


def digest(folder: Path, count: int, threads: int) -> tuple[str, str]:
    """Class of the kernels, and the logits of `count` tokens."""
    opened = open_folder(folder)
    manifest = opened.manifest
    file = manifest.graph(DECODER)
    assert file is not None
    graph = Graph(opened.file(file), manifest.cache, manifest.vocabulary_size, "cpu", threads)
    runner = graph.new_runner(graph.new_cache(manifest.context_length))
    ids = sample_ids(count, manifest.vocabulary_size)
    written = hashlib.sha256(runner.run(ids, 0, count).tobytes())
    for past in range(count - 5, count):
        written.update(runner.run(ids[past : past + 1], past).tobytes())
    for past in range(0, count - 3, 3):
        written.update(runner.run(ids[past : past + 3], past, 3).tobytes())
    return graph.device.kernel_class, written.hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
