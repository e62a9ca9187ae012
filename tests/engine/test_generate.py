"""The loop: same request, same events; text equals decoded ids; it stops where it should and reports it truly."""

import hashlib
import itertools
import json
import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.contracts.generation import (
    CONTEXT_KEEP_END,
    Done,
    Event,
    Failed,
    Finished,
    GenerationRecord,
    GenerationRequest,
    Progress,
    Started,
    Token,
    event_from_dict,
)
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model
from engine.prompt import tokens_to_drop
from engine.session import Session
from tests.engine.conftest import needs_any_threads
from tests.engine.sampling.reference import Reference
from tests.engine.test_text_stream import first_stop
from tests.support.tiny_graph import TinyShape, tiny_weights
from tests.support.tiny_models import write_tiny_model

HOT = SamplingSettings(temperature=1.2, top_p=0.98, min_p=0, seed=11)


def ask(prompt: str | None = "the cat sat 从前有", **changes) -> GenerationRequest:
    settings = {"max_tokens": 24, "sampling": HOT, "ignore_end_of_text": True, "ticket": {"revision": 4}} | changes
    return GenerationRequest("r1", prompt, **settings)


def run(model: LoadedModel, request: GenerationRequest, session: Session | None = None, cancel_after: int = 10**9):
    session = session or model.new_session()
    events: list[Event] = []
    for event in generate(model, session, request, lambda: sum(isinstance(e, Token) for e in events) >= cancel_after):
        events.append(event)
        assert len(session.tokens) == session.cache.length
    return events


def tokens_of(events: list[Event], candidate: int = 0) -> list[Token]:
    return [event for event in events if isinstance(event, Token) and event.candidate == candidate]


def finished_of(events: list[Event], candidate: int = 0) -> Finished:
    (found,) = (event for event in events if isinstance(event, Finished) and event.candidate == candidate)
    return found


def text_of(events: list[Event], candidate: int = 0) -> str:
    return "".join(token.text for token in tokens_of(events, candidate)) + finished_of(events, candidate).text


def essence(events: list[Event], candidate: int = 0) -> list[tuple[int, float, str]]:
    """Ids, exact log-probabilities and text: what must be the same, bit for bit."""
    return [(token.id, token.logprob, token.text) for token in tokens_of(events, candidate)]


def test_the_events_come_in_the_order_of_the_contract(model: LoadedModel) -> None:
    events = run(model, ask())
    kinds = [type(event) for event in events]
    assert kinds == [Started, *[Progress] * kinds.count(Progress), *[Token] * 24, Finished, Done]
    assert {event.request_id for event in events} == {"r1"}
    assert all(event.ticket == {"revision": 4} for event in events)
    assert [token.index for token in tokens_of(events)] == list(range(24))


def test_events_survive_the_way_through_json(rotary: LoadedModel) -> None:
    for event in run(rotary, ask(report_top=3, candidates=2)):
        assert event_from_dict(json.loads(json.dumps(event.to_dict()))) == event


def test_fresh_reused_and_restarted_give_the_same_bits(model: LoadedModel) -> None:
    fresh = run(model, ask())
    session = model.new_session()
    run(model, ask("the cat sat on a mat", max_tokens=7), session)
    run(model, ask(), session)
    reused = run(model, ask(), session)
    started = next(event for event in reused if isinstance(event, Started))
    assert started.to_prefill >= 1
    assert started.reused > 0 or model.plan.is_canonical
    assert essence(fresh) == essence(reused)
    assert finished_of(fresh).record == finished_of(reused).record
    restarted = run(load_model(model.folder.path, "cpu", threads=2), ask())
    assert essence(fresh) == essence(restarted)


def test_one_and_two_threads_give_the_same_bits(model: LoadedModel) -> None:
    needs_any_threads(model)
    assert essence(run(load_model(model.folder.path, "cpu", threads=1), ask())) == essence(run(model, ask()))


def test_generated_text_that_becomes_prompt_is_reused_and_exact(model: LoadedModel) -> None:
    session = model.new_session()
    first = run(model, ask(), session)
    prompt_ids = (*finished_of(first).record.prompt_ids, *finished_of(first).record.output_ids)
    further = ask(None, prompt_ids=prompt_ids)
    reused = run(model, further, session)
    assert isinstance(reused[0], Started)
    assert reused[0].reused >= len(prompt_ids) - 2 or model.plan.is_canonical
    assert essence(reused) == essence(run(model, further))


