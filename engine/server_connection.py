"""One connection of the local server, as its thread sees it: bytes that come in time, and news while nothing comes.

For: the local server. With it, the only file that knows sockets; must not know HTTP, models or what is sent.
"""

from __future__ import annotations

import io
import selectors
import socket
import time
from collections.abc import Iterator
from typing import Any

from engine.contracts.generation import Event
from engine.openai_format.refusals import RefusedRequest
from engine.served_model import Exchange

HEAD_BYTES = 64 << 10  # of a request line with its headers


class ClientGone(ConnectionError):
    """The client closed the connection in the middle of its answer."""


class Incoming(io.RawIOBase):
    """A connection's bytes, at most so many until a moment: a client cannot make a thread wait byte by byte."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline = 0.0
        self._left = 0

    def allow(self, size: int, seconds: float) -> None:
        """So much may come from now on, within that time."""
        self._left, self._deadline = size, time.monotonic() + seconds

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises `TimeoutError` after the moment, `RefusedRequest` beyond the size."""
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        if self._left <= 0:
            raise RefusedRequest(f"the head is longer than {HEAD_BYTES} bytes; send less", 431, "head_too_large")
        self._connection.settimeout(seconds)
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count


class Watch:
    """Waits for two things at once: news from the engine, and the end of the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._woken, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        for watched in (self._woken, connection):
            self._selector.register(watched, selectors.EVENT_READ)

    def wake(self) -> None:
        """News have come; called on the engine's thread, which is never held up here."""
        try:
            self._waker.send(b"\0")
        except OSError:
            pass  # so many are unread that the reader is awake anyway, or it has left

    def events(self, exchange: Exchange) -> Iterator[Event]:
        """The events as they come. Raises `ClientGone`."""
        while True:
            yield from exchange.take()
            if exchange.has_ended:
                return
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._connection in ready:
                self._look_for_the_end()
            if self._woken in ready:
                self._woken.recv(4096)

    def close(self) -> None:
        self._selector.close()
        self._woken.close()
        self._waker.close()

    def _look_for_the_end(self) -> None:
        if not self._connection.recv(1, socket.MSG_PEEK):
            raise ClientGone
        self._selector.unregister(self._connection)  # a next request waits: it hides an end, which writing will show
