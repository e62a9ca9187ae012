"""The local server: asked by the official client, by raw sockets that break every rule, and by clients that go away.

All traffic stays on 127.0.0.1. The model is a tiny real one; where time matters, a stand-in for the loop that writes
until it is cancelled.
"""

import json
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import openai
import pytest

from engine.cli import main
from engine.contracts.errors import EngineError
from engine.contracts.generation import Done, Event, Finished, GenerationRequest, Started, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.http_guard import BODY_BYTES
from engine.job_queue import ACTIONS_BOUND
from engine.library import ModelLibrary
from engine.loaded_model import LoadedModel, load_model
from engine.openai_format.answers import spelled
from engine.served_model import ServedModel
from engine.server import LocalServer
from engine.server_connection import HEAD_BYTES
from engine.session import Session
from tests.support.tiny_models import write_manifest, write_tiny_model

SECONDS = 20  # nothing here takes more than one of them
PROMPT = "the cat sat 从前有"
SECRET = "an unfinished novel"
ROLES = {"user": "the ", "user_end": "\n", "assistant": "a ", "assistant_end": "\n"}


@contextmanager
def serving(
    model: LoadedModel, folder: Path, loop: Any = generate, key: str | None = None, arrival: float = SECONDS
) -> Iterator[LocalServer]:
    served = ServedModel(model, str(folder), ModelLibrary(folder.parent / "none", folder.parent / "none"), loop)
    with LocalServer(0, served, key) as server:
        server.arrival_seconds = arrival
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(SECONDS)
            assert served.close(SECONDS)


@pytest.fixture(scope="module")
def talking_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "会说话 model"
    manifest = write_tiny_model(folder, seed=3, name="talking")
    write_manifest(folder, replace(manifest, prompt_roles=ROLES))
    return folder


@pytest.fixture(scope="module")
def talking(talking_folder: Path) -> LoadedModel:
    return load_model(talking_folder, "cpu", threads=2)


@pytest.fixture(scope="module")
def server(talking: LoadedModel, talking_folder: Path) -> Iterator[LocalServer]:
    with serving(talking, talking_folder) as started:
        yield started


@contextmanager
def connected(server: LocalServer, key: str = "any", **options: Any) -> Iterator[openai.OpenAI]:
    """The official client, which must not be led elsewhere by variables of the environment."""
    with (
        openai.DefaultHttpxClient(trust_env=False) as http,
        openai.OpenAI(
            base_url=f"http://127.0.0.1:{server.server_port}/v1",
            api_key=key,
            http_client=http,
            timeout=SECONDS,
            **({"max_retries": 0} | options),
        ) as client,
    ):
        yield client


@pytest.fixture
def client(server: LocalServer) -> Iterator[openai.OpenAI]:
    with connected(server) as made:
        yield made


def engine_events(model: LoadedModel, **changes: Any) -> list[Event]:
    settings = {"max_tokens": 24, "sampling": SamplingSettings(seed=5)} | changes
    return list(generate(model, model.new_session(), GenerationRequest("r", PROMPT, **settings)))


def engine_text(events: list[Event], candidate: int = 0) -> str:
    return "".join(e.text for e in events if isinstance(e, Token | Finished) and e.candidate == candidate)


# The official client


def test_the_model_is_listed_by_its_name(client: openai.OpenAI, talking_folder: Path) -> None:
    (model,) = client.models.list().data
    assert model.id == talking_folder.name
    assert client.models.retrieve(model.id).id == model.id


