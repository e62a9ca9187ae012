"""Training text: formats, packing once, and sampling where one integer decides everything."""

import json
import lzma
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from engine.contracts.errors import CorpusError
from export.training.corpus import (
    BLOCK,
    Group,
    PackedGroup,
    Sampler,
    pack,
    read_documents,
    sample_texts,
    slots_by_share,
)
from export.training.tokenizer import END_OF_TEXT_ID, TextTokenizer, TokenizerSettings, train_tokenizer


def packed_group(name: str, tokens: int, weight: float = 1.0, start: int = 0) -> PackedGroup:
    """A group whose tokens count up, so that a window shows where it came from."""
    return PackedGroup(Group(name, weight, ()), np.arange(start, start + tokens, dtype="<u4"))


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(["one two three 一二三 " * 40], TokenizerSettings(vocabulary=290))


def test_json_lines_and_plain_text_are_read(tmp_path: Path) -> None:
    texts = ["One.\nTwo.", "三。"]
    plain, packed = tmp_path / "a.txt", tmp_path / "a.jsonl.xz"
    plain.write_text("".join(f"{text}\n<|endoftext|>\n" for text in texts), encoding="utf-8")
    with lzma.open(packed, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": text}) + "\n" for text in texts)
    assert list(read_documents(plain)) == texts
    assert list(read_documents(packed)) == texts


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", b'{"text": "fine"}\n{"words": 1}\n', "line 2: not a JSON record"),
        ("a.jsonl", b"[1]\n", "line 1"),
        ("a.jsonl", b"\xff\xfe\n", "damaged"),
        ("a.txt", b"\xff", "damaged"),
        ("a.jsonl.xz", b"not compressed", "damaged"),
        ("a.jsonl.xz", lzma.compress(b'{"text": "x"}\n')[:-8], "damaged"),
        ("a.docx", b"", "neither"),
        ("missing/a.txt", None, "cannot read training text"),
    ],
)
def test_bad_text_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes | None, words: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=words) as caught:
        list(read_documents(path))
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    plain, lines = tmp_path / "a.txt", tmp_path / "a.jsonl"
    plain.write_text("One.", encoding="utf-8-sig")
    lines.write_text('{"text": "One."}\n', encoding="utf-8-sig")
    assert list(read_documents(plain)) == list(read_documents(lines)) == ["One."]


def test_groups_without_weight_give_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="all groups weigh 0"):
        list(sample_texts([Group("a", 0.0, (tmp_path / "a.txt",))], 100, 1))


def test_packing_separates_documents_and_is_done_once(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    source, cache = tmp_path / "a.jsonl", tmp_path / "cache"
    source.write_text('{"text": "one two"}\n{"text": "三"}\n', encoding="utf-8")
    group = Group("a", 1.0, (source,))
    first = pack(group, tokenizer, cache)
    assert first.tokens.dtype == np.dtype("<u2")
    end = END_OF_TEXT_ID
    assert first.tokens.tolist() == [end, *tokenizer.encode("one two"), end, *tokenizer.encode("三"), end]
    [data] = cache.iterdir()
    written = data.stat().st_mtime_ns
    pack(group, tokenizer, cache)
    assert data.stat().st_mtime_ns == written
    source.write_text('{"text": "one"}\n', encoding="utf-8")
    assert pack(group, tokenizer, cache).tokens.tolist() == [end, *tokenizer.encode("one"), end]
    assert len(list(cache.iterdir())) == 2


def test_an_empty_group_is_refused(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    source = tmp_path / "a.jsonl"
    source.write_text("")
    with pytest.raises(CorpusError, match="has no documents"):
        pack(Group("a", 1.0, (source,)), tokenizer, tmp_path)


def test_windows_are_the_same_for_the_same_position_in_any_order() -> None:
    packed = [packed_group("a", 1000), packed_group("b", 300, 2.0, 5000)]
    one, two = (Sampler(packed, {}, 8, seed=1, stage=0) for _ in range(2))
    positions = [0, 5, 999, 1000, 2500, 17]
    expected = {position: one.window(position)[1].tolist() for position in positions}
    for position in reversed(positions):
        assert two.window(position)[1].tolist() == expected[position]
    np.testing.assert_array_equal(one.batch(5, 3)[0], one.window(5)[1])
    assert Sampler(packed, {}, 8, seed=2, stage=0).batch(0, 50).tolist() != one.batch(0, 50).tolist()
    assert Sampler(packed, {}, 8, seed=1, stage=1).batch(0, 50).tolist() != one.batch(0, 50).tolist()


def test_groups_appear_by_their_weights_in_every_block() -> None:
    packed = [packed_group("a", 100_000), packed_group("b", 100_000), packed_group("c", 100_000)]
    sampler = Sampler(packed, {"a": 70, "b": 29.5, "c": 0.5}, 8, seed=1, stage=0)
    for block in range(3):
        counts = Counter(sampler.window(block * BLOCK + slot)[0] for slot in range(BLOCK))
        assert counts == {0: 699, 1: 295, 2: 6}


def test_nothing_repeats_before_a_group_is_used_up() -> None:
    sampler = Sampler([packed_group("a", 100_001)], {}, 10, seed=3, stage=0)
    starts = [int(sampler.window(position)[1][0]) for position in range(9999)]
    assert len(set(starts)) == 9999, "the first epoch visits every window once"
    second = [int(sampler.window(9999 + position)[1][0]) for position in range(100)]
    assert second != starts[:100], "the second epoch has an order of its own"
    assert all(0 <= start <= 100_001 - 11 for start in starts + second)


def test_windows_overlap_by_the_one_token_that_is_both_target_and_input() -> None:
    window = Sampler([packed_group("a", 100)], {}, 10, seed=3, stage=0).window(0)[1]
    assert window.tolist() == list(range(window[0], window[0] + 11))


def test_a_group_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(CorpusError, match="fewer than one window"):
        Sampler([packed_group("a", 9)], {}, 8, seed=1, stage=0)


def test_slots_are_whole_numbers_that_add_up() -> None:
    assert slots_by_share([1, 1, 1], 10) == [4, 3, 3]
    assert slots_by_share([1e-9, 1], 1000) == [1, 999]
    with pytest.raises(CorpusError, match="weight above 0"):
        slots_by_share([], 10)


def test_the_tokenizers_sample_follows_the_weights(tmp_path: Path) -> None:
    for name in "ab":
        lines = "".join(json.dumps({"text": name * 50}) + "\n" for _ in range(100))
        (tmp_path / f"{name}.jsonl").write_text(lines)
    groups = [Group(name, weight, (tmp_path / f"{name}.jsonl",)) for name, weight in (("a", 3.0), ("b", 1.0))]
    taken = Counter[str]()
    for name, text in sample_texts(groups, 2000, seed=1):
        taken[name] += len(text)
    assert abs(taken["a"] - 1500) <= 50
    assert abs(taken["b"] - 500) <= 50
