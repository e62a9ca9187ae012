"""The race: all contestants answer the same question one after the other, question by question, round by round.

    a round:   read bandwidth
               32 tokens    -> decode                      one line each: A, B, C, A, B, C, …
               512 tokens   -> prefill, decode
               900 tokens   -> first token, decode
               the last word of these replaced -> first token
               512 tokens   -> four rows at once

What else the machine does meets all of them alike. A first round warms up and is not counted; the order turns from
round to round. Then every contestant is started anew, round by round, for the load times.
Knows children and clocks; must not know who is who, or what is concluded.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.peers.bandwidth import ReadBandwidth
from tests.bench.peers.child import Child, Program
from tests.bench.peers.other_work import OtherWork
from tests.bench.peers.protocol import Written

EDITED_TOKENS = 2  # a word


@dataclass(frozen=True)
class Plan:
    """What is measured. `pasts`: the lengths of the texts that are continued, shortest first."""

    pasts: tuple[int, ...] = (32, 512, 900)
    prefill: int = 512  # one of them
    new_tokens: int = 48
    candidates: int = 4
    rounds: int = 5
    threads: int = 2

    @property
    def context(self) -> int:
        """The most tokens of one text."""
        return max(self.pasts) + self.new_tokens + 1

    @property
    def edited(self) -> int:
        """The length of the text whose last word is replaced."""
        return max(self.pasts)


@dataclass(frozen=True)
class Question:
    """One thing to write, and how its answer becomes figures."""

    ids: tuple[int, ...]
    count: int
    rows: int
    fresh: bool
    figures: Callable[[Written], dict[str, float]]


Figures = dict[str, dict[str, float]]  # by figure, then by contestant


@dataclass(frozen=True)
class Round:
    """The figures: tokens per second, or milliseconds where the name says so.

    `bandwidth`: bytes per second of the memory. `others`: the share of all processor time that programs outside the
    race took meanwhile, as far as the system says.
    """

    bandwidth: float
    others: float
    figures: Figures


@dataclass(frozen=True)
class Outcome:
    """Everything that was measured. `agreement`: share of first tokens that are the first contestant's own."""

    rounds: list[Round]
    load_seconds: list[dict[str, float]]
    peak_bytes: dict[str, int | None]
    facts: dict[str, dict[str, object]]
    agreement: dict[str, float]


def race(
    children: Sequence[Child],
    plan: Plan,
    vocabulary: int,
    start: Callable[[Program], Child],
    say: Callable[[str], None],
) -> Outcome:
    """Run all rounds and say every one; `children` have ended afterwards. Raises `ChildError`."""
    names = [child.name for child in children]
    bandwidth = ReadBandwidth(plan.threads)
    firsts: dict[str, list[int]] = {name: [] for name in names}
    rounds: list[Round] = []
    for number in range(plan.rounds + 1):
        others = OtherWork([child.process_id for child in children])
        speed = bandwidth.measure()
        figures = _ask_all(turned(children, number), questions(plan, vocabulary, number), firsts)
        if number:
            rounds.append(Round(speed, others.share(), figures))
            say_round(number, rounds[-1], names, say)
    peaks = {child.name: child.peak_memory_bytes() for child in children}
    for child in children:
        child.close()
    loads = _load_rounds([child.program for child in children], plan.rounds, start, say)
    return Outcome(rounds, loads, peaks, {child.name: child.facts for child in children}, _agreement(firsts))


def questions(plan: Plan, vocabulary: int, number: int) -> list[Question]:
    """Those of one round: other random tokens in every round, the same ones for everybody."""
    dice = random.Random(number)
    found = []
    texts = {past: tuple(dice.choices(range(1, vocabulary), k=past)) for past in plan.pasts}
    for past, ids in texts.items():
        found.append(Question(ids, plan.new_tokens + 1, 1, True, _of_text(past, plan)))
    kept = texts[plan.edited][:-EDITED_TOKENS]
    other = tuple(token % (vocabulary - 1) + 1 for token in texts[plan.edited][-EDITED_TOKENS:])
    found.append(Question((*kept, *other), 1, 1, False, lambda w: {f"edit {plan.edited} ms": 1000 * w.arrivals[0]}))

    def several(written: Written) -> dict[str, float]:
        return {f"{plan.candidates} rows {plan.prefill}": plan.candidates * decode_rate(written)}

    found.append(Question(texts[plan.prefill], plan.new_tokens + 1, plan.candidates, True, several))
    return found


def decode_rate(written: Written) -> float:
    """Tokens per second of one row behind its first token."""
    return (len(written.arrivals) - 1) / (written.arrivals[-1] - written.arrivals[0])


def turned(children: Sequence[Child], number: int) -> list[Child]:
    """The same contestants with another one first."""
    start = number % len(children)
    return [*children[start:], *children[:start]]


def say_round(number: int, found: Round, names: Sequence[str], say: Callable[[str], None]) -> None:
    """One line a figure."""
    others = f"others took {found.others:.0%} of the processor"
    say(f"round {number}: memory {found.bandwidth / 1e9:.1f} GB/s, {others}")
    for figure, values in found.figures.items():
        say(f"  {figure:13} " + "   ".join(f"{name} {values[name]:,.1f}" for name in names))


def _of_text(past: int, plan: Plan) -> Callable[[Written], dict[str, float]]:
    def figures(written: Written) -> dict[str, float]:
        found = {f"decode {past}": decode_rate(written)}
        if past == plan.prefill:
            found[f"prefill {past}"] = past / written.arrivals[0]
        if past == plan.edited:
            found[f"cold {past} ms"] = 1000 * written.arrivals[0]
        return found

    return figures


def _ask_all(children: Sequence[Child], asked: Sequence[Question], firsts: Mapping[str, list[int]]) -> Figures:
    figures: Figures = {}
    for question in asked:
        for child in children:
            written = child.write(question.ids, question.count, question.rows, question.fresh)
            firsts[child.name].append(written.tokens[0])
            for name, value in question.figures(written).items():
                figures.setdefault(name, {})[child.name] = value
    return figures


def _load_rounds(
    programs: Sequence[Program], rounds: int, start: Callable[[Program], Child], say: Callable[[str], None]
) -> list[dict[str, float]]:
    found = []
    for number in range(1, rounds + 1):
        seconds: dict[str, float] = {}
        for program in programs:
            with start(program) as child:
                seconds[program.name] = child.load_seconds
        found.append(seconds)
        say(f"load {number}: " + "   ".join(f"{name} {value:.2f} s" for name, value in seconds.items()))
    return found


def _agreement(firsts: Mapping[str, Sequence[int]]) -> dict[str, float]:
    first = next(iter(firsts.values()))
    return {name: sum(map(int.__eq__, first, tokens)) / len(first) for name, tokens in firsts.items()}
