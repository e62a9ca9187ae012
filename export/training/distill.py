"""The teacher of a distillation: a checkpoint's network, or a model folder run by the engine that users run.

For: `nextstroke distill`.
Knows: how each kind gives the logits of every position, whether its vocabulary is the student's, and how it is named.
Must not know: losses, trainers. This file alone of the training side knows the engine's public face.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.contracts.errors import CheckpointError, RecipeError, TokenizerError
from engine.loaded_model import LoadedModel, load_model
from engine.tokenizer import SENTENCEPIECE
from export.model.language_model import LanguageModel
from export.training.distillation import Teacher
from export.training.folder_weights import is_model_folder
from export.training.recipe import Recipe
from export.training.starting_point import open_starting_point
from export.training.tokenizer import TextTokenizer, same_pieces

ROWS = 256  # positions whose logits are formed at once


@dataclass(frozen=True)
class OpenTeacher:
    """A teacher ready to be asked, and what the student's checkpoint will say of it."""

    teacher: Teacher
    tokenizer: TextTokenizer
    name: str
    sha256: str
    vocabulary_size: int
    context_length: int


class NetworkTeacher:
    """A PyTorch network in float32, on whatever device its questions lie."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model.eval().requires_grad_(False)

    def rows(self, tokens: Tensor) -> Iterator[Tensor]:
        """One run over the windows; then the logits, `ROWS` positions at a time."""
        model = self._model.to(tokens.device)
        with torch.no_grad():
            hidden = model.hidden(tokens).flatten(0, 1)  # (B * T, C)
        for part in hidden.split(ROWS):
            with torch.no_grad():
                logits = part @ model.head_weight.T
            yield logits


class FolderTeacher:
    """A model folder through the engine, one window after the other."""

    def __init__(self, model: LoadedModel) -> None:
        self._model = model
        self._one_at_a_time = threading.Lock()  # the engine's own threads are shared by everyone who asks

    def rows(self, tokens: Tensor) -> Iterator[Tensor]:
        """A session for each window, its chunks as they come."""
        for window in tokens.tolist():
            session = self._model.new_session()
            chunks = session.prefill_all(window)
            while True:
                with self._one_at_a_time:
                    chunk = next(chunks, None)
                if chunk is None:
                    break
                yield torch.from_numpy(chunk.copy()).to(tokens.device)


def open_teacher(
    path: Path, device: str = "auto", threads: int | None = None, tokenizer_file: Path | None = None
) -> OpenTeacher:
    """Open a checkpoint or a model folder as a teacher. Raises a `NextstrokeError` in one line."""
    if not is_model_folder(path):
        start = open_starting_point(path, tokenizer_file)
        config = start.model.config
        return OpenTeacher(
            teacher=NetworkTeacher(start.model),
            tokenizer=start.tokenizer,
            name=f"{start.name} ({config.parameters:,} parameters)",
            sha256=start.sha256,
            vocabulary_size=config.vocabulary_size,
            context_length=config.context_length,
        )
    folder = path if path.is_dir() else path.parent
    model = load_model(folder, device, threads)
    manifest = model.manifest
    if manifest.tokenizer.kind != SENTENCEPIECE:
        raise CheckpointError(
            f"{folder} comes with a byte-level tokenizer, and training here knows SentencePiece ones only, so no "
            "student could share its vocabulary; take a teacher of `nextstroke train`"
        )
    return OpenTeacher(
        teacher=FolderTeacher(model),
        tokenizer=TextTokenizer.open(folder / manifest.tokenizer.file),
        name=f"{manifest.name} (model folder, {manifest.precision.get('mlp', 'fp32')})",
        sha256=manifest.digest(),
        vocabulary_size=manifest.vocabulary_size,
        context_length=manifest.context_length,
    )


def check_teacher(opened: OpenTeacher, recipe: Recipe, tokenizer: TextTokenizer) -> None:
    """Refuse a teacher whose distributions would not be about the student's tokens."""
    if not same_pieces(opened.tokenizer, tokenizer):
        raise TokenizerError(
            f"the teacher's tokenizer has {opened.tokenizer.vocabulary:,} pieces that are not the student's "
            f"{tokenizer.vocabulary:,}, so its probabilities would be of other tokens; leave tokenizer.file out of the "
            "recipe (the student then takes the teacher's), or take another teacher"
        )
    if opened.vocabulary_size != recipe.model.vocabulary_size:
        raise RecipeError(
            f"the teacher tells {opened.vocabulary_size:,} tokens apart and the student "
            f"{recipe.model.vocabulary_size:,}, so their probabilities cannot be compared; set tokenizer.vocabulary to "
            f"{opened.vocabulary_size}"
        )
    longest = max(stage.length for stage in recipe.stages)
    if longest > opened.context_length:
        raise RecipeError(
            f"a stage has windows of {longest} tokens, but the teacher sees at most {opened.context_length}; shorten "
            "the stage's length"
        )
