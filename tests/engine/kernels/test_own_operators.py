"""Own operators against an independent reference in NumPy, and against ONNX Runtime's kernels of the same graph."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engine.kernels import reference
from tests.engine.kernels.own_models import (
    Heads,
    Model,
    Weights,
    add_product,
    attention_model,
    draw_scales,
    draw_weights,
    needs_kernels,
    own_session,
    plain_session,
    product_model,
)

pytestmark = needs_kernels
Array = np.ndarray[Any, Any]
ROWS = (1, 2, 3, 4, 5, 8, 11, 12, 13, 25, 256)
NEAR = 2e-3  # ONNX Runtime rounds rows to 8 bits as own operators do; some lie so near a half that they round apart
NEAR_ATTENTION = 0.02  # it rounds queries to 8 bits, where own operators keep 16


def draw_rows(m: int, width: int, seed: int = 3) -> Array:
    """Rows of very different sizes; a block of zeros in the first, and the last row all zeros if there are several."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((m, width)) * 10.0 ** random.uniform(-4, 3, (m, 1))
    x[0, :32] = 0
    x[1:][-1:] = 0
    return x.astype(np.float32)


def assert_near_ort(own: Array, theirs: Array, near: float = NEAR) -> None:
    """Relative to the size of each row."""
    sizes = np.linalg.norm(theirs, axis=-1, keepdims=True)
    assert (np.linalg.norm(own - theirs, axis=-1, keepdims=True) <= near * sizes).all()


@pytest.mark.parametrize("bits", [4, 8, 0])
@pytest.mark.parametrize(("rows", "width"), [(1, 32), (15, 64), (16, 32), (17, 96), (50, 1024), (130, 288)])
def test_products(tmp_path: Path, bits: int, rows: int, width: int) -> None:
    weights = draw_weights(rows, width, bits)
    model = product_model(weights)
    own, theirs = own_session(model, tmp_path, 2), plain_session(model, 2)
    for m in ROWS:
        x = draw_rows(m, width)
        found = own.run(None, {"x": x})[0]
        wanted, bound = reference.product(x, weights)
        assert found.shape == (m, rows)
        assert (np.abs(found - wanted) <= bound).all()
        if bits:  # with integer columns the exported graph rounds a row with one scale, own operators block by block
            assert_near_ort(found, theirs.run(None, {"x": x})[0])


