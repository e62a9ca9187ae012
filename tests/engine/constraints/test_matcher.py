"""Masks: for every token the matcher says what a slow judge says, which follows the token's bytes one by one."""

import functools
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.constraints.matcher import Matcher, Vocabulary
from engine.contracts.constraint import CHOICES, JSON_SCHEMA, REGEX, Constraint
from engine.contracts.errors import EmptyDistributionError, UsageError
from tests.engine.constraints.byte_regex import (
    LETTERS,
    NOTHING,
    Node,
    after,
    cat,
    either,
    literal,
    may_end,
    maybe,
    regexes,
)
from tests.engine.test_tokenizer import byte_level_tokenizer, sentencepiece_tokenizer

BYTES = [bytes([byte]) for byte in range(256)]


@functools.cache
def made_up_pieces() -> tuple[bytes, ...]:
    """No text at 0, every byte, some bytes twice, and pieces that begin and end within characters."""
    numbers = random.Random(5)
    texts = ["".join(numbers.choices(LETTERS, k=6)).encode() for _ in range(150)]
    cuts = [text[numbers.randrange(len(text)) :][: numbers.randint(2, 7)] for text in texts]
    return (b"", *BYTES, *BYTES[97:99], *cuts, b"")


TABLES = {
    "made up": made_up_pieces,
    "sentencepiece": lambda: tuple(sentencepiece_tokenizer().pieces),
    "byte level": lambda: tuple(byte_level_tokenizer().pieces),
}


@functools.cache
def vocabulary_of(table: str) -> tuple[tuple[bytes, ...], Vocabulary]:
    pieces = TABLES[table]()
    return pieces, Vocabulary(pieces)


def expected_mask(node: Node, pieces: Sequence[bytes], end_of_text: int) -> np.ndarray:
    mask = np.array([bool(piece) and after(node, piece) != NOTHING for piece in pieces])
    mask[end_of_text] = may_end(node)
    return mask


def compare_on_the_way(matcher: Matcher, node: Node, pieces: Sequence[bytes], seed: int, steps: int) -> None:
    """Both masks at each place of a random text."""
    numbers = random.Random(seed)
    for _ in range(steps):
        expected = expected_mask(node, pieces, 0)
        assert matcher.allowed().tolist() == expected.tolist()
        going_on = [int(token) for token in np.flatnonzero(expected) if token]
        assert matcher.is_complete == (not going_on)
        if not going_on:
            return
        token = numbers.choice(going_on)
        matcher.accept(token)
        node = after(node, pieces[token])


@pytest.mark.parametrize("table", TABLES)
@settings(deadline=None)  # the machine may be busy
@given(regex=regexes(), seed=st.integers(0, 99))
def test_the_mask_of_a_regex_is_the_judges(table: str, regex: tuple[str, Node], seed: int) -> None:
    pattern, node = regex
    pieces, vocabulary = vocabulary_of(table)
    assume(any(after(node, byte) != NOTHING for byte in BYTES))  # not the empty text alone
    compare_on_the_way(vocabulary.matcher(Constraint(REGEX, pattern), 0), node, pieces, seed, 8)


@pytest.mark.parametrize("table", TABLES)
@settings(deadline=None)  # the machine may be busy
@given(choices=st.lists(st.text(LETTERS, min_size=1, max_size=6), min_size=1, max_size=5), seed=st.integers(0, 99))
def test_the_mask_of_choices_is_the_judges(table: str, choices: list[str], seed: int) -> None:
    pieces, vocabulary = vocabulary_of(table)
    node = either(*map(literal, choices))
    compare_on_the_way(vocabulary.matcher(Constraint(CHOICES, tuple(choices)), 0), node, pieces, seed, 20)


@settings(deadline=None)  # the machine may be busy
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8))
def test_any_text_can_be_a_choice(text: str) -> None:
    pieces, vocabulary = vocabulary_of("made up")
    matcher = vocabulary.matcher(Constraint(CHOICES, (text,)), 0)
    compare_on_the_way(matcher, literal(text), pieces, 1, 40)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("seed", range(5))
def test_the_mask_of_a_schema_is_the_judges(table: str, seed: int) -> None:
    schema = {
        "type": "object",
        "properties": {"名": {"enum": ["前", "后面", "🙂 a"]}, "n": {"type": "boolean"}},
        "required": ["名"],
        "additionalProperties": False,
    }
    value = either(*(literal(f'"{word}"') for word in ("前", "后面", "🙂 a")))
    flag = either(literal("true"), literal("false"))
    node = cat(literal('{"名": '), value, maybe(cat(literal(', "n": '), flag)), literal("}"))
    pieces, vocabulary = vocabulary_of(table)
    constraint = Constraint.from_dict({"kind": JSON_SCHEMA, "value": schema})
    compare_on_the_way(vocabulary.matcher(constraint, 0), node, pieces, seed, 80)


def test_a_fork_goes_its_own_way() -> None:
    pieces, vocabulary = vocabulary_of("made up")
    matcher = vocabulary.matcher(Constraint(CHOICES, ("ab", "ba")), 0)
    a, b = pieces.index(b"a"), pieces.index(b"b")
    copy = matcher.fork()
    matcher.accept(a)
    copy.accept(b)
    again = copy.fork()
    copy.accept(a)
    assert matcher.allowed()[b]
    assert not matcher.allowed()[a]
    assert (matcher.is_complete, copy.is_complete, again.is_complete) == (False, True, False)
    again.accept(a)
    assert again.is_complete


def test_a_text_ends_nowhere_where_no_token_ends_it() -> None:
    pieces, vocabulary = vocabulary_of("made up")
    matcher = vocabulary.matcher(Constraint(REGEX, "a*"), -1)
    assert {pieces[token][:1] for token in np.flatnonzero(matcher.allowed())} == {b"a"}


def test_part_of_a_token_counts_by_its_bytes() -> None:
    _, vocabulary = vocabulary_of("made up")
    matcher = vocabulary.matcher(Constraint(REGEX, "从[前后]"), 0)
    half = "从".encode()[:2]
    assert matcher.can_accept(b"")
    assert matcher.can_accept("从前".encode())
    assert not matcher.can_accept("从从".encode())
    matcher.accept_bytes(half)
    assert matcher.can_accept("从前".encode()[2:])
    assert not matcher.can_accept("从前".encode())


def test_tokens_that_cannot_spell_the_constraint_are_refused_or_end_in_words() -> None:
    vocabulary = Vocabulary([b"", b"a", b"ab"])
    with pytest.raises(UsageError, match="no text can fulfil the constraint; loosen it"):
        vocabulary.matcher(Constraint(REGEX, "c+"), 0)
    assert not vocabulary.matcher(Constraint(REGEX, "a"), 0).can_accept(b"c")
    matcher = vocabulary.matcher(Constraint(REGEX, "abc"), 0)
    matcher.accept(2)
    with pytest.raises(EmptyDistributionError, match="no token of this model can go on within the constraint"):
        matcher.allowed()
