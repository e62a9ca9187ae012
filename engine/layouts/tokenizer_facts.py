"""Which tokenizer a foreign folder brings, and which control tokens its own programs would add.

For: the readers of foreign layouts. Knows: tokenizer.json and tokenizer_config.json of the `tokenizers` library.
Must not know: that library itself, graphs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts.errors import ModelFolderError
from engine.layouts.place import Place

_JSON, _SENTENCEPIECE, _CONFIG = "tokenizer.json", "tokenizer.model", "tokenizer_config.json"
TOKENIZER_FILES = (_JSON, _SENTENCEPIECE)


def tokenizer_file(place: Place) -> tuple[str, str]:
    """(kind, file name). Raises `ModelFolderError` where there is none."""
    for kind, name in (("tokenizers", _JSON), ("sentencepiece", _SENTENCEPIECE)):
        if place.has(name):
            return kind, name
    raise ModelFolderError(
        f"{place.root} has no tokenizer.json and no tokenizer.model, so its tokens mean nothing; "
        "fetch the model's tokenizer into the folder"
    )


def begin_of_text(place: Place) -> int | None:
    """The token that a tokenizer.json puts before every text (its post-processor says so), if it does."""
    if not place.has(_JSON):
        return None
    for processor in _flat(place.json(_JSON).get("post_processor"), "processors"):
        template = processor.get("single")
        first = template[0] if isinstance(template, list) and template else None
        if isinstance(first, dict) and isinstance(first.get("SpecialToken"), dict):
            return _template_id(processor, first["SpecialToken"].get("id"))
    return None


def end_of_text(place: Place) -> tuple[int, ...]:
    """The token that tokenizer_config.json names as the end, if it does."""
    if not (place.has(_CONFIG) and place.has(_JSON)):
        return ()
    named = place.json(_CONFIG).get("eos_token")
    spelling = named.get("content") if isinstance(named, dict) else named
    for added in _flat(place.json(_JSON).get("added_tokens"), ""):
        if spelling is not None and added.get("content") == spelling and type(added.get("id")) is int:
            return (added["id"],)
    return ()


def _template_id(processor: Mapping[str, Any], name: object) -> int | None:
    tokens = processor.get("special_tokens")
    entry = tokens.get(name) if isinstance(tokens, dict) and isinstance(name, str) else None
    ids = entry.get("ids") if isinstance(entry, dict) else None
    return ids[0] if isinstance(ids, list) and len(ids) == 1 and type(ids[0]) is int and ids[0] >= 0 else None


def _flat(found: object, inner: str) -> list[Mapping[str, Any]]:
    """Objects of a list, or one object with a list of others in its field `inner`."""
    if isinstance(found, dict):
        parts = found.get(inner)
        return [found, *_flat(parts, inner)] if isinstance(parts, list) else [found]
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
