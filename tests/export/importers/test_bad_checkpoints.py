"""Whatever is wrong with a checkpoint: one clear line, nothing run, nothing guessed."""

from __future__ import annotations

import json
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.contracts.errors import CheckpointError, FileError, NextstrokeError, TokenizerError
from export.importers import child
from export.importers.families import open_checkpoint
from export.importers.load import import_checkpoint
from export.importers.readers import SafetensorsReader
from export.importers.rules import canonical_tensors
from export.importers.tokenizer_files import import_tokenizer
from tests.export.checkpoints import (
    byte_level_tokenizer,
    huggingface_model,
    nanogpt_checkpoint,
    own_checkpoint,
    save_huggingface,
)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_huggingface(tmp_path_factory.mktemp("good") / "model", huggingface_model())


@pytest.fixture
def source(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "model"))


def read_everything(source: Path, workspace: Path, tokenizer: Path | None = None) -> None:
    """What the child process does, in this process: refusals are the same, and a hundred of them take a second."""
    opened = open_checkpoint(source)
    import_tokenizer(opened, tokenizer, None, workspace)
    for _ in canonical_tensors(opened.table, opened.config, opened.reader):
        pass


def change_config(**changes: Any) -> Callable[[Path], None]:
    def change(source: Path) -> None:
        file = source / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def change_tensors(change: Callable[[dict[str, torch.Tensor]], None]) -> Callable[[Path], None]:
    def rewrite(source: Path) -> None:
        tensors = load_file(source / "model.safetensors")
        change(tensors)
        save_file(tensors, source / "model.safetensors", metadata={"format": "pt"})

    return rewrite


def cut(name: str, keep: float) -> Callable[[Path], None]:
    def change(source: Path) -> None:
        content = (source / name).read_bytes()
        (source / name).write_bytes(content[: int(len(content) * keep)])

    return change


def add_unknown(tensors: dict[str, torch.Tensor]) -> None:
    tensors["transformer.h.0.attn.q_norm.weight"] = torch.ones(16)


def drop_one(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["transformer.h.1.mlp.c_fc.bias"]


def misshape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["transformer.h.1.mlp.c_fc.bias"] = torch.ones(5)


def put_nan(tensors: dict[str, torch.Tensor]) -> None:
    tensors["transformer.h.1.mlp.c_fc.weight"][3, 4] = float("nan")


def put_infinity(tensors: dict[str, torch.Tensor]) -> None:
    tensors["transformer.wte.weight"][7, 1] = float("inf")


def to_integers(tensors: dict[str, torch.Tensor]) -> None:
    tensors["transformer.h.0.mlp.c_fc.weight"] = tensors["transformer.h.0.mlp.c_fc.weight"].to(torch.int8)


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "other model type": (change_config(model_type="llama"), "only gpt2"),
    "unknown activation": (change_config(activation_function="relu"), "activation 'relu'"),
    "scaled by layer": (change_config(scale_attn_by_inverse_layer_idx=True), "scale_attn_by_inverse_layer_idx"),
    "reordered": (change_config(reorder_and_upcast_attn=True), "reorder_and_upcast_attn"),
    "cross attention": (change_config(add_cross_attention=True), "add_cross_attention"),
    "heads that do not divide": (change_config(n_head=5), "do not divide"),
    "sizes that are words": (change_config(n_layer="two"), "layers is 'two'"),
    "more layers than weights": (change_config(n_layer=3), r"lacks the tensor h\.2\."),
    "fewer layers than weights": (change_config(n_layer=1), r"holds the tensor transformer\.h\.1\."),
    "other vocabulary": (change_config(vocab_size=400), "does not belong|do not belong"),
    "config cut off": (cut("config.json", 0.5), "cut off or not JSON"),
    "unknown tensor": (change_tensors(add_unknown), "q_norm"),
    "missing tensor": (change_tensors(drop_one), r"lacks the tensor h\.1\.mlp\.c_fc\.bias"),
    "wrong shape": (change_tensors(misshape), r"has shape \(5,\)"),
    "not a number": (change_tensors(put_nan), "not finite"),
    "infinite": (change_tensors(put_infinity), "not finite"),
    "integers": (change_tensors(to_integers), "I8 numbers"),
    "weights cut off": (cut("model.safetensors", 0.6), "cut off or damaged"),
    "weights nearly empty": (cut("model.safetensors", 0.0001), "cut off or damaged"),
    "no weights": (lambda source: (source / "model.safetensors").unlink(), "neither model.safetensors"),
    "no tokenizer": (lambda source: (source / "tokenizer.json").unlink(), "holds no tokenizer"),
    "tokenizer cut off": (cut("tokenizer.json", 0.7), "not a tokenizer.json, or it is damaged"),
}