@pytest.mark.parametrize("bits", [4, 8])
def test_a_product_of_extremes(tmp_path: Path, bits: int) -> None:
    """All weights at one end, all activations at an end of theirs: where a sum in 16 bits would saturate."""
    for stored in (0, 2**bits - 1):
        byte = stored if bits == 8 else stored * 17
        packed = np.full((20, 2, 32 * bits // 8), byte, np.uint8)
        centred = np.full((20, 64), stored - 2 ** (bits - 1))
        weights = Weights(packed, np.ones((20, 2), np.float32), centred, bits)
        x = np.array([[1.0], [-1.0]], np.float32) * np.ones(64, np.float32)
        found = own_session(product_model(weights), tmp_path).run(None, {"x": x})[0]
        np.testing.assert_allclose(found, x.astype(np.float64) @ centred.T, rtol=1e-6)


def test_a_product_of_three_dimensions_and_of_no_rows(tmp_path: Path) -> None:
    weights = draw_weights(20, 64, 4)
    model = product_model(weights)
    model.graph.input[0].CopyFrom(_value("x", ("b", "s", 64)))
    session = own_session(model, tmp_path)
    x = draw_rows(6, 64)
    flat = session.run(None, {"x": x.reshape(1, 6, 64)})[0]
    assert session.run(None, {"x": x.reshape(2, 3, 64)})[0].tobytes() == flat.tobytes()
    assert session.run(None, {"x": np.zeros((0, 3, 64), np.float32)})[0].shape == (0, 3, 20)


def _value(name: str, shape: tuple[int | str, ...]) -> Any:
    model = Model()
    model.input(name, shape)
    return model.inputs[0]


@pytest.mark.parametrize("bits", [4, 8, 0])
@pytest.mark.parametrize("activation", ["", "FastGelu", "QuickGelu", "SiLU"])
@pytest.mark.parametrize("has_bias", [False, True])
def test_bias_activation_and_factor_in_one(tmp_path: Path, bits: int, activation: str, has_bias: bool) -> None:
    """x ── gate ── (+ bias) ── activation ── × (the other product (+ bias)) ──> y, all in two nodes."""
    random = np.random.default_rng(5)
    gate, up = draw_weights(40, 64, bits, 7), draw_weights(40, 64, bits, 8)
    biases = random.standard_normal((2, 40)).astype(np.float32)
    model = Model()
    names = [add_product(model, model.input("x", ("m", 64)), gate, "gate"), add_product(model, "x", up, "up")]
    if has_bias:
        names = [
            model.node("Add", [name, model.constant(f"{name}.bias", bias)], f"{name}.biased")
            for name, bias in zip(names, biases, strict=True)
        ]
    alpha = {"QuickGelu": 1.702, "SiLU": 1.0}.get(activation, 0.0)
    if activation:
        operator, options = ("QuickGelu", {"alpha": alpha}) if alpha else ("FastGelu", {})
        names[0] = model.contrib(operator, names[:1], "active", **options)
    model.node("Mul", names, "y")
    model.output("y")
    built = model.model()
    x = draw_rows(13, 64)
    found = own_session(built, tmp_path).run(None, {"x": x})[0]
    (of_gate, gate_bound), (of_up, up_bound) = reference.product(x, gate), reference.product(x, up)
    if has_bias:
        of_gate, of_up = of_gate + biases[0], of_up + biases[1]
    size_of_gate = np.abs(of_gate)
    if activation:
        of_gate = reference.quick_gelu(of_gate, alpha) if alpha else reference.tanh_gelu(of_gate)
    # Slopes of the activations stay under 1.2; e to a power has a relative error of 1e-7 times the power's size.
    bound = (1.2 * gate_bound + 4e-6 * size_of_gate) * np.abs(of_up) + up_bound * np.abs(of_gate)
    assert (np.abs(found - of_gate * of_up) <= 2 * bound + 1e-6 * np.abs(of_gate * of_up) + 1e-6).all()
    if bits:
        assert_near_ort(found[:-1], plain_session(built).run(None, {"x": x})[0][:-1])


def draw_attention(heads: Heads, pasts: list[int], rows: int, capacity: int) -> dict[str, Array]:
    """Feeds; the cache beyond each past holds what a kernel must not read: the largest integers."""
    random = np.random.default_rng(11)
    cache = random.integers(-127, 128, (2, len(pasts), heads.kv_heads, capacity, heads.size)).astype(np.int8)
    for b, past in enumerate(pasts):
        cache[:, b, :, past:] = 127
    width = (heads.heads + 2 * heads.kv_heads) * heads.size
    packed = (random.standard_normal((len(pasts), rows, width)) * 1.5).astype(np.float32)
    lengths = np.array(pasts, np.int32) + rows - 1
    total = np.array(lengths.max() + 1, np.int32)
    feeds = {"packed": packed, "past_keys": cache[0], "past_values": cache[1], "lengths": lengths, "total": total}
    return {name: np.ascontiguousarray(array) for name, array in feeds.items()}


def check_attention(heads: Heads, feeds: dict[str, Array], pasts: list[int], folder: Path, ort: bool = True) -> None:
    model = attention_model(heads)
    mixed, keys, values = own_session(model, folder, 2).run(None, feeds)
    wanted = reference.attention(heads, feeds["packed"], feeds["past_keys"], feeds["past_values"], pasts)
    rows = feeds["packed"].shape[1]
    for b, past in enumerate(pasts):
        assert (keys[b, :, : past + rows] == wanted[1][b, :, : past + rows]).all()
        assert (values[b, :, : past + rows] == wanted[2][b, :, : past + rows]).all()
    # The 32-bit softmax may round a 16-bit weight to its neighbour: a 32767th of the largest value, here and there.
    largest = 127 * float(draw_scales(heads)[1].max())
    np.testing.assert_allclose(mixed, wanted[0], rtol=0, atol=2 * largest / 32767)
    if ort:
        assert_near_ort(mixed, plain_session(model, 2).run(None, feeds)[0], NEAR_ATTENTION)


@pytest.mark.parametrize("size", [16, 32, 64, 80, 96, 128, 256])
@pytest.mark.parametrize("share", [1, 3, 7])
def test_attention_of_every_head_size(tmp_path: Path, size: int, share: int) -> None:
    for turned in (0, size):
        heads = Heads(2 * share, 2, size, turned)
        check_attention(heads, draw_attention(heads, [21], 3, 40), [21], tmp_path)


@pytest.mark.parametrize("past", [0, 1, 15, 16, 17, 600])
@pytest.mark.parametrize("rows", [1, 2, 16, 17])
def test_attention_behind_every_past(tmp_path: Path, past: int, rows: int) -> None:
    """In buffers of no round size, exactly full and not."""
    heads = Heads(size=32, turned=16)
    for capacity in (past + rows, past + rows + 13):
        check_attention(heads, draw_attention(heads, [past], rows, capacity), [past], tmp_path)


def test_a_batch_of_unequal_lengths(tmp_path: Path) -> None:
    heads, pasts = Heads(6, 2, 32, 32), [0, 17, 3, 600, 16]
    check_attention(heads, draw_attention(heads, pasts, 1, 613), pasts, tmp_path)
    # ONNX Runtime takes rows of one length only where there are several.
    check_attention(heads, draw_attention(heads, pasts, 5, 613), pasts, tmp_path, ort=False)


def test_what_is_too_large_for_the_cache_is_its_largest(tmp_path: Path) -> None:
    heads = Heads(turned=16)
    feeds = draw_attention(heads, [5], 4, 20)
    feeds["packed"] *= 1000
    mixed, keys, values = own_session(attention_model(heads), tmp_path).run(None, feeds)
    wanted = reference.attention(heads, feeds["packed"], feeds["past_keys"], feeds["past_values"], [5])
    assert {127, -127} <= set(np.unique(keys[0, :, 5:9]))
    assert (keys[0, :, :9] == wanted[1][0, :, :9]).all()
    assert (values[0, :, :9] == wanted[2][0, :, :9]).all()
    np.testing.assert_allclose(mixed, wanted[0], rtol=0, atol=1e-3)


def test_the_scale_of_scores(tmp_path: Path) -> None:
    heads = Heads()
    feeds = draw_attention(heads, [9], 2, 20)
    mixed = own_session(attention_model(heads, scale=0.7), tmp_path).run(None, feeds)[0]
    wanted = reference.attention(heads, feeds["packed"], feeds["past_keys"], feeds["past_values"], [9], 0.7)[0]
    np.testing.assert_allclose(mixed, wanted, rtol=0, atol=4e-4)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("extras", [0, 1, 2])
@pytest.mark.parametrize("width", [16, 48, 1024])
def test_norms(tmp_path: Path, centred: bool, extras: int, width: int) -> None:
    """`extras`: with nothing, an offset (LayerNorm only), and a bias too. A product makes the file worth a copy."""
    random = np.random.default_rng(9)
    gain, offset, bias = (random.standard_normal(width).astype(np.float32) for _ in range(3))
    model = Model()
    inputs = [model.input("x", ("b", "s", width)), model.input("skip", ("t", "s", width)), model.constant("gain", gain)]
    inputs += [model.constant("offset", offset) if extras else ""] if centred else []
    inputs += [model.constant("bias", bias)] if extras == 2 else []
    while not inputs[-1]:
        inputs.pop()
    name = "SkipLayerNormalization" if centred else "SkipSimplifiedLayerNormalization"
    model.contrib(name, inputs, "out", "", "", "residual", epsilon=1e-5)
    add_product(model, model.input("other", ("m", 32)), draw_weights(16, 32, 4), "y")
    for output in ("out", "residual", "y"):
        model.output(output)
    built = model.model()
    own, theirs = own_session(built, tmp_path, 2), plain_session(built, 2)
    for batch, rows, skips in ((1, 1, 1), (2, 3, 2), (3, 5, 1), (1, 257, 1), (0, 3, 0)):
        x = (random.standard_normal((batch, rows, width)) * 3 + 1).astype(np.float32)
        skip = random.standard_normal((skips, rows, width)).astype(np.float32)
        feeds = {"x": x, "skip": skip, "other": np.ones((1, 32), np.float32)}
        out, residual = own.run(None, feeds)[:2]
        of_bias = bias if extras == 2 else None
        of_offset = offset if centred and extras else None
        wanted = reference.norm(x, skip, gain, of_offset, of_bias, centred)
        np.testing.assert_allclose(out, wanted, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(residual, x + skip + (0 if of_bias is None else bias), rtol=1e-6, atol=1e-6)
        if batch:
            np.testing.assert_allclose(out, theirs.run(None, feeds)[0], rtol=1e-4, atol=1e-4)
