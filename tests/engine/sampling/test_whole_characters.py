"""No generated text holds U+FFFD: tokens that would break a character are never chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.generation import Finished, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel
from engine.sampling.candidates import Candidates
from engine.sampling.whole_characters import Characters, WholeCharacters, unfinished
from tests.engine.test_generate import ask, finished_of, run, text_of

BYTES = [bytes([value]) for value in range(256)]
PIECES = [b"", b"cat", "从".encode(), b"a\xe4\xbb", b"\x8e ", b"\xf0\x9f", b"\x98\x80", *BYTES]


def is_beginning(data: bytes) -> bool:
    """The slow judge: some one to three bytes more make `data` valid."""
    tails = [b"", *(bytes([byte, *[0x80] * more]) for byte in range(0x80, 0xC0) for more in range(3))]
    return any(_is_valid(data + tail) for tail in tails)


def _is_valid(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.binary(max_size=6) | st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass")[:7]))
def test_unfinished_is_what_a_slow_judge_says(data: bytes) -> None:
    begun = unfinished(data)
    assert (begun is not None) == is_beginning(data)
    if begun is not None:
        assert data.endswith(begun)
        assert _is_valid(data[: len(data) - len(begun)])


def test_all_beginnings_of_three_bytes() -> None:
    """What hypothesis may miss: surrogates, overlong forms, and what lies beyond Unicode."""
    for lead in (0xC1, 0xC2, 0xE0, 0xE1, 0xED, 0xEE, 0xF0, 0xF1, 0xF4, 0xF5):
        for second in range(0x7F, 0xC1):
            data = bytes([lead, second])
            assert (unfinished(data) is not None) == is_beginning(data), data


def test_what_is_allowed_is_what_a_slow_judge_allows() -> None:
    stage = WholeCharacters(Characters(PIECES))
    text = b""
    for token in (1, 3, PIECES.index(b"\x8e", 7), 5, 6, 2, PIECES.index(b"\xe4", 7), PIECES.index(b"\xb8", 7)):
        pool = Candidates(len(PIECES))
        pool.fill(np.zeros(len(PIECES), np.float32))
        stage.apply(pool, 0.0)
        ids, probabilities = pool.distribution()
        allowed = {int(i) for i, p in zip(ids, probabilities, strict=True) if p > 0}
        inside = bool(unfinished(text))
        wanted = {i for i, piece in enumerate(PIECES) if is_beginning(text + piece) and (piece or not inside)}
        assert allowed == wanted
        stage.accept(token)
        text += PIECES[token]
        assert is_beginning(text)


def test_a_vocabulary_that_cannot_finish_a_character_is_left_alone() -> None:
    stage = WholeCharacters(Characters([b"a", b"\xe4"]))
    stage.accept(1)
    pool = Candidates(2)
    pool.fill(np.zeros(2, np.float32))
    stage.apply(pool, 0.0)
    assert len(pool.distribution()[0]) == 2


def test_copies_and_resets_keep_to_themselves() -> None:
    stage = WholeCharacters(Characters(PIECES))
    stage.accept(3)
    copy = stage.clone()
    stage.reset()
    assert (copy._begun, stage._begun) == (b"\xe4\xbb", b"")


@pytest.mark.parametrize("candidates", [1, 3])
def test_a_model_that_spells_in_bytes_writes_whole_characters(model: LoadedModel, candidates: int) -> None:
    """Byte tokens pushed up, so that nearly every token is one."""
    pieces = model.tokenizer.pieces
    bias = {str(token): 6.0 for token, piece in enumerate(pieces) if len(piece) == 1 and piece[0] >= 0x80}
    bits = 0
    for seed in range(5):
        settings = SamplingSettings(temperature=2.0, top_p=1.0, min_p=0, seed=seed)
        request = ask(max_tokens=120, sampling=settings, bias_ids=bias, candidates=candidates)
        events = run(model, request)
        for candidate in range(candidates):
            text = text_of(events, candidate)
            assert "\ufffd" not in text
            bits += sum(ord(character) > 0x7F for character in text)
    assert bits > 100  # characters were spelt


def test_a_prompt_that_ends_within_a_character_is_finished(model: LoadedModel) -> None:
    pieces = list(model.tokenizer.pieces)
    begun = [pieces.index(bytes([byte])) for byte in "从".encode()[:2]]
    request = ask(None, prompt_ids=(*model.prompt_ids("the cat "), *begun), max_tokens=12)
    first = pieces[finished_of(run(model, request)).record.output_ids[0]]
    assert _is_valid("从".encode()[:2] + first[:1])


def test_any_bytes_may_be_asked_for(tiny_models: dict[str, LoadedModel]) -> None:
    model = tiny_models["int8-cache"]
    bias = {str(token): 30.0 for token, piece in enumerate(model.tokenizer.pieces) if piece == b"\x80"}
    assert "\ufffd" in text_of(run(model, ask(bias_ids=bias, any_bytes=True)))


@pytest.mark.slow
def test_five_thousand_tokens_without_a_broken_character(tiny_models: dict[str, LoadedModel]) -> None:
    """Streamed text is the decoded whole, with emoji and rare characters spelt in bytes."""
    model = tiny_models["int8-cache"]
    pieces = model.tokenizer.pieces
    bias = {str(token): 3.0 for token, piece in enumerate(pieces) if len(piece) == 1 and piece[0] >= 0x80}
    session, made, prompt = model.new_session(), 0, "从前有一个孩子🙂𠮷"
    for seed in range(60):
        settings = SamplingSettings(temperature=1.5, top_p=1.0, min_p=0, seed=seed)
        request = ask(prompt, max_tokens=100, sampling=settings, bias_ids=bias)
        events = list(generate(model, session, request))
        streamed = "".join(event.text for event in events if isinstance(event, Token | Finished))
        ids = finished_of(events).record.output_ids
        whole = b"".join(pieces[token] for token in ids)
        assert streamed == whole[: len(whole) - len(unfinished(whole) or b"")].decode()
        made += len(ids)
    assert made >= 5000
