"""How a request is refused, in the JSON that OpenAI's clients understand.

    {"error": {"message": one line, "type": …, "param": the field, "code": a stable word}}

For: the local server and the files beside this one. Knows statuses of HTTP and the engine's error classes; must not
know sockets, nor what a request asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts.command_line import one_line

_RETRY_SECONDS = 2  # about what a waiting generation takes
_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
# What the engine says of a request, by the class of its error; everything else is the engine's own fault.
_OF_THE_ENGINE: Mapping[str, tuple[int, str]] = {
    "PromptTooLongError": (400, "context_length_exceeded"),
    "EmptyPromptError": (400, "empty_prompt"),
    "EmptyDistributionError": (400, "nothing_can_follow"),
    "GenerationError": (400, "invalid_request"),
    "TokenizerError": (400, "invalid_text"),
    "UsageError": (400, "invalid_request"),
    "EngineBusyError": (503, "engine_busy"),
    "EngineStoppedError": (503, "engine_stopped"),
}
_WAYS_OUT = {"PromptTooLongError": ', or send "context_policy": "keep_end" to let the model see its end alone'}


class RefusedRequest(Exception):
    """An answer with a status of its own. It is the client's to read, so it stands outside the program's error tree."""

    def __init__(
        self, message: str, status: int = 400, code: str = "invalid_request", param: str | None = None
    ) -> None:
        super().__init__(one_line(message))
        self.status, self.code, self.param = status, code, param

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers that belong to the status."""
        if self.status == 503:
            return {"Retry-After": str(_RETRY_SECONDS)}
        return {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}

    def to_dict(self) -> dict[str, Any]:
        """The body of the answer."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}


def engine_refusal(kind: str, message: str) -> RefusedRequest:
    """The refusal for an error of the engine, named by its class."""
    status, code = _OF_THE_ENGINE.get(kind, (500, "engine_failed"))
    return RefusedRequest(message + _WAYS_OUT.get(kind, ""), status, code)
