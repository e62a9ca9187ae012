"""A row's bits depend on its own inputs and the cache, never on company, threads, buffers or AVX-512."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from engine.contracts.graph_io import SHARED_POSITIONS
from engine.kernels.library import SWITCH
from tests.engine.kernels.own_models import (
    Heads,
    Model,
    add_product,
    attention_model,
    draw_weights,
    needs_kernels,
    own_session,
)
from tests.engine.kernels.test_own_operators import draw_attention, draw_rows

pytestmark = needs_kernels
Array = np.ndarray[Any, Any]


def has_avx512() -> bool:
    """Whether the processor has what the wider kernels want, as /proc says it; no such file, no comparison."""
    try:
        return "avx512_vnni" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return False


needs_avx512 = pytest.mark.skipif(not has_avx512(), reason="this processor has no AVX-512 with VNNI to compare with")


def gated(bits: int) -> onnx.ModelProto:
    """Products with bias, activation and factor, and a norm behind them."""
    model, random = Model(), np.random.default_rng(4)
    x = model.input("x", ("m", 96))
    gate, up = (add_product(model, x, draw_weights(50, 96, bits, seed), f"p{seed}") for seed in (1, 2))
    biased = model.node("Add", [gate, model.constant("bias", random.standard_normal(50).astype(np.float32))], "biased")
    model.node("Mul", [model.contrib("QuickGelu", [biased], "active", alpha=1.0), up], "mixed")
    back = add_product(model, x, draw_weights(96, 96, bits, 3), "back")
    gain, offset = (model.constant(name, random.standard_normal(96).astype(np.float32)) for name in ("gain", "offset"))
    model.contrib("SkipLayerNormalization", [x, back, gain, offset], "out", "", "", "residual", epsilon=1e-5)
    for name in ("mixed", "out", "residual"):
        model.output(name)
    return model.model()


@pytest.mark.parametrize("bits", [4, 8, 0])
def test_rows_in_any_company_and_on_any_threads(tmp_path: Path, bits: int) -> None:
    sessions = [own_session(gated(bits), tmp_path, threads) for threads in (1, 2)]
    x = draw_rows(257, 96)
    whole = sessions[0].run(None, {"x": x})
    assert len({output.tobytes() for output in whole}) == 3
    for session in sessions:
        for size in (1, 2, 3, 4, 5, 7, 8, 11, 12, 13, 24, 25, 48, 100, 257):
            for start in {0, 12, 257 - size} if size < 200 else {0}:
                found = session.run(None, {"x": x[start : start + size]})
                for part, output in zip(found, whole, strict=True):
                    assert part.tobytes() == output[start : start + size].tobytes(), (size, start)


@pytest.mark.parametrize("heads", [Heads(4, 2, 16, 16), Heads(9, 3, 80, 64), Heads(7, 1, 32), Heads(2, 2, 128, 128)])
def test_attention_in_any_chunks(tmp_path: Path, heads: Heads) -> None:
    """Chunk by chunk behind the same past, over buffers of any size, against all rows in one run."""
    model, past, rows = attention_model(heads), 13, 41
    sessions = [own_session(model, tmp_path, threads) for threads in (1, 2)]
    feeds = draw_attention(heads, [past], rows, past + rows)
    whole = sessions[0].run(None, feeds)
    assert all(a.tobytes() == b.tobytes() for a, b in zip(sessions[1].run(None, feeds), whole, strict=True))
    for session in sessions:
        for size, capacity in ((1, 54), (2, 55), (3, 64), (7, 100), (15, 54), (16, 700), (17, 55), (40, 57)):
            mixed, caches = in_chunks(session, feeds, past, size, capacity)
            assert mixed.tobytes() == whole[0].tobytes(), (size, capacity)
            assert all((a[:, :, : past + rows] == b).all() for a, b in zip(caches, whole[1:], strict=True))


def in_chunks(session: Any, feeds: dict[str, Array], past: int, size: int, capacity: int) -> tuple[Array, list[Array]]:
    """Rows `size` at a time over buffers of that capacity, filled with the largest integer beyond the past."""
    packed = feeds["packed"]
    shape = (*feeds["past_keys"].shape[:2], capacity, feeds["past_keys"].shape[3])
    caches = [np.full(shape, 127, np.int8) for _ in range(2)]
    for cache, name in zip(caches, ("past_keys", "past_values"), strict=True):
        cache[:, :, :past] = feeds[name][:, :, :past]
    parts = []
    for start in range(0, packed.shape[1], size):
        part = packed[:, start : start + size]
        end = past + start + part.shape[1]
        now = {"packed": part, "past_keys": caches[0], "past_values": caches[1]}
        now |= {"lengths": np.full(len(packed), end - 1, np.int32), "total": np.array(end, np.int32)}
        mixed, *caches = session.run(None, now)
        parts.append(mixed)
    return np.concatenate(parts, axis=1), caches


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("rows", [1, 5, 20])
def test_a_batch_against_each_alone(tmp_path: Path, threads: int, rows: int) -> None:
    heads, pasts = Heads(6, 2, 80, 32), [0, 1, 15, 16, 17, 300]
    session = own_session(attention_model(heads), tmp_path, threads)
    feeds = draw_attention(heads, pasts, rows, 340)
    together = session.run(None, feeds)
    for b, past in enumerate(pasts):
        alone = {name: array[b : b + 1] for name, array in feeds.items() if name != "total"}
        found = session.run(None, alone | {"total": np.array(past + rows, np.int32)})
        assert found[0].tobytes() == together[0][b : b + 1].tobytes()
        for cache, caches in zip(found[1:], together[1:], strict=True):
            assert (cache[0, :, : past + rows] == caches[b, :, : past + rows]).all()


@needs_avx512
@pytest.mark.parametrize("bits", [4, 8, 0])
def test_products_and_norms_are_the_same_without_avx512(
    tmp_path: Path, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = own_session(gated(bits), tmp_path, 2)
    monkeypatch.setenv(SWITCH, "avx2")
    narrow = own_session(gated(bits), tmp_path, 2)
    with np.errstate(over="ignore"):
        for m in (1, 2, 5, 12, 13, 100):
            for factor in (1, 1e-30, 1e-36, 3e-39, 1e30):
                feeds = {"x": draw_rows(m, 96) * np.float32(factor)}
                for a, b in zip(wide.run(None, feeds), narrow.run(None, feeds), strict=True):
                    assert a.tobytes() == b.tobytes(), (m, factor)


@needs_avx512
@pytest.mark.parametrize("size", [16, 32, 64, 80, 96, 128, 256])
@pytest.mark.parametrize("share", [1, 2, 5])
def test_attention_is_the_same_without_avx512(
    tmp_path: Path, size: int, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At scores of all sizes: with the largest, most weights of the softmax are smaller than a float can be."""
    heads = Heads(2 * share, 2, size, 16)
    wide = own_session(attention_model(heads), tmp_path, 2)
    monkeypatch.setenv(SWITCH, "avx2")
    narrow = own_session(attention_model(heads), tmp_path, 2)
    for past, rows in ((0, 1), (33, 1), (17, 21)):
        feeds = draw_attention(heads, [past], rows, 60)
        for factor in (1e-38, 1, 30, 1000):
            now = feeds | {"packed": feeds["packed"] * np.float32(factor)}
            now["packed"][..., -size:] = 0
            found, wanted = wide.run(None, now), narrow.run(None, now)
            assert found[0].tobytes() == wanted[0].tobytes(), (past, rows, factor)
            for a, b in zip(found[1:], wanted[1:], strict=True):
                assert (a[:, :, : past + rows] == b[:, :, : past + rows]).all()


