"""A training checkpoint: a folder that another run can continue from, bit for bit.

    checkpoint-00001200/
      checkpoint.json         format, version, configuration, recipe, progress (step, tokens, stage, …), random states
      model.safetensors       canonical names, float32
      optimizer.safetensors   optimizer state by name; absent in a final, exported checkpoint
      shard-*.safetensors     in place of these two where several processes wrote what each holds (`distributed_shards`)
      adapters.safetensors    low-rank factors while they are trained; already added into model.safetensors
      tokenizer.model

For: the trainer, and the importer that turns a checkpoint into a model folder.
Knows: the layout above, how to write it whole or not at all, and how to refuse a damaged one.
Must not know: how training works. Nothing is ever pickled: JSON and safetensors only.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engine.contracts.errors import CheckpointError, file_error
from export.model.recurrent_config import AnyConfig, read_config
from export.training.distributed_shards import Empty, held_here, plain_empty, read_shards
from export.training.files import write_folder_atomically
from export.whole_folder import hidden_part, remove_if_abandoned

FORMAT, VERSION = "nextstroke-checkpoint", 1
_TABLES = ("model", "tokenizer", "training", "corpus", "distributed", "distillation", "start")  # of a recipe
_NAME = re.compile(r"checkpoint-(\d{8})$")
_PART_NAME = re.compile(r"\.checkpoint-\d{8}\.part-")


@dataclass(frozen=True)
class Progress:
    """Where a run stands: the next step starts from exactly here."""

    step: int = 0
    tokens: int = 0
    stage: int = 0
    position: int = 0  # windows already taken in this stage
    seconds: float = 0.0
    loss_sum: float = 0.0  # of the steps since the log's last line, so that the next line is the same after a restart
    loss_steps: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory."""

    config: AnyConfig
    progress: Progress
    recipe: dict[str, Any]
    random_states: dict[str, str]
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    tokenizer: bytes
    adapters: dict[str, Tensor] = field(default_factory=dict)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write `folder` whole or not at all."""

    def fill(hidden: Path) -> None:
        _save(checkpoint.model, hidden / "model.safetensors")
        if checkpoint.optimizer:
            _save(checkpoint.optimizer, hidden / "optimizer.safetensors")
        if checkpoint.adapters:
            _save(checkpoint.adapters, hidden / "adapters.safetensors")
        write_description(hidden, checkpoint)

    write_folder_atomically(folder, fill)


def write_description(hidden: Path, checkpoint: Checkpoint, shards: Mapping[str, int] | None = None) -> None:
    """All of a checkpoint but its tensors; `shards` are the bytes of each file that holds them in parts."""
    (hidden / "tokenizer.model").write_bytes(checkpoint.tokenizer)
    meta = {
        "format": FORMAT,
        "version": VERSION,
        "config": checkpoint.config.to_dict(),
        "progress": asdict(checkpoint.progress),
        "recipe": checkpoint.recipe,
        "random_states": checkpoint.random_states,
        **({"shards": shards} if shards else {}),
    }
    text = json.dumps(meta, ensure_ascii=False, indent=2) + "\n"
    (hidden / "checkpoint.json").write_text(text, encoding="utf-8")  # its folder is what is written atomically


def load_checkpoint(folder: Path, empty: Empty = plain_empty) -> Checkpoint:
    """Read and check a checkpoint folder; `empty` makes the tensors that shards are read into."""
    meta = _read_meta(folder / "checkpoint.json")
    try:
        config = read_config(meta["config"])
        progress = _read_progress(meta["progress"])
        recipe, random_states = _read_recipe(meta), dict(meta["random_states"])
        tokenizer = (folder / "tokenizer.model").read_bytes()
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}/checkpoint.json is incomplete ({error}); use an older checkpoint") from error
    except OSError as error:
        raise file_error(error, f"read the checkpoint's tokenizer in {folder}") from error
    if "shards" in meta:
        parts = read_shards(folder, meta["shards"], empty)
        model, optimizer, adapters = parts.get("model", {}), parts.get("optimizer", {}), dict[str, Tensor]()
    else:
        model = _load(folder / "model.safetensors")
        optimizer, adapters = (_load_if_there(folder / f"{name}.safetensors") for name in ("optimizer", "adapters"))
    _check_model(folder, model, config)
    return Checkpoint(config, progress, recipe, random_states, model, optimizer, tokenizer, adapters)


def list_checkpoints(run_folder: Path) -> list[Path]:
    """Numbered checkpoints of a run, oldest first."""
    if not run_folder.is_dir():
        return []
    return sorted(path for path in run_folder.iterdir() if _NAME.match(path.name) and path.is_dir())


def newest_recipe(run_folder: Path) -> dict[str, Any] | None:
    """The recipe in a run's newest checkpoint; None where there is no checkpoint."""
    found = list_checkpoints(run_folder)
    if not found:
        return None
    file = found[-1] / "checkpoint.json"
    meta = _read_meta(file)
    try:
        return _read_recipe(meta)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{file} is incomplete ({error}); use an older checkpoint") from error


