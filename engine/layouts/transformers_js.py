"""Folders for transformers.js, as optimum exports them.

    config.json                    model_type, sizes, eos_token_id
    tokenizer.json
    onnx/model.onnx                or decoder_model_merged.onnx, or beside config.json
    onnx/model_q4.onnx …           the same in other precisions, each a variant

Of several variants the most exact one is taken: `VARIANTS` is the order. Another is chosen by naming its file instead
of the folder. Knows: that configuration and those names. Must not know: how a graph is run, hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from engine.contracts.errors import ModelFolderError
from engine.layouts.foreign import Foreign, Words, describe, ends_in, whole_number
from engine.layouts.place import Place

LAYOUT = "transformers.js"
CONFIG_NAME = "config.json"
GRAPHS_FOLDER = "onnx"
# transformers.js' suffixes, the most exact first.
VARIANTS = ("", "fp16", "int8", "uint8", "quantized", "q8", "q4", "q4f16", "bnb4", "q2", "q2f16", "q1", "q1f16")
_STEMS = ("model", "decoder_model_merged")
_CONTEXTS = ("max_position_embeddings", "n_positions", "n_ctx", "seq_length", "max_sequence_length", "max_seq_len")
_HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", *_HEADS)
_WIDTHS = ("hidden_size", "n_embd", "d_model")


def is_transformers_js(place: Place) -> bool:
    """Whether the folder is of this layout."""
    return place.has(CONFIG_NAME) and bool(graphs(place))


def graphs(place: Place) -> list[tuple[str, str]]:
    """(file name, variant) of every graph that can be chosen, in the order of preference."""
    return [
        (name, variant)
        for variant in VARIANTS
        for folder in (f"{GRAPHS_FOLDER}/", "")
        for stem in _STEMS
        if place.has(name := f"{folder}{stem}{'_' if variant else ''}{variant}.onnx")
    ]


def read_transformers_js(place: Place, graph: str | None = None) -> Foreign:
    """What the folder holds; `graph` names the file of the wanted variant. Raises `ModelFolderError`."""
    config = _text_part(place)
    name, variant = (graph, _variant_of(graph)) if graph is not None else graphs(place)[0]
    generation = place.json("generation_config.json") if place.has("generation_config.json") else {}
    heads = _first(config, _HEADS)
    words = Words(
        layout=LAYOUT,
        family=str(config.get("model_type", "")) or "decoder",
        graph=name,
        variant=variant,
        context_length=_first(config, _CONTEXTS),
        sizes={
            "kv_heads": _first(config, _KV_HEADS),
            "head_size": whole_number(config.get("head_dim"), _first(config, _WIDTHS) // max(heads, 1)),
            "vocabulary_size": whole_number(config.get("vocab_size")),
        },
        ends=ends_in(generation.get("eos_token_id"), config.get("eos_token_id")),
    )
    return describe(place, words)


def _text_part(place: Place) -> Mapping[str, Any]:
    config = place.json(CONFIG_NAME)
    if config.get("is_encoder_decoder"):
        raise ModelFolderError(
            f"{CONFIG_NAME} in {place.root} describes an encoder with a decoder; this program runs decoders alone"
        )
    return config


def _variant_of(graph: str) -> str:
    stem = PurePosixPath(graph).stem
    return next((stem.removeprefix(f"{known}_") for known in _STEMS if stem.startswith(f"{known}_")), "")


def _first(config: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return whole_number(*(config.get(name) for name in names))
