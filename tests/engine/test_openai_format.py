"""OpenAI's JSON: what a request becomes, what is refused by name, and that a stream joins to the whole answer."""

import json
from dataclasses import fields
from typing import Any

import pytest

from engine.contracts.constraint import Constraint
from engine.contracts.generation import (
    Done,
    Event,
    Failed,
    Finished,
    GenerationRecord,
    Started,
    Timings,
    Token,
    Usage,
)
from engine.contracts.sampling_settings import SamplingSettings
from engine.http_guard import BODY_BYTES, body_length, check_head
from engine.openai_format.answers import Answer, spelled
from engine.openai_format.refusals import RefusedRequest, engine_refusal
from engine.openai_format.requests import (
    MOST_CHOICES,
    MOST_STOPS,
    Asked,
    Served,
    chat_request,
    completion_request,
    read_body,
)

ROLES = {"user": "<u>", "user_end": "</u>\n", "system": "<s>", "assistant": "<a>", "assistant_end": "</a>\n"}
PLAIN = Served("tiny", "fp_1")
TALKING = Served("tiny", "fp_1", ROLES)
HI = [{"role": "user", "content": "hi"}]


def complete(**plain: Any) -> Asked:
    return completion_request({"prompt": "a", **plain}, PLAIN, "r", 7)


def chat(messages: object = None, served: Served = TALKING, **plain: Any) -> Asked:
    return chat_request({"messages": messages or HI, **plain}, served, "r", 7)


def refused(**plain: Any) -> RefusedRequest:
    with pytest.raises(RefusedRequest) as found:
        complete(**plain)
    assert found.value.status in (400, 404)
    assert len(str(found.value)) < 500
    return found.value


def test_what_is_not_given_is_as_on_the_command_line() -> None:
    asked = complete()
    assert asked.request.sampling == SamplingSettings(seed=7)
    assert (asked.request.max_tokens, asked.request.candidates, asked.request.report_top) == (128, 1, 0)
    assert asked == Asked(asked.request)


def test_every_field_of_openai_reaches_the_request() -> None:
    asked = complete(
        model="tiny",
        n=3,
        seed=5,
        stop="x",
        logprobs=2,
        max_tokens=9,
        temperature=1,
        top_p=0.5,
        presence_penalty=0.25,
        frequency_penalty=-1,
        logit_bias={"42": -100},
        stream=True,
        stream_options={"include_usage": True},
        user="me",
    )
    request = asked.request
    assert (request.candidates, request.stop, request.report_top, request.max_tokens) == (3, ("x",), 2, 9)
    assert request.bias_ids == {"42": -100}
    wanted = SamplingSettings(temperature=1, top_p=0.5, presence_penalty=0.25, frequency_penalty=-1, seed=5)
    assert request.sampling == wanted
    assert asked.is_stream
    assert asked.wants_usage
    assert asked.wants_logprobs


def test_every_control_of_the_chain_is_taken_by_its_own_name() -> None:
    for entry in fields(SamplingSettings):
        value = getattr(SamplingSettings(), entry.name)
        value = list(value) if isinstance(value, tuple) else value
        assert complete(**{entry.name: value}).request.sampling is not None
    request = complete(top_k=3, banned=["bad"], heal=True, context_policy="keep_end", begin_with="x").request
    assert (request.sampling.top_k, request.banned, request.heal, request.context_policy) == (
        3,
        ("bad",),
        True,
        "keep_end",
    )


def test_a_negative_seed_is_a_seed_too() -> None:
    assert complete(seed=-1).request.sampling.seed == 2**64 - 1
    assert complete(seed=-(2**63)).request.sampling.seed == 2**63


def test_prompts_are_texts_or_ids() -> None:
    assert complete(prompt=["one"]).request.prompt == "one"
    assert complete(prompt=[1, 2]).request.prompt_ids == (1, 2)
    assert complete(prompt=[[1, 2]]).request.prompt_ids == (1, 2)
    assert "2 prompts" in str(refused(prompt=["a", "b"]))
    for wrong in (None, [], 5, {"a": 1}, [True], [1.5], [[]]):
        assert refused(prompt=wrong).param == "prompt"


def test_a_field_that_nobody_knows_is_named() -> None:
    found = refused(temprature=1, min_p=0.1)
    assert (found.param, found.code) == ("temprature", "unknown_field")
    assert "'temprature'" in str(found)


