"""`nextstroke generate` and `regenerate`: streams, JSON, records, seeds, interruptions."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.cli import main
from tests.end_to_end.conftest import SECONDS, Run, clean_environment, interrupt


def events(answer: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.stdout.decode("utf-8").splitlines()]


def text_of(found: list[dict[str, Any]], candidate: int = 0) -> str:
    return "".join(e["text"] for e in found if e["event"] in ("token", "finished") and e["candidate"] == candidate)


def test_the_stream_is_the_continuation_alone_and_equals_the_events(nextstroke: Run, tiny: Path) -> None:
    arguments = ("generate", "从前有一个", "--model", str(tiny), "--max-tokens", "40", "--seed", "7")
    plain, as_json = nextstroke(*arguments), nextstroke(*arguments, "--json")
    found = events(as_json)
    assert plain.returncode == as_json.returncode == 0
    assert [event["event"] for event in found] == ["started", *["token"] * 40, "finished"]
    assert plain.stdout.decode("utf-8") == text_of(found) != ""
    assert b"seed 7" in plain.stderr
    assert found[-1]["record"]["request"]["sampling"]["seed"] == 7
    assert found[-1]["record"]["output_ids"] == [event["id"] for event in found if event["event"] == "token"]


def test_all_ways_to_give_the_prompt_are_one(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    text = "the cat 从前\n"
    (tmp_path / "提示 词.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    common = ("generate", "--model", str(tiny), "--max-tokens", "12", "--temperature", "0", "--json")
    by_argument = events(nextstroke(*common, text))
    ids = by_argument[-1]["record"]["prompt_ids"]
    others = [
        nextstroke(*common, "-", stdin=text.encode()),
        nextstroke(*common, "--prompt-file", str(tmp_path / "提示 词.txt")),
        nextstroke(*common, "--ids", " ".join(map(str, ids))),
    ]
    for answer in others:
        assert events(answer)[-1]["record"]["output_ids"] == by_argument[-1]["record"]["output_ids"]


def test_candidates_stand_under_their_lines(nextstroke: Run, tiny: Path) -> None:
    arguments = ("generate", "the cat", "--model", str(tiny), "--max-tokens", "10", "--seed", "1", "--candidates", "3")
    found = events(nextstroke(*arguments, "--json"))
    wanted = "".join(f"--- {k + 1} ---\n{text_of(found, k)}\n" for k in range(3))
    assert nextstroke(*arguments).stdout.decode("utf-8") == wanted


def test_without_a_seed_every_run_is_fresh_and_says_its_seed(nextstroke: Run, tiny: Path) -> None:
    runs = [nextstroke("generate", "the cat", "--model", str(tiny), "--max-tokens", "30") for _ in range(2)]
    assert runs[0].stdout != runs[1].stdout
    seed = runs[0].stderr.decode().split("seed ")[1].split()[0]
    again = nextstroke("generate", "the cat", "--model", str(tiny), "--max-tokens", "30", "--seed", seed)
    assert again.stdout == runs[0].stdout


def test_settings_carry_what_has_no_flag_and_flags_win(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"max_tokens": 5, "seed": 9, "report_top": 2, "temperature": 1}))
    arguments = ("generate", "the cat", "--model", str(tiny), "--json", "--settings", str(settings))
    found = events(nextstroke(*arguments, "--seed", "3"))
    request = found[-1]["record"]["request"]
    assert (request["sampling"]["seed"], request["max_tokens"]) == (3, 5)
    assert all(len(event["alternatives"]) == 2 for event in found if event["event"] == "token")


def test_a_stop_text_ends_it_and_is_not_written(nextstroke: Run, tiny: Path) -> None:
    arguments = ("generate", "the cat", "--model", str(tiny), "--max-tokens", "60", "--seed", "5")
    whole = nextstroke(*arguments).stdout.decode("utf-8", "replace")
    stop = next(character for character in whole[10:] if character.isalnum())
    stopped = events(nextstroke(*arguments, "--stop", stop, "--json"))
    assert (stopped[-1]["reason"], stopped[-1]["matched"]) == ("stop", stop)
    assert text_of(stopped) == whole[: whole.index(stop)]


def test_a_record_generates_the_same_again(nextstroke: Run, tiny: Path, other: Path, tmp_path: Path) -> None:
    record = tmp_path / "记录.json"
    arguments = ("--model", str(tiny), "--max-tokens", "20", "--seed", "4", "--record", str(record))
    assert nextstroke("generate", "the dogs", *arguments).returncode == 0
    same = nextstroke("regenerate", str(record), "--model", str(tiny))
    assert (same.returncode, same.stdout) == (0, b"identical\n")

    plain = json.loads(record.read_text(encoding="utf-8"))
    plain["output_ids"][6] += 1
    record.write_text(json.dumps(plain))
    differs = nextstroke("regenerate", str(record), "--model", str(tiny))
    assert (differs.returncode, differs.stdout) == (1, b"differs at token 6\n")
    assert differs.stderr == b"error: the record's text did not come out again: differs at token 6\n"

    record.write_text(json.dumps(plain | {"kernel_class": "another processor"}))
    elsewhere = nextstroke("regenerate", str(record), "--model", str(tiny))
    assert elsewhere.returncode == 1
    assert elsewhere.stdout.startswith(b"cannot be compared: kernels was another processor")

    foreign = nextstroke("regenerate", str(record), "--model", str(other))
    assert foreign.returncode == 1
    assert foreign.stdout.startswith(b"cannot be compared: the record was made by tiny")


TAMPERED: list[tuple[str, dict[str, Any]]] = [
    ("candidate is 'x'; it must be a whole number", {"candidate": "x"}),
    ("mixes records of different requests", {"candidate": 7}),
    ("model_digest is 5; it must be a text", {"model_digest": 5}),
    ("request is []; it must be an object", {"request": []}),
    ("max_tokens is 2.5; it must be a whole number", {"request": {"max_tokens": 2.5}}),
    ("sampling is 5; it must be an object", {"request": {"sampling": 5}}),
    ("seed is 1.5; it must be a whole number", {"request": {"sampling": {"seed": 1.5}}}),
    ("stop is [1]; it must be a list, each entry a text", {"request": {"stop": [1]}}),
    ("it has version 99, this program knows 1", {"version": 99}),
]


@pytest.mark.parametrize(("words", "change"), TAMPERED, ids=[words for words, _ in TAMPERED])
def test_a_tampered_record_is_refused_in_one_line(
    words: str, change: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ("model_name", "model_digest", "tokenizer_digest", "engine_version", "runtime_version", "device")
    plain: dict[str, Any] = dict.fromkeys((*texts, "kernel_class", "self_check", "output_text_sha256"), "x")
    plain |= {"threads": 1, "prompt_ids": [1], "request": {}, "candidate": 0, "output_ids": [2]}
    record = tmp_path / "r.json"
    record.write_text(json.dumps(plain | change))
    assert main(["regenerate", str(record), "--model", "Ghost"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_records_of_candidates_are_compared_each(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    record = tmp_path / "r.json"
    arguments = ("--model", str(tiny), "--max-tokens", "8", "--candidates", "2", "--record", str(record))
    assert nextstroke("generate", "the dogs", *arguments).returncode == 0
    answer = nextstroke("regenerate", str(record), "--model", str(tiny))
    assert (answer.returncode, answer.stdout) == (0, b"1: identical\n2: identical\n")


def start_endless(profile: Path, endless: Path, settings: Path) -> subprocess.Popen[bytes]:
    arguments = ["generate", "the cat", "--model", str(endless), "--settings", str(settings), "--seed", "1"]
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "desktop_app", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(profile),
    )


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is sent in another way on Windows")
def test_an_interruption_ends_it_between_two_tokens(profile: Path, endless: Path, endless_settings: Path) -> None:
    with start_endless(profile, endless, endless_settings) as process:
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 1)
        interrupt(process)
        rest, words = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert (first + rest).decode("utf-8")
    assert b"ended because interrupted" in words
    assert b"Traceback" not in words


@pytest.mark.skipif(os.name != "posix", reason="closing a pipe is told in another way on Windows")
def test_a_reader_that_goes_away_is_a_quiet_cancel(profile: Path, endless: Path, endless_settings: Path) -> None:
    with start_endless(profile, endless, endless_settings) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        words = process.stderr.read()
        assert process.wait(SECONDS) == 130
    assert words == b""
