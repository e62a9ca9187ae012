"""The GPT: three forwards that agree, attention's formula and its gradient, the chunked loss, GPT-2's maths."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from export.model import loss as loss_module
from export.model.architectures import generate_greedy
from export.model.config import ModelConfig, gpt2_config
from export.model.gpt import GPT, KVCache, naive_attention
from export.model.loss import IGNORED, chunked_cross_entropy, token_losses

MODERN = ModelConfig(
    vocabulary_size=61,
    context_length=24,
    layers=2,
    width=24,
    heads=4,
    kv_heads=2,
    head_size=8,
    mlp_width=40,
    norm="rms",
    norm_epsilon=1e-5,
    positions="rotary",
    mlp="swiglu",
    qkv_bias=False,
    projection_bias=False,
    norm_bias=False,
    tied_head=True,
)
CONFIGS = {
    "modern": MODERN,
    "value embeddings": dataclasses.replace(MODERN, layers=3, value_embedding_every=2),
    "gpt2": gpt2_config(vocabulary_size=61, context_length=24, layers=2, width=24, heads=3),
    "mixed": dataclasses.replace(
        MODERN, kv_heads=1, norm_bias=True, qkv_bias=True, tied_head=False, mlp="gelu", attention_scale=0.2
    ),
}


def made(config: ModelConfig, seed: int = 3) -> GPT:
    """A model whose every weight matters: norms and biases are random too."""
    model = GPT(config)
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model.eval()


def random_tokens(rows: int, length: int, seed: int = 5) -> Tensor:
    return torch.randint(0, 61, (rows, length), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS.keys())
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return request.param


def test_state_dict_has_exactly_the_canonical_names_and_shapes(config: ModelConfig) -> None:
    assert {name: tuple(tensor.shape) for name, tensor in GPT(config).state_dict().items()} == config.tensor_shapes()
    assert sum(parameter.numel() for parameter in GPT(config).parameters()) == config.parameters


def test_fast_forward_equals_the_naive_one(config: ModelConfig) -> None:
    model, tokens = made(config), random_tokens(3, 24)
    torch.testing.assert_close(model(tokens), model(tokens, naive=True), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cuts", [[24], [1] * 24, [7, 1, 10, 1, 5], [23, 1]], ids=str)
@pytest.mark.parametrize("naive", [False, True])
def test_cached_forward_equals_the_whole_one(config: ModelConfig, cuts: list[int], naive: bool) -> None:
    model, tokens = made(config), random_tokens(2, 24)
    cache = KVCache(config, batch=2)
    with torch.no_grad():
        parts = [model(part, cache, naive) for part in tokens.split(cuts, dim=1)]
        torch.testing.assert_close(torch.cat(parts, dim=1), model(tokens, naive=True), rtol=1e-4, atol=1e-4)
    assert cache.length == 24


def test_no_token_sees_a_later_one(config: ModelConfig) -> None:
    model, tokens = made(config), random_tokens(1, 24)
    changed = tokens.clone()
    changed[0, 12:] = (changed[0, 12:] + 1) % 61
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12:], after[:, 12:])


def test_attention_and_its_gradient_follow_the_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64, requires_grad=True) for _ in range(3))
    expected = torch.zeros_like(q)
    for b in range(2):
        for h in range(3):
            for t in range(5):
                scores = torch.stack([(q[b, h, t] * k[b, h, s]).sum() * 0.5 for s in range(t + 1)])
                weights = scores.exp() / scores.exp().sum()
                expected[b, h, t] = sum(weights[s] * v[b, h, s] for s in range(t + 1))
    torch.testing.assert_close(naive_attention(q, k, v, 0.5), expected)
    assert torch.autograd.gradcheck(lambda *inputs: naive_attention(*inputs, 0.5), (q, k, v))


def test_fast_and_naive_attention_have_the_same_gradients(config: ModelConfig) -> None:
    model, tokens = made(config), random_tokens(2, 16)
    gradients = []
    for naive in (False, True):
        model.zero_grad()
        model(tokens, naive=naive).square().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None])
    for fast, slow in zip(*gradients, strict=True):
        torch.testing.assert_close(fast, slow, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("chunk", [3, 1024])
def test_chunked_loss_equals_cross_entropy_in_value_and_gradient(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss_module, "CHUNK_TOKENS", chunk)
    generator = torch.Generator().manual_seed(2)
    hidden = torch.randn(2, 7, 5, generator=generator, requires_grad=True)
    weight = torch.randn(11, 5, generator=generator, requires_grad=True)
    targets = torch.randint(0, 11, (2, 7), generator=generator)
    targets[0, :3] = IGNORED
    plain = F.cross_entropy((hidden @ weight.T).flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum")
    expected = torch.autograd.grad(plain * 0.3, [hidden, weight])
    chunked = chunked_cross_entropy(hidden, weight, targets)
    found = torch.autograd.grad(chunked * 0.3, [hidden, weight])
    torch.testing.assert_close(chunked, plain)
    torch.testing.assert_close(found, expected)
    each = token_losses(hidden, weight, targets)
    torch.testing.assert_close(each.sum(), plain)
    assert each.shape == targets.shape
    assert not each[0, :3].any()


def test_gpt2_mathematics_equal_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    reference = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=97,
            n_positions=32,
            n_embd=24,
            n_layer=3,
            n_head=4,
            bos_token_id=0,
            eos_token_id=0,
            attn_implementation="eager",
        )
    ).eval()
    generator = torch.Generator().manual_seed(11)
    for parameter in reference.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    config = gpt2_config(vocabulary_size=97, context_length=32, layers=3, width=24, heads=4)
    model = GPT(config)
    model.load_state_dict(from_transformers(reference.state_dict(), config))
    tokens = torch.randint(0, 97, (2, 32), generator=generator)
    with torch.no_grad():
        expected = reference(tokens).logits
        for naive in (False, True):
            assert (model(tokens, naive=naive) - expected).abs().max() <= 1e-4 * max(1.0, float(expected.std()))


def from_transformers(tensors: dict[str, Tensor], config: ModelConfig) -> dict[str, Tensor]:
    """GPT-2's published layout, (in, out) with query, key and value side by side, in canonical names."""
    renamed = {"token_embedding.weight": tensors["transformer.wte.weight"]}
    renamed["position_embedding.weight"] = tensors["transformer.wpe.weight"]
    for end in ("weight", "bias"):
        renamed[f"final_norm.{end}"] = tensors[f"transformer.ln_f.{end}"]
        for layer in range(config.layers):
            old, new = f"transformer.h.{layer}", f"layers.{layer}"
            parts = tensors[f"{old}.attn.c_attn.{end}"].t().chunk(3, dim=0)
            for name, part in zip(("query", "key", "value"), parts, strict=True):
                renamed[f"{new}.attention.{name}.{end}"] = part
            renamed[f"{new}.attention.output.{end}"] = tensors[f"{old}.attn.c_proj.{end}"].t()
            renamed[f"{new}.mlp.up.{end}"] = tensors[f"{old}.mlp.c_fc.{end}"].t()
            renamed[f"{new}.mlp.down.{end}"] = tensors[f"{old}.mlp.c_proj.{end}"].t()
            renamed[f"{new}.attention_norm.{end}"] = tensors[f"{old}.ln_1.{end}"]
            renamed[f"{new}.mlp_norm.{end}"] = tensors[f"{old}.ln_2.{end}"]
    return renamed


def test_greedy_generation_equals_rereading_everything_at_every_token() -> None:
    model = made(MODERN)
    prompt, expected = [1, 2, 3], [1, 2, 3]
    with torch.no_grad():
        for _ in range(12):
            expected.append(int(model(torch.tensor([expected]), naive=True)[0, -1].argmax()))
    assert generate_greedy(model, prompt, 12) == expected[3:]
    made_tokens, stop = expected[3:], expected[-1]
    assert generate_greedy(model, prompt, 12, stop=stop) == made_tokens[: made_tokens.index(stop)]
    assert len(generate_greedy(model, prompt, 100)) == MODERN.context_length - len(prompt) + 1
