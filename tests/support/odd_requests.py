"""Odd requests, the same for the same seed: what a broken window, a hostile file or a strange writer may ask for.

For: tests that show that the engine answers every one of them and is well afterwards.
Knows: every field of a request, its limits, and which oddities must be refused or served. Must not know: the engine.

A row of `_KINDS` makes one kind: the fields that differ from a plain request, and how it has to end.
"""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from engine.contracts.generation import GenerationRequest
from engine.contracts.sampling_settings import SAMPLER_ORDER, SamplingSettings

REFUSED, SERVED, EITHER = "refused", "served", "either"

_WRONG = (None, -1, 1.5, True, "x", "", [], {}, [[]], [None], {"a": None}, [1, "a"], 2**70, -(2**63), 1e308, math.nan)
_TEXTS = (
    " ",
    "\x00",
    "\n" * 500,
    "\ufeff从前",
    "\u202eabc\u202c",
    "e" + "\u0301" * 200,
    "👨‍👩‍👧‍👦👩🏽‍💻🇨🇳",
    "𠀀𪚥㐂龘",
    "\uffff\ufffe\ufffd",
    "\ud83d",  # half of a pair, as a broken editor may send it
    "a\udc80b",
    "\r\n\t\v\f\x1b[31m",
    "ﷺ" * 60,
    "the cat " * 3,
)
_PROMPT = "the cat sat on a mat and saw two dogs. 从前有一个小孩子"


@dataclass(frozen=True)
class OddRequest:
    """A request as plain data, the slot it is sent to, whether it is cancelled at once, and how it has to end."""

    kind: str
    request: dict[str, Any]
    must: str
    slot: Any = "action"
    is_cancelled: bool = False


@dataclass
class _Odd:
    changed: dict[str, Any]
    must: str = SERVED
    without: tuple[str, ...] = ()
    slot: Any = "action"
    is_cancelled: bool = False


def odd_requests(count: int, seed: int) -> Iterator[OddRequest]:
    """`count` requests, each kind in turn."""
    dice = random.Random(seed)
    kinds = sorted(_KINDS)
    plain = GenerationRequest("", _PROMPT, max_tokens=3).to_dict()
    for number in range(count):
        kind = kinds[number % len(kinds)]
        odd = _KINDS[kind](dice)
        request = plain | {"id": f"odd {number}"} | odd.changed
        request["sampling"] = _sampling(odd.changed.get("sampling", {}), number)
        request = {name: value for name, value in request.items() if name not in odd.without}
        yield OddRequest(kind, request, odd.must, odd.slot, odd.is_cancelled)


def _sampling(changed: Any, seed: int) -> Any:
    """Only what differs from the defaults, so that unknown and missing settings are odd in one way at a time."""
    return {"seed": seed, **changed} if isinstance(changed, dict) else changed


def _wrong_type(dice: random.Random) -> _Odd:
    names = [entry.name for entry in fields(GenerationRequest)]
    return _Odd({dice.choice(names): dice.choice(_WRONG)}, EITHER)


def _wrong_sampling(dice: random.Random) -> _Odd:
    names = [entry.name for entry in fields(SamplingSettings)]
    return _Odd({"sampling": {dice.choice(names): dice.choice(_WRONG)}}, EITHER)


def _beyond_limits(dice: random.Random) -> _Odd:
    wrong: dict[str, Any] = dice.choice(
        (
            {"max_tokens": dice.choice((0, -5, 2**31, 2**70))},
            {"candidates": dice.choice((0, -1, 65, 1000))},
            {"lookup": 33},
            {"report_top": 1001},
            {"context_policy": dice.choice(("", "forget", "KEEP_END"))},
            {"bias": {"a": dice.choice((101, -1000.0, math.nan, math.inf))}},
            {"bias_ids": {dice.choice(("-1", "1.5", "x", "", "99999999999")): 1.0}},
            {"bias_ids": {"511": 1.0, "512": 1.0}},
            {"prompt": None, "prompt_ids": [dice.choice((-1, 512, 2**40))]},
            {"stop": [""]},
            {"banned": ["ok", ""]},
            {"begin_with": "\ud800"},
            {"sampling": {"temperature": dice.choice((-0.1, 101, math.nan, math.inf))}},
            {"sampling": {"top_p": 1.01}},
            {"sampling": {"mirostat": 3}},
            {"sampling": {"order": ["top_k", "nonsense"]}},
            {"sampling": {"seed": 2**64}},
            {"sampling": {"repetition_penalty": 0}},
        )
    )
    return _Odd(wrong, REFUSED)


