"""A draft model changes the speed and nothing else: the same tokens and log-probabilities, whatever it guesses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.candidate import Candidate
from engine.contracts.command_line import Command, run_command_line
from engine.contracts.constraint import Constraint
from engine.contracts.errors import UsageError
from engine.contracts.generation import Event, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.draft import DraftGuesses, DraftModel, Foresight
from engine.draft_trial import LENGTHS, Trial, measure, with_draft
from engine.loaded_model import LoadedModel, load_model
from engine.prompt import Prompt
from engine.request_chain import request_chain
from engine.sampling.chain import Chain
from engine.sampling.random_stream import RandomStream
from engine.session import Session
from tests.engine.test_generate import ask, essence, finished_of, run, text_of
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import tiny_tokenizer_bytes, write_tiny_model

COLD = SamplingSettings(temperature=0)
ODD = SamplingSettings(temperature=0.9, top_k=60, dry_multiplier=0.8, xtc_probability=0.4, mirostat=2, seed=9)
PENALISED = SamplingSettings(
    temperature=1.1, min_p=0, repetition_penalty=1.3, presence_penalty=0.4, frequency_penalty=0.2, no_repeat_ngram=3
)
ALL = pytest.mark.parametrize(
    "sampling", [COLD, SamplingSettings(seed=4), ODD, PENALISED], ids=["greedy", "sampled", "odd", "penalised"]
)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models with the same tokens, and one with others."""
    place = tmp_path_factory.mktemp("drafts")
    write_tiny_model(place / "stranger", TinyShape(layers=1, context=100, vocabulary=448), seed=7, name="stranger")
    write_tiny_model(place / "other-tokens", tokenizer=tiny_tokenizer_bytes(400), name="other-tokens")
    return {name: place / name for name in ("stranger", "other-tokens")}


def drafted(model: LoadedModel, small: LoadedModel, longest: int = 4) -> LoadedModel:
    return replace(model, draft=DraftModel("small", small.graph, small.context_length, longest))


def same(model: LoadedModel, small: LoadedModel, **changes: object) -> list[Event]:
    """With guesses and without: the same tokens, log-probabilities, text, reason, counts and record."""
    guessed, plain = run(drafted(model, small), ask(**changes)), run(model, ask(**changes))
    assert essence(guessed) == essence(plain)
    assert text_of(guessed) == text_of(plain)
    one, other = finished_of(guessed), finished_of(plain)
    assert (one.reason, one.matched, one.usage, one.record) == (other.reason, other.matched, other.usage, other.record)
    return guessed


@ALL
def test_right_guesses_change_nothing(model: LoadedModel, sampling: SamplingSettings) -> None:
    same(model, model, sampling=sampling, max_tokens=40)


@ALL
def test_wrong_guesses_change_nothing(model: LoadedModel, others: dict[str, Path], sampling: SamplingSettings) -> None:
    same(model, load_model(others["stranger"], "cpu", 2), sampling=sampling, max_tokens=40)


def test_whatever_ends_or_binds_a_text_does_so_at_the_same_place(tiny_models: dict[str, LoadedModel]) -> None:
    model = tiny_models["int8-cache"]
    text = text_of(run(model, ask(max_tokens=40)))
    same(model, model, max_tokens=40, stop=(text[9:12],))
    same(model, model, max_tokens=40, banned=(text[6:9], text[15:17]))
    same(model, model, max_tokens=40, constraint=Constraint("regex", "[a-z 从前有]{3,30}。"))
    same(model, model, prompt="the cat s", heal=True, max_tokens=20)
    same(model, model, max_tokens=30, begin_with="从前有一个")
    same(model, model, max_tokens=60, ignore_end_of_text=False, bias_ids={str(model.tokenizer.end_of_text): 4.0})
    same(model, model, max_tokens=60, lookup=6, prompt="the cat sat on a mat. " * 5)
    full = tuple([7, 8, 9, 10, 11] * model.context_length)[: model.context_length - 6]
    assert finished_of(same(model, model, prompt=None, prompt_ids=full, max_tokens=50)).reason == "context"


