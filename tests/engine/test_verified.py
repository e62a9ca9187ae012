"""A large folder is hashed once, and again as soon as a file has changed, even to the same size."""

import os
from pathlib import Path

import pytest

from engine.contracts.errors import ModelFolderError
from engine.folder import open_folder
from engine.verified import hash_if_changed
from tests.support.tiny_models import write_tiny_model


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("engine.folder.HASH_ALWAYS_BYTES", 10)
    monkeypatch.setattr("engine.verified.HASH_ALWAYS_BYTES", 10)
    write_tiny_model(tmp_path / "m")
    return tmp_path / "m"


def test_a_large_folder_is_hashed_once(large: Path, tmp_path: Path) -> None:
    assert hash_if_changed(open_folder(large), tmp_path / "memory")
    assert not hash_if_changed(open_folder(large), tmp_path / "memory")


def test_a_change_of_the_same_size_is_found(large: Path, tmp_path: Path) -> None:
    hash_if_changed(open_folder(large), tmp_path / "memory")
    file = large / "decoder.onnx"
    with file.open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"changed")
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelFolderError, match=r"decoder\.onnx .* differs"):
        hash_if_changed(open_folder(large), tmp_path / "memory")
    with pytest.raises(ModelFolderError, match=r"decoder\.onnx .* differs"):
        hash_if_changed(open_folder(large), tmp_path / "memory")


def test_a_touched_file_is_hashed_again(large: Path, tmp_path: Path) -> None:
    hash_if_changed(open_folder(large), tmp_path / "memory")
    os.utime(large / "decoder.onnx", ns=(5, 5))
    assert hash_if_changed(open_folder(large), tmp_path / "memory")
    assert not hash_if_changed(open_folder(large), tmp_path / "memory")


def test_a_small_folder_is_left_to_open_folder(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "m")
    assert not hash_if_changed(open_folder(tmp_path / "m"), tmp_path / "memory")
    assert not (tmp_path / "memory").exists()


def test_a_memory_that_cannot_be_written_means_hashing_again(large: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert hash_if_changed(open_folder(large), tmp_path / "file")
    assert hash_if_changed(open_folder(large), tmp_path / "file")
