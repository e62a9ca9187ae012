"""Which nodes own operators stand for and which stay as they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.engine.kernels.own_models import (
    Heads,
    Model,
    add_product,
    attention_model,
    draw_weights,
    kinds,
    product_model,
    rewritten,
)

WEIGHTS = draw_weights(48, 64, 4)


def with_norm(*, width: int = 16, outputs: tuple[str, ...] = ("out", "", "", "residual"), **changes: Any) -> Model:
    """A product and a norm; `changes` name its gain's shape or type."""
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "y")
    streams = [model.input(name, ("m", width)) for name in ("stream", "branch")]
    gain = model.constant("gain", np.ones(changes.get("gain", width), np.float32))
    model.contrib("SkipSimplifiedLayerNormalization", [*streams, gain], *outputs, epsilon=1e-5)
    for name in ("y", *filter(None, outputs)):
        model.output(name)
    return model


def products(**changes: Any) -> onnx.ModelProto:
    """A product that can be exchanged, and one with other attributes."""
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "plain")
    add_product(model, "x", WEIGHTS, "y", **changes)
    model.output("plain")
    model.output("y")
    return model.model()


def changed_product(change: Callable[[onnx.NodeProto, onnx.GraphProto], None]) -> onnx.ModelProto:
    """`products`, whose second node a function has changed."""
    model = products()
    change(model.graph.node[1], model.graph)
    return model


