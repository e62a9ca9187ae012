"""`nextstroke serve` as a process: one line with the address, the loopback alone, nothing said of a text, Ctrl-C."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.conftest import SECONDS, Run, clean_environment, interrupt

SECRET = "an unfinished novel"


@contextmanager
def serving(profile: Path, model: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The process and its port."""
    command = [sys.executable, "-P", "-m", "desktop_app", "serve", "--port", "0", "--model", str(model)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment(profile) | environment
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode()
        try:
            assert address.startswith("http://127.0.0.1:")
            assert address.endswith("/v1\n")
            yield process, int(address.split(":")[2].split("/")[0])
        finally:
            process.kill()


def ask(port: int, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    body = json.dumps({"prompt": SECRET, "max_tokens": 4, "seed": 1})
    connection.request("POST", "/v1/completions", body, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_answers_on_the_loopback_until_it_is_interrupted(profile: Path, tiny: Path) -> None:
    with serving(profile, tiny) as (process, port):
        status, answer = ask(port)
        assert status == 200
        assert json.loads(answer)["choices"][0]["finish_reason"] in ("length", "stop")
        listening = [c for c in psutil.Process(process.pid).net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert [tuple(connection.laddr) for connection in listening] == [("127.0.0.1", port)]
        interrupt(process)
        output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert output == b""  # behind the address
    assert SECRET.encode() not in errors
    assert len(errors.decode().splitlines()) == 1
    assert tiny.name in errors.decode()


def test_the_key_comes_from_the_environment(profile: Path, tiny: Path) -> None:
    with serving(profile, tiny, NEXTSTROKE_KEY="right") as (_, port):
        assert ask(port)[0] == 401
        assert ask(port, Authorization="Bearer right")[0] == 200


def test_a_port_in_use_is_one_line(nextstroke: Run, profile: Path, tiny: Path) -> None:
    with serving(profile, tiny) as (_, port):
        done = nextstroke("serve", "--port", str(port), "--model", str(tiny))
    assert done.returncode == 1
    assert done.stdout == b""
    assert done.stderr.decode().splitlines()[-1].startswith(f"error: port {port} is in use by another program; ")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("content", ["", "two words", "键", "a" * 513, "one\ntwo"])
def test_a_key_that_cannot_be_sent_is_refused(nextstroke: Run, tmp_path: Path, tiny: Path, content: str) -> None:
    key = tmp_path / "key"
    key.write_text(content, encoding="utf-8")
    done = nextstroke("serve", "--port", "0", "--model", str(tiny), "--key-file", str(key))
    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"error: the key in {key} ")


def test_a_wrong_port_is_wrong_usage(nextstroke: Run) -> None:
    for port in ("-1", "65536", "web"):
        assert nextstroke("serve", "--port", port).returncode == 2
