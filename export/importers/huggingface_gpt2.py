"""Hugging Face GPT-2 folders: config.json, weights (safetensors or pytorch_model.bin, also in parts), tokenizer files.

Knows GPT-2's configuration keys, and which of its options change the maths in a way that the project's GPT lacks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.contracts.errors import CheckpointError
from export.importers.gpt2_names import gpt2_table
from export.importers.opened import Family, Opened
from export.importers.readers import SafetensorsReader, TorchReader, load_torch, read_json, torch_reader
from export.importers.rules import TensorReader
from export.model.config import ModelConfig

# Their word for the activation -> ours. gelu_fast and gelu_pytorch_tanh are the same function as gelu_new.
ACTIVATIONS = {
    "gelu_new": "gelu_tanh",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh",
    "gelu": "gelu",
    "gelu_python": "gelu",
}
# Option -> (the value that means "as GPT-2", why another one is refused)
_PLAIN = {
    "scale_attn_by_inverse_layer_idx": (False, "it divides the scores by the layer's number"),
    "reorder_and_upcast_attn": (False, "it changes the order of scaling and rounding"),
    "add_cross_attention": (False, "it looks at a second text"),
}
_DROPPED = (
    "h.{layer}.attn.bias",  # the causal mask, stored as if it were a weight
    "h.{layer}.attn.masked_bias",  # the number that masked scores get
)
_PREFIXES = ("_orig_mod.", "transformer.")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")


def _open(path: Path) -> Opened:
    folder = path if path.is_dir() else path.parent
    plain = read_json(folder / "config.json")
    if plain.get("model_type") != "gpt2":
        raise CheckpointError(
            f"{folder}/config.json describes a {plain.get('model_type')!r} model; of Hugging Face's folders "
            "only gpt2 can be converted"
        )
    for option, (wanted, reason) in _PLAIN.items():
        if plain.get(option, wanted) != wanted:
            raise CheckpointError(
                f"{folder}/config.json sets {option}, which this program's GPT does not have: {reason}"
            )
    reader, files = _weights(folder)
    # A head of its own is kept; a missing one is then missed by name.
    own_head = has_own_head(reader, _PREFIXES) or (
        not plain.get("tie_word_embeddings", True)
        and not any(name.endswith("lm_head.weight") for name in reader.shapes())
    )
    dropped = _DROPPED if own_head else (*_DROPPED, "lm_head.weight")
    return Opened(
        family="huggingface-gpt2",
        config=_config(plain, own_head, folder),
        table=gpt2_table(transposed=True, prefixes=_PREFIXES, dropped=dropped),
        reader=reader,
        files=(folder / "config.json", *files),
        tokenizer=folder,
        end_of_text=plain.get("eos_token_id") if isinstance(plain.get("eos_token_id"), int) else None,
    )


def _config(plain: dict[str, Any], own_head: bool, folder: Path) -> ModelConfig:
    activation = plain.get("activation_function", "gelu_new")
    if activation not in ACTIVATIONS:
        raise CheckpointError(
            f"{folder}/config.json asks for the activation {activation!r}; known are {', '.join(ACTIVATIONS)}"
        )
    width, heads = plain.get("n_embd", 768), plain.get("n_head", 12)
    if type(width) is not int or type(heads) is not int or heads < 1 or width % heads:
        raise CheckpointError(f"{folder}/config.json: {heads} heads do not divide the width {width}; fetch it again")
    return ModelConfig(
        vocabulary_size=plain.get("vocab_size", 50257),
        context_length=plain.get("n_positions", plain.get("n_ctx", 1024)),
        layers=plain.get("n_layer", 12),
        width=width,
        heads=heads,
        kv_heads=heads,
        head_size=width // heads,
        mlp_width=plain.get("n_inner") or 4 * width,
        norm="layer",
        norm_epsilon=float(plain.get("layer_norm_epsilon", 1e-5)),
        positions="learned",
        mlp=ACTIVATIONS[activation],
        qkv_bias=True,
        projection_bias=True,
        norm_bias=True,
        tied_head=not own_head,
        attention_scale=None if plain.get("scale_attn_weights", True) else 1.0,
    )


def has_own_head(reader: TensorReader, prefixes: tuple[str, ...]) -> bool:
    """Whether lm_head is there and differs from the token embedding."""
    found = {}
    for name in reader.shapes():
        short = name
        for prefix in prefixes:
            short = short.removeprefix(prefix)
        found[short] = name
    if "lm_head.weight" not in found or "wte.weight" not in found:
        return False
    return not np.array_equal(reader.read(found["lm_head.weight"]), reader.read(found["wte.weight"]))


def _weights(folder: Path) -> tuple[TensorReader, tuple[Path, ...]]:
    single, old = folder / "model.safetensors", folder / "pytorch_model.bin"
    if single.is_file():
        return SafetensorsReader([single]), (single,)
    for name in _INDEXES:
        if (folder / name).is_file():
            shards = _shards(folder, folder / name)
            return _sharded(shards), shards
    if old.is_file():
        return torch_reader(old, load_torch(old)), (old,)
    raise CheckpointError(f"{folder} has neither model.safetensors nor pytorch_model.bin; fetch the whole model folder")


def _shards(folder: Path, index: Path) -> tuple[Path, ...]:
    mapping = read_json(index).get("weight_map")
    names = sorted({str(name) for name in mapping.values()}) if isinstance(mapping, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise CheckpointError(f"{index} names no parts, or parts outside its folder; fetch the model again")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{folder} lacks {missing[0]}, which {index.name} names; fetch the whole model folder")
    return tuple(folder / name for name in names)


def _sharded(shards: tuple[Path, ...]) -> TensorReader:
    if shards[0].suffix == ".safetensors":
        return SafetensorsReader(shards)
    state: dict[str, Any] = {}
    for shard in shards:
        state |= load_torch(shard)
    reader: TorchReader = torch_reader(shards[0], state)
    return reader


def _recognises(path: Path) -> bool:
    folder = path if path.is_dir() else path.parent
    hugging_face_file = path.name in ("config.json", "model.safetensors", "pytorch_model.bin", *_INDEXES)
    return (path.is_dir() or hugging_face_file) and (folder / "config.json").is_file()


FAMILY = Family("huggingface-gpt2", "a Hugging Face GPT-2 folder (config.json and weights)", _recognises, _open)
