"""Checkpoints: exact on the way out and in, whole or not there, and refused in words when damaged."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch

from engine.contracts.errors import CheckpointError, DiskFullError, FileError, NextstrokeError
from export.model.config import gpt2_config
from export.model.gpt import GPT
from export.training import checkpoint as module
from export.training.checkpoint import (
    Checkpoint,
    Progress,
    checkpoint_path,
    list_checkpoints,
    load_checkpoint,
    rotate_checkpoints,
    save_checkpoint,
)

CONFIG = gpt2_config(vocabulary_size=20, context_length=8, layers=1, width=8, heads=2)


def made(step: int = 3) -> Checkpoint:
    model = GPT(CONFIG)
    model.initialize(1)
    return Checkpoint(
        CONFIG,
        Progress(step, 4, 1, 5, 6.5),
        {"name": "x", "名": "字"},
        {"torch": "00ff"},
        dict(model.state_dict()),
        {"muon.momentum.a": torch.arange(3.0)},
        b"tokenizer",
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "检查 点"
    save_checkpoint(folder, made())
    return folder


def test_saved_equals_loaded(saved: Path) -> None:
    before, after = made(), load_checkpoint(saved)
    assert (after.config, after.progress, after.recipe) == (before.config, before.progress, before.recipe)
    assert (after.random_states, after.tokenizer) == (before.random_states, before.tokenizer)
    for one, two in ((before.model, after.model), (before.optimizer, after.optimizer)):
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert sorted(path.name for path in saved.iterdir()) == [
        "checkpoint.json",
        "model.safetensors",
        "optimizer.safetensors",
        "tokenizer.model",
    ]


def test_adapters_are_kept_beside_the_weights(tmp_path: Path) -> None:
    factors = {"layers.0.mlp.up.lora_a": torch.arange(6.0).reshape(2, 3)}
    save_checkpoint(tmp_path / "c", dataclasses.replace(made(), adapters=factors))
    assert torch.equal(load_checkpoint(tmp_path / "c").adapters["layers.0.mlp.up.lora_a"], factors.popitem()[1])
    assert not load_checkpoint(tmp_path / "c").adapters.keys() & load_checkpoint(tmp_path / "c").model.keys()


def test_saving_again_replaces_the_folder(saved: Path) -> None:
    save_checkpoint(saved, made(step=9))
    assert load_checkpoint(saved).progress.step == 9
    assert list(saved.parent.iterdir()) == [saved]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edited(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


DAMAGE: list[tuple[Callable[[Path], object], str]] = [
    (shutil.rmtree, "does not exist"),
    (lambda folder: cut(folder / "checkpoint.json"), "cut off or not JSON"),
    (lambda folder: cut(folder / "model.safetensors"), "cut off or damaged"),
    (lambda folder: cut(folder / "optimizer.safetensors"), "cut off or damaged"),
    (lambda folder: (folder / "model.safetensors").unlink(), "is missing"),
    (lambda folder: (folder / "tokenizer.model").unlink(), "does not exist"),
    (lambda folder: edited(folder / "checkpoint.json", format="other"), "does not describe a Nextstroke checkpoint"),
    (lambda folder: edited(folder / "checkpoint.json", version=2), "has version 2, this program reads 1"),
    (lambda folder: edited(folder / "checkpoint.json", progress={"steps": 1}), "incomplete"),
    (lambda folder: edited(folder / "checkpoint.json", config={}), "missing"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGE, ids=[words for _, words in DAMAGE])
def test_damage_is_refused_in_one_line(saved: Path, damage: Callable[[Path], object], words: str) -> None:
    damage(saved)
    with pytest.raises(NextstrokeError, match=words) as caught:
        load_checkpoint(saved)
    assert isinstance(caught.value, CheckpointError | FileError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "tensor", "words"),
    [
        ("layers.7.surprise", torch.zeros(1), "missing or unknown"),
        ("final_norm.weight", torch.zeros(9), r"has shape \(9,\)"),
        ("final_norm.weight", torch.full((8,), float("nan")), "not finite"),
        ("final_norm.weight", None, "missing or unknown"),
    ],
)
def test_wrong_tensors_are_refused(tmp_path: Path, name: str, tensor: torch.Tensor | None, words: str) -> None:
    checkpoint = made()
    if tensor is None:
        del checkpoint.model[name]
    else:
        checkpoint.model[name] = tensor
    save_checkpoint(tmp_path / "c", checkpoint)
    with pytest.raises(CheckpointError, match=words):
        load_checkpoint(tmp_path / "c")


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_half_written(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(module, "save_file", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        save_checkpoint(saved, made(step=9))
    assert load_checkpoint(saved).progress.step == 3
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_whatever_stops_the_last_file_leaves_nothing_half_written(
    saved: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise problem

    monkeypatch.setattr(Path, "write_text", stop)
    with pytest.raises((DiskFullError, KeyboardInterrupt)) as found:
        save_checkpoint(saved, made(step=9))
    assert ".part" not in str(found.value)
    monkeypatch.undo()
    assert load_checkpoint(saved).progress.step == 3
    assert list(saved.parent.iterdir()) == [saved]


def test_the_older_checkpoint_comes_back_when_the_new_one_cannot_take_its_place(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def fail_on_the_new(path: Path, target: Path) -> Path:
        if ".part-" in path.name and not path.name.endswith("-old"):
            raise OSError(30, "Read-only file system")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_on_the_new)
    with pytest.raises(FileError):
        save_checkpoint(saved, made(step=9))
    assert load_checkpoint(saved).progress.step == 3
    assert list(saved.parent.iterdir()) == [saved]


def test_what_a_killed_run_left_half_written_goes_with_the_next_checkpoint(saved: Path) -> None:
    leftover = saved.with_name(f".{saved.name}.part-{2**31 - 1}")  # no process has so high a number
    leftover.mkdir()
    (leftover / "model.safetensors").write_bytes(b"half")
    save_checkpoint(saved, made(step=9))
    assert list(saved.parent.iterdir()) == [saved]


def test_rotation_keeps_the_newest(tmp_path: Path) -> None:
    for step in (5, 100, 20):
        save_checkpoint(checkpoint_path(tmp_path, step), made(step))
    (tmp_path / "checkpoint-notes").mkdir()
    rotate_checkpoints(tmp_path, 2)
    assert [path.name for path in list_checkpoints(tmp_path)] == ["checkpoint-00000020", "checkpoint-00000100"]
    assert list_checkpoints(tmp_path / "none") == []
