"""What a model folder says of itself: `nextstroke.json`, read and checked before anything else is opened.

    nextstroke.json = canonical JSON of the fields below + "sha256" of that canonical form without "sha256"

Canonical form: UTF-8 JSON, keys sorted, separators "," and ":", no escapes but JSON's own. Paths are relative, use "/",
and stay inside the folder. A reader refuses a major version it does not know; a minor version only adds fields.
Knows the schema; must not know how files are opened or hashed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any

from engine.contracts.errors import ModelFolderError, UsageError
from engine.contracts.plain_fields import wrong_field
from engine.contracts.tasks import TaskFormat, read_tasks

MANIFEST_NAME = "nextstroke.json"
FORMAT = "nextstroke-model"
FORMAT_VERSION = "1.3"  # 1.1: tasks; 1.2: a cache that is joined, a graph for prompts; 1.3: n-grams
CERTIFICATE_NAME = "certificate.json"
MODEL_CARD_NAME = "MODEL_CARD.md"
GENAI_CONFIG_NAME = "genai_config.json"

DECODER, PREFILL = "decoder", "prefill"  # roles of graphs
END_OF_TEXT = "end_of_text"  # the one special token that every model has
CONTEXT_LIMIT = 2**22  # tokens; a larger one is a mistake, and buffers of its length would fill the memory
PRECISIONS = ("fp32", "fp16", "int8", "int4")


@dataclass(frozen=True)
class FileEntry:
    """One file of the folder: relative name, size in bytes, SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class GraphEntry:
    """One ONNX graph: its role and its file.

    "decoder" can run everything; "prefill" runs prompts faster, over the same cache; "inspect" explains.
    """

    role: str
    file: str


@dataclass(frozen=True)
class CacheLayout:
    """The K/V buffers: (batch, kv_heads, buffer, head_size) of `dtype` ("float32", "float16" or "int8") per layer.

    `joined`: the graph does not write into the buffers that it is given, but answers with new tensors, in which past
    and new positions are joined. So do graphs that other programs have made.
    """

    layers: int
    kv_heads: int
    head_size: int
    dtype: str
    joined: bool = False


@dataclass(frozen=True)
class TokenizerEntry:
    """Which tokenizer file, and of which kind: "sentencepiece" or "tokenizers"."""

    kind: str
    file: str


@dataclass(frozen=True)
class Manifest:
    """The whole manifest. `config` is a configuration as plain data; the engine decides nothing by a model's name."""

    id: str
    name: str
    family: str
    config: Mapping[str, Any]
    precision: Mapping[str, str]  # tensor group ("embedding", "attention", "mlp", "head", "cache") -> precision
    context_length: int
    vocabulary_size: int
    special_tokens: Mapping[str, int]
    languages: tuple[str, ...]
    licence: str
    source: Mapping[str, Any]  # family, and name + SHA-256 of each source file
    files: tuple[FileEntry, ...]
    graphs: tuple[GraphEntry, ...]
    cache: CacheLayout
    tokenizer: TokenizerEntry
    certificate: Mapping[str, Any]  # summary in figures; the whole is certificate.json
    prompt_roles: Mapping[str, str] = field(default_factory=dict)
    uses_position_ids: bool = False
    tasks: tuple[TaskFormat, ...] = ()  # what the model was trained for, beside going on with a text
    ngrams: str = ""  # file of what came behind the last few tokens in the training text (`ngram_format`)
    format: str = FORMAT
    format_version: str = FORMAT_VERSION

    def graph(self, role: str) -> str | None:
        """File name of the graph with that role."""
        return next((graph.file for graph in self.graphs if graph.role == role), None)

    @property
    def end_of_text(self) -> int:
        """Id of the token that ends a text."""
        return self.special_tokens[END_OF_TEXT]

    @property
    def is_own(self) -> bool:
        """Whether this program's exporter wrote the folder: others' have a layout in their source, no certificate."""
        return "layout" not in self.source

    def digest(self) -> str:
        """SHA-256 of the canonical form: names this exact folder content in records."""
        return hashlib.sha256(canonical_json(self._plain())).hexdigest()

    def to_json(self) -> str:
        """The text of `nextstroke.json`."""
        plain = self._plain()
        plain["sha256"] = self.digest()
        return json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=True) + "\n"

    def _plain(self) -> dict[str, Any]:
        plain = asdict(self)
        if not self.tasks:  # folders of version 1.0 have none, and keep the digest that records name them by
            del plain["tasks"]
        if not self.cache.joined:  # as they have no such cache
            del plain["cache"]["joined"]
        if not self.ngrams:
            del plain["ngrams"]
        return plain


