"""OpenAI's JSON to a generation request: what is understood, what may be ignored, what is refused by name.

    body -> plain data -> text and controls -> GenerationRequest

A field that is not given takes this program's default, the same as on the command line. Beside OpenAI's fields all
controls of the sampling chain are taken by their own names. A field is ignored only where it cannot change the text.
Knows requests and texts; must not know sockets, models or tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from engine.contracts.constraint import JSON_SCHEMA
from engine.contracts.errors import UsageError
from engine.contracts.generation import GenerationRequest
from engine.contracts.plain_fields import shown
from engine.contracts.sampling_settings import SamplingSettings
from engine.openai_format.chat import conversation_prompt, conversation_stops
from engine.openai_format.refusals import RefusedRequest

DEEPEST = 16  # of lists and objects in each other; no field needs more than four
MOST_CHOICES = 16
MOST_TOP = 20  # alternatives a token, OpenAI's own bound
MOST_STOPS = 32  # each is looked for in every piece of text
_SEEDS = 2**64
_ANY_FORM = {"type": "text"}

_SAMPLING = frozenset(entry.name for entry in fields(SamplingSettings))
_OWN = frozenset(
    {"banned", "begin_with", "bias", "constraint", "context_policy", "heal", "ignore_end_of_text", "lookup"}
)
_COMMON = frozenset(
    {"model", "n", "stop", "stream", "stream_options", "logit_bias", "max_tokens", "logprobs", "response_format"}
)
_OF_COMPLETIONS = frozenset({"prompt"})
_OF_CHAT = frozenset({"messages", "max_completion_tokens", "top_logprobs"})
# OpenAI's fields that change nothing in a text: bookkeeping, and hints to other kinds of models.
_IGNORED = frozenset(
    {
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
    }
)
# OpenAI's fields that ask for what is not here, with the values that ask for nothing.
_NOT_HERE: Mapping[str, tuple[Any, ...]] = {
    "audio": (),
    "best_of": (1,),
    "echo": (False,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "modalities": (["text"],),
    "suffix": ("",),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "web_search_options": (),
}


@dataclass(frozen=True)
class Served:
    """What the format has to know of the model that answers."""

    name: str
    fingerprint: str  # names model, engine and kernels: the same one gives the same text for the same seed
    prompt_roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request, and the form in which its answer is wanted."""

    request: GenerationRequest
    is_chat: bool = False
    is_stream: bool = False
    wants_usage: bool = False  # of a stream: in a last piece of its own
    wants_logprobs: bool = False


def read_body(body: bytes) -> dict[str, Any]:
    """The object that a body holds. Raises `RefusedRequest`."""
    try:
        plain = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RefusedRequest(f"the body is not JSON in UTF-8 ({type(error).__name__}); correct it") from error
    if _is_deeper(plain, DEEPEST):
        raise RefusedRequest(f"the body nests more than {DEEPEST} lists and objects; no request needs that")
    if not isinstance(plain, dict):
        raise RefusedRequest('the body is no JSON object; send one, as {"prompt": "…"}')
    return {name: value for name, value in plain.items() if value is not None}


def completion_request(plain: Mapping[str, Any], served: Served, request_id: str, fresh_seed: int) -> Asked:
    """`/v1/completions`. `fresh_seed` is taken where none was given. Raises `RefusedRequest`."""
    _check_fields(plain, _COMMON | _OF_COMPLETIONS)
    _check_model(plain, served)
    top = _whole(plain, "logprobs", 0, MOST_TOP) if "logprobs" in plain else None
    controls = _controls(plain, fresh_seed) | _prompt(plain.get("prompt"))
    controls |= {"report_top": top or 0, "stop": _stops(plain)}
    return _asked(plain, _request(request_id, controls), is_chat=False, wants_logprobs=top is not None)


def chat_request(plain: Mapping[str, Any], served: Served, request_id: str, fresh_seed: int) -> Asked:
    """`/v1/chat/completions`. Raises `RefusedRequest`, also where the model was not taught to converse."""
    _check_fields(plain, _COMMON | _OF_CHAT)
    _check_model(plain, served)
    prompt = conversation_prompt(plain.get("messages"), served.prompt_roles, served.name)
    wants_logprobs = _truth(plain, "logprobs")
    if "top_logprobs" in plain and not wants_logprobs:
        raise RefusedRequest('top_logprobs needs "logprobs": true beside it', param="top_logprobs")
    controls = _controls(plain, fresh_seed) | {"prompt": prompt}
    if "max_completion_tokens" in plain:
        controls["max_tokens"] = plain["max_completion_tokens"]
    controls["report_top"] = _whole(plain, "top_logprobs", 0, MOST_TOP) if "top_logprobs" in plain else 0
    controls["stop"] = list(dict.fromkeys((*_stops(plain), *conversation_stops(served.prompt_roles))))
    return _asked(plain, _request(request_id, controls), is_chat=True, wants_logprobs=wants_logprobs)


