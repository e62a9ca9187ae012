"""What of the text is sent to the model, and what its answer must lose so that both fit together.

Knows: text. Must not know: tokens, widgets, the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

# The engine tokenizes all that it is sent; a model's context is far smaller than this.
PROMPT_CHARACTERS = 200_000


@dataclass(frozen=True)
class Prompt:
    """`text` goes to the model. `space_is_there`: the writer typed the space that its first word will bring along."""

    text: str
    space_is_there: bool
    was_cut: bool


def prompt_of(text_before: str) -> Prompt:
    """The prompt for the text before the caret.

    Tokenizers attach a space to the word after it: a prompt that ends in a space asks for a word that starts without
    one, which models have hardly ever seen. So the space stays on the page and is taken off the answer instead.
    """
    end = text_before[-PROMPT_CHARACTERS:]
    bare = end[:-1] if end.endswith(" ") and not end.endswith("  ") else end
    return Prompt(bare, space_is_there=bare != end, was_cut=len(end) < len(text_before))


def without_doubled_space(first_piece: str, prompt: Prompt) -> str:
    """The first piece of the answer, without the space that is on the page already."""
    return first_piece[1:] if prompt.space_is_there and first_piece.startswith(" ") else first_piece
