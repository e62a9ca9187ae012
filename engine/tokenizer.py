"""Text to token ids and back, one interface over SentencePiece and `tokenizers`.

For: generation, scoring, and the export side, which proves a tokenizer by round trips.
Knows: both libraries, how a token's bytes are spelt in each, and which tokens are control tokens.
Must not know: models, sessions, sampling.

Three promises, the same for both kinds: `decode` is the UTF-8 of the joined `token_bytes`; any text comes back exactly
(SentencePiece: identity normalisation and byte fallback, U+2581 through its byte pieces); the spelling of a special
token in a text (`<|endoftext|>`) is ordinary text and never becomes the control token. One exception: a tokenizer of
another program may begin a text with a space of its own (Llama 2's does); it stays in what is decoded.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from engine.contracts.errors import TokenizerError
from engine.contracts.manifest import END_OF_TEXT
from engine.folder import ModelFolder

SENTENCEPIECE = "sentencepiece"
TOKENIZERS = "tokenizers"
_BYTE_PIECE = re.compile("<0x[0-9A-F]{2}>")
_SPACE_MARK = "\u2581"  # how SentencePiece writes a space inside its pieces


class Tokenizer(Protocol):
    """What the engine asks of a tokenizer."""

    @property
    def vocabulary_size(self) -> int:
        """How many ids there are."""

    @property
    def end_of_text(self) -> int:
        """Id of the token between documents."""

    @property
    def ends_of_text(self) -> frozenset[int]:
        """All tokens that end a text: models of other programs may have several."""

    @property
    def digest(self) -> str:
        """SHA-256 of the tokenizer file."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The bytes of every token, by id; none for a control token."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text. Raises `TokenizerError` for text that has no UTF-8 form."""

    def decode(self, ids: Iterable[int]) -> str:
        """Text of ids; bytes that are no UTF-8 become U+FFFD."""

    def token_bytes(self, token: int) -> bytes:
        """The bytes one token stands for; none for a control token."""


def load_tokenizer(folder: ModelFolder) -> Tokenizer:
    """The folder's tokenizer. Raises `TokenizerError` when it is larger than the model."""
    manifest = folder.manifest
    tokenizer = read_tokenizer(folder.file(manifest.tokenizer.file), manifest.tokenizer.kind, manifest.special_tokens)
    if tokenizer.vocabulary_size > manifest.vocabulary_size:
        raise TokenizerError(
            f"the tokenizer in {folder.path} has {tokenizer.vocabulary_size} tokens but the model only "
            f"{manifest.vocabulary_size}, so they do not belong together; export the model with its own tokenizer"
        )
    return tokenizer


