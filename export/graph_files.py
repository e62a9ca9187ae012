"""The graph files of a model folder: the decoder, and beside it a graph for prompts over the same cache.

    decoder.onnx (+ .data)    runs everything
    prefill.onnx (+ .data)    runs prompts: another attention, and matrices that are quick for many rows; tensors that
                              are the decoder's own stay in the decoder's file

For: `convert.py`, which decides what is written and keeps only what its certificate allows. Knows the builders and
their files. Must not know checkpoints' formats, certificates or manifests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto

from engine.contracts import graph_io
from export.calibration import Calibration
from export.graph.blocks import ATTENTION, MLP, MLP_DOWN, TensorSource, fused_mix
from export.graph.builder import GraphBuilder, WeightSpool
from export.graph.decoder import write_decoder
from export.graph.lowering import INT8, Lowering, Plan
from export.graph.prompt_attention import WIDTH, PromptAttention
from export.graph.recurrent import write_recurrent
from export.model.recurrent_config import AnyConfig, RecurrentConfig

DECODER_FILE, PREFILL_FILE = "decoder.onnx", "prefill.onnx"
Kinds = Mapping[str, str]  # tensor group -> kind of matrix


@dataclass(frozen=True)
class Source:
    """What graphs are made from."""

    config: AnyConfig
    tensors: TensorSource
    calibration: Calibration | None
    float_type: type[np.generic]

    @property
    def takes_prompt_graph(self) -> bool:
        """Over an int8 cache alone; and its sums want whole widths of keys."""
        is_int8 = self.calibration is not None and not isinstance(self.config, RecurrentConfig)
        return is_int8 and self.config.context_length % WIDTH == 0


def write_decoder_file(
    source: Source, folder: Path, kinds: Kinds, report: Callable[[float], None]
) -> Mapping[str, TensorProto]:
    """Write the decoder in place of an earlier one; answers its stored tensors, which a prompt graph may share."""
    _remove(folder, DECODER_FILE)
    inline = 0 if source.takes_prompt_graph else graph_io.EXTERNAL_DATA_BYTES
    builder = GraphBuilder(WeightSpool(folder / f"{DECODER_FILE}.data", inline), source.float_type)
    calibration, config = source.calibration, source.config
    if isinstance(config, RecurrentConfig):
        write_recurrent(config, source.tensors, builder)
    else:
        write_decoder(config, source.tensors, builder, calibration.scales if calibration else None, fused_mix)
    nodes = Lowering(builder, Plan(kinds, calibration.second_moment) if calibration else Plan(kinds)).nodes(report)
    (folder / DECODER_FILE).write_bytes(builder.finish(nodes, "decoder").SerializeToString())
    return builder.initializers


def write_prompt_file(
    source: Source, folder: Path, kinds: Kinds, shared: Mapping[str, TensorProto], report: Callable[[float], None]
) -> None:
    """Write the graph for prompts in place of an earlier one; `source.takes_prompt_graph` must hold."""
    remove_prompt_file(folder)
    assert source.calibration is not None
    assert not isinstance(source.config, RecurrentConfig)
    builder = GraphBuilder(WeightSpool(folder / f"{PREFILL_FILE}.data", 0), source.float_type, shared=shared)
    write_decoder(source.config, source.tensors, builder, source.calibration.scales, PromptAttention())
    nodes = Lowering(builder, Plan(kinds, source.calibration.second_moment)).nodes(report)
    (folder / PREFILL_FILE).write_bytes(builder.finish(nodes, "prefill").SerializeToString())


def remove_prompt_file(folder: Path) -> None:
    """Leave no graph for prompts."""
    _remove(folder, PREFILL_FILE)


def prompt_kinds(kinds: Kinds) -> tuple[Kinds, ...]:
    """What a prompt graph tries, the fastest first: integers a column for many rows, then the decoder's own kinds."""
    columns = {**kinds, **{group: INT8 for group in (ATTENTION, MLP, MLP_DOWN) if group in kinds}}
    return (columns,) if columns == kinds else (columns, kinds)


def _remove(folder: Path, name: str) -> None:
    for old in (folder / name, folder / f"{name}.data"):
        old.unlink(missing_ok=True)
