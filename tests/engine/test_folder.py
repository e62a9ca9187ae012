"""A model folder is opened only when it is whole and stays inside itself; else the message names what is wrong."""

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import MANIFEST_NAME, FileEntry, canonical_json, read_manifest
from engine.folder import hash_folder, open_folder
from tests.support.tiny_models import file_entries, write_manifest, write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tiny_model(tmp_path / "模型 一")
    return tmp_path / "模型 一"


def test_a_whole_folder_opens(folder: Path) -> None:
    opened = open_folder(folder, check_hashes=True)
    assert opened.file("decoder.onnx") == folder / "decoder.onnx"
    assert opened.total_bytes == sum((folder / name).stat().st_size for name in ("decoder.onnx", "tokenizer.model"))


def test_hashing_reports_every_byte(folder: Path) -> None:
    opened = open_folder(folder)
    told: list[tuple[int, int]] = []
    hash_folder(opened, lambda done, total: told.append((done, total)))
    assert told[-1] == (opened.total_bytes, opened.total_bytes)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"there is no model folder .*nowhere"):
        open_folder(tmp_path / "nowhere")


def test_a_file_is_no_folder(folder: Path) -> None:
    with pytest.raises(ModelFolderError, match="is a file, not a model folder"):
        open_folder(folder / "decoder.onnx")


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=r"has no nextstroke\.json"):
        open_folder(tmp_path)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "tokenizer.model").unlink()
    with pytest.raises(ModelFolderError, match=r"tokenizer.model is missing"):
        open_folder(folder)


def test_a_cut_file_is_named_with_both_sizes(folder: Path) -> None:
    file = folder / "decoder.onnx"
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelFolderError, match=f"decoder.onnx .* has {size - 1} bytes instead of {size}"):
        open_folder(folder)


@pytest.mark.parametrize("name", ["decoder.onnx", "tokenizer.model"])
def test_one_flipped_bit_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelFolderError, match=f"{name} .* differs from its SHA-256"):
        open_folder(folder)


def test_large_folders_are_hashed_when_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.folder.HASH_ALWAYS_BYTES", 10)
    content = bytearray((folder / "decoder.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "decoder.onnx").write_bytes(content)
    open_folder(folder)
    with pytest.raises(ModelFolderError, match="differs"):
        open_folder(folder, check_hashes=True)


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    (folder / "tokenizer.model").rename(outside)
    (folder / "tokenizer.model").symlink_to(outside)
    with pytest.raises(ModelFolderError, match="link out of the folder"):
        open_folder(folder)


def test_a_hard_link_must_match_its_hash_however_large(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.folder.HASH_ALWAYS_BYTES", 10)
    file = folder / "tokenizer.model"
    size = file.stat().st_size
    os.link(file, tmp_path / "second name")
    open_folder(folder)
    with (tmp_path / "second name").open("r+b") as stream:
        stream.seek(size // 2)
        stream.write(b"changed")
    with pytest.raises(ModelFolderError, match=r"tokenizer.model .* differs"):
        open_folder(folder)


def test_a_pipe_in_place_of_a_file_does_not_hang(folder: Path) -> None:
    (folder / "tokenizer.model").unlink()
    os.mkfifo(folder / "tokenizer.model")
    with pytest.raises(ModelFolderError, match="not an ordinary file"):
        open_folder(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a\\..\\b", "C:x", "a\0b", "a\nb"])
def test_names_that_leave_the_folder_are_refused(folder: Path, name: str) -> None:
    manifest = read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    bad = replace(manifest, files=(*manifest.files, FileEntry(name, 1, "0" * 64)))
    write_manifest(folder, bad)
    with pytest.raises(ModelFolderError, match="outside the folder"):
        open_folder(folder)


def test_a_folder_from_the_future_says_so(folder: Path) -> None:
    manifest = read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    write_manifest(folder, replace(manifest, format_version="2.0"))
    with pytest.raises(ModelFolderError, match=r"version 2\.0.*update the program"):
        open_folder(folder)


def test_a_changed_manifest_is_refused(folder: Path) -> None:
    file = folder / MANIFEST_NAME
    file.write_text(file.read_text(encoding="utf-8").replace('"context_length": 256', '"context_length": 512'), "utf-8")
    with pytest.raises(ModelFolderError, match="was changed after it was written"):
        open_folder(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "other"}', b"[" * 100000])
def test_rubbish_for_a_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / MANIFEST_NAME).write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"nextstroke\.json"):
        open_folder(folder)


def test_only_listed_files_are_given_out(folder: Path) -> None:
    (folder / "extra").write_text("x", encoding="utf-8")
    with pytest.raises(ModelFolderError, match="lists no file extra"):
        open_folder(folder).file("extra")


def test_the_helper_of_these_tests_writes_true_entries(folder: Path) -> None:
    assert open_folder(folder).manifest.files == tuple(file_entries(folder, ("decoder.onnx", "tokenizer.model")))


def test_a_manifest_that_is_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / MANIFEST_NAME).rename(tmp_path / "elsewhere.json")
    (folder / MANIFEST_NAME).symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ModelFolderError, match="is a link out of the folder"):
        open_folder(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"precision": []}, "precision is .*an object"),
        ({"precision": {"head": 8}}, "a precision is no text"),
        ({"id": 5}, "id is 5; it must be a text"),
        ({"uses_position_ids": "x"}, "must be true or false"),
        ({"context_length": True}, "context_length is True; it must be a whole number"),
        ({"context_length": 2**30}, "impossible size"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_with_the_right_one(
    folder: Path, change: dict[str, object], words: str
) -> None:
    plain = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    del plain["sha256"]
    plain |= change
    plain["sha256"] = hashlib.sha256(canonical_json(plain)).hexdigest()
    (folder / MANIFEST_NAME).write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=words):
        open_folder(folder)
