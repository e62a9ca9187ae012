"""What a foreign graph needs and gives, in the engine's terms; a graph that it cannot run is refused here, by name.

For: the readers of foreign layouts. Knows: the graph contract, the head of an ONNX file. Must not know: folders,
configurations, ONNX Runtime.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.contracts import graph_io
from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import CacheLayout
from engine.layouts.onnx_file import OnnxFile, Tensor, read_onnx_file

_PAST = re.compile(r"past_key_values\.(\d+)\.(key|value)")
_TAKEN = {
    graph_io.INPUT_IDS: "int64",
    graph_io.ATTENTION_MASK: "int64",
    graph_io.POSITION_IDS: "int64",
    graph_io.LOGITS_TO_KEEP: "int64",
    graph_io.USE_CACHE_BRANCH: "bool",
}
_NEEDED = (graph_io.INPUT_IDS, graph_io.ATTENTION_MASK)
_CACHES = ("float32", "float16")
_SHARING = "GroupQueryAttention"  # the operator that can write behind the past in the buffer that it is given
_DYNAMIC = ("DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul", "DynamicQuantizeMatMul")


@dataclass(frozen=True)
class GraphFacts:
    """What the engine must know of a graph before it loads it."""

    cache: CacheLayout
    vocabulary_size: int
    uses_position_ids: bool
    precision: str
    external_files: tuple[str, ...]  # relative to the graph's own folder


def graph_facts(path: Path, sizes: Mapping[str, int]) -> GraphFacts:
    """Read the graph. Raises `ModelFolderError`.

    `sizes` ("kv_heads", "head_size", "vocabulary_size") are the configuration's words for what the graph leaves open.
    """
    found = read_onnx_file(path)
    pasts = {name: tensor for name, tensor in found.inputs.items() if _PAST.fullmatch(name)}
    _check_inputs(path, found, pasts)
    return GraphFacts(
        cache=_cache(path, found, pasts, sizes),
        vocabulary_size=_vocabulary_size(path, found, sizes),
        uses_position_ids=graph_io.POSITION_IDS in found.inputs,
        precision=_precision(found),
        external_files=tuple(sorted(found.external_files)),
    )


def _check_inputs(path: Path, found: OnnxFile, pasts: Mapping[str, Tensor]) -> None:
    unknown = next((name for name in found.inputs if name not in _TAKEN and name not in pasts), None)
    if unknown is not None:
        raise ModelFolderError(
            f"{path} asks for the input {unknown!r:.80}, which this program does not know, so it cannot run it; "
            "take a model that continues text from text alone"
        )
    if not pasts:
        raise ModelFolderError(
            f"{path} has no cache (no input past_key_values.0.key), so every token would run the whole text; "
            "export the model again for text generation with past"
        )
    missing = next((name for name in _NEEDED if name not in found.inputs), None)
    if missing is not None:
        raise ModelFolderError(f"{path} has no input {missing}, so this program cannot run it; export the model again")
    for name, tensor in found.inputs.items():
        wanted = _TAKEN.get(name, tensor.dtype)
        if tensor.dtype != wanted:
            raise ModelFolderError(
                f"{path} wants {name} as {tensor.dtype or 'another type'} instead of {wanted}, so this program cannot "
                "run it; export the model for the processor"
            )
    tokens = found.inputs[graph_io.INPUT_IDS].shape
    if len(tokens) != 2 or isinstance(tokens[1], int):
        raise ModelFolderError(
            f"{path} takes a fixed number of tokens, so this program cannot run it; "
            "export the model with a free sequence length"
        )


def _cache(path: Path, found: OnnxFile, pasts: Mapping[str, Tensor], sizes: Mapping[str, int]) -> CacheLayout:
    layers = len(pasts) // 2
    inputs = {name(layer) for layer in range(layers) for name in (graph_io.past_key, graph_io.past_value)}
    outputs = {name(layer) for layer in range(layers) for name in (graph_io.present_key, graph_io.present_value)}
    kinds = {(tensor.dtype, len(tensor.shape), *tensor.shape[1:2], *tensor.shape[3:]) for tensor in pasts.values()}
    has_all = inputs == set(pasts) and outputs <= set(found.outputs)
    if not has_all or len(kinds) != 1 or len(next(iter(kinds))) != 4 or found.slides:
        raise ModelFolderError(
            f"{path} keeps keys and values in a form that this program does not know (layers of different sizes, "
            "missing outputs or a sliding window); take another export of the model"
        )
    dtype, _, heads, size = next(iter(kinds))
    if dtype not in _CACHES:
        raise ModelFolderError(
            f"{path} keeps keys and values as {dtype or 'another type'}, which this program does not know; "
            "export the model as fp32, fp16 or int4"
        )
    kv_heads = heads if isinstance(heads, int) else sizes.get("kv_heads", 0)
    head_size = size if isinstance(size, int) else sizes.get("head_size", 0)
    is_shared = all(found.readers.get(name) == {_SHARING} for name in pasts)
    return CacheLayout(layers, kv_heads, head_size, str(dtype), joined=not is_shared)


def _vocabulary_size(path: Path, found: OnnxFile, sizes: Mapping[str, int]) -> int:
    logits = found.outputs.get(graph_io.LOGITS)
    if logits is None or logits.dtype not in ("float32", "float16") or len(logits.shape) != 3:
        raise ModelFolderError(
            f"{path} gives no logits as floats, so this program cannot run it; export the model for text generation"
        )
    last = logits.shape[2]
    return last if isinstance(last, int) else sizes.get("vocabulary_size", 0)


def _precision(found: OnnxFile) -> str:
    """How most weights are kept: what the operators for packed weights tell, else the floats."""
    if found.bits:
        return f"int{min(found.bits)}"
    if found.operators & set(_DYNAMIC) or found.weight_types & {"int8", "uint8"}:
        return "int8"
    return "fp16" if "float16" in found.weight_types else "fp32"
