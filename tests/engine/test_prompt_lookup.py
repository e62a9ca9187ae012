"""Guesses from the text itself change the speed and nothing else."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.errors import UsageError
from engine.contracts.generation import Event
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel
from engine.prompt_lookup import PromptLookup
from engine.runtime import Logits
from engine.session import Session
from tests.engine.test_generate import ask, essence, finished_of, run, text_of

REPETITIVE = "the cat sat on a mat and saw two dogs. " * 4 + "the cat sat"
COLD = SamplingSettings(temperature=0)


def same(model: LoadedModel, **changes: object) -> list[Event]:
    """With guesses and without: the same tokens, log-probabilities, text, reason and counts."""
    guessed, plain = run(model, ask(lookup=8, **changes)), run(model, ask(**changes))
    assert essence(guessed) == essence(plain)
    assert text_of(guessed) == text_of(plain)
    one, other = finished_of(guessed), finished_of(plain)
    assert (one.reason, one.matched, one.usage) == (other.reason, other.matched, other.usage)
    assert one.record.output_ids == other.record.output_ids
    return guessed


@pytest.mark.parametrize("settings", [COLD, SamplingSettings(temperature=1.1, seed=2)], ids=["greedy", "sampled"])
def test_guessed_text_is_the_same_text(model: LoadedModel, settings: SamplingSettings) -> None:
    same(model, prompt=REPETITIVE, max_tokens=80, sampling=settings)


def test_many_prompts(tiny_models: dict[str, LoadedModel]) -> None:
    dice = random.Random(1)
    for seed in range(40):
        words = dice.choices(["the cat ", "sat on ", "从前有", "一个小孩子", "a mat. "], k=dice.randint(3, 25))
        for name in ("rotary", "int8-cache"):
            sampling = SamplingSettings(temperature=0.3, seed=seed)
            same(tiny_models[name], prompt="".join(words), max_tokens=20, sampling=sampling)


def test_stops_bans_and_the_context_end_a_guessed_text_where_they_end_any(tiny_models: dict[str, LoadedModel]) -> None:
    model = tiny_models["int8-cache"]
    text = text_of(run(model, ask(REPETITIVE, max_tokens=40, sampling=COLD)))
    same(model, prompt=REPETITIVE, max_tokens=40, sampling=COLD, stop=(text[5:8],))
    same(model, prompt=REPETITIVE, max_tokens=40, sampling=COLD, banned=(text[3:6],))
    ids = tuple([7, 8, 9, 10, 11] * model.context_length)[: model.context_length - 6]
    events = same(model, prompt=None, prompt_ids=ids, max_tokens=50, sampling=COLD)
    assert finished_of(events).reason == "context"


def test_right_guesses_save_runs(tiny_models: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that repeats is guessed nearly always."""
    model, runs = tiny_models["int8-cache"], []
    real = Session._append

    def counted(self: Session, ids: Sequence[int], *rest: Any) -> Logits:
        runs.append(len(ids))
        return real(self, ids, *rest)

    monkeypatch.setattr(Session, "_append", counted)
    loop = ask(None, prompt_ids=(87,) * 20, max_tokens=90, sampling=COLD, bias_ids={"87": 99})
    plain = run(model, loop)
    without, _ = len(runs), runs.clear()
    assert essence(run(model, replace(loop, lookup=8))) == essence(plain)
    assert len(runs) < without / 5


def test_a_wrong_guess_costs_less_and_less() -> None:
    lookup, guesses = PromptLookup(8), 0
    tokens = [1, 2, 3, 9, 1, 2, 3]
    for _ in range(200):
        if lookup.guess(tokens, 8):
            guesses += 1
            lookup.learn(1, 0)
    assert guesses < 10


def test_no_guess_beyond_the_room_and_none_when_off() -> None:
    tokens = [1, 2, 3, 4, 5, 6, 1, 2, 3]
    assert PromptLookup(8).guess(tokens, 8) == [4, 5, 6, 1]
    assert PromptLookup(8).guess(tokens, 2) == [4, 5]
    assert PromptLookup(8).guess([7, 1, 2, 1, 2, 1, 2], 4) == [1, 2, 1, 2]
    assert PromptLookup(8).guess(tokens, 0) == []
    assert PromptLookup(0).guess(tokens, 8) == []


@given(st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=12))
def test_a_guess_is_what_stood_behind_the_last_three_tokens(pieces: list[list[int]]) -> None:
    lookup, tokens = PromptLookup(4), list[int]()
    for number, piece in enumerate(pieces):
        tokens += piece
        if number % 4 == 3:
            del tokens[len(tokens) // 2 :]  # taken back
        found = lookup.guess(tokens, 4)
        places = [end for end in range(3, len(tokens)) if tokens[end - 3 : end] == tokens[-3:]]
        longer = [*tokens, *found]  # a guess may go on with itself
        assert not found or any(longer[end : end + len(found)] == found for end in places)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(UsageError, match="lookup"):
        ask(lookup=33)
