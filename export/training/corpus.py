"""Training text: groups of documents, packed once into token files, and sampled by one integer.

For: the trainer (batches), the tokenizer (weighted sample of text), evaluation (held-out documents).
Knows: the text formats, the packed files, and how position n of a stage becomes a window of tokens.
Must not know: models, devices, optimizers.

Sampling (why a single integer is enough to resume exactly):

    position n -> block n // 1000, slot n % 1000      each block holds every group by its share of 1000, in Philox order
               -> draw k of that group                k = earlier blocks * share + earlier slots of this block
               -> epoch k // windows, window k % windows   each epoch shifts the windows and visits them in Philox order

So nothing is drawn twice before a group is used up, and no state is kept but n.
"""

from __future__ import annotations

import functools
import hashlib
import json
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.contracts.errors import CorpusError, file_error
from export.training.files import make_folder, write_atomically
from export.training.tokenizer import END_OF_TEXT, END_OF_TEXT_ID, TextTokenizer

BLOCK = 1000  # positions in which every group appears exactly by its share
_PACK_VERSION = 1
_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can spell one alone, UTF-8 cannot


@dataclass(frozen=True)
class Group:
    """One [[corpus.group]] of a recipe: files of one kind of text."""

    name: str
    weight: float
    files: tuple[Path, ...]
    heldout: tuple[Path, ...] = ()
    language: str = ""
    licence: str = ""
    description: str = ""


def read_documents(path: Path) -> Iterator[str]:
    """Texts of a .jsonl(.xz) file (key "text"), or of a .txt file whose documents end with a line <|endoftext|>."""
    try:
        if path.name.endswith((".jsonl.xz", ".jsonl")):
            opener: Any = lzma.open if path.suffix == ".xz" else open
            with opener(path, "rt", encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, 1):
                    yield _text_of(path, number, line)
        elif path.suffix == ".txt":
            for part in path.read_text(encoding="utf-8-sig").split(END_OF_TEXT):
                if part.strip():
                    yield part.strip("\n")
        else:
            raise CorpusError(f"{path} is neither .jsonl.xz, .jsonl nor .txt; convert it to one of these")
    except OSError as error:
        raise CorpusError(
            f"cannot read training text {path}: {error.strerror or error}; check the recipe's folder"
        ) from error
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is damaged, or not written in UTF-8 ({error.reason}); copy it again or save it as UTF-8"
        ) from error
    except (lzma.LZMAError, EOFError) as error:
        raise CorpusError(f"{path} is damaged ({error}); copy it again") from error