def canonical_json(plain: Mapping[str, Any]) -> bytes:
    """The canonical form of plain data, for hashing."""
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def read_manifest(text: str) -> Manifest:
    """Parse and check `nextstroke.json`. Raises `ModelFolderError` naming what is wrong."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(f"is not JSON ({error})") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise _refusal("does not describe a Nextstroke model")
    _check_version(plain.get("format_version"))
    claimed = plain.pop("sha256", None)
    try:
        manifest = _from_plain(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _refusal(f"lacks or misspells a field ({error})") from error
    if claimed != hashlib.sha256(canonical_json(plain)).hexdigest():
        raise _refusal("was changed after it was written (its own SHA-256 differs)")
    _check(manifest)
    return manifest


def is_safe_name(name: str) -> bool:
    """Whether a relative path stays inside its folder on every operating system."""
    path = PurePosixPath(name)
    parts = path.parts
    stays_inside = bool(parts) and not path.is_absolute() and ".." not in parts
    return stays_inside and name.isprintable() and not set(name) & {"\\", ":"}


def _from_plain(plain: Mapping[str, Any]) -> Manifest:
    known = {entry.name for entry in fields(Manifest)}
    values: dict[str, Any] = {name: value for name, value in plain.items() if name in known}
    values["files"] = tuple(FileEntry(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in plain["files"])
    values["graphs"] = tuple(GraphEntry(str(g["role"]), str(g["file"])) for g in plain["graphs"])
    values["cache"] = CacheLayout(**plain["cache"])
    values["tokenizer"] = TokenizerEntry(**plain["tokenizer"])
    values["languages"] = tuple(str(language) for language in plain["languages"])
    values["special_tokens"] = {str(name): int(token) for name, token in plain["special_tokens"].items()}
    try:
        values["tasks"] = read_tasks(plain.get("tasks", ()))
    except UsageError as error:
        raise _refusal(f"has an impossible task ({error})") from error
    return Manifest(**values)


def _check_version(version: object) -> None:
    if not isinstance(version, str) or "." not in version:
        raise _refusal("has no format version")
    if version.split(".")[0] != FORMAT_VERSION.split(".")[0]:
        raise ModelFolderError(
            f"{MANIFEST_NAME} has format version {version}, this program knows {FORMAT_VERSION}; update the program"
        )


def _check(manifest: Manifest) -> None:
    problem = wrong_field(Manifest, vars(manifest)) or wrong_field(CacheLayout, vars(manifest.cache))
    if problem or not all(isinstance(value, str) for value in manifest.precision.values()):
        raise _refusal(f"misspells a field ({problem or 'a precision is no text'})")
    listed = {entry.name for entry in manifest.files}
    needed = {graph.file for graph in manifest.graphs} | {manifest.tokenizer.file}
    needed |= {manifest.ngrams} - {""}
    for name in sorted(listed | needed):
        if not is_safe_name(name):
            raise ModelFolderError(
                f"{MANIFEST_NAME} names the file {name!r:.80}, which lies outside the folder; do not use this folder"
            )
    if not needed <= listed:
        raise _refusal(f"does not list the files it needs: {', '.join(sorted(needed - listed))}")
    if manifest.graph("decoder") is None:
        raise _refusal("names no decoder graph")
    sizes = (manifest.context_length, manifest.vocabulary_size, manifest.cache.layers, manifest.cache.kv_heads)
    if not all(0 < size < 2**31 for size in (*sizes, manifest.cache.head_size)) or sizes[0] > CONTEXT_LIMIT:
        raise _refusal("has an impossible size")
    if manifest.cache.dtype not in ("float32", "float16", "int8"):
        raise _refusal(f"asks for a {manifest.cache.dtype} cache, which this program does not know")
    if not 0 <= manifest.special_tokens.get(END_OF_TEXT, -1) < manifest.vocabulary_size:
        raise _refusal("has no valid end-of-text token")


def _refusal(problem: str) -> ModelFolderError:
    return ModelFolderError(f"{MANIFEST_NAME} {problem}; fetch or export the model folder again")