@pytest.mark.parametrize(
    ("name", "value", "neutral"),
    [
        ("echo", True, False),
        ("suffix", "end", ""),
        ("best_of", 3, 1),
    ],
)
def test_what_cannot_be_done_is_refused_and_asking_for_nothing_is_not(name: str, value: Any, neutral: Any) -> None:
    found = refused(**{name: value})
    assert (found.param, found.code) == (name, "unsupported_field")
    plain = read_body(json.dumps({"prompt": "a", name: neutral}).encode())
    assert completion_request(plain, PLAIN, "r", 7) == complete()


def test_a_response_format_of_a_schema_is_a_constraint() -> None:
    schema = {"type": "object", "properties": {"名": {"type": "string"}, "age": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": schema}}
    constraint = chat(response_format=form).request.constraint
    assert constraint is not None
    assert (constraint.kind, json.loads(str(constraint.value))) == ("json_schema", schema)
    assert complete(response_format={"type": "text"}) == complete()
    own = {"kind": "regex", "value": "[0-9]+"}
    assert complete(constraint=own).request.constraint == Constraint("regex", "[0-9]+")
    for wrong in ({"type": "json_object"}, {"type": "json_schema"}, {"type": "json_schema", "json_schema": {}}, "json"):
        assert refused(response_format=wrong).param == "response_format"
    assert "one of them" in str(refused(response_format=form, constraint=own))


@pytest.mark.parametrize(
    "wrong",
    [
        {"n": 0},
        {"n": MOST_CHOICES + 1},
        {"n": True},
        {"n": 1.0},
        {"max_tokens": 0},
        {"max_tokens": "many"},
        {"max_tokens": 10**400},
        {"temperature": -1},
        {"temperature": float("inf")},
        {"temperature": "hot"},
        {"top_p": 2},
        {"seed": 2**64},
        {"seed": 1.5},
        {"stop": 5},
        {"stop": [1]},
        {"stop": ""},
        {"stop": ["\ud800"]},
        {"stop": ["x"] * (MOST_STOPS + 1)},
        {"logprobs": 21},
        {"logprobs": True},
        {"logit_bias": {"a": 1}},
        {"logit_bias": {"1": 101}},
        {"logit_bias": [1]},
        {"stream": 1},
        {"stream_options": 1},
        {"stream_options": {"include_usage": 1}, "stream": True},
        {"order": ["no such stage"]},
        {"dry_breakers": [5]},
        {"context_policy": "guess"},
        {"model": "gpt-4"},
        {"model": ["tiny"]},
    ],
)
def test_a_wrong_value_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    assert "\n" not in str(refused(**wrong))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'"text"',
        b"[]",
        b"\xff\xfe{}",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"a":' + b"[" * 16 + b"]" * 16 + b"}",
    ],
)
def test_a_body_that_is_no_plain_object_is_refused(body: bytes) -> None:
    with pytest.raises(RefusedRequest) as found:
        read_body(body)
    assert found.value.status == 400


def test_a_null_is_as_good_as_absent() -> None:
    assert read_body(b'{"prompt": "a", "stop": null}') == {"prompt": "a"}


def test_a_conversation_becomes_the_roles_pieces() -> None:
    asked = chat(
        [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "hi "}, {"type": "text", "text": "you"}]},
            {"role": "assistant", "content": "yes"},
            {"role": "user", "content": "go on"},
        ],
        stop=["END"],
        max_completion_tokens=5,
        max_tokens=9,
        logprobs=True,
        top_logprobs=2,
    )
    assert asked.request.prompt == "<s>be kind<u>hi you</u>\n<a>yes</a>\n<u>go on</u>\n<a>"
    assert asked.request.stop == ("END", "</a>\n")
    assert (asked.request.max_tokens, asked.request.report_top) == (5, 2)
    assert asked.is_chat
    assert asked.wants_logprobs


