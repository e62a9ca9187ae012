"""nanoGPT's ckpt.pt: {"model": state_dict, "model_args": {...}, "optimizer": ..., "config": ...} saved by torch.save.

Knows its dictionary and its model_args. It has no tokenizer file: --tokenizer names one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.contracts.errors import CheckpointError
from export.importers.gpt2_names import gpt2_table
from export.importers.huggingface_gpt2 import has_own_head
from export.importers.opened import Family, Opened
from export.importers.readers import load_torch, torch_reader
from export.importers.rules import TensorReader
from export.model.config import ModelConfig

_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin")
_PREFIXES = ("_orig_mod.", "module.", "transformer.")  # torch.compile and DistributedDataParallel leave theirs
_DROPPED = ("h.{layer}.attn.bias",)  # the causal mask of its slow attention path
GPT2_VOCABULARIES = (50257, 50304)  # GPT-2's own, and the same rounded up to a multiple of 64
GPT2_END_OF_TEXT = 50256


def _open(path: Path) -> Opened:
    file = path / "ckpt.pt" if path.is_dir() else path
    loaded = load_torch(file)
    arguments = loaded.get("model_args")
    if not isinstance(arguments, dict) or "model" not in loaded:
        raise CheckpointError(
            f"{file} is a PyTorch file but not nanoGPT's (no model and model_args in it), so its shape is unknown; "
            "convert a Hugging Face folder or a checkpoint of `nextstroke train`"
        )
    reader = torch_reader(file, loaded["model"])
    own_head = has_own_head(reader, _PREFIXES)
    dropped = _DROPPED if own_head else (*_DROPPED, "lm_head.weight")
    config = _config(file, arguments, reader, own_head)
    return Opened(
        family="nanogpt",
        config=config,
        table=gpt2_table(transposed=False, prefixes=_PREFIXES, dropped=dropped),
        reader=reader,
        files=(file,),
        tokenizer=None,
        end_of_text=GPT2_END_OF_TEXT if config.vocabulary_size in GPT2_VOCABULARIES else None,
    )


def _config(file: Path, arguments: dict[str, Any], reader: TensorReader, own_head: bool) -> ModelConfig:
    needed = ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")
    missing = [name for name in needed if type(arguments.get(name)) is not int]
    if missing:
        raise CheckpointError(f"{file}: model_args lacks {', '.join(missing)}; save the checkpoint again with nanoGPT")
    width, heads = arguments["n_embd"], arguments["n_head"]
    if heads < 1 or width % heads:
        raise CheckpointError(f"{file}: {heads} heads do not divide the width {width}; the file is damaged")
    bias = bool(arguments.get("bias", any(name.endswith("ln_f.bias") for name in reader.shapes())))
    return ModelConfig(
        vocabulary_size=arguments["vocab_size"],
        context_length=arguments["block_size"],
        layers=arguments["n_layer"],
        width=width,
        heads=heads,
        kv_heads=heads,
        head_size=width // heads,
        mlp_width=4 * width,
        norm="layer",
        norm_epsilon=1e-5,
        positions="learned",
        mlp="gelu",  # nn.GELU(), the exact one
        qkv_bias=bias,
        projection_bias=bias,
        norm_bias=bias,
        tied_head=not own_head,
    )


def _recognises(path: Path) -> bool:
    if path.is_dir():
        return (path / "ckpt.pt").is_file()
    return path.suffix in _SUFFIXES


FAMILY = Family("nanogpt", "nanoGPT's ckpt.pt", _recognises, _open)