def test_streamed_text_is_the_decoded_text(model: LoadedModel) -> None:
    for seed in range(20):
        events = run(model, ask(sampling=replace(HOT, seed=seed)))
        finished = finished_of(events)
        whole = b"".join(model.tokenizer.token_bytes(token) for token in finished.record.output_ids)
        # The text was cut from outside, so the beginning of a character at its very end is left out.
        streamed, decoded = text_of(events), whole.decode("utf-8", "replace")
        assert streamed in (decoded, decoded.removesuffix("\ufffd"))
        assert finished.record.output_text_sha256 == hashlib.sha256(streamed.encode()).hexdigest()


def test_logprobs_are_those_of_the_model_before_the_chain(rotary: LoadedModel) -> None:
    events = run(rotary, ask(report_top=5, sampling=replace(HOT, repetition_penalty=1.5)))
    record = finished_of(events).record
    session = rotary.new_session()
    rows = [row.copy() for logits in session.prefill_all([*record.prompt_ids, *record.output_ids]) for row in logits]
    for token, row in zip(tokens_of(events), rows[len(record.prompt_ids) - 1 :]):
        scores = row.astype(np.float64)
        logprobs = scores - math.log(math.fsum(np.exp(scores)))
        assert token.logprob == pytest.approx(logprobs[token.id], abs=3e-7)  # the weights are added up in 32 bits
        assert [entry[0] for entry in token.alternatives] == np.argsort(-row, kind="stable")[:5].tolist()
        assert [entry[2] for entry in token.alternatives] == pytest.approx(sorted(logprobs)[:-6:-1], abs=3e-7)


CHAINS = {
    "cuts": SamplingSettings(temperature=0.7, top_k=40, top_p=0.9, min_p=0.01, seed=3),
    "nothing": SamplingSettings(temperature=1, top_p=1, min_p=0, seed=3),
    "cold": SamplingSettings(temperature=0),
    "penalties": SamplingSettings(repetition_penalty=1.3, presence_penalty=0.5, temperature=1.5, top_p=1, seed=3),
    "heat first": SamplingSettings(order=("temperature", "top_p"), temperature=2, top_p=0.8, seed=3),
}


@pytest.mark.parametrize("settings", CHAINS.values(), ids=CHAINS)
def test_alternatives_after_the_chain_are_those_of_the_reference(
    rotary: LoadedModel, settings: SamplingSettings
) -> None:
    """What the slow judge leaves, with its probabilities; the chosen token's is told too."""
    request = ask(report_top=7, sampling=settings, any_bytes=True)
    events = run(rotary, request)
    ids, size = rotary.prompt_ids(request.prompt or ""), rotary.tokenizer.vocabulary_size
    rows = np.concatenate(
        [r.copy() for r in rotary.new_session().prefill_all([*ids, *finished_of(events).record.output_ids])]
    )
    judge = Reference(settings, size)
    for token in ids:
        judge.accept(token)
    for token, row in zip(tokens_of(events), rows[len(ids) - 1 :], strict=False):
        judge.apply(row[:size].tolist(), 0.0)
        if settings.temperature == 0:
            judge.keep(judge.ordered()[:1])
        shares = judge.shares()
        assert [entry[0] for entry in token.alternatives_after] == [number for number, _ in shares[:7]]
        logprobs = [math.log(share) for _, share in shares[:7]]
        assert [entry[2] for entry in token.alternatives_after] == pytest.approx(logprobs, abs=3e-7)
        assert token.logprob_after == pytest.approx(math.log(dict(shares)[token.id]), abs=3e-7)
        judge.accept(token.id)


def test_what_is_reported_changes_nothing(model: LoadedModel) -> None:
    for settings in CHAINS.values():
        told = run(model, ask(report_top=1000, sampling=settings))
        assert essence(told) == essence(run(model, ask(sampling=settings)))
        for token in tokens_of(told):
            total = math.fsum(math.exp(entry[2]) for entry in token.alternatives_after)
            assert total == pytest.approx(1)  # all that were left: the vocabulary is smaller
            assert token.id in {entry[0] for entry in token.alternatives_after}