@pytest.mark.parametrize(
    "messages",
    [
        "hi",
        ["hi"],
        [{"role": "tool", "content": "x"}],
        [{"role": "user_end", "content": "x"}],
        [{"role": ["user"], "content": "x"}],
        [{"content": "x"}],
        [{"role": "user"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
        [{"role": "assistant", "content": "x", "tool_calls": []}],
    ],
)
def test_a_message_that_the_model_cannot_be_told_is_refused(messages: object) -> None:
    with pytest.raises(RefusedRequest) as found:
        chat(messages)
    assert found.value.status == 400


@pytest.mark.parametrize("roles", [{}, {"user": "<u>"}, {"user": 1, "assistant": "<a>"}])
def test_a_model_without_roles_says_so(roles: Any) -> None:
    with pytest.raises(RefusedRequest, match=r"not taught to converse .* /v1/completions") as found:
        chat(served=Served("tiny", "fp", roles))
    assert (found.value.status, found.value.code) == (400, "model_has_no_roles")


def test_alternatives_need_logprobs() -> None:
    with pytest.raises(RefusedRequest, match="logprobs"):
        chat(top_logprobs=3)


# Answers

PIECES = {1: "你".encode()[:2], 2: "你".encode()[2:], 3: b"b", 4: b"END"}


def token(candidate: int, index: int, number: int, text: str) -> Token:
    return Token("r", {}, candidate, index, number, text, -0.5 * number, ((number, "?", -0.5), (3, "b", -9.5)))


def finished(candidate: int, reason: str, text: str, written: int) -> Finished:
    record = GenerationRecord("m", "", "", "", "", "", "", "", 1, (), {}, candidate, (), "")
    return Finished("r", {}, candidate, reason, None, text, Usage(4, written, 0, 0), Timings(0, 0, 0, 0, 0), record)


def two_candidates() -> list[Event]:
    """One ends at a stop string, the other at its length; the second comes between the first one's tokens."""
    return [
        Started("r", {}, 3, 1),
        token(0, 0, 1, ""),
        token(1, 0, 3, "b"),
        token(0, 1, 2, "你"),
        token(0, 2, 4, ""),
        finished(0, "stop", "", 3),
        finished(1, "length", "…", 1),
        Done("r", {}),
    ]


def answer(asked: Asked) -> Answer:
    return Answer(asked, TALKING, PIECES.__getitem__, 123)


def test_a_whole_completion() -> None:
    found = answer(complete(n=2, logprobs=2)).whole(two_candidates())
    first, second = found["choices"]
    assert (first["text"], first["finish_reason"], first["index"]) == ("你", "stop", 0)
    assert (second["text"], second["finish_reason"], second["index"]) == ("b…", "length", 1)
    assert first["logprobs"]["tokens"] == ["bytes:\\xe4\\xbd", "bytes:\\xa0", "END"]
    assert first["logprobs"]["token_logprobs"] == [-0.5, -1.0, -2.0]
    assert first["logprobs"]["text_offset"] == [0, 0, 1]
    assert first["logprobs"]["top_logprobs"][2] == {"END": -2.0, "b": -9.5}
    assert found["usage"] == {
        "prompt_tokens": 4,
        "completion_tokens": 4,
        "total_tokens": 8,
        "prompt_tokens_details": {"cached_tokens": 3},
    }
    assert (found["object"], found["id"], found["created"]) == ("text_completion", "cmpl-r", 123)


@pytest.mark.parametrize("is_chat", [False, True])
def test_the_pieces_of_a_stream_join_to_the_whole(is_chat: bool) -> None:
    options: dict[str, Any] = {"n": 2, "stream": True, "stream_options": {"include_usage": True}}
    asked = chat(logprobs=True, top_logprobs=2, **options) if is_chat else complete(logprobs=2, **options)
    whole = answer(asked).whole(two_candidates())
    pieces = list(answer(asked).pieces(two_candidates()))
    assert pieces[-1]["choices"] == []
    assert pieces[-1]["usage"] == whole["usage"]
    assert all(piece["usage"] is None for piece in pieces[:-1])
    for choice in whole["choices"]:
        parts = [part for piece in pieces for part in piece["choices"] if part["index"] == choice["index"]]
        texts = [part["delta"].get("content", "") if is_chat else part["text"] for part in parts]
        assert "".join(texts) == (choice["message"]["content"] if is_chat else choice["text"])
        assert [part["finish_reason"] for part in parts] == [None] * (len(parts) - 1) + [choice["finish_reason"]]
        for name, wanted in choice["logprobs"].items():
            if name != "refusal":
                assert [entry for part in parts for entry in part["logprobs"][name]] == wanted
        if is_chat:
            assert parts[0]["delta"] == {"role": "assistant", "content": ""}


def test_nothing_is_sent_while_a_character_is_incomplete() -> None:
    texts = [part["text"] for piece in answer(complete(n=2)).pieces(two_candidates()) for part in piece["choices"]]
    assert texts == ["b", "你", "", "…", ""]  # an empty one carries the reason


@pytest.mark.parametrize(
    ("kind", "status"),
    [("PromptTooLongError", 400), ("EngineBusyError", 503), ("EngineError", 500), ("SomethingNew", 500)],
)
def test_the_engines_errors_have_a_status(kind: str, status: int) -> None:
    with pytest.raises(RefusedRequest, match="no") as found:
        answer(complete()).whole([Failed("r", {}, kind, "no")])
    assert found.value.status == status
    assert ("Retry-After" in found.value.headers) == (status == 503)
    assert found.value.to_dict()["error"]["message"] == str(found.value)


def test_a_cancelled_text_is_no_answer() -> None:
    done = Done("r", {})
    for events in ([finished(0, "cancelled", "", 0)], [done], [token(0, 0, 3, "b"), done]):
        with pytest.raises(RefusedRequest) as found:
            answer(complete()).whole(events)
        assert found.value.status == 503
        with pytest.raises(RefusedRequest):
            list(answer(complete()).pieces(events))


def test_a_refusal_is_one_line() -> None:
    assert "\n" not in str(engine_refusal("EngineError", "a\nb"))


def test_half_characters_are_spelt_as_bytes() -> None:
    assert spelled(b"\xe4\xbd") == "bytes:\\xe4\\xbd"
    assert spelled("你".encode()) == "你"


# The guard


def head(**more: str | None) -> Any:
    from email.message import Message

    made = Message()
    for name, value in (
        {"Host": "127.0.0.1:8017"} | {key.replace("_", "-"): text for key, text in more.items()}
    ).items():
        if value is not None:
            made[name] = value
    return made


@pytest.mark.parametrize("host", ["127.0.0.1:8017", "localhost:8017", "LOCALHOST:8017", "[::1]:8017"])
def test_this_computers_names_may_ask(host: str) -> None:
    check_head(head(Host=host), 8017, None)
    check_head(head(Host=host, Origin="http://localhost:8017", Sec_Fetch_Site="same-origin"), 8017, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Host": None},
        {"Host": ""},
        {"Host": "localhost"},
        {"Host": "localhost:80"},
        {"Host": "localhost:8017.evil.example"},
        {"Host": "evil.example:8017"},
        {"Host": "127.0.0.1.evil.example:8017"},
        {"Host": "localhost.:8017"},
        {"Host": "0.0.0.0:8017"},
        {"Host": "user@localhost:8017"},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://localhost:8017"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_foreign_names_and_pages_may_not(wrong: dict[str, str | None]) -> None:
    with pytest.raises(RefusedRequest) as found:
        check_head(head(**wrong), 8017, None)
    assert found.value.status == 403


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer right2", "Bearer r"]
)
def test_a_wrong_key_is_refused(given: str | None) -> None:
    with pytest.raises(RefusedRequest) as found:
        check_head(head(Authorization=given), 8017, "right")
    assert (found.value.status, found.value.headers) == (401, {"WWW-Authenticate": "Bearer"})
    check_head(head(Authorization="bearer right"), 8017, "right")
    check_head(head(Authorization=given), 8017, None)


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (411, {}),
        (411, {"Transfer_Encoding": "chunked"}),
        (411, {"Transfer_Encoding": "chunked", "Content_Length": "5"}),
        (400, {"Content_Length": "-1"}),
        (400, {"Content_Length": "1e3"}),
        (400, {"Content_Length": "٣"}),
        (400, {"Content_Length": "9" * 5000}),
        (413, {"Content_Length": str(BODY_BYTES + 1)}),
        (415, {"Content_Length": "5"}),
        (415, {"Content_Length": "5", "Content_Type": "text/plain"}),
        (415, {"Content_Length": "5", "Content_Type": "application/x-www-form-urlencoded"}),
    ],
)
def test_lengths_and_kinds_of_bodies(status: int, wrong: dict[str, str]) -> None:
    with pytest.raises(RefusedRequest) as found:
        body_length(head(**wrong))
    assert found.value.status == status
    assert body_length(head(Content_Length="5", Content_Type="application/json; charset=utf-8")) == 5
