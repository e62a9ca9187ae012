"""Beam search over a model: bits as everywhere, the rules of a request, and texts that come out again."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.batch import MOST_ROWS
from engine.commands.records import request_of
from engine.contracts.command_line import Command, run_command_line
from engine.contracts.constraint import Constraint
from engine.contracts.errors import UsageError
from engine.contracts.generation import (
    BEAM_LIMIT,
    REASON_CANCELLED,
    Done,
    Event,
    Failed,
    Finished,
    GenerationRecord,
    Started,
    event_from_dict,
)
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel, load_model
from engine.sampling.candidates import Candidates
from tests.engine.test_generate import ask, essence, finished_of, run, text_of, tokens_of

COLD = SamplingSettings(temperature=0)


def texts(events: list[Event]) -> list[str]:
    count = sum(isinstance(event, Finished) for event in events)
    return [text_of(events, number) for number in range(count)]


def scores(events: list[Event]) -> list[float]:
    found = [event.score for event in events if isinstance(event, Finished)]
    assert all(score is not None for score in found)
    return [float(score) for score in found if score is not None]


def test_as_many_beams_as_rows_of_a_batch() -> None:
    assert BEAM_LIMIT == MOST_ROWS


def test_one_beam_takes_the_best_token_each_time(model: LoadedModel) -> None:
    assert essence(run(model, ask(beams=1))) == essence(run(model, ask(sampling=COLD)))


def test_chance_plays_no_part(model: LoadedModel) -> None:
    hot = SamplingSettings(temperature=1.9, top_k=3, xtc_probability=1.0, mirostat=2, seed=8)
    one, other = run(model, ask(beams=4, sampling=hot)), run(model, ask(beams=4, sampling=COLD))
    assert essence(one) == essence(other)
    assert finished_of(one).score == finished_of(other).score


def test_fresh_reused_unbatched_and_on_one_thread_are_the_same(model: LoadedModel) -> None:
    request = ask(beams=5, candidates=3, max_tokens=15)
    expected, session = run(model, request), model.new_session()
    run(model, ask("the cat sat on a mat", max_tokens=7), session)
    others = [run(model, request, session), run(model, request, session)]
    others.append(run(replace(model, plan=replace(model.plan, batches=False)), request))
    if model.plan.any_threads:
        others.append(run(load_model(model.folder.path, "cpu", 1), request))
    for found in others:
        assert scores(found) == scores(expected)
        assert all(essence(found, number) == essence(expected, number) for number in range(3))


def test_exhaustive_it_finds_the_best_of_every_text_there_is(model: LoadedModel) -> None:
    """Two tokens may be written, four times: eight hypotheses hold every beginning."""
    allowed = [int(token) for token in model.tokenizer.encode("the cat")[:2]]
    bans = {str(t): -100 for t in range(model.tokenizer.vocabulary_size) if t not in allowed}
    events = run(model, ask(beams=8, candidates=8, max_tokens=4, bias_ids=bans, any_bytes=True))
    prompt, session = model.prompt_ids("the cat sat 从前有"), model.new_session()
    every = []
    for text in itertools.product(allowed, repeat=4):
        total = 0.0
        for place in range(4):
            ids = [*prompt, *text[:place]]
            logits = session.prefill(ids[session.align(ids) :])
            assert logits is not None
            left = logits[-1][allowed].astype(np.float64)
            total += float(logits[-1][text[place]]) - float(np.logaddexp.reduce(left))
        every.append((-total / 4, text))
    found = [tuple(token.id for token in tokens_of(events, number)) for number in range(8)]
    assert found == [text for _, text in sorted(every)[:8]]
    assert scores(events) == pytest.approx([-score for score, _ in sorted(every)[:8]], abs=1e-9)


def test_reported_logarithms_are_the_models_own_bit_for_bit(model: LoadedModel) -> None:
    events = run(model, ask(beams=6, candidates=6, max_tokens=10, report_top=2))
    pool = Candidates(model.manifest.vocabulary_size)
    for number in range(6):
        record, session = finished_of(events, number).record, model.new_session()
        logits = session.prefill(record.prompt_ids)
        for token in tokens_of(events, number):
            assert logits is not None
            pool.fill(logits[-1])
            assert token.logprob == float(logits[-1][token.id]) - pool.normalizer
            assert token.alternatives[0][0] == int(logits[-1].argmax())
            logits = session.step(token.id)


def test_the_best_come_first_and_all_differ(model: LoadedModel) -> None:
    events = run(model, ask(beams=8, candidates=5))
    assert scores(events) == sorted(scores(events), reverse=True)
    assert len({finished_of(events, number).record.output_ids for number in range(5)}) == 5
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Done)


def test_the_length_penalty_decides_between_short_and_long(rotary: LoadedModel) -> None:
    bias = {str(rotary.tokenizer.end_of_text): 4.0}
    request = ask(beams=6, max_tokens=30, ignore_end_of_text=False, bias_ids=bias)
    short, long = (run(rotary, replace(request, length_penalty=penalty)) for penalty in (0.0, 3.0))
    assert len(tokens_of(short)) < len(tokens_of(long))
    assert finished_of(short).reason == "end_of_text"


def test_the_rules_of_a_request_bind_every_beam(rotary: LoadedModel) -> None:
    free = run(rotary, ask(beams=4, candidates=4, max_tokens=12))
    word = next(text[2:5] for text in texts(free) if "\ufffd" not in text[2:5])
    banned = run(rotary, ask(beams=4, candidates=4, max_tokens=12, banned=(word,)))
    assert not any(word in text for text in texts(banned))
    stopped = run(rotary, ask(beams=4, candidates=4, max_tokens=12, stop=(word,), length_penalty=-2.0))
    ends = [event for event in stopped if isinstance(event, Finished) and event.reason == "stop"]
    assert ends
    assert all(event.matched == word for event in ends)
    assert not any(word in text for text in texts(stopped))
    choices = run(rotary, ask(beams=4, candidates=2, constraint=Constraint("choices", ("cat", "从前"))))
    assert set(texts(choices)) == {"cat", "从前"}
    begun = run(rotary, ask(beams=3, candidates=3, begin_with="从前有一", max_tokens=20))
    assert all(text.startswith("从前有一") for text in texts(begun))
    never = run(rotary, ask(beams=4, candidates=4, max_tokens=30, sampling=replace(COLD, no_repeat_ngram=1)))
    for number in range(4):
        ids = finished_of(never, number).record.output_ids
        assert len(set(ids)) == len(ids)


def test_a_constraint_with_fewer_texts_than_candidates_gives_those_there_are(rotary: LoadedModel) -> None:
    events = run(rotary, ask(beams=6, candidates=6, constraint=Constraint("choices", ("cat", "mat"))))
    assert {"cat", "mat"} == set(texts(events))


def test_rules_that_leave_nothing_end_in_one_line(rotary: LoadedModel) -> None:
    every = {str(token): -100 for token in range(rotary.tokenizer.vocabulary_size)}
    failed = run(rotary, ask(beams=3, bias_ids=every))[-1]
    assert isinstance(failed, Failed)
    assert "every possible next token is forbidden" in failed.message


def test_a_full_context_ends_every_beam(model: LoadedModel) -> None:
    ids = tuple(7 + index % 300 for index in range(model.context_length - 3))
    events = run(model, ask(None, prompt_ids=ids, beams=3, candidates=3, max_tokens=50))
    assert {event.reason for event in events if isinstance(event, Finished)} == {"context"}
    assert finished_of(events).usage.context_used == model.context_length
    assert finished_of(events).usage.output_tokens == 4


def test_cancelling_gives_what_there_is(rotary: LoadedModel) -> None:
    looks = itertools.count()
    from engine.generate import generate

    events = list(generate(rotary, rotary.new_session(), ask(beams=4, candidates=2), lambda: next(looks) > 6))
    ends = [event for event in events if isinstance(event, Finished)]
    assert [event.reason for event in ends] == [REASON_CANCELLED] * 2
    assert 0 < ends[0].usage.output_tokens < 24
    at_once = run(rotary, ask(beams=4), cancel_after=0)
    assert finished_of(at_once).reason == REASON_CANCELLED


def test_a_healed_prompt_is_written_anew_by_every_beam(rotary: LoadedModel) -> None:
    events = run(rotary, ask("the cat s", heal=True, beams=4, candidates=4, max_tokens=8))
    for number in range(4):
        record = finished_of(events, number).record
        ids = (*record.prompt_ids[:-1], *record.output_ids)  # the prompt's last token was taken back
        whole = b"".join(rotary.tokenizer.token_bytes(token) for token in ids)
        assert whole.startswith(b"the cat s")


def test_the_session_keeps_the_prompt_and_records_come_out_again(model: LoadedModel) -> None:
    session = model.new_session()
    events = run(model, ask(beams=4, candidates=2), session)
    record = finished_of(events, 1).record
    assert tuple(session.tokens) == record.prompt_ids
    again = run(model, request_of(GenerationRecord.from_dict(record.to_dict())))
    assert finished_of(again, 1).record == record
    assert event_from_dict(finished_of(events).to_dict()) == finished_of(events)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"beams": 9}, "beams"), ({"beams": 2, "candidates": 3}, "candidates"), ({"length_penalty": 11.0}, "length")],
)
def test_impossible_settings_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ask(**changes)


def test_the_command_line(
    tiny_folders: dict[str, Path], capfd: pytest.CaptureFixture[str], rotary: LoadedModel
) -> None:
    call: Callable[..., int] = lambda *words: run_command_line(  # noqa: E731
        "nextstroke", (Command(("generate",), "engine.commands.generate", ""),), words
    )
    model = ("--model", str(tiny_folders["rotary"]), "--max-tokens", "6")
    assert call("generate", "the cat", *model, "--beams", "4", "--candidates", "2", "--length-penalty", "0.5") == 0
    out = capfd.readouterr().out
    wanted = run(
        rotary, ask("the cat", max_tokens=6, beams=4, candidates=2, length_penalty=0.5, ignore_end_of_text=False)
    )
    assert out == "--- 1 ---\n{}\n--- 2 ---\n{}\n".format(*texts(wanted))
    assert call("generate", "the cat", *model, "--beams", "2", "--candidates", "3") == 2
