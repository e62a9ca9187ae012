"""Bad input of every kind: one line on standard error that says what was found, the right status, no output.

In-process, through the same edge as the program: only the start of Python is left out.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import main
from tests.end_to_end.conftest import SECONDS, Run, clean_environment

HUGE = "1" + "0" * 400

# words that the line must hold, the exit status, and the arguments; {name} is a path made below
CASES = [
    ("Ghost", 1, ["generate", "x", "--model", "Ghost"]),
    ("mmm…(5,0", 1, ["generate", "x", "--model", "m" * 5000]),
    ("has no nextstroke.json", 1, ["generate", "x", "--model", "{empty_folder}"]),
    ("decoder.onnx", 1, ["generate", "x", "--model", "{damaged}"]),
    ("has 10 bytes instead of", 1, ["generate", "x", "--model", "{cut}"]),
    ("no text.txt: it does not exist", 1, ["generate", "--prompt-file", "{missing}", "--model", "{tiny}"]),
    ("is empty", 1, ["generate", "--prompt-file", "{empty}", "--model", "{tiny}"]),
    ("byte 0xff at offset 4", 1, ["generate", "--prompt-file", "{latin}", "--model", "{tiny}"]),
    ("looks like UTF-16", 1, ["generate", "--prompt-file", "{utf16}", "--model", "{tiny}"]),
    ("is a folder", 1, ["generate", "--prompt-file", "{empty_folder}", "--model", "{tiny}"]),
    ("is empty", 1, ["generate", "", "--model", "{tiny}"]),
    ("is empty", 1, ["generate", "-", "--model", "{tiny}"]),
    (
        "tokens but the model sees at most 256; shorten it, or let the model see its end alone: --settings FILE, where "
        'FILE holds {"context_policy": "keep_end"}',
        1,
        ["generate", "--prompt-file", "{long}", "--model", "{tiny}"],
    ),
    ("token id 99999 does not exist", 2, ["generate", "--ids", "1 99999", "--model", "{tiny}"]),
    ("'x', which is no token id", 2, ["generate", "--ids", "1 x", "--model", "{tiny}"]),
    ("number of 5000 digits, which is no token id", 2, ["generate", "--ids", "9" * 5000, "--model", "{tiny}"]),
    ("repetition penalty is 1e-320", 2, ["generate", "a", "--repetition-penalty", "1e-320", "--model", "{tiny}"]),
    ("in UTF-8", 2, ["generate", "a", "--stop", "\udcff", "--model", "{tiny}"]),
    ("seed is a number of about 401 digits; it must be", 2, ["generate", "a", "--seed", HUGE]),
    ("seed is a number of about 401 digits; it must be", 2, ["generate", "a", "--seed", f"-{HUGE}"]),
    ("top-k is a number of about 401 digits; it must be", 2, ["generate", "a", "--top-k", HUGE]),
    ("max tokens is a number of about 401 digits; it must", 2, ["generate", "a", "--max-tokens", HUGE]),
    ("candidates is a number of about 401 digits; it must", 2, ["generate", "a", "--candidates", HUGE]),
    ("temperature is inf; it must be", 2, ["generate", "a", "--temperature", HUGE]),
    ("temperature is a number of about 401 digits; it", 2, ["generate", "a", "--settings", "{huge_temperature}"]),
    ("repetition range is a number of about 401 digits", 2, ["generate", "a", "--settings", "{huge_range}"]),
    ("has a number of 9,000 digits", 2, ["generate", "a", "--settings", "{huge_number}"]),
    ("seed is 'xxxxx", 2, ["generate", "a", "--settings", "{huge_text}"]),
    ("nothing to read was given", 2, ["generate", "--model", "{tiny}"]),
    ("more than one text", 2, ["generate", "a", "--ids", "1", "--model", "{tiny}"]),
    ("temperature is -1.0", 2, ["generate", "a", "--temperature", "-1", "--model", "{tiny}"]),
    ("unknown setting 'temprature'; write temperature", 2, ["generate", "a", "--settings", "{misspelt}"]),
    ("temperature is 'hot'; it must be a number", 2, ["generate", "a", "--settings", "{mistyped}"]),
    ("is not JSON", 2, ["generate", "a", "--settings", "{latin_free}"]),
    ("there is no folder", 1, ["generate", "a", "--record", "{missing}/r.json", "--model", "{tiny}"]),
    ("is a device or a pipe", 1, ["generate", "a", "--record", os.devnull, "--model", "{tiny}"]),
    ("is not JSON", 2, ["regenerate", "{latin_free}", "--model", "{tiny}"]),
    ("is not a generation record", 2, ["regenerate", "{misspelt}", "--model", "{tiny}"]),
    ("is empty", 1, ["score", "", "--model", "{tiny}"]),
    ("no model folder and no model named", 1, ["bench", "Ghost"]),
    ("must fit the context of 256", 2, ["bench", "{tiny}", "--prompt-tokens", "300"]),
    ("decoder.onnx", 1, ["verify", "{damaged}"]),
    ("no model folder", 1, ["models", "add", "{missing}"]),
    ("no model named 'Ghost'", 1, ["models", "remove", "Ghost"]),
    ("needs a path or a name", 2, ["models", "show"]),
    ("there is no model folder", 1, ["models", "show", "Ghost"]),
]


HUGE_LINES = [
    ["generate", "a", "--seed", "9" * 9000],
    ["generate", "a", "--top-k", "9" * 9000],
    ["generate", "a", "--threads", "9" * 9000],
    ["generate", "a", "--threads", HUGE],
    ["generate", "a", "--candidates", f"-{HUGE}"],
    ["generate", "a", "x" * 9000],
    ["bench", "--rounds", f"-{HUGE}"],
    ["x" * 9000],
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> dict[str, str]:
    place = tmp_path_factory.mktemp("坏 的 输入")
    contents = {
        "empty": b"",
        "latin": b"good\xff\xfe",
        "utf16": "文字".encode("utf-16"),
        "long": b"the cat " * 500,
        "misspelt": json.dumps({"temprature": 1}).encode(),
        "mistyped": json.dumps({"temperature": "hot"}).encode(),
        "latin_free": b"{not json",
        "huge_temperature": f'{{"temperature": {HUGE}}}'.encode(),
        "huge_range": f'{{"repetition_range": {HUGE}}}'.encode(),
        "huge_number": f'{{"seed": {"9" * 9000}}}'.encode(),
        "huge_text": json.dumps({"seed": "x" * 9000}).encode(),
    }
    for name, content in contents.items():
        (place / name).write_bytes(content)
    (place / "empty_folder").mkdir()
    for name in ("damaged", "cut"):
        shutil.copytree(tiny, place / name)
    graph = place / "damaged" / "decoder.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    (place / "cut" / "decoder.onnx").write_bytes(content[:10])
    made = {name: str(place / name) for name in [*contents, "empty_folder", "damaged", "cut"]}
    return made | {"tiny": str(tiny), "missing": str(place / "no text.txt")}


@pytest.mark.parametrize(("words", "status", "arguments"), CASES, ids=[" ".join(case[2])[:100] for case in CASES])
def test_one_clear_line(
    words: str,
    status: int,
    arguments: list[str],
    places: dict[str, str],
    profile: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(profile))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert main([argument.format(**places) for argument in arguments]) == status
    output, errors = capsys.readouterr()
    lines = errors.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert words in lines[0]
    assert len(lines[0]) < 600
    assert arguments[0] == "verify" or output == ""


@pytest.mark.parametrize("arguments", HUGE_LINES, ids=range(len(HUGE_LINES)))
def test_wrong_usage_is_short_whatever_was_typed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as leaving:
        status = leaving.code
    assert status == 2
    output, errors = capsys.readouterr()
    assert output == ""
    last = errors.splitlines()[-1]
    assert "error: " in last
    assert len(last) < 300


def test_with_json_the_failure_is_an_event_too(nextstroke: Run) -> None:
    answer = nextstroke("generate", "x", "--model", "Ghost", "--json")
    (line,) = answer.stdout.decode("utf-8").splitlines()
    event = json.loads(line)
    assert (event["event"], event["kind"]) == ("failed", "ModelFolderError")
    assert answer.stderr.decode("utf-8") == f"error: {event['message']}\n"
    assert answer.returncode == 1


def test_a_full_disk_is_said(nextstroke: Run, tiny: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    answer = nextstroke("generate", "the", "--model", str(tiny), "--max-tokens", "2", "--record", "/dev/full/r")
    assert answer.returncode == 1
    assert b"error: there is no folder /dev/full" in answer.stderr


def test_a_record_in_a_read_only_place_is_refused_before_anything_is_generated(
    places: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.commands.records.os.access", lambda path, mode: False)
    place = places["empty_folder"]
    assert main(["generate", "the", "--model", places["tiny"], "--record", f"{place}/r.json"]) == 1
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"error: the record cannot be written in {place}: no permission")


def test_wrong_usage_is_status_2_and_unknown_commands_open_no_window(nextstroke: Run) -> None:
    assert nextstroke("generate", "x", "--no-such-flag").returncode == 2
    assert nextstroke("models", "burn").returncode == 2


CLOSED = [
    (">&-", "error: standard output is closed; send it to a file or to /dev/null\n", 1),
    ("<&-", "error: - is empty; there must be at least one character to go on from\n", 1),
]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the stream")
@pytest.mark.parametrize(("redirection", "words", "status"), CLOSED, ids=["output", "input"])
def test_a_closed_stream_is_said(redirection: str, words: str, status: int, profile: Path) -> None:
    line = f'"{sys.executable}" -m desktop_app generate - --model Ghost {redirection}'
    done = subprocess.run(
        line, shell=True, stderr=subprocess.PIPE, env=clean_environment(profile), timeout=SECONDS, check=False
    )
    assert done.stderr.decode("utf-8").replace("PROMPT", "-") == words
    assert done.returncode == status


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("module", ["desktop_app", "engine", "export"])
def test_help_that_cannot_be_written_is_no_traceback(module: str, profile: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", module, "--help"]
        environment = clean_environment(profile)
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment, timeout=SECONDS, check=False
        )
    assert done.stderr == b""
