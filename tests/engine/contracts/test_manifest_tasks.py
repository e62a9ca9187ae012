"""Tasks in a manifest: written, read, checked; older manifests are what they were."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import MANIFEST_NAME, Manifest, canonical_json, read_manifest
from engine.contracts.tasks import TaskFormat
from engine.library import bundled_models_folder
from tests.engine.model_folders import write_model_folder

TASK = TaskFormat("translate-en-zh", "英译中：\n", "\n=\n", description="an English sentence in Chinese")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    folder = write_model_folder(tmp_path / "tiny")
    return read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))


def test_tasks_are_read_as_they_were_written(manifest: Manifest) -> None:
    written = replace(manifest, tasks=(TASK, replace(TASK, name="translate-zh-en")))
    found = read_manifest(written.to_json())
    assert found == written
    assert found.digest() == written.digest() != manifest.digest()


def test_a_manifest_without_tasks_says_nothing_of_them(manifest: Manifest) -> None:
    plain = json.loads(manifest.to_json())
    assert "tasks" not in plain
    assert read_manifest(manifest.to_json()).tasks == ()
    assert plain["sha256"] == manifest.digest()


def test_a_folder_of_version_1_0_keeps_the_digest_that_its_records_name(manifest: Manifest) -> None:
    older = replace(manifest, format_version="1.0")
    plain = json.loads(older.to_json())
    found = read_manifest(json.dumps(plain))
    assert found.format_version == "1.0"
    assert found.digest() == plain["sha256"]


def test_bundled_models_are_what_they_say() -> None:
    files = list(bundled_models_folder().glob(f"*/{MANIFEST_NAME}"))
    assert files
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert read_manifest(text).digest() == json.loads(text)["sha256"]


def test_a_later_minor_version_may_say_more_of_a_task(manifest: Manifest) -> None:
    text = replace(manifest, tasks=(TASK,)).to_json()
    plain = json.loads(text) | {"format_version": "1.9"}
    plain["tasks"][0]["icon"] = "a globe"
    assert read_manifest(resealed(plain)).tasks == (TASK,)


@pytest.mark.parametrize(
    "wrong",
    [
        [{"name": "a", "before": "", "after": "\n"}],
        [{"name": "a", "before": 3, "after": "\n"}],
        [{"name": "a", "after": "\n"}],
        [{"name": "a", "before": "x", "after": "\n"}] * 2,
        ["translate"],
        {"name": "a"},
        7,
    ],
)
def test_impossible_tasks_are_refused_in_one_line(manifest: Manifest, wrong: object) -> None:
    plain = json.loads(manifest.to_json()) | {"tasks": wrong}
    with pytest.raises(ModelFolderError, match=r"nextstroke\.json (has an impossible task|lacks or misspells a field)"):
        read_manifest(resealed(plain))


def resealed(plain: dict[str, object]) -> str:
    """The manifest with a digest that fits what was changed in it."""
    plain.pop("sha256", None)
    return json.dumps(plain | {"sha256": hashlib.sha256(canonical_json(plain)).hexdigest()})
