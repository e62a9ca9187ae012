"""Messages between the window's process and the engine's: a length, then JSON. No pickle crosses the border.

    frame   = length (4 bytes, little-endian, at most 64 MiB) + UTF-8 JSON object with a "type"

window -> engine
    {"type": "open", "id": str, "model": str | null, "device": "auto"|"cpu"|"cuda", "threads": int | null}
    {"type": "generate", "request": GenerationRequest.to_dict(), "slot": "action" | "suggestion"}
    {"type": "cancel", "id": request id}                   also ends an add_model of that id
    {"type": "models", "id": str}                          list of the model library
    {"type": "add_model", "id": str, "path": str}          copies a model folder into the library, hashes checked
    {"type": "remove_model", "id": str, "name": str}
    {"type": "shutdown"}
engine -> window
    {"type": "ready", "versions": {...}}                   first message
    {"type": "opened", "id", "name", "folder", "device", "device_note": str, "context_length": int, "languages": [...],
     "certificate": {...} | null}
    {"type": "models", "id", "models": [{"name", "folder", "display_name", "bytes", "precision", "usable": bool,
     "problem": str, "bundled": bool}]}
    {"type": "model_added", "id", "name", "folder"}   {"type": "model_removed", "id", "name"}
    {"type": "progress", "id", "done": int, "total": int}  while adding
    {"type": "event", "event": Event.to_dict()}            everything about a generation
    {"type": "refused", "id", "kind": error class, "message": str}   an answer to open, models, add_model, remove_model;
                                                           kind "Cancelled": it was given up because somebody asked

A generation that was cancelled or replaced before it began gets a Done without Started; one that cannot begin a Failed.
The engine ends within a second after its standard input closes. Knows framing; must not know what the messages do.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from engine.contracts.errors import EngineError

Message = dict[str, Any]

LENGTH_BYTES = 4
FRAME_LIMIT_BYTES = 64 * 1024 * 1024


def encode_frame(message: Message) -> bytes:
    """The bytes of one frame."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(body) > FRAME_LIMIT_BYTES:
        raise EngineError(f"a message of {len(body)} bytes is longer than a frame may be; send less text at once")
    return len(body).to_bytes(LENGTH_BYTES, "little") + body


def read_frame(stream: BinaryIO) -> Message | None:
    """The next message, or None when the other side has closed. Raises `EngineError` on a damaged stream."""
    header = _read_exactly(stream, LENGTH_BYTES)
    if header is None:
        return None
    length = int.from_bytes(header, "little")
    if length > FRAME_LIMIT_BYTES:
        raise EngineError(f"a frame claims {length} bytes; the stream between window and engine is damaged")
    body = _read_exactly(stream, length)
    if body is None:
        return None
    try:
        message = json.loads(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise EngineError(f"a frame is not JSON ({error}); the stream between window and engine is damaged") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise EngineError("a frame has no type; the stream between window and engine is damaged")
    return message


def _read_exactly(stream: BinaryIO, count: int) -> bytes | None:
    pieces: list[bytes] = []
    while count > 0:
        piece = stream.read(count)
        if not piece:
            return None
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
