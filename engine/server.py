"""The local server: OpenAI's addresses over HTTP/1.1 on this computer's loopback, and nowhere else.

    GET /v1/models · GET /v1/models/NAME · POST /v1/completions · POST /v1/chat/completions

    connection -> head (http_guard) -> body -> openai_format.requests -> ServedModel -> openai_format.answers -> JSON

With server_connection, THE only file that knows sockets. A thread a connection, a bounded number of them; each request
has so many seconds to arrive, each answer so many to be taken. While a generation runs, its connection is watched: a
client that goes away (or closes its sending side) has cancelled. Nothing that is asked or answered is logged. No name
is ever looked up: the standard library would ask the resolver for the name of the address it binds.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
import socket
import socketserver
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from engine.contracts.errors import EngineError
from engine.http_guard import body_length, check_head
from engine.openai_format.answers import Answer, model_entry, models_list
from engine.openai_format.refusals import RefusedRequest
from engine.openai_format.requests import Served, chat_request, completion_request, read_body
from engine.served_model import ServedModel
from engine.server_connection import HEAD_BYTES, ClientGone, Incoming, Watch

ADDRESS = "127.0.0.1"
MOST_CONNECTIONS = 32  # a thread each; one generates and eight wait, the rest are idle or ask for the models
ARRIVAL_SECONDS = 10.0  # for a whole request; also how long an idle connection is kept
SEND_SECONDS = 10.0  # for the client to take what was written
DRAIN_SECONDS = 1.0  # after a refusal, so that it is not lost with the part of a body that nobody reads
DRAIN_BYTES = 8 << 20
SEED_BITS = 32
_NOT_FREE = {errno.EADDRINUSE: "in use by another program", errno.EACCES: "not free for you to use"}


class LocalServer(ThreadingHTTPServer):
    """Binds at once; `serve_forever` answers until `shutdown`, `server_close` frees the port and every connection."""

    daemon_threads = True
    allow_reuse_address = os.name != "nt"  # there it would let two programs share the port
    allow_reuse_port = False
    request_queue_size = MOST_CONNECTIONS
    arrival_seconds = ARRIVAL_SECONDS
    send_seconds = SEND_SECONDS

    def __init__(self, port: int, model: ServedModel, key: str | None = None) -> None:
        """Port 0 takes any free one. Raises `EngineError` where the port cannot be had."""
        self.model, self.key = model, key
        self.served = Served(model.name, _fingerprint(model), model.model.manifest.prompt_roles)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            why = _NOT_FREE.get(error.errno or 0, f"not to be had ({error.strerror})")
            raise EngineError(f"port {port} is {why}; choose another one with --port (0: any free one)") from error

    def server_bind(self) -> None:
        """Without looking up the name of the address."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = ADDRESS, self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for the connection; above the bound it is refused at once."""
        with self._lock:
            has_room = len(self._connections) < MOST_CONNECTIONS
            if has_room:
                self._connections.add(request)
        if has_room:
            super().process_request(request, client_address)
            return
        try:
            request.settimeout(0)  # this thread waits for nobody
            request.sendall(_too_many())
        except OSError:
            pass  # then the client learns it from the closed connection
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """The connection is over."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Free the port and wake every thread that still reads or writes."""
        super().server_close()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # it is closed already

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Where a bug was, without its message: that could quote what somebody is writing."""
        kind, _, place = sys.exc_info()
        if kind is not None and not issubclass(kind, ConnectionError | TimeoutError):
            print("".join(traceback.format_tb(place)), kind.__name__, file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    error_content_type = "application/json"
    server_version, sys_version = "nextstroke", ""
    server: LocalServer
    _posts: ClassVar[Mapping[str, Callable[..., Any]]] = {
        "/v1/completions": completion_request,
        "/v1/chat/completions": chat_request,
    }

    def setup(self) -> None:
        super().setup()
        self.rfile.close()  # which would keep the connection open behind its owner's back
        self._incoming = Incoming(self.connection)
        self.rfile = cast(io.BufferedIOBase, io.BufferedReader(self._incoming))

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing is logged."""

    def handle_one_request(self) -> None:
        self._incoming.allow(HEAD_BYTES, self.server.arrival_seconds)
        try:
            super().handle_one_request()
        except RefusedRequest as refusal:  # while the head was being read
            self._refuse(refusal)
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        return True  # answered where the body is about to be read, after everything else was found right

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The standard library's own refusals of what is no HTTP, in our form."""
        status = int(code) if int(code) != 501 else 405
        self._refuse(RefusedRequest("this is no request that the server understands", status, "wrong_http"))

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, work: Callable[[str], None]) -> None:
        try:
            check_head(self.headers, self.server.server_port, self.server.key)
            work(self.path.partition("?")[0])
        except RefusedRequest as refusal:
            self._refuse(refusal)

    def _get(self, path: str) -> None:
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            raise RefusedRequest("a GET has no body here; send none")
        served, created = self.server.served, self.server.model.created
        if path == "/v1/models":
            return self._send(200, models_list(served, created))
        if unquote(path) == f"/v1/models/{served.name}":
            return self._send(200, model_entry(served, created))
        if path in self._posts:
            raise RefusedRequest(f"{path} takes POST only", 405, "wrong_method")
        raise RefusedRequest("there is nothing at this address; see /v1/models", 404, "not_found")

    def _post(self, path: str) -> None:
        if path not in self._posts:
            raise RefusedRequest("there is nothing to POST to at this address; see /v1/completions", 404, "not_found")
        plain = read_body(self._body())
        served, fresh_seed = self.server.served, secrets.randbits(SEED_BITS)
        asked = self._posts[path](plain, served, secrets.token_hex(12), fresh_seed)
        tokenizer = self.server.model.model.tokenizer
        answer = Answer(asked, served, _bytes_by(tokenizer), int(time.time()))
        watch = Watch(self.connection)
        exchange = self.server.model.ask(asked.request, watch.wake)
        try:
            if asked.is_stream:
                self._stream(answer.pieces(watch.events(exchange)))
            else:
                self._send(200, answer.whole(watch.events(exchange)))
        except RefusedRequest as refusal:
            self._refuse(refusal)
        finally:  # only now: at the server's end, connections are kept until every exchange is over
            self.server.model.end(exchange)
            watch.close()

    def _body(self) -> bytes:
        length = body_length(self.headers)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        self._incoming.allow(length, self.server.arrival_seconds)
        try:
            body = self.rfile.read(length) if length else b""
        except TimeoutError:
            raise RefusedRequest("the body came too slowly; send it again", 408, "too_slow") from None
        if len(body) < length:
            raise ClientGone
        return body

    def _send(self, status: int, plain: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        body = _json(plain)
        self.connection.settimeout(self.server.send_seconds)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, pieces: Iterator[dict[str, Any]]) -> None:
        """Server-sent events; the end of the connection is the end of the body."""
        first = next(pieces)  # what fails before it still has a status of its own
        self.close_connection = True
        self.connection.settimeout(self.server.send_seconds)
        self.send_response(200)
        for name, value in (("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self._send_piece(_json(first))
        try:
            for piece in pieces:
                self._send_piece(_json(piece))
        except RefusedRequest as refusal:
            self._send_piece(_json(refusal.to_dict()))
            return
        self._send_piece(b"[DONE]")

    def _send_piece(self, content: bytes) -> None:
        self.wfile.write(b"data: " + content + b"\n\n")

    def _refuse(self, refusal: RefusedRequest) -> None:
        """Say why, and close: what follows on the connection may be the rest of what was refused."""
        self.close_connection = True
        self.request_version = self.protocol_version  # an older or unfinished request gets a status line too
        self.requestline = self.command = ""  # the standard library asks for them while it sends
        self._send(refusal.status, refusal.to_dict(), {**refusal.headers, "Connection": "close"})
        self._drain()

    def _drain(self) -> None:
        """Read on for a moment: closing over unread bytes would tear the answer away from the client."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
            self._incoming.allow(DRAIN_BYTES, DRAIN_SECONDS)
            while self.rfile.read1(1 << 16):
                pass
        except (OSError, RefusedRequest):
            pass  # enough


def _bytes_by(tokenizer: Any) -> Callable[[int], bytes]:
    """A token's bytes; the model may know more ids than the tokenizer."""
    size = tokenizer.vocabulary_size
    return lambda token: tokenizer.token_bytes(token) if token < size else b""


def _fingerprint(model: ServedModel) -> str:
    loaded = model.model
    parts = (loaded.manifest.digest(), loaded.device.name, loaded.device.kernel_class, *loaded.versions.values())
    return "fp_" + hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _json(plain: Mapping[str, Any]) -> bytes:
    # A half character that somebody sent comes back as JSON's own escape.
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def _too_many() -> bytes:
    refusal = RefusedRequest(f"{MOST_CONNECTIONS} connections are open; try again", 503, "too_many_connections")
    body = _json(refusal.to_dict())
    head = ["HTTP/1.1 503 Service Unavailable", "Connection: close", "Content-Type: application/json"]
    head += [f"{name}: {value}" for name, value in (*refusal.headers.items(), ("Content-Length", str(len(body))))]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body
