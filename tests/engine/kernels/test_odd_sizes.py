"""Graphs and inputs that no exporter makes: refused in a line, and never read or written beyond an array's end."""

import gc
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from tests.engine.kernels import reference
from tests.engine.kernels.own_models import (
    Heads,
    attention_model,
    draw_weights,
    needs_kernels,
    own_session,
    product_model,
    raw_session,
    rewritten,
)
from tests.engine.kernels.test_own_operators import draw_attention

pytestmark = needs_kernels
Array = np.ndarray[Any, Any]
_state = onnxruntime.capi.onnxruntime_pybind11_state
Refusal = (_state.Fail, _state.RuntimeException)  # of a run, and of a session
HEADS = Heads(turned=16, context=50)


def own_model(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    made = rewritten(model, folder)
    assert made is not None
    return made


def set_option(model: onnx.ModelProto, name: str, value: float) -> None:
    node = model.graph.node[0]
    kept = [option for option in node.attribute if option.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def set_constant(model: onnx.ModelProto, name: str, value: Array) -> None:
    found = next(entry for entry in model.graph.initializer if entry.name == name)
    found.CopyFrom(onnx.numpy_helper.from_array(value, name))


@pytest.mark.parametrize("bits", [4, 8, 0])
@pytest.mark.parametrize(
    ("name", "value"),
    [("K", 0), ("K", 48), ("K", -64), ("K", 128), ("K", 2**62), ("N", 0), ("N", -1), ("N", 49), ("N", 2**61)],
)
def test_a_product_whose_weights_are_of_another_size(tmp_path: Path, bits: int, name: str, value: int) -> None:
    model = own_model(product_model(draw_weights(48, 64, bits)), tmp_path)
    set_option(model, name, value)
    with pytest.raises(Refusal, match=r"a product|weights of another size"):
        raw_session(model)


def test_a_product_of_unknown_bits_or_open_weights(tmp_path: Path) -> None:
    model = own_model(product_model(draw_weights(48, 64, 4)), tmp_path)
    opened = onnx.ModelProto.FromString(model.SerializeToString())
    opened.graph.input.append(helper.make_tensor_value_info("y.weights", TensorProto.UINT8, None))
    with pytest.raises(Refusal, match="not constant"):
        raw_session(opened)
    set_option(model, "bits", 5)
    with pytest.raises(Refusal, match="unknown layout"):
        raw_session(model)


@pytest.mark.parametrize("shape", [(2, 32), (2, 128), (64, 2), (), (1, 1, 1, 2, 64)])
def test_rows_of_another_width(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = own_model(product_model(draw_weights(48, 64, 4)), tmp_path)
    model.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(Refusal, match=r"do not match|more than four"):
        raw_session(model).run(None, {"x": np.zeros(shape, np.float32)})


@pytest.mark.parametrize("count", [1, 47, 49])
def test_a_bias_of_another_size(tmp_path: Path, count: int) -> None:
    model = own_model(product_model(draw_weights(48, 64, 4)), tmp_path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(count, np.float32), "bias"))
    model.graph.node[0].input.append("bias")
    with pytest.raises(Refusal, match="another size"):
        raw_session(model).run(None, {"x": np.zeros((2, 64), np.float32)})


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e-38, 3e-45, 3e38])
@pytest.mark.parametrize("bits", [4, 8, 0])
def test_odd_numbers_stay_in_their_row(tmp_path: Path, number: float, bits: int) -> None:
    session = own_session(product_model(draw_weights(48, 64, bits)), tmp_path)
    x = np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)
    wanted = session.run(None, {"x": x})[0]
    x[1] = number
    found = session.run(None, {"x": x})[0]
    assert found[[0, 2]].tobytes() == wanted[[0, 2]].tobytes()
    if abs(number) < 1e-30:
        assert np.abs(found[1]).max() < 1e-30


@pytest.mark.parametrize("size", [1e-38, 3e-45])
def test_a_query_next_to_nothing_sees_all_positions_alike(tmp_path: Path, size: float) -> None:
    """Divided by so small a number, a step would overflow."""
    feeds = draw_attention(HEADS, [9], 1, 20)
    feeds["packed"][..., : HEADS.heads * HEADS.size] *= np.float32(size)
    found, _, values = own_session(attention_model(HEADS), tmp_path).run(None, feeds)
    feeds["packed"][..., : HEADS.heads * HEADS.size] = 0
    wanted = reference.attention(HEADS, feeds["packed"], feeds["past_keys"], feeds["past_values"], [9])[0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)
    assert values.shape == (1, 2, 20, 16)


def test_positions_far_behind_the_first_weigh_nothing(tmp_path: Path) -> None:
    """Scores that lie more than a float's range apart: the small weights of a whole vector become zeros."""
    heads = Heads(1, 1)
    feeds = draw_attention(heads, [40], 1, 41)
    feeds["past_keys"][:, :, :16], feeds["past_keys"][:, :, 16:] = -127, 127
    feeds["past_values"][:, :, 16:] = 0
    feeds["packed"][..., 32:] = 0
    feeds["packed"][..., :32] = 400
    found = own_session(attention_model(heads), tmp_path).run(None, feeds)[0]
    assert (found == 0).all()