def test_candidates_that_are_written_one_by_one_are_guessed_too(tiny_models: dict[str, LoadedModel]) -> None:
    model = replace(tiny_models["int8-cache"], plan=replace(tiny_models["int8-cache"].plan, batches=False))
    guessed, plain = run(drafted(model, model), ask(candidates=3)), run(model, ask(candidates=3))
    assert all(essence(guessed, number) == essence(plain, number) for number in range(3))


def count_runs(model: LoadedModel, monkeypatch: pytest.MonkeyPatch, request: GenerationRequest) -> int:
    """Runs of the large model behind the prompt."""
    runs: list[Session] = []
    real = Session.run_ahead, Session.step
    monkeypatch.setattr(Session, "run_ahead", lambda self, ids: (runs.append(self), real[0](self, ids))[1])
    monkeypatch.setattr(Session, "step", lambda self, token: (runs.append(self), real[1](self, token))[1])
    session = model.new_session()
    run(model, request, session)
    monkeypatch.undo()
    return sum(one is session for one in runs)


@ALL
def test_a_draft_that_is_always_right_saves_most_runs(
    tiny_models: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch, sampling: SamplingSettings
) -> None:
    """Under sampling too: the guesses are drawn with the numbers that the large model will draw with."""
    model = tiny_models["int8-cache"]
    plain = count_runs(model, monkeypatch, ask(max_tokens=60, sampling=sampling))
    guessed = count_runs(drafted(model, model), monkeypatch, ask(max_tokens=60, sampling=sampling))
    assert plain == 59
    assert guessed <= plain / 4


