"""Adding, finding and removing model folders; nothing half-written is ever listed."""

import shutil
from pathlib import Path

import pytest

from engine.contracts.errors import DiskFullError, ModelFolderError, UsageError
from engine.library import ModelLibrary, bundled_models_folder
from tests.engine.model_folders import write_model_folder


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    return ModelLibrary(tmp_path / "bundled", tmp_path / "资料 夹" / "models")


def personal_entries(tmp_path: Path) -> list[str]:
    folder = tmp_path / "资料 夹" / "models"
    return sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []


def test_a_folder_named_in_chinese_with_spaces_is_added_whole(tmp_path: Path, library: ModelLibrary) -> None:
    source = write_model_folder(tmp_path / "我的 模型 🖌")
    (source / "certificate.json").write_text("{}")
    (source / "unlisted.txt").write_text("not part of the model")
    steps: list[tuple[int, int]] = []
    added = library.add(source, lambda done, total: steps.append((done, total)))
    assert added is not None
    assert added.name == "我的 模型 🖌"
    assert added.usable
    copied = {str(path.relative_to(added.folder)) for path in Path(added.folder).rglob("*") if path.is_file()}
    assert copied == {"nextstroke.json", "certificate.json", "decoder.onnx", "tokenizer.model", "parts/more.bin"}
    assert steps[-1][0] == steps[-1][1]
    assert steps == sorted(steps)
    assert library.find("我的 模型 🖌") == Path(added.folder)


def test_names_stay_unique(tmp_path: Path, library: ModelLibrary) -> None:
    write_model_folder(tmp_path / "bundled" / "tiny")
    source = write_model_folder(tmp_path / "tiny")
    names = [model.name for _ in range(2) if (model := library.add(source)) is not None]
    assert names == ["tiny 2", "tiny 3"]
    assert [model.name for model in library.models()] == ["tiny", "tiny 2", "tiny 3"]
    assert [model.bundled for model in library.models()] == [True, False, False]


def test_cancelling_keeps_nothing(tmp_path: Path, library: ModelLibrary) -> None:
    assert library.add(write_model_folder(tmp_path / "tiny"), is_cancelled=lambda: True) is None
    assert personal_entries(tmp_path) == []


def test_damage_that_appears_while_copying_keeps_nothing(tmp_path: Path, library: ModelLibrary) -> None:
    source = write_model_folder(tmp_path / "tiny")

    def damage(done: int, total: int) -> None:
        (source / "tokenizer.model").write_bytes(b"pieceX")

    with pytest.raises(ModelFolderError, match=r"tokenizer\.model is damaged"):
        library.add(source, damage)
    assert personal_entries(tmp_path) == []


def test_a_full_disk_is_noticed_before_anything_is_copied(
    tmp_path: Path, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(DiskFullError, match="free some space"):
        library.add(write_model_folder(tmp_path / "tiny"))
    assert personal_entries(tmp_path) == []


def test_a_damaged_model_is_listed_with_its_problem(tmp_path: Path, library: ModelLibrary) -> None:
    added = library.add(write_model_folder(tmp_path / "tiny"))
    assert added is not None
    (Path(added.folder) / "decoder.onnx").unlink()
    (row,) = library.models()
    assert not row.usable
    assert "decoder.onnx is missing" in row.problem


def test_removing_takes_added_models_only(tmp_path: Path, library: ModelLibrary) -> None:
    write_model_folder(tmp_path / "bundled" / "first")
    library.add(write_model_folder(tmp_path / "second"))
    with pytest.raises(UsageError, match="part of the program"):
        library.remove("first")
    with pytest.raises(ModelFolderError, match=r"no model named 'third'.*second"):
        library.remove("third")
    library.remove("second")
    assert personal_entries(tmp_path) == []


def test_finding(tmp_path: Path, library: ModelLibrary) -> None:
    with pytest.raises(ModelFolderError, match="no model is bundled"):
        library.find(None)
    bundled = write_model_folder(tmp_path / "bundled" / "first")
    elsewhere = write_model_folder(tmp_path / "elsewhere")
    assert library.find(None) == bundled
    assert library.find(str(elsewhere)) == elsewhere
    assert library.find(str(elsewhere / "nextstroke.json")) == elsewhere
    with pytest.raises(ModelFolderError, match="known models: first"):
        library.find("zweites")


def test_leftovers_of_a_killed_process_go_away(tmp_path: Path, library: ModelLibrary) -> None:
    import os

    leftover = tmp_path / "资料 夹" / "models" / ".adding-123"
    leftover.mkdir(parents=True)
    os.utime(leftover, (0, 0))
    assert library.models() == []
    library.add(write_model_folder(tmp_path / "tiny"))
    assert personal_entries(tmp_path) == ["tiny"]


def test_the_bundled_folder_lies_in_resources(root: Path) -> None:
    assert bundled_models_folder() == root / "resources" / "models"


@pytest.mark.parametrize(("folder", "name"), [("a\nb", "a b"), ("  ", "tiny"), (" .x  y ", "x y")])
def test_a_name_is_one_line_of_plain_words(tmp_path: Path, library: ModelLibrary, folder: str, name: str) -> None:
    added = library.add(write_model_folder(tmp_path / "from" / folder))
    assert added is not None
    assert added.name == name
    assert library.find(name) == Path(added.folder)