@needs_avx512
@pytest.mark.parametrize("first_value", [0, 100])
def test_weights_next_to_nothing_are_the_same_without_avx512(
    tmp_path: Path, first_value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only positions that hardly weigh anything have values; what they leave must be the same nothing."""
    heads = Heads(1, 1)
    feeds = draw_attention(heads, [40], 1, 41)
    feeds["past_keys"][:, :, :16], feeds["past_keys"][:, :, 16:] = -127, 127
    feeds["past_values"][:, :, :16], feeds["past_values"][:, :, 16:] = first_value, 0
    feeds["packed"][..., :32], feeds["packed"][..., 32:] = 400, 0
    wide = own_session(attention_model(heads), tmp_path)
    monkeypatch.setenv(SWITCH, "avx2")
    narrow = own_session(attention_model(heads), tmp_path)
    found = wide.run(None, feeds)[0]
    assert found.tobytes() == narrow.run(None, feeds)[0].tobytes()
    assert (found == 0).all()


@pytest.mark.parametrize("heads", [Heads(4, 2, 16, 16), Heads(12, 12, 64), Heads(9, 3, 80, 64), Heads(8, 1, 128)])
@pytest.mark.parametrize("shared", [0, 1, 63, 64, 65, 100, 128])
def test_positions_in_common_are_read_once_to_the_same_bits(tmp_path: Path, heads: Heads, shared: int) -> None:
    """Sequences of different lengths that begin alike, told so and not."""
    pasts = [128, 140, 131, 150, 128]
    feeds = draw_attention(heads, pasts, 1, 160)
    for name in ("past_keys", "past_values"):
        feeds[name][1:, :, :shared] = feeds[name][0, :, :shared]
    for threads in (1, 2):
        session = own_session(attention_model(heads), tmp_path, threads)
        alone = session.run(None, feeds)
        together = session.run(None, feeds | {SHARED_POSITIONS: np.array(shared, np.int32)})
        for a, b in zip(alone[:1], together[:1], strict=True):
            assert a.tobytes() == b.tobytes()
        for row, past in enumerate(pasts):  # behind them lies what nobody wrote
            for a, b in zip(alone[1:], together[1:], strict=True):
                assert (a[row, :, : past + 1] == b[row, :, : past + 1]).all()


@pytest.mark.parametrize("shared", [-1, 31, 1000])
def test_more_positions_in_common_than_a_sequence_has_are_refused(tmp_path: Path, shared: int) -> None:
    session = own_session(attention_model(Heads()), tmp_path)
    feeds = draw_attention(Heads(), [40, 30], 1, 50)
    with pytest.raises(Exception, match="in common"):
        session.run(None, feeds | {SHARED_POSITIONS: np.array(shared, np.int32)})


def test_positions_in_common_are_those_of_the_first_sequence(tmp_path: Path) -> None:
    """That they are read once shows where what is said to be in common is not."""
    feeds = draw_attention(Heads(), [100, 100], 1, 110)
    session = own_session(attention_model(Heads()), tmp_path)
    alone, together = session.run(None, feeds), session.run(None, feeds | {SHARED_POSITIONS: np.array(96, np.int32)})
    assert alone[0][0].tobytes() == together[0][0].tobytes()
    assert not np.allclose(alone[0][1], together[0][1])
