"""The choice of a device and of threads: by measurement on made-up providers, remembered, and without another text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine import device_choice
from engine.contracts.errors import DeviceError, EngineError
from engine.device_choice import Fitted, Kept, Openers, open_fastest
from engine.device_trial import ROUNDS, WORTH, DeviceTrial, Setting, thread_counts, try_settings
from engine.devices import CUDA, DeviceChoice
from engine.kv_cache import HostBuffer
from engine.loaded_model import LoadedModel, load_model
from engine.runtime import Graph
from engine.session import RunPlan
from tests.support.tiny_models import write_tiny_model

CARD, FOUR, TWO, ONE = Setting("cuda", 4), Setting("cpu", 4), Setting("cpu", 2), Setting("cpu", 1)


class Machine:
    """Providers whose answers take so many milliseconds, on a clock of their own."""

    def __init__(self, milliseconds: dict[Setting, float]) -> None:
        self.milliseconds = milliseconds
        self.now = 0.0
        self.answers: list[Setting] = []

    def clock(self) -> float:
        return self.now

    def open(self, setting: Setting) -> Callable[[], None]:
        if setting not in self.milliseconds:
            raise DeviceError(f"{setting.words} cannot be had")

        def answer() -> None:
            self.answers.append(setting)
            self.now += self.milliseconds[setting] / 1000

        return answer

    def trial(self, *settings: Setting) -> DeviceTrial:
        return try_settings(settings, self.open, self.clock)


def test_the_fastest_setting_is_chosen() -> None:
    assert Machine({CARD: 9, FOUR: 20}).trial(CARD, FOUR).choice == CARD
    assert Machine({CARD: 30, FOUR: 20}).trial(CARD, FOUR).choice == FOUR
    assert Machine({FOUR: 10, TWO: 6, ONE: 7}).trial(FOUR, TWO, ONE).choice == TWO


def test_a_gain_within_noise_changes_nothing() -> None:
    assert Machine({FOUR: 10, ONE: 10 / WORTH + 0.01}).trial(FOUR, ONE).choice == FOUR
    assert Machine({FOUR: 10, ONE: 10 / WORTH - 0.01}).trial(FOUR, ONE).choice == ONE


def test_what_cannot_be_opened_is_left_out_and_the_usual_setting_is_not() -> None:
    trial = Machine({FOUR: 10, ONE: 20}).trial(FOUR, CARD, ONE)
    assert (trial.settings, trial.choice) == ((FOUR, ONE), FOUR)
    with pytest.raises(DeviceError, match="graphics card cannot be had"):
        Machine({FOUR: 10}).trial(CARD, FOUR)


def test_a_provider_that_fails_while_answering_is_left_out() -> None:
    machine = Machine({FOUR: 10, ONE: 5})

    def open_setting(setting: Setting) -> Callable[[], None]:
        def answer() -> None:
            if setting == ONE:
                raise EngineError("out of memory")
            machine.open(setting)()

        return answer

    assert try_settings((FOUR, ONE), open_setting, machine.clock).choice == FOUR


def test_a_trial_is_short_even_where_an_answer_is_slow() -> None:
    quick = Machine({FOUR: 10, ONE: 12})
    quick.trial(FOUR, ONE)
    assert quick.answers == [FOUR] * (ROUNDS + 1) + [ONE] * (ROUNDS + 1)
    slow = Machine({FOUR: 2000, ONE: 3000})
    slow.trial(FOUR, ONE)
    assert slow.answers == [FOUR, FOUR, ONE, ONE]


def test_threads_worth_a_trial_begin_with_the_usual_number() -> None:
    assert [thread_counts(most) for most in (1, 2, 3, 8)] == [(1,), (2, 1), (3, 1), (8, 4, 1)]


def test_a_trial_says_what_was_measured_and_survives_a_file() -> None:
    trial = Machine({CARD: 9, FOUR: 20, ONE: 31}).trial(CARD, FOUR, ONE)
    words = "a short answer takes: graphics card 9.0 ms, 4 threads 20.0 ms, 1 thread 31.0 ms; used: graphics card"
    assert trial.words == words
    assert DeviceTrial.from_dict(json.loads(json.dumps(trial.to_dict()))) == trial
    with pytest.raises(ValueError, match="none of 3 settings"):
        DeviceTrial.from_dict({**trial.to_dict(), "chosen": 3})


# ---- with a real graph, on providers that are made up -------------------------------------------------------------


class Made:
    """Opens a tiny model's graph on any setting; which one is fast, which plan it needs, and what was opened."""

    def __init__(self, model: LoadedModel, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.model, self.kept = model, Kept(folder, "a model on a machine")
        self.milliseconds: dict[Setting, float] = {}
        self.card_works = False
        self.plans: dict[int, RunPlan] = {}
        self.opened: list[tuple[str, int]] = []
        self.tried: list[Setting] = []
        monkeypatch.setattr(device_choice, "try_settings", self._try)
        monkeypatch.setattr(Graph, "allocate", HostBuffer)  # a made-up card has no memory

    def _try(self, settings: tuple[Setting, ...], open_setting: Callable[[Setting], Callable[[], None]]) -> DeviceTrial:
        machine = Machine(self.milliseconds)

        def opened(setting: Setting) -> Callable[[], None]:
            open_setting(setting)()  # the real answer runs
            self.tried.append(setting)
            return machine.open(setting)

        return try_settings(settings, opened, machine.clock)

    def graph(self, device: str, threads: int) -> Graph:
        self.opened.append((device, threads))
        manifest = self.model.manifest
        path = self.model.folder.file("decoder.onnx")
        graph = Graph(path, manifest.cache, manifest.vocabulary_size, "cpu", threads)
        if device != "cpu" and self.card_works:
            graph.device = DeviceChoice(CUDA, "", "Some Card sm_90")
        elif device != "cpu":
            graph.device = replace(graph.device, note="There is a card, but it is asleep.")
        return graph

    def open(self, asked: str = "auto", threads: int = 2) -> Fitted:
        openers = Openers(self.graph, lambda graph: Fitted(graph, self.plans.get(graph.threads, RunPlan()), None))
        return open_fastest(openers, asked, threads, self.model.context_length, self.kept)


@pytest.fixture
def made(rotary: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(rotary, tmp_path / "trials", monkeypatch)


def test_fewer_threads_are_used_where_they_answer_faster_and_remembered(made: Made) -> None:
    made.milliseconds = {TWO: 10, ONE: 5}
    first = made.open()
    assert (first.graph.threads, first.trial and first.trial.choice) == (1, ONE)
    assert first.graph.device.note == "There is a card, but it is asleep."
    assert made.tried == [TWO, ONE]
    second = made.open()
    assert second.trial is not None
    assert (second.graph.threads, second.trial.is_settled, made.tried) == (1, True, [TWO, ONE] * 2)
    made.opened, made.milliseconds = [], {TWO: 1, ONE: 5}
    again = made.open()
    assert (again.graph.threads, made.opened) == (1, [("auto", 1)])  # opened at once, nothing tried
    assert again.graph.device.note == "There is a card, but it is asleep."
    assert made.kept.known() == second.trial


def test_a_busy_minute_is_not_kept_for_good(made: Made) -> None:
    found = []
    for busy in (True, False, False):
        made.milliseconds = {TWO: 10, ONE: 5 if busy else 12}
        fitted = made.open()
        assert fitted.trial is not None
        found.append((fitted.graph.threads, fitted.trial.agreed))
    assert found == [(1, 1), (2, 1), (2, 2)]
    made.milliseconds, made.tried = {TWO: 10, ONE: 5}, []
    assert (made.open().graph.threads, made.tried) == (2, [])


def test_threads_stay_where_bits_depend_on_them(made: Made) -> None:
    made.milliseconds, made.plans = {TWO: 10, ONE: 5}, {2: RunPlan(any_threads=False)}
    found = made.open()
    assert (found.graph.threads, found.trial, made.tried) == (2, None, [])


def test_threads_stay_where_another_number_needs_other_care(made: Made) -> None:
    made.milliseconds, made.plans = {TWO: 10, ONE: 5}, {1: RunPlan(avoids_lone_rows=True)}
    for _ in range(2):
        found = made.open()
        assert found.graph.threads == 2
        assert found.trial is not None
        assert found.trial.choice == TWO


def test_a_card_that_is_slower_than_the_processor_is_not_used_and_that_is_said(made: Made) -> None:
    made.card_works, made.milliseconds = True, {Setting("cuda", 2): 30, TWO: 10}
    for _ in range(3):
        found = made.open()
        assert found.graph.device.name == "cpu"
        assert found.graph.device.note.startswith("The processor answers faster with this model than the graphics card")
        assert "(10.0 ms against 30.0 ms)" in found.graph.device.note
    assert made.tried == [Setting("cuda", 2), TWO] * 2


def test_a_card_that_is_faster_or_was_asked_for_is_used(made: Made) -> None:
    made.card_works, made.milliseconds = True, {Setting("cuda", 2): 5, TWO: 10}
    assert made.open().graph.device.name == CUDA
    made.kept, made.milliseconds = replace(made.kept, name="another"), {Setting("cuda", 2): 50, TWO: 10}
    assert made.open("cuda").graph.device.name == CUDA
    assert made.tried == [Setting("cuda", 2), TWO]


def test_a_card_that_is_gone_is_never_claimed(made: Made) -> None:
    made.card_works, made.milliseconds = True, {Setting("cuda", 2): 5, TWO: 10}
    made.open()
    made.open()
    made.card_works = False
    found = made.open()
    assert (found.graph.device.name, found.graph.device.note) == ("cpu", "There is a card, but it is asleep.")


def test_the_real_trial_changes_no_bit(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_tiny_model(folder)
    chosen = load_model(folder, "cpu")
    ids = list(range(3, 20))

    def logits(model: LoadedModel) -> list[np.ndarray]:
        session = model.new_session()
        found = session.prefill(ids)
        assert found is not None
        return [found.copy(), session.step(7).copy()]

    for threads in (1, 2):
        if chosen.plan.any_threads or chosen.threads == threads:
            for one, other in zip(logits(chosen), logits(load_model(folder, "cpu", threads)), strict=True):
                np.testing.assert_array_equal(one, other)
    if chosen.trial is not None:
        while not (found := load_model(folder, "cpu").trial or chosen.trial).is_settled:
            pass
        assert load_model(folder, "cpu").trial == found  # kept for good
