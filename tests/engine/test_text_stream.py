"""However the bytes arrive, the text is that of the whole, and never half a character or a piece of a stop string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text_stream import StopFilter, TextStream, Utf8Stream

LETTERS = st.text("ab从😀", max_size=12)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends)]


@given(data=st.binary(max_size=40) | LETTERS.map(str.encode), places=st.lists(st.integers(0, 100), max_size=20))
def test_streamed_equals_decoded(data: bytes, places: list[int]) -> None:
    stream = Utf8Stream()
    text = "".join(stream.push(piece) for piece in cut(data, places))
    assert text + stream.finish(is_cut=False) == data.decode("utf-8", "replace")


def test_a_character_split_over_tokens_arrives_whole() -> None:
    stream = Utf8Stream()
    pieces = [stream.push(bytes([byte])) for byte in "一😀".encode()]
    assert pieces == ["", "", "一", "", "", "", "😀"]


def test_a_text_cut_inside_a_character_drops_its_beginning() -> None:
    stream = TextStream()
    assert stream.push("好".encode() + "了".encode()[:2]) == "好"
    assert stream.finish(is_cut=True) == ""


def test_a_model_that_ends_inside_a_character_shows_it() -> None:
    stream = TextStream()
    assert stream.push("了".encode()[:2]) == ""
    assert stream.finish(is_cut=False) == "\ufffd"


def first_stop(text: str, stops: list[str]) -> tuple[int, int, str] | None:
    """(end, start, stop) of the stop that ends first, the longest of those: letter by letter, the slow way."""
    for end in range(1, len(text) + 1):
        found = [stop for stop in stops if text[:end].endswith(stop)]
        if found:
            stop = max(found, key=len)
            return end, end - len(stop), stop
    return None


@given(
    text=LETTERS,
    stops=st.lists(st.text("ab从", min_size=1, max_size=4), max_size=4),
    places=st.lists(st.integers(0, 99)),
)
def test_stops_do_not_depend_on_how_the_text_was_cut(text: str, stops: list[str], places: list[int]) -> None:
    stream = TextStream(stops)
    shown = [stream.push(piece) for piece in cut(text.encode(), places)]
    total = "".join(shown) + stream.finish()
    expected = first_stop(text, stops)
    assert stream.matched == (expected[2] if expected else None)
    assert total == (text[: expected[1]] if expected else text)


def test_nothing_that_may_begin_a_stop_is_shown_early() -> None:
    stream = StopFilter(["<end>"])
    assert [stream.push(piece) for piece in ("a<", "en", "!", "<end", ">b")] == ["a", "", "<en!", "", ""]
    assert stream.matched == "<end>"
    assert stream.finish() == ""


def test_what_was_held_back_comes_at_the_end() -> None:
    stream = TextStream(["\n\n"])
    assert stream.push(b"a\n") == "a"
    assert stream.finish() == "\n"
    assert stream.matched is None


@pytest.mark.parametrize(
    ("stops", "text", "shown", "matched"),
    [
        (["ab", "abc"], "xabc", "x", "ab"),
        (["abcd", "bc"], "xabcd", "xa", "bc"),
        (["cd", "bcd"], "abcde", "a", "bcd"),
        (["aab"], "aaab", "a", "aab"),
    ],
)
def test_overlapping_stops(stops: list[str], text: str, shown: str, matched: str) -> None:
    stream = StopFilter(stops)
    assert "".join(stream.push(letter) for letter in text) == shown
    assert stream.matched == matched


def test_a_character_begun_in_the_prompt_comes_out_whole() -> None:
    whole = "龘".encode()
    stream = TextStream(("a",), 0, whole[:2])
    assert [stream.push(whole[2:]), stream.push(b"!a?")] == ["龘", "!"]
    assert stream.matched == "a"
    healed = TextStream((), 1, whole[:1])  # the healed token is written again and hidden
    assert healed.push(whole) == "龘"
    assert TextStream((), 0, b"").push(whole) == "龘"
