"""What a record says in words, whole, in part and in disorder."""

import re

import pytest

from desktop_app.document.origins import GENERATED, KINDS
from desktop_app.panels.origin_words import kind_words, rows_of, sentence_of
from engine.contracts import generation

HAN = re.compile("[\u4e00-\u9fff]")
SAYS = {
    "made": "2026-11-28T19:05:00+00:00",
    "request": {
        "max_tokens": 96,
        "sampling": {"seed": 7, "temperature": 0.8, "top_p": 0.95, "min_p": 0.0, "top_k": 0, "repetition_penalty": 1.1},
    },
    "reason": "length",
    "record": {
        "model_name": "Tiny",
        "device": "cpu",
        "kernel_class": "AVX2",
        "self_check": "exact",
        "output_ids": [1, 2, 3],
    },
}


def test_a_whole_record_is_said():
    rows = dict(rows_of(SAYS, "en"))
    assert rows["Model"] == "Tiny"
    assert re.fullmatch(r"\d\d? November 2026, \d\d:\d\d", rows["When"])
    assert rows["Seed"] == "7"
    assert rows["Choice of words"] == "top-p 0.95 · repetition penalty 1.1", "what is off is not said"
    assert rows["Length"] == "3 of at most 96 tokens"
    assert rows["It ended because"] == "the length was reached"
    assert rows["Device"] == "CPU · AVX2"
    assert "the same words" in rows["The same again"]


def test_a_generation_that_the_engine_never_ended_says_what_was_asked():
    rows = dict(rows_of({key: SAYS[key] for key in ("made", "request")}, "en"))
    assert set(rows) == {"When", "Seed", "Temperature", "Choice of words", "Length"}
    assert rows["Length"] == "at most 96 tokens"


@pytest.mark.parametrize(
    "says",
    [{}, {"record": 7, "request": [], "made": None}, {"request": {"sampling": {"temperature": "hot", "seed": None}}}],
)
def test_a_record_of_another_program_never_stops_the_dialog(says):
    assert rows_of(says, "zh") == []


def test_no_promise_is_made_that_the_engine_did_not_make():
    record = {**SAYS["record"], "self_check": "canonical chunks"}
    assert "The same again" not in dict(rows_of({**SAYS, "record": record}, "en"))


def test_every_word_is_there_in_chinese(chinese):
    assert all(HAN.search(kind_words(kind)) for kind in KINDS)
    assert all(HAN.search(sentence_of(kind, has_record)) for kind in KINDS for has_record in (False, True))
    assert sentence_of(GENERATED, True) != sentence_of(GENERATED, False)
    rows = rows_of(SAYS, "zh")
    assert len(rows) == 9
    assert all(HAN.search(what) for what, _ in rows)
    for reason in (value for name, value in vars(generation).items() if name.startswith("REASON_")):
        assert any(what == "结束原因" for what, _ in rows_of({**SAYS, "reason": reason}, "zh")), reason