def test_a_forbidden_token_is_an_alternative_before_but_not_after(rotary: LoadedModel) -> None:
    first = tokens_of(run(rotary, ask(report_top=3, sampling=SamplingSettings(temperature=0))))[0]
    forbidden = {str(first.id): -100.0}
    other = tokens_of(run(rotary, ask(report_top=3, sampling=SamplingSettings(temperature=0), bias_ids=forbidden)))[0]
    assert other.alternatives == first.alternatives
    assert first.id not in {entry[0] for entry in other.alternatives_after}
    assert other.logprob_after == 0


def test_temperature_zero_ignores_the_seed(rotary: LoadedModel) -> None:
    cold = [run(rotary, ask(sampling=SamplingSettings(temperature=0, seed=seed))) for seed in (1, 2)]
    assert essence(cold[0]) == essence(cold[1])


def test_another_seed_gives_another_text(rotary: LoadedModel) -> None:
    texts = {text_of(run(rotary, ask(sampling=replace(HOT, seed=seed)))) for seed in range(5)}
    assert len(texts) == 5


def test_candidates_differ_and_the_first_is_what_a_lone_request_gives(model: LoadedModel) -> None:
    alone, several = run(model, ask()), run(model, ask(candidates=3))
    assert essence(several, 0) == essence(alone)
    assert len({text_of(several, candidate) for candidate in range(3)}) == 3
    assert [type(event) for event in several].count(Done) == 1
    assert essence(run(model, ask(candidates=2)), 1) == essence(several, 1)


