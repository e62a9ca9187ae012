"""Tiny checkpoints of every family, written to disk the way their makers write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from export.model.architectures import build
from export.model.config import ModelConfig
from export.model.recurrent_config import AnyConfig, RecurrentConfig
from export.training.tokenizer import TokenizerSettings, train_tokenizer

VOCABULARY = 300
END = "<|endoftext|>"
GROUPS = [
    {"name": "stories", "weight": 3, "language": "en", "licence": "CC0", "description": "simple stories"},
    {"name": "小说", "weight": 1, "language": "zh", "licence": "public domain", "description": "novels"},
]
TEXT = ["once upon a time there was a small house by the sea", "从前有一个人 住在海边 hello world " * 3]


def byte_level_tokenizer() -> Tokenizer:
    """A GPT-2-like tokenizer of fewer than VOCABULARY tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    tokenizer.add_special_tokens([END])
    return tokenizer


def huggingface_model(**changes: Any) -> Any:
    """A tiny GPT-2 of transformers with random weights; `changes` go into its configuration."""
    from transformers import GPT2Config, GPT2LMHeadModel

    sizes = {"vocab_size": VOCABULARY, "n_positions": 128, "n_embd": 48, "n_layer": 2, "n_head": 3}
    torch.manual_seed(3)
    model = GPT2LMHeadModel(GPT2Config(**(sizes | {"bos_token_id": None, "eos_token_id": None} | changes)))
    generator = torch.Generator().manual_seed(4)
    for name, parameter in model.named_parameters():
        spread = 0.1 if name.endswith("bias") else 0.05
        parameter.data += torch.randn(parameter.shape, generator=generator) * spread  # biases and gains matter too
    return model.eval()


def save_huggingface(folder: Path, model: Any, **options: Any) -> Path:
    """What save_pretrained writes, with a tokenizer.json."""
    model.save_pretrained(folder, **options)
    byte_level_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def nanogpt_checkpoint(
    file: Path, bias: bool = False, change: Callable[[dict[str, Any]], None] = lambda checkpoint: None
) -> Path:
    """A ckpt.pt as nanoGPT's train.py saves it, after torch.compile; `change` may spoil it."""
    sizes = {"n_layer": 2, "n_head": 3, "n_embd": 48, "block_size": 128, "vocab_size": VOCABULARY}
    generator = torch.Generator().manual_seed(8)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.05

    width = sizes["n_embd"]
    embedding = random(VOCABULARY, width)
    state = {"transformer.wte.weight": embedding, "transformer.wpe.weight": random(128, width)}
    shapes = {"attn.c_attn": (3 * width, width), "attn.c_proj": (width, width)}
    shapes |= {"mlp.c_fc": (4 * width, width), "mlp.c_proj": (width, 4 * width)}
    for layer in range(2):
        for name, shape in shapes.items():
            state[f"transformer.h.{layer}.{name}.weight"] = random(*shape)
            if bias:
                state[f"transformer.h.{layer}.{name}.bias"] = random(shape[0])
        for name in ("ln_1", "ln_2"):
            state[f"transformer.h.{layer}.{name}.weight"] = 1 + random(width)
            if bias:
                state[f"transformer.h.{layer}.{name}.bias"] = random(width)
        state[f"transformer.h.{layer}.attn.bias"] = torch.ones(1, 1, 128, 128).tril()
    state["transformer.ln_f.weight"] = 1 + random(width)
    if bias:
        state["transformer.ln_f.bias"] = random(width)
    state["lm_head.weight"] = embedding
    checkpoint: dict[str, Any] = {
        "model": {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.95)}]},
        "model_args": {**sizes, "bias": bias, "dropout": 0.0},
        "iter_num": 10,
        "best_val_loss": torch.tensor(4.2),
        "config": {"dataset": "shakespeare"},
    }
    change(checkpoint)
    torch.save(checkpoint, file)
    return file


def own_config(tokenizer_size: int) -> ModelConfig:
    """Rotary, grouped-query, SwiGLU, RMSNorm: the shape of the bundled model."""
    return ModelConfig(
        vocabulary_size=tokenizer_size,
        context_length=128,
        layers=2,
        width=64,
        heads=4,
        kv_heads=2,
        head_size=16,
        mlp_width=96,
        norm="rms",
        norm_epsilon=1e-5,
        positions="rotary",
        mlp="swiglu",
        qkv_bias=False,
        projection_bias=False,
        norm_bias=False,
        tied_head=True,
    )


def recurrent_config(tokenizer_size: int) -> RecurrentConfig:
    """The article's network, small."""
    return RecurrentConfig(vocabulary_size=tokenizer_size, context_length=128, width=24, units=32)


def recurrent_checkpoint(folder: Path) -> Path:
    """`own_checkpoint` with the article's recurrent network."""
    return own_checkpoint(folder, recurrent_config)


def own_checkpoint(folder: Path, make_config: Callable[[int], AnyConfig] = own_config) -> Path:
    """A checkpoint folder in the trainer's layout, with a tokenizer trained on a few lines."""
    tokenizer = train_tokenizer(TEXT * 20, TokenizerSettings(vocabulary=340))
    config = make_config(tokenizer.vocabulary)
    model = build(config)
    model.initialize(seed=6)
    folder.mkdir()
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "tokenizer.model").write_bytes(tokenizer.model)
    meta = {
        "format": "nextstroke-checkpoint",
        "version": 1,
        "config": config.to_dict(),
        "progress": {"step": 3, "tokens": 1200},
        "recipe": {
            "licence": "Apache-2.0",
            "title": "Tiny, 中文",
            "training": {"tokens": 1000},
            "corpus": {"group": GROUPS},
        },
        "random_states": {},
    }
    (folder / "checkpoint.json").write_text(json.dumps(meta), encoding="utf-8")
    part = {"bits_per_byte": 1.25, "nats_per_token": 2.5, "tokens": 4000, "bytes": 12345}
    report = {"groups": {"stories": part}, "languages": {"en": part}, "all": part}
    (folder / "evaluation.json").write_text(json.dumps(report), encoding="utf-8")
    return folder
