"""Impossible and hostile constraints: one line that says what is wrong, soon."""

import json
import time

import pytest

from engine.commands.settings_file import make_request, read_settings
from engine.constraints.matcher import Vocabulary
from engine.contracts.constraint import CHOICES, JSON_SCHEMA, REGEX, Constraint
from engine.contracts.errors import GenerationError, UsageError
from engine.contracts.generation import GenerationRequest
from tests.engine.constraints.test_matcher import vocabulary_of

SOON_S = 5  # a second on a machine that does nothing else
STEPS = 60


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return vocabulary_of("sentencepiece")[1]


def refusal(vocabulary: Vocabulary, kind: object, value: object) -> str:
    began = time.monotonic()
    with pytest.raises(UsageError) as caught:
        vocabulary.matcher(Constraint.from_dict({"kind": kind, "value": value}), 0)
    assert time.monotonic() - began < SOON_S
    message = str(caught.value)
    assert len(message) < 350
    assert message.isprintable()
    return message


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(a", "the constraint cannot be used: unclosed group; correct it"),
        ("a{2,1}", "invalid repetition count range"),
        ("a{1000000000000}", "decimal literal invalid"),
        ("[z-a]", "invalid character class range"),
        ("a\\", "the regex ends in a backslash that stands before nothing; remove it or write two"),
        ("(?=a)b", "look-around, including look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        (r"a\bc", "lookarounds not supported"),
        ("(?x) a # b\nc", "the regex has the flag x"),
        ("(?i-x:a)(?sx:b)", "the regex has the flag x"),
        ("(?-u:\\xff)", "pattern can match invalid UTF-8"),
        ("a{0}", "the constraint allows the empty text alone"),
        (r"[^\x00-\x{10FFFF}]", "no text can fulfil the constraint; loosen it"),
        ("a*" * 9000, "the constraint has 18,000 bytes; more than 16,384 of regex take too long; shorten it"),
        ("(" * 8000 + ")" * 8000, "exceed the maximum number of nested parentheses"),
        ("a" + "*" * 16000, "exceed the maximum number of nested parentheses"),
        ("\ud800", "regex is '\\ud800'; it must be a text that is not empty, in UTF-8"),
        ("", "it must be a text that is not empty"),
        (7, "it must be a text"),
    ],
)
def test_a_wrong_regex_is_refused(vocabulary: Vocabulary, pattern: object, words: str) -> None:
    assert words in refusal(vocabulary, REGEX, pattern)


def chain(length: int, **siblings: object) -> dict:
    """Definitions that each refer to the next one."""
    links = {str(place): {"items": {"$ref": f"#/{place + 1}"}, **siblings} for place in range(length)}
    return links | {"$ref": "#/0", str(length): {"type": "null"}}


def nested(depth: int) -> str:
    return '{"items":' * depth + "true" + "}" * depth


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (False, "Unsatisfiable schema: schema is false"),
        ({"type": "strin"}, "Invalid type: strin"),
        ({"type": "array", "uniqueItems": True}, "Unimplemented keys"),
        ({"type": "string", "format": "nope"}, "Unknown format: nope"),
        ({"type": "integer", "minimum": 3, "maximum": 1}, "minimum (3) is greater than maximum (1)"),
        ({"type": "string", "pattern": "("}, "unclosed group"),
        ({"$ref": "#"}, "no text can fulfil the constraint; loosen it"),
        ({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}, "$ref": "#/a"}, "stack level exceeded"),
        ({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}, "circular references"),
        ({"$ref": "#/nowhere"}, "Pointer '/nowhere' does not exist"),
        ({"$ref": "http://example.com/x.json"}, "is not present in a registry"),
        ({"$ref": "file:///etc/passwd"}, "is not present in a registry"),
        (chain(400), "the JSON schema has 401 times $ref; more than 64 take too long; simplify it"),
        (chain(60, enum=[[]] * 30), "the JSON schema has references and"),
        ({"allOf": [{"multipleOf": place} for place in range(2, 18)]}, "16 times allOf; more than 8"),
        ({"allOf": [{"type": "string", "pattern": str(place)} for place in range(300)]}, "300 times allOf"),
        ({"patternProperties": {f"^{place}": {} for place in range(900)}}, "900 times patternProperties"),
        (nested(400), "recursion limit exceeded"),
        ('{"type":', "json_schema is not JSON"),
        ("[]", "it must be an object, true or false"),
        (7, "json_schema is 7; it must be an object, true or false"),
        ({"const": "\ud800"}, "it must be an object, true or false, in UTF-8"),
        ({"enum": list(range(4000))}, "more than 16,384 of json_schema take too long"),
    ],
)
def test_a_wrong_schema_is_refused(vocabulary: Vocabulary, schema: object, words: str) -> None:
    assert words in refusal(vocabulary, JSON_SCHEMA, schema)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (CHOICES, [], "choices is (); it must be a list of texts that are not empty"),
        (CHOICES, ["a", ""], "it must be a list of texts"),
        (CHOICES, ["a", 7], "it must be a list of texts"),
        (CHOICES, "abc", "it must be a list of texts"),
        (CHOICES, ["\udfff"], "in UTF-8"),
        (CHOICES, ["从前有一个" * 10] * 7000, "the constraint has 1,050,000 bytes; more than 262,144 of choices"),
        ("regexp", "a", "the kind of a constraint is 'regexp'; it must be choices or regex or json_schema"),
        (None, "a", "the kind of a constraint is None"),
        ([], "a", "the kind of a constraint is []"),
    ],
)
def test_what_is_no_constraint_is_refused(vocabulary: Vocabulary, kind: object, value: object, words: str) -> None:
    assert words in refusal(vocabulary, kind, value)


