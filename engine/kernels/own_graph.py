"""A graph whose operators are exchanged for the project's own, node by node, as bytes for ONNX Runtime.

For: the runtime, where the library of own operators is there. Knows: which nodes own operators can stand for; weights
are never read, only names, types and sizes. Must not know: ONNX Runtime, protobuf, or how anything is computed.

    MatMulNBits ── (Add) ── (FastGelu | QuickGelu | Mul by another product) ──> one node
    Abs … QuantizeLinear ── MatMulIntegerToFloat ── Mul ── (Add) ── … ───────> one node
    GroupQueryAttention over an int8 cache, SkipLayerNormalization and its simplified form ──> the same, by own code

Own nodes that follow each other become one (`fused_nodes.py`). A node that own operators cannot stand for stays as it
is. Other programs read the same file, which is not touched.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from struct import error as StructError

from engine.contracts import graph_io
from engine.kernels.fused_nodes import fuse_runs
from engine.kernels.model_file import Graph, Node, Value, add_optional_number, read_model, written_model

DOMAIN = "nextstroke"
_CONTRIB = "com.microsoft"
_FLOAT, _UINT8, _INT8 = 1, 2, 3  # TensorProto.DataType
_BLOCK = 32
_LANES = 16
_HEADS = (16, 32, 64, 80, 96, 128, 256)  # sizes that have a kernel (attention.c)
_SHARED = 9  # place among the inputs of CacheAttention
_MOST_SHARE = 32  # query heads of one key-value head
_TANH_GELU, _SIGMOID_GELU = 1, 2  # tasks.h


def own_graph(path: Path, fuses: bool = True) -> bytes | None:
    """The file's model with own products or attention; None where it has none that can be exchanged, or is no model.

    `fuses`: whether runs of own nodes become one, which changes no bit of a result.
    """
    try:
        with path.open("rb") as stream:
            # Never closed by hand: a piece of it that an exception's frames still hold would forbid that.
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return _rewritten(memoryview(mapped), fuses)
    except (OSError, ValueError, IndexError, StructError):
        return None  # ONNX Runtime says better what is wrong with it


def _rewritten(content: memoryview, fuses: bool) -> bytes | None:
    model = read_model(content)
    # Inner graphs may read names of the outer one; and what names own operators itself is not of this program's making.
    if any(node.has_graphs or node.domain == DOMAIN for node in model.graph.nodes):
        return None
    if not _exchange(model.graph):
        return None
    _take_shared_positions(model.graph)
    if fuses:
        fuse_runs(model.graph, DOMAIN)
    return written_model(model, DOMAIN)


def _exchange(graph: Graph) -> bool:
    """Exchange what can be; whether anything was that is worth a copy of the file (norms alone are not)."""
    worthy = False
    for node in list(graph.nodes):
        own = _own_node(graph, node)
        if own is not None:
            graph.nodes[_place(graph.nodes, node)] = own
            worthy |= own.operator in (*_PRODUCTS, _ATTENTION)
    _fuse(graph)
    _drop_unread(graph)
    return worthy


def _take_shared_positions(graph: Graph) -> None:
    """Let attention be told how many positions all sequences of a batch have in common, which it then reads once."""
    attentions = [node for node in graph.nodes if node.operator == _ATTENTION and node.domain == DOMAIN]
    if attentions:
        add_optional_number(graph, graph_io.SHARED_POSITIONS)
    for node in attentions:
        node.inputs += [*[""] * (_SHARED - len(node.inputs)), graph_io.SHARED_POSITIONS]


def _own_node(graph: Graph, node: Node) -> Node | None:
    if node.domain != _CONTRIB:
        return None
    maker = _MAKERS.get(node.operator)
    return maker(graph, node) if maker is not None else None


def _blocks_product(graph: Graph, node: Node) -> Node | None:
    """Weights in blocks: 4 or 8 bits, 32 weights a scale, no zero points, activations rounded to 8 bits."""
    rows, width, bits = node.whole("N"), node.whole("K"), node.whole("bits", 4)
    plain = node.whole("block_size") == _BLOCK and node.whole("accuracy_level") == 4 and not any(node.inputs[3:])
    weights, scales = graph.weight(node.input(1), _UINT8), graph.weight(node.input(2), _FLOAT)
    if not plain or bits not in (4, 8) or width % _BLOCK or min(rows, width) < 1 or weights is None or scales is None:
        return None
    blocks = rows * (width // _BLOCK)
    if (_count(weights), _count(scales)) != (blocks * _BLOCK * bits // 8, blocks):
        return None
    options: dict[str, Value] = {"N": rows, "K": width, "bits": bits}
    return Node("BlocksProduct", DOMAIN, node.inputs[:3], node.outputs[:1], options, node.name)


def _columns_product(graph: Graph, node: Node) -> Node | None:
    """One scale a column: rows of activations divided by their largest value, rounded, and multiplied by it again.

    x ── Div (by its size) ── QuantizeLinear ── [this node] ── Mul (by the size) ──> product
    """
    shape, scale = graph.weight(node.input(1), _INT8), graph.weight(node.input(3), _FLOAT)
    rounded = _producer(graph, node.input(0), "QuantizeLinear", "")
    unit = None if rounded is None else _producer(graph, rounded.input(0), "Div", "")
    scaled = _only_reader(graph, node.outputs[0], "Mul", "")
    if shape is None or len(shape) != 2 or scale is None or unit is None or scaled is None or any(node.inputs[5:]):
        return None
    if shape[0] % _BLOCK or min(shape) < 1 or scale != (shape[1],):
        return None
    if set(scaled.inputs) != {node.outputs[0], unit.input(1)}:
        return None
    if rounded is None or rounded.inputs[1:] != [node.input(2), node.input(4)]:  # rounded and read with the same step
        return None
    size = _producer(graph, unit.input(1), "Max", "")
    largest = None if size is None else _producer(graph, size.input(0), "ReduceMax", "")
    magnitude = None if largest is None else _producer(graph, largest.input(0), "Abs", "")
    if magnitude is None or magnitude.input(0) != unit.input(0):
        return None
    graph.nodes.remove(scaled)
    options: dict[str, Value] = {"N": shape[1], "K": shape[0]}
    return Node(
        "ColumnsProduct", DOMAIN, [unit.input(0), node.input(1), node.input(3)], scaled.outputs[:1], options, node.name
    )


def _attention(graph: Graph, node: Node) -> Node | None:
    """Packed queries, keys and values over an int8 cache with a scale a channel; no window, no cap, no extra inputs."""
    heads, kv_heads = node.whole("num_heads"), node.whole("kv_num_heads")
    kind, shape = graph.inputs.get(node.input(3), (0, ()))
    known = {"num_heads", "kv_num_heads", "scale", "do_rotary", "rotary_interleaved"}
    known |= {"kv_cache_bit_width", "k_quant_type", "v_quant_type"}
    quantized = node.whole("kv_cache_bit_width") == 8 and all(
        node.options.get(option) == "PER_CHANNEL" for option in ("k_quant_type", "v_quant_type")
    )
    tables = [graph.weight(node.input(index), _FLOAT) for index in ((7, 8) if node.whole("do_rotary") else ())]
    unwanted = [node.input(index) for index in (1, 2, *range(9, 12), *range(14, len(node.inputs)))]
    if not quantized or set(node.options) - known or node.whole("rotary_interleaved") or any(unwanted):
        return None
    if kind != _INT8 or len(shape) != 4 or shape[3] not in _HEADS or min(heads, kv_heads) < 1 or heads % kv_heads:
        return None
    size = kv_heads * shape[3]
    scales = [graph.weight(node.input(index), _FLOAT) for index in (12, 13)]
    if any(found is None or _count(found) != size for found in scales) or heads // kv_heads > _MOST_SHARE:
        return None
    if any(table is None or len(table) != 2 or 2 * table[1] > shape[3] for table in tables) or len(set(tables)) > 1:
        return None
    if len(node.outputs) != 3:
        return None
    options: dict[str, Value] = {"num_heads": heads, "kv_num_heads": kv_heads}
    if node.options.get("scale"):
        options["scale"] = node.options["scale"]
    wanted = [0, 3, 4, 5, 6, 12, 13, *((7, 8) if tables else ())]
    return Node(_ATTENTION, DOMAIN, [node.input(index) for index in wanted], node.outputs, options, node.name)


def _norm(graph: Graph, node: Node) -> Node | None:
    """The sum of two streams and its norm; gains in floats, whole vectors wide."""
    gains = node.inputs[2:]
    shape = graph.weight(node.input(2), _FLOAT)
    if shape is None or len(shape) != 1 or shape[0] % _LANES or len(node.outputs) != 4 or any(node.outputs[1:3]):
        return None
    if (
        not node.outputs[0]
        or not node.outputs[3]
        or any(name and graph.weight(name, _FLOAT) != shape for name in gains)
    ):
        return None
    options = {name: node.options[name] for name in ("epsilon",) if name in node.options}
    return Node(node.operator, DOMAIN, node.inputs, node.outputs, options, node.name)


_MAKERS = {
    "MatMulNBits": _blocks_product,
    "MatMulIntegerToFloat": _columns_product,
    "GroupQueryAttention": _attention,
    "SkipLayerNormalization": _norm,
    "SkipSimplifiedLayerNormalization": _norm,
}
_PRODUCTS, _ATTENTION = ("BlocksProduct", "ColumnsProduct"), "CacheAttention"


def _fuse(graph: Graph) -> None:
    """Take the bias, then the activation, then the factor that alone read a product into it."""
    for product in [node for node in graph.nodes if node.operator in _PRODUCTS and node.domain == DOMAIN]:
        product.inputs += [""] * (5 - len(product.inputs))
        shape = (product.whole("N"),)
        reader = _only_reader(graph, product.outputs[0], "Add", "")
        bias = None if reader is None else _other(reader, product.outputs[0])
        if reader is not None and bias is not None and graph.weight(bias, _FLOAT) == shape:
            product.inputs[3] = bias
            _take_over(graph, product, reader)
        for operator, kind in (("FastGelu", _TANH_GELU), ("QuickGelu", _SIGMOID_GELU)):
            reader = _only_reader(graph, product.outputs[0], operator, _CONTRIB)
            if reader is not None and not any(reader.inputs[1:]):
                product.options |= {"activation": kind, "alpha": float(reader.options.get("alpha", 1.702))}
                _take_over(graph, product, reader)
                break  # one activation
    # A gate that multiplies another product is known only when all have their activations.
    for product in [node for node in graph.nodes if node.operator in _PRODUCTS and node.domain == DOMAIN]:
        reader = _only_reader(graph, product.outputs[0], "Mul", "")
        factor = None if reader is None else _other(reader, product.outputs[0])
        other = None if factor is None else _producer(graph, factor, "", DOMAIN)
        if reader is None or other is None or other.operator not in _PRODUCTS or "activation" in product.options:
            continue
        # Products of the same rows; others might be spread over each other.
        alike = other.whole("N") == product.whole("N") and other.inputs[0] == product.inputs[0]
        if "activation" in other.options and alike:
            product.inputs[4] = factor or ""
            _take_over(graph, product, reader)


def _take_over(graph: Graph, product: Node, reader: Node) -> None:
    """The product writes what its reader wrote, from the reader's place on."""
    product.outputs = reader.outputs[:1]
    graph.nodes.remove(product)
    graph.nodes[_place(graph.nodes, reader)] = product


def _drop_unread(graph: Graph) -> None:
    """Nodes whose results nobody reads any more, until none is left."""
    while True:
        read = {name for node in graph.nodes for name in node.inputs if name} | graph.outputs
        kept = [node for node in graph.nodes if any(name in read for name in node.outputs)]
        if len(kept) == len(graph.nodes):
            return
        graph.nodes = kept


def _place(nodes: list[Node], wanted: Node) -> int:
    return next(place for place, node in enumerate(nodes) if node is wanted)


def _producer(graph: Graph, name: str, operator: str, domain: str) -> Node | None:
    """The node that makes `name`, if it is of that kind (any operator where none is named)."""
    for node in graph.nodes:
        if name in node.outputs:
            return node if node.domain == domain and operator in ("", node.operator) else None
    return None


def _only_reader(graph: Graph, name: str, operator: str, domain: str) -> Node | None:
    """The node that alone reads `name`, if it is of that kind and nothing outside reads it."""
    readers = [node for node in graph.nodes if name in node.inputs]
    if name in graph.outputs or len(readers) != 1:
        return None
    return readers[0] if readers[0].operator == operator and readers[0].domain == domain else None


def _other(node: Node, name: str) -> str | None:
    """The other one of two inputs."""
    if len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return None
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count
