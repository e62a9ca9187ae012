"""The self-test's checks, each made to pass and to fail, and its words in both languages."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine import selftest
from engine.commands.records import save_records
from engine.contracts.errors import ModelFolderError
from engine.contracts.generation import Finished, GenerationRecord, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel
from engine.profile import find_profile
from engine.selftest import FAILED, NOTE, OK, Outcome, check_generation, check_input_methods, check_profile
from engine.selftest_words import CHINESE, DETAILS, ENGLISH, NAMES, detail_of, language_of, line_of


@pytest.fixture
def record(rotary: LoadedModel) -> GenerationRecord:
    request = GenerationRequest("r", "the cat", max_tokens=16, sampling=SamplingSettings(temperature=0))
    events = generate(rotary, rotary.new_session(), request, lambda: False)
    return next(event.record for event in events if isinstance(event, Finished))


def stored(tmp_path: Path, record: GenerationRecord) -> Path:
    save_records(tmp_path / "selftest.json", [record])
    return tmp_path / "selftest.json"


def test_the_known_generation_must_come_out_again(
    rotary: LoadedModel, record: GenerationRecord, tmp_path: Path
) -> None:
    assert check_generation(rotary, stored(tmp_path, record)).word == "generation_identical"
    changed = replace(record, output_ids=(*record.output_ids[:-1], record.output_ids[-1] ^ 1))
    outcome = check_generation(rotary, stored(tmp_path, changed))
    assert (outcome.state, outcome.word) == (FAILED, "generation_differs")


def test_other_kernels_need_only_run(rotary: LoadedModel, record: GenerationRecord, tmp_path: Path) -> None:
    changed = replace(record, output_ids=(1, 2, 3), kernel_class="another processor")
    outcome = check_generation(rotary, stored(tmp_path, changed))
    assert (outcome.state, outcome.word) == (OK, "generation_runs")


def test_a_record_of_another_model_is_a_mixed_up_installation(
    rotary: LoadedModel, record: GenerationRecord, tmp_path: Path
) -> None:
    with pytest.raises(ModelFolderError, match="made by another model"):
        check_generation(rotary, stored(tmp_path, replace(record, model_digest="0" * 64)))


def test_a_profile_that_cannot_be_written_is_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = find_profile({"NEXTSTROKE_PROFILE": str(tmp_path / "new")}, "linux")
    assert check_profile(profile).state == OK
    assert not (tmp_path / "new").exists()

    def refuse(**options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(selftest.tempfile, "TemporaryFile", refuse)
    assert check_profile(profile).word == "profile_closed"


def test_missing_system_libraries_are_named_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest.sys, "platform", "linux")
    monkeypatch.setattr(selftest, "_can_load", lambda library: "EGL" not in library)
    outcome = selftest.check_window()
    assert (outcome.state, outcome.values["packages"]) == (FAILED, "libegl1")
    monkeypatch.setattr(selftest, "_can_load", lambda library: "cursor" not in library)
    assert selftest.check_window().state == NOTE


def test_input_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest.sys, "platform", "linux")
    assert check_input_methods({}, {"ibus"}).word == "input_method_default"
    assert check_input_methods({"QT_IM_MODULE": "ibus"}, {"ibus"}).word == "input_method_found"
    assert check_input_methods({"QT_IM_MODULE": "fcitx"}, {"ibus"}).state == NOTE


@pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="sockets are read from Linux's /proc")
def test_an_open_internet_socket_is_seen() -> None:
    import socket

    assert selftest.check_sockets().state == OK
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        assert selftest.check_sockets().word == "sockets_open"


def test_without_a_bundled_model_it_is_red_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.library.bundled_models_folder", lambda: tmp_path)
    outcomes = list(selftest.run_checks(None))
    states = {outcome.name: outcome.state for outcome in outcomes}
    assert states["model"] == FAILED
    assert "generation" not in states
    assert states["engine"] == OK
    assert [line_of(outcome, language) for outcome in outcomes for language in (ENGLISH, CHINESE)]


def test_words_exist_for_every_outcome_in_both_languages() -> None:
    source = Path(selftest.__file__).read_text(encoding="utf-8")
    for word in DETAILS:
        assert word == "error" or f'"{word}"' in source, word
    assert all(len(pair) == 2 for pair in (*DETAILS.values(), *NAMES.values()))
    for english, chinese in DETAILS.values():
        for name in ("message", "count", "packages", "folder", "name", "then", "now"):
            assert (f"{{{name}}}" in english) == (f"{{{name}}}" in chinese)


def test_the_language_follows_the_locale() -> None:
    assert language_of({"LANG": "zh_CN.UTF-8"}) == CHINESE
    assert language_of({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}) == ENGLISH
    assert language_of({}) == ENGLISH
    outcome = Outcome("sockets", OK, "sockets_none")
    assert detail_of(outcome, CHINESE) == "没有打开任何网络套接字"
    assert line_of(outcome, CHINESE).startswith("不联网：")


def test_the_stored_record_belongs_to_the_bundled_model() -> None:
    sample = selftest.sample_record()
    if not sample.exists():
        pytest.skip("resources/samples/selftest.json is made when a model is bundled")
    from engine.folder import open_folder
    from engine.library import open_library

    plain = json.loads(sample.read_text(encoding="utf-8"))
    assert plain["model_digest"] == open_folder(open_library().find(None)).manifest.digest()
