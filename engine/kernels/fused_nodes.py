"""Runs of own nodes as one node each: a step of a network costs what it computes, not what a hundred nodes cost.

For: `own_graph`, after the exchange. Knows: the order of nodes, who reads what, how wide a row is, and the description
that fused.c reads. Must not know: how anything is computed.

    own ── own ── other ── own     a node in between that reads nothing of the run goes before it,
       one         │     one       one that does ends it

What is only read inside a run lives between its steps, in as few places as possible: a tensor takes the place of one
that is read no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import pack, unpack

from engine.kernels.model_file import Graph, Node

OPERATOR = "Fused"
_MOST_FLOATS, _MOST_OUTPUTS, _MOST_INPUTS = 4, 20, 320  # as in operators.c; results in floats come first
_OUTPUTS, _INNER, _NOTHING = 2048, 4096, -1  # places, as in node.h
_STEP_INPUTS, _STEP_OUTPUTS = 10, 4

_KINDS = (
    "BlocksProduct",
    "ColumnsProduct",
    "CacheAttention",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
)
_PRODUCTS, _ATTENTION = _KINDS[:2], _KINDS[2]
_NORM_EPSILON = 1e-12  # where a node names none


def fuse_runs(graph: Graph, domain: str) -> None:
    """Put one node in place of each run of two or more own ones."""
    readers: dict[str, list[int]] = {}
    for node in graph.nodes:
        for name in {name for name in node.inputs if name}:
            readers.setdefault(name, []).append(id(node))
    nodes: list[Node] = []
    run: list[Node] = []

    def end_run() -> None:
        nodes.extend([_Run(graph, run, readers).node(domain)] if len(run) > 1 else run)
        run.clear()

    for node in graph.nodes:
        is_own = node.domain == domain and node.operator in _KINDS
        if is_own and run and not _Run(graph, [*run, node], readers).fits:
            end_run()
        if is_own:
            run.append(node)
            continue
        if {name for step in run for name in step.outputs if name} & set(node.inputs):
            end_run()
        nodes.append(node)
    end_run()
    graph.nodes = nodes


@dataclass
class _Run:
    """Own nodes that follow each other; `readers`: the nodes that read a name, by their identity."""

    graph: Graph
    steps: list[Node]
    readers: dict[str, list[int]]
    _places: dict[str, int] = field(default_factory=dict)
    _widths: list[int] = field(default_factory=list)  # of the places between steps

    @property
    def inputs(self) -> list[str]:
        """What comes from outside, in the order in which it is first read."""
        made = {name for step in self.steps for name in step.outputs}
        return list(dict.fromkeys(name for step in self.steps for name in step.inputs if name and name not in made))

    @property
    def caches(self) -> list[str]:
        """Keys and values, which are all read outside where the run fits."""
        return [name for step in self.steps if step.operator == _ATTENTION for name in step.outputs[1:]]

    @property
    def outputs(self) -> list[str]:
        """What is read outside, rows of floats and caches."""
        inside = {id(step) for step in self.steps}
        return [
            name
            for step in self.steps
            for name in step.outputs
            if name and (name in self.graph.outputs or not set(self.readers.get(name, ())) <= inside)
        ]

    @property
    def fits(self) -> bool:
        """Whether one node can have so many inputs and outputs, and every width is known."""
        outputs, caches = self.outputs, self.caches
        floats = len(outputs) - len(caches)
        return (
            set(caches) <= set(outputs)
            and 0 < floats <= _MOST_FLOATS
            and len(caches) <= _MOST_OUTPUTS - _MOST_FLOATS
            and len(self.inputs) <= _MOST_INPUTS
            and all(_width(self.graph, step) > 0 for step in self.steps)
        )

    def node(self, domain: str) -> Node:
        """The one that stands for all."""
        inputs, caches = self.inputs, self.caches
        floats = [name for name in self.outputs if name not in caches]
        outputs = [*floats, *[""] * (_MOST_FLOATS - len(floats)), *caches]
        self._places = {name: place for place, name in enumerate(inputs)}
        self._places |= {name: _OUTPUTS + place for place, name in enumerate(outputs) if name}
        described = [number for place, step in enumerate(self.steps) for number in self._described(place, step)]
        numbers = [len(self._widths), *self._widths, len(self.steps), *described]
        options: dict[str, int | float | str] = {"steps": " ".join(map(str, numbers))}
        return Node(OPERATOR, domain, inputs, outputs, options, f"{self.steps[0].name}…{self.steps[-1].name}")

    def _described(self, place: int, step: Node) -> list[int]:
        inputs = [self._places[name] if name else _NOTHING for name in step.inputs[:_STEP_INPUTS]]
        outputs = [self._output(place, name) if name else _NOTHING for name in step.outputs[:_STEP_OUTPUTS]]
        inputs += [_NOTHING] * (_STEP_INPUTS - len(inputs))
        outputs += [_NOTHING] * (_STEP_OUTPUTS - len(outputs))
        return [_KINDS.index(step.operator), *_options(step), *inputs, *outputs]

    def _output(self, place: int, name: str) -> int:
        """The node's own output, or a place between steps that nobody reads from here on."""
        if name not in self._places:
            width = _width(self.graph, self.steps[place])
            needed = {other for step in self.steps[place:] for other in (*step.inputs, *step.outputs)}
            taken = {self._places[other] for other in needed if other in self._places}
            free = [inner for inner in range(len(self._widths)) if _INNER + inner not in taken]
            if free:
                inner = min(free, key=lambda inner: abs(self._widths[inner] - width))
                self._widths[inner] = max(self._widths[inner], width)
            else:
                inner = len(self._widths)
                self._widths.append(width)
            self._places[name] = _INNER + inner
        return self._places[name]


def _width(graph: Graph, step: Node) -> int:
    """Of a row of floats that a step writes; 0 where it is not known."""
    if step.operator in _PRODUCTS:
        return step.whole("N")
    if step.operator == _ATTENTION:
        shape = graph.inputs.get(step.input(1), (0, ()))[1]
        return step.whole("num_heads") * shape[3] if len(shape) == 4 else 0
    gain = graph.weights.get(step.input(2))
    return gain.shape[0] if gain is not None and gain.shape else 0


def _options(step: Node) -> list[int]:
    if step.operator in _PRODUCTS:
        alpha = _bits(step.options.get("alpha", 0.0))
        return [step.whole("N"), step.whole("K"), step.whole("bits"), step.whole("activation"), alpha]
    if step.operator == _ATTENTION:
        return [step.whole("num_heads"), step.whole("kv_num_heads"), _bits(step.options.get("scale", 0.0)), 0, 0]
    return [_bits(step.options.get("epsilon", _NORM_EPSILON)), 0, 0, 0, 0]


def _bits(value: object) -> int:
    """A fraction's 32 bits as a whole number: no text of it depends on a language's comma."""
    return int(unpack("<i", pack("<f", float(str(value))))[0])