def test_a_stop_string_is_cut_off_and_named(rotary: LoadedModel) -> None:
    text = text_of(run(rotary, ask()))
    stop = text[len(text) // 2 :][:3]
    events = run(rotary, ask(stop=("never there", stop)))
    finished = finished_of(events)
    assert finished.reason == "stop"
    assert finished.matched == stop
    assert text_of(events) == text[: text.index(stop)]
    assert stop not in text_of(events)
    assert len(tokens_of(events)) < 24


def test_stops_over_token_borders_and_each_other_are_those_of_the_whole_text(rotary: LoadedModel) -> None:
    """Stops cut out of the text itself, so that they overlap, against a search letter by letter in the whole."""
    dice = random.Random(4)
    over_borders = 0
    for seed in range(12):
        settings = replace(HOT, seed=seed)
        free = tokens_of(run(rotary, ask(sampling=settings)))
        whole = text_of(run(rotary, ask(sampling=settings)))
        place = dice.randrange(len(whole) - 8)
        starts = [place + dice.randrange(4) for _ in range(4)]
        stops = [*(whole[start : start + dice.randint(1, 8)] for start in starts), "never there"]
        found = first_stop(whole, stops)
        assert found is not None
        end, start, stop = found
        events = run(rotary, ask(sampling=settings, stop=tuple(stops)))
        finished = finished_of(events)
        assert (finished.reason, finished.matched, text_of(events)) == ("stop", stop, whole[:start])
        pieces = [rotary.tokenizer.token_bytes(token.id) for token in free]
        ends = list(itertools.accumulate(map(len, pieces)))
        needed = next(count for count, size in enumerate(ends, 1) if size >= len(whole[:end].encode()))
        assert list(finished.record.output_ids) == [token.id for token in free[:needed]]
        first = next(count for count, size in enumerate(ends, 1) if size > len(whole[:start].encode()))
        over_borders += first < needed
    assert over_borders > 3


def test_max_tokens_ends_with_length(rotary: LoadedModel) -> None:
    finished = finished_of(run(rotary, ask(max_tokens=1)))
    assert (finished.reason, finished.usage.output_tokens, finished.matched) == ("length", 1, None)


def end_of_text_model(folder: Path, special_tokens: dict[str, int] | None = None) -> LoadedModel:
    """A model that always ends the text: its end-of-text column stands far out."""
    shape = TinyShape(learned_positions=True, context=64)
    weights = tiny_weights(shape, 1)
    weights["head"][:] = 0
    weights["norm"][:] = 1
    weights["positions"][:, 0] += 100.0
    weights["head"][0, 0] = 10.0
    write_tiny_model(folder, shape, weights=weights, special_tokens=special_tokens)
    return load_model(folder, "cpu", threads=1)


def test_the_end_of_text_ends_the_text_unless_ignored(tmp_path: Path) -> None:
    model = end_of_text_model(tmp_path / "m")
    events = run(model, ask(ignore_end_of_text=False))
    assert finished_of(events).reason == "end_of_text"
    assert tokens_of(events) == []
    assert text_of(events) == ""
    ignored = run(model, ask(max_tokens=3))
    assert [token.id for token in tokens_of(ignored)] == [0, 0, 0]
    assert text_of(ignored) == ""


def test_a_full_context_ends_with_context(model: LoadedModel) -> None:
    count = model.context_length - 5
    events = run(model, ask(None, prompt_ids=tuple([7] * count), max_tokens=100))
    finished = finished_of(events)
    assert finished.reason == "context"
    assert finished.usage.output_tokens == 6  # the last one needs no place any more
    assert finished.usage.context_used == finished.usage.context_length == model.context_length


def test_a_prompt_that_fills_the_context_still_gets_one_token(rotary: LoadedModel) -> None:
    events = run(rotary, ask(None, prompt_ids=tuple([7] * rotary.context_length)))
    assert (finished_of(events).reason, len(tokens_of(events))) == ("context", 1)


def test_a_longer_prompt_is_refused_with_both_counts(rotary: LoadedModel) -> None:
    (failed,) = run(rotary, ask(None, prompt_ids=tuple([7] * 257)))
    assert isinstance(failed, Failed)
    assert failed.kind == "PromptTooLongError"
    assert "257 tokens" in failed.message
    assert "at most 256" in failed.message


def test_keeping_the_end_drops_the_beginning_and_says_so(rotary: LoadedModel) -> None:
    ids = np.random.default_rng(1).integers(2, 400, 300).tolist()
    request = ask(None, prompt_ids=tuple(ids), context_policy=CONTEXT_KEEP_END)
    events = run(rotary, request)
    started = events[0]
    assert isinstance(started, Started)
    assert started.dropped == 128
    record = finished_of(events).record
    assert list(record.prompt_ids) == ids[128:]
    again = GenerationRequest.from_dict({**record.request, "prompt_ids": record.prompt_ids})
    assert essence(run(rotary, again)) == essence(events)


def test_the_token_that_begins_every_text_is_never_dropped(rotary: LoadedModel, tmp_path: Path) -> None:
    """The range of the event is what is missing from the tokens that ran; with the token, without it, given as ids."""
    words = "the cat sat on a mat and saw two dogs " * 60
    with_token = end_of_text_model(tmp_path / "m", {"end_of_text": 0, "begin_of_text": 0})
    for model, first in ((with_token, 1), (rotary, 0)):
        ids = model.prompt_ids(words)
        for request in (
            ask(words, context_policy=CONTEXT_KEEP_END),
            ask(None, prompt_ids=tuple(ids), context_policy=CONTEXT_KEEP_END),
        ):
            events = run(model, request)
            started = events[0]
            assert isinstance(started, Started)
            assert (started.dropped_from, started.dropped > 0) == (first, True)
            del_from, del_to = started.dropped_from, started.dropped_from + started.dropped
            assert list(finished_of(events).record.prompt_ids) == [*ids[:del_from], *ids[del_to:]]
    short = run(with_token, ask(context_policy=CONTEXT_KEEP_END))[0]
    assert isinstance(short, Started)
    assert (short.dropped, short.dropped_from) == (0, 0)


def test_while_a_text_grows_the_same_tokens_stay_dropped() -> None:
    context, room = 256, 24
    drops = [tokens_to_drop(count, room, context) for count in range(1, 2000)]
    assert drops == sorted(drops)
    assert all(count - drop + room <= context for count, drop in enumerate(drops, start=1))
    assert all(count - drop >= context // 4 for count, drop in enumerate(drops, start=1) if drop)
    assert len(set(drops)) <= 2000 / 64 + 1
    assert drops[context - room - 1] == 0


def test_cancelling_ends_with_what_was_made(rotary: LoadedModel) -> None:
    session = rotary.new_session()
    events = run(rotary, ask(), session, cancel_after=5)
    finished = finished_of(events)
    assert finished.reason == "cancelled"
    assert len(tokens_of(events)) == 5
    assert isinstance(events[-1], Done)
    assert essence(run(rotary, ask(), session)) == essence(run(rotary, ask()))


def test_cancelling_before_the_first_token_ends_every_candidate(rotary: LoadedModel) -> None:
    events = run(rotary, ask(candidates=3), cancel_after=0)
    assert [type(event) for event in events] == [Started, Finished, Finished, Finished, Done]
    assert {finished_of(events, candidate).reason for candidate in range(3)} == {"cancelled"}


def test_walking_away_from_the_events_leaves_the_session_valid(rotary: LoadedModel) -> None:
    session = rotary.new_session()
    stream = generate(rotary, session, ask())
    for _ in range(6):
        next(stream)
    stream.close()
    assert len(session.tokens) == session.cache.length
    assert essence(run(rotary, ask(), session)) == essence(run(rotary, ask()))


def test_an_empty_prompt_needs_a_token_to_begin_with(rotary: LoadedModel, tmp_path: Path) -> None:
    (failed,) = run(rotary, ask(""))
    assert isinstance(failed, Failed)
    assert failed.kind == "EmptyPromptError"
    model = end_of_text_model(tmp_path / "m", {"end_of_text": 0, "begin_of_text": 0})
    assert finished_of(run(model, ask(""))).record.prompt_ids == (0,)
    assert finished_of(run(model, ask("the cat"))).record.prompt_ids == (0, *model.tokenizer.encode("the cat"))
    assert finished_of(run(model, ask(None, prompt_ids=(5, 6)))).record.prompt_ids == (5, 6)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"prompt": None}, "UsageError"),
        ({"prompt": "a", "prompt_ids": (1,)}, "UsageError"),
        ({"prompt": None, "prompt_ids": (512,)}, "UsageError"),
        ({"prompt": None, "prompt_ids": (-1,)}, "UsageError"),
        ({"prompt": None, "prompt_ids": ()}, "EmptyPromptError"),
        ({"prompt": "half \ud800"}, "TokenizerError"),
    ],
)
def test_impossible_requests_fail_in_one_event(rotary: LoadedModel, changes: dict, kind: str) -> None:
    (failed,) = run(rotary, ask(**changes))
    assert isinstance(failed, Failed)
    assert failed.kind == kind
    assert "\n" not in failed.message


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_damaged_weights_are_reported_not_sampled(tmp_path: Path, bad: float) -> None:
    weights = tiny_weights(TinyShape(), 1)
    weights["head"][:, 3] = bad
    write_tiny_model(tmp_path / "m", weights=weights)
    model = load_model(tmp_path / "m", "cpu", threads=1)
    events = run(model, ask())
    assert isinstance(events[-1], Failed)
    assert events[-1].kind == "EngineError"
    assert "not finite" in events[-1].message


