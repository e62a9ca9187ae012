"""The tokenizer: any text comes back exactly; documents can be told apart; bad input is refused in words."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts.errors import TokenizerError
from engine.tokenizer import SentencePieceTokenizer
from export.training.tokenizer import (
    END_OF_TEXT,
    END_OF_TEXT_ID,
    TextTokenizer,
    TokenizerSettings,
    compression_report,
    train_tokenizer,
)

TEXTS = [
    "The cat sat on the mat.  It was 2026 today!\n\tThen the cat went home, and the dog came.\n" * 20,
    "从前有一个小女孩，她住在山里。\n她每天和小猫一起玩，很高兴。" * 20,
]
SETTINGS = TokenizerSettings(vocabulary=400, character_coverage=0.99)


@pytest.fixture(scope="module", params=["bpe", "unigram"])
def tokenizer(request: pytest.FixtureRequest) -> TextTokenizer:
    return train_tokenizer(TEXTS, TokenizerSettings(vocabulary=308, kind=request.param, character_coverage=0.99))


@settings(max_examples=300, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_exactly(tokenizer: TextTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert b"".join(map(tokenizer.piece_bytes, ids)) == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "  two  spaces  ",
        "\ttab\t\ttabs",
        "line\n\nline\r\nline\r",
        "\u2581",
        "a \u2581 b\u2581\u2581c",
        f"{END_OF_TEXT} is text here{END_OF_TEXT}",
        "<unk> <s> <0xE2>",
        "👩‍👩‍👧‍👦🏳️‍🌈 family",
        "𠮷野家 㐂 龘 𪚥",
        "é e\u0301 ﬁ ①Ａ",  # nothing is normalised
        "\x00\x01\ufeff\u200b\uffff",
        "“引号”，《书名》……——",
    ],
)
def test_difficult_texts_come_back_exactly(tokenizer: TextTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert END_OF_TEXT_ID not in ids
    assert 1 not in ids, "byte fallback leaves nothing unknown"


def test_newlines_and_digits_stand_alone(tokenizer: TextTokenizer) -> None:
    pieces = [tokenizer.piece_bytes(token) for token in tokenizer.encode("cat\n\n2026")]
    assert pieces[-6:] == [b"\n", b"\n", b"2", b"0", b"2", b"6"]


def test_vocabulary_is_what_was_asked_for(tokenizer: TextTokenizer) -> None:
    assert tokenizer.vocabulary == 308
    assert tokenizer.piece_bytes(END_OF_TEXT_ID) == b""
    assert END_OF_TEXT_ID not in tokenizer.encode(END_OF_TEXT)


@settings(max_examples=100, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_the_engine_reads_text_as_the_model_was_taught(tokenizer: TextTokenizer, text: str) -> None:
    engine = SentencePieceTokenizer(tokenizer.model, "tokenizer.model", {"end_of_text": END_OF_TEXT_ID})
    ids = tokenizer.encode(text)
    assert engine.encode(text) == ids
    assert [engine.token_bytes(token) for token in ids] == [tokenizer.piece_bytes(token) for token in ids]


def test_training_is_reproducible() -> None:
    assert train_tokenizer(TEXTS, SETTINGS).model == train_tokenizer(TEXTS, SETTINGS).model


def test_too_many_pieces_for_the_text_are_refused_in_one_line() -> None:
    with pytest.raises(TokenizerError, match="give more text or fewer pieces") as caught:
        train_tokenizer(["tiny text"], TokenizerSettings(vocabulary=5000))
    assert "\n" not in str(caught.value)


def test_no_text_is_refused_in_words() -> None:
    with pytest.raises(TokenizerError, match="there is no text to train a tokenizer on; check the files"):
        train_tokenizer(["", "\n"], TokenizerSettings(vocabulary=300))


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.model"
    with pytest.raises(TokenizerError, match="cannot read"):
        TextTokenizer.open(path)
    path.write_bytes(b"not a model")
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        TextTokenizer.open(path)


def test_the_report_counts_bytes_per_token(tokenizer: TextTokenizer) -> None:
    _, english, rare = compression_report(tokenizer, {"english": "the cat sat", "rare": "龘"})
    assert english.startswith("english")
    assert english.endswith("0.00%")
    assert "100.00%" in rare