@pytest.mark.parametrize(("spoil", "words"), BAD.values(), ids=BAD.keys())
def test_one_line_names_what_is_wrong(source: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(source)
    with pytest.raises((CheckpointError, TokenizerError), match=words) as caught:
        read_everything(source, source)
    assert "\n" not in str(caught.value)


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    source = save_huggingface(tmp_path / "model", huggingface_model(vocab_size=100))
    with pytest.raises(TokenizerError, match="291 tokens but the model only 100"):
        read_everything(source, tmp_path)


@pytest.mark.parametrize("kind", ["sentencepiece", "tokenizers"])
def test_a_damaged_tokenizer_is_named_where_the_person_has_it(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "检查点 1"
    if kind == "sentencepiece":
        file = own_checkpoint(source) / "tokenizer.model"
    else:
        file = save_huggingface(source, huggingface_model()) / "tokenizer.json"
    file.write_bytes(b"spoilt" + file.read_bytes()[:300])
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with pytest.raises(TokenizerError) as caught:
        import_checkpoint(source, workspace)
    assert str(caught.value).startswith(f"{file} is not a ")
    assert str(workspace) not in str(caught.value)


def test_a_header_that_points_outside_its_file_is_refused(source: Path) -> None:
    header = json.dumps({"wte.weight": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    (source / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 64)
    with pytest.raises(CheckpointError, match="cut off or damaged"):
        SafetensorsReader([source / "model.safetensors"])


def test_an_index_that_points_outside_its_folder_is_refused(source: Path) -> None:
    (source / "model.safetensors").rename(source.parent / "elsewhere.safetensors")
    index = {"weight_map": {"wte.weight": "../elsewhere.safetensors"}}
    (source / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="outside its folder"):
        read_everything(source, source)


def test_what_is_no_checkpoint_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    for path, words in (
        (tmp_path / "notes.txt", "no checkpoint that"),
        (tmp_path / "absent", "there is no checkpoint"),
    ):
        with pytest.raises(CheckpointError, match=words):
            open_checkpoint(path)


class Runs:
    """A pickle that runs a command when it is opened without care."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.proof}'",)


@pytest.mark.parametrize("place", ["ckpt.pt", "model/pytorch_model.bin"])
def test_nothing_in_a_checkpoint_is_ever_run(source: Path, tmp_path: Path, place: str) -> None:
    proof = tmp_path / "it-ran"
    (source / "model.safetensors").unlink()
    file = tmp_path / place
    hostile = {"model": {"wte.weight": Runs(proof)}, "model_args": {}}
    torch.save(hostile, file)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with pytest.raises(CheckpointError, match="nothing in it was run"):
        import_checkpoint(file, workspace)
    assert not proof.exists()
    torch.load(file, weights_only=False)  # the positive control: opened without care, it does run
    assert proof.exists()


def test_a_tokenizer_pickle_is_never_opened(tmp_path: Path) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt")
    (tmp_path / "meta.pkl").write_bytes(b"cos\nsystem\n(S'touch x'\ntR.")
    with pytest.raises(TokenizerError, match="never opened"):
        read_everything(file, tmp_path, tmp_path / "meta.pkl")
    with pytest.raises(TokenizerError, match="brings no tokenizer"):
        read_everything(file, tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.pop("model_args"), "not nanoGPT's"),
        (lambda c: c["model_args"].pop("n_head"), "model_args lacks n_head"),
        (lambda c: c["model"].update({"_orig_mod.extra.weight": torch.ones(2)}), "extra.weight"),
        (lambda c: c["model"].update({"lm_head.weight": torch.ones(2)}), "twice"),
        (lambda c: c.update({"model": {"wte.weight": 3}}), "no tensor"),
        (lambda c: c.update({"model": []}), "holds no tensors"),
        (lambda c: c["model"].update({"x.weight": torch.zeros(1, 1).expand(9, 9)}), "claims more numbers"),
    ],
)
def test_spoilt_nanogpt_checkpoints(tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt", change=change)
    tokenizer = tmp_path / "tokenizer.json"
    byte_level_tokenizer().save(str(tokenizer))
    with pytest.raises(CheckpointError, match=words):
        read_everything(file, tmp_path, tokenizer)


@pytest.mark.parametrize("keep", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_pickle_file_is_refused(tmp_path: Path, keep: float) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt")
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(CheckpointError, match="cut off, damaged or not a PyTorch checkpoint"):
        open_checkpoint(file)


@pytest.mark.parametrize("part", ["data.pkl", "data/0"])
def test_an_archive_that_unpacks_to_more_than_it_is_stays_closed(tmp_path: Path, part: str) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt")
    with zipfile.ZipFile(file) as archive:
        content = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w") as archive:
        for name, data in content.items():
            packed = name.endswith(f"/{part}")
            kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
            archive.writestr(name, data + bytes(10**6 if packed else 0), kind)
    with pytest.raises(CheckpointError, match="unpacks to more than it is"):
        open_checkpoint(tmp_path / "bomb.pt")


def test_spoilt_own_checkpoints(tmp_path: Path) -> None:
    source = own_checkpoint(tmp_path / "checkpoint")
    meta = json.loads((source / "checkpoint.json").read_text())
    for change, words in (
        ({"format": "other"}, "does not describe"),
        ({"version": 2}, "update the program"),
        ({"config": {}}, "is missing"),
        ({"config": meta["config"] | {"heads": 3}}, "cannot share"),
        ({"config": meta["config"] | {"vocabulary_size": 10**400}}, "about 401 digits"),
        ({"config": meta["config"] | {"rotary_base": 10**400}}, "about 401 digits"),
        ({"config": meta["config"] | {"layers": 10**9}}, "no model here has more than"),
        ({"config": meta["config"] | {"context_length": 2**31 - 1}}, "no model here has more than 4194304"),
    ):
        (source / "checkpoint.json").write_text(json.dumps(meta | change))
        with pytest.raises(CheckpointError, match=words):
            open_checkpoint(source)


def test_a_child_that_dies_is_one_line(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.importers.load._BASE_MEMORY_BYTES", 1 << 20)
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    with pytest.raises(NextstrokeError) as caught:
        import_checkpoint(source, workspace)
    assert "\n" not in str(caught.value)


def test_the_child_refuses_sockets_programs_and_other_files(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import pathlib, sys\nfrom export.importers import child\nchild.forbid(pathlib.Path(sys.argv[1]))\n"
        "import os, socket, subprocess\nrefused = 0\n"
        "for attempt in (lambda: socket.socket(), lambda: os.system('true'), lambda: subprocess.run(['true']),\n"
        "                lambda: open(sys.argv[1] + '/../outside', 'w')):\n"
        "    try:\n        attempt()\n    except PermissionError:\n        refused += 1\n"
        "open(sys.argv[1] + '/inside', 'w').write('x')\nprint(refused)\n"
    )
    folder = tmp_path / "workspace"
    folder.mkdir()
    root = Path(child.__file__).parents[2]
    arguments = [sys.executable, "-c", program, str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "4"
    assert not (tmp_path / "outside").exists()


def test_an_unreadable_file_says_so(source: Path) -> None:
    (source / "model.safetensors").unlink()
    (source / "model.safetensors").mkdir()
    with pytest.raises((CheckpointError, FileError)):
        read_everything(source, source)
