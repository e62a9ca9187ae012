"""Every family: what arrives in canonical form is the model that was saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from export.importers.load import Imported, import_checkpoint
from export.reference import Reference
from tests.export.checkpoints import (
    byte_level_tokenizer,
    huggingface_model,
    nanogpt_checkpoint,
    own_checkpoint,
    save_huggingface,
)

TOKENS = np.random.default_rng(2).integers(0, 291, 50).tolist()


def imported_logits(imported: Imported) -> np.ndarray:
    return np.concatenate(list(Reference(imported.config, imported.tensors()).logits(TOKENS)))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation_function": "gelu"},
        {"n_inner": 100},
        {"scale_attn_weights": False},
        {"tie_word_embeddings": False},
    ],
    ids=str,
)
def test_huggingface_gpt2_keeps_its_logits(tmp_path: Path, changes: dict[str, object]) -> None:
    model = huggingface_model(**changes)
    source = save_huggingface(tmp_path / "模型 folder", model)
    imported = import_checkpoint(source, _workspace(tmp_path))
    assert imported.config.tied_head == ("tie_word_embeddings" not in changes)
    with torch.inference_mode():
        wanted = model(torch.tensor([TOKENS])).logits[0].numpy()
    np.testing.assert_allclose(imported_logits(imported), wanted, atol=2e-5)
    assert imported.special_tokens == {"end_of_text": 290}


def test_sharded_and_pickled_huggingface_folders_hold_the_same_model(tmp_path: Path) -> None:
    model = huggingface_model()
    plain = import_checkpoint(save_huggingface(tmp_path / "plain", model), _workspace(tmp_path, "a"))
    sharded = save_huggingface(tmp_path / "sharded", model, max_shard_size="60KB")
    assert len(list(sharded.glob("*.safetensors"))) > 1
    pickled = save_huggingface(tmp_path / "pickled", model)
    (pickled / "model.safetensors").unlink()
    torch.save(model.state_dict(), pickled / "pytorch_model.bin")
    wanted = imported_logits(plain)
    for index, source in enumerate((sharded, pickled)):
        found = imported_logits(import_checkpoint(source, _workspace(tmp_path, f"b{index}")))
        np.testing.assert_array_equal(found, wanted)


def test_vocab_and_merges_become_the_same_tokenizer(tmp_path: Path) -> None:
    from engine.tokenizer import read_tokenizer

    source = save_huggingface(tmp_path / "model", huggingface_model())
    tokenizer = byte_level_tokenizer()
    tokenizer.model.save(str(source))
    vocabulary = (source / "vocab.json").read_text(encoding="utf-8")
    (source / "vocab.json").write_text(vocabulary.rstrip("}") + ',"<|endoftext|>":290}', encoding="utf-8")
    (source / "tokenizer.json").unlink()
    imported = import_checkpoint(source, _workspace(tmp_path))
    ours = read_tokenizer(imported.tokenizer_file, imported.tokenizer_kind, imported.special_tokens)
    text = "Once upon a time 从前 \n\n🙂"
    assert ours.encode(text) == tokenizer.encode(text).ids
    assert ours.decode(ours.encode(text)) == text
    assert imported.special_tokens == {"end_of_text": 290}


@pytest.mark.parametrize("bias", [False, True])
def test_nanogpt_checkpoint_keeps_its_logits(tmp_path: Path, bias: bool) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt", bias)
    tokenizer = tmp_path / "tokenizer.json"
    byte_level_tokenizer().save(str(tokenizer))
    imported = import_checkpoint(file, _workspace(tmp_path), tokenizer)
    state = torch.load(file, weights_only=True)["model"]
    wanted = nanogpt_forward({name.removeprefix("_orig_mod."): tensor for name, tensor in state.items()}, TOKENS)
    np.testing.assert_allclose(imported_logits(imported), wanted.numpy(), atol=2e-5)
    assert imported.config.qkv_bias is bias
    assert imported.config.tied_head


def test_own_checkpoint_keeps_every_bit(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    source = own_checkpoint(tmp_path / "checkpoint")
    imported = import_checkpoint(source, _workspace(tmp_path))
    for name, tensor in load_file(source / "model.safetensors").items():
        np.testing.assert_array_equal(imported.tensors()(name), tensor)
    assert imported.special_tokens == {"end_of_text": 0, "begin_of_text": 0}
    assert imported.licence == "Apache-2.0"
    assert set(imported.languages) == {"en", "zh"}


def nanogpt_forward(state: dict[str, torch.Tensor], tokens: list[int]) -> torch.Tensor:
    """nanoGPT's forward pass written out from its description, on its own names: the judge of the table of names."""

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, (48,), state[f"{name}.weight"], state.get(f"{name}.bias"), 1e-5)

    count = len(tokens)
    x = state["transformer.wte.weight"][tokens] + state["transformer.wpe.weight"][:count]
    for layer in range(2):
        name = f"transformer.h.{layer}"
        q, k, v = linear(norm(x, f"{name}.ln_1"), f"{name}.attn.c_attn").split(48, dim=-1)
        q, k, v = (part.view(count, 3, 16).transpose(0, 1) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(count, 48)
        x = x + linear(mixed, f"{name}.attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, f"{name}.ln_2"), f"{name}.mlp.c_fc")), f"{name}.mlp.c_proj")
    return norm(x, "transformer.ln_f") @ state["lm_head.weight"].T


def _workspace(tmp_path: Path, name: str = "workspace") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    return folder
