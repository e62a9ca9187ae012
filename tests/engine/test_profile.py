"""Per-user folders on each platform."""

from pathlib import Path

import pytest

from engine.contracts.errors import FileError
from engine.profile import find_profile


def test_a_chosen_profile_holds_everything(tmp_path: Path) -> None:
    folder = tmp_path / "我的 资料"
    profile = find_profile({"NEXTSTROKE_PROFILE": str(folder), "XDG_DATA_HOME": "/elsewhere"}, "linux")
    assert {profile.data, profile.state, profile.config, profile.cache} == {
        folder / name for name in ("data", "state", "config", "cache")
    }
    assert profile.models == folder / "data" / "models"
    assert not folder.exists()


def test_linux_follows_xdg_and_ignores_relative_paths() -> None:
    profile = find_profile({"HOME": "/home/a", "XDG_DATA_HOME": "/data", "XDG_STATE_HOME": "relative"}, "linux")
    assert profile.data == Path("/data/nextstroke")
    assert profile.state == Path("/home/a/.local/state/nextstroke")
    assert profile.config == Path("/home/a/.config/nextstroke")


def test_macos_and_windows_use_their_own_places() -> None:
    assert find_profile({"HOME": "/Users/a"}, "darwin").data == Path(
        "/Users/a/Library/Application Support/Nextstroke/data"
    )
    assert find_profile({"LOCALAPPDATA": "/local"}, "win32").data == Path("/local/Nextstroke/data")


def test_an_empty_choice_is_no_choice() -> None:
    assert find_profile({"NEXTSTROKE_PROFILE": "", "HOME": "/h"}, "linux").data == Path("/h/.local/share/nextstroke")


def test_a_user_without_a_home_folder_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(FileError, match=r"no home folder.*set HOME.*--profile"):
        find_profile({}, "linux")
