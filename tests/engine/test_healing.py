"""Token healing and a text's given beginning: whatever the tokens are, the bytes come out as asked."""

from pathlib import Path

import pytest

from engine.commands.records import request_of
from engine.contracts.generation import GenerationRecord
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel, load_model
from engine.sampling.literal import Literal
from tests.engine.test_generate import ask, essence, finished_of, run, text_of, tokens_of

COLD = SamplingSettings(temperature=0)


@pytest.mark.parametrize("beginning", ["the cat", "从前有一个", "🙂 naïve ", "a"])
def test_the_text_begins_as_asked_and_goes_on_freely(model: LoadedModel, beginning: str) -> None:
    events = run(model, ask(begin_with=beginning, max_tokens=30))
    assert text_of(events).startswith(beginning)
    assert len(text_of(events)) > len(beginning)
    assert essence(events) == essence(run(model, ask(begin_with=beginning, max_tokens=30)))


def test_a_stop_or_the_limit_may_come_before_the_beginning_is_written(rotary: LoadedModel) -> None:
    events = run(rotary, ask(begin_with="the cat sat on the mat", stop=("cat",), max_tokens=40))
    assert (text_of(events), finished_of(events).matched) == ("the ", "cat")
    events = run(rotary, ask(begin_with="the cat sat on the mat", max_tokens=1))
    assert "the cat sat on the mat".startswith(text_of(events).rstrip("\ufffd"))


def test_a_prompt_that_ends_within_a_word_is_continued_within_it(model: LoadedModel) -> None:
    pieces = model.tokenizer.pieces
    prompts = ["the cat s", "he saw the do", "从前有", "and th"]
    healed = 0
    for prompt in prompts:
        ids = model.prompt_ids(prompt)
        last = pieces[ids[-1]]
        longer = {token for token, piece in enumerate(pieces) if len(piece) > len(last) and piece.startswith(last)}
        if not longer:
            continue
        healed += 1
        wanted = min(longer)
        events = run(model, ask(prompt, heal=True, bias_ids={str(wanted): 100}, sampling=COLD, max_tokens=1))
        assert [token.id for token in tokens_of(events)] == [wanted]  # the longer token takes the place of the last one
        shown = pieces[wanted][len(last) :]
        assert text_of(events).encode().startswith(shown) or b"\xef\xbf\xbd" in text_of(events).encode()
        assert finished_of(events).usage.prompt_tokens == len(ids)
    assert healed


def test_the_prompts_own_end_always_comes_out_first(model: LoadedModel) -> None:
    for prompt in ("the cat s", "mat", "从前有一", "saw "):
        events = run(model, ask(prompt, heal=True, max_tokens=20))
        before = len(model.prompt_ids(prompt)) - 1
        record = finished_of(events).record
        ids = [token.id for token in tokens_of(events)]
        whole = b"".join(model.tokenizer.token_bytes(token) for token in (*record.prompt_ids[:before], *ids))
        kept = b"".join(model.tokenizer.token_bytes(token) for token in record.prompt_ids)
        if record.prompt_ids != tuple(model.prompt_ids(prompt)) or whole.startswith(kept):
            assert whole.startswith(kept)
        else:  # no longer token begins so: nothing was healed
            assert essence(events) == essence(run(model, ask(prompt, max_tokens=20)))


def test_a_record_with_a_healed_prompt_comes_out_again(model: LoadedModel) -> None:
    record = finished_of(run(model, ask("the cat s", heal=True))).record
    again = run(model, request_of(GenerationRecord.from_dict(record.to_dict())))
    assert finished_of(again).record.output_ids == record.output_ids
    assert finished_of(again).record.output_text_sha256 == record.output_text_sha256


def test_a_single_token_is_never_healed_away(rotary: LoadedModel) -> None:
    events = run(rotary, ask(None, prompt_ids=(5,), heal=True))
    assert essence(events) == essence(run(rotary, ask(None, prompt_ids=(5,))))


@pytest.fixture(scope="module")
def bundled(root: Path) -> LoadedModel:
    return load_model(root / "resources" / "models" / "tiny-zh-en", "cpu", 1)


@pytest.mark.parametrize(
    ("prompt", "word"),
    [("他今天很高", "高兴"), ("这个时", "时候"), ("孩子们都很喜", "喜欢"), ("先生说：「这是什", "什么")],
)
def test_a_chinese_word_that_was_begun_is_finished(bundled: LoadedModel, prompt: str, word: str) -> None:
    """The bundled model: 高 alone is a token that rarely stands before 兴, which it reads as one word, 高兴."""
    healed = run(bundled, ask(prompt, heal=True, sampling=COLD, max_tokens=4))
    first = bundled.tokenizer.token_bytes(tokens_of(healed)[0].id)
    assert first.startswith(word.encode())
    assert text_of(healed).startswith(word[1:])  # the part that stands in the prompt is not shown again
    assert not text_of(run(bundled, ask(prompt, sampling=COLD, max_tokens=4))).startswith(word[1:])


def test_an_english_word_that_was_begun_is_finished(bundled: LoadedModel) -> None:
    healed = run(bundled, ask("The little gi", heal=True, sampling=COLD, max_tokens=4))
    assert text_of(healed).startswith("rl was")


@pytest.mark.parametrize("heal", [False, True])
@pytest.mark.parametrize("beams", [0, 3])
@pytest.mark.parametrize(("character", "count"), [("龘", 1), ("龘", 2), ("𠮷", 1), ("𠮷", 3), ("🙂", 2)])
def test_a_character_that_the_prompt_ends_within_is_written_whole(
    model: LoadedModel, character: str, count: int, heal: bool, beams: int
) -> None:
    """Rare characters are spelt in bytes; whatever bytes follow, the text begins with a character and never U+FFFD."""
    pieces = list(model.tokenizer.pieces)
    begun = character.encode()[:count]
    prompt = (*model.prompt_ids("从前有一个"), *(pieces.index(bytes([byte])) for byte in begun))
    for seed in range(3):
        sampling = SamplingSettings(temperature=1.5, seed=seed)
        events = run(model, ask(None, prompt_ids=prompt, heal=heal, beams=beams, max_tokens=12, sampling=sampling))
        text = text_of(events)
        assert "\ufffd" not in text
        assert text.encode()[:count] == begun
        record = finished_of(events).record
        written = b"".join(pieces[token] for token in record.output_ids)
        assert (begun + written).startswith(text.encode()) or heal


def test_a_clone_goes_its_own_way() -> None:
    stage = Literal(b"ab", [b"a", b"b", b"ab"])
    copy = stage.clone()
    stage.accept(0)
    assert (stage._left, copy._left) == (b"b", b"ab")
    stage.reset()
    assert stage._left == b"ab"
