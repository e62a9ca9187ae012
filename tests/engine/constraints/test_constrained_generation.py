"""The loop under a constraint: whatever the model would write, the text is what was asked for."""

import json
import re

import jsonschema
import pytest
import regex
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine.commands.records import request_of
from engine.contracts.constraint import CHOICES, JSON_SCHEMA, REGEX, Constraint
from engine.contracts.generation import (
    REASON_CONSTRAINT,
    REASON_END,
    REASON_LENGTH,
    REASON_STOP,
    Event,
    Failed,
    GenerationRecord,
    GenerationRequest,
)
from engine.contracts.sampling_settings import SamplingSettings
from engine.loaded_model import LoadedModel
from tests.engine.constraints.byte_regex import EMPTY, NOTHING, Node, after, may_end, regexes
from tests.engine.test_generate import ask, essence, finished_of, run, text_of, tokens_of
from tests.support.tiny_models import END_OF_TEXT

WHOLE = (REASON_CONSTRAINT, REASON_END)
PATTERNS = [
    r"[a-z]{3,8}@[a-z]{2,5}\.(com|cn)",
    "[一-龥]{2,6}[，。]",
    "(🙂|🙃|👩‍👩‍👧|é){1,4}",
    r"\d{4}年\d{1,2}月\d{1,2}日",
    r"(the|cat|从前| )+\.",
    r"[^a-z\n]{1,12}",
    r"\"[^\"]*\"|/+",
    "a*",
    r"(?i)从前有a\p{Han}?",
]


def wild(seed: int) -> SamplingSettings:
    return SamplingSettings(temperature=5, top_p=1, min_p=0, seed=seed)


def must(kind: str, value, seed: int = 0, **changes) -> GenerationRequest:
    """A request whose text must be that, from a model that is made to write anything."""
    constraint = Constraint.from_dict({"kind": kind, "value": value})
    return ask(**({"constraint": constraint, "sampling": wild(seed), "ignore_end_of_text": False} | changes))


def failure_of(events: list[Event]) -> Failed:
    assert isinstance(events[-1], Failed)
    return events[-1]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_matches_its_regex(model: LoadedModel, pattern: str) -> None:
    reasons = set()
    for seed in range(8):
        events = run(model, must(REGEX, pattern, seed, max_tokens=80))
        text, reason = text_of(events), finished_of(events).reason
        reasons.add(reason)
        if reason in WHOLE:
            # Python's re has no \p; the module of that name has, and reads all the others alike.
            assert regex.fullmatch(pattern, text), text
            assert r"\p" in pattern or re.fullmatch(pattern, text)
        else:
            assert reason == REASON_LENGTH
            assert regex.fullmatch(pattern, text, partial=True), text
    assert reasons & set(WHOLE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=regexes(), seed=st.integers(0, 2**32))
def test_a_text_matches_any_regex(rotary: LoadedModel, made: tuple[str, Node], seed: int) -> None:
    pattern, node = made
    assume(node != EMPTY)
    events = run(rotary, must(REGEX, pattern, seed, max_tokens=30))
    written = b"".join(rotary.tokenizer.token_bytes(token.id) for token in tokens_of(events))
    left = after(node, written)
    assert left != NOTHING
    if finished_of(events).reason in WHOLE:
        assert may_end(left)
        assert re.fullmatch(pattern, text_of(events))
    if finished_of(events).reason == REASON_CONSTRAINT:
        assert left == EMPTY