def test_a_request_may_ask_for_more_fewer_or_none(
    tiny_models: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_models["int8-cache"]
    off, on = drafted(model, model, longest=0), drafted(model, model, longest=4)
    assert count_runs(off, monkeypatch, ask(max_tokens=40)) == 39
    assert count_runs(off, monkeypatch, ask(max_tokens=40, draft=8)) < 39 / 5
    assert count_runs(on, monkeypatch, ask(max_tokens=40, draft=0)) == 39
    with pytest.raises(UsageError, match="draft"):
        ask(draft=33)


def test_machines_that_cannot_verify_never_guess(
    tiny_models: dict[str, LoadedModel], monkeypatch: pytest.MonkeyPatch, others: dict[str, Path]
) -> None:
    model = tiny_models["int8-cache"]
    careful = replace(model, plan=replace(model.plan, ahead=False))
    assert count_runs(drafted(careful, model), monkeypatch, ask(max_tokens=30, draft=8, lookup=8)) == 29
    note = with_draft(careful, others["stranger"]).draft
    assert note is not None
    assert "not used" in note.note


def test_guesses_end_where_the_small_context_ends(rotary: LoadedModel, others: dict[str, Path]) -> None:
    small = load_model(others["stranger"], "cpu", 1)
    guesses = DraftGuesses(DraftModel("s", small.graph, small.context_length), 4, 512, lambda: False)

    def foresee() -> Foresight:
        return Foresight(Chain(()), RandomStream(1), 0, small.tokenizer.vocabulary_size)

    assert len(guesses.guess(list(range(90)), 99, foresee)) == 4
    assert len(guesses.guess(list(range(98)), 99, foresee)) == 2
    assert guesses.guess(list(range(100)), 99, foresee) == []
    assert guesses.guess(list(range(20)), 0, foresee) == []
    same(rotary, small, max_tokens=100)


def test_a_cancel_is_heard_while_the_small_model_reads(rotary: LoadedModel, others: dict[str, Path]) -> None:
    small = load_model(others["stranger"], "cpu", 1)
    guesses = DraftGuesses(DraftModel("s", small.graph, small.context_length), 4, 512, lambda: True)
    foresight = Foresight(Chain(()), RandomStream(1), 0, 400)
    assert guesses.guess(list(range(90)), 99, lambda: foresight) == []


def test_wrong_beginnings_make_guesses_shorter_and_rarer(rotary: LoadedModel) -> None:
    guesses = DraftGuesses(DraftModel("s", rotary.graph, rotary.context_length), 8, 512, lambda: False)
    made = []
    for _ in range(200):
        found = guesses.guess([5, 6, 7], 99, lambda: Foresight(Chain(()), RandomStream(1), 0, 400))
        made.append(len(found))
        if found:
            guesses.learn(len(found), 0)
    assert made[0] == 8
    assert set(made[1:]) == {0, 1}
    assert sum(made[-100:]) < 20
    for _ in range(12):  # and right ones longer again
        guesses.learn(max(guesses._next, 1), max(guesses._next, 1))
    assert guesses._next == 8


def test_other_tokens_are_refused_in_one_line(rotary: LoadedModel, others: dict[str, Path]) -> None:
    with pytest.raises(
        UsageError, match=r"the draft model other-tokens has other tokens .* than rotary .*same tokenizer"
    ):
        with_draft(rotary, others["other-tokens"])


@pytest.mark.parametrize(
    ("trial", "longest", "said"), [(Trial(4, 1.4), 4, "1.40 times"), (Trial(2, 1.01), 0, "not used")]
)
def test_it_is_used_only_where_it_was_measured_faster_and_that_is_said(
    rotary: LoadedModel,
    others: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    trial: Trial,
    longest: int,
    said: str,
) -> None:
    monkeypatch.setattr("engine.draft_trial.measure", lambda model: trial)
    made = with_draft(rotary, others["stranger"], is_remembered=False).draft
    assert made is not None
    assert made.longest == longest
    assert said in made.note


def test_a_trial_is_measured_once_and_remembered(
    rotary: LoadedModel, others: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[object] = []
    trial = measure(drafted(rotary, rotary), lambda number, gains: rounds.append(gains))
    assert trial.longest in LENGTHS
    assert trial.gain > 0
    assert all(set(gains) == set(LENGTHS) for gains in rounds)
    first = with_draft(rotary, others["stranger"]).draft
    monkeypatch.setattr("engine.draft_trial.measure", lambda model: pytest.fail("measured again"))
    again = with_draft(rotary, others["stranger"]).draft
    assert first is not None
    assert again is not None
    assert (first.note, first.longest) == (again.note, again.longest)


GENERATE = (Command(("generate",), "engine.commands.generate", ""), Command(("bench",), "engine.commands.bench", ""))


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*words: str) -> tuple[int, str, str]:
        status = run_command_line("nextstroke", GENERATE, words)
        return (status, *capfd.readouterr())

    return call


def test_the_commands_take_a_draft(
    tiny_folders: dict[str, Path], others: dict[str, Path], say: Callable[..., tuple[int, str, str]]
) -> None:
    model = ("--model", str(tiny_folders["rotary"]), "--seed", "3", "--max-tokens", "12")
    _, plain, _ = say("generate", "the cat", *model)
    status, out, err = say("generate", "the cat", *model, "--draft", str(others["stranger"]))
    assert (status, out) == (0, plain)
    assert "draft model stranger: " in err
    status, out, err = say("generate", "the cat", *model, "--draft", str(others["other-tokens"]))
    assert (status, out) == (2, "")
    assert err.startswith("error: the draft model other-tokens has other tokens")
    sizes = ("--rounds", "1", "--prompt-tokens", "20", "--new-tokens", "4", "--draft", str(others["stranger"]))
    status, out, err = say("bench", str(tiny_folders["rotary"]), *sizes)
    assert status == 0
    assert "draft_gain: " in out
    assert "draft round 1: " in err


def test_the_foreseen_token_is_what_the_candidate_chooses(rotary: LoadedModel) -> None:
    """From the same logits, by the same rules and number."""
    logits = rotary.new_session().prefill([5, 6, 7])
    assert logits is not None
    assert np.isfinite(logits).all()
    request = ask(None, prompt_ids=(5, 6, 7), sampling=ODD, max_tokens=5)
    tokens = [token for token, _, _ in essence(run(rotary, request))]
    guesses = DraftGuesses(DraftModel("itself", rotary.graph, rotary.context_length), 4, 512, lambda: False)
    prompt = Prompt((5, 6, 7), 0)
    chain = request_chain(rotary, request, prompt, None)
    candidate = Candidate(rotary, request, prompt, 0, chain, logits[-1].copy(), lambda: False)
    list(candidate.take(logits[-1].copy()))
    assert guesses.guess([5, 6, 7, tokens[0]], 4, candidate.foresee) == tokens[1:5]
