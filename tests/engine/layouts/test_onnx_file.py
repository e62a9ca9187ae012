"""The head of an ONNX file, read without the `onnx` package, against that package."""

import contextlib
from pathlib import Path

import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from engine.contracts.errors import ModelFolderError
from engine.layouts.onnx_file import ELEMENT_TYPES, read_onnx_file

MADE = Path(__file__).parent / "made"
FILES = sorted(MADE.rglob("*.onnx"))


def graphs_in(graph: onnx.GraphProto) -> list[onnx.GraphProto]:
    inner = [
        found
        for node in graph.node
        for attribute in node.attribute
        for part in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs)
        for found in graphs_in(part)
    ]
    return [graph, *inner]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_it_reads_what_the_onnx_package_reads(file: Path) -> None:
    model = onnx.load(file, load_external_data=False)
    found = read_onnx_file(file)
    for mine, theirs in ((found.inputs, model.graph.input), (found.outputs, model.graph.output)):
        assert list(mine) == [entry.name for entry in theirs]
        for entry in theirs:
            tensor = entry.type.tensor_type
            shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param for d in tensor.shape.dim)
            assert (mine[entry.name].dtype, mine[entry.name].shape) == (ELEMENT_TYPES[tensor.elem_type], shape)
    graphs = graphs_in(model.graph)
    assert found.operators == {node.op_type for graph in graphs for node in graph.node}
    for name in found.inputs:
        users = {node.op_type for graph in graphs for node in graph.node if name in node.input}
        assert found.readers.get(name, set()) == users
    outside = {e.value for g in graphs for t in g.initializer for e in t.external_data if e.key == "location"}
    assert found.external_files == outside


def test_weights_outside_are_found_in_subgraphs_and_constants_too(tmp_path: Path) -> None:
    def tensor(location: str) -> onnx.TensorProto:
        made = helper.make_tensor("w", TensorProto.FLOAT, [0], [])
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value=location)
        return made

    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["y"], value=tensor("constant.bin"))], "inner", [], [], [tensor("inner.bin")]
    )
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    model = helper.make_model(helper.make_graph([branch], "outer", [], [], [tensor("outer.bin")]))
    constant = helper.make_node("Constant", [], ["z"], value=tensor("function.bin"))
    model.functions.append(helper.make_function("local", "F", [], ["z"], [constant], [helper.make_opsetid("", 21)]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    found = read_onnx_file(tmp_path / "m.onnx").external_files
    assert found == {"constant.bin", "inner.bin", "outer.bin", "function.bin"}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_does_more_than_a_refusal(data: st.DataObject, tmp_path: Path) -> None:
    content = bytearray((MADE / "genai-int4" / "model.onnx").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "damaged.onnx"
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(ModelFolderError):  # any other error fails the test
        read_onnx_file(file)


def test_graphs_within_graphs_have_an_end(tmp_path: Path) -> None:
    graph = helper.make_graph([], "innermost", [], [])
    for _ in range(20):
        graph = helper.make_graph([helper.make_node("Loop", [], [], body=graph)], "outer", [], [])
    (tmp_path / "deep.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(ModelFolderError, match="nested too deeply"):
        read_onnx_file(tmp_path / "deep.onnx")
