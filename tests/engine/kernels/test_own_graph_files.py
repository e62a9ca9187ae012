"""Whole files: graphs that are left to ONNX Runtime, weights beside the file, damage; the file is never touched."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from engine.kernels.own_graph import own_graph
from engine.runtime import Threads, _load_own
from tests.engine.kernels.own_models import (
    Heads,
    Model,
    Weights,
    add_product,
    attention_model,
    draw_weights,
    kinds,
    needs_kernels,
    own_session,
    product_model,
    raw_session,
    rewritten,
)

WEIGHTS = draw_weights(48, 64, 4)


def test_a_graph_with_graphs_inside_is_left_alone(tmp_path: Path) -> None:
    model = Model()
    add_product(model, model.input("x", ("m", 64)), WEIGHTS, "y")
    inner = helper.make_graph(
        [helper.make_node("Neg", ["y"], ["z"])], "inner", [], [helper.make_tensor_value_info("z", 1, None)]
    )
    model.node("If", [model.input("choice", (), TensorProto.BOOL)], "out", then_branch=inner, else_branch=inner)
    model.output("out")
    assert rewritten(model.model(), tmp_path) is None


@needs_kernels
def test_the_rewritten_model_is_a_model(tmp_path: Path) -> None:
    models = [product_model(draw_weights(48, 64, bits)) for bits in (4, 8, 0)]
    for model in [*models, attention_model(Heads(turned=16))]:
        made = rewritten(model, tmp_path)
        assert made is not None
        assert {opset.domain: opset.version for opset in made.opset_import}["nextstroke"] == 1
        for entry in made.graph.output:  # of any shape, which the checker calls missing
            entry.type.tensor_type.shape.SetInParent()
        onnx.checker.check_model(made)
        assert [entry.name for entry in raw_session(made).get_inputs()] == [entry.name for entry in model.graph.input]


@needs_kernels
def test_weights_beside_the_file(tmp_path: Path) -> None:
    model, x = product_model(WEIGHTS), np.ones((2, 64), np.float32)
    wanted = own_session(model, tmp_path).run(None, {"x": x})[0]
    path = tmp_path / "outside.onnx"
    onnx.save(model, path, save_as_external_data=True, location="outside.data", size_threshold=0)
    session = _load_own(path, Threads(1, rest=False))
    assert session is not None
    assert session.run(None, {"x": x})[0].tobytes() == wanted.tobytes()
    (tmp_path / "outside.data").unlink()
    assert _load_own(path, Threads(1, rest=False)) is None


def test_the_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "graph.onnx"
    onnx.save(product_model(WEIGHTS), path)
    path.chmod(0o400)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert own_graph(path) is not None
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert sorted(tmp_path.iterdir()) == [path]


def test_damaged_files_are_left_to_onnx_runtime(tmp_path: Path) -> None:
    """Cut at every length, and with every byte of its structure changed: never an error, at most nothing."""
    path = tmp_path / "graph.onnx"
    assert own_graph(path) is None
    path.write_bytes(b"")
    assert own_graph(path) is None
    whole = product_model(Weights(np.zeros((1, 1, 16), np.uint8), np.ones((1, 1), np.float32), np.zeros((1, 32)), 4))
    content = whole.SerializeToString()
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        found = own_graph(path)
        assert found is None or kinds(onnx.load_from_string(found)) == ["BlocksProduct*"]  # whole but for its end
    random = np.random.default_rng(1)
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ random.integers(1, 256)]) + content[place + 1 :])
        assert isinstance(own_graph(path), bytes | None)
