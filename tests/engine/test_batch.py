"""Candidates as one batch: each gets the bits that it gets alone, whoever leaves, grows or takes tokens back."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.batch import MOST_ROWS
from engine.contracts.constraint import Constraint
from engine.contracts.generation import REASON_CANCELLED, Event, Finished, GenerationRequest, Token
from engine.contracts.graph_io import SHARED_POSITIONS
from engine.contracts.sampling_settings import SamplingSettings
from engine.kv_cache import FIRST_CAPACITY
from engine.loaded_model import LoadedModel, load_model
from engine.session import Session
from tests.engine.test_generate import ask, essence, finished_of, run, text_of

HOT = SamplingSettings(temperature=1.3, top_p=1.0, min_p=0, seed=5)


@pytest.fixture
def batching(tiny_models: dict[str, LoadedModel]) -> LoadedModel:
    model = tiny_models["int8-cache"]
    if not model.plan.batches:
        pytest.skip("this processor's kernels give a batch other bits")
    return model


def one_by_one(model: LoadedModel) -> LoadedModel:
    """The same model as a machine that cannot batch has it."""
    return replace(model, plan=replace(model.plan, batches=False))


def same(model: LoadedModel, request: GenerationRequest) -> list[Event]:
    """Together and one after the other: the same tokens, log-probabilities, texts and records of each candidate."""
    together, alone = run(model, request), run(one_by_one(model), request)
    for candidate in range(request.candidates):
        assert essence(together, candidate) == essence(alone, candidate)
        assert text_of(together, candidate) == text_of(alone, candidate)
        one, other = finished_of(together, candidate), finished_of(alone, candidate)
        assert (one.reason, one.matched, one.usage, one.record) == (
            other.reason,
            other.matched,
            other.usage,
            other.record,
        )
    return together


def order(events: list[Event]) -> list[int]:
    return [event.candidate for event in events if isinstance(event, Token)]


@pytest.mark.parametrize("candidates", [2, 3, MOST_ROWS, MOST_ROWS + 3])
def test_together_is_one_by_one(batching: LoadedModel, candidates: int) -> None:
    events = same(batching, ask(candidates=candidates, sampling=HOT, report_top=2))
    assert order(events)[: min(candidates, MOST_ROWS)] == list(range(min(candidates, MOST_ROWS)))  # in turn


def test_many_prompts_and_seeds(batching: LoadedModel) -> None:
    dice = random.Random(3)
    for seed in range(100):
        prompt = "".join(dice.choices("the cat sat on a mat 从前有一个小孩子他很高兴。", k=dice.randint(1, 60)))
        same(batching, ask(prompt, candidates=3, max_tokens=6, sampling=replace(HOT, seed=seed)))


def test_those_that_end_leave_the_others_as_they_were(batching: LoadedModel) -> None:
    request = ask(candidates=6, sampling=HOT, max_tokens=40, stop=("a", "，", "th"))
    finished = [event for event in same(batching, request) if isinstance(event, Finished)]
    lengths = [event.usage.output_tokens for event in finished]
    assert len(set(lengths)) > 2  # they really ended at different times
    assert lengths == sorted(lengths)  # and were told of when they did


def test_end_of_text_ends_one_row(batching: LoadedModel) -> None:
    bias = {str(batching.tokenizer.end_of_text): 4.0}
    request = ask(candidates=5, sampling=HOT, max_tokens=60, ignore_end_of_text=False, bias_ids=bias)
    reasons = {event.reason for event in same(batching, request) if isinstance(event, Finished)}
    assert "end_of_text" in reasons


def test_rows_of_unequal_lengths_where_phrases_are_taken_back(batching: LoadedModel) -> None:
    free = run(batching, ask(candidates=3, sampling=HOT, max_tokens=40))
    banned = tuple({text_of(free, candidate)[4:9] for candidate in range(3)} - {""})
    events = same(batching, ask(candidates=3, sampling=HOT, max_tokens=40, banned=banned))
    assert all(phrase not in text_of(events, candidate) for phrase in banned for candidate in range(3))


def test_a_growing_batch_keeps_what_it_has(batching: LoadedModel) -> None:
    length = FIRST_CAPACITY - 3
    ids = tuple(7 + index % 300 for index in range(length))
    same(batching, ask(None, prompt_ids=ids, candidates=3, max_tokens=8, sampling=HOT))


def test_the_context_ends_every_row(batching: LoadedModel) -> None:
    ids = tuple(7 + index % 300 for index in range(batching.context_length - 4))
    events = same(batching, ask(None, prompt_ids=ids, candidates=3, max_tokens=50, sampling=HOT))
    assert {event.reason for event in events if isinstance(event, Finished)} == {"context"}


def test_cancelling_ends_all_at_once(batching: LoadedModel) -> None:
    events = run(batching, ask(candidates=4, max_tokens=50), cancel_after=9)
    assert sum(isinstance(event, Token) for event in events) == 9
    assert [event.reason for event in events if isinstance(event, Finished)] == [REASON_CANCELLED] * 4


def test_the_prompt_is_run_once_and_the_session_keeps_it(batching: LoadedModel) -> None:
    session = batching.new_session()
    first = run(batching, ask(candidates=4), session)
    again = run(batching, ask(candidates=4), session)
    assert again[0].to_prefill == 1  # type: ignore[attr-defined]
    assert essence(first, 3) == essence(again, 3)
    assert tuple(session.tokens) == finished_of(first).record.prompt_ids


def test_dropping_rows_moves_the_last_one(batching: LoadedModel) -> None:
    session = batching.new_session()
    prompt = list(range(10, 50))
    session.prefill(prompt)
    batch = session.new_batch(3)
    batch.step([(40, 60), (35, 61), (40, 62)])
    batch.drop(0)  # row 2 is now row 0
    logits = batch.step([(41, 70), (36, 71)]).copy()
    for row, ids in enumerate(([*prompt, 62], [*prompt[:35], 61])):
        alone = batching.new_session()
        alone.prefill(ids)
        np.testing.assert_array_equal(alone.step(70 + row)[-1], logits[row])
    batch.drop(1)
    alone = Session(batching.graph, batching.graph.new_cache(batching.context_length), batching.plan)
    alone.prefill([*prompt, 62, 70])
    np.testing.assert_array_equal(batch.step([(42, 80)])[0], alone.step(80)[-1])


def test_rows_that_leave_what_all_have_in_common(root: Path) -> None:
    """Own attention reads that once for all rows; each must have the bits that it has alone, cut before it or not."""
    model = load_model(root / "resources" / "models" / "tiny-zh-en", "cpu", 2).network_alone()
    if SHARED_POSITIONS not in model.graph.inputs or not model.plan.batches:
        pytest.skip("no own attention here")
    session, dice = model.new_session(), random.Random(3)
    prompt = [dice.randrange(300, 9000) for _ in range(150)]
    session.prefill(prompt)
    batch, texts = session.new_batch(4), [prompt, prompt, prompt[:131], prompt]
    for number in range(40):
        if number == 25:
            batch.drop(0)
            texts = [texts[3], *texts[1:3]]
        tokens = [300 + number + 7 * row for row in range(len(texts))]
        logits = batch.step([(len(text), token) for text, token in zip(texts, tokens, strict=True)])
        texts = [[*text, token] for text, token in zip(texts, tokens, strict=True)]
        if number % 6 == 0 or number > 34:
            for row, text in zip(logits, texts, strict=True):
                alone = model.new_session()
                alone.prefill(text[:-1])
                np.testing.assert_array_equal(alone.step(text[-1])[-1], row)


def test_rows_under_a_constraint(batching: LoadedModel) -> None:
    constraint = Constraint("regex", "[a-z 从前有]{3,30}。")
    events = same(batching, ask(candidates=4, sampling=HOT, max_tokens=60, constraint=constraint))
    for candidate in range(4):
        assert re.fullmatch("[a-z 从前有]{3,30}。", text_of(events, candidate))
