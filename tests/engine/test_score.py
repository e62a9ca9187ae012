"""Scores against the naive forward, and the sliding window against separate runs."""

import math

import numpy as np
import pytest

from engine.contracts.errors import EmptyPromptError, UsageError
from engine.loaded_model import LoadedModel
from engine.score import log_softmax, score
from tests.engine.conftest import SHAPES
from tests.support.tiny_graph import naive_logits, tiny_weights

TEXT = "the cat sat on a mat 从前有一个小孩子，他很高兴。😀"


def naive_logprobs(name: str, ids: list[int]) -> np.ndarray:
    logits = naive_logits(SHAPES[name], tiny_weights(SHAPES[name], 1), ids)
    highest = logits.max(-1, keepdims=True)
    return logits - highest - np.log(np.exp(logits - highest).sum(-1, keepdims=True))


def test_scores_are_those_of_the_naive_forward(rotary: LoadedModel) -> None:
    ids = rotary.tokenizer.encode(TEXT)
    result, expected = score(rotary, ids, top=4), naive_logprobs("rotary", ids)
    assert [token.id for token in result.tokens] == ids
    assert result.tokens[0].logprob is None
    assert result.tokens[0].top == ()
    for place in range(1, len(ids)):
        token = result.tokens[place]
        assert token.logprob == pytest.approx(expected[place - 1, ids[place]], abs=1e-4)
        assert [entry[0] for entry in token.top] == np.argsort(-expected[place - 1])[:4].tolist()
    assert [entry[0] for entry in result.next_top] == np.argsort(-expected[-1])[:4].tolist()


def test_bits_count_the_bytes_of_scored_tokens_only(rotary: LoadedModel) -> None:
    ids = rotary.tokenizer.encode(TEXT)
    result = score(rotary, ids)
    nats = -sum(token.logprob for token in result.tokens[1:] if token.logprob is not None)
    size = len(rotary.tokenizer.decode(ids[1:]).encode())
    assert size < len(TEXT.encode())
    assert result.bits_per_byte == pytest.approx(nats / math.log(2) / size)
    assert result.perplexity == pytest.approx(math.exp(nats / (len(ids) - 1)))


@pytest.mark.parametrize("count", [2, 63, 64, 65, 199, 200, 201, 299, 300, 301, 437])
def test_long_texts_are_scored_in_half_context_windows(tiny_models: dict[str, LoadedModel], count: int) -> None:
    model = tiny_models["learned"]  # a context of 200
    ids = np.random.default_rng(2).integers(0, 400, count).tolist()
    result = score(model, ids, top=1)
    for place in range(1, count):
        start = max(0, -(-(place - 199) // 100)) * 100  # the first window, at a multiple of 100, that reaches `place`
        row = model.new_session().prefill(ids[start:place])
        assert row is not None
        if place - start > 1:
            difference = abs((result.tokens[place].logprob or 0) - log_softmax(row[-1])[ids[place]])
            assert difference == 0 or (model.plan.is_canonical and difference < 1e-3)
    assert len(result.next_top) == 1


def test_scoring_and_generating_share_a_session(rotary: LoadedModel) -> None:
    session, ids = rotary.new_session(), rotary.tokenizer.encode(TEXT)
    session.prefill(ids)
    assert score(rotary, ids, 2, session) == score(rotary, ids, 2)
    assert session.tokens == ids


def test_one_token_alone_has_no_score_but_a_next(rotary: LoadedModel) -> None:
    result = score(rotary, [5], top=2)
    assert (result.bits_per_byte, result.perplexity, result.tokens[0].logprob) == (None, None, None)
    assert len(result.next_top) == 2


def test_impossible_texts_are_refused(rotary: LoadedModel) -> None:
    with pytest.raises(EmptyPromptError, match="nothing to score"):
        score(rotary, [])
    with pytest.raises(UsageError, match="512 does not exist"):
        score(rotary, [1, 512])
