"""Settings survive a round trip, damage and other versions; the file holds only what differs."""

import tomllib
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DiskError
from desktop_app.services import settings as module
from desktop_app.services.flat_toml import write_flat_toml
from desktop_app.services.settings import DEFAULTS, MIGRATIONS, VERSION, Settings, SettingsStore
from tests.desktop_app.document.faulty_disk import FaultyCalls

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXT


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "设置 dir" / "settings.toml", Disk())


def write(store: SettingsStore, text: str) -> None:
    store.path.parent.mkdir(parents=True, exist_ok=True)
    store.path.write_text(text, encoding="utf-8")


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), VALUES | st.lists(TEXT)))
def test_flat_toml_is_read_back_by_the_standard_library(values: dict):
    assert tomllib.loads(write_flat_toml(values)) == values


def test_without_a_file_the_defaults_hold(store: SettingsStore):
    assert store.load() == DEFAULTS == Settings()
    assert store.notices == ()


def test_saved_settings_are_loaded_again_and_only_differences_are_written(store: SettingsStore):
    changed = replace(
        DEFAULTS,
        language="zh",
        temperature=1.0,
        model='折"叠\\',
        side_panel_visible=False,
        recent_files=("/文 件.txt",),
    )
    store.save(changed)
    assert store.load() == changed
    assert set(tomllib.loads(store.path.read_text(encoding="utf-8"))) == {
        "settings_version",
        "language",
        "temperature",
        "model",
        "side_panel_visible",
        "recent_files",
    }
    store.save(DEFAULTS)
    assert store.path.read_text(encoding="utf-8") == f"settings_version = {VERSION}\n"


@pytest.mark.parametrize("damage", ["language = ", "\x00\x01", "[[[", "a = 1\na = 2", "settings_version = -1"])
def test_a_damaged_file_is_set_aside_and_said(store: SettingsStore, damage: str):
    write(store, damage)
    assert store.load() == DEFAULTS
    assert [kind for kind, _ in store.notices] == ["settings_damaged"]
    assert store.path.with_name("settings.toml.damaged").read_text(encoding="utf-8") == damage
    store.save(replace(DEFAULTS, theme="dark"))
    assert store.load().theme == "dark"
    assert store.notices == ()


def test_bytes_that_are_no_text_are_damage(store: SettingsStore):
    write(store, "")
    store.path.write_bytes(b"\xff\xfe\x00")
    assert store.load() == DEFAULTS
    assert [kind for kind, _ in store.notices] == ["settings_damaged"]


def test_senseless_values_fall_back_one_by_one_and_are_said(store: SettingsStore):
    write(
        store, 'theme = "pink"\ntemperature = -3\nmax_tokens = "many"\ntop_p = nan\nfont_size_pt = 20\ntop_k = true\n'
    )
    assert store.load() == replace(DEFAULTS, font_size_pt=20)
    ((kind, words),) = store.notices
    assert kind == "settings_refused"
    assert "max_tokens, temperature, theme, top_k, top_p" in words


def test_a_whole_number_is_a_temperature(store: SettingsStore):
    write(store, "temperature = 1\n")
    assert store.load().temperature == 1.0
    assert store.notices == ()


def test_names_of_a_newer_version_are_kept(store: SettingsStore):
    write(store, 'settings_version = 99\ntheme = "dark"\nspell_check = true\nspell_language = "en"\n')
    settings = store.load()
    assert settings.theme == "dark"
    store.save(replace(settings, theme="light"))
    written = tomllib.loads(store.path.read_text(encoding="utf-8"))
    assert (written["spell_check"], written["spell_language"], written["theme"]) == (True, "en", "light")


def test_migrations_run_in_order_from_the_version_of_the_file(store: SettingsStore, monkeypatch: pytest.MonkeyPatch):
    def rename(plain: dict) -> dict:
        return {("theme" if name == "colours" else name): value for name, value in plain.items()}

    def turn(plain: dict) -> dict:
        return {name: ("dark" if value == "night" else value) for name, value in plain.items()}

    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, rename, turn))
    write(store, 'colours = "night"\n')
    assert store.load().theme == "dark"
    write(store, f'settings_version = {VERSION + 1}\ntheme = "night"\n')
    assert store.load().theme == "dark"


def test_the_oldest_file_still_loads(store: SettingsStore):
    write(store, 'language = "zh"\nfont_size_pt = 18\n')
    assert store.load() == replace(DEFAULTS, language="zh", font_size_pt=18)


def test_a_failed_save_says_so_and_keeps_the_old_file(store: SettingsStore):
    store.save(replace(DEFAULTS, theme="dark"))
    failures = 0
    for number in range(12):
        failing = SettingsStore(store.path, Disk(FaultyCalls(number)))
        try:
            failing.save(replace(DEFAULTS, theme="light"))
        except DiskError:
            failures += 1
            assert store.load().theme in ("dark", "light")  # after the replace only its survival is in doubt
        store.save(replace(DEFAULTS, theme="dark"))
    assert failures >= 6


def test_a_file_that_the_disk_did_not_give_is_not_written_over(store: SettingsStore):
    store.save(replace(DEFAULTS, language="zh", theme="dark"))
    calls = FaultyCalls(0)
    later = SettingsStore(store.path, Disk(calls))
    assert later.load() == DEFAULTS
    assert [kind for kind, _ in later.notices] == ["fault"]
    later.save(replace(DEFAULTS, theme="light"))  # the disk gives it again
    assert store.load() == replace(DEFAULTS, language="zh", theme="light")

    gone = SettingsStore(store.path, Disk(FaultyCalls(0, sticky=True)))
    gone.load()
    with pytest.raises(DiskError):
        gone.save(replace(DEFAULTS, theme="auto"))
    assert store.load() == replace(DEFAULTS, language="zh", theme="light")


def test_changed_draws_values_into_their_limits():
    changed = DEFAULTS.changed(temperature=99.0, max_tokens=0, theme="pink", top_p=float("nan"))
    assert (changed.temperature, changed.max_tokens, changed.theme, changed.top_p) == (5.0, 1, "auto", 0.0)
    assert type(DEFAULTS.changed(font_size_pt=20).font_size_pt) is int


def test_recent_files_are_bounded_and_unique():
    settings = DEFAULTS
    for number in range(30):
        settings = settings.with_recent_file(f"/{number % 20}")
    assert settings.recent_files[0] == "/9"
    assert len(settings.recent_files) == len(set(settings.recent_files)) == 12


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80))
def test_no_file_content_is_a_crash(store: SettingsStore, data: bytes):
    write(store, "")
    store.path.write_bytes(data)
    assert isinstance(store.load(), Settings)


def test_every_default_is_within_its_own_limits():
    assert DEFAULTS.changed(**{entry.name: getattr(DEFAULTS, entry.name) for entry in fields(Settings)}) == DEFAULTS
