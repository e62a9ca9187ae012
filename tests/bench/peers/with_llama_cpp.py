"""llama.cpp through llama-cpp-python as a program under test: Q4_0 as its own quantizer writes it.

The loop calls the library's C functions directly; the package's own Python class is slower.

    checkpoint ── gguf ──> model-f16.gguf ── llama_model_quantize ──> model.gguf
"""

from __future__ import annotations

import ctypes
import json
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from tests.bench.peers.protocol import Settings, Written, run, shared_prefix

ROWS = 4  # the most at once


class LlamaCpp:
    """A loaded model, a context for several rows, and the text that the first of them holds."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        llama_cpp.llama_backend_init()
        path = folder / "model.gguf"
        self._bytes = path.stat().st_size
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        if not self._model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        self._vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model))
        self._context = llama_cpp.llama_init_from_model(self._model, _parameters(settings))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._batch = llama_cpp.llama_batch_init(settings.context, 0, ROWS)
        self._read: list[int] = []

    def facts(self) -> dict[str, Any]:
        words = f"llama-cpp-python {version('llama-cpp-python')}"
        program = {"program": "llama.cpp", "version": words, "weights": "Q4_0", "cache": "float16"}
        return program | {"weight_bytes": self._bytes, "built_for": llama_cpp.llama_print_system_info().decode()}

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        began = time.perf_counter()
        kept = 0 if fresh else shared_prefix(self._read, ids)
        llama_cpp.llama_memory_seq_rm(self._memory, -1, kept, -1)
        self._decode([(token, kept + index, 0) for index, token in enumerate(ids[kept:])], [len(ids) - kept - 1])
        tokens = [self._most_probable(len(ids) - kept - 1)]
        for row in range(1, rows):  # the rows share the cells of the prompt
            llama_cpp.llama_memory_seq_cp(self._memory, 0, row, -1, -1)
        arrivals = [time.perf_counter() - began]
        following = tokens * rows
        while len(tokens) < count:
            position = len(ids) + len(tokens) - 1
            self._decode([(token, position, row) for row, token in enumerate(following)], range(rows))
            following = [self._most_probable(row) for row in range(rows)]
            tokens.append(following[0])
            arrivals.append(time.perf_counter() - began)
        for row in range(1, rows):
            llama_cpp.llama_memory_seq_rm(self._memory, row, -1, -1)
        self._read = [*ids, *tokens[:-1]]
        return Written(arrivals, tokens)

    def _decode(self, tokens: Sequence[tuple[int, int, int]], wanted: Sequence[int]) -> None:
        """Run (token, position, row) triples; logits of the `wanted` ones only."""
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, (token, position, row) in enumerate(tokens):
            batch.token[index], batch.pos[index] = token, position
            batch.n_seq_id[index], batch.seq_id[index][0] = 1, row
            batch.logits[index] = 0
        for index in wanted:
            batch.logits[index] = 1
        if llama_cpp.llama_decode(self._context, batch):
            raise RuntimeError("llama.cpp could not run the batch")

    def _most_probable(self, index: int) -> int:
        logits = llama_cpp.llama_get_logits_ith(self._context, index)
        return int(np.ctypeslib.as_array(logits, (self._vocabulary,)).argmax())


def _parameters(settings: Settings) -> Any:
    parameters = llama_cpp.llama_context_default_params()
    parameters.n_ctx = settings.context  # of all rows together: they share the prompt's cells
    parameters.n_batch = settings.context
    parameters.n_seq_max = ROWS
    parameters.kv_unified = True
    parameters.n_threads = parameters.n_threads_batch = settings.threads
    return parameters


def prepare(checkpoint: Path, folder: Path) -> None:
    """A float16 file of the same weights, and Q4_0 of it."""
    folder.mkdir(parents=True)
    whole, small = folder / "model-f16.gguf", folder / "model.gguf"
    _write_gguf(checkpoint, whole)
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    failed = llama_cpp.llama_model_quantize(str(whole).encode(), str(small).encode(), ctypes.byref(parameters))
    if failed:
        raise RuntimeError(f"llama.cpp could not quantize {whole}")
    whole.unlink()


def _write_gguf(checkpoint: Path, path: Path) -> None:
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    is_gpt2 = config["model_type"] == "gpt2"
    writer = gguf.GGUFWriter(path, config["model_type"])
    for verb, value in (_gpt2_facts if is_gpt2 else _llama_facts)(config).items():
        getattr(writer, verb)(value)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("no_vocab")
    tensors = load_file(checkpoint / "model.safetensors")
    for name, tensor in (_gpt2_tensors if is_gpt2 else _llama_tensors)(tensors, config):
        # Vectors and positions stay in float32, as llama.cpp's own converter leaves them.
        is_matrix = tensor.ndim == 2 and not name.startswith("position_embd")
        writer.add_tensor(name, np.ascontiguousarray(tensor, np.float16 if is_matrix else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _gpt2_facts(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "add_block_count": config["n_layer"],
        "add_context_length": config["n_ctx"],
        "add_embedding_length": config["n_embd"],
        "add_feed_forward_length": config["n_inner"],
        "add_head_count": config["n_head"],
        "add_layer_norm_eps": config["layer_norm_epsilon"],
        "add_vocab_size": config["vocab_size"],
    }


def _llama_facts(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "add_block_count": config["num_hidden_layers"],
        "add_context_length": config["max_position_embeddings"],
        "add_embedding_length": config["hidden_size"],
        "add_feed_forward_length": config["intermediate_size"],
        "add_head_count": config["num_attention_heads"],
        "add_head_count_kv": config["num_key_value_heads"],
        "add_layer_norm_rms_eps": config["rms_norm_eps"],
        "add_rope_dimension_count": config["head_dim"],
        "add_rope_freq_base": config["rope_theta"],
        "add_vocab_size": config["vocab_size"],
    }


Named = Iterator[tuple[str, NDArray[np.float32]]]

_GPT2_PARTS = {
    "ln_1": "attn_norm",
    "attn.c_attn": "attn_qkv",
    "attn.c_proj": "attn_output",
    "ln_2": "ffn_norm",
    "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down",
}
_LLAMA_PARTS = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def _gpt2_tensors(tensors: dict[str, NDArray[np.float32]], config: dict[str, Any]) -> Named:
    yield "token_embd.weight", tensors["transformer.wte.weight"]
    yield "position_embd.weight", tensors["transformer.wpe.weight"]
    for layer in range(config["n_layer"]):
        for theirs, ours in _GPT2_PARTS.items():
            for kind in ("weight", "bias"):
                yield f"blk.{layer}.{ours}.{kind}", tensors[f"transformer.h.{layer}.{theirs}.{kind}"].T
    for kind in ("weight", "bias"):
        yield f"output_norm.{kind}", tensors[f"transformer.ln_f.{kind}"]


def _llama_tensors(tensors: dict[str, NDArray[np.float32]], config: dict[str, Any]) -> Named:
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    yield "token_embd.weight", tensors["model.embed_tokens.weight"]
    for layer in range(config["num_hidden_layers"]):
        for theirs, ours in _LLAMA_PARTS.items():
            tensor = tensors[f"model.layers.{layer}.{theirs}.weight"]
            yield f"blk.{layer}.{ours}.weight", _in_pairs(tensor, heads[ours]) if ours in heads else tensor
    yield "output_norm.weight", tensors["model.norm.weight"]


def _in_pairs(matrix: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of halves (element i turns with i + half) as llama.cpp's rotary positions want them: in neighbours."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


if __name__ == "__main__":
    run(prepare, LlamaCpp)