def test_the_record_is_complete_and_gives_the_passage_again(model: LoadedModel) -> None:
    events = run(model, ask(stop=("zzz",), candidates=2))
    record = finished_of(events, 1).record
    assert record.model_digest == model.manifest.digest()
    assert record.tokenizer_digest == model.tokenizer.digest
    assert (record.device, record.self_check, record.threads) == ("cpu", model.plan.description, 2)
    assert record.kernel_class
    assert record.runtime_version
    assert record.engine_version
    assert not {"prompt", "ticket", "prompt_ids"} & set(record.request)
    kept = GenerationRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    request = GenerationRequest.from_dict({**kept.request, "prompt_ids": kept.prompt_ids})
    again = finished_of(run(model, request), 1).record
    assert again.output_ids == record.output_ids
    assert again.output_text_sha256 == record.output_text_sha256


def test_usage_and_timings_add_up(rotary: LoadedModel) -> None:
    finished = finished_of(run(rotary, ask()))
    usage, timings = finished.usage, finished.timings
    assert usage.prompt_tokens == len(rotary.tokenizer.encode("the cat sat 从前有"))
    assert usage.output_tokens == 24
    assert usage.context_used == usage.prompt_tokens + 23
    assert 0 < timings.prefill_ms < timings.first_token_ms
    assert timings.decode_tokens_per_second == pytest.approx(23 / timings.decode_ms * 1000)


def test_padded_ids_are_never_generated(rotary: LoadedModel) -> None:
    size = rotary.tokenizer.vocabulary_size
    assert size < rotary.manifest.vocabulary_size
    for seed in range(10):
        events = run(rotary, ask(sampling=SamplingSettings(temperature=50, top_p=1, min_p=0, seed=seed)))
        assert all(token.id < size for token in tokens_of(events))


def test_records_hold_no_prompt_text(rotary: LoadedModel) -> None:
    record = finished_of(run(rotary, ask("a private sentence"))).record
    assert "private" not in json.dumps(record.to_dict())
