"""How the work of a step is spread over processes: one alone, copies (DDP), or shares of every tensor (FSDP2).

For: the trainer, which speaks to a `Spread` and does not know which one it has.
Knows: that gradients, sums and checkpoints of several processes must equal those of one.
Must not know: data, schedules, update rules.

    OneProcess   the whole model here; its microbatches may be taken by threads
    Replicated   a whole copy in each process, gradients averaged while they are computed (Li et al. 2020)
    Sharded      every process holds one share of each tensor, of its gradient and of its optimizer state, and has a
                 layer whole only while it computes with it (Rajbhandari et al. 2020, ZeRO; in `parallel_sharded`)

Each process computes with its share of the microbatches of the SAME batch; the sum over all is the batch's gradient. So
one step on W processes is the step of one process, to rounding.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from engine.contracts.errors import RecipeError
from export.model.language_model import LanguageModel
from export.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from export.training.distributed import Team
from export.training.gradients import GradientWorkers, Objective
from export.training.optimizer import Directions, directions_together
from export.training.recipe import Recipe

Piece = TypeVar("Piece")
Autocast = Callable[[], contextlib.AbstractContextManager[Any]]


class Computation(nn.Module):
    """The model behind one door: DDP and FSDP do their part when a module is CALLED, so every use of it is a call."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, task: Callable[..., Any], *arguments: Any) -> Any:
        return task(self.model, *arguments)


class OneProcess:
    """Everything here; also what the other two do where nothing has to be shared."""

    directions: Directions = staticmethod(directions_together)

    def __init__(
        self, team: Team, recipe: Recipe, model: LanguageModel, autocast: Autocast, objective: Objective
    ) -> None:
        self.team, self.settings = team, recipe.training
        self.model, self.autocast, self.objective = model, autocast, objective
        self._prepare()

    def _prepare(self) -> None:
        if self.settings.compile:
            self.model.compile_hidden()
        self._gradients = GradientWorkers(self.model, self.settings.workers, self.autocast, self.objective)

    def gradient(self, microbatches: Sequence[Tensor], divisor: int) -> float:
        """Add d(sum of losses over all processes / divisor) to every .grad; returns that loss.

        microbatches: this process' share of the step, each (rows, length + 1).
        """
        return self._gradients.step(microbatches, divisor)

    def total(self, task: Callable[[LanguageModel, Piece], float], pieces: Sequence[Piece]) -> float:
        """Sum of `task(model, piece)`; every process names all pieces, takes its share, and gets the whole sum."""
        return sum(task(self.model, piece) for piece in pieces)

    def save(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Write a checkpoint that a run can go on from."""
        save_checkpoint(folder, checkpoint)

    def save_whole(self, folder: Path, checkpoint: Checkpoint) -> None:
        """Write a checkpoint that holds whole tensors, as conversions read it."""
        save_checkpoint(folder, checkpoint)

    def load(self, folder: Path) -> Checkpoint:
        """A checkpoint with tensors as this model has them; whoever wrote it, in however many processes."""
        return load_checkpoint(folder)

    @contextlib.contextmanager
    def on_cpu(self) -> Iterator[LanguageModel | None]:
        """The whole model on the CPU in the leading process, None in the others."""
        device = self.model.head_weight.device
        yield self.model.to("cpu")
        self.model.to(device)


class Replicated(OneProcess):
    """DistributedDataParallel: the gradients of one layer travel while those of the layer before are computed."""

    def _prepare(self) -> None:
        if self.settings.compile:
            self.model.compile_hidden()
        # The first process' weights are sent to all, so the copies start equal whatever machine made them.
        self._copies = DistributedDataParallel(Computation(self.model), gradient_as_bucket_view=True)

    def gradient(self, microbatches: Sequence[Tensor], divisor: int) -> float:
        mine = 0.0
        for number, windows in enumerate(microbatches, 1):
            last = number == len(microbatches)
            with contextlib.nullcontext() if last else self._copies.no_sync():
                mine += self._one(windows, divisor)
        return self.team.sum([mine])[0]

    def _one(self, windows: Tensor, divisor: int) -> float:
        with self.autocast():
            loss = self._copies(self.objective, windows)
        (loss * (self.team.place.count / divisor)).backward()  # what is averaged then is the sum over the processes
        return float(loss.detach()) / divisor

    def total(self, task: Callable[[LanguageModel, Piece], float], pieces: Sequence[Piece]) -> float:
        return self.team.sum([super().total(task, self.team.share(pieces))])[0]

    def save(self, folder: Path, checkpoint: Checkpoint) -> None:
        if self.team.leads:
            save_checkpoint(folder, checkpoint)
        self.team.wait()

    def save_whole(self, folder: Path, checkpoint: Checkpoint) -> None:
        self.save(folder, checkpoint)

    def load(self, folder: Path) -> Checkpoint:
        return sent_to_all(load_checkpoint(folder) if self.team.leads else None)

    @contextlib.contextmanager
    def on_cpu(self) -> Iterator[LanguageModel | None]:
        if not self.team.leads:
            yield None
            return
        with super().on_cpu() as model:
            yield model


def sent_to_all(checkpoint: Checkpoint | None) -> Checkpoint:
    """The first process' checkpoint, in every process; only that one needs to see the folder."""
    parts = ("model", "optimizer", "adapters")
    box: list[Any] = [None, None]
    if checkpoint is not None:
        shapes = {part: {n: (t.shape, t.dtype) for n, t in getattr(checkpoint, part).items()} for part in parts}
        box = [replace(checkpoint, model={}, optimizer={}, adapters={}), shapes]
    dist.broadcast_object_list(box, 0)
    tensors: dict[str, Mapping[str, Tensor]] = {}
    for part in parts:
        own = None if checkpoint is None else getattr(checkpoint, part)
        tensors[part] = {
            name: _sent(torch.empty(shape, dtype=dtype) if own is None else own[name])
            for name, (shape, dtype) in box[1][part].items()
        }
    return replace(box[0], **tensors)


def _sent(tensor: Tensor) -> Tensor:
    tensor = tensor.contiguous()
    dist.broadcast(tensor, 0)
    return tensor


def spread_over(
    team: Team, recipe: Recipe, model: LanguageModel, autocast: Autocast, objective: Objective
) -> OneProcess:
    """The spread that the recipe's strategy and the number of processes ask for; `model` is on its device already."""
    training, count = recipe.training, team.place.count
    if count == 1:
        return OneProcess(team, recipe, model, autocast, objective)
    microbatches = training.batch_tokens // training.microbatch_tokens
    if microbatches % count:
        raise RecipeError(
            f"[training]: a step of {microbatches} microbatches cannot be shared out evenly among {count} processes; "
            "change batch_tokens, microbatch_tokens or the number of processes"
        )
    team.connect(model.head_weight.device)
    if recipe.distributed.strategy == "ddp":
        return Replicated(team, recipe, model, autocast, objective)
    if (
        team.folder is not None and not (team.folder / "tokenizer.model").exists()
    ):  # which the first process has written
        raise RecipeError(
            f"{team.folder} is not the folder that the first process writes to; fsdp checkpoints are written by all "
            "machines into one folder: name one on a shared disk with --output, or take strategy ddp"
        )
    from export.training.parallel_sharded import Sharded

    return Sharded(team, recipe, model, autocast, objective)
