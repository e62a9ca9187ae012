"""The matcher that every candidate of a request begins with.

For: the loop. Knows: which parts of a request concern its constraint. Must not know: how a matcher works, sampling.
"""

from __future__ import annotations

from engine.constraints.matcher import Matcher
from engine.contracts.errors import UsageError
from engine.contracts.generation import GenerationRequest
from engine.contracts.plain_fields import shown
from engine.loaded_model import LoadedModel


def requested_matcher(model: LoadedModel, request: GenerationRequest) -> Matcher | None:
    """None without a constraint. Raises `UsageError` for one that cannot be fulfilled, or not with `begin_with`."""
    if request.constraint is None:
        return None
    end = -1 if request.ignore_end_of_text else model.tokenizer.end_of_text
    matcher = model.vocabulary.matcher(request.constraint, end)
    if not matcher.can_accept(request.begin_with.encode()):
        raise UsageError(
            f"within the constraint no text begins with {shown(request.begin_with)}; change it or begin_with"
        )
    return matcher
