"""Which program wrote a model folder, and the reader for its layout.

    FOLDER                        onnxruntime-genai (genai_config.json), else transformers.js / optimum (config.json)
    FOLDER/onnx/model_q4.onnx     that variant of the folder

For: opening folders. Knows: the two layouts. Must not know: the engine's own folders, hashes, ONNX Runtime.
"""

from __future__ import annotations

from pathlib import Path

from engine.layouts.foreign import Foreign
from engine.layouts.genai import graph_name, is_genai, read_genai
from engine.layouts.place import Place
from engine.layouts.transformers_js import CONFIG_NAME, GRAPHS_FOLDER, is_transformers_js, read_transformers_js

GRAPH_SUFFIX = ".onnx"


def read_foreign(path: Path) -> Foreign | None:
    """The folder or the graph of one; None where no known program wrote it. Raises `ModelFolderError`."""
    if path.suffix == GRAPH_SUFFIX and path.is_file():
        return _read_variant(path)
    place = Place(path)
    if is_genai(place):
        return read_genai(place)
    return read_transformers_js(place) if is_transformers_js(place) else None


def newest_change(path: Path) -> int:
    """When the folder's configuration or graph changed last, in nanoseconds; 0 where there is none."""
    times = [0]
    for name in ("", "genai_config.json", CONFIG_NAME):
        file = path / name
        if file.is_file():
            times.append(file.stat().st_mtime_ns)
    return max(times)


def _read_variant(path: Path) -> Foreign | None:
    parent = Place(path.parent)
    if is_genai(parent) and graph_name(parent) == path.name:
        return read_genai(parent)
    for place in (parent, Place(path.parent.parent)):
        if place.has(CONFIG_NAME) and (place is parent or path.parent.name == GRAPHS_FOLDER):
            return read_transformers_js(place, path.relative_to(place.root).as_posix())
    return None
