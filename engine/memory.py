"""What a model takes of the computer's memory, before it is loaded, and what of it is free.

For: loading, and whoever shows a model. Knows: a manifest's sizes, and Linux's tables of memory and control groups.
Must not know: ONNX Runtime, sessions, or what is done where the memory does not suffice.

    weights    what each graph reads of the files, and again in the layout of the kernels; n-grams unpacked
    cache      keys and values of one text as long as the context
    working    one chunk of a prompt on its way through a layer, attention's scores above all; and a fixed part

The first load on a computer, whose self-check opens the model a second time, takes the weights once more for a while.
Held against the peak of real loads in `tests/engine/test_memory.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.contracts.errors import EngineError
from engine.contracts.manifest import DECODER, PREFILL, Manifest

_ITEM_BYTES = {"float32": 4, "float16": 2, "int8": 1}
_LOADING = 1.35  # of the files, at the peak: 683 MB for 513 MB of float32 weights, ONNX Runtime 1.31
_LOADING_PACKED = 2.1  # with own kernels: 165 MB for the 81 MB of GPT-2 in 4-bit blocks
_LOADING_PROMPTS = 2.5  # of the graph for prompts, beside that: 327 MB for the 133 MB of GPT-2's int8 columns
_UNPACKED = 7.4  # of the file of n-grams, at the peak of reading it: 83 MB for 11.2 MB, of which 33 MB stay as arrays
_CHUNK = 512  # rows of a prompt that run at once, at most
_ROWS_KEPT = 8  # activations of a layer that live at the same time, of the model's width each
_FIXED = 32 * 1024 * 1024
_CLOSE = 0.9  # of what is free: beyond it the system begins to swap, and everything becomes slow

_MEMORY_TABLE = Path("/proc/meminfo")
_OWN_GROUP = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes."""

    weights: int
    cache: int
    working: int

    @property
    def total(self) -> int:
        """With a text as long as the context."""
        return self.weights + self.cache + self.working

    def to_dict(self) -> dict[str, int]:
        """Plain data for JSON."""
        return {"weights": self.weights, "cache": self.cache, "working": self.working, "total": self.total}


def estimate_memory(manifest: Manifest) -> MemoryEstimate:
    """What the model of that manifest will take."""
    layout, context = manifest.cache, manifest.context_length
    prompts = manifest.graph(PREFILL)
    weights = int(
        (_LOADING_PACKED if layout.dtype == "int8" else _LOADING) * _read_by(manifest, manifest.graph(DECODER))
    )
    weights += int(_LOADING_PROMPTS * _read_by(manifest, prompts)) if prompts else 0
    weights += int(_UNPACKED * sum(entry.bytes for entry in manifest.files if entry.name == manifest.ngrams))
    per_token = 2 * layout.layers * layout.kv_heads * layout.head_size * _ITEM_BYTES.get(layout.dtype, 4)
    heads = manifest.config.get("heads")
    heads = heads if isinstance(heads, int) and heads > 0 else layout.kv_heads
    row = heads * context + _ROWS_KEPT * heads * layout.head_size
    working = 4 * (min(_CHUNK, context) * row + manifest.vocabulary_size) + _FIXED
    return MemoryEstimate(weights, per_token * context, working)


def _read_by(manifest: Manifest, graph: str | None) -> int:
    """Bytes of the files that a graph reads, about: its own, and its weights, most of which may be the decoder's."""
    sizes = {entry.name: entry.bytes for entry in manifest.files}
    if graph is None:
        return 0
    own = sum(size for name, size in sizes.items() if name.startswith(f"{graph}."))
    shared = sum(size for name, size in sizes.items() if name.startswith(f"{manifest.graph(DECODER)}."))
    return sizes.get(graph, 0) + max(own, shared)


def free_memory() -> int | None:
    """Bytes that this process may still take without swapping; None where the system does not say."""
    found = [*_free_of_system(), *_free_of_groups()]
    return min(found) if found else None


def memory_note(estimate: MemoryEstimate, free: int | None) -> str:
    """A sentence where it will be tight, empty where it is not. Raises `EngineError` where it cannot be done at all."""
    if free is None:
        return ""
    if estimate.weights + estimate.working > free:
        raise EngineError(
            f"the model needs {in_words(estimate.total)} of memory (weights {in_words(estimate.weights)}, cache "
            f"{in_words(estimate.cache)}, working {in_words(estimate.working)}) and {in_words(free)} is free, so it is "
            "not loaded; close programs or take a smaller model"
        )
    if estimate.total > _CLOSE * free:
        return (
            f"Memory is short: with a long text the model needs {in_words(estimate.total)} and {in_words(free)} is "
            "free; close programs or take a smaller model."
        )
    return ""


def in_words(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _free_of_system() -> Iterator[int]:
    try:
        lines = _MEMORY_TABLE.read_text(encoding="ascii").splitlines()
        yield next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration, IndexError):
        return


def _free_of_groups() -> Iterator[int]:
    """Of each control group (version 2) that this process is in, from its own up to the root."""
    try:
        lines = _OWN_GROUP.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    own = next((line[len("0::/") :] for line in lines if line.startswith("0::/")), "")
    group = _GROUPS / own
    for folder in (group, *group.parents):
        try:
            limit, used = (int((folder / name).read_text()) for name in ("memory.max", "memory.current"))
            yield max(limit - used + _given_back(folder), 0)
        except (OSError, ValueError):  # "max", another version of control groups, or none
            pass
        if folder == _GROUPS:
            return


def _given_back(folder: Path) -> int:
    """Of what a group uses, files in memory that nobody has touched lately: the system drops them when asked."""
    lines = (folder / "memory.stat").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
