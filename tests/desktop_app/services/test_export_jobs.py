"""Conversions run in a child process, one after the other, with progress, cancel and one end each."""

import os
import re
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.services.export_jobs import WAITING_BOUND, ExportJobs
from desktop_app.services.export_python import ExportPython, child_environment, find_export_python
from desktop_app.services.export_words import words_for_step
from desktop_app.services.languages import LanguageSwitch
from resources.i18n import update
from tests.desktop_app.services.qt import application, delete_now, wait_until

# Stands for `desktop_app export CHECKPOINT FOLDER --json`: speaks its lines, and does what the checkpoint's name says.
EXPORTER = textwrap.dedent(
    """
    import json, os, signal, sys, time
    checkpoint, folder = sys.argv[-3], sys.argv[-2]
    assert sys.argv[-1] == "--json"
    wish = os.path.basename(checkpoint)
    def report(progress, doing):
        print(json.dumps({"progress": progress, "doing": doing}), file=sys.stderr, flush=True)
    report(0.25, "reading: 从前")
    if "slow" in wish:
        def stop(*_):
            print("stopped; nothing was written", file=sys.stderr)
            sys.exit(130)
        signal.signal(signal.SIGTERM, stop)
        report(0.5, "waiting")
        time.sleep(60)
    if "bad" in wish:
        print("a warning", file=sys.stderr)
        print("error: the checkpoint is cut off; fetch it again", file=sys.stderr)
        sys.exit(1)
    if "crash" in wish:
        os.kill(os.getpid(), signal.SIGKILL)
    if "silent" in wish:
        sys.exit(3)
    os.mkdir(folder)
    report(1.0, "done")
    print(json.dumps({"folder": folder, "certificate": {"same_top1": 1.0}}))
    """
)


class Listener:
    def __init__(self, jobs: ExportJobs) -> None:
        self.said: list[tuple] = []
        for name in ("started", "progress", "finished", "failed", "cancelled"):
            getattr(jobs, name).connect(lambda *values, name=name: self.said.append((name, *values)))

    def ends(self) -> list[tuple]:
        return [said for said in self.said if said[0] in ("finished", "failed", "cancelled")]


class FakePython(ExportPython):
    def export_command(self, checkpoint: Path, folder: Path) -> tuple[str, ...]:
        return (*self.command, "-c", EXPORTER, str(checkpoint), str(folder), "--json")


def fake_python(setting: str) -> ExportPython | None:
    return None if setting == "none" else FakePython((setting or sys.executable,), dict(os.environ))


@pytest.fixture
def setting() -> list[str]:
    return [""]


@pytest.fixture
def jobs(tmp_path: Path, setting: list[str]) -> Iterator[ExportJobs]:
    made = ExportJobs(tmp_path / "我的 models", Disk(), lambda: setting[0], fake_python)
    yield made
    made.close()
    delete_now(made)


@pytest.fixture
def heard(jobs: ExportJobs) -> Listener:
    return Listener(jobs)