@pytest.mark.parametrize(
    ("lengths", "total"),
    [([20, 9], 21), ([-5, 9], 10), ([9, 2**31 - 1], 10), ([9, -(2**31)], 10), ([9, 50], 10), ([9, 51], 60)],
)
def test_lengths_beyond_the_cache(tmp_path: Path, lengths: list[int], total: int) -> None:
    """The last but one lies beyond the buffer, the last one beyond the tables of cosines too."""
    feeds = draw_attention(HEADS, [9, 3], 2, 20)
    feeds |= {"lengths": np.array(lengths, np.int32), "total": np.array(total, np.int32)}
    session = raw_session(own_model(attention_model(HEADS), tmp_path))
    if lengths == [20, 9]:  # the one more position that was asked for is there
        assert session.run(None, feeds)[1].shape == (2, 2, 21, 16)
        return
    with pytest.raises(Refusal, match="outside the cache"):
        session.run(None, feeds)


def test_positions_behind_the_last_cosine(tmp_path: Path) -> None:
    session = own_session(attention_model(HEADS), tmp_path)
    session.run(None, draw_attention(HEADS, [48], 2, 60))
    with pytest.raises(Refusal, match="outside the cache"):
        session.run(None, draw_attention(HEADS, [49], 2, 60))


@pytest.mark.parametrize("total", [-7, 0, 1, 600])
def test_a_total_that_is_not_the_longest(tmp_path: Path, total: int) -> None:
    """It may only make the buffer longer; how much scratch memory is needed, the lengths say."""
    heads = Heads()
    feeds = draw_attention(heads, [500], 16, 550)
    session = own_session(attention_model(heads), tmp_path)
    wanted = session.run(None, feeds)
    feeds["total"] = np.array(total, np.int32)
    found = own_session(attention_model(heads), tmp_path).run(None, feeds)
    assert found[0].tobytes() == wanted[0].tobytes()
    assert found[1].shape[2] == max(550, total)
    assert (found[2][:, :, :516] == wanted[2][:, :, :516]).all()


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("past_values", (2, 2, 10, 16)),
        ("past_values", (1, 2, 20, 16)),
        ("past_keys", (2, 1, 20, 16)),
        ("past_keys", (2, 2, 20, 32)),
        ("lengths", (1,)),
        ("lengths", (3,)),
        ("total", (2,)),
        ("total", (0,)),
        ("packed", (2, 2, 64)),
        ("packed", (1, 2, 128)),
        ("packed", (2, 256)),
    ],
)
def test_an_attention_whose_inputs_do_not_match(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    model = own_model(attention_model(HEADS), tmp_path)
    for entry in model.graph.input:
        entry.type.tensor_type.ClearField("shape")
    feeds = draw_attention(HEADS, [9, 3], 2, 20)
    feeds[name] = np.zeros(shape, feeds[name].dtype)
    with pytest.raises(Refusal, match=r"do not match|another size"):
        raw_session(model).run(None, feeds)


@pytest.mark.parametrize(
    ("name", "shape"),
    [("key_scales", (2, 8)), ("value_scales", (1,)), ("cosines", (50, 9)), ("cosines", (400,)), ("sines", (49, 8))],
)
def test_an_attention_whose_tables_do_not_match(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    model = own_model(attention_model(HEADS), tmp_path)
    set_constant(model, name, np.ones(shape, np.float32))
    with pytest.raises(Refusal, match=r"do not match|another size"):
        raw_session(model).run(None, draw_attention(HEADS, [9], 2, 20))


def test_no_rows_keep_the_past(tmp_path: Path) -> None:
    feeds = draw_attention(HEADS, [9], 1, 20)
    feeds["packed"] = feeds["packed"][:, :0]
    feeds["lengths"] -= 1
    _, keys, values = own_session(attention_model(HEADS), tmp_path).run(None, feeds)
    assert (keys[:, :, :9] == feeds["past_keys"][:, :, :9]).all()
    assert (values[:, :, :9] == feeds["past_values"][:, :, :9]).all()


def test_sessions_give_their_memory_back(tmp_path: Path) -> None:
    """Two hundred of a megabyte of weights and a scratch each."""
    products = own_model(product_model(draw_weights(1024, 1024, 8)), tmp_path)
    attention = own_model(attention_model(HEADS), tmp_path)
    x, feeds = np.ones((20, 1024), np.float32), draw_attention(HEADS, [9], 16, 30)

    def once() -> None:
        raw_session(products).run(None, {"x": x})
        raw_session(attention).run(None, feeds)

    for _ in range(20):
        once()
    gc.collect()
    before = resident_mebibytes()
    for _ in range(200):
        once()
    gc.collect()
    assert resident_mebibytes() - before < 20


def resident_mebibytes() -> float:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("this system does not say in /proc how much memory a process holds")
    return int(statm.read_text().split()[1]) * 4096 / 2**20
