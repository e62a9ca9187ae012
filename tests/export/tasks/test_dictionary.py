"""The dictionary finds the right words of a toy language pair, and cuts Chinese where it has seen words."""

import itertools

import pytest

from export.tasks.dictionary import NO_WORD, Dictionary, Side, word_probabilities
from export.tasks.words import chinese, english, find_words, split_chinese

SUBJECTS = {"tom": "汤姆", "mary": "玛丽", "the dog": "那只狗"}
VERBS = {"likes": "喜欢", "sees": "看见", "buys": "买"}
OBJECTS = {"apples": "苹果", "books": "书", "water": "水", "flowers": "花"}
PAIRS = [
    (f"{subject} {verb} {thing}.".capitalize(), f"{SUBJECTS[subject]}{VERBS[verb]}{OBJECTS[thing]}。")
    for subject, verb, thing in itertools.product(SUBJECTS, VERBS, OBJECTS)
]


@pytest.fixture(scope="module")
def chinese_side() -> Side:
    return chinese(right for _, right in PAIRS)


def test_words_of_a_toy_corpus_are_found(chinese_side: Side) -> None:
    there = Dictionary(PAIRS, english(), chinese_side)
    expected = {"tom": "汤姆", "mary": "玛丽", "likes": "喜欢", "sees": "看见", "buys": "买"} | OBJECTS
    assert {word: there.word(word) for word in expected} == expected
    assert there.word("unseen") is None


def test_a_sentence_that_was_never_seen_is_translated_word_for_word(chinese_side: Side) -> None:
    pairs = [pair for pair in PAIRS if pair[0] != "Mary buys flowers."]
    assert Dictionary(pairs, english(), chinese_side).translate("Mary buys flowers.") == "玛丽买花。"
    back = Dictionary([(right, left) for left, right in pairs], chinese_side, english())
    assert back.translate("玛丽买花。") == "Mary buys flowers."


def test_what_was_never_seen_is_copied(chinese_side: Side) -> None:
    assert Dictionary(PAIRS, english(), chinese_side).translate("Tom likes Shanghai.") == "汤姆喜欢shanghai。"
    assert Dictionary(PAIRS, english(), chinese_side).translate("") == ""


def test_probabilities_are_those_of_model_1() -> None:
    # One round from equal probabilities, by hand: "a" and "no word" share each of its pair's words with "b".
    table = word_probabilities([(("a", "b"), ("x", "y")), (("a",), ("x",))], rounds=1)
    third = 1 / 3
    a = {"x": third + 0.5, "y": third}
    assert table["a"] == pytest.approx({word: count / sum(a.values()) for word, count in a.items()})
    assert table["b"] == pytest.approx({"x": 0.5, "y": 0.5})
    assert table[NO_WORD] == pytest.approx(table["a"])


def test_every_row_is_a_distribution() -> None:
    table = word_probabilities([(("a", "b"), ("x", "y", "y")), (("a",), ("x",)), ((), ("z",)), (("c",), ())])
    assert all(sum(row.values()) == pytest.approx(1) for row in table.values() if row)
    assert table["c"] == {}


def test_strings_that_stand_together_are_words() -> None:
    texts = [
        f"{who}{what}苹果{end}"
        for who in "我你他她"
        for what in ("喜欢", "不要", "看见", "买")
        for end in ("", "吗", "了")
    ]
    words = find_words(texts)
    assert "苹果" in words
    assert not {"欢苹", "我喜", "果吗"} & words


def test_chinese_is_cut_by_the_longest_match() -> None:
    known = frozenset({"喜欢", "苹果", "苹果树", "汤姆"})
    assert split_chinese("汤姆喜欢苹果树。", known) == ("汤姆", "喜欢", "苹果树", "。")
    assert split_chinese("我爱 iPhone 15！", known) == ("我", "爱", "iPhone", "15", "！")
    assert split_chinese("", known) == split_chinese("  ", known) == ()


def test_english_is_written_as_people_write_it() -> None:
    side = english()
    assert side.split("I'm sure, Tom’s 12.") == ("i'm", "sure", ",", "tom's", "12", ".")
    assert side.join(["yes", ",", "i'm", "here", "and", "i", "know", "."]) == "Yes, I'm here and I know."
