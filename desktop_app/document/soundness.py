"""What must be true of every document, said in words where it is not: for tests, and for what comes out of a file.

Knows: all of the model. Must not know: files, Qt.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from desktop_app.document.model import Document
from desktop_app.document.spans import Knot, Rope, Span, spans_of
from desktop_app.document.tree import ROOT


def problems(document: Document) -> list[str]:
    """Everything that is wrong, one line each; nothing for a sound document."""
    found = tree_problems(document)
    for node in document.tree.nodes.values():
        found += _of_the_spans(document, tuple(spans_of(node.text)), f"node {node.id}")
        found += _of_the_sums(node.text, f"node {node.id}")
    return found


def tree_problems(document: Document) -> list[str]:
    """What is wrong beside the spans, whose number does not matter for the time that this takes."""
    found = list(_of_the_tree(document))
    if found:
        return found  # the rest walks along the branches
    if document.current not in document.tree.branches:
        found.append(f"branch {document.current} is shown and does not exist")
    branches = document.tree.branches
    found += [
        f"bookmark {mark.id} is at no place of a branch"
        for mark in document.bookmarks.values()
        if mark.branch not in branches or not 0 <= mark.position <= document.length(mark.branch)
    ]
    return found


def _span_problem(document: Document, span: Span) -> str:
    """What is wrong with a span of this document, or ""."""
    if span.length < 1 or span.start < 0 or span.start + span.length > len(document.buffer):
        return f"{tuple(span)} lies outside the text"
    if not 0 <= span.origin < len(document.origins):
        return f"{tuple(span)} has no origin"
    if span.units != document.buffer.units(span.start, span.length):
        return f"{tuple(span)} has another width"
    return ""


def _of_the_tree(document: Document) -> Iterator[str]:
    nodes, branches = document.tree.nodes, document.tree.branches
    if ROOT not in nodes or nodes[ROOT].parent:
        yield "the tree has no root"
        return
    reached, waiting = set[int](), [ROOT]
    while waiting:
        node = nodes[waiting.pop()]
        if node.id in reached:
            yield f"node {node.id} is reached twice"
            return
        reached.add(node.id)
        for child in node.children:
            if child not in nodes or nodes[child].parent != node.id:
                yield f"node {child} is no child of node {node.id}"
                return
            waiting.append(child)
        if len(node.children) == 1 and not node.is_held:
            yield f"node {node.id} is cut where nothing forks"
    if reached != set(nodes):
        yield f"nodes {sorted(set(nodes) - reached)} hang on nothing"
    leaves = sorted(node.id for node in nodes.values() if not node.children)
    if leaves != sorted(branch.leaf for branch in branches.values()):
        yield "leaves and branches are not the same"


def _of_the_spans(document: Document, spans: tuple[Span, ...], where: str) -> Iterator[str]:
    for span in spans:
        problem = _span_problem(document, span)
        if problem:
            yield f"{where}: {problem}"
    for one, two in pairwise(spans):
        if one.origin == two.origin and one.start + one.length == two.start:
            yield f"{where}: {tuple(one)} and {tuple(two)} are one span"


def _of_the_sums(rope: Rope, where: str) -> Iterator[str]:
    waiting: list[Knot] = [] if rope is None else [rope]
    while waiting:
        knot = waiting.pop()
        fresh = Knot(knot.before, knot.span, knot.after)
        if (fresh.count, fresh.length, fresh.units) != (knot.count, knot.length, knot.units):
            yield f"{where}: the sums of a knot are wrong"
        if not knot.is_balanced():
            yield f"{where}: a knot leans"
        waiting += [side for side in (knot.before, knot.after) if side is not None]
