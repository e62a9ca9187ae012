"""What a dropped or named path is: a text (or a document of ours), a model folder, a checkpoint.

Knows: names of files. Must not know: what is in them, or what happens next.
"""

from __future__ import annotations

from pathlib import Path

TEXT, MODEL_FOLDER, CHECKPOINT, UNKNOWN_FOLDER = "text", "model_folder", "checkpoint", "unknown_folder"

_MODEL_MARKS = ("nextstroke.json", "genai_config.json", "onnx", "model.onnx", "decoder_model_merged.onnx")
_GRAPH_SUFFIX = ".onnx"  # one variant of a folder that another program wrote
_CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")


def kind_of(path: Path) -> str:
    """One of the kinds above. Whatever is no folder and no checkpoint is tried as a text."""
    if path.suffix.lower() == _GRAPH_SUFFIX and path.is_file():
        return MODEL_FOLDER
    if not path.is_dir():
        return CHECKPOINT if path.suffix.lower() in _CHECKPOINT_SUFFIXES else TEXT
    if any((path / mark).exists() for mark in _MODEL_MARKS):
        return MODEL_FOLDER
    return CHECKPOINT if _holds_checkpoint(path) else UNKNOWN_FOLDER


def _holds_checkpoint(folder: Path) -> bool:
    if not any((folder / name).exists() for name in ("config.json", "checkpoint.json")):
        return (folder / "ckpt.pt").exists()
    return any(entry.suffix.lower() in _CHECKPOINT_SUFFIXES for entry in folder.iterdir())
