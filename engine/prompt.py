"""From a request's text or ids to the tokens that the model will see.

For: generation. Knows: the context policy and how a text is begun. Must not know: sessions or sampling.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.contracts.errors import EmptyPromptError, PromptTooLongError, UsageError
from engine.contracts.generation import CONTEXT_KEEP_END, GenerationRequest
from engine.loaded_model import LoadedModel

_DROP_STEPS = 4  # a long prompt loses a whole number of quarters of the context


@dataclass(frozen=True)
class Prompt:
    """The tokens to run; `dropped` ones from `dropped_from` on are not seen, `healed` ones behind are written anew."""

    ids: tuple[int, ...]
    dropped: int
    healed: tuple[int, ...] = ()
    dropped_from: int = 0

    @property
    def whole(self) -> tuple[int, ...]:
        """With the tokens that are written anew: what a record keeps."""
        return self.ids + self.healed


def prepare_prompt(model: LoadedModel, request: GenerationRequest) -> Prompt:
    """Raises `EmptyPromptError`, `PromptTooLongError`, `UsageError` or `TokenizerError`, each saying what to do."""
    ids = _ids_of(model, request)
    if not ids:
        raise EmptyPromptError("there is nothing to continue: the prompt is empty; write a first word")
    context = model.context_length
    if len(ids) > context and request.context_policy != CONTEXT_KEEP_END:
        raise PromptTooLongError(f"the prompt has {len(ids)} tokens but the model sees at most {context}; shorten it")
    dropped = first = 0
    if request.context_policy == CONTEXT_KEEP_END:
        dropped = tokens_to_drop(len(ids), request.max_tokens, context)
        # A model that begins every text with a token has never seen one without it.
        first = 1 if dropped and model.beginning and ids[0] == model.beginning[0] else 0
        dropped = min(dropped, len(ids) - 1 - first)
    seen = (*ids[:first], *ids[first + dropped :])
    kept = _kept_by_healing(model, seen) if request.heal else len(seen)
    return Prompt(seen[:kept], dropped, seen[kept:], first)


def _kept_by_healing(model: LoadedModel, ids: Sequence[int]) -> int:
    """All but the last token, where a longer one begins as it does and another stands before it."""
    last = model.tokenizer.token_bytes(ids[-1]) if ids[-1] < model.tokenizer.vocabulary_size else b""
    has_longer = bool(last) and any(
        len(piece) > len(last) and piece.startswith(last) for piece in model.tokenizer.pieces
    )
    return len(ids) - 1 if len(ids) > 1 and has_longer else len(ids)


def tokens_to_drop(count: int, max_tokens: int, context: int) -> int:
    """How many of `count` tokens to leave out at the start so that `max_tokens` more find room.

    In steps of a quarter of the context: while a text grows, the same tokens stay dropped for a long time, so that the
    cache keeps serving. Up to half of the context is kept free for new tokens.
    """
    room = min(max_tokens, context // 2)
    excess = count + room - context
    step = max(context // _DROP_STEPS, 1)
    dropped = -(-max(excess, 0) // step) * step
    return min(dropped, count - 1)


def _ids_of(model: LoadedModel, request: GenerationRequest) -> Sequence[int]:
    if (request.prompt is None) == (request.prompt_ids is None):
        raise UsageError("a request needs either a prompt or prompt_ids; give exactly one of them")
    if request.prompt is not None:
        return model.prompt_ids(request.prompt)
    ids = request.prompt_ids or ()
    refuse_unknown_ids(model, ids)
    return ids


def refuse_unknown_ids(model: LoadedModel, ids: Iterable[int]) -> None:
    """Raises `UsageError` where one of `ids` is no token of the model."""
    size = model.manifest.vocabulary_size
    wrong = next((token for token in ids if not 0 <= token < size), None)
    if wrong is not None:
        raise UsageError(f"the token id {wrong} does not exist in this model; ids go from 0 to {size - 1}")
