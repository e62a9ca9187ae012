"""Whether a draft model makes a large one faster on this machine: tried on both, once, and remembered.

For: commands that open a model with a draft. Knows: the loop, clocks, a few lines to continue. Must not know: how
guesses are made or verified.

    for each line:   plain | up to 2 ahead | up to 4 ahead | up to 8 ahead     the same tokens, so seconds compare
    gain             median over lines and rounds of plain seconds / guessed seconds; used from WORTH on

Speculation costs where guesses are wrong, where the small model is not much smaller, or where a run of several rows
takes much longer than one of one row (int4 weights); only a trial knows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.contracts.errors import UsageError, error_from_kind
from engine.contracts.generation import Failed, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.draft import DraftModel
from engine.generate import generate
from engine.kept_answer import kept_answer
from engine.loaded_model import LoadedModel, load_model
from engine.profile import find_profile
from engine.session import Session

LINES = ("Once upon a time there was a little house by the sea, and in it", "从前有一个小村子，村子里住着")
LENGTHS = (2, 4, 8)  # tokens guessed ahead
NEW_TOKENS = 48
ROUNDS = 3
WORTH = 1.05  # below, noise decides
_VERSION = 1
_TRIALS = "draft-trials"
_DIGITS = 12  # of a digest, as people are shown it


@dataclass(frozen=True)
class Trial:
    """The best length and how many times as fast it is as plain decoding."""

    longest: int
    gain: float

    @property
    def is_faster(self) -> bool:
        """Whether it is used unless a request says otherwise."""
        return self.gain >= WORTH


def with_draft(model: LoadedModel, folder: Path, is_remembered: bool = True) -> LoadedModel:
    """`model` with the draft model of `folder`, tried. Raises `UsageError` where their tokens differ."""
    device = "cpu" if model.device.name == "cpu" else "auto"
    small = load_model(folder, device, model.threads)
    if small.tokenizer.digest != model.tokenizer.digest:
        raise UsageError(
            f"the draft model {small.manifest.id} has other tokens ({small.tokenizer.digest[:_DIGITS]}) than "
            f"{model.manifest.id} ({model.tokenizer.digest[:_DIGITS]}), so it cannot guess for it; take one that was "
            "trained or distilled with the same tokenizer"
        )
    draft = DraftModel(small.manifest.id, small.graph, small.context_length)
    both = replace(model, draft=draft)
    if not model.plan.ahead:
        reason = "on this machine guesses cannot be verified without changing the text"
        draft.note = f"draft model {draft.name} is not used: {reason}"
        return both
    trial = _remembered(both, small) if is_remembered else measure(both)
    draft.longest = trial.longest if trial.is_faster else 0
    draft.note = _words(draft.name, trial)
    return both


def measure(model: LoadedModel, on_round: Callable[[int, Mapping[int, float]], None] | None = None) -> Trial:
    """Try all lengths alternately; `on_round` gets each round's gains by length."""
    sessions = [model.new_session() for _ in LINES]
    gains: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for number in range(ROUNDS + 1):
        for line, session in zip(LINES, sessions, strict=True):
            seconds = {length: _seconds(model, session, line, number, length) for length in (0, *LENGTHS)}
            found = {length: seconds[0] / seconds[length] for length in LENGTHS}
            if number == 0:
                continue  # warms up
            for length, gain in found.items():
                gains[length].append(gain)
            if on_round is not None:
                on_round(number, found)
    best = max(LENGTHS, key=lambda length: statistics.median(gains[length]))
    return Trial(best, statistics.median(gains[best]))


def _seconds(model: LoadedModel, session: Session, line: str, seed: int, draft: int) -> float:
    request = GenerationRequest(
        "draft trial",
        line,
        max_tokens=min(NEW_TOKENS, model.context_length // 2),
        sampling=SamplingSettings(seed=seed),
        ignore_end_of_text=True,
        draft=draft,
    )
    began = time.perf_counter()
    for event in generate(model, session, request):
        if isinstance(event, Failed):
            raise error_from_kind(event.kind, event.message)
    return time.perf_counter() - began


def _remembered(model: LoadedModel, small: LoadedModel) -> Trial:
    digests = f"{model.manifest.digest()} {small.manifest.digest()}"
    machine = f"{model.versions['onnxruntime']} {model.device.kernel_class} {model.threads} threads"
    return kept_answer(
        find_profile().cache / _TRIALS,
        f"{_VERSION} {digests} {machine}",
        lambda: measure(model),
        read=lambda kept: Trial(int(kept["longest"]), float(kept["gain"])),
        write=_plain,
    )


def _plain(trial: Trial) -> Mapping[str, Any]:
    return {"longest": trial.longest, "gain": trial.gain}


def _words(name: str, trial: Trial) -> str:
    measured = f"{trial.gain:.2f} times as fast with up to {trial.longest} tokens guessed ahead"
    if trial.is_faster:
        return f"draft model {name}: {measured} here, so it is used"
    return f'draft model {name}: {measured} here at best, so it is not used ("draft" in a settings file uses it anyway)'
