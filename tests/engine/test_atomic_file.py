"""A file is the old one or the new one, and nothing else is ever left."""

import os
from pathlib import Path

import pytest

from engine import atomic_file
from engine.atomic_file import write_atomically
from engine.contracts.errors import DiskFullError, FileError


def test_a_new_and_an_old_file_are_written_whole(tmp_path: Path) -> None:
    path = tmp_path / ("长" * 80 + ".json")  # 245 bytes: a temporary name made of it would be too long
    for content in (b"first", b"the second, longer one"):
        write_atomically(path, content)
        assert path.read_bytes() == content
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(b"old")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file.os, step, fail)
    with pytest.raises(DiskFullError, match="the disk is full"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_a_read_only_disk_is_said_of_the_file_that_the_person_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(FileError, match=r"cannot write .*record\.json: no permission"):
        write_atomically(tmp_path / "record.json", b"new")


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        write_atomically(tmp_path / "missing" / "file", b"x")
