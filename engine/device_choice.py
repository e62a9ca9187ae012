"""A model on the device and the threads that answer fastest on this machine, without changing a bit of any text.

For: loading where nobody named a number of threads. Knows: graphs, sessions, plans, and how a trial is kept. Must not
know: requests, sampling, files of a model folder.

    a graphics card that runs the graph   is tried beside the processor; the record of a text says which it was
    the processor                         is tried on fewer threads, where the self-check found that no bit depends on
                                          them, and that it asks for the same care on those

What two trials in a row have found is kept for good (one alone may have met a busy minute), so the same machine, model
and versions choose the same again, and open it at once.
Prompts that run through a graph of their own keep all threads: many rows are worth them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.device_trial import Answer, DeviceTrial, Setting, thread_counts, try_settings
from engine.devices import CPU
from engine.kept_answer import keep_answer, known_answer
from engine.runtime import Graph
from engine.self_check import sample_ids
from engine.session import RunPlan, Session

_VERSION = 2  # raise it when the trial changes
_PROMPT, _WRITTEN = 24, 12  # tokens of a short answer


@dataclass(frozen=True)
class Fitted:
    """A decoder on a device, the plan that this machine needs with it, and its graph for prompts where that is used."""

    graph: Graph
    plan: RunPlan
    prompt_graph: Graph | None
    trial: DeviceTrial | None = None

    @property
    def setting(self) -> Setting:
        """Where it runs."""
        return Setting(self.graph.device.name.partition(":")[0], self.graph.threads)


@dataclass(frozen=True)
class Openers:
    """How a model is opened: `graph` on a device ("auto", "cpu", "cuda") and threads, `fit` checks what runs there."""

    graph: Callable[[str, int], Graph]
    fit: Callable[[Graph], Fitted]


@dataclass(frozen=True)
class Kept:
    """Where trials are kept, and the name of this one: whatever decides speed."""

    folder: Path
    name: str

    def known(self) -> DeviceTrial | None:
        """What was found before."""
        return known_answer(self.folder, self._key, DeviceTrial.from_dict)

    def keep(self, trial: DeviceTrial) -> None:
        """Remember it."""
        keep_answer(self.folder, self._key, trial.to_dict())

    @property
    def _key(self) -> str:
        return f"{_VERSION} {self.name}"


def open_fastest(openers: Openers, asked: str, threads: int, context_length: int, kept: Kept) -> Fitted:
    """The model as it answers fastest on at most so many threads. `asked`: "auto", "cpu" or "cuda"."""
    known = kept.known()
    if known is not None and known.is_settled:
        return _opened(openers, asked, known)
    first = openers.fit(openers.graph(asked, threads))
    settings = _settings(first, asked)
    if len(settings) == 1:
        return first
    trial = try_settings(settings, lambda setting: _short_answer(openers, first, setting, context_length))
    chosen = first if trial.choice == first.setting else _opened(openers, asked, trial)
    if first.graph.device.name == CPU and chosen.plan != first.plan:
        trial, chosen = replace(trial, chosen=0), first
    trial = trial.after(known)
    kept.keep(trial)
    return replace(chosen, trial=trial)


def _settings(first: Fitted, asked: str) -> tuple[Setting, ...]:
    own = first.setting
    if own.device != CPU:
        return (own, Setting(CPU, own.threads)) if asked == "auto" else (own,)
    counts = thread_counts(own.threads) if first.plan.any_threads else (own.threads,)
    return tuple(Setting(CPU, count) for count in counts)


def _opened(openers: Openers, asked: str, trial: DeviceTrial) -> Fitted:
    choice, usual = trial.choice, trial.settings[0]
    # On the usual device it is opened as it was asked for: so a sentence on why that is no other one is said again.
    found = openers.fit(openers.graph(asked if choice.device == usual.device else choice.device, choice.threads))
    if choice.device != usual.device:
        ours, theirs = trial.milliseconds[trial.chosen], trial.milliseconds[0]
        note = (
            f"The processor answers faster with this model than the graphics card ({ours:.1f} ms against "
            f"{theirs:.1f} ms), so it is used."
        )
        found.graph.device = replace(found.graph.device, note=note)
    return replace(found, trial=trial)


def _short_answer(openers: Openers, first: Fitted, setting: Setting, context_length: int) -> Answer:
    """A prompt read and a few tokens written, from an empty session each time."""
    graph = first.graph if setting == first.setting else openers.graph(setting.device, setting.threads)
    is_same_device = setting.device == first.setting.device
    plan, prompts = (first.plan, first.prompt_graph) if is_same_device else (RunPlan(), None)
    session = Session(graph, graph.new_cache(context_length), plan, prompts)
    ids = sample_ids(min(_PROMPT + _WRITTEN, context_length), graph.vocabulary_size)
    prompt = max(len(ids) - _WRITTEN, 1)

    def answer() -> None:
        session.rewind(0)
        session.prefill(ids[:prompt])
        for token in ids[prompt:]:
            session.step(token)

    return answer