SCHEMAS = [
    {"type": "object", "properties": {"名字": {"type": "string", "maxLength": 4}, "age": {"type": "integer"}},
     "required": ["名字", "age"], "additionalProperties": False},
    {"enum": ["从前", "🙂", 3, None, {"a": [1]}]},
    {"type": "array", "items": {"type": "string", "pattern": "^[一-龥]{1,2}$"}, "minItems": 1, "maxItems": 3},
    {"type": "string", "maxLength": 3},
    {"anyOf": [{"type": "boolean"}, {"type": "integer", "minimum": -7, "maximum": 40}]},
    {"$defs": {"n": {"type": "object", "properties": {"下": {"$ref": "#/$defs/n"}}, "additionalProperties": False}},
     "$ref": "#/$defs/n"},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_a_text_is_json_of_its_schema(rotary: LoadedModel, schema: dict) -> None:
    whole = 0
    for seed in range(12):
        events = run(rotary, must(JSON_SCHEMA, schema, seed, max_tokens=120))
        if finished_of(events).reason in WHOLE:
            whole += 1
            jsonschema.validate(json.loads(text_of(events)), schema)
    assert whole >= 3


def test_properties_come_in_the_schemas_order_and_again_from_the_record(rotary: LoadedModel) -> None:
    schema = {"properties": {"z": {"const": 1}, "a": {"const": 2}}, "required": ["a", "z"], "type": "object",
              "additionalProperties": False}  # fmt: skip
    events = run(rotary, must(JSON_SCHEMA, schema, max_tokens=60))
    assert text_of(events) == '{"z": 1, "a": 2}'
    record = finished_of(events).record
    read = GenerationRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert finished_of(run(rotary, request_of(read))).record == record


@pytest.mark.parametrize(
    "choices", [["the", "the cat", "the cat sat"], ["从前", "从前有", "从"], ["a|b", "a", ".*", "/\n\\"], ["🙂", "🙃"]]
)
def test_a_text_is_one_of_the_choices(model: LoadedModel, choices: list[str]) -> None:
    texts = set()
    for seed in range(30):
        events = run(model, must(CHOICES, choices, seed))
        assert finished_of(events).reason in WHOLE
        texts.add(text_of(events))
    assert texts <= set(choices)
    assert len(texts) > 1


def test_the_end_comes_exactly_where_the_constraint_accepts_one(rotary: LoadedModel) -> None:
    wants_to_end = {"bias_ids": {str(END_OF_TEXT): 100}}
    for pattern, text in (("a*", ""), ("(ab)+", "ab"), ("从前?", "从"), ("(foo|foobar)", "foo")):
        events = run(rotary, must(REGEX, pattern, **wants_to_end))
        assert (text_of(events), finished_of(events).reason) == (text, REASON_END)
    events = run(rotary, must(REGEX, "(ab){3}", **wants_to_end))
    assert (text_of(events), finished_of(events).reason) == ("ababab", REASON_CONSTRAINT)


def test_where_ends_are_ignored_the_text_goes_on_as_long_as_it_can(rotary: LoadedModel) -> None:
    events = run(rotary, must(REGEX, "a{0,7}", ignore_end_of_text=True))
    assert (text_of(events), finished_of(events).reason) == ("aaaaaaa", REASON_CONSTRAINT)
    assert END_OF_TEXT not in finished_of(events).record.output_ids


def test_bans_that_leave_nothing_end_in_one_line(rotary: LoadedModel) -> None:
    pieces = rotary.tokenizer.pieces
    banned = {str(token): -100 for token, piece in enumerate(pieces) if piece.startswith(b"a")}
    failed = failure_of(run(rotary, must(CHOICES, ["ab"], bias_ids=banned)))
    assert failed.kind == "EmptyDistributionError"
    assert failed.message.startswith("every possible next token is forbidden by the bans, the constraint")
    failed = failure_of(run(rotary, must(CHOICES, ["sorry"], banned=("sorry",))))
    assert failed.kind == "EmptyDistributionError"


def test_a_banned_phrase_leaves_the_other_choices(rotary: LoadedModel) -> None:
    for seed in range(10):
        events = run(rotary, must(CHOICES, ["the cat", "the dog"], seed, banned=("cat",)))
        assert text_of(events) == "the dog"


def test_stop_strings_end_the_text_before_the_constraint_does(rotary: LoadedModel) -> None:
    events = run(rotary, must(REGEX, "(ab){9}", stop=("bab",)))
    assert (text_of(events), finished_of(events).reason, finished_of(events).matched) == ("a", REASON_STOP, "bab")
    events = run(rotary, must(CHOICES, ["the cat"], stop=("cats",)))
    assert (text_of(events), finished_of(events).reason) == ("the cat", REASON_CONSTRAINT)
    events = run(rotary, must(CHOICES, ["the cat"], stop=("cat",)))
    assert (text_of(events), finished_of(events).reason) == ("the ", REASON_STOP)


def test_every_candidate_has_the_constraint_to_itself(model: LoadedModel) -> None:
    choices = ["从前有一个", "the cat", "home"]
    events = run(model, must(CHOICES, choices, candidates=6))
    texts = [text_of(events, candidate) for candidate in range(6)]
    assert set(texts) <= set(choices)
    assert len(set(texts)) > 1
    assert essence(events, 0) == essence(run(model, must(CHOICES, choices)))


def test_reused_and_fresh_give_the_same_bits(model: LoadedModel) -> None:
    session, request = model.new_session(), must(REGEX, "[a-z从前]{9}", 3)
    first = run(model, request, session)
    assert essence(run(model, request, session)) == essence(first) == essence(run(model, request))


@pytest.mark.parametrize("prompt", ["the cat s", "he saw the do", "从前有", "mat"])
def test_behind_a_healed_prompt_the_new_text_alone_is_constrained(model: LoadedModel, prompt: str) -> None:
    for seed in range(6):
        events = run(model, must(REGEX, "[a-z从前]{1,5}!", seed, prompt=prompt, heal=True, max_tokens=40))
        assert finished_of(events).reason == REASON_CONSTRAINT
        assert re.fullmatch("[a-z从前]{1,5}!", text_of(events))


def test_a_longer_token_than_the_healed_one_must_fit_the_constraint(rotary: LoadedModel) -> None:
    pieces = rotary.tokenizer.pieces
    last = pieces[rotary.prompt_ids("the cat s")[-1]]
    longer = [token for token, piece in enumerate(pieces) if len(piece) > len(last) and piece.startswith(last)]
    assert longer
    for token in longer:
        rest = pieces[token][len(last) :].decode()
        wanted = {"bias_ids": {str(token): 100}, "prompt": "the cat s", "heal": True}
        events = run(rotary, must(CHOICES, [rest + "!"], **wanted))
        assert (text_of(events), tokens_of(events)[0].id) == (rest + "!", token)
        events = run(rotary, must(CHOICES, ["!" + rest], **wanted))
        assert text_of(events) == "!" + rest
        assert token not in [found.id for found in tokens_of(events)[:1]]


def test_a_given_beginning_is_part_of_the_constrained_text(rotary: LoadedModel) -> None:
    for seed in range(5):
        events = run(rotary, must(REGEX, "[a-c从]{6}", seed, begin_with="从ab"))
        assert re.fullmatch("从ab[a-c从]{3}", text_of(events))
    failed = failure_of(run(rotary, must(REGEX, "[a-c]{6}", begin_with="abx")))
    assert failed.kind == "UsageError"
    assert failed.message == "within the constraint no text begins with 'abx'; change it or begin_with"


def test_a_record_without_the_field_loads_and_keeps_its_digest(rotary: LoadedModel) -> None:
    events = run(rotary, ask())
    plain = finished_of(events).record.to_dict()
    assert plain["request"].pop("constraint") is None
    old = GenerationRecord.from_dict(json.loads(json.dumps(plain)))
    assert "constraint" not in old.to_dict()["request"]
    assert old.digest() == GenerationRecord.from_dict(old.to_dict()).digest()
    again = finished_of(run(rotary, request_of(old))).record
    assert again.output_ids == old.output_ids


@pytest.mark.parametrize("value", [("choices", ["从前", "a"]), ("regex", "[0-9]+"), ("json_schema", {"b": 1, "a": 2})])
def test_a_request_with_a_constraint_survives_json(value: tuple) -> None:
    request = must(*value)
    assert GenerationRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request
