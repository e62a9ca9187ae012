"""Tiny model folders and tokenizers, built in code from explicit seeds.

For: every test that needs a model. Knows: the manifest and the tiny graph. Must not know: the export side.
"""

import functools
import hashlib
import io
import random
from collections.abc import Iterable
from pathlib import Path

import onnx
import sentencepiece

from engine.contracts.manifest import (
    MANIFEST_NAME,
    CacheLayout,
    FileEntry,
    GraphEntry,
    Manifest,
    TokenizerEntry,
)
from tests.support.tiny_graph import TinyShape, Weights, tiny_graph, tiny_weights

END_OF_TEXT_PIECE = "<|endoftext|>"
END_OF_TEXT = 0
_ENGLISH = ("the", "cat", "sat", "on", "a", "mat", "and", "saw", "two", "dogs", "run", "far", "away", "from", "home")
_CHINESE = "从前有一个小孩子他很高兴。，"


@functools.cache
def tiny_tokenizer_bytes(vocabulary: int = 420) -> bytes:
    """A SentencePiece model with the settings of the bundled one, trained on made-up sentences."""
    words = random.Random(1)
    lines = [" ".join(words.choices(_ENGLISH, k=8)) for _ in range(200)]
    lines += ["".join(words.choices(_CHINESE, k=12)) for _ in range(200)]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=written,
        vocab_size=vocabulary,
        hard_vocab_limit=False,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=["\n"],
        eos_id=END_OF_TEXT,
        eos_piece=END_OF_TEXT_PIECE,
        unk_id=1,
        bos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


def write_tiny_model(
    folder: Path,
    shape: TinyShape | None = None,
    seed: int = 1,
    *,
    special_tokens: dict[str, int] | None = None,
    weights: Weights | None = None,
    name: str = "tiny",
    tokenizer: bytes | None = None,
) -> Manifest:
    """Write a whole model folder with a decoder, a tokenizer and a manifest whose hashes are right."""
    shape = shape or TinyShape()
    weights = weights or tiny_weights(shape, seed)
    folder.mkdir(parents=True)
    onnx.save(tiny_graph(shape, weights), folder / "decoder.onnx")
    (folder / "tokenizer.model").write_bytes(tokenizer or tiny_tokenizer_bytes())
    manifest = Manifest(
        id=name,
        name=name,
        family="tiny",
        config={"seed": seed},
        precision={"weights": "fp32", "cache": "fp32" if shape.cache == "float32" else shape.cache},
        context_length=shape.context,
        vocabulary_size=shape.vocabulary,
        special_tokens={"end_of_text": END_OF_TEXT} if special_tokens is None else special_tokens,
        languages=("en", "zh"),
        licence="Apache-2.0",
        source={"family": "tiny", "files": []},
        files=tuple(file_entries(folder, ("decoder.onnx", "tokenizer.model"))),
        graphs=(GraphEntry("decoder", "decoder.onnx"),),
        cache=CacheLayout(shape.layers, shape.kv_heads, shape.head_size, shape.cache),
        tokenizer=TokenizerEntry("sentencepiece", "tokenizer.model"),
        certificate={},
        uses_position_ids=shape.learned_positions,
    )
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `nextstroke.json`."""
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")


def file_entries(folder: Path, names: Iterable[str]) -> list[FileEntry]:
    """Entries with the sizes and hashes that the files have now."""
    contents = ((name, (folder / name).read_bytes()) for name in names)
    return [FileEntry(name, len(content), hashlib.sha256(content).hexdigest()) for name, content in contents]
