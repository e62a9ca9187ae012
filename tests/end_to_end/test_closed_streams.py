"""Streams that the caller closed, or that nobody reads any more: the work is done or ended, and no file is spoilt."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import SECONDS, clean_environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the stream")
NEXTSTROKE = f'"{sys.executable}" -P -m desktop_app'


def shell(line: str, profile: Path, place: Path) -> subprocess.CompletedProcess[bytes]:
    environment = clean_environment(profile)
    return subprocess.run(
        ["sh", "-c", line], cwd=place, env=environment, capture_output=True, timeout=SECONDS, check=False
    )


@pytest.fixture
def generate(tiny: Path) -> str:
    return f'{NEXTSTROKE} generate "the cat" --max-tokens 6 --seed 3 --model "{tiny}" --record record.json'


def test_without_standard_error_the_text_and_the_record_are_the_same(
    generate: str, profile: Path, tmp_path: Path
) -> None:
    wanted = shell(generate, profile, tmp_path)
    assert wanted.returncode == 0, wanted.stderr.decode()
    record = (tmp_path / "record.json").read_bytes()
    (tmp_path / "record.json").unlink()
    found = shell(f"{generate} 2>&-", profile, tmp_path)
    assert (found.returncode, found.stdout, found.stderr) == (0, wanted.stdout, b"")
    assert (tmp_path / "record.json").read_bytes() == record  # a statistic must not have landed in it
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_without_standard_error_a_failure_keeps_its_status(profile: Path, tmp_path: Path) -> None:
    for words, status in (("generate x --model Ghost", 1), ("generate x --temperature -1", 2), ("Ghost --help", 0)):
        found = shell(f"{NEXTSTROKE.replace('desktop_app', 'engine')} {words} 2>&-", profile, tmp_path)
        assert (found.stdout, found.stderr) == (b"", b"")
        assert found.returncode == (2 if words.startswith("Ghost") else status)


def test_without_standard_output_nothing_is_spoilt(generate: str, profile: Path, tmp_path: Path) -> None:
    found = shell(f"{generate} >&-", profile, tmp_path)
    assert found.returncode == 1
    assert found.stderr == b"error: standard output is closed; send it to a file or to /dev/null\n"
    assert list(tmp_path.iterdir()) == []


def test_without_any_stream_it_ends_with_a_status(generate: str, profile: Path, tmp_path: Path) -> None:
    assert shell(f"{generate} <&- >&- 2>&-", profile, tmp_path).returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_a_long_generation(
    endless: Path, endless_settings: Path, profile: Path, tmp_path: Path
) -> None:
    command = f'{NEXTSTROKE} generate "the cat" --json --settings "{endless_settings}" --model "{endless}"'
    found = shell(f"{{ {command}; echo $? >status; }} | head -1", profile, tmp_path)
    assert (tmp_path / "status").read_text() == "130\n"
    (line,) = found.stdout.splitlines()
    assert json.loads(line)["event"] == "started"
    assert found.stderr == b""


@pytest.mark.parametrize("words", ["--help", "generate --help", "--version", "models --json", "tokenizer --help"])
def test_help_and_lists_into_head_are_no_traceback(words: str, profile: Path, tmp_path: Path) -> None:
    found = shell(f"{NEXTSTROKE} {words} | head -1", profile, tmp_path)
    assert found.stdout.count(b"\n") == 1
    assert found.stderr == b""
