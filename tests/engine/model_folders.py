"""Model folders for tests that never run a graph: a true manifest over a few made-up files."""

import hashlib
from pathlib import Path

from engine.contracts.manifest import MANIFEST_NAME, CacheLayout, FileEntry, GraphEntry, Manifest, TokenizerEntry


def write_model_folder(folder: Path, name: str = "Tiny", weights: bytes = b"graph" * 1000) -> Path:
    """A folder that passes every check of the library (not of the engine: its graph is no ONNX)."""
    files = {"decoder.onnx": weights, "tokenizer.model": b"pieces", "parts/more.bin": "下一笔".encode()}
    for file_name, content in files.items():
        (folder / file_name).parent.mkdir(parents=True, exist_ok=True)
        (folder / file_name).write_bytes(content)
    manifest = Manifest(
        id="tiny",
        name=name,
        family="nextstroke",
        config={},
        precision={"attention": "int8", "mlp": "int8", "cache": "fp32"},
        context_length=64,
        vocabulary_size=300,
        special_tokens={"end_of_text": 0},
        languages=("en", "zh"),
        licence="Apache-2.0",
        source={},
        files=tuple(FileEntry(n, len(c), hashlib.sha256(c).hexdigest()) for n, c in files.items()),
        graphs=(GraphEntry("decoder", "decoder.onnx"),),
        cache=CacheLayout(1, 1, 8, "float32"),
        tokenizer=TokenizerEntry("sentencepiece", "tokenizer.model"),
        certificate={},
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return folder
