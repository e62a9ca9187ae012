"""Tensors that several processes hold in parts, in files that any number of processes can read.

    shard-00001-model-00001-of-00001.safetensors     what process 0 held, each part with its place in the whole tensor
    shard-00002-model-00001-of-00001.safetensors     what process 1 held

For: checkpoints of sharded runs.
Knows: torch.distributed.checkpoint (DCP), which plans who writes and who reads what, for any two numbers of processes.
Must not know: what the tensors are for.

Nothing here is unpickled from a file: DCP's own file format keeps a pickled index, so its safetensors form is used,
whose index stands as JSON in each file's header. (What DCP's planners tell each other is pickled, but never leaves the
running processes.)

DCP takes a missing file for parts that nobody asked for, so the checkpoint lists its files and their bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors
import torch
import torch.distributed as dist
from torch import Tensor

from engine.contracts.errors import CheckpointError, file_error

Empty = Callable[[str, Sequence[int], torch.dtype], Tensor]
"""(name, shape, dtype) -> the tensor to read into: whole, or this process' share."""
_SCALAR = ".scalar"  # safetensors slices need a dimension, so a number is kept as a row of one under this ending


def plain_empty(_name: str, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """A whole tensor."""
    return torch.zeros(*shape, dtype=dtype)


def held_here(tensor: Tensor) -> Tensor:
    """The part of a distributed tensor that this process holds; of any other, all of it."""
    local: Callable[[], Tensor] | None = getattr(tensor, "to_local", None)
    return tensor if local is None else local()


def write_shards(folder: Path, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
    """All processes together; `parts` are named groups of named tensors, the same names in each process."""
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    tensors = {f"{part}.{name}": tensor for part, group in parts.items() for name, tensor in group.items()}
    tensors = {name if t.ndim else name + _SCALAR: t if t.ndim else t.reshape(1) for name, t in tensors.items()}
    writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
    try:
        save({name: tensor.detach() for name, tensor in tensors.items()}, storage_writer=writer)
    except CheckpointException as error:  # in every process, whichever of them it happened to
        doing = f"write the checkpoint in {folder.parent}"
        refusal = _first_os_error(error)
        raise file_error(refusal, doing) if refusal else CheckpointError(f"cannot {doing}: {error}") from error


def shard_sizes(folder: Path) -> dict[str, int]:
    """The shard files in a folder and their bytes."""
    return {path.name: path.stat().st_size for path in sorted(folder.glob("shard-*.safetensors"))}


def read_shards(folder: Path, sizes: Any, empty: Empty = plain_empty) -> dict[str, dict[str, Tensor]]:
    """What `write_shards` was given, in tensors that `empty` makes; where these are shares, all processes together."""
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.metadata import TensorStorageMetadata
    from torch.distributed.checkpoint.state_dict_loader import load

    found, listed = shard_sizes(folder), sizes if isinstance(sizes, dict) else {}
    wrong = sorted(name for name in {*found, *listed} if found.get(name) != listed.get(name))
    if wrong or not found:
        name = wrong[0] if wrong else "a shard"
        raise CheckpointError(f"{folder}/{name} is missing, cut off or of another run; use an older checkpoint")
    try:
        reader = HuggingFaceStorageReader(str(folder))
        tensors = {}
        for name, item in reader.read_metadata().state_dict_metadata.items():
            assert isinstance(item, TensorStorageMetadata), name  # the reader makes no other kind; no other were safe
            if sum(part.sizes.numel() for part in item.chunks) != item.size.numel():
                raise ValueError(f"the parts of {name} do not make a whole")  # before memory for it is asked for
            tensors[name] = empty(_plain(name), item.size, item.properties.dtype)
        alone = not any(held_here(tensor) is not tensor for tensor in tensors.values())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "torch.distributed is disabled")  # it is meant
            load(tensors, storage_reader=reader, no_dist=alone or not dist.is_initialized())
    except (safetensors.SafetensorError, CheckpointException, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"the shards in {folder} are damaged ({error}); use an older checkpoint") from error
    result: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        result.setdefault(part, {})[_plain(rest)] = tensor.reshape(()) if rest.endswith(_SCALAR) else tensor
    return result


def _plain(name: str) -> str:
    return name.removesuffix(_SCALAR)


def _first_os_error(error: Any) -> OSError | None:
    """The operating system's own refusal on any process, in which a full disk is still to be recognized."""
    failures: Mapping[int, tuple[BaseException, Any]] = getattr(error, "failures", {})
    return next((problem for problem, _ in failures.values() if isinstance(problem, OSError)), None)
