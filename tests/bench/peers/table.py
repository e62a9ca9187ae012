"""A race as Markdown: what everybody reached, and the goals beside what we reached.

Knows Markdown; must not know how anything was measured.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from tests.bench.peers.figures import Report
from tests.bench.peers.goals import conversion_goals, goals

MIB = 1024 * 1024


def section(report: Report) -> str:
    """Both tables under a heading, what they were measured on before them, who was left out behind them."""
    return "\n".join([*_introduction(report), "", *figure_table(report), "", *goal_table(report), *_notes(report)])


def figure_table(report: Report) -> Iterator[str]:
    """One row a figure, one column a contestant: medians of the rounds."""
    names, outcome = report.names, report.outcome
    yield from _table_head(["median", *names])
    for past in report.plan.pasts:
        yield _row(f"decode at {past}, tokens/s", [f"{report.median(f'decode {past}', name):,.0f}" for name in names])
    figure = f"prefill {report.plan.prefill}"
    yield _row(f"{figure}, tokens/s", [f"{report.median(figure, name):,.0f}" for name in names])
    rows = f"{report.plan.candidates} rows {report.plan.prefill}"
    words = f"{report.plan.candidates} candidates at {report.plan.prefill}, tokens/s"
    yield _row(words, [f"{report.median(rows, name):,.0f}" for name in names])
    for kind, words in (("cold", "first token after {} new tokens, ms"), ("edit", "the same, last word edited, ms")):
        figure = f"{kind} {report.plan.edited} ms"
        yield _row(words.format(report.plan.edited), [f"{report.median(figure, name):,.1f}" for name in names])
    loads = {name: statistics.median(each[name] for each in outcome.load_seconds) for name in names}
    yield _row("start of the process to loaded, s", [f"{loads[name]:.1f}" for name in names])
    yield _row("peak memory, MiB", [_mib(outcome.peak_bytes[name]) for name in names])


def goal_table(report: Report) -> Iterator[str]:
    """One row a goal, one column for each of our folders, and who meets it."""
    yield from _table_head(["goal", *report.ours, "met by"])
    missed = []
    for goal in goals(report):
        results = {name: goal.of(name) for name in report.ours}
        met = [name for name, result in results.items() if result.is_met]
        yield _row(goal.what, [*(result.words for result in results.values()), ", ".join(met) or "**none**"])
        missed += [] if met else [goal.what]
    for what, result in conversion_goals(report):
        blanks = ["" for _ in report.ours[1:]]
        yield _row(what, [result.words, *blanks, "yes" if result.is_met else "**no**"])
        missed += [] if result.is_met else [what]
    yield ""
    yield "Missed: " + ("; ".join(missed) + "." if missed else "none.")


def _introduction(report: Report) -> Iterator[str]:
    machine, plan = report.machine, report.plan
    yield f"#### {report.shape.title}, random weights"
    yield ""
    speeds = [found.bandwidth / 1e9 for found in report.outcome.rounds]
    others = [found.others for found in report.outcome.rounds]
    yield (
        f"{report.date}, {machine['processor']}, {plan.threads} of {machine['cores']} cores; {len(speeds)} rounds, "
        f"every contestant in each; memory read at {min(speeds):.1f} to {max(speeds):.1f} GB/s; programs outside the "
        f"race took {min(others):.0%} to {max(others):.0%} of the processor meanwhile."
    )


def _notes(report: Report) -> Iterator[str]:
    yield ""
    facts = report.outcome.facts
    reference = report.names[0]
    yield "Programs: " + "; ".join(f"{name}: {_described(facts[name])}" for name in report.names) + "."
    shares = [f"{name} {share:.0%}" for name, share in report.outcome.agreement.items() if name != reference]
    if shares:
        yield f"First token of a text the same as {reference}'s: " + ", ".join(shares) + "."
    if report.left_out:
        yield "Left out: " + "; ".join(f"{name} ({why})" for name, why in report.left_out.items()) + "."


def _described(facts: Mapping[str, object]) -> str:
    cache = f", {facts['cache']} cache" if "cache" in facts else ""
    return f"{facts['version']}, {facts['weights']} weights{cache}"


def _mib(size: int | None) -> str:
    return "" if size is None else f"{size / MIB:,.0f}"


def _table_head(names: Sequence[str]) -> Iterator[str]:
    yield _row(names[0], names[1:])
    yield _row("---", ["---:"] * len(names[1:]))


def _row(first: str, cells: Sequence[str]) -> str:
    return "| " + " | ".join([first, *cells]) + " |"
