"""Train a SentencePiece tokenizer that can write any text back exactly.

For: the recipe's first step and `nextstroke tokenizer train`.
Knows: which trainer options keep every byte (identity normalisation, byte fallback, newline as its own piece), and how
to encode text with them.
Must not know: models, tensors, the engine's runtime wrapper.

SentencePiece writes a space as U+2581 inside its pieces, so a literal U+2581 in a text would come back as a space.
`encode` spells that one character with its three byte pieces instead; everything else is the library's own business.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import sentencepiece

from engine.contracts.errors import NextstrokeError, TokenizerError

END_OF_TEXT = "<|endoftext|>"  # id 0: separates documents and starts every context
END_OF_TEXT_ID = 0
UNKNOWN_ID = 1  # SentencePiece insists on one; byte fallback leaves it unreachable
SPACE_MARK = "\u2581"
_SPACE_MARK_BYTES = tuple(f"<0x{byte:02X}>" for byte in SPACE_MARK.encode())
_LONGEST_LINE = 1000  # characters; the trainer drops longer sentences, so they are cut here


@dataclass(frozen=True)
class TokenizerSettings:
    """What the [tokenizer] table of a recipe holds."""

    vocabulary: int = 10240
    kind: str = "bpe"  # or "unigram": no better on this corpus, six times slower to train
    sample_characters: int = 8_000_000  # text drawn from the groups by weight
    character_coverage: float = 0.9975  # share of characters with a piece of their own; the rest are byte pieces
    file: str = ""  # an existing tokenizer.model instead of a new one


class TextTokenizer:
    """The few verbs that training needs over one SentencePiece model."""

    def __init__(self, model: bytes) -> None:
        self.model = model
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise TokenizerError("not a SentencePiece model; train one or name another file") from error
        if self._processor.id_to_piece(END_OF_TEXT_ID) != END_OF_TEXT:
            raise TokenizerError(f"the tokenizer has no {END_OF_TEXT} at id 0, so documents could not be told apart")
        self.vocabulary = int(self._processor.get_piece_size())
        self._space_mark_ids = [self._processor.piece_to_id(piece) for piece in _SPACE_MARK_BYTES]

    @classmethod
    def open(cls, path: Path) -> TextTokenizer:
        """Read a tokenizer.model."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise TokenizerError(
                f"cannot read the tokenizer {path}: {error.strerror}; name a tokenizer.model file"
            ) from error
        except TokenizerError as error:
            raise TokenizerError(f"{path}: {error}") from error

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; END_OF_TEXT written inside it is ordinary text."""
        head, *rest = text.split(SPACE_MARK)
        ids: list[int] = self._processor.encode(head)
        for part in rest:
            ids += self._space_mark_ids + self._processor.encode(part)
        return ids

    def decode(self, ids: list[int]) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD."""
        return b"".join(self.piece_bytes(token) for token in ids).decode("utf-8", errors="replace")

    def pieces(self) -> list[tuple[bytes, float]]:
        """Bytes and score of every piece: all that decides how a text is cut."""
        return [(self.piece_bytes(token), self._processor.get_score(token)) for token in range(self.vocabulary)]

    def is_byte(self, token: int) -> bool:
        """Whether the token is one byte of a character that has no piece of its own."""
        return bool(self._processor.is_byte(token))

    def piece_bytes(self, token: int) -> bytes:
        """The bytes one token stands for; nothing for END_OF_TEXT."""
        if self._processor.is_control(token) or self._processor.is_unknown(token):
            return b""
        piece = self._processor.id_to_piece(token)
        if self._processor.is_byte(token):
            return bytes([int(piece[3:5], 16)])
        return bytes(piece.replace(SPACE_MARK, " "), "utf-8")


def same_pieces(one: TextTokenizer, other: TextTokenizer) -> bool:
    """Whether two tokenizers give every text the same ids, though their files may differ in remarks."""
    return one.model == other.model or one.pieces() == other.pieces()


def train_tokenizer(texts: Iterable[str], settings: TokenizerSettings) -> TextTokenizer:
    """Train on whole texts; the number of pieces is exactly `settings.vocabulary` or the training is refused."""
    trained, sentences = _Sink(), _Sentences(texts)
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=trained,
            model_type=settings.kind,
            vocab_size=settings.vocabulary,
            character_coverage=settings.character_coverage,
            byte_fallback=True,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            allow_whitespace_only_pieces=True,
            split_digits=True,
            user_defined_symbols=["\n"],
            eos_id=END_OF_TEXT_ID,
            eos_piece=END_OF_TEXT,
            unk_id=UNKNOWN_ID,
            bos_id=-1,
            pad_id=-1,
            num_threads=2,
            minloglevel=2,
        )
    except (RuntimeError, ValueError, OSError) as error:
        if sentences.failure is not None:  # of reading the text; the trainer says of it only where it happened
            raise sentences.failure from error
        if not sentences.count:  # the trainer's own words for this name a line of its source code
            raise TokenizerError("there is no text to train a tokenizer on; check the files of the groups") from error
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else "no reason given"
        raise TokenizerError(
            f"SentencePiece could not train {settings.vocabulary} pieces ({reason}); give more text or fewer pieces"
        ) from error
    return TextTokenizer(bytes(trained.data))


def compression_report(tokenizer: TextTokenizer, texts: dict[str, str]) -> list[str]:
    """One line a name: tokens, bytes and characters per token."""
    lines = [f"{'text':34} {'tokens':>9} {'bytes/token':>12} {'chars/token':>12} {'byte pieces':>12}"]
    for name, text in texts.items():
        ids = tokenizer.encode(text)
        count = max(1, len(ids))
        spelled = sum(map(tokenizer.is_byte, ids)) / count
        size = len(text.encode())
        lines.append(f"{name:34} {len(ids):9,} {size / count:12.3f} {len(text) / count:12.3f} {spelled:12.2%}")
    return lines


class _Sink:
    """What the trainer writes its model to."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        self.data += data


class _Sentences:
    """Lines of at most _LONGEST_LINE characters; newlines never reach the trainer, they have their own piece."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = texts
        self.failure: NextstrokeError | None = None
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        try:
            for text in self._texts:
                for line in _lines(text):
                    self.count += 1
                    yield line
        except NextstrokeError as error:
            self.failure = error
            raise


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for start in range(0, len(line), _LONGEST_LINE):
            sentence = "".join(c for c in line[start : start + _LONGEST_LINE] if _teachable(c))
            if sentence:
                yield sentence


def _teachable(character: str) -> bool:
    # A space mark would be taken for a space; a null or another control character would end or split a sentence.
    return character != SPACE_MARK and (character == "\t" or unicodedata.category(character) != "Cc")
