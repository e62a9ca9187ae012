"""A slow judge: small regular expressions as sets of byte strings, followed byte by byte (Brzozowski's derivatives).

    ("byte", b)   ("cat", a, b)   ("or", {…})   ("star", a)   EMPTY: the empty text alone   NOTHING: no text at all

The makers below never hide a NOTHING inside, so whatever is not NOTHING can still become a match.
"""

import functools
import re

from hypothesis import strategies as st

Node = tuple
NOTHING: Node = ("nothing",)
EMPTY: Node = ("empty",)


def cat(*parts: Node) -> Node:
    if not parts:
        return EMPTY
    first, rest = parts[0], cat(*parts[1:])
    if NOTHING in (first, rest):
        return NOTHING
    if first == EMPTY:
        return rest
    return first if rest == EMPTY else ("cat", first, rest)


def either(*parts: Node) -> Node:
    flat = {one for part in parts for one in (part[1] if part[0] == "or" else [part])} - {NOTHING}
    if not flat:
        return NOTHING
    return flat.pop() if len(flat) == 1 else ("or", frozenset(flat))


def star(part: Node) -> Node:
    return EMPTY if part in (NOTHING, EMPTY) else ("star", part)


def maybe(part: Node) -> Node:
    return either(EMPTY, part)


def literal(text: str) -> Node:
    return cat(*(("byte", byte) for byte in text.encode()))


@functools.cache
def may_end(node: Node) -> bool:
    """Whether the empty text is one of them."""
    if node[0] == "cat":
        return may_end(node[1]) and may_end(node[2])
    if node[0] == "or":
        return any(map(may_end, node[1]))
    return node[0] in ("empty", "star")


@functools.cache
def after_byte(node: Node, byte: int) -> Node:
    """What may follow this byte."""
    kind = node[0]
    if kind == "byte":
        return EMPTY if node[1] == byte else NOTHING
    if kind == "cat":
        later = after_byte(node[2], byte) if may_end(node[1]) else NOTHING
        return either(cat(after_byte(node[1], byte), node[2]), later)
    if kind == "or":
        return either(*(after_byte(part, byte) for part in node[1]))
    return cat(after_byte(node[1], byte), node) if kind == "star" else NOTHING


def after(node: Node, text: bytes) -> Node:
    for byte in text:
        node = after_byte(node, byte)
    return node


LETTERS = 'ab从前🙂é/"\\\n-'


def _leaf(letters: str) -> tuple[str, Node]:
    return "[" + "".join(map(re.escape, letters)) + "]", either(*map(literal, letters))


def _repeated(part: tuple[str, Node], least: int, more: int) -> tuple[str, Node]:
    pattern, node = part
    return f"(?:{pattern}){{{least},{least + more}}}", cat(*[node] * least, *[maybe(node)] * more)


def regexes() -> st.SearchStrategy[tuple[str, Node]]:
    """A regular expression as text, and the same as a node."""
    texts = st.text(LETTERS, min_size=1, max_size=4).map(lambda text: (re.escape(text), literal(text)))
    classes = st.text(LETTERS, min_size=1, max_size=3).map(_leaf)

    def larger(parts: st.SearchStrategy[tuple[str, Node]]) -> st.SearchStrategy[tuple[str, Node]]:
        several = st.lists(parts, min_size=2, max_size=3)
        return st.one_of(
            several.map(lambda all: ("".join(f"(?:{one})" for one, _ in all), cat(*(node for _, node in all)))),
            several.map(lambda all: ("|".join(f"(?:{one})" for one, _ in all), either(*(node for _, node in all)))),
            parts.map(lambda one: (f"(?:{one[0]})*", star(one[1]))),
            parts.map(lambda one: (f"(?:{one[0]})?", maybe(one[1]))),
            st.builds(_repeated, parts, st.integers(0, 2), st.integers(0, 2)),
        )

    return st.recursive(st.one_of(texts, classes), larger, max_leaves=6)
