"""Runs of own nodes as one: the same bits as one after the other, and which nodes a run may hold."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from engine.kernels.fused_nodes import OPERATOR
from tests.engine.kernels.own_models import (
    Heads,
    Model,
    add_product,
    draw_scales,
    draw_weights,
    needs_kernels,
    raw_session,
    rewritten,
)
from tests.engine.kernels.own_models import kinds as all_kinds
from tests.engine.kernels.test_own_operators import draw_rows

Array = np.ndarray[Any, Any]
HEADS, WIDTH = Heads(4, 2, 16, 16), 64
FUSED = f"{OPERATOR}*"
# Batch, rows, positions before them.
SIZES = (
    (1, 1, 0),
    (1, 1, 40),
    (1, 17, 5),
    (1, 130, 0),
    (4, 1, 30),
    (3, 2, 7),
    (1, 0, 3),
    (2, 0, 0),
)  # batch, rows, past


def norm(model: Model, streams: list[str], name: str, seed: int) -> tuple[str, str]:
    """The sum of two streams, normalised, and the sum."""
    random = np.random.default_rng(seed)
    gain, offset = (model.constant(f"{name}.{part}", random.normal(size=WIDTH).astype(np.float32)) for part in "go")
    model.contrib("SkipLayerNormalization", [*streams, gain, offset], name, "", "", f"{name}.sum", epsilon=1e-5)
    return name, f"{name}.sum"


def decoder(layers: int, bits: int, gated: bool = False) -> onnx.ModelProto:
    """Layers of attention over a cache and of an MLP, and a head, as the exporter writes them."""
    model = Model()
    key_scales, value_scales, cosines, sines = draw_scales(HEADS)
    tables = [model.constant("cosines", cosines), model.constant("sines", sines)]
    scales = [model.constant("key_scales", key_scales), model.constant("value_scales", value_scales)]
    stream = model.input("x", ("batch", "rows", WIDTH))
    branch = model.input("y", ("batch", "rows", WIDTH))
    lengths = [model.input("lengths", ("batch",), TensorProto.INT32), model.input("total", (), TensorProto.INT32)]
    options: dict[str, Any] = {"num_heads": HEADS.heads, "kv_num_heads": HEADS.kv_heads, "do_rotary": 1}
    options |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
    all_heads = (HEADS.heads + 2 * HEADS.kv_heads) * HEADS.size
    for layer in range(layers):
        name, seed = f"layer{layer}", 10 * layer
        out, stream = norm(model, [stream, branch], f"{name}.before", seed)
        packed = add_product(model, out, draw_weights(all_heads, WIDTH, bits, seed + 1), f"{name}.qkv")
        cache: Any = ("batch", HEADS.kv_heads, "capacity", HEADS.size)
        pasts = [model.input(f"{name}.past.{part}", cache, TensorProto.INT8) for part in ("keys", "values")]
        present = [f"{name}.{part}" for part in ("keys", "values")]
        inputs = [packed, "", "", *pasts, *lengths, *tables, "", "", "", *scales]
        mixed = model.contrib("GroupQueryAttention", inputs, f"{name}.mixed", *present, **options)
        for made in present:
            model.output(made, None, TensorProto.INT8)
        branch = add_product(model, mixed, draw_weights(WIDTH, WIDTH, bits, seed + 2), f"{name}.output")
        out, stream = norm(model, [stream, branch], f"{name}.after", seed + 3)
        inner = add_product(model, out, draw_weights(96, WIDTH, bits, seed + 4), f"{name}.up")
        inner = model.contrib("QuickGelu", [inner], f"{name}.active", alpha=1.0)
        if gated:
            gate = add_product(model, out, draw_weights(96, WIDTH, bits, seed + 5), f"{name}.gate")
            inner = model.node("Mul", [inner, gate], f"{name}.inner")
        branch = add_product(model, inner, draw_weights(WIDTH, 96, bits, seed + 6), f"{name}.down")
    out, _ = norm(model, [stream, branch], "last", 99)
    add_product(model, out, draw_weights(50, WIDTH, bits, 98), "logits")
    model.output("logits")
    return model.model()


def draw_feeds(layers: int, batch: int, rows: int, past: int, seed: int = 5) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    shape = (batch, rows, WIDTH)
    feeds: dict[str, Array] = {name: draw_rows(batch * rows + 1, WIDTH, ord(name))[1:].reshape(shape) for name in "xy"}
    feeds |= {"lengths": np.full(batch, past + rows - 1, np.int32), "total": np.array(past + rows, np.int32)}
    for layer in range(layers):
        for part in ("keys", "values"):
            cache = random.integers(-127, 128, (batch, HEADS.kv_heads, past + rows, HEADS.size))
            feeds[f"layer{layer}.past.{part}"] = cache.astype(np.int8)
    return feeds


def both(model: onnx.ModelProto, folder: Path, threads: int) -> list[onnxruntime.InferenceSession]:
    """Sessions of the exchanged graph: its nodes one by one, and fused."""
    made = [rewritten(model, folder, fuses) for fuses in (False, True)]
    return [raw_session(found, threads) for found in made if found is not None]


def assert_same(model: onnx.ModelProto, folder: Path, feeds: dict[str, Array], threads: int = 2) -> None:
    single, fused = (session.run(None, feeds) for session in both(model, folder, threads))
    for a, b, output in zip(single, fused, model.graph.output, strict=True):
        assert a.tobytes() == b.tobytes(), output.name


@needs_kernels
@pytest.mark.parametrize("bits", [4, 8, 0])
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_same_bits_as_one_by_one(tmp_path: Path, bits: int, gated: bool, threads: int) -> None:
    model = decoder(2, bits, gated)
    assert all_kinds(rewritten(model, tmp_path, fuses=True)) == [FUSED]
    single, fused = both(model, tmp_path, threads)
    for batch, rows, past in SIZES:
        feeds = draw_feeds(2, batch, rows, past)
        for _ in range(2):  # a second time in memory that the first left behind
            for a, b in zip(single.run(None, feeds), fused.run(None, feeds), strict=True):
                assert a.tobytes() == b.tobytes(), (batch, rows, past)


@needs_kernels
def test_many_layers_are_several_nodes(tmp_path: Path) -> None:
    model = decoder(19, 4)
    assert all_kinds(rewritten(model, tmp_path, fuses=True)) == [FUSED] * 3
    assert_same(model, tmp_path, draw_feeds(19, 1, 3, 20))


@needs_kernels
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_of_steps(tmp_path: Path, data: st.DataObject) -> None:
    """Products and norms that read anything made before, once or often, some of it read outside as well."""
    model, names, other = Model(), ["x"], 0
    model.input("x", ("m", WIDTH))
    for number in range(data.draw(st.integers(2, 12))):
        kind = data.draw(st.sampled_from(["4", "8", "columns", "norm", "outside"]))
        first, second = data.draw(st.sampled_from(names)), data.draw(st.sampled_from(names))
        name = f"t{number}"
        if kind == "norm":
            names += norm(model, [first, second], name, number)
        elif kind == "outside":
            names.append(model.node("Tanh", [first], name))
            other += 1
        else:
            bits = {"4": 4, "8": 8}.get(kind, 0)
            names.append(add_product(model, first, draw_weights(WIDTH, WIDTH, bits, number), name))
    add_product(model, names[-1], draw_weights(WIDTH, WIDTH, 4, 77), "end")
    outside = data.draw(st.sets(st.sampled_from(names[1:]), max_size=6)) if len(names) > 1 else set()
    for name in ["end", *sorted(outside)]:
        model.output(name)
    made = rewritten(model.model(), tmp_path, fuses=True)
    assert made is not None
    assert_same(model.model(), tmp_path, {"x": np.tanh(draw_rows(data.draw(st.integers(1, 9)), WIDTH))})


def chain(*middle: str, reads_run: bool) -> onnx.ModelProto:
    """Two products with a node between them that reads the first, or the input alone, and that the second adds."""
    model = Model()
    x = model.input("x", ("m", WIDTH))
    first = add_product(model, x, draw_weights(WIDTH, WIDTH, 4, 1), "first")
    between = model.node("Tanh", [first if reads_run else x], "between")
    out, _ = norm(model, [first, between], "out", 3)
    add_product(model, out, draw_weights(WIDTH, WIDTH, 4, 2), "end")
    for name in ("end", *middle):
        model.output(name)
    return model.model()


def test_a_node_between_goes_before_the_run_or_ends_it(tmp_path: Path) -> None:
    assert all_kinds(rewritten(chain(reads_run=False), tmp_path, fuses=True)) == ["Tanh", FUSED]
    found = all_kinds(rewritten(chain(reads_run=True), tmp_path, fuses=True))
    assert found == ["BlocksProduct*", "Tanh", FUSED]


@needs_kernels
def test_what_is_read_outside_comes_out(tmp_path: Path) -> None:
    model = chain("first", "out", "out.sum", reads_run=False)
    assert all_kinds(rewritten(model, tmp_path, fuses=True)) == ["Tanh", FUSED]
    assert_same(model, tmp_path, {"x": draw_rows(5, WIDTH)})


def fused_by_hand(steps: str, weights: int = 2) -> onnx.ModelProto:
    """A node with that description, over x and weights of 64 x 64."""
    model = Model()
    drawn = draw_weights(WIDTH, WIDTH, 4)
    inputs = [model.input("x", ("m", WIDTH)), model.constant("w", drawn.packed), model.constant("s", drawn.scales)]
    model.nodes.append(helper.make_node(OPERATOR, inputs[: 1 + weights], ["y"], domain="nextstroke", steps=steps))
    model.output("y", ("m", WIDTH))
    made = model.model()
    made.opset_import.append(helper.make_opsetid("nextstroke", 1))
    return made


PLACES = "0 1 2 -1 -1 -1 -1 -1 -1 -1 2048 -1 -1 -1"
GOOD = f"0 1 0 64 64 4 0 0 {PLACES}"


@needs_kernels
def test_a_description_by_hand() -> None:
    x = draw_rows(3, WIDTH)
    assert np.isfinite(raw_session(fused_by_hand(GOOD)).run(None, {"x": x})[0]).all()


@needs_kernels
@pytest.mark.parametrize(
    "steps",
    [
        "",
        "x",
        GOOD[:-3],
        "0 0",
        "0 99999999999 0",
        "-1 1",
        "1 0 1",
        f"0 1 7 64 64 4 0 0 {PLACES}",
        f"0 1 -1 64 64 4 0 0 {PLACES}",
        f"0 1 0 64 63 4 0 0 {PLACES}",
        f"0 1 0 64 640000 4 0 0 {PLACES}",
        f"0 1 0 64 64 5 0 0 {PLACES}",
        f"0 1 0 64 64 4 0 0 4096 {PLACES[2:]}",
        f"0 1 0 64 64 4 0 0 0 4095 {PLACES[4:]}",
        f"0 1 0 64 64 4 0 0 {PLACES.replace('2048', '2068')}",
        f"0 1 0 64 64 4 0 0 {PLACES.replace('2048', '1')}",
        f"0 1 0 64 64 4 0 0 {PLACES.replace('2048', '2052')}",
        f"1 64 1 0 64 64 4 0 0 4096 {PLACES[2:]}",
        f"1 64 1 2 4 3 0 0 0 {PLACES}",
    ],
)
def test_a_description_that_makes_no_sense_is_refused(steps: str) -> None:
    with pytest.raises(Exception, match=r"steps|layout|constant|heads|weights of another size"):
        raw_session(fused_by_hand(steps))


@needs_kernels
@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (f"1 64 2 0 64 64 4 0 0 {PLACES} 0 64 64 4 0 0 4096 {PLACES[2:]}", "none has written"),
        ("1 32 1 0 64 64 4 0 0 0 1 2 -1 -1 -1 -1 -1 -1 -1 4096 -1 -1 -1", "more rows than the first"),
        ("0 1 0 64 64 4 0 0 0 1 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1", "nobody wants"),
    ],
)
def test_steps_that_do_not_follow_are_refused(steps: str, words: str) -> None:
    session = raw_session(fused_by_hand(steps))
    with pytest.raises(Exception, match=words):
        session.run(None, {"x": draw_rows(2, WIDTH)})


def test_a_file_that_names_own_operators_itself_is_left_alone(tmp_path: Path) -> None:
    model = fused_by_hand(GOOD)
    model.graph.node.extend(chain(reads_run=False).graph.node[:1])  # one that could be exchanged
    assert rewritten(model, tmp_path, fuses=True) is None


@needs_kernels
@pytest.mark.parametrize("dtype", [np.int8, np.float16, np.int32])
def test_inputs_of_another_type_are_refused(tmp_path: Path, dtype: type) -> None:
    """The checks of ONNX Runtime end where nodes are fused."""
    model = Model()
    x = model.input("x", ("m", WIDTH))
    skip = model.input("skip", ("m", WIDTH), helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    first = add_product(model, x, draw_weights(WIDTH, WIDTH, 4, 1), "first")
    norm(model, [first, skip], "out", 3)
    model.output("out")
    made = rewritten(model.model(), tmp_path, fuses=True)
    assert made is not None
    with pytest.raises(Exception, match="another type"):
        raw_session(made).run(None, {"x": draw_rows(3, WIDTH), "skip": np.zeros((3, WIDTH), dtype)})


@needs_kernels
def test_fewer_rows_first(tmp_path: Path) -> None:
    """A row that is added to every row of what follows."""
    model = Model()
    one, many = model.input("one", (1, WIDTH)), model.input("many", ("m", WIDTH))
    first = add_product(model, one, draw_weights(WIDTH, WIDTH, 4, 1), "first")
    out, _ = norm(model, [many, first], "out", 3)
    add_product(model, out, draw_weights(WIDTH, WIDTH, 4, 2), "end")
    model.output("end")
    assert all_kinds(rewritten(model.model(), tmp_path, fuses=True)) == [FUSED]
    assert_same(model.model(), tmp_path, {"one": draw_rows(1, WIDTH), "many": draw_rows(7, WIDTH, 9)})


@needs_kernels
def test_two_inputs_in_the_same_memory(tmp_path: Path) -> None:
    model = Model()
    for name in "ab":
        x = model.input(name, (f"rows of {name}", WIDTH))
        model.output(add_product(model, x, draw_weights(WIDTH, WIDTH, 4, 1), f"product of {name}"))
    assert all_kinds(rewritten(model.model(), tmp_path, fuses=True)) == [FUSED]
    rows = draw_rows(13, WIDTH)
    assert_same(model.model(), tmp_path, {"a": rows[:3], "b": rows})