def test_two_choices_are_the_two_candidates_of_the_command_line(
    client: openai.OpenAI, talking_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = client.completions.create(model=talking_folder.name, prompt=PROMPT, n=2, seed=5, max_tokens=24)
    flags = ["--candidates", "2", "--seed", "5", "--max-tokens", "24", "--threads", "2", "--device", "cpu"]
    assert main(["generate", PROMPT, "--model", str(talking_folder), *flags]) == 0
    texts = [choice.text for choice in found.choices]
    assert capsys.readouterr().out == f"--- 1 ---\n{texts[0]}\n--- 2 ---\n{texts[1]}\n"
    assert texts[0] != texts[1]
    assert found.usage is not None
    assert found.usage.completion_tokens == 48


def test_a_whole_answer_is_the_engines(client: openai.OpenAI, talking: LoadedModel, talking_folder: Path) -> None:
    events = engine_events(talking, report_top=3)
    tokens = [event for event in events if isinstance(event, Token)]
    asked = {"model": talking_folder.name, "prompt": PROMPT, "seed": 5, "max_tokens": 24}
    found = client.completions.create(**asked, logprobs=3)
    (choice,) = found.choices
    assert choice.text == engine_text(events)
    assert choice.finish_reason == "length"
    assert choice.logprobs is not None
    assert choice.logprobs.token_logprobs == [token.logprob for token in tokens]
    assert choice.logprobs.top_logprobs is not None
    pieces = dict(enumerate(talking.tokenizer.pieces))
    for token, top in zip(tokens, choice.logprobs.top_logprobs, strict=True):
        scores = {spelled(pieces.get(number, b"")): logprob for number, _, logprob in token.alternatives}
        assert top == scores | {spelled(pieces[token.id]): token.logprob}
    (end,) = (event for event in events if isinstance(event, Finished))
    assert found.usage is not None
    assert found.usage.prompt_tokens == end.usage.prompt_tokens
    assert (found.usage.completion_tokens, found.usage.total_tokens) == (24, 24 + end.usage.prompt_tokens)
    ids = list(end.record.prompt_ids)
    assert client.completions.create(**asked | {"prompt": ids}).choices[0].text == choice.text


def test_a_streamed_text_is_the_whole_text(client: openai.OpenAI, talking_folder: Path) -> None:
    asked: dict[str, Any] = {"model": talking_folder.name, "prompt": PROMPT, "seed": 6, "max_tokens": 40, "n": 2}
    asked |= {"logprobs": 2, "temperature": 1.5, "extra_body": {"min_p": 0, "ignore_end_of_text": True}}
    whole = client.completions.create(**asked)
    pieces = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    for choice in whole.choices:
        parts = [part for piece in pieces for part in piece.choices if part.index == choice.index]
        assert "".join(part.text for part in parts) == choice.text
        assert len(parts) > 20
        assert parts[-1].finish_reason == choice.finish_reason == "length"
        streamed = [entry for part in parts if part.logprobs for entry in part.logprobs.token_logprobs or ()]
        assert choice.logprobs is not None
        assert streamed == choice.logprobs.token_logprobs
    assert pieces[-1].usage is not None
    assert whole.usage is not None
    assert pieces[-1].usage.completion_tokens == whole.usage.completion_tokens == 80


def test_a_conversation_continues_the_roles_text(
    client: openai.OpenAI, talking: LoadedModel, talking_folder: Path
) -> None:
    asked: dict[str, Any] = {"model": talking_folder.name, "seed": 5, "max_tokens": 12, "logprobs": True}
    asked |= {"messages": [{"role": "user", "content": "cat sat"}], "top_logprobs": 2}
    request = GenerationRequest(
        "r", "the cat sat\na ", max_tokens=12, stop=("\n",), sampling=SamplingSettings(seed=5), report_top=2
    )
    events = list(generate(talking, talking.new_session(), request))
    found = client.chat.completions.create(**asked)
    (choice,) = found.choices
    assert choice.message.content == engine_text(events)
    assert choice.message.role == "assistant"
    tokens = [event for event in events if isinstance(event, Token)]
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert [entry.logprob for entry in choice.logprobs.content] == [token.logprob for token in tokens]
    written = b"".join(bytes(entry.bytes or ()) for entry in choice.logprobs.content)
    assert written == b"".join(talking.tokenizer.token_bytes(token.id) for token in tokens)
    pieces = list(client.chat.completions.create(**asked, stream=True))
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == choice.message.content
    assert pieces[0].choices[0].delta.role == "assistant"
    assert pieces[-1].choices[0].finish_reason == choice.finish_reason


def test_an_answer_in_the_form_that_was_asked_for(client: openai.OpenAI, talking_folder: Path) -> None:
    schema: dict[str, Any] = {"enum": ["是", "否", "cat"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    said: Any = [{"role": "user", "content": "cat sat"}]
    name = talking_folder.name
    found = client.chat.completions.create(
        model=name, messages=said, response_format=form, max_tokens=60, seed=2, extra_body={"ignore_end_of_text": True}
    )
    (choice,) = found.choices
    assert json.loads(choice.message.content or "") in schema["enum"]
    assert choice.finish_reason == "stop"
    more: Any = {"constraint": {"kind": "regex", "value": "(cat|从前){2}"}, "ignore_end_of_text": True}
    completed = client.completions.create(model=name, prompt="the ", max_tokens=60, n=3, seed=2, extra_body=more)
    assert all(re.fullmatch("(cat|从前){2}", entry.text) for entry in completed.choices)
    assert {entry.finish_reason for entry in completed.choices} == {"stop"}


def test_a_stop_text_ends_the_text_before_it(client: openai.OpenAI, talking_folder: Path) -> None:
    asked: dict[str, Any] = {"model": talking_folder.name, "prompt": PROMPT, "seed": 5, "max_tokens": 24}
    whole = client.completions.create(**asked).choices[0].text
    stop = whole[8:10]
    found = client.completions.create(**asked, stop=[stop, "never there"]).choices[0]
    assert (found.text, found.finish_reason) == (whole[: whole.index(stop)], "stop")


def test_without_a_seed_texts_differ(client: openai.OpenAI, talking_folder: Path) -> None:
    asked: dict[str, Any] = {"model": talking_folder.name, "prompt": PROMPT, "temperature": 2, "max_tokens": 24}
    assert len({client.completions.create(**asked).choices[0].text for _ in range(3)}) == 3


def test_the_clients_errors_are_openais(client: openai.OpenAI, talking_folder: Path) -> None:
    name = talking_folder.name
    with pytest.raises(openai.NotFoundError, match="gpt-4"):
        client.completions.create(model="gpt-4", prompt="a")
    with pytest.raises(openai.BadRequestError, match="keep_end") as found:
        client.completions.create(model=name, prompt="the cat " * 300)
    assert found.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="empty"):
        client.completions.create(model=name, prompt="")
    with pytest.raises(openai.BadRequestError, match="999999"):
        client.completions.create(model=name, prompt=[999999], stream=True)
    with pytest.raises(openai.BadRequestError, match="temprature"):
        client.completions.create(model=name, prompt="x", extra_body={"temprature": 1})
    kept = client.completions.create(
        model=name, prompt="the cat " * 300, max_tokens=3, extra_body={"context_policy": "keep_end"}
    )
    assert kept.usage is not None


def test_a_model_without_roles_refuses_to_converse(rotary: LoadedModel, tiny_folders: dict[str, Path]) -> None:
    with serving(rotary, tiny_folders["rotary"]) as started, connected(started) as client:
        with pytest.raises(openai.BadRequestError, match="not taught to converse") as found:
            client.chat.completions.create(model="rotary", messages=[{"role": "user", "content": "hi"}])
        assert found.value.code == "model_has_no_roles"


def test_parallel_clients_get_what_each_would_get_alone(
    server: LocalServer, talking: LoadedModel, talking_folder: Path
) -> None:
    def ask(seed: int) -> str:
        with connected(server, max_retries=5) as client:
            asked: dict[str, Any] = {"model": talking_folder.name, "prompt": PROMPT, "seed": seed, "max_tokens": 24}
            if seed % 2:
                return client.completions.create(**asked).choices[0].text
            return "".join(piece.choices[0].text for piece in client.completions.create(**asked, stream=True))

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(ask, range(8)))
    assert texts == [engine_text(engine_events(talking, sampling=SamplingSettings(seed=seed))) for seed in range(8)]


def test_the_key_is_asked_for(talking: LoadedModel, talking_folder: Path) -> None:
    with serving(talking, talking_folder, key="right") as started:
        with connected(started, "right") as client:
            assert client.models.list().data
        with connected(started, "wrong") as client, pytest.raises(openai.AuthenticationError, match="key"):
            client.models.list()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_manuals_program_runs(server: LocalServer, root: Path, language: str) -> None:
    page = (root / "resources" / "manual" / language / "local_server.md").read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0].replace(":8017", f":{server.server_port}")
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", program],
        env=environment,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