def _check_fields(plain: Mapping[str, Any], read: frozenset[str]) -> None:
    """Raise for a field that would have to be ignored although it asks for something."""
    known = read | _SAMPLING | _OWN | _IGNORED | set(_NOT_HERE)
    unknown = sorted(set(plain) - known)
    if unknown:
        names = ", ".join(shown(name) for name in unknown)
        raise RefusedRequest(f"there is no field {names} here; leave it out", code="unknown_field", param=unknown[0])
    for name, neutral in _NOT_HERE.items():
        if name in plain and plain[name] not in neutral:
            message = f"{name} is {shown(plain[name])}, which this server cannot do; leave it out"
            raise RefusedRequest(message, code="unsupported_field", param=name)


def _check_model(plain: Mapping[str, Any], served: Served) -> None:
    wanted = plain.get("model", served.name)
    if wanted != served.name:
        message = f"the model {shown(wanted)} is not served here; this server has {served.name!r} alone, ask for that"
        raise RefusedRequest(message, 404, "model_not_found", "model")


def _prompt(prompt: object) -> dict[str, Any]:
    """A text or token ids; a list of one of them counts as that one."""
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str | list):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return {"prompt": prompt}
    if isinstance(prompt, list) and prompt and all(type(token) is int for token in prompt):
        return {"prompt_ids": prompt}
    if isinstance(prompt, list) and len(prompt) > 1 and isinstance(prompt[0], str | list):
        raise RefusedRequest(f"there are {len(prompt)} prompts; send one a request", param="prompt")
    raise RefusedRequest(f"the prompt is {shown(prompt)}; it must be a text or a list of token ids", param="prompt")


def _controls(plain: Mapping[str, Any], fresh_seed: int) -> dict[str, Any]:
    """The fields of a generation request that both addresses share."""
    sampling = {name: plain[name] for name in _SAMPLING & set(plain)}
    seed = sampling.setdefault("seed", fresh_seed)
    if type(seed) is int and -_SEEDS // 2 <= seed < 0:  # OpenAI's seeds are signed
        sampling["seed"] = seed % _SEEDS
    controls = {name: plain[name] for name in _OWN & set(plain)}
    controls |= {"sampling": sampling, "candidates": _whole(plain, "n", 1, MOST_CHOICES) if "n" in plain else 1}
    if "max_tokens" in plain:
        controls["max_tokens"] = plain["max_tokens"]
    if "logit_bias" in plain:
        controls["bias_ids"] = plain["logit_bias"]
    return controls | _form(plain)


def _form(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What the text must be, where OpenAI's field for it says something."""
    form = plain.get("response_format", _ANY_FORM)
    if form == _ANY_FORM:
        return {}
    schema = form.get("json_schema") if isinstance(form, dict) and form.get("type") == JSON_SCHEMA else None
    if not isinstance(schema, dict) or "schema" not in schema:
        message = (
            f'response_format is {shown(form)}; it may be {{"type": "text"}} or '
            '{"type": "json_schema", "json_schema": {"schema": …}}'
        )
        raise RefusedRequest(message, param="response_format")
    if "constraint" in plain:
        raise RefusedRequest("response_format and constraint ask for two things at once; send one of them")
    return {"constraint": {"kind": JSON_SCHEMA, "value": schema["schema"]}}


def _request(request_id: str, controls: Mapping[str, Any]) -> GenerationRequest:
    try:
        return GenerationRequest.from_dict({"id": request_id, **controls})
    except UsageError as error:
        raise RefusedRequest(str(error).replace("bias_ids", "logit_bias")) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedRequest("a field has a value of the wrong kind; compare it with OpenAI's description") from error


def _asked(plain: Mapping[str, Any], request: GenerationRequest, *, is_chat: bool, wants_logprobs: bool) -> Asked:
    options = plain.get("stream_options", {})
    is_stream = _truth(plain, "stream")
    if not isinstance(options, dict) or set(options) - {"include_usage", "include_obfuscation"}:
        message = f'stream_options is {shown(options)}; it may be {{"include_usage": true}}'
        raise RefusedRequest(message, param="stream_options")
    wants_usage = is_stream and _truth(options, "include_usage")
    return Asked(request, is_chat, is_stream, wants_usage, wants_logprobs)


def _stops(plain: Mapping[str, Any]) -> list[str]:
    stop = plain.get("stop", [])
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or not all(isinstance(entry, str) for entry in stops) or len(stops) > MOST_STOPS:
        message = f"stop is {shown(stop)}; it must be a text or a list of at most {MOST_STOPS} texts"
        raise RefusedRequest(message, param="stop")
    return stops


def _whole(plain: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    value = plain[name]
    if type(value) is not int or not lowest <= value <= highest:
        message = f"{name} is {shown(value)}; it must be a whole number from {lowest} to {highest}"
        raise RefusedRequest(message, param=name)
    return value


def _truth(plain: Mapping[str, Any], name: str) -> bool:
    value = plain.get(name)
    if value is not None and type(value) is not bool:
        raise RefusedRequest(f"{name} is {shown(value)}; it must be true or false", param=name)
    return bool(value)


def _is_deeper(value: object, limit: int) -> bool:
    """Whether lists and objects lie deeper in each other; without recursion, which is what is guarded against."""
    level: list[object] = [value]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return any(isinstance(entry, dict | list) for entry in level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
