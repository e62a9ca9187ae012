"""The tokenizer of a run: the one it began with, the recipe's file, or a new one trained on the recipe's text.

For: the trainer. Knows: where a run keeps its tokenizer. Must not know: models, steps.
"""

from __future__ import annotations

from pathlib import Path

from engine.contracts.errors import RecipeError
from export.training.corpus import read_documents, sample_texts
from export.training.files import write_atomically
from export.training.recipe import Recipe
from export.training.run_report import say
from export.training.tokenizer import TextTokenizer, compression_report, train_tokenizer


def tokenizer_of_run(recipe: Recipe, folder: Path) -> TextTokenizer:
    """Found or made, and kept as RUN/tokenizer.model; one that does not fit the model is refused."""
    kept, settings = folder / "tokenizer.model", recipe.tokenizer
    if kept.exists():
        tokenizer = TextTokenizer.open(kept)
    elif settings.file:
        tokenizer = TextTokenizer.open(Path(settings.file))
    else:
        tokenizer = _trained(recipe)
    if tokenizer.vocabulary != recipe.model.vocabulary_size:
        raise RecipeError(
            f"the tokenizer has {tokenizer.vocabulary} pieces, the model {recipe.model.vocabulary_size}; set "
            f"tokenizer.vocabulary={tokenizer.vocabulary} and leave model.vocabulary_size out, or name another --output"
        )
    write_atomically(kept, tokenizer.model)
    return tokenizer


def _trained(recipe: Recipe) -> TextTokenizer:
    say(f"training a tokenizer of {recipe.tokenizer.vocabulary:,} pieces")
    texts = sample_texts(recipe.groups, recipe.tokenizer.sample_characters, recipe.training.seed)
    tokenizer = train_tokenizer((text for _, text in texts), recipe.tokenizer)
    heldout = {g.name: "".join(t for path in g.heldout for t in read_documents(path)) for g in recipe.groups}
    say("\n".join(compression_report(tokenizer, heldout)))
    return tokenizer