def _extremes(dice: random.Random) -> _Odd:
    settings: dict[str, Any] = dice.choice(
        (
            {"temperature": 0},
            {"temperature": 100, "top_p": 1, "min_p": 0},
            {"temperature": 1e-300},
            {"top_p": 0},
            {"top_k": 2**31 - 1},
            {"min_p": 1, "typical_p": 0, "top_n_sigma": 100},
            {"repetition_penalty": 100, "repetition_range": 2**31 - 1},
            {"repetition_penalty": 0.01},
            {"presence_penalty": -1e4, "frequency_penalty": 1e4},
            {"dry_multiplier": 1e4, "dry_base": 100, "dry_allowed_length": 1, "dry_range": 2**31 - 1},
            {"xtc_probability": 1, "xtc_threshold": 0},
            {"mirostat": dice.choice((1, 2)), "mirostat_tau": dice.choice((0, 100)), "mirostat_eta": 1},
            {"dynamic_temperature_range": 100, "dynamic_temperature_exponent": 100},
            {"order": []},
            {"order": list(SAMPLER_ORDER) * 4},
            {"seed": 2**64 - 1},
            {"dry_multiplier": 1, "dry_breakers": [chr(0x4E00 + code) for code in range(300)]},
        )
    )
    return _Odd({"sampling": settings})


def _contradictory(dice: random.Random) -> _Odd:
    regex = {"kind": "regex", "value": "[0-9]{3}"}
    return dice.choice(
        (
            _Odd({"prompt_ids": [5]}, REFUSED),
            _Odd({"prompt": None}, REFUSED),
            _Odd({"prompt": ""}, REFUSED),
            _Odd({"prompt": None, "prompt_ids": []}, REFUSED),
            _Odd({"begin_with": "abc", "constraint": regex}, REFUSED),
            _Odd({"ignore_end_of_text": True, "constraint": regex}),
            _Odd({"stop": ["1"], "constraint": regex}),
            _Odd({"lookup": 32, "candidates": 8, "banned": ["a"], "heal": True}),
            _Odd({"stop": ["a"], "banned": ["a"], "begin_with": "a"}, EITHER),
            _Odd({"bias": {"a": 100}, "banned": ["a"]}, EITHER),
        )
    )


def _no_way_on(dice: random.Random) -> _Odd:
    """Everything is forbidden, in one way or another."""
    nothing = {"bias_ids": {str(token): -100.0 for token in range(512)}}
    letters = [chr(code) for code in range(32, 127)] + list("从前有一个小孩子他很高兴。，")
    impossible = dice.choice(("[^\\x00-\\x{10FFFF}]", "a{0}", "(?:)", "$^"))
    return dice.choice(
        (
            _Odd(nothing, REFUSED),
            _Odd({"banned": letters}, EITHER),
            _Odd({"constraint": {"kind": "regex", "value": impossible}}, REFUSED),
            _Odd({"constraint": {"kind": "choices", "value": ["yes"]}, "banned": ["yes"]}, REFUSED),
            _Odd(
                {"constraint": {"kind": "json_schema", "value": '{"type": "string", "pattern": "[^\\\\s\\\\S]"}'}},
                EITHER,
            ),
        )
    )


def _odd_constraint(dice: random.Random) -> _Odd:
    value: Any = dice.choice(
        (
            {"kind": "regex", "value": "(" * 3000},
            {"kind": "regex", "value": "(?=a)b"},
            {"kind": "regex", "value": "[一-龥]{1,200}"},
            {"kind": "choices", "value": [str(number) for number in range(2000)]},
            {"kind": "choices", "value": []},
            {"kind": "json_schema", "value": {"type": "object", "additionalProperties": True}},
            {"kind": "json_schema", "value": "[" * 5000},
            {"kind": "grammar", "value": "x"},
            {"kind": "regex"},
            7,
        )
    )
    return _Odd({"constraint": value, "max_tokens": 8}, EITHER)