# Raw sockets


def raw(server: LocalServer, content: bytes) -> tuple[int, dict[str, Any]]:
    """Status and object of the answer to these bytes, which must close the connection."""
    with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as connection:
        connection.sendall(content)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def post(
    server: LocalServer, body: bytes, *more: str, length: int | None = None, path: str = "/v1/completions"
) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{server.server_port}", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body) if length is None else length}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def get(server: LocalServer, *more: str, path: str = "/v1/models", host: str | None = None) -> bytes:
    host = host or f"127.0.0.1:{server.server_port}"
    return ("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *more]) + "\r\n\r\n").encode()


def test_names_and_pages_from_elsewhere_are_refused(server: LocalServer) -> None:
    for content in (
        get(server, host="evil.example"),
        get(server, host=f"evil.example:{server.server_port}"),
        get(server, f"Host: 127.0.0.1:{server.server_port}"),
        get(server, "Origin: https://evil.example"),
        get(server, "Sec-Fetch-Site: cross-site"),
        b"GET /v1/models HTTP/1.1\r\n\r\n",
        b"GET /v1/models\r\n\r\n",
        post(server, b'{"prompt": "a"}', "Origin: null"),
    ):
        status, answer = raw(server, content)
        assert status == 403, content
        assert answer["error"]["type"] == "permission_error"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (400, b"\x16\x03\x01\x02\x00\x01\r\n\r\n"),  # TLS
        (400, b"SAY SOMETHING NOW PLEASE\r\n\r\n"),
        (505, b"GET / HTTP/9.9\r\n\r\n"),
        (405, b"DELETE /v1/models HTTP/1.1\r\n\r\n"),
        (405, b"OPTIONS /v1/models HTTP/1.1\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200 + b"\r\n"),
        (431, b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\n\r\n"),
        (431, b"GET / HTTP/1.1\r\n" + (b"a: " + b"b" * 30_000 + b"\r\n") * 4 + b"\r\n"),
    ],
)
def test_what_is_no_http_is_refused_in_json(server: LocalServer, status: int, content: bytes) -> None:
    found, answer = raw(server, content)
    assert found == status
    assert answer["error"]["message"]


def test_wrong_bodies_and_places_are_refused(server: LocalServer) -> None:
    for status, content in (
        (404, get(server, path="/")),
        (404, get(server, path="/v1/../etc/passwd")),
        (404, post(server, b"{}", path="/v1/embeddings")),
        (405, get(server, path="/v1/completions")),
        (400, get(server, "Content-Length: 5")),
        (411, post(server, b"5\r\n{}", "Transfer-Encoding: chunked")),
        (413, post(server, b"", length=BODY_BYTES + 1)),
        (413, post(server, b" " * (6 * BODY_BYTES))),  # and the answer is not lost with what nobody reads
        (415, post(server, b"{}").replace(b"application/json", b"text/plain")),
        (400, post(server, b"{}", "Content-Length: 2")),
        (400, post(server, b"{")),
        (400, post(server, b"[" * 50_000)),
        (400, post(server, b'{"prompt": "\\ud800"}')),
    ):
        found, answer = raw(server, content)
        assert (found, list(answer)) == (status, ["error"]), content[:100]


def test_mutilated_requests_take_nothing_down(server: LocalServer, capfd: pytest.CaptureFixture[str]) -> None:
    """Flips, cuts and repetitions of a good request: each is answered or let go, and none is a bug's traceback."""
    chance = random.Random(8)
    good = post(server, b'{"prompt": "the cat", "max_tokens": 1, "stop": ["a"], "n": 2}', "Connection: close")
    for _ in range(300):
        wrong = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(wrong))
            action = chance.randrange(3)
            if action == 0:
                wrong[place] = chance.randrange(256)
            elif action == 1:
                del wrong[place : place + chance.randint(1, 20)]
            else:
                wrong[place:place] = wrong[place : place + chance.randint(1, 20)] * chance.randint(1, 5)
        with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as connection:
            connection.sendall(wrong)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer == b"" or answer.startswith(b"HTTP/1.1 "), bytes(wrong)
    assert capfd.readouterr() == ("", "")
    assert raw(server, get(server, "Connection: close"))[0] == 200


