"""Checkpoints of random weights that every program reads: Hugging Face's layout, and ours where we have no importer.

    FOLDER/huggingface/   config.json  model.safetensors  tokenizer.json  tokenizer_config.json
    FOLDER/own/           checkpoint.json  model.safetensors  tokenizer.json    (the Llama shapes: the same numbers)

For: the benchmark. Knows both families' tensor names and NumPy; must not know any program that runs a model.
Weights are normal with deviation 0.02, as GPT-2's are before training; norms are ones, biases zeros. Of the Llama
shape, matrices that write into the residual stream are divided by sqrt(2 layers), as GPT-2's paper does: without that,
thirty layers magnify what rounding to int4 changes beyond what our exporter lets through (5.5 % perplexity, not 4 %).
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.bench.peers.shapes import GPT2, Shape

DEVIATION = 0.02
EPSILON = 1e-5
ROTARY_BASE = 10000.0
END = "<|endoftext|>"

Tensors = dict[str, NDArray[np.float32]]


def write_checkpoint(shape: Shape, folder: Path, seed: int = 1) -> Path:
    """Write it where it is not there yet; answers the checkpoint folder that `nextstroke export` reads."""
    theirs, ours = folder / "huggingface", folder / "own"
    is_gpt2 = shape.family == GPT2
    if not (theirs / "tokenizer.json").is_file():
        tensors = gpt2_tensors(shape, seed) if is_gpt2 else llama_tensors(shape, seed)
        config = gpt2_config(shape) if is_gpt2 else llama_config(shape)
        _write(theirs, "config.json", config, tensors, shape.vocabulary)
        special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), END)
        _write_json(theirs / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **special})
        if not is_gpt2:
            _write(ours, "checkpoint.json", own_config(shape), own_names(tensors), shape.vocabulary)
    return theirs if is_gpt2 else ours


def gpt2_tensors(shape: Shape, seed: int) -> Tensors:
    """GPT-2's names; its matrices are stored (in, out)."""
    draw, width = _Draw(seed), shape.width
    tensors = {
        "transformer.wte.weight": draw.matrix(shape.vocabulary, width),
        "transformer.wpe.weight": draw.matrix(shape.context, width),
    }
    for layer in range(shape.layers):
        name = f"transformer.h.{layer}"
        for part, inner, out in (
            ("attn.c_attn", width, 3 * width),
            ("attn.c_proj", width, width),
            ("mlp.c_fc", width, shape.mlp_width),
            ("mlp.c_proj", shape.mlp_width, width),
        ):
            tensors[f"{name}.{part}.weight"] = draw.matrix(inner, out)
            tensors[f"{name}.{part}.bias"] = np.zeros(out, np.float32)
    norms = [f"transformer.h.{layer}.{part}" for layer in range(shape.layers) for part in ("ln_1", "ln_2")]
    for norm in (*norms, "transformer.ln_f"):
        tensors |= {f"{norm}.weight": np.ones(width, np.float32), f"{norm}.bias": np.zeros(width, np.float32)}
    return tensors


def llama_tensors(shape: Shape, seed: int) -> Tensors:
    """Llama's names; its matrices are stored (out, in)."""
    draw, width, kv = _Draw(seed), shape.width, shape.kv_heads * shape.head_size
    tensors = {"model.embed_tokens.weight": draw.matrix(shape.vocabulary, width)}
    residual = (2 * shape.layers) ** -0.5
    for layer in range(shape.layers):
        name = f"model.layers.{layer}"
        for part, out, inner in (
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", kv, width),
            ("self_attn.v_proj", kv, width),
            ("self_attn.o_proj", width, width),
            ("mlp.gate_proj", shape.mlp_width, width),
            ("mlp.up_proj", shape.mlp_width, width),
            ("mlp.down_proj", width, shape.mlp_width),
        ):
            tensors[f"{name}.{part}.weight"] = draw.matrix(out, inner) * np.float32(
                residual if part in _RESIDUAL else 1
            )
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{name}.{norm}.weight"] = np.ones(width, np.float32)
    return tensors | {"model.norm.weight": np.ones(width, np.float32)}


