"""The rounding of weights: small errors, never worse than plain rounding, safe on every processor."""

from __future__ import annotations

import numpy as np
import pytest

from export.quantize import BLOCK, COLUMN_LIMIT, dequantize_blocks, quantize_blocks, quantize_columns


def some_weights(rows: int = 40, width: int = 96) -> np.ndarray:
    return (np.random.default_rng(3).standard_t(4, (rows, width)) * 0.02).astype(np.float32)


@pytest.mark.parametrize(("bits", "allowed"), [(4, 0.12), (8, 0.009)])
def test_blocks_come_back_nearly_equal(bits: int, allowed: float) -> None:
    weight = some_weights()
    back = dequantize_blocks(quantize_blocks(weight, bits), weight.shape[1])
    assert np.linalg.norm(back - weight) / np.linalg.norm(weight) < allowed


def test_the_scale_search_beats_plain_rounding() -> None:
    weight = some_weights()
    blocks = weight.reshape(len(weight), -1, BLOCK)
    scales = np.abs(blocks).max(-1, keepdims=True) / 7
    plain = (np.clip(np.rint(blocks / scales), -8, 7) * scales).reshape(weight.shape)
    searched = dequantize_blocks(quantize_blocks(weight, 4), weight.shape[1])
    assert np.square(searched - weight).sum() < 0.85 * np.square(plain - weight).sum()


def test_important_channels_are_rounded_better() -> None:
    weight = some_weights()
    importance = np.where(np.arange(weight.shape[1]) % BLOCK < 4, 100.0, 1.0).astype(np.float32)
    plain = dequantize_blocks(quantize_blocks(weight, 4), weight.shape[1])
    weighted = dequantize_blocks(quantize_blocks(weight, 4, importance), weight.shape[1])
    chosen = importance > 1
    assert np.square(weighted - weight)[:, chosen].sum() < np.square(plain - weight)[:, chosen].sum()


@pytest.mark.parametrize("bits", [4, 8])
def test_a_last_block_that_is_not_full_and_blocks_of_zeros(bits: int) -> None:
    weight = some_weights(width=50)
    weight[3] = 0
    back = dequantize_blocks(quantize_blocks(weight, bits), 50)
    assert back.shape == weight.shape
    assert np.abs(back[3]).max() == 0
    assert np.isfinite(back).all()


def test_large_tables_are_cut_into_parts_without_a_seam() -> None:
    weight = some_weights(rows=3000, width=128)
    whole, alone = quantize_blocks(weight, 4), quantize_blocks(weight[1500:1501], 4)
    np.testing.assert_array_equal(whole.packed[1500:1501], alone.packed)
    np.testing.assert_array_equal(whole.scales[1500:1501], alone.scales)


def test_columns_never_overflow_sixteen_bits() -> None:
    weight = some_weights()
    columns = quantize_columns(weight)
    assert np.abs(columns.integers.astype(int)).max() == COLUMN_LIMIT
    assert 2 * 255 * COLUMN_LIMIT < 2**15  # two products, as processors without VNNI add them
    back = columns.integers.T * columns.scales[:, None]
    assert np.linalg.norm(back - weight) / np.linalg.norm(weight) < 0.03
