"""What a request asks of every token of its text, as one chain of stages; and what is told of a token.

For: candidates and beam search. Knows: requests, models, all stages. Must not know: how a token is then chosen.

    literal -> constraint -> whole characters -> bias -> the sampling chain, which has read the prompt
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.constraints.matcher import Matcher
from engine.constraints.stage import Constrained
from engine.contracts.errors import EngineError
from engine.contracts.generation import Alternatives, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel
from engine.prompt import Prompt, refuse_unknown_ids
from engine.sampling.bias import Bias
from engine.sampling.candidates import Candidates, Ids, Scores, best_ids
from engine.sampling.chain import Chain, make_chain
from engine.sampling.literal import Literal
from engine.sampling.whole_characters import WholeCharacters

_CHARACTER_TOKENS = 8  # a character has four bytes at most; more than that, to begin reading between two

Row = NDArray[np.float32]  # logits (vocabulary,)


def request_chain(model: LoadedModel, request: GenerationRequest, prompt: Prompt, matcher: Matcher | None) -> Chain:
    """The stages of the request, which have read the prompt."""
    tokenizer, healed = model.tokenizer, healed_bytes(model, prompt)
    amounts = {int(token): amount for token, amount in request.bias_ids.items()}
    refuse_unknown_ids(model, amounts)
    for text, amount in request.bias.items():
        amounts |= dict.fromkeys(tokenizer.encode(text), amount)
    characters = () if request.any_bytes else (WholeCharacters(model.characters),)
    bias = (Bias(amounts),) if amounts else ()
    chain = Chain((*characters, *bias, *make_chain(request.sampling, tokenizer.pieces).stages))
    for token in prompt.ids:
        chain.accept(token)
    if matcher is not None:
        chain = Chain((Constrained(matcher, tokenizer.pieces, healed), *chain.stages))
    literal = healed + request.begin_with.encode()
    return Chain((Literal(literal, tokenizer.pieces), *chain.stages)) if literal else chain


def without_chance(sampling: SamplingSettings) -> SamplingSettings:
    """The rules alone: penalties and bans stay, what only serves a drawing of lots (cuts, temperature) is off."""
    return replace(
        sampling,
        temperature=1.0,
        dynamic_temperature_range=0.0,
        top_k=0,
        top_p=1.0,
        min_p=0.0,
        typical_p=1.0,
        top_n_sigma=0.0,
        xtc_probability=0.0,
        mirostat=0,
    )


def fill_checked(pool: Candidates, logits: Row, model: LoadedModel) -> float:
    """Begin with all tokens that stand for text; the normalizer of the logits. Raises `EngineError` for damage."""
    pool.fill(logits)
    if not math.isfinite(pool.highest):
        raise EngineError(
            "the model answers with numbers that are not finite, so its weights are damaged; "
            "fetch or export the model again"
        )
    normalizer = pool.normalizer
    # Ids beyond the tokenizer's are padding of the model's matrices and stand for no text.
    pool.forbid_from(model.tokenizer.vocabulary_size)
    return normalizer


def alternatives(model: LoadedModel, request: GenerationRequest, logits: Row, normalizer: float) -> Alternatives:
    """The most probable tokens before the chain, as many as the request wants reported."""
    if request.report_top == 0:
        return ()
    best = best_ids(logits, request.report_top)
    return named(model, best, logits[best].astype(np.float64) - normalizer)


def named(model: LoadedModel, ids: Ids, logprobs: Scores) -> Alternatives:
    """Tokens with their texts and logarithms."""
    texts = (token_bytes(model, int(token)).decode("utf-8", "replace") for token in ids)
    return tuple(zip(ids.tolist(), texts, logprobs.tolist(), strict=True))


def healed_bytes(model: LoadedModel, prompt: Prompt) -> bytes:
    """The end of the prompt that is written anew."""
    return b"".join(token_bytes(model, token) for token in prompt.healed)


def begun_character(model: LoadedModel, prompt: Prompt) -> bytes:
    """The bytes of a character that the prompt ends within; none behind a whole one."""
    stage = WholeCharacters(model.characters)
    for token in prompt.whole[-_CHARACTER_TOKENS:]:
        stage.accept(token)
    return stage.begun


def token_bytes(model: LoadedModel, token: int) -> bytes:
    """The bytes of a token; none of one that stands for no text."""
    return model.tokenizer.token_bytes(token) if token < model.tokenizer.vocabulary_size else b""
