"""Runs an exported graph with ONNX Runtime alone, without the engine: the smallest loop over the cache contract."""

from __future__ import annotations

import os
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
import torch

from engine.contracts import graph_io
from export.graph.blocks import CacheScales, Mix, fused_mix
from export.graph.builder import GraphBuilder, WeightSpool
from export.graph.decoder import write_decoder
from export.graph.lowering import Lowering, Plan
from export.model.config import ModelConfig
from export.model.gpt import GPT

NUMPY_TYPES = {"tensor(float)": np.float32, "tensor(int8)": np.int8, "tensor(float16)": np.float16}


def tiny_config(**changes: object) -> ModelConfig:
    """A small Llama-like shape; `changes` make it any other."""
    values: dict[str, object] = {
        "vocabulary_size": 97,
        "context_length": 64,
        "layers": 2,
        "width": 64,
        "heads": 4,
        "kv_heads": 2,
        "head_size": 16,
        "mlp_width": 96,
        "norm": "rms",
        "norm_epsilon": 1e-5,
        "positions": "rotary",
        "mlp": "swiglu",
        "qkv_bias": False,
        "projection_bias": False,
        "norm_bias": False,
        "tied_head": True,
    }
    return ModelConfig(**(values | changes))  # type: ignore[arg-type]


def random_model(config: ModelConfig, seed: int = 0) -> GPT:
    """Random weights in which every tensor matters: biases and gains too, logits spread over a few units."""
    generator = torch.Generator().manual_seed(seed)
    model = GPT(config).eval()
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 2:
            spread = 1.0 if "embedding" in name else parameter.shape[1] ** -0.5
            parameter.data = noise * spread
        else:
            parameter.data = noise * 0.1 + (1.0 if name.endswith("norm.weight") else 0.0)
    return model.requires_grad_(False)


def write_graph(folder: Path, model: GPT, plan: Plan, scales: CacheScales | None = None, mix: Mix = fused_mix) -> Path:
    """The decoder graph of `model` in `folder`."""
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    builder = GraphBuilder(WeightSpool(folder / "decoder.onnx.data"))
    write_decoder(model.config, state.__getitem__, builder, scales, mix)
    nodes = Lowering(builder, plan).nodes()
    path = folder / "decoder.onnx"
    path.write_bytes(builder.finish(nodes, "decoder").SerializeToString())
    return path


class GraphRunner:
    """A graph with its cache buffers bound as past and present."""

    def __init__(self, path: Path, buffer: int = 64, batch: int = 1, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.past, self.batch = 0, batch
        self.caches = {}
        self.inputs = {entry.name: entry for entry in self.session.get_inputs()}
        self.binding.bind_output(graph_io.LOGITS, "cpu")
        for name, entry in self.inputs.items():
            if name.startswith("past_key_values"):
                shape = (batch, entry.shape[1], buffer, entry.shape[3])
                value = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(shape, NUMPY_TYPES[entry.type]))
                self.caches[name] = value
                self.binding.bind_ortvalue_input(name, value)
                self.binding.bind_ortvalue_output(name.replace("past_key_values", "present"), value)

    def step(self, tokens: list[int] | np.ndarray, keep: int = 1) -> np.ndarray:
        """Logits (kept, V) of the first row (batch, kept, V when batch > 1)."""
        ids = np.broadcast_to(np.asarray(tokens, np.int64), (self.batch, np.shape(tokens)[-1])).copy()
        count = ids.shape[1]
        self.binding.bind_cpu_input(graph_io.INPUT_IDS, ids)
        self.binding.bind_cpu_input(graph_io.ATTENTION_MASK, np.ones((self.batch, self.past + count), np.int64))
        if graph_io.POSITION_IDS in self.inputs:
            positions = np.broadcast_to(np.arange(self.past, self.past + count, dtype=np.int64), ids.shape).copy()
            self.binding.bind_cpu_input(graph_io.POSITION_IDS, positions)
        self.binding.bind_cpu_input(graph_io.LOGITS_TO_KEEP, np.array(keep, np.int64))
        self.binding.bind_output(graph_io.LOGITS, "cpu")
        self.session.run_with_iobinding(self.binding)
        self.past += count
        logits = self._logits()
        return logits[0] if self.batch == 1 else logits

    def _logits(self) -> np.ndarray:
        outputs = [value for value in self.binding.get_outputs() if len(value.shape()) == 3]
        return outputs[0].numpy().copy()