def test_a_connection_serves_one_request_after_another(server: LocalServer) -> None:
    last = get(server, "Connection: close")
    with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as connection:
        connection.sendall(get(server) + post(server, b'{"prompt": "the cat", "max_tokens": 2}') + last)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 3


def test_a_body_is_asked_for_only_where_the_head_is_right(server: LocalServer) -> None:
    body = b'{"prompt": "the cat", "max_tokens": 2}'
    with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as connection:
        connection.sendall(post(server, b"", "Expect: 100-continue", "Connection: close", length=len(body)))
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    status, _ = raw(server, post(server, b"", "Expect: 100-continue", length=BODY_BYTES + 1))
    assert status == 413


def test_a_stream_ends_with_done_and_is_no_more_than_events(server: LocalServer) -> None:
    body = json.dumps({"prompt": PROMPT, "max_tokens": 5, "stream": True}).encode()
    with socket.create_connection(("127.0.0.1", server.server_port), SECONDS) as connection:
        connection.sendall(post(server, body))
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, events = answer.partition("\r\n\r\n")
    assert "Content-Type: text/event-stream" in head
    assert "Access-Control" not in head
    assert all(line == "" or line.startswith("data: ") for line in events.split("\n"))
    assert events.endswith("\n\ndata: [DONE]\n\n")


