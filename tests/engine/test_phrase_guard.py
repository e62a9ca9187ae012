"""Banned phrases: held in time, never written, and the same text otherwise; bias by id and by text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.errors import EmptyDistributionError
from engine.contracts.generation import Failed, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel
from engine.phrase_guard import PhraseGuard
from engine.score import score
from tests.engine.test_generate import HOT, ask, essence, finished_of, run, text_of, tokens_of


@given(
    pieces=st.lists(st.text("abé", max_size=3), max_size=12),
    phrases=st.lists(st.text("abé", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_what_is_let_go_never_holds_a_phrase(pieces: list[str], phrases: list[str]) -> None:
    guard = PhraseGuard(phrases)
    written: list[bytes] = []
    told = 0
    for piece in (text.encode() for text in pieces):
        written.append(piece)
        back = guard.push(piece)
        if back:
            text = b"".join(written)
            assert any(phrase.encode() in text for phrase in phrases)
            del written[len(written) - back :]
        assert not any(phrase.encode() in b"".join(written) for phrase in phrases)
        assert len(written) - guard.held >= told  # nothing is taken back that was let go
        told = len(written) - guard.held


def test_only_what_may_begin_a_phrase_is_held() -> None:
    guard = PhraseGuard(["sorry"])
    assert [guard.push(piece) or guard.held for piece in (b"I am ", b"s", b"or", b"t of", b" so", b"r")] == [
        0, 1, 2, 0, 1, 2,
    ]  # fmt: skip
    assert guard.push(b"ry?") == 3
    assert guard.held == 0


def clean_parts(text: str, size: int) -> list[str]:
    """Parts that are characters, not the U+FFFD that a random model's loose bytes are shown as."""
    parts = (text[start : start + size] for start in range(len(text) - size))
    return [part for part in parts if "\ufffd" not in part]


def test_a_banned_phrase_is_never_written_and_what_is_before_it_stays(model: LoadedModel) -> None:
    free = run(model, ask(max_tokens=60))
    text = text_of(free)
    tried = clean_parts(text, 2)[:4]
    assert tried
    for banned in tried:
        events = run(model, ask(max_tokens=60, banned=(banned,)))
        assert banned not in text_of(events)
        assert [token.index for token in tokens_of(events)] == list(range(60))
        assert essence(events) == essence(run(model, ask(max_tokens=60, banned=(banned,))))
        pairs = list(zip(essence(free), essence(events)))
        same = next((place for place, (one, other) in enumerate(pairs) if one[:2] != other[:2]), len(pairs))
        before = "".join(piece for _, _, piece in essence(free)[:same])
        assert len(before) <= text.index(banned) < len(before) + 4  # the token that began it is the first that differs


def test_phrases_that_never_come_change_nothing(model: LoadedModel) -> None:
    assert essence(run(model, ask(banned=("no such words", "另外的话")))) == essence(run(model, ask()))


def test_tokens_are_told_only_once_no_phrase_can_begin_with_them(rotary: LoadedModel) -> None:
    text = text_of(run(rotary, ask(max_tokens=12)))
    word = clean_parts(text, 2)[0]
    events = run(rotary, ask(max_tokens=12, banned=(word + "!?",)))
    assert text_of(events) == text
    pieces = "".join(token.text for token in tokens_of(events))
    assert word in pieces


def test_a_stop_string_ends_the_text_before_held_tokens(rotary: LoadedModel) -> None:
    text = text_of(run(rotary, ask(max_tokens=30)))
    stop = clean_parts(text, 2)[0]
    later = stop + "never"
    events = run(rotary, ask(max_tokens=30, stop=(stop,), banned=(later,)))
    assert text_of(events) == text[: text.index(stop)]
    assert finished_of(events).matched == stop


@pytest.mark.parametrize("place", [0, 1, 4])
def test_several_tokens_are_taken_back_together(model: LoadedModel, place: int) -> None:
    cold = SamplingSettings(temperature=0)
    found = 0
    prompts = ["the cat sat", "从前有一个小孩", "and then he", "mat", "一", "dogs saw"]
    for prompt in prompts:
        free = tokens_of(run(model, ask(prompt, sampling=cold)))
        pieces = [model.tokenizer.token_bytes(token.id) for token in free[place : place + 2]]
        try:
            banned = b"".join(pieces).decode()
        except UnicodeDecodeError:
            continue
        found += 1
        session = model.new_session()
        prompt_ids = model.prompt_ids(prompt)
        events = run(model, ask(prompt, sampling=cold, banned=(banned,)), session)
        ids = [token.id for token in tokens_of(events)]
        assert banned not in text_of(events)
        assert session.tokens == [*prompt_ids, *ids[:-1]]
        judged = score(model, [*prompt_ids, *ids]).tokens[len(prompt_ids) :]
        wanted = [token.logprob for token in judged]
        assert [token.logprob for token in tokens_of(events)] == pytest.approx(wanted, abs=1e-4)
    assert found


def test_candidates_take_back_for_themselves(rotary: LoadedModel) -> None:
    texts = [text_of(run(rotary, ask(candidates=3)), candidate) for candidate in range(3)]
    banned = tuple(clean_parts(text, 1)[0] for text in texts)
    events = run(rotary, ask(candidates=3, banned=banned))
    for candidate in range(3):
        assert not any(phrase in text_of(events, candidate) for phrase in banned)
    assert essence(events) == essence(run(rotary, ask(banned=banned)))


def test_a_ban_of_everything_ends_in_one_line(rotary: LoadedModel) -> None:
    every = {str(token): -100 for token in range(rotary.tokenizer.vocabulary_size)}
    (_, *_, failed) = run(rotary, ask(bias_ids=every))
    assert isinstance(failed, Failed)
    assert failed.kind == EmptyDistributionError.__name__
    assert "loosen one of them" in failed.message


def test_a_bias_moves_the_odds_by_its_size(rotary: LoadedModel) -> None:
    one = SamplingSettings(temperature=1, top_p=1, min_p=0, seed=1)
    token = rotary.tokenizer.encode("cat")[-1]
    pushed = run(rotary, ask(max_tokens=20, sampling=one, bias_ids={str(token): 100}))
    assert {event.id for event in pushed if isinstance(event, Token)} == {token}
    never = run(rotary, ask(max_tokens=40, sampling=HOT, bias_ids={str(token): -100}))
    assert token not in {event.id for event in never if isinstance(event, Token)}


def test_a_bias_by_text_counts_for_all_its_tokens(rotary: LoadedModel) -> None:
    wanted = set(rotary.tokenizer.encode("cat"))
    events = run(rotary, ask(max_tokens=30, bias={"cat": 100}))
    assert {event.id for event in events if isinstance(event, Token)} <= wanted


def test_a_bias_of_a_token_that_does_not_exist_is_refused(rotary: LoadedModel) -> None:
    (failed,) = run(rotary, ask(bias_ids={"999999": 1}))[-1:]
    assert isinstance(failed, Failed)
    assert "the token id 999999 does not exist in this model" in failed.message
