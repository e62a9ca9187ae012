"""A dictionary learnt from sentence pairs, and translation word for word with it: the baseline of translation.

For: `score.py`.
Knows: IBM model 1 (Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1): every word of
the target comes from one word of the source, or from none, wherever it stands.

    t(f | e)  <-  sum over pairs of  t(f | e) / sum of t(f | e') over the words e' of that source (and "no word")

Must not know: models, tasks. Nothing is downloaded: it knows what a model could have learnt from the same pairs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Words = tuple[str, ...]
Table = dict[str, dict[str, float]]  # source word -> target word -> probability

NO_WORD = ""
ROUNDS = 5  # of expectation and maximization; later ones change few best words


@dataclass(frozen=True)
class Side:
    """One language: how a text becomes words, and words a text."""

    split: Callable[[str], Words]
    join: Callable[[Sequence[str]], str]


class Dictionary:
    """Learnt from pairs, used in one direction."""

    def __init__(self, pairs: Sequence[tuple[str, str]], source: Side, target: Side) -> None:
        self._source, self._target = source, target
        split = [(source.split(left), target.split(right)) for left, right in pairs]
        there = word_probabilities(split)
        back = word_probabilities([(right, left) for left, right in split])
        self._best = {word: _best(word, found, back) for word, found in there.items() if word != NO_WORD}

    def word(self, source: str) -> str | None:
        """The word for a word; None where it was never seen."""
        return self._best.get(source)

    def translate(self, text: str) -> str:
        """Word for word; a word that was never seen is copied."""
        found = (self._best.get(word, word) for word in self._source.split(text))
        return self._target.join([word for word in found if word])


def word_probabilities(pairs: Iterable[tuple[Words, Words]], rounds: int = ROUNDS) -> Table:
    """t(target word | source word) by expectation and maximization, from equal probabilities."""
    pairs = [((NO_WORD, *left), right) for left, right in pairs]
    table: Table = {}
    for left, right in pairs:
        for word in left:
            table.setdefault(word, {}).update(dict.fromkeys(right, 1.0))
    for _ in range(rounds):
        counts: Table = {word: defaultdict(float) for word in table}
        for left, right in pairs:
            for target in right:
                shares = [table[word][target] for word in left]
                total = sum(shares)
                for word, share in zip(left, shares, strict=True):
                    counts[word][target] += share / total
        for word, found in counts.items():
            mass = sum(found.values())
            table[word] = {target: count / mass for target, count in found.items()} if mass else {}
    return table


def _best(word: str, found: dict[str, float], back: Table) -> str:
    """The word that both directions agree on most: t(f | e) alone would prefer what stands in every sentence.

    Leaving a word out where they agree little (products below 0.002 to 0.1) only lowered chrF, so none is left out.
    """
    return max(found, key=lambda target: (found[target] * back[target].get(word, 0.0), target), default=NO_WORD)
