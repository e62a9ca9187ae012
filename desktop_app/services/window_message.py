"""What a second start hands to the first window: one line of JSON, read as if anybody could have written it.

    {"version": 1, "paths": ["/absolute/a.txt"], "token": "…"}\\n   →   "taken\\n"

Knows the format and its limits. Must not know Qt, sockets, or what is done with a path.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

VERSION = 1
LIMIT_BYTES = 256 * 1024
PATHS_BOUND = 1000
TAKEN = b"taken\n"
_TOKEN_LIMIT = 200


@dataclass(frozen=True)
class WindowMessage:
    """`paths`: absolute, to be opened. `token`: with which the desktop lets the first window come to the front."""

    paths: tuple[str, ...] = ()
    token: str = ""


def packed(message: WindowMessage) -> bytes:
    """The message as it is sent; of very many paths, those that fit."""
    paths = list(message.paths[:PATHS_BOUND])
    while True:
        plain = {"version": VERSION, "paths": paths, "token": message.token[:_TOKEN_LIMIT]}
        data = json.dumps(plain).encode("ascii") + b"\n"  # a byte that is no UTF-8 travels as half a character
        if len(data) <= LIMIT_BYTES:
            return data
        paths = paths[: len(paths) // 2]


def unpacked(line: bytes) -> WindowMessage | None:
    """The message of a line, or None where it is none of ours."""
    try:
        plain = json.loads(line.decode("ascii"))
        paths, token = plain["paths"], plain.get("token", "")
        is_ours = plain["version"] == VERSION and isinstance(paths, list) and len(paths) <= PATHS_BOUND
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not is_ours or not all(_is_path(path) for path in paths):
        return None
    usable = isinstance(token, str) and len(token) <= _TOKEN_LIMIT and token.isascii() and token.isprintable()
    return WindowMessage(tuple(paths), token if usable else "")


def _is_path(path: object) -> bool:
    return isinstance(path, str) and os.path.isabs(path) and "\0" not in path
