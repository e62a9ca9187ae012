"""What can be had without a model: copies, leads, and a dictionary.

For: `score.py`, which sets them beside a model's answers.
Knows: which baselines a task has, by what its name begins with. Must not know: models, chrF.

    translate-*   copy: the source as it is;  dictionary: word for word, learnt from the training pairs
    others        first characters: as many as a target of the training part has on average;  first sentence
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine.contracts.tasks import TaskFormat
from export.tasks.dictionary import Dictionary
from export.tasks.pairs import Pair
from export.tasks.words import chinese, english

_SENTENCE = re.compile(r".*?(?:[。！？][”’]*|[.!?][\"']*(?=\s)|\n|$)", re.DOTALL)


def baselines(task: TaskFormat, training: Sequence[Pair], sources: Sequence[str]) -> dict[str, list[str]]:
    """Name of the baseline -> its answers to the sources."""
    if task.name.startswith("translate-"):
        return {"copy": list(sources), "dictionary": _translated(task, training, sources)}
    length = round(sum(len(target) for _, target in training) / max(1, len(training)))
    return {
        "first characters": [source[:length] for source in sources],
        "first sentence": [first_sentence(source) for source in sources],
    }


def first_sentence(text: str) -> str:
    """Up to the first mark that ends a sentence, or the first line."""
    found = _SENTENCE.match(text)
    return found[0].strip() if found else text


def _translated(task: TaskFormat, training: Sequence[Pair], sources: Sequence[str]) -> list[str]:
    into_chinese = task.name.endswith("-zh")
    chinese_side = chinese(pair[1 if into_chinese else 0] for pair in training)
    sides = (english(), chinese_side) if into_chinese else (chinese_side, english())
    dictionary = Dictionary(training, *sides)
    return [dictionary.translate(source) for source in sources]