def checkpoint_path(run_folder: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return run_folder / f"checkpoint-{step:08d}"


def rotate_checkpoints(run_folder: Path, keep: int) -> None:
    """Remove all but the newest `keep`, and what a killed process left half-written or half-removed."""
    for path in list_checkpoints(run_folder)[:-keep]:
        with contextlib.suppress(OSError):  # one that cannot be moved or removed is in nobody's way
            shutil.rmtree(path.rename(hidden_part(path)), ignore_errors=True)  # never half a checkpoint by that name
    for path in list(run_folder.iterdir()):
        if _PART_NAME.match(path.name):
            remove_if_abandoned(path)


def _read_progress(values: Mapping[str, Any]) -> Progress:
    """Raises TypeError or ValueError where it is none."""
    progress = Progress(**values)
    for name, value in asdict(progress).items():
        kinds = (int, float) if name in ("seconds", "loss_sum") else (int,)
        if type(value) not in kinds or not (value >= 0 or name == "loss_sum"):
            raise ValueError(f"{name} is {value!r}")
    return progress


def _read_recipe(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Raises KeyError or TypeError where there is none whose tables are tables."""
    recipe = meta["recipe"]
    if not isinstance(recipe, dict):
        raise TypeError(f"recipe is {recipe!r}")
    for name in _TABLES:
        if not isinstance(recipe.get(name, {}), dict):
            raise TypeError(f"{name} is {recipe[name]!r}")
    return dict(recipe)


def _check_model(folder: Path, model: Mapping[str, Tensor], config: AnyConfig) -> None:
    shapes = config.tensor_shapes()
    wrong = sorted(set(shapes) ^ set(model))
    if wrong:
        raise CheckpointError(f"{folder}: tensor {wrong[0]} is missing or unknown; wrong or damaged file")
    for name, shape in shapes.items():
        if tuple(model[name].shape) != shape:
            raise CheckpointError(
                f"{folder}: {name} has shape {tuple(model[name].shape)}, the configuration says {shape}"
            )
        if model[name].dtype != torch.float32:
            kind = str(model[name].dtype).removeprefix("torch.")
            raise CheckpointError(f"{folder}: {name} holds {kind} numbers, not float32; wrong or damaged file")
        if not bool(held_here(model[name]).isfinite().all()):
            raise CheckpointError(f"{folder}: {name} holds numbers that are not finite; use an older checkpoint")


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise file_error(error, f"read the checkpoint {path}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is cut off or not JSON; use an older checkpoint") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        raise CheckpointError(f"{path} does not describe a Nextstroke checkpoint; name the folder of one")
    if meta.get("version") != VERSION:
        raise CheckpointError(
            f"{path} has version {meta.get('version')}, this program reads {VERSION}; update the program"
        )
    return meta


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, str(path))
    except safetensors.SafetensorError as error:
        # The library wraps the operating system's reason in its own words, "I/O error: … (os error 28)".
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number[1]) if number else 5, str(error)) from error


def _load_if_there(path: Path) -> dict[str, Tensor]:
    return _load(path) if path.exists() else {}


def _load(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(str(path))
    except FileNotFoundError as error:  # the library's own carries no error number
        raise CheckpointError(f"{path} is missing; use an older checkpoint") from error
    except OSError as error:
        raise file_error(error, f"read the checkpoint file {path}") from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is cut off or damaged ({error}); use an older checkpoint") from error
    return tensors