def test_a_conversion_reports_and_ends_in_the_library(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    job = jobs.convert(tmp_path / "小说.pt")
    assert heard.said == []  # nothing before the caller knows the id
    assert wait_until(lambda: bool(heard.ends()))
    assert heard.said == [
        ("started", job, "小说"),
        ("progress", job, 250, "reading: 从前"),
        ("progress", job, 1000, "done"),
        (
            "finished",
            job,
            "小说",
            {"folder": str(tmp_path / "我的 models" / "小说"), "certificate": {"same_top1": 1.0}},
        ),
    ]
    assert (tmp_path / "我的 models" / "小说").is_dir()
    assert not jobs.is_busy


def test_the_steps_that_the_exporter_names_have_words(root: Path):
    source = (root / "export" / "convert.py").read_text("utf-8")
    said = set(re.findall(r'(?:report|written)\([^"]*?f?"([a-zA-Z][^":{]*)', source))
    assert {"reading the checkpoint", "writing the graph", "done"} <= said
    switch = LanguageSwitch(application(), update.FOLDER)
    switch.apply("zh")
    words = {step: words_for_step(step) for step in (*said, "comparing: english", "checking SHA-256")}
    switch.apply("en")
    delete_now(switch)
    assert [step for step, word in words.items() if not re.search("[\u4e00-\u9fff]", word)] == []


def test_the_error_line_is_the_message(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    job = jobs.convert(tmp_path / "bad.pt")
    assert wait_until(lambda: bool(heard.ends()))
    assert heard.ends() == [("failed", job, "the checkpoint is cut off; fetch it again")]


@pytest.mark.parametrize(
    ("name", "words"), [("crash.pt", "want of memory"), ("silent.pt", "without a result (status 3)")]
)
def test_an_end_without_words_is_explained(jobs: ExportJobs, heard: Listener, tmp_path: Path, name: str, words: str):
    jobs.convert(tmp_path / name)
    assert wait_until(lambda: bool(heard.ends()))
    ((kind, _, message),) = heard.ends()
    assert kind == "failed"
    assert words in message


def test_cancel_ends_the_child_and_says_so_once(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    job = jobs.convert(tmp_path / "slow.pt")
    assert wait_until(lambda: ("progress", job, 500, "waiting") in heard.said)
    begun = time.monotonic()
    jobs.cancel(job)
    assert wait_until(lambda: bool(heard.ends()))
    assert time.monotonic() - begun < 4.0  # it was asked, not killed
    assert heard.ends() == [("cancelled", job)]


def test_conversions_wait_for_each_other_and_can_be_cancelled_while_waiting(
    jobs: ExportJobs, heard: Listener, tmp_path: Path
):
    first, second, third = (jobs.convert(tmp_path / "model.pt") for _ in range(3))
    jobs.cancel(second)
    assert wait_until(lambda: len(heard.ends()) == 3)
    assert heard.ends()[0] == ("cancelled", second)
    assert [(said[1], said[2]) for said in heard.said if said[0] == "finished"] == [
        (first, "model"),
        (third, "model 3"),
    ]


def test_the_line_of_waiting_conversions_is_bounded(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    ids = [jobs.convert(tmp_path / "slow.pt") for _ in range(WAITING_BOUND + 1)]
    assert wait_until(lambda: bool(heard.ends()))
    ((kind, job, _),) = heard.ends()
    assert (kind, job) == ("failed", ids[-1])


def test_without_the_add_on_one_plain_message_explains_it(
    jobs: ExportJobs, heard: Listener, tmp_path: Path, setting: list[str]
):
    setting[0] = "none"
    job = jobs.convert(tmp_path / "x.pt")
    assert wait_until(lambda: bool(heard.ends()))
    assert heard.ends() == [("failed", job, jobs.missing_add_on())]
    assert "pip install" in jobs.missing_add_on()
    setting[0] = ""
    assert jobs.missing_add_on() == ""


def test_a_python_that_does_not_start_is_named(jobs: ExportJobs, heard: Listener, tmp_path: Path, setting: list[str]):
    setting[0] = str(tmp_path / "no python")
    jobs.convert(tmp_path / "x.pt")
    assert wait_until(lambda: bool(heard.ends()))
    assert "no python" in heard.ends()[0][2]
    assert not jobs.is_busy


def test_closing_ends_the_child(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    job = jobs.convert(tmp_path / "slow.pt")
    assert wait_until(lambda: ("progress", job, 500, "waiting") in heard.said)
    jobs.close()
    assert not jobs.is_busy


def test_names_come_from_the_checkpoint_and_never_clash(jobs: ExportJobs, heard: Listener, tmp_path: Path):
    folder = tmp_path / "gpt2 小"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    (tmp_path / "run 7").mkdir()
    (tmp_path / "run 7" / "ckpt.pt").write_bytes(b"")
    jobs.convert(folder / "model.safetensors")
    jobs.convert(folder, taken_names=["bundled"])
    jobs.convert(tmp_path / "run 7" / "ckpt.pt", taken_names=["run 7"])
    assert wait_until(lambda: len(heard.ends()) == 3)
    assert [said[2] for said in heard.said if said[0] == "finished"] == ["gpt2 小", "gpt2 小 2", "run 7 2"]


def test_this_interpreter_converts_where_torch_is_installed():
    found = find_export_python("", is_frozen=False, can_import=lambda name: True, environment={"A": "b"})
    assert found is not None
    assert found.command == (sys.executable, "-P")
    assert found.environment["A"] == "b"
    assert found.environment["ORT_DISABLE_TELEMETRY"] == "1"
    command = found.export_command(Path("/c 一.pt"), Path("/models/x"))
    assert command[-5:] == ("desktop_app", "export", "/c 一.pt", "/models/x", "--json")


def test_without_torch_the_setting_names_the_python(tmp_path: Path):
    def without_torch(name: str) -> bool:
        return name != "torch"

    interpreter = tmp_path / "env" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text("")
    for setting in (str(interpreter), str(tmp_path / "env")):
        found = find_export_python(setting, is_frozen=False, can_import=without_torch)
        assert found is not None
        assert found.command[0] == str(interpreter)
    for setting in ("", str(tmp_path / "nowhere")):
        assert find_export_python(setting, is_frozen=False, can_import=without_torch) is None


def test_the_packaged_program_never_converts_itself():
    assert find_export_python("", is_frozen=True, can_import=lambda name: True) is None


def test_a_child_of_the_package_gets_the_original_library_path():
    packaged = {
        "LD_LIBRARY_PATH": "/opt/nextstroke/_internal",
        "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
        "DYLD_LIBRARY_PATH": "/opt/nextstroke/_internal",
        "_PYI_ARCHIVE_FILE": "/opt/nextstroke/nextstroke",
        "_MEIPASS2": "/tmp/x",
        "PYTHONHOME": "/opt/nextstroke",
        "PATH": "/bin",
        "NEXTSTROKE_PROFILE": "/p",
    }
    clean = child_environment(packaged, is_frozen=True)
    assert clean["LD_LIBRARY_PATH"] == "/usr/local/lib"
    assert set(clean) == {
        "LD_LIBRARY_PATH",
        "PATH",
        "NEXTSTROKE_PROFILE",
        "ORT_DISABLE_TELEMETRY",
        "PYTHONIOENCODING",
        "PYTHONUNBUFFERED",
    }
    unfrozen = child_environment(packaged, is_frozen=False)
    assert unfrozen["LD_LIBRARY_PATH"] == "/opt/nextstroke/_internal"