def _text_of(path: Path, number: int, line: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if not isinstance(text, str):
        raise CorpusError(f'{path}, line {number}: not a JSON record with a "text"; correct or remove the line')
    if not text.isascii() and _SURROGATE.search(text):
        raise CorpusError(f"{path}, line {number}: half of a surrogate pair, no character; correct or remove the line")
    return text


def sample_texts(groups: Sequence[Group], characters: int, seed: int) -> Iterator[tuple[str, str]]:
    """(group name, text) until each group gave its share of `characters` or all it has; order from the seed."""
    total = sum(group.weight for group in groups)
    if total <= 0:
        raise CorpusError("all groups weigh 0, so none gives text for the tokenizer; give one a weight above 0")
    for index, group in enumerate(groups):
        documents = [text for path in group.files for text in read_documents(path)]
        left = characters * group.weight / total
        for position in _philox(seed, 3, index).permutation(len(documents)):
            if left <= 0:
                break
            text = documents[position][: int(left) + 1]
            left -= len(text)
            yield group.name, text


@dataclass(frozen=True)
class PackedGroup:
    """A group's training tokens on disk: END_OF_TEXT, document, END_OF_TEXT, document, …, END_OF_TEXT."""

    group: Group
    tokens: np.ndarray[Any, Any]  # memory-mapped, uint16 or uint32


def pack(group: Group, tokenizer: TextTokenizer, cache: Path) -> PackedGroup:
    """The packed group; made on first use, found again by the digest of tokenizer and source files."""
    digest = hashlib.sha256(f"{_PACK_VERSION}".encode() + tokenizer.model)
    for path in group.files:
        digest.update(_file_digest(path))
    data = cache / f"{group.name}-{digest.hexdigest()[:16]}.tokens"
    kind = np.dtype("<u2" if tokenizer.vocabulary <= 65536 else "<u4")
    if not data.exists():
        pieces = [np.array([END_OF_TEXT_ID], kind)]
        for path in group.files:
            pieces += [np.array([*tokenizer.encode(text), END_OF_TEXT_ID], kind) for text in read_documents(path)]
        if len(pieces) == 1:
            raise CorpusError(f"group {group.name} has no documents; correct its files or remove it")
        make_folder(cache, "the folder for packed text")
        write_atomically(data, np.concatenate(pieces).tobytes())
    return PackedGroup(group, _mapped(data, kind))


def _mapped(data: Path, kind: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The tokens of a packed file, left on the disk; one that was cut off or overwritten is refused."""
    try:
        tokens = np.memmap(data, dtype=kind, mode="r")
    except OSError as error:
        raise file_error(error, f"read packed text {data}") from error
    except ValueError:  # empty, or not whole tokens
        tokens = None
    if tokens is None or tokens[0] != END_OF_TEXT_ID or tokens[-1] != END_OF_TEXT_ID:
        raise CorpusError(f"packed text {data} is damaged; remove the file, and it is made again")
    return tokens


def _file_digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise CorpusError(f"cannot read training text {path}: {error.strerror}; check the recipe's folder") from error


class Sampler:
    """Windows of one stage: position n -> `length` + 1 tokens, the same on every run and machine."""

    def __init__(
        self, packed: Sequence[PackedGroup], weights: dict[str, float], length: int, seed: int, stage: int
    ) -> None:
        self._packed = [item for item in packed if weights.get(item.group.name, item.group.weight) > 0]
        self._length, self._seed, self._stage = length, seed, stage
        shares = [weights.get(item.group.name, item.group.weight) for item in self._packed]
        self._shares = slots_by_share(shares, BLOCK)
        for item in self._packed:
            if len(item.tokens) < length + 2:
                raise CorpusError(
                    f"group {item.group.name} has {len(item.tokens)} tokens, fewer than one window of {length}; "
                    "add text, shorten the windows or set its weight to 0"
                )
        self._block_order = functools.lru_cache(maxsize=2)(self._make_block_order)
        self._windows = functools.lru_cache(maxsize=2 * len(self._packed))(self._make_windows)

    def window(self, position: int) -> tuple[int, np.ndarray[Any, Any]]:
        """(group index, int64 tokens of shape (length + 1,))."""
        block, slot = divmod(position, BLOCK)
        order, ranks = self._block_order(block)
        group = int(order[slot])
        draw = block * self._shares[group] + int(ranks[slot])
        tokens = self._packed[group].tokens
        # The last windows of an epoch may not fit behind the epoch's shift, so one window less is counted.
        count = max(1, (len(tokens) - 1) // self._length - 1)
        epoch, index = divmod(draw, count)
        shift, starts = self._windows(group, epoch, count)
        start = int(starts[index]) * self._length + shift
        return group, np.asarray(tokens[start : start + self._length + 1], dtype=np.int64)

    def batch(self, position: int, rows: int) -> np.ndarray[Any, Any]:
        """Windows `position` to `position + rows`, (rows, length + 1)."""
        return np.stack([self.window(position + row)[1] for row in range(rows)])

    def _make_block_order(self, block: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        slots = np.repeat(np.arange(len(self._shares)), self._shares)
        order = _philox(self._seed, 1, self._stage, block).permutation(slots)
        ranks = np.zeros(BLOCK, dtype=np.int64)
        for group in range(len(self._shares)):
            mine = order == group
            ranks[mine] = np.arange(int(mine.sum()))
        return order, ranks

    def _make_windows(self, group: int, epoch: int, count: int) -> tuple[int, np.ndarray[Any, Any]]:
        random = _philox(self._seed, 2, self._stage, group, epoch)
        room = len(self._packed[group].tokens) - (count * self._length + 1)
        return int(random.integers(0, min(room, self._length) + 1)), random.permutation(count)


def slots_by_share(weights: Sequence[float], slots: int) -> list[int]:
    """Whole numbers that add up to `slots`, by weight (largest remainder), at least 1 each."""
    if not weights or min(weights) <= 0 or len(weights) > slots:
        raise CorpusError("no group has a weight above 0; give at least one group of the recipe a weight")
    exact = [1 + (slots - len(weights)) * weight / sum(weights) for weight in weights]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], i))
    for index in by_remainder[: slots - sum(counts)]:
        counts[index] += 1
    return counts


def _philox(seed: int, *purpose: int) -> np.random.Generator:
    # SeedSequence mixes the whole tuple into Philox's key: one independent stream for each purpose.
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *purpose])))