def has_closed_while_fed(connection: socket.socket) -> bool:
    """Send one more byte; whether the other side has closed."""
    try:
        connection.sendall(b"G")
    except OSError:
        return True
    return False


def test_slow_clients_are_let_go(talking: LoadedModel, talking_folder: Path) -> None:
    """Half a head, half a body, and a byte now and then: none holds a thread beyond the time of a request."""
    with serving(talking, talking_folder, arrival=0.3) as started:
        for content, status in ((b"GET /v1/mod", b""), (post(started, b'{"pro', length=100), b"HTTP/1.1 408")):
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", started.server_port), SECONDS) as connection:
                connection.sendall(content)
                assert connection.recv(12) == status
            assert 0.2 < time.monotonic() - began < 5
        with socket.create_connection(("127.0.0.1", started.server_port), SECONDS) as connection:
            assert until(lambda: has_closed_while_fed(connection))
        assert until(lambda: not started._connections)


def test_too_many_connections_are_refused_at_once(
    talking: LoadedModel, talking_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.server.MOST_CONNECTIONS", 3)
    with serving(talking, talking_folder) as started:
        idle = [socket.create_connection(("127.0.0.1", started.server_port), SECONDS) for _ in range(3)]
        assert until(lambda: len(started._connections) == 3)
        with socket.create_connection(("127.0.0.1", started.server_port), SECONDS) as one_more:
            answer = b"".join(iter(lambda: one_more.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"Retry-After: " in answer
        for connection in idle:
            connection.close()
        assert until(lambda: not started._connections)
        assert raw(started, get(started, "Connection: close"))[0] == 200


# Clients that go away, and the end of the server


class Endless:
    """A stand-in for the loop: "forever" writes until it is cancelled, "silent" waits for that without a word."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.begun: list[str] = []

    def __call__(
        self, model: LoadedModel, session: Session, request: GenerationRequest, is_cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        self.begun.append(request.id)
        self.running.add(request.id)
        if request.prompt == "crash":
            raise ZeroDivisionError(SECRET)
        yield Started(request.id, request.ticket, 0, 1)
        deadline = time.monotonic() + SECONDS
        while not is_cancelled() and time.monotonic() < deadline:
            if request.prompt == "forever":
                yield Token(request.id, request.ticket, 0, 0, 5, "…" * 5000, -1.0)
            time.sleep(0.001)
        self.running.discard(request.id)
        yield Done(request.id, request.ticket)


def until(is_so: Callable[[], bool]) -> bool:
    """Whether it becomes so in time."""
    deadline = time.monotonic() + SECONDS / 2
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.005)
    return is_so()


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def busy(talking: LoadedModel, talking_folder: Path, endless: Endless) -> Iterator[LocalServer]:
    with serving(talking, talking_folder, endless) as started:
        yield started


def start(server: LocalServer, prompt: str, stream: bool = False) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.server_port), SECONDS)
    connection.sendall(post(server, json.dumps({"prompt": prompt, "stream": stream}).encode()))
    return connection


@pytest.mark.parametrize(
    ("prompt", "stream"), [("silent", False), ("silent", True), ("forever", True), ("forever", False)]
)
def test_a_client_that_goes_away_cancels(busy: LocalServer, endless: Endless, prompt: str, stream: bool) -> None:
    with start(busy, prompt, stream) as connection:
        assert until(lambda: len(endless.running) == 1)
        if prompt == "forever" and stream:
            assert connection.recv(12) == b"HTTP/1.1 200"
    assert until(lambda: not endless.running)
    assert until(lambda: not busy._connections)


def test_the_real_loop_stops_for_a_client_that_went_away(talking: LoadedModel, talking_folder: Path) -> None:
    told: list[Event] = []

    def counted(*arguments: Any) -> Iterator[Event]:
        for event in generate(*arguments):
            told.append(event)
            yield event

    asked = {"prompt": PROMPT, "n": 16, "max_tokens": 200, "ignore_end_of_text": True, "stream": True, "seed": 1}
    with serving(talking, talking_folder, counted) as started:
        with socket.create_connection(("127.0.0.1", started.server_port), SECONDS) as connection:
            connection.sendall(post(started, json.dumps(asked).encode()))
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert until(lambda: bool(told) and isinstance(told[-1], Done))
        written = sum(isinstance(event, Token) for event in told)
        assert 0 < written < 16 * 200
        assert any(isinstance(event, Finished) and event.reason == "cancelled" for event in told)
        with connected(started) as client:  # and the session it left is whole
            found = client.completions.create(model=talking_folder.name, prompt=PROMPT, seed=5, max_tokens=24)
    assert found.choices[0].text == engine_text(engine_events(talking))


def test_a_client_that_stops_reading_cancels(busy: LocalServer, endless: Endless) -> None:
    busy.send_seconds = 0.2
    with start(busy, "forever", stream=True):
        assert until(lambda: len(endless.running) == 1)
        assert until(lambda: not endless.running)


def test_one_that_waits_and_goes_away_never_begins(busy: LocalServer, endless: Endless) -> None:
    with start(busy, "silent") as first:
        assert until(lambda: len(endless.running) == 1)
        second = start(busy, "silent")
        assert until(lambda: len(busy._connections) == 2)
        second.close()
        assert until(lambda: len(busy._connections) == 1)
        first.close()
        assert until(lambda: not endless.running)
    assert len(endless.begun) == 1


def test_a_full_queue_says_when_to_come_again(busy: LocalServer, endless: Endless) -> None:
    waiting = [start(busy, "silent")]
    assert until(lambda: len(endless.running) == 1)
    waiting += [start(busy, "silent") for _ in range(ACTIONS_BOUND)]
    assert until(lambda: len(busy.model._exchanges) == 1 + ACTIONS_BOUND)
    with start(busy, "silent") as one_more:
        answer = b"".join(iter(lambda: one_more.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in answer
    for connection in waiting:
        connection.close()
    assert until(lambda: not busy._connections)


def test_who_waits_at_the_end_is_told(
    talking: LoadedModel, talking_folder: Path, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_refusal(plain: dict[str, Any]) -> bytes:
        time.sleep(0.2 if "error" in plain else 0)
        return json.dumps(plain).encode()

    monkeypatch.setattr("engine.server._json", slow_refusal)
    with serving(talking, talking_folder, endless) as started:
        running = start(started, "forever", stream=True)
        assert until(lambda: len(endless.running) == 1)
        waiting = start(started, "silent")
        assert until(lambda: len(started.model._exchanges) == 2)
    assert not endless.running
    with waiting, running:
        assert waiting.recv(12) == b"HTTP/1.1 503"
        assert b"[DONE]" not in b"".join(iter(lambda: running.recv(1 << 20), b""))


def test_nothing_of_a_text_is_logged(busy: LocalServer, capfd: pytest.CaptureFixture[str]) -> None:
    raw(busy, post(busy, json.dumps({"prompt": SECRET, "n": 99}).encode()))
    assert raw(busy, post(busy, b'{"prompt": "crash"}'))[0] == 500
    output, errors = capfd.readouterr()
    assert output == ""
    assert SECRET not in errors
    assert "ZeroDivisionError" in errors  # the place of a bug is said, its message is not


def test_a_port_in_use_is_one_line(server: LocalServer) -> None:
    with pytest.raises(EngineError, match=rf"port {server.server_port} is in use .* --port"):
        LocalServer(server.server_port, server.model)


def test_it_listens_on_the_loopback_alone_and_looks_up_no_name(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look_up(*arguments: object) -> str:
        raise AssertionError("a name was looked up")

    for name in ("getfqdn", "gethostbyaddr", "gethostbyname"):
        monkeypatch.setattr(socket, name, look_up)
    with LocalServer(0, server.model) as another:
        assert another.socket.getsockname()[0] == "127.0.0.1"
        assert another.server_port > 0
