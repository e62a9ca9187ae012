"""The graph for prompts: the decoder's cache and nearly its logits, and the same bits for every chunking."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.calibration import calibrate
from export.graph.prompt_attention import WIDTH, PromptAttention
from tests.export.graph.test_decoder import PLANS, SHAPES
from tests.export.graph_runner import GraphRunner, random_model, tiny_config, write_graph

LONG = {"context_length": 256}
TOKENS = np.random.default_rng(8).integers(0, 97, 200).tolist()


def graphs(folder: Path, shape: dict[str, object], plan: str) -> tuple[Path, Path]:
    """The decoder and the prompt graph of one random model."""
    model = random_model(tiny_config(**(LONG | shape)))
    scales = calibrate(model, [TOKENS]).scales
    for name in ("decoder", "prompt"):
        (folder / name).mkdir()
    decoder = write_graph(folder / "decoder", model, PLANS[plan], scales)
    return decoder, write_graph(folder / "prompt", model, PLANS[plan], scales, PromptAttention())


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_it_computes_what_the_decoder_computes(tmp_path: Path, shape: dict[str, object]) -> None:
    decoder, prompt = (GraphRunner(path, buffer=256) for path in graphs(tmp_path, shape, "fp32"))
    wanted, found = decoder.step(TOKENS, keep=0), prompt.step(TOKENS, keep=0)
    # A number that lies between two steps of the cache may be rounded to either, at a few places.
    assert np.sqrt(((found - wanted) ** 2).mean()) < 0.005 * wanted.std()
    for name, buffer in decoder.caches.items():
        apart = np.abs(buffer.numpy().astype(int) - prompt.caches[name].numpy().astype(int))
        assert apart.max() <= 1
        assert apart.mean() < 0.01
        assert buffer.numpy()[:, :, : len(TOKENS)].any()


@pytest.mark.parametrize("plan", ["int8", "int4"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_row_has_the_same_bits_in_every_chunk(tmp_path: Path, shape: dict[str, object], plan: str) -> None:
    _, path = graphs(tmp_path, shape, plan)
    whole = GraphRunner(path, buffer=256).step(TOKENS, keep=0)
    for size in (1, 2, 7, 33, WIDTH, 100):
        runner = GraphRunner(path, buffer=256, threads=1 + size % 2)
        starts = range(0, len(TOKENS), size)
        chunked = np.concatenate([runner.step(TOKENS[start : start + size], keep=0) for start in starts])
        np.testing.assert_array_equal(chunked, whole)


@pytest.mark.parametrize("heads", [{"kv_heads": 1}, {"kv_heads": 4}, {"heads": 8, "kv_heads": 8}], ids=str)
def test_long_sums_are_cut_alike_for_few_rows(tmp_path: Path, heads: dict[str, object]) -> None:
    """Behind 512 keys a sum has several parts, and threads share few rows otherwise than many."""
    # In floats, since rounded matrices would hide a last bit.
    _, path = graphs(tmp_path, {"context_length": 704, "head_size": 64, "positions": "learned"} | heads, "fp32")
    tokens = np.random.default_rng(9).integers(0, 97, 700).tolist()
    wanted = GraphRunner(path, buffer=704, threads=1).step(tokens)
    for rows in (2, 20, 70):
        runner = GraphRunner(path, buffer=704, threads=2)
        runner.step(tokens[:-rows])
        np.testing.assert_array_equal(runner.step(tokens[-rows:]), wanted)


def test_the_decoder_goes_on_where_the_prompt_graph_ended(tmp_path: Path) -> None:
    decoder_path, prompt_path = graphs(tmp_path, {}, "int8")
    prompt, decoder = GraphRunner(prompt_path, buffer=256), GraphRunner(decoder_path, buffer=256)
    prompt.step(TOKENS[:-1])
    for name, buffer in prompt.caches.items():
        decoder.caches[name].update_inplace(buffer.numpy())
    decoder.past = prompt.past
    alone = GraphRunner(decoder_path, buffer=256)
    wanted = alone.step(TOKENS)
    assert np.abs(decoder.step(TOKENS[-1:]) - wanted).max() < 0.1 * wanted.std()


def test_a_buffer_that_is_no_multiple_of_the_width_is_used_to_its_end(tmp_path: Path) -> None:
    decoder, prompt = (GraphRunner(path, buffer=200) for path in graphs(tmp_path, {}, "fp32"))
    wanted = decoder.step(TOKENS)
    assert np.abs(prompt.step(TOKENS) - wanted).max() < 0.05 * wanted.std()
