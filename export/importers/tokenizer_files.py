"""Find a checkpoint's tokenizer, bring it into one of the two forms that model folders hold, and prove that it fits.

    tokenizer.json                      -> tokenizer.json, as it is
    vocab.json + merges.txt (GPT-2)     -> tokenizer.json, built
    tokenizer.model, *.model            -> tokenizer.model, as it is

For: the importer child process. Knows file names and both libraries' forms. Must not know checkpoints.
A pickle (nanoGPT's meta.pkl) is never opened: it could run anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.contracts.errors import TokenizerError
from engine.contracts.manifest import END_OF_TEXT
from engine.tokenizer import SENTENCEPIECE, TOKENIZERS, read_tokenizer
from export.importers.opened import Opened

FILE_NAMES = {SENTENCEPIECE: "tokenizer.model", TOKENIZERS: "tokenizer.json"}
BEGIN_OF_TEXT = "begin_of_text"
# How end-of-text is written in the vocabularies that are met; the first one found counts.
END_SPELLINGS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>")


@dataclass(frozen=True)
class FoundTokenizer:
    """A tokenizer that was written into the workspace."""

    kind: str
    file: Path
    special_tokens: dict[str, int]
    source: tuple[Path, ...]


def import_tokenizer(
    opened: Opened, wanted: Path | None, end_of_text: str | int | None, workspace: Path
) -> FoundTokenizer:
    """The tokenizer named by the user, or the checkpoint's own, written into `workspace` and checked.

    `end_of_text` is the spelling or the id of that token when nothing else tells it. Raises `TokenizerError`.
    """
    place = wanted or opened.tokenizer
    if place is None:
        raise TokenizerError(_missing(opened))
    kind, content, source = _read(place)
    file = workspace / FILE_NAMES[kind]
    file.write_bytes(content)
    tokenizer = read_tokenizer(file, kind, {}, known_as=" and ".join(map(str, source)))
    size = opened.config.vocabulary_size
    if tokenizer.vocabulary_size > size:
        raise TokenizerError(
            f"the tokenizer in {place} has {tokenizer.vocabulary_size} tokens but the model only {size}, so it would "
            "write numbers that the model does not know; give the tokenizer that belongs to the model with --tokenizer"
        )
    end = _end_of_text(opened, kind, content, end_of_text, place)
    if not 0 <= end < tokenizer.vocabulary_size:
        raise TokenizerError(
            f"the end-of-text token of this model is {end}, but the tokenizer in {place} has only "
            f"{tokenizer.vocabulary_size} tokens; give the tokenizer that belongs to the model with --tokenizer"
        )
    special = {END_OF_TEXT: end} | ({BEGIN_OF_TEXT: end} if opened.begins_with_end_of_text else {})
    return FoundTokenizer(kind, file, special, source)


def _read(place: Path) -> tuple[str, bytes, tuple[Path, ...]]:
    if not place.exists():
        raise TokenizerError(f"there is no tokenizer {place}; check the path given with --tokenizer")
    if place.is_file():
        return _read_file(place)
    for name in ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"):
        if (place / name).is_file():
            return _read_file(place / name)
    if (place / "vocab.json").is_file() and (place / "merges.txt").is_file():
        return _built(place)
    if (place / "meta.pkl").is_file():
        return _read_file(place / "meta.pkl")
    raise TokenizerError(
        f"{place} holds no tokenizer (tokenizer.json, tokenizer.model, or vocab.json with merges.txt); name one with "
        "--tokenizer"
    )


def _read_file(file: Path) -> tuple[str, bytes, tuple[Path, ...]]:
    if file.suffix in (".pkl", ".pickle"):
        raise TokenizerError(
            f"{file} is a pickle, which could run anything, so it is never opened; write its vocabulary into a "
            "tokenizer.json (library `tokenizers`) and give that with --tokenizer"
        )
    if file.name in ("vocab.json", "merges.txt"):
        return _read(file.parent)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise TokenizerError(f"cannot read the tokenizer {file}: {error.strerror}; check the path") from error
    kind = TOKENIZERS if file.suffix == ".json" else SENTENCEPIECE
    return kind, content, (file,)


def _built(folder: Path) -> tuple[str, bytes, tuple[Path, ...]]:
    """GPT-2's two files as one tokenizer.json: byte-level BPE, nothing added before or behind a text."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    try:
        tokenizer = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
    except Exception as error:
        raise TokenizerError(
            f"vocab.json and merges.txt in {folder} are damaged ({error}); fetch them again"
        ) from error
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    known = tokenizer.get_vocab()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in END_SPELLINGS if name in known])
    return TOKENIZERS, tokenizer.to_str().encode(), (vocabulary, merges)


def _end_of_text(opened: Opened, kind: str, content: bytes, spelling: str | int | None, place: Path) -> int:
    if isinstance(spelling, int):
        return spelling
    known = _vocabulary(kind, content)
    if spelling is not None:
        if spelling not in known:
            raise TokenizerError(f"the tokenizer in {place} has no token {spelling!r}; check --end-of-text")
        return known[spelling]
    if opened.end_of_text is not None:
        return opened.end_of_text
    found = next((known[name] for name in END_SPELLINGS if name in known), None)
    if found is None:
        raise TokenizerError(
            f"neither the checkpoint nor the tokenizer in {place} says which token ends a text; name it with "
            "--end-of-text (any token that text rarely needs will do)"
        )
    return found


def _vocabulary(kind: str, content: bytes) -> dict[str, int]:
    if kind == SENTENCEPIECE:
        import sentencepiece

        processor = sentencepiece.SentencePieceProcessor(model_proto=content)
        return {processor.id_to_piece(token): token for token in range(len(processor))}
    plain = json.loads(content)
    model = plain.get("model", {}).get("vocab", {})
    known = dict(model) if isinstance(model, dict) else {}
    return known | {entry["content"]: entry["id"] for entry in plain.get("added_tokens", [])}


def _missing(opened: Opened) -> str:
    if opened.config.vocabulary_size in (50257, 50304):
        return (
            "this checkpoint brings no tokenizer; its vocabulary is GPT-2's: give GPT-2's tokenizer.json (or the "
            "folder with vocab.json and merges.txt) with --tokenizer"
        )
    return (
        f"this checkpoint brings no tokenizer for its {opened.config.vocabulary_size} tokens; give the one it was "
        "trained with (tokenizer.json or tokenizer.model) with --tokenizer; pickles such as meta.pkl are not opened"
    )
