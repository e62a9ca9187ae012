"""FSDP2: every process holds one share of each tensor (a DTensor, its rows split), and what must be done differently.

For: `parallel`'s users, as the third `Spread`.
Knows: `fully_shard`, DTensors, sharded checkpoints, and that all processes must compute equally often.
Must not know: data, schedules, update rules.

    layers.0 … layers.N-1   one group each: gathered when it computes, forward and again backward, dropped in between
    all the rest            the outermost group: embeddings, last norm, head; gathered once a step

In bfloat16 the layers are gathered in bfloat16 and their gradients summed in float32; the rest stays float32. The cast
is FSDP's own and not autocast's, because autocast would keep a bfloat16 copy of the whole model for the backward pass.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from export.model.architectures import build
from export.model.language_model import LanguageModel
from export.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint, write_description
from export.training.distributed_shards import shard_sizes, write_shards
from export.training.parallel import Computation, OneProcess, Piece
from export.training.parallel_muon import OwnersDirections
from export.whole_folder import whole_folder


class Sharded(OneProcess):
    """The model's parameters become DTensors in place; whatever is made of them afterwards is one too."""

    def _prepare(self) -> None:
        device = self.model.head_weight.device
        self._mesh = init_device_mesh(device.type, (self.team.place.count,))
        half = MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
        policy = half if device.type == "cuda" else MixedPrecisionPolicy()
        self._shares = Computation(self.model)
        for layer in self._layers():
            if self.settings.compile:
                layer.compile()  # layer by layer: between them FSDP gathers and drops, which is no graph
            fully_shard(layer, mesh=self._mesh, mp_policy=policy)
        fully_shard(self._shares, mesh=self._mesh)
        self.directions = OwnersDirections(self._mesh.get_group())

    def _layers(self) -> list[nn.Module]:
        layers = getattr(self.model, "layers", None)
        return list(layers) if isinstance(layers, nn.ModuleList) else []

    def gradient(self, microbatches: Sequence[Tensor], divisor: int) -> float:
        mine = 0.0
        for windows in microbatches:
            with self.autocast():
                loss = self._shares(self.objective, windows)
            (loss * (self.team.place.count / divisor)).backward()  # FSDP averages over the processes
            mine += float(loss.detach()) / divisor
        return self.team.sum([mine])[0]

    def total(self, task: Callable[[LanguageModel, Piece], float], pieces: Sequence[Piece]) -> float:
        mine, rounds = self.team.share(pieces), -(-len(pieces) // self.team.place.count)
        total = 0.0
        for number in range(rounds):  # whoever has no piece left helps the others gather, and counts nothing
            value = self._shares(task, mine[number] if number < len(mine) else pieces[0])
            total += value if number < len(mine) else 0.0
        self._reshard()
        return self.team.sum([total])[0]

    def save(self, folder: Path, checkpoint: Checkpoint) -> None:
        with whole_folder(folder) if self.team.leads else contextlib.nullcontext(folder) as made:
            hidden = folder.with_name(self.team.from_leader(made.name.encode).decode())
            write_shards(hidden, {"model": checkpoint.model, "optimizer": checkpoint.optimizer})
            if self.team.leads:
                write_description(hidden, checkpoint, shard_sizes(hidden))
        self.team.wait()

    def save_whole(self, folder: Path, checkpoint: Checkpoint) -> None:
        whole = replace(checkpoint, model=self._whole(checkpoint.model), optimizer=self._whole(checkpoint.optimizer))
        if self.team.leads:
            save_checkpoint(folder, whole)
        self.team.wait()

    def load(self, folder: Path) -> Checkpoint:
        saved = load_checkpoint(folder, self._empty)
        return replace(
            saved,
            model={name: self._share(name, tensor) for name, tensor in saved.model.items()},
            optimizer={name: self._share(name, tensor) for name, tensor in saved.optimizer.items()},
        )

    @contextlib.contextmanager
    def on_cpu(self) -> Iterator[LanguageModel | None]:
        state = self._whole(self.model.state_dict())
        if not self.team.leads:
            yield None
            return
        config: Any = self.model.config
        copy = build(config)
        copy.load_state_dict(state)
        yield copy

    def _reshard(self) -> None:
        # Without a backward pass the outermost group stays gathered, and its parameters are no shares.
        assert isinstance(self._shares, FSDPModule)
        self._shares.reshard()

    def _whole(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Whole tensors on the CPU of the leading process, one after the other; nothing in the other processes."""
        result = {}
        for name, tensor in tensors.items():
            whole = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            if self.team.leads:
                result[name] = whole.detach().cpu()
        return result

    def _owner(self, name: str, shape: Sequence[int]) -> Tensor | None:
        """The parameter that a tensor belongs to and is split like: itself, or the one an optimizer's state is of."""
        for own, parameter in self.model.named_parameters():
            if (name == own or name.endswith(f".{own}")) and tuple(parameter.shape) == tuple(shape):
                return parameter.detach()
        return None

    def _empty(self, name: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        owner = self._owner(name, shape)
        return torch.zeros(*shape, dtype=dtype) if owner is None else torch.zeros_like(owner, dtype=dtype)

    def _share(self, name: str, tensor: Tensor) -> Tensor:
        owner = self._owner(name, tensor.shape)
        if owner is None or isinstance(tensor, DTensor):
            return tensor
        assert isinstance(owner, DTensor)
        # Every process has read the whole file, so nothing has to be sent.
        return distribute_tensor(tensor.to(owner.device), owner.device_mesh, owner.placements, src_data_rank=None)
