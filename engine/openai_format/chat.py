"""A conversation as the text that the model continues.

A model that was taught to converse names in its manifest (`prompt_roles`) what stands before and behind what each role
says, as plain pieces:

    {"user": "<user>", "user_end": "</user>\\n", "assistant": "<assistant>", "assistant_end": "</assistant>\\n"}

    [system][…][system_end] [user][…][user_end] [assistant]      <- and here the model goes on, up to assistant_end

A piece for the end may be missing. A template language was rejected: pieces cannot run code. Knows texts alone; must
not know models or tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.contracts.plain_fields import shown
from engine.openai_format.refusals import RefusedRequest

ASSISTANT = "assistant"
_END = "_end"
_OTHER_NAMES = {"developer": "system"}  # OpenAI's newer word for the same role
_UNSUPPORTED = ("tool_calls", "function_call", "audio", "tool_call_id")


def conversation_prompt(messages: object, roles: Mapping[str, str], model: str) -> str:
    """The text that ends where the assistant's next words begin. Raises `RefusedRequest`."""
    if not _are_texts(roles) or not roles.get(ASSISTANT):
        raise RefusedRequest(
            f"the model {model} was not taught to converse (it names no prompt roles), it continues texts; "
            "send the text to /v1/completions, or serve a model that has roles",
            code="model_has_no_roles",
            param="model",
        )
    if not isinstance(messages, list) or not messages:
        raise RefusedRequest('messages must be a list that is not empty, as [{"role": "user", "content": "…"}]')
    return "".join(_said(message, roles) for message in messages) + roles[ASSISTANT]


def conversation_stops(roles: Mapping[str, str]) -> tuple[str, ...]:
    """What ends the assistant's words."""
    end = roles.get(ASSISTANT + _END, "")
    return (end,) if end else ()


def _said(message: object, roles: Mapping[str, str]) -> str:
    """One message between its role's pieces."""
    if not isinstance(message, dict):
        raise _wrong(f"a message is {shown(message)}; it must be an object with role and content")
    unsupported = [name for name in _UNSUPPORTED if message.get(name) is not None]
    if unsupported:
        raise _wrong(
            f"a message holds {', '.join(unsupported)}, which this server cannot give to a model; leave it out"
        )
    role = message.get("role")
    role = _OTHER_NAMES.get(role, role) if isinstance(role, str) else role
    known = [name for name in roles if not name.endswith(_END)]
    if not isinstance(role, str) or role not in known:
        raise _wrong(f"a message has the role {shown(role)}; this model knows {', '.join(known)}")
    return f"{roles[role]}{_content(message.get('content'))}{roles.get(role + _END, '')}"


def _content(content: object) -> str:
    """A text, or a list of parts that are all text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _wrong(f"a message has the content {shown(content)}; it must be a text")
    return "".join(_part(part) for part in content)


def _part(part: object) -> str:
    text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
    if not isinstance(text, str):
        raise _wrong("a message has a part that is no text; this server reads texts only")
    return text


def _wrong(message: str) -> RefusedRequest:
    return RefusedRequest(message, param="messages")


def _are_texts(roles: Mapping[str, Any]) -> bool:
    values: Sequence[Any] = list(roles.values())
    return all(isinstance(value, str) for value in values)
