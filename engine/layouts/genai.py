"""Folders that onnxruntime-genai's model builder writes.

    genai_config.json      model: type, context_length, eos_token_id, vocab_size, decoder (file, sizes, names of inputs)
    model.onnx (+ .data)   one decoder
    tokenizer.json

Knows: that configuration. Must not know: how a graph is run, hashes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts import graph_io
from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import GENAI_CONFIG_NAME
from engine.layouts.foreign import Foreign, Words, describe, ends_in, whole_number
from engine.layouts.place import Place

LAYOUT = "onnxruntime-genai"
_OTHER_PARTS = ("encoder", "embedding", "vision", "speech")
_NAMES = {
    "input_ids": graph_io.INPUT_IDS,
    "attention_mask": graph_io.ATTENTION_MASK,
    "position_ids": graph_io.POSITION_IDS,
    "past_key_names": "past_key_values.%d.key",
    "past_value_names": "past_key_values.%d.value",
    "present_key_names": "present.%d.key",
    "present_value_names": "present.%d.value",
    "logits": graph_io.LOGITS,
}


def is_genai(place: Place) -> bool:
    """Whether the folder is of this layout."""
    return place.has(GENAI_CONFIG_NAME)


def read_genai(place: Place) -> Foreign:
    """What the folder holds. Raises `ModelFolderError`."""
    model = _part(place.json(GENAI_CONFIG_NAME), "model", place)
    decoder = _part(model, "decoder", place)
    _check_parts(place, model, decoder)
    _check_names(place, decoder)
    graph = decoder.get("filename")
    if not isinstance(graph, str):
        raise _refusal(place, "names no graph; fetch or export the model again")
    words = Words(
        layout=LAYOUT,
        family=str(model.get("type", "")) or "decoder",
        graph=graph,
        variant="",
        context_length=whole_number(model.get("context_length")),
        sizes={
            "kv_heads": whole_number(decoder.get("num_key_value_heads")),
            "head_size": whole_number(decoder.get("head_size")),
            "vocabulary_size": whole_number(model.get("vocab_size")),
        },
        ends=ends_in(model.get("eos_token_id")),
    )
    return describe(place, words)


def graph_name(place: Place) -> str:
    """The file that the configuration names, "" where it names none."""
    model = place.json(GENAI_CONFIG_NAME).get("model")
    decoder = model.get("decoder") if isinstance(model, dict) else None
    name = decoder.get("filename") if isinstance(decoder, dict) else None
    return name if isinstance(name, str) else ""


def _check_parts(place: Place, model: Mapping[str, Any], decoder: Mapping[str, Any]) -> None:
    other = next((name for name in _OTHER_PARTS if model.get(name)), None)
    if other is not None:
        raise _refusal(place, f"describes a model with a part for {other}; this program runs decoders of text alone")
    if decoder.get("pipeline"):
        raise _refusal(place, "describes a decoder in several graphs; export it as one graph for the processor")
    if isinstance(decoder.get("sliding_window"), dict):
        raise _refusal(
            place,
            "describes a cache that forgets what lies behind a sliding window, and this program goes back in texts; "
            "take a model without one",
        )


def _check_names(place: Place, decoder: Mapping[str, Any]) -> None:
    for part in ("inputs", "outputs"):
        named = decoder.get(part)
        for role, name in (named if isinstance(named, dict) else {}).items():
            wanted = _NAMES.get(role)
            if wanted is not None and name != wanted:
                raise _refusal(place, f"names {role} {name!r:.60} instead of {wanted}; export the model again")


def _part(parent: Mapping[str, Any], name: str, place: Place) -> Mapping[str, Any]:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise _refusal(place, f"has no part {name}; fetch or export the model again")
    return found


def _refusal(place: Place, problem: str) -> ModelFolderError:
    return ModelFolderError(f"{GENAI_CONFIG_NAME} in {place.root} {problem}")
