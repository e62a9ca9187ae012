"""Which words a dictionary is asked about, by tables."""

import time

import pytest

from desktop_app.spelling.words import (
    LATIN,
    LONGEST_PARAGRAPH,
    Word,
    alphabet_of,
    is_fence,
    key_of,
    misspelt,
    words_of,
)


@pytest.mark.parametrize(
    ("paragraph", "keys"),
    [
        ("The cat sat.", "The cat sat"),
        ("don't don\u2019t isn\u2019t", "don't don't isn't"),
        ("the dogs' bones, 'quoted'", "the dogs bones quoted"),
        ("a well-known mother-in-law", "well-known mother-in-law"),
        ("an en\u2010dash \u2013 no, a hyphen", "an en-dash no hyphen"),
        ("e\u0301te\u0301 café", "été café"),
        ("中文没有要查的词。", ""),
        ("中文里的teh和word在一起", "teh word"),
        ("日本語のテキスト 한국어 العربية עברית हिन्दी", ""),
        ("42 3.14 x2 2nd snake_case v1", ""),
        ("NASA NASA's USA", ""),
        ("iPhone PyTorch McDonald MacArthur O'Brien", "McDonald MacArthur O'Brien"),
        ("see https://example.org/teh?a=b and www.teh.example now", "see and now"),
        ("在https://teh.example/x，以后", ""),
        ("write to jon.doe@exampel.org today", "write to today"),
        ("run `teh code` or ``a `b` c`` now", "run or now"),
        ("an `open tick is prose", "an open tick is prose"),
        ("[wrods](http://x.y/zzz 'a') [text](pth/fo.md)", "wrods text"),
        ("in /usr/loacl/bin or ~/txet/a.md or C:\\Wrk and/or", "in or or and or"),
        ("#hashtg @someboyd", ""),
        ("<em>teh</em> a&nbsp;b <a href='wrog'>x</a>", "teh"),
        ("main.py e.g. i.e. exampel.org end.", "end"),
        ("wait...what no.Yes", "wait what"),
        ("*teh* _teh_ **wrod**", "teh wrod"),
        ("Ελληνικά русский", "Ελληνικά русский"),
        ("A I a", ""),
        ("x" * 61, ""),
        ("", ""),
    ],
)
def test_the_words_of_a_paragraph(paragraph, keys):
    assert [word.key for word in words_of(paragraph)] == keys.split()


@pytest.mark.parametrize(
    "paragraph", ["The 中文 don\u2019t, well-known 😀 wrods.", "e\u0301te\u0301 here", "`code` here there"]
)
def test_each_word_stands_where_it_says(paragraph):
    for word in words_of(paragraph):
        assert key_of(paragraph[word.start : word.end]) == word.key


def test_only_the_wrong_parts_of_a_word_with_hyphens_are_shown():
    verdicts = {"well-konwn": False, "well": True, "konwn": False, "ab-cd": False, "ab": True, "cd": True}
    bad, unknown = misspelt(words_of("a well-konwn ab-cd"), verdicts.get, [LATIN])
    assert bad == [Word(7, 12, "konwn"), Word(13, 18, "ab-cd")]
    assert unknown == []


def test_words_without_a_verdict_are_named_and_not_shown():
    words = words_of("teh half-konwn cat")
    assert misspelt(words, {}.get, [LATIN]) == ([], ["teh", "half-konwn", "cat"])
    bad, unknown = misspelt(words, {"teh": True, "half-konwn": False, "cat": True}.get, [LATIN])
    assert (bad, unknown) == ([], ["half", "konwn"])


def test_words_of_an_alphabet_without_a_dictionary_are_neither_shown_nor_asked_about():
    assert misspelt(words_of("русский Ελληνικά"), {}.get, [LATIN]) == ([], [])
    assert misspelt(words_of("русский"), {}.get, ["cyrillic"])[1] == ["русский"]
    assert [alphabet_of(word) for word in ("word", "слово", "λόγος", "été")] == ["latin", "cyrillic", "greek", "latin"]


@pytest.mark.parametrize(
    ("line", "is_one"), [("```python", True), ("   ~~~", True), ("    ```", False), ("a ```", False)]
)
def test_blocks_of_code_begin_at_fences(line, is_one):
    assert is_fence(line) is is_one


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "`",
        "` `` ",
        "`a",
        "<a ",
        "[x](",
        "a.",
        "a-",
        "a+",
        "/a",
        "~/",
        "&a",
        "a@",
        "@",
        "'",
        "中",
        "a://",
        "a:",
        "a b ",
    ],
)
def test_no_paragraph_takes_more_than_a_moment(piece):
    paragraph = (piece * LONGEST_PARAGRAPH)[:LONGEST_PARAGRAPH]
    start = time.process_time()
    words_of.__wrapped__(paragraph)
    assert time.process_time() - start < 0.5
    assert words_of(paragraph + "a b the the") == ()