def read_tokenizer(path: Path, kind: str, special_tokens: Mapping[str, int], known_as: str = "") -> Tokenizer:
    """A tokenizer file of the given kind; `special_tokens` maps roles ("end_of_text") to ids.

    `known_as` is what errors call a file that is a copy of one the person knows.
    """
    name = known_as or str(path)
    makers: dict[str, type[SentencePieceTokenizer] | type[JsonTokenizer]] = {
        SENTENCEPIECE: SentencePieceTokenizer,
        TOKENIZERS: JsonTokenizer,
    }
    if kind not in makers:
        raise TokenizerError(f"unknown kind of tokenizer {kind!r}; known are {', '.join(makers)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TokenizerError(f"cannot read the tokenizer {path}: {error.strerror}; check the path") from error
    tokenizer = makers[kind](content, name, special_tokens)
    for role, token in special_tokens.items():
        if not 0 <= token < tokenizer.vocabulary_size:
            raise TokenizerError(
                f"{name} has {tokenizer.vocabulary_size} tokens, so its {role} token cannot be {token}; "
                "give the tokenizer that belongs to the model"
            )
    return tokenizer


class _ByteTable:
    """What both kinds share: every token's bytes, decoding, the digest."""

    def __init__(self, content: bytes, table: list[bytes], special_tokens: Mapping[str, int]) -> None:
        self._table = table
        self._end_of_text = special_tokens.get(END_OF_TEXT, -1)
        self._ends = frozenset(token for role, token in special_tokens.items() if role.startswith(END_OF_TEXT))
        self._digest = hashlib.sha256(content).hexdigest()
        for token in special_tokens.values():
            if 0 <= token < len(table):
                table[token] = b""

    @property
    def vocabulary_size(self) -> int:
        return len(self._table)

    @property
    def end_of_text(self) -> int:
        return self._end_of_text

    @property
    def ends_of_text(self) -> frozenset[int]:
        return self._ends

    @property
    def digest(self) -> str:
        return self._digest

    @property
    def pieces(self) -> Sequence[bytes]:
        return self._table

    def token_bytes(self, token: int) -> bytes:
        return self._table[token]

    def decode(self, ids: Iterable[int]) -> str:
        return b"".join([self._table[token] for token in ids]).decode("utf-8", errors="replace")


class SentencePieceTokenizer(_ByteTable):
    """A SentencePiece model (`tokenizer.model`)."""

    def __init__(self, content: bytes, name: str, special_tokens: Mapping[str, int]) -> None:
        import sentencepiece

        try:
            if not content:
                raise ValueError("empty")  # the library would take it for no model, and complain later
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        except (RuntimeError, ValueError) as error:
            raise TokenizerError(f"{name} is not a SentencePiece model, or it is damaged; fetch it again") from error
        super().__init__(content, [self._bytes_of(token) for token in range(len(self._processor))], special_tokens)
        self._space_mark = [self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in _SPACE_MARK.encode()]
        self._has_bytes = all(self._processor.is_byte(token) for token in self._space_mark)

    def encode(self, text: str) -> list[int]:
        """Ids of a text; U+2581, which SentencePiece would take for a space, goes through its three byte pieces."""
        _demand_utf8(text)
        if _SPACE_MARK not in text or not self._has_bytes:
            return [int(token) for token in self._processor.encode(text)]
        first, *rest = text.split(_SPACE_MARK)
        ids: list[int] = self._processor.encode(first)
        for part in rest:
            ids += self._space_mark + self._processor.encode(part)
        return ids

    def _bytes_of(self, token: int) -> bytes:
        if self._processor.is_control(token) or self._processor.is_unknown(token):
            return b""
        return _spelt_bytes(str(self._processor.id_to_piece(token)), self._processor.is_byte(token))


class JsonTokenizer(_ByteTable):
    """A tokenizer of the `tokenizers` library (`tokenizer.json`): byte-level, as GPT-2 has it, or with byte pieces."""

    def __init__(self, content: bytes, name: str, special_tokens: Mapping[str, int]) -> None:
        import tokenizers

        try:
            description = json.loads(content)
            self._tokenizer = tokenizers.Tokenizer.from_str(content.decode("utf-8"))
        except Exception as error:
            raise TokenizerError(f"{name} is not a tokenizer.json, or it is damaged; fetch it again") from error
        parts = _types_in(description.get("pre_tokenizer")) | _types_in(description.get("decoder"))
        if not parts & {"ByteLevel", "ByteFallback"}:
            raise TokenizerError(f"{name} is not a byte-level tokenizer; use the model's SentencePiece tokenizer.model")
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        # Otherwise "<|endoftext|>" typed by a person would become the control token.
        self._tokenizer.encode_special_tokens = True
        super().__init__(content, self._all_bytes("ByteLevel" in parts), special_tokens)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without anything added before or behind it."""
        _demand_utf8(text)
        return [int(token) for token in self._tokenizer.encode(text, add_special_tokens=False).ids]

    def _all_bytes(self, is_byte_level: bool) -> list[bytes]:
        table = _byte_of_character()
        added = dict(self._tokenizer.get_added_tokens_decoder())
        pieces: dict[int, str] = {token: piece for piece, token in self._tokenizer.get_vocab(True).items()}
        result = [b""] * (max(pieces, default=-1) + 1)
        for token, piece in pieces.items():
            if token in added:
                result[token] = b"" if added[token].special else piece.encode()
            elif not is_byte_level:
                result[token] = _spelt_bytes(piece, bool(_BYTE_PIECE.fullmatch(piece)))
            else:
                result[token] = bytes(table[character] for character in piece if character in table)
        return result


def _spelt_bytes(piece: str, is_byte: bool) -> bytes:
    """What a piece stands for that writes a space as U+2581 and a byte as "<0xE2>"."""
    return bytes([int(piece[3:5], 16)]) if is_byte else piece.replace(_SPACE_MARK, " ").encode()


def _demand_utf8(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"the text holds half a character (a lone surrogate, U+{ord(text[error.start]):04X}) at position "
            f"{error.start}, which has no UTF-8 form; remove it"
        ) from error


def _types_in(description: Any) -> set[str]:
    """All values of "type" in a part of tokenizer.json, which may be a sequence of parts."""
    if isinstance(description, list):
        return set().union(*(_types_in(part) for part in description))
    if not isinstance(description, dict):
        return set()
    own = {description["type"]} if isinstance(description.get("type"), str) else set()
    return own.union(*(_types_in(part) for part in description.values() if isinstance(part, list | dict)))


def _byte_of_character() -> dict[str, int]:
    """GPT-2's spelling of bytes: printable Latin-1 characters stand for themselves, the others for U+0100 onwards."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if chr(byte) not in table)
    table |= {chr(0x100 + index): byte for index, byte in enumerate([*others])}
    return table
