"""Counting what an edit touched gives the same as counting everything."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.document import counted_text
from desktop_app.document.counted_text import CountedText, utf16_length
from desktop_app.document.counting import count_text

PARTS = ["中", "文字", "，", "“", "……", "word", "it’s", "-", " ", "\n", "かな", "😀", "\u0301", "\u200d", "3.14", "。"]


def part_of(text: str):
    return lambda start, end: text[start:end]


@pytest.mark.parametrize("seed", range(20))
def test_random_edits_count_as_the_whole_does(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(counted_text, "PIECE", 12)  # many borders
    chance = random.Random(seed)
    counted, text = CountedText(), ""
    counted.set_text(text)
    for _ in range(200):
        position = chance.randint(0, len(text))
        removed = min(chance.choice([0, 0, 1, 2, 40]), len(text) - position)
        inserted = "".join(chance.choices(PARTS, k=chance.choice([0, 1, 1, 3, 30])))
        text = text[:position] + inserted + text[position + removed :]
        counted.change(position, removed, len(inserted), part_of(text))
        assert counted.counts == count_text(text)
        assert counted.length == len(text)


@given(st.text(max_size=50), st.text(max_size=50), st.data())
@settings(max_examples=200)
def test_any_text_replaces_any_part(text: str, inserted: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    counted = CountedText()
    counted.set_text(text)
    changed = text[:start] + inserted + text[end:]
    counted.change(start, end - start, len(inserted), lambda first, last: changed[first:last])
    assert counted.counts == count_text(changed)


def test_lengths_in_the_units_of_qt():
    counted = CountedText(utf16_length)
    counted.set_text("😀好" * 3000)
    assert counted.length == 9000
    assert utf16_length("a\ud800") == 2


def test_a_change_outside_is_refused():
    counted = CountedText()
    counted.set_text("abc")
    with pytest.raises(ValueError, match="outside"):
        counted.change(2, 5, 0, lambda _start, _end: "")


@pytest.mark.parametrize("unit", ["他走了很久，终于到家。", "a word ", "一段话。\n"])
def test_a_key_in_a_million_characters_reads_a_few_thousand(unit: str):
    text = unit * (1_000_000 // len(unit))
    counted = CountedText()
    counted.set_text(text)
    read = 0

    def lend(start: int, end: int) -> str:
        nonlocal read
        read += end - start
        return text[start:end]

    middle = len(text) // 2
    text = text[:middle] + "x" + text[middle:]
    counted.change(middle, 0, 1, lend)
    assert read < 4 * counted_text.PIECE
    assert counted.counts == count_text(text)


@pytest.mark.slow
def test_a_key_in_a_million_characters_costs_less_than_a_frame():
    text = "他走了很久，终于到家。\n" * 83_334
    counted = CountedText()
    counted.set_text(text)
    times = []
    for _ in range(50):
        text = text[:500_000] + "字" + text[500_000:]
        start = time.thread_time()
        counted.change(500_000, 0, 1, part_of(text))
        times.append(time.thread_time() - start)
    print(f"a key in {len(text)} characters: {1000 * sorted(times)[25]:.2f} ms in the middle of 50")
    assert sorted(times)[25] < 0.016