def _too_long(dice: random.Random) -> _Odd:
    words = dice.choice(("the cat sat on a mat ", "从前有一个小孩子，", "a", "\U0001f600")) * dice.choice((2000, 20000))
    if dice.random() < 0.5:
        return _Odd({"prompt": words}, REFUSED)
    changed: dict[str, Any] = {"prompt": words, "context_policy": "keep_end", "max_tokens": dice.choice((3, 2**31 - 1))}
    return _Odd(changed, SERVED, is_cancelled=changed["max_tokens"] > 3)


def _many_texts(dice: random.Random) -> _Odd:
    count = dice.choice((500, 1000, 5000))
    texts = [f"{dice.choice(_PROMPT)}{number}" for number in range(count)]
    name = dice.choice(("stop", "banned", "bias"))
    return _Odd({name: dict.fromkeys(texts, 0.5) if name == "bias" else texts}, SERVED if count <= 1000 else REFUSED)


def _long_texts(dice: random.Random) -> _Odd:
    long = dice.choice(("a", "the cat ", "从前")) * dice.choice((1000, 10_000))
    name = dice.choice(("stop", "banned", "begin_with"))
    return _Odd({name: long if name == "begin_with" else [long]}, EITHER)


def _nested(depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(depth):
        made = {"deeper": made}
    return made


def _deep(dice: random.Random) -> _Odd:
    """Nested deeply, as deep as a frame can be read."""
    name = dice.choice(("ticket", "ticket", "stop", "bias", "sampling", "constraint", "prompt_ids"))
    depth = dice.choice((100, 300, 450, 700, 950))
    return _Odd({name: [_nested(depth)] if name in ("stop", "prompt_ids") else _nested(depth)}, REFUSED)


def _odd_ticket(dice: random.Random) -> _Odd:
    tickets = (_nested(60), {"x": "从" * 100_000}, {"\ud800": None}, {"": math.inf}, {"id": [[]]}, {"request_id": 1})
    return _Odd({"ticket": dice.choice(tickets)})


_KINDS: dict[str, Callable[[random.Random], _Odd]] = {
    "a wrong type": _wrong_type,
    "a wrong type in sampling": _wrong_sampling,
    "an unknown setting": lambda dice: _Odd({dice.choice(("Stop", "n", "", "提示", "__class__")): 1}, REFUSED),
    "an unknown sampling setting": lambda dice: _Odd({"sampling": {dice.choice(("topk", "温度")): 1}}, REFUSED),
    "a missing field": lambda dice: _Odd(
        {}, EITHER, without=(dice.choice([entry.name for entry in fields(GenerationRequest)]),)
    ),
    "beyond the limits": _beyond_limits,
    "extremes": _extremes,
    "contradictory": _contradictory,
    "no way on": _no_way_on,
    "an odd constraint": _odd_constraint,
    "an odd text": lambda dice: _Odd({"prompt": dice.choice(_TEXTS) * dice.choice((1, 3))}, EITHER),
    "an odd beginning": lambda dice: _Odd({"begin_with": dice.choice(_TEXTS), "heal": True}, EITHER),
    "odd bytes": lambda dice: _Odd(
        {"prompt": None, "prompt_ids": dice.choices(range(512), k=dice.randint(1, 200)), "any_bytes": True}
    ),
    "too long for the context": _too_long,
    "many texts": _many_texts,
    "long texts": _long_texts,
    "candidates": lambda dice: _Odd({"candidates": dice.choice((1, 2, 7, 8, 9, 64)), "report_top": 1000}),
    "cancelled at once": lambda dice: _Odd(
        {"max_tokens": 2**31 - 1, "candidates": dice.choice((1, 8)), "ignore_end_of_text": True}, is_cancelled=True
    ),
    "nested deeply": _deep,
    "an odd ticket": _odd_ticket,
    "an odd name": lambda dice: _Odd({"id": dice.choice(("", "名" * 10_000, "\x00", "odd 1"))}),
    "half a character for a name": lambda dice: _Odd({"id": "\ud800"}, REFUSED),
    "an odd slot": lambda dice: _Odd({}, REFUSED, slot=dice.choice(("", None, 7, [], "Action"))),
    "a suggestion": lambda dice: _Odd({"lookup": 32}, slot="suggestion"),
}
