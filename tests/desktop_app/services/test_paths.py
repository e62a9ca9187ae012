"""The window and the engine agree on where things lie."""

from pathlib import Path

import pytest

from desktop_app.services.paths import PROFILE_VARIABLE, ProfilePaths, choose_profile
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