@pytest.mark.parametrize(
    "constraint",
    [
        (REGEX, "(a{1000}){1000}"),
        (REGEX, "((a{1,100}){1,100}){1,100}"),
        (REGEX, "(a|b)*a(a|b){300}"),
        (REGEX, "(.*a){500}.*"),
        (REGEX, "(?i)" + r"\p{L}" * 3000),
        (REGEX, "(a?b?c?){5000}([一-龥]a|[一-龥]b){3000}"),
        (CHOICES, [f"{place:07}从前" for place in range(20000)]),
        (CHOICES, ["a" * length for length in range(1, 700)]),
        (JSON_SCHEMA, {"properties": {str(place): {} for place in range(1200)}}),
        (JSON_SCHEMA, {"anyOf": [{"type": "object", "required": [str(place)]} for place in range(280)]}),
        (JSON_SCHEMA, {"type": "string", "minLength": 10**9}),
        (JSON_SCHEMA, chain(63)),
    ],
    ids=range(12),
)
def test_a_huge_one_is_followed_or_given_up_soon(vocabulary: Vocabulary, constraint: tuple) -> None:
    kind, value = constraint
    began = time.monotonic()
    matcher = vocabulary.matcher(Constraint.from_dict({"kind": kind, "value": value}), -1)
    try:
        for _ in range(STEPS):
            if matcher.is_complete:
                break
            matcher.accept(int(matcher.allowed().argmax()))
    except GenerationError as error:
        assert str(error).startswith("the constraint cannot be followed any further: ")  # noqa: PT017
    assert time.monotonic() - began < SOON_S


def test_what_only_looks_like_a_flag_is_none(vocabulary: Vocabulary) -> None:
    matcher = vocabulary.matcher(Constraint(REGEX, r"\(?x(?P<x>\))"), -1)
    assert matcher.can_accept(b"(x)")
    assert matcher.can_accept(b"x)")


@pytest.mark.parametrize(
    "pattern", ["a/b", r"a\/b", "a/i | b", "/", r"\\/", "//", 'a" "b', "a\nb", "a\\\nb", "[/]", "#a"]
)
def test_nothing_in_a_regex_ends_it_early(vocabulary: Vocabulary, pattern: str) -> None:
    text = pattern.replace(r"\/", "/").replace("\\\n", "\n").replace("\\\\", "\\")
    text = {"[/]": "/", "a/i | b": "a/i "}.get(pattern, text)
    matcher = vocabulary.matcher(Constraint(REGEX, pattern), -1)
    assert matcher.can_accept(text.encode())
    matcher.accept_bytes(text.encode())
    assert matcher.is_complete


def test_a_settings_file_takes_a_constraint_of_each_kind(tmp_path) -> None:
    schema = {"properties": {"z": {}, "a": {}}}
    for kind, value, kept in (
        (CHOICES, ["从前", "a"], ("从前", "a")),
        (REGEX, "[0-9]+", "[0-9]+"),
        (JSON_SCHEMA, schema, json.dumps(schema)),
    ):
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps({"constraint": {"kind": kind, "value": value}}), encoding="utf-8")
        request = make_request(GenerationRequest("r", "p"), read_settings(path))
        assert request.constraint == Constraint(kind, kept)


@pytest.mark.parametrize("plain", ["a+", {"kind": "regex"}, {"kind": "regex", "value": "a", "flags": "i"}, [1]])
def test_a_settings_file_with_something_else_is_refused(tmp_path, plain: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"constraint": plain}), encoding="utf-8")
    with pytest.raises(UsageError, match=r"constraint is .*; it must be "):
        make_request(GenerationRequest("r", "p"), read_settings(path))
