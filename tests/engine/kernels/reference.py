"""What own operators document, in NumPy: roundings as they say, everything else in 64-bit floats.

For: test_own_operators.py. Knows: formulas. Must not know: ONNX Runtime, the C sources' order of sums.
"""

from typing import Any

import numpy as np

from tests.engine.kernels.own_models import Heads, Weights, draw_scales

Array = np.ndarray[Any, Any]
_UNIT = 2.0**-24  # relative rounding error of a 32-bit float


def product(x: Array, weights: Weights) -> tuple[Array, Array]:
    """x (M, K) rounded to 8 bits a block of 32, times the weights; (M, N) and how far 32-bit sums may be from it."""
    m, width = x.shape
    blocks = x.reshape(m, width // 32, 32)
    most = np.abs(blocks).max(axis=2, initial=0, keepdims=True)
    inverse = np.where(most > 0, np.float32(127) / np.where(most > 0, most, np.float32(1)), np.float32(0))
    integers = np.rint(blocks * inverse).astype(np.int64)
    scales = (most / np.float32(127)).astype(np.float64)[..., 0]
    centred = weights.centred.reshape(len(weights.centred), -1, 32)
    dots = np.einsum("mbk,nbk->mnb", integers, centred, optimize=True)
    of_weights = weights.scales if weights.bits else np.repeat(weights.scales[:, None], width // 32, axis=1)
    terms = dots * of_weights.astype(np.float64)[None] * scales[:, None]
    # Each term and each addition is rounded once: (blocks + 2) half units of the last place of all terms' sizes.
    return terms.sum(axis=2), (width // 32 + 2) * _UNIT * np.abs(terms).sum(axis=2)


def tanh_gelu(x: Array) -> Array:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def quick_gelu(x: Array, alpha: float) -> Array:
    return x / (1 + np.exp(np.minimum(-alpha * x, 700)))


def attention(
    heads: Heads, packed: Array, keys: Array, values: Array, pasts: list[int], scale: float | None = None
) -> tuple[Array, Array, Array]:
    """Rows (B, S, …) behind `pasts` positions of the cache (B, kv_heads, capacity, size): mixed, keys, values.

    The queries are rounded to 16 bits each, the weights of the softmax to 16 bits each sixteen positions.
    """
    key_scales, value_scales, cosines, sines = draw_scales(heads)
    batch, rows, _ = packed.shape
    parts = packed.reshape(batch, rows, heads.heads + 2 * heads.kv_heads, heads.size)
    keys, values = keys.copy(), values.copy()
    mixed = np.zeros((batch, rows, heads.heads, heads.size))
    factor = np.float32(scale if scale is not None else 1 / np.sqrt(np.float32(heads.size)))
    for b, past in enumerate(pasts):
        for s in range(rows):
            position = past + s
            for kv in range(heads.kv_heads):
                key = _turned(parts[b, s, heads.heads + kv], position, cosines, sines)
                keys[b, kv, position] = _to_cache(key, key_scales[kv])
                values[b, kv, position] = _to_cache(parts[b, s, heads.heads + heads.kv_heads + kv], value_scales[kv])
            for head in range(heads.heads):
                kv = head // (heads.heads // heads.kv_heads)
                query = _turned(parts[b, s, head], position, cosines, sines) * factor * key_scales[kv]
                seen = slice(0, position + 1)
                mixed[b, s, head] = _attend(query, keys[b, kv, seen], values[b, kv, seen]) * value_scales[kv]
    return mixed.reshape(batch, rows, -1), keys, values


def _turned(x: Array, position: int, cosines: Array, sines: Array) -> Array:
    half = cosines.shape[1]
    if half == 0:
        return x
    cosine, sine = cosines[position], sines[position]
    a, b = x[:half], x[half : 2 * half]
    return np.concatenate([a * cosine - b * sine, b * cosine + a * sine, x[2 * half :]])


def _to_cache(x: Array, scales: Array) -> Array:
    return np.clip(np.rint(x / scales), -127, 127).astype(np.int8)


def _attend(query: Array, keys: Array, values: Array) -> Array:
    largest = np.abs(query).max()
    words = np.rint(query * (np.float32(32767) / largest)) if largest > 0 else np.zeros_like(query)
    scores = keys.astype(np.float64) @ words * (float(largest) / 32767)
    weights = np.exp(scores - scores.max())
    weights /= weights.sum()
    padded = np.concatenate([weights, np.zeros(-len(weights) % 16)]).reshape(-1, 16)
    units = padded.max(axis=1, keepdims=True) / 32767
    rounded = (np.rint(padded / np.where(units > 0, units, 1)) * units).reshape(-1)[: len(weights)]
    mixed: Array = rounded @ values.astype(np.float64)
    return mixed


def norm(x: Array, skip: Array, gain: Array, offset: Array | None, bias: Array | None, centred: bool) -> Array:
    """The sum of both streams, normalised over its last axis (epsilon 1e-5), times the gain."""
    total = x.astype(np.float64) + skip + (0 if bias is None else bias)
    if centred:
        total = total - total.mean(axis=-1, keepdims=True)
    result = total / np.sqrt((total**2).mean(axis=-1, keepdims=True) + 1e-5) * gain
    return result if offset is None else result + offset
