"""Muon's orthogonal directions when every process holds some rows of every matrix.

For: `Sharded`.
Knows: how matrices of one shape are dealt out to owners and brought back. Must not know: the update rule around it.

A matrix is orthogonalised whole. Each of the N matrices of one shape has an owner, matrix n the process n mod W: the
owner receives the rows of the others, orthogonalises, and sends the rows back. Two transfers of one share each, and
every process does 1 / W of the work. Gathering all of it everywhere would move and compute W times as much.

  process 0  rows 0-1 of A B C D  --all to all-->  A C whole  --orthogonal-->  A' C'  --all to all-->  rows 0-1 of A' …
  process 1  rows 2-3 of A B C D                   B D whole                   B' D'                   rows 2-3 of A' …
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.tensor import DTensor

from export.training.optimizer import orthogonalized


class OwnersDirections:
    """Callable like `directions_together`, for DTensors of one shape that are split by rows."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self._group = group
        self._rank, self._count = dist.get_rank(group), dist.get_world_size(group)

    def __call__(self, updates: Sequence[Tensor], dtype: torch.dtype) -> list[Tensor]:
        rows, columns = updates[0].shape
        heights = share_heights(rows, self._count)
        order = sorted(range(len(updates)), key=lambda number: number % self._count)  # by owner
        owned = [len(range(rank, len(updates), self._count)) for rank in range(self._count)]
        mine = torch.cat([_local(updates[number]).reshape(-1) for number in order])
        to_owners = [count * heights[self._rank] * columns for count in owned]
        to_me = [owned[self._rank] * height * columns for height in heights]
        received = self._exchange(mine, to_owners, to_me)
        directions = self._orthogonal(received.split(to_me), heights, columns, dtype)
        back = self._exchange(directions, to_me, to_owners).view(len(updates), heights[self._rank], columns)
        results = {number: _like(back[place], updates[number]) for place, number in enumerate(order)}
        return [results[number] for number in range(len(updates))]

    def _orthogonal(self, parts: Sequence[Tensor], heights: Sequence[int], columns: int, dtype: torch.dtype) -> Tensor:
        """Rows of my matrices from every process -> rows of their directions for every process, flat."""
        pieces = [part.view(-1, height, columns) for part, height in zip(parts, heights, strict=True) if height]
        whole = torch.cat(pieces, dim=1)  # (my matrices, rows, columns)
        if not len(whole):
            return parts[0].new_zeros(0)
        directions = orthogonalized(whole, dtype)
        return torch.cat([part.reshape(-1) for part in directions.split(list(heights), dim=1)])

    def _exchange(self, flat: Tensor, send: list[int], receive: list[int]) -> Tensor:
        result = flat.new_empty(sum(receive))
        dist.all_to_all_single(result, flat.contiguous(), receive, send, group=self._group)
        return result


def _local(tensor: Tensor) -> Tensor:
    assert isinstance(tensor, DTensor)
    return tensor.to_local()


def _like(local: Tensor, other: Tensor) -> Tensor:
    assert isinstance(other, DTensor)
    mesh, placements = other.device_mesh, other.placements
    return DTensor.from_local(local, mesh, placements, run_check=False, shape=other.shape, stride=other.stride())


def share_heights(rows: int, count: int) -> list[int]:
    """How many rows each of `count` processes holds, by torch.chunk's rule, which FSDP follows: the last hold fewer."""
    most = -(-rows // count)
    return [max(0, min(most, rows - rank * most)) for rank in range(count)]
