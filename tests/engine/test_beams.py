"""Beam search on a toy model: exhaustive, it finds what an enumeration finds; narrow, what the plain rule keeps."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.beams import BeamSearch, Hypothesis, Option

END = 0
Text = tuple[int, ...]


class Toy:
    """Probabilities of the next of a few tokens, another distribution behind every beginning."""

    def __init__(self, seed: int, vocabulary: int, spread: float) -> None:
        self.seed, self.vocabulary, self.spread = seed, vocabulary, spread

    def logprobs(self, text: Text) -> np.ndarray:
        scores = np.random.default_rng([self.seed, *text]).standard_normal(self.vocabulary) * self.spread
        return scores - math.log(math.fsum(np.exp(scores)))

    def texts(self, longest: int) -> Iterator[tuple[Text, float, int]]:
        """Every text: its tokens, logarithm and length; an end counts, and may come anywhere."""
        words = range(1, self.vocabulary)
        for count in range(longest + 1):
            for text in itertools.product(words, repeat=count):
                total = sum(self.logprobs(text[:place])[token] for place, token in enumerate(text))
                if count < longest:
                    yield text, total + self.logprobs(text)[END], count + 1
                else:
                    yield text, total, count


def found_by(toy: Toy, width: int, best: int, longest: int, penalty: float) -> tuple[list[tuple[Text, float]], int]:
    """Texts and scores, the best first; and how many steps it took."""
    search: BeamSearch[None] = BeamSearch(width, best, longest, penalty)
    kept: list[Hypothesis[None]] = [Hypothesis((), 0.0, 0, None)]

    def grow(one: Hypothesis[None], option: Option) -> Hypothesis[None]:
        total, length = one.total + option.logprob, one.length + 1
        if option.token == END:
            return Hypothesis(one.ids, total, length, None, is_finished=True)
        return Hypothesis((*one.ids, option.token), total, length, None, is_finished=length >= longest)

    steps = 0
    while kept:
        options = [[Option(token, float(p)) for token, p in enumerate(toy.logprobs(one.ids))] for one in kept]
        parents, grown = search.step(kept, options, grow)
        assert [one.ids[:-1] for one in grown] == [kept[parent].ids for parent in parents]
        kept, steps = grown, steps + 1
    return [(one.ids, search.score(one)) for one in search.found], steps


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([0.2, 1.0, 3.0]),
    penalty=st.sampled_from([0.0, 1.0, 2.0, 0.5, -1.0]),
    longest=st.integers(1, 4),
    best=st.integers(1, 5),
)
def test_wide_enough_it_finds_the_best_of_all_texts(
    seed: int, spread: float, penalty: float, longest: int, best: int
) -> None:
    toy = Toy(seed, 4, spread)
    every = [(text, total / length**penalty) for text, total, length in toy.texts(longest)]
    every.sort(key=lambda pair: -pair[1])
    found, _ = found_by(toy, 200, best, longest, penalty)
    assert [text for text, _ in found] == [text for text, _ in every[:best]]
    assert [score for _, score in found] == pytest.approx([score for _, score in every[:best]], abs=1e-12)


def plain_beam_search(toy: Toy, width: int, best: int, longest: int, penalty: float) -> list[Text]:
    """The rule as one writes it down, to the very end, nothing left out early."""
    kept, finished = [((), 0.0)], []
    for length in range(1, longest + 1):
        ranked = sorted(
            (-(total + logprob), row, token)
            for row, (text, total) in enumerate(kept)
            for token, logprob in enumerate(toy.logprobs(text))
        )
        following = []
        for negative, row, token in ranked:
            text = kept[row][0] if token == END else (*kept[row][0], token)
            if token == END or length == longest:
                finished.append((-(-negative / length**penalty), text))
            else:
                following.append((text, -negative))
                if len(following) == width:
                    break
        kept = following
    return [text for _, text in sorted(finished)[:best]]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    width=st.integers(1, 6),
    penalty=st.sampled_from([0.0, 1.0, 2.0, -1.0]),
    longest=st.integers(1, 8),
    spread=st.sampled_from([0.3, 2.0]),
)
def test_narrow_it_keeps_what_the_plain_rule_keeps(
    seed: int, width: int, penalty: float, longest: int, spread: float
) -> None:
    toy = Toy(seed, 5, spread)
    found, _ = found_by(toy, width, width, longest, penalty)
    assert [text for text, _ in found] == plain_beam_search(toy, width, width, longest, penalty)


def test_it_ends_when_nothing_can_change_any_more() -> None:
    class Sure(Toy):
        def logprobs(self, text: Text) -> np.ndarray:
            return np.log([0.9, 0.05, 0.05])

    found, steps = found_by(Sure(0, 3, 1), 3, 1, 100, 0.0)
    assert found[0][0] == ()
    assert steps <= 2


def test_equals_stand_in_the_order_of_their_ids() -> None:
    class Even(Toy):
        def logprobs(self, text: Text) -> np.ndarray:
            return np.log([1e-9, 0.5, 0.5])

    found, _ = found_by(Even(0, 3, 1), 4, 4, 2, 1.0)
    assert [text for text, _ in found] == [(1, 1), (1, 2), (2, 1), (2, 2)]
