"""The window and the engine agree on where things lie."""

import os
from pathlib import Path

import pytest

from desktop_app.services.paths import PROFILE_VARIABLE, ProfilePaths, choose_profile, runtime_folder
from engine.profile import find_profile

HOME = {"HOME": "/home/作者 one"}
ENVIRONMENTS = [
    HOME,
    HOME | {"NEXTSTROKE_PROFILE": "/mnt/stick/我的 profile"},
    HOME | {"XDG_DATA_HOME": "/data", "XDG_STATE_HOME": "/state", "XDG_CONFIG_HOME": "/config"},
    HOME | {"XDG_DATA_HOME": "relative/is/ignored"},
    HOME | {"NEXTSTROKE_PROFILE": ""},
    {"USERPROFILE": "/users/me", "LOCALAPPDATA": "/users/me/local"},
]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_engine_looks_in_the_same_folders(environment: dict[str, str], platform: str):
    ours, engines = ProfilePaths.find(environment, platform), find_profile(environment, platform)
    assert (ours.models, ours.data, ours.state, ours.config) == (
        engines.models,
        engines.data,
        engines.state,
        engines.config,
    )


def test_a_profile_keeps_everything_under_its_folder(tmp_path: Path):
    paths = ProfilePaths.under(tmp_path)
    for folder in (paths.config, paths.state, paths.data, paths.models, paths.logs, paths.settings_file):
        assert folder.is_relative_to(tmp_path)


def test_a_chosen_profile_holds_for_children_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(PROFILE_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    paths = choose_profile("mine")
    assert paths == ProfilePaths.under(tmp_path / "mine")
    assert ProfilePaths.find() == paths


def test_the_windows_of_all_profiles_meet_in_one_folder(tmp_path: Path):
    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path)}, "linux") == tmp_path / "nextstroke"
    own = f"nextstroke-{os.getuid()}"
    assert runtime_folder({"XDG_RUNTIME_DIR": str(tmp_path / "gone")}, "linux") == Path("/tmp") / own
    assert runtime_folder({"XDG_RUNTIME_DIR": "run", "TMPDIR": str(tmp_path)}, "linux") == tmp_path / own
    profile = {"HOME": str(tmp_path), PROFILE_VARIABLE: str(tmp_path / "profile")}
    assert runtime_folder(profile, "darwin").is_relative_to(tmp_path / "Library")
    assert not list(tmp_path.iterdir())
