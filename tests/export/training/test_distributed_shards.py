"""Tensors in parts, without processes: what comes back, and what a damaged or hostile folder is told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch.distributed.checkpoint.filesystem import FileSystem

from engine.contracts.errors import CheckpointError, DiskFullError
from export.training.distributed_shards import read_shards, shard_sizes, write_shards

pytestmark = pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
PARTS = {
    "model": {"a.weight": torch.arange(12.0).reshape(4, 3), "b.bias": torch.ones(5)},
    "optimizer": {"adam.step.a.weight": torch.tensor(7.0), "adam.exp_avg.a.weight": torch.full((4, 3), 0.5)},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shards(tmp_path, PARTS)
    return tmp_path


def test_what_was_written_comes_back_numbers_of_no_dimension_too(folder: Path) -> None:
    found = read_shards(folder, shard_sizes(folder))
    assert found.keys() == PARTS.keys()
    for part, tensors in PARTS.items():
        assert found[part].keys() == tensors.keys()
        assert all(torch.equal(found[part][name], tensor) for name, tensor in tensors.items())
        assert all(found[part][name].shape == tensor.shape for name, tensor in tensors.items())


def test_it_is_read_into_the_tensors_that_were_asked_for(folder: Path) -> None:
    made: dict[str, torch.Tensor] = {}

    def empty(name: str, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        return made.setdefault(name, torch.full(tuple(shape), -1, dtype=dtype))

    found = read_shards(folder, shard_sizes(folder), empty)
    assert found["model"]["a.weight"] is made["model.a.weight"]
    assert torch.equal(made["model.a.weight"], PARTS["model"]["a.weight"])


def test_there_is_no_pickle_in_the_folder(folder: Path) -> None:
    assert [path.suffix for path in folder.iterdir()] == [".safetensors"]


def rewritten(path: Path, change: Callable[[dict[str, dict[str, list[int]]]], None]) -> None:
    """The same tensors with other words about their places."""
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        words = dict(file.metadata())
    places = json.loads(words["DCP_SHARDING_INFO"])
    change(places)
    save_file(tensors, path, {**words, "DCP_SHARDING_INFO": json.dumps(places)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda places: places["model.a.weight"].update(saved_offsets=[2**40, 0]), "do not make a whole"),
        (lambda places: places["model.a.weight"].update(saved_offsets=[2, 0]), "do not make a whole"),
        (lambda places: places.pop("model.b.bias"), "damaged"),
        (lambda places: places["model.a.weight"].update(saved_offsets="x"), "damaged"),
    ],
)
def test_places_that_cannot_be_are_refused_before_memory_is_asked_for(
    folder: Path, change: Callable[[dict[str, dict[str, list[int]]]], None], words: str
) -> None:
    [shard] = folder.iterdir()
    rewritten(shard, change)
    with pytest.raises(CheckpointError, match=words) as caught:
        read_shards(folder, shard_sizes(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("sizes", [None, 5, [], {}, {"shard-9.safetensors": 3}, {"shard": "many"}])
def test_a_list_of_files_that_is_not_true_is_refused(folder: Path, sizes: object) -> None:
    with pytest.raises(CheckpointError, match="is missing, cut off or of another run"):
        read_shards(folder, sizes)


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystem, "create_stream", full)
    with pytest.raises(DiskFullError, match="the disk is full"):
        write_shards(tmp_path / "hidden", PARTS)