_RESIDUAL = ("self_attn.o_proj", "mlp.down_proj")

# Llama's names -> the canonical ones, in this order.
_OWN = (
    ("model.embed_tokens", "token_embedding"),
    ("model.layers", "layers"),
    ("model.norm", "final_norm"),
    ("post_attention_layernorm", "mlp_norm"),
    ("input_layernorm", "attention_norm"),
    ("self_attn.q_proj", "attention.query"),
    ("self_attn.k_proj", "attention.key"),
    ("self_attn.v_proj", "attention.value"),
    ("self_attn.o_proj", "attention.output"),
    ("_proj", ""),
)


def own_names(tensors: Tensors) -> Tensors:
    """The same Llama tensors under the project's canonical names."""
    renamed: Tensors = {}
    for theirs, tensor in tensors.items():
        name = theirs
        for old, new in _OWN:
            name = name.replace(old, new)
        renamed[name] = tensor
    return renamed


def gpt2_config(shape: Shape) -> dict[str, Any]:
    """Hugging Face's config.json."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": shape.vocabulary,
        "n_positions": shape.context,
        "n_ctx": shape.context,
        "n_embd": shape.width,
        "n_layer": shape.layers,
        "n_head": shape.heads,
        "n_inner": shape.mlp_width,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": EPSILON,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }


def llama_config(shape: Shape) -> dict[str, Any]:
    """Hugging Face's config.json."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "max_position_embeddings": shape.context,
        "hidden_size": shape.width,
        "intermediate_size": shape.mlp_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_size,
        "hidden_act": "silu",
        "rms_norm_eps": EPSILON,
        "rope_theta": ROTARY_BASE,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
    }


def own_config(shape: Shape) -> dict[str, Any]:
    """checkpoint.json of the project's own layout, which is what `export/importers/own.py` reads."""
    config = {
        "vocabulary_size": shape.vocabulary,
        "context_length": shape.context,
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "kv_heads": shape.kv_heads,
        "head_size": shape.head_size,
        "mlp_width": shape.mlp_width,
        "norm": "rms",
        "norm_epsilon": EPSILON,
        "positions": "rotary",
        "mlp": "swiglu",
        "qkv_bias": False,
        "projection_bias": False,
        "norm_bias": False,
        "tied_head": True,
        "rotary_base": ROTARY_BASE,
    }
    return {"format": "nextstroke-checkpoint", "version": 1, "config": config, "recipe": {}, "progress": {}}


def made_up_tokenizer(vocabulary: int) -> Tokenizer:
    """A byte-level BPE of exactly so many tokens: the end of text, all bytes, letters in twos, threes and fours."""
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = list(islice(_merges(), max(vocabulary - len(bytes_) - 1, 0)))
    names = [END, *bytes_, *("".join(pair) for pair in merges)]
    tokenizer = Tokenizer(models.BPE({name: token for token, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(END, special=True)])
    return tokenizer


def _merges() -> Iterator[tuple[str, str]]:
    small, seen = string.ascii_lowercase, string.ascii_letters + string.digits
    pairs = ["".join(pair) for pair in product(small, repeat=2)]
    yield from product(seen, repeat=2)
    yield from product(pairs, small)
    yield from product(pairs, pairs)


class _Draw:
    """Normal numbers from one seed."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def matrix(self, rows: int, columns: int) -> NDArray[np.float32]:
        return self._dice.standard_normal((rows, columns), np.float32) * np.float32(DEVIATION)


def _write(folder: Path, name: str, config: dict[str, Any], tensors: Tensors, vocabulary: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    _write_json(folder / name, config)
    made_up_tokenizer(vocabulary).save(str(folder / "tokenizer.json"))


def _write_json(path: Path, plain: dict[str, Any]) -> None:
    path.write_text(json.dumps(plain, indent=2), encoding="utf-8")
