"""A model folder that another program wrote, told in the manifest's terms.

For: opening folders. Knows: the manifest, and what the two known layouts have in common: one graph, a tokenizer, files
beside them. Must not know: hashes, ONNX Runtime, or how either layout names things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import (
    CONTEXT_LIMIT,
    END_OF_TEXT,
    FileEntry,
    GraphEntry,
    Manifest,
    TokenizerEntry,
)
from engine.layouts.graph_facts import GraphFacts, graph_facts
from engine.layouts.place import Place
from engine.layouts.tokenizer_facts import TOKENIZER_FILES, begin_of_text, end_of_text, tokenizer_file

# Kept with the model where they are there, so that the programs that wrote the folder can still open a copy of it.
_COMPANIONS = (
    "config.json",
    "generation_config.json",
    "genai_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    *TOKENIZER_FILES,
)
_UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True)
class Words:
    """What a layout's own configuration says, under the engine's names. `ends`: ids of end-of-text tokens."""

    layout: str
    family: str
    graph: str  # file name, relative to the folder
    variant: str  # "" where the folder holds one graph only
    context_length: int
    sizes: Mapping[str, int]
    ends: tuple[int, ...]
    licence: str = _UNKNOWN_LICENCE


@dataclass(frozen=True)
class Foreign:
    """The folder, the manifest that it would have, and the files that it needs."""

    place: Place
    manifest: Manifest  # without files
    files: tuple[str, ...]


def describe(place: Place, words: Words) -> Foreign:
    """Look at the graph and the tokenizer. Raises `ModelFolderError` where something is missing or unknown."""
    facts = graph_facts(place.file(words.graph), words.sizes)
    kind, tokenizer = tokenizer_file(place)
    files = [words.graph, *_beside(words.graph, facts), *(name for name in _COMPANIONS if place.has(name))]
    for name in files:
        place.file(name)
    if not 0 < words.context_length <= CONTEXT_LIMIT:
        raise ModelFolderError(
            f"{place.root} does not say how many tokens its model sees; add max_position_embeddings to config.json"
        )
    specials = _special_tokens(place, words, facts)
    name = " ".join(place.root.resolve().name.encode("utf-8", "replace").decode("utf-8").split()) or "model"
    manifest = Manifest(
        id=name,
        name=f"{name} ({words.variant})" if words.variant else name,
        family=words.family,
        config={},
        precision={"weights": facts.precision, "cache": {"float32": "fp32", "float16": "fp16"}[facts.cache.dtype]},
        context_length=words.context_length,
        vocabulary_size=facts.vocabulary_size,
        special_tokens=specials,
        languages=(),
        licence=words.licence,
        source={"layout": words.layout, "family": words.family, "graph": words.graph},
        files=(),
        graphs=(GraphEntry("decoder", words.graph),),
        cache=facts.cache,
        tokenizer=TokenizerEntry(kind, tokenizer),
        certificate={},
        uses_position_ids=facts.uses_position_ids,
    )
    return Foreign(place, manifest, tuple(dict.fromkeys(files)))


def entries(sizes: Mapping[str, tuple[int, str]]) -> tuple[FileEntry, ...]:
    """File entries of {name: (bytes, SHA-256)}."""
    return tuple(FileEntry(name, size, digest) for name, (size, digest) in sizes.items())


def ends_in(*found: Any) -> tuple[int, ...]:
    """The first of several configurations' "eos_token_id" that says something: one id, or a list of them."""
    for value in found:
        ids = value if isinstance(value, list) else [value]
        if ids and all(type(token) is int and token >= 0 for token in ids):
            return tuple(ids)
    return ()


def whole_number(*found: Any) -> int:
    """The first of several values that is a whole number above zero, else 0."""
    return next((value for value in found if type(value) is int and value > 0), 0)


def _special_tokens(place: Place, words: Words, facts: GraphFacts) -> dict[str, int]:
    ends = [token for token in words.ends if token < facts.vocabulary_size]
    if not ends:
        ends = [token for token in end_of_text(place) if token < facts.vocabulary_size]
    if not ends:
        raise ModelFolderError(
            f"{place.root} does not say which token ends a text; add eos_token_id to its configuration"
        )
    specials = {END_OF_TEXT if number == 0 else f"{END_OF_TEXT}_{number + 1}": end for number, end in enumerate(ends)}
    begin = begin_of_text(place)
    return specials if begin is None else specials | {"begin_of_text": begin}


def _beside(graph: str, facts: GraphFacts) -> list[str]:
    """The graph's files of weights, relative to the model folder."""
    parent = PurePosixPath(graph).parent
    return [str(parent / name) for name in facts.external_files]