def with_zero_points(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    graph.initializer.append(onnx.numpy_helper.from_array(np.full((48, 1), 0x88, np.uint8), "zeros"))
    node.input.append("zeros")


def with_open_weights(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    graph.input.append(helper.make_tensor_value_info("y.weights", TensorProto.UINT8, (48, 2, 16)))


def with_short_weights(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    replace(graph, "y.weights", WEIGHTS.packed[:-1])


def with_short_scales(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    replace(graph, "y.scales", WEIGHTS.scales[:, :1])


def with_half_scales(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    replace(graph, "y.scales", WEIGHTS.scales.astype(np.float16))


def with_signed_weights(node: onnx.NodeProto, graph: onnx.GraphProto) -> None:
    replace(graph, "y.weights", WEIGHTS.packed.view(np.int8))


def replace(graph: onnx.GraphProto, name: str, value: np.ndarray[Any, Any]) -> None:
    place = next(place for place, found in enumerate(graph.initializer) if found.name == name)
    graph.initializer[place].CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))


@pytest.mark.parametrize(
    "change",
    [with_zero_points, with_open_weights, with_short_weights, with_short_scales, with_half_scales, with_signed_weights],
)
def test_a_product_of_another_kind_stays(tmp_path: Path, change: Callable[..., None]) -> None:
    assert kinds(rewritten(changed_product(change), tmp_path)) == ["BlocksProduct*", "MatMulNBits"]


@pytest.mark.parametrize(
    "changes",
    [
        *({"block_size": 128}, {"block_size": 16}, {"accuracy_level": 0}, {"bits": 2}, {"K": 0}, {"N": 0}, {"N": -48}),
        *({"K": 48}, {"K": -64}, {"N": 47}, {"N": 2**40}, {"bits": 8}),
    ],
)
def test_a_product_of_other_attributes_stays(tmp_path: Path, changes: dict[str, int]) -> None:
    """Too: sizes that the weights do not have, which own code would read beyond their end."""
    assert kinds(rewritten(products(**changes), tmp_path)) == ["BlocksProduct*", "MatMulNBits"]


def test_the_exporters_kinds_are_exchanged(tmp_path: Path) -> None:
    assert kinds(rewritten(product_model(draw_weights(48, 64, 8)), tmp_path)) == ["BlocksProduct*"]
    assert kinds(rewritten(product_model(draw_weights(48, 64, 0)), tmp_path)) == ["ColumnsProduct*"]
    assert kinds(rewritten(attention_model(Heads()), tmp_path)) == ["CacheAttention*"]
    assert kinds(rewritten(attention_model(Heads(turned=16)), tmp_path)) == ["CacheAttention*"]
    found = kinds(rewritten(with_norm().model(), tmp_path))
    assert found == ["BlocksProduct*", "SkipSimplifiedLayerNormalization*"]


def test_shared_roundings_vanish_with_their_last_reader(tmp_path: Path) -> None:
    """Two products over columns round the same rows; a third reader of the roundings keeps them."""
    model = Model()
    x = model.input("x", ("m", 64))
    add_product(model, x, draw_weights(48, 64, 0), "y")
    model.output("y")
    model.output("y.x.integers", None, TensorProto.UINT8)
    found = kinds(rewritten(model.model(), tmp_path))
    assert found == ["Abs", "ReduceMax", "Max", "Div", "QuantizeLinear", "ColumnsProduct*"]


@pytest.mark.parametrize(
    "break_chain",
    [
        lambda graph: graph.node[5].input.append("y.scales"),  # zero points of the weights, sort of
        lambda graph: graph.node[6].input.__setitem__(1, "y.x.max"),
        lambda graph: graph.node[0].input.__setitem__(0, "other"),
        lambda graph: graph.node[4].input.__setitem__(1, "y.x.tiny"),
        lambda graph: graph.node[5].input.__setitem__(2, "y.x.tiny"),
        lambda graph: graph.node[5].input.__delitem__(4),
        lambda graph: graph.output.append(helper.make_tensor_value_info("y.unit", TensorProto.FLOAT, None)),
        lambda graph: replace(graph, "y.scales", np.ones(1, np.float32)),
        lambda graph: replace(graph, "y.weights", np.ones((60, 48), np.int8)),
        lambda graph: replace(graph, "y.weights", np.ones((0, 48), np.int8)),
        lambda graph: replace(graph, "y.weights", np.ones((64, 48), np.uint8)),
    ],
)
def test_a_chain_of_another_form_stays(tmp_path: Path, break_chain: Callable[[onnx.GraphProto], None]) -> None:
    model = Model()
    add_product(model, model.input("x", ("m", 64)), draw_weights(48, 64, 0), "y")
    for node in model.nodes:  # names as the changes above say them
        node.output[0] = node.output[0].replace("y.x.unit", "y.unit")
        for place, name in enumerate(node.input):
            node.input[place] = name.replace("y.x.unit", "y.unit")
    model.input("other", ("m", 64))
    model.output("y")
    built = model.model()
    assert kinds(rewritten(built, tmp_path)) == ["ColumnsProduct*"]
    break_chain(built.graph)
    assert rewritten(built, tmp_path) is None


@pytest.mark.parametrize(
    "changes",
    [
        *({"softcap": 30.0}, {"local_window_size": 64}, {"rotary_interleaved": 1}, {"k_quant_type": "PER_TENSOR"}),
        *({"v_quant_type": "PER_TENSOR"}, {"kv_cache_bit_width": 4}, {"smooth_softmax": 1}),
        *({"num_heads": 0}, {"num_heads": 3}, {"num_heads": 66}, {"kv_num_heads": 0}, {"kv_num_heads": -2}),
    ],
)
def test_an_attention_of_another_kind_stays(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert rewritten(attention_model(Heads(turned=16), **changes), tmp_path) is None


def test_an_attention_of_other_sizes_stays(tmp_path: Path) -> None:
    assert rewritten(attention_model(Heads(size=24)), tmp_path) is None
    for name, value in (
        ("key_scales", np.ones(1, np.float32)),
        ("value_scales", np.ones((2, 16), np.float16)),
        ("sines", np.ones((5, 8), np.float32)),  # fewer positions than cosines
        ("cosines", np.ones((700, 16), np.float32)),
    ):
        model = attention_model(Heads(turned=16))
        replace(model.graph, name, value)
        assert rewritten(model, tmp_path) is None, name


@pytest.mark.parametrize("place", [1, 2, 9, 10, 11, 14])
def test_an_attention_with_more_inputs_stays(tmp_path: Path, place: int) -> None:
    """Separate keys or values, positions, a bias, a sink, or what a later version adds."""
    model = attention_model(Heads(turned=16))
    node = model.graph.node[0]
    node.input.extend([""] * (place + 1 - len(node.input)))
    node.input[place] = "packed"
    assert rewritten(model, tmp_path) is None


def test_norms_that_stay(tmp_path: Path) -> None:
    kept = ["BlocksProduct*", "SkipSimplifiedLayerNormalization"]
    assert kinds(rewritten(with_norm(width=24).model(), tmp_path)) == kept
    assert kinds(rewritten(with_norm(outputs=("out",)).model(), tmp_path)) == kept
    assert kinds(rewritten(with_norm(gain=(1, 16)).model(), tmp_path)) == kept


def test_norms_alone_are_not_worth_a_copy(tmp_path: Path) -> None:
    model = with_norm()
    del model.nodes[0], model.outputs[0]
    assert rewritten(model.model(), tmp_path) is None


def added(bias: np.ndarray[Any, Any], *, is_output: bool = False, is_read: bool = False) -> Model:
    """x ── product ──> y ── + bias ──> z."""
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "y")
    model.node("Add", [model.constant("bias", bias), "y"], "z")
    model.output("z")
    if is_output:
        model.output("y")
    if is_read:
        model.node("Neg", ["y"], "negative")
        model.output("negative")
    return model


def test_what_a_product_takes_over(tmp_path: Path) -> None:
    bias = np.ones(48, np.float32)
    assert kinds(rewritten(added(bias).model(), tmp_path)) == ["BlocksProduct*"]
    assert kinds(rewritten(added(bias, is_output=True).model(), tmp_path)) == ["BlocksProduct*", "Add"]
    assert kinds(rewritten(added(bias, is_read=True).model(), tmp_path)) == ["BlocksProduct*", "Add", "Neg"]
    for other in (np.ones(1, np.float32), np.ones((1, 48), np.float32), np.ones((2, 1, 48), np.float32)):
        assert kinds(rewritten(added(other).model(), tmp_path)) == ["BlocksProduct*", "Add"]


def test_only_one_activation_is_taken_over(tmp_path: Path) -> None:
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "y")
    model.contrib("QuickGelu", [model.contrib("FastGelu", ["y"], "first")], "second", alpha=1.0)
    model.output("second")
    assert kinds(rewritten(model.model(), tmp_path)) == ["BlocksProduct*", "QuickGelu"]


def test_a_gelu_with_a_bias_of_its_own_stays(tmp_path: Path) -> None:
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "y")
    model.contrib("FastGelu", ["y", model.constant("bias", np.ones(48, np.float32))], "z")
    model.output("z")
    assert kinds(rewritten(model.model(), tmp_path)) == ["BlocksProduct*", "FastGelu"]


def test_a_factor_of_other_rows_stays(tmp_path: Path) -> None:
    """One row of factors is spread over all rows; own operators have no such thing."""
    model = Model()
    gate = model.contrib("FastGelu", [add_product(model, model.input("g", (1, 64)), WEIGHTS, "gate")], "active")
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "up")
    model.node("Mul", ["up", gate], "z")
    model.output("z")
    assert kinds(rewritten(model.model(), tmp_path)) == ["BlocksProduct*", "BlocksProduct*", "Mul"]


def test_unread_nodes_are_dropped(tmp_path: Path) -> None:
    """A norm too whose empty outputs are named as the empty inputs of others."""
    model = with_norm()
    del model.outputs[1:]
    model.node("Neg", ["y"], "unread")
    model.node("Clip", ["y", "", "top"], "clipped")
    model.constant("top", np.float32(1))
    model.output("clipped")
    assert kinds(rewritten(model.model(), tmp_path)) == ["BlocksProduct*", "Clip"]
