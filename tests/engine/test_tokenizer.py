"""Text survives the way to ids and back, special spellings stay text, and decode is made of token bytes."""

import functools
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from engine.contracts.errors import TokenizerError
from engine.folder import open_folder
from engine.tokenizer import JsonTokenizer, SentencePieceTokenizer, Tokenizer, load_tokenizer, read_tokenizer
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import tiny_tokenizer_bytes, write_tiny_model

TEXTS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("▁ \n\t\0\u3000é😀从前<|>xE5\u2028\ufffd\ufeff")
)
SPELLINGS = ["<|endoftext|>", "a<|endoftext|>b", "<unk>", "<s></s>", "<0xE4><0x0A>", "▁▁ ▁", " two  spaces ", "\r\n"]


@functools.cache
def sentencepiece_tokenizer() -> Tokenizer:
    return SentencePieceTokenizer(tiny_tokenizer_bytes(), "tiny", {"end_of_text": 0})


@functools.cache
def byte_level_json() -> bytes:
    """A GPT-2-shaped tokenizer.json, trained on a few sentences."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.ByteLevel(trim_offsets=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["once upon a time there was a cat", "从前有一个孩子"] * 20, trainer)
    return tokenizer.to_str().encode()


@functools.cache
def byte_level_tokenizer() -> Tokenizer:
    return JsonTokenizer(byte_level_json(), "tiny", {"end_of_text": 0})


KINDS = pytest.mark.parametrize("make", [sentencepiece_tokenizer, byte_level_tokenizer])


@KINDS
@given(text=TEXTS)
def test_any_text_comes_back_exactly(make, text: str) -> None:
    tokenizer = make()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.end_of_text not in ids


@KINDS
@pytest.mark.parametrize("text", SPELLINGS)
def test_special_spellings_are_ordinary_text(make, text: str) -> None:
    tokenizer = make()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids) == text
    assert tokenizer.end_of_text not in ids
    assert len(ids) > 1


@KINDS
def test_decode_is_the_text_of_all_token_bytes(make) -> None:
    tokenizer = make()
    ids = list(range(tokenizer.vocabulary_size))
    joined = b"".join(tokenizer.token_bytes(token) for token in ids)
    assert tokenizer.decode(ids) == joined.decode("utf-8", "replace")
    assert tokenizer.token_bytes(tokenizer.end_of_text) == b""
    assert set(range(256)) <= {piece[0] for piece in map(tokenizer.token_bytes, ids) if len(piece) == 1}


def test_sentencepiece_pieces_of_one_text_agree_with_the_library() -> None:
    tokenizer = sentencepiece_tokenizer()
    pieces = [tokenizer.token_bytes(token) for token in tokenizer.encode("the cat 从前\n")]
    assert b"".join(pieces) == "the cat 从前\n".encode()
    assert b"\n" in pieces
    assert b" cat" in pieces


@KINDS
def test_half_a_character_is_refused_with_its_place(make) -> None:
    with pytest.raises(TokenizerError, match=r"U\+D83D\) at position 2"):
        make().encode("ab\ud83d")


def test_kinds_and_files_that_are_not_known_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.model"
    with pytest.raises(TokenizerError, match="cannot read the tokenizer"):
        read_tokenizer(file, "sentencepiece", {"end_of_text": 0})
    file.write_bytes(b"rubbish")
    with pytest.raises(TokenizerError, match="not a SentencePiece model"):
        read_tokenizer(file, "sentencepiece", {"end_of_text": 0})
    with pytest.raises(TokenizerError, match=r"not a tokenizer\.json"):
        read_tokenizer(file, "tokenizers", {"end_of_text": 0})
    with pytest.raises(TokenizerError, match="unknown kind"):
        read_tokenizer(file, "words", {"end_of_text": 0})


def test_a_tokenizer_json_without_byte_level_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_text(
        tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0}, unk_token="a")).to_str(), encoding="utf-8"
    )
    with pytest.raises(TokenizerError, match="not a byte-level tokenizer"):
        read_tokenizer(file, "tokenizers", {"end_of_text": 0})


def test_a_special_token_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.model"
    file.write_bytes(tiny_tokenizer_bytes())
    with pytest.raises(TokenizerError, match="end_of_text token cannot be 50256"):
        read_tokenizer(file, "sentencepiece", {"end_of_text": 50256})


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "m", TinyShape(vocabulary=300))
    size = sentencepiece_tokenizer().vocabulary_size
    with pytest.raises(TokenizerError, match=f"has {size} tokens but the model only 300"):
        load_tokenizer(open_folder(tmp_path / "m"))


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    manifest = write_tiny_model(tmp_path / "m")
    entry = next(entry for entry in manifest.files if entry.name == "tokenizer.model")
    assert load_tokenizer(open_folder(tmp_path / "m")).digest == entry.sha256


def test_an_empty_tokenizer_is_refused_in_silence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"")
    with pytest.raises(TokenizerError, match="is not a SentencePiece model"):
        read_tokenizer(tmp_path / "tokenizer.model", "sentencepiece", {"end_of_text": 0})
    assert capfd.readouterr() == ("", "")
