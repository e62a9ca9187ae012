"""The goals of decoding, each beside what one of our folders reached.

For: the table. Knows the goals and how a figure is compared with one; must not know files or Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench.peers.contestants import PEERS
from tests.bench.peers.figures import Report
from tests.bench.peers.shapes import GPT2, LLAMA

LLAMA_CPP, CTRANSLATE2, GENAI = (PEERS[name].title for name in ("llama-cpp", "ctranslate2", "genai"))
SHARE_OF_LIMIT = 0.8
ENOUGH_OF_LIMIT = 0.85  # where this is less than the multiple of a peer, it is what is asked
CONVERSION_SECONDS, CONVERSION_SIZES = 20, 2


@dataclass(frozen=True)
class Result:
    """What one folder reached of one goal."""

    words: str
    is_met: bool


@dataclass(frozen=True)
class Goal:
    """`of`: the result of one of our folders in one race."""

    what: str
    of: Callable[[str], Result]


def goals(report: Report) -> Iterator[Goal]:
    """All that this race can judge: those whose peers took part."""
    family, pasts = report.shape.family, report.plan.pasts
    if family == GPT2 and LLAMA_CPP in report.names:
        for past in pasts:
            yield Goal(
                f"decode at {past}: 2 × llama.cpp, or {ENOUGH_OF_LIMIT:.0%} of the memory limit",
                lambda name, past=past: _either(report, past, name),  # type: ignore[misc]
            )
    if family == GPT2 and CTRANSLATE2 in report.names:
        for past in pasts:
            yield _times(report, f"decode {past}", f"decode at {past}", 3, CTRANSLATE2)
    if family == LLAMA and GENAI in report.names:
        for past, factor in zip(pasts[:2], (1.1, 1.5), strict=True):
            yield _times(report, f"decode {past}", f"decode at {past}", factor, GENAI)
    rivals = [name for name in (CTRANSLATE2, LLAMA_CPP, GENAI) if name in report.names]
    if rivals:
        figure = f"prefill {report.plan.prefill}"
        best = max(rivals, key=lambda name: report.median(figure, name))
        yield _times(report, figure, f"prefill of {report.plan.prefill}", 1.3, best)
    yield Goal(
        f"share of the memory limit at {_listed(pasts)}: {SHARE_OF_LIMIT:.0%}", lambda name: _shares(report, name)
    )
    yield Goal(f"{report.plan.candidates} candidates at once: 2.5 × one", lambda name: _candidates(report, name))
    yield Goal(
        f"last word of {report.plan.edited} tokens edited, first token: a tenth of a cold prefill",
        lambda name: _edit(report, name),
    )


def conversion_goals(report: Report) -> Iterator[tuple[str, Result]]:
    """Of the conversion that ran in this race."""
    found = report.conversion
    if found is not None and report.shape.family == GPT2:
        sizes = found.peak_bytes / found.checkpoint_bytes
        seconds = Result(f"{found.seconds:.1f} s", found.seconds <= CONVERSION_SECONDS)
        yield f"conversion to int4, verified: {CONVERSION_SECONDS} s", seconds
        memory = Result(f"{sizes:.1f} ×", sizes <= CONVERSION_SIZES)
        yield f"its peak memory: {CONVERSION_SIZES} × the checkpoint", memory


def _times(report: Report, figure: str, words: str, factor: float, peer: str) -> Goal:
    def of(name: str) -> Result:
        ratio = report.ratio(figure, name, figure, peer)
        return Result(f"{ratio:.2f} ×", ratio >= factor)

    return Goal(f"{words}: {factor:g} × {peer}", of)


def _either(report: Report, past: int, name: str) -> Result:
    ratio = report.ratio(f"decode {past}", name, f"decode {past}", LLAMA_CPP)
    share = report.share_of_limit(past, name)
    return Result(f"{ratio:.2f} ×, {share:.0%}", ratio >= 2 or share >= ENOUGH_OF_LIMIT)


def _shares(report: Report, name: str) -> Result:
    shares = [report.share_of_limit(past, name) for past in report.plan.pasts]
    return Result(" / ".join(f"{share:.0%}" for share in shares), min(shares) >= SHARE_OF_LIMIT)


def _candidates(report: Report, name: str) -> Result:
    rows, prefill = report.plan.candidates, report.plan.prefill
    ratio = report.ratio(f"{rows} rows {prefill}", name, f"decode {prefill}", name)
    return Result(f"{ratio:.2f} ×", ratio >= 2.5)


def _edit(report: Report, name: str) -> Result:
    edited = report.plan.edited
    share = report.ratio(f"edit {edited} ms", name, f"cold {edited} ms", name)
    return Result(f"{share:.3f}", share <= 0.1)


def _listed(numbers: tuple[int, ...]) -> str:
    return " / ".join(map(str, numbers))
