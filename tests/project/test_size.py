"""The checkout stays small and keeps its shape."""

import subprocess
from pathlib import Path

ALL_TRACKED_BYTES = 48 * 2**20
MODELS_BYTES = 24 * 10**6
TOP_LEVEL_FOLDERS = {"desktop_app", "engine", "export", "resources", "tests", ".ci"}


def tracked_files(root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (root / name).is_file()]


def test_all_tracked_files_together_are_at_most_48_mib(root: Path) -> None:
    total = sum((root / name).stat().st_size for name in tracked_files(root))
    assert total <= ALL_TRACKED_BYTES


def test_bundled_models_are_at_most_24_mb(root: Path) -> None:
    models = [name for name in tracked_files(root) if name.parts[:2] == ("resources", "models")]
    assert sum((root / name).stat().st_size for name in models) <= MODELS_BYTES


def test_there_is_no_other_top_level_folder(root: Path) -> None:
    folders = {name.parts[0] for name in tracked_files(root) if len(name.parts) > 1}
    assert folders <= TOP_LEVEL_FOLDERS


def test_no_checkpoint_or_compiled_file_is_tracked(root: Path) -> None:
    unwanted = {".pt", ".pth", ".ckpt", ".pyc", ".so", ".whl"}
    assert [name for name in tracked_files(root) if name.suffix in unwanted] == []
