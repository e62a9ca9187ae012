"""A recipe: everything that decides a training run, read from TOML and checked before anything starts.

For: the trainer and its commands.
Knows: the tables [model], [tokenizer], [training], [[stage]], [corpus] and their settings; the list of tasks;
`--set key=value`.
Must not know: torch, files of text (it only names them), which values make sense (`recipe_checks`).
"""

from __future__ import annotations

import dataclasses
import math
import re
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.contracts.errors import CheckpointError, RecipeError, UsageError, file_error
from engine.contracts.tasks import TaskFormat, read_tasks, task_named
from export.model.recurrent_config import AnyConfig, read_config
from export.ngrams.settings import NgramSettings
from export.tasks.formats import known_tasks
from export.training.corpus import Group
from export.training.recipe_checks import check
from export.training.size_dial import dialled
from export.training.tokenizer import TokenizerSettings

_GROUP_WORDS = ("language", "licence", "description")


@dataclass(frozen=True)
class TrainingSettings:
    """The [training] table."""

    tokens: int  # the whole run; may be changed when it is resumed, the decay moves with it
    seed: int = 1
    batch_tokens: int = 8192  # tokens in one optimizer step
    microbatch_tokens: int = 4096  # tokens in one forward and backward; gradients are added up
    optimizer: str = "muon"  # of the matrices inside the layers: muon or adamw
    muon_rate: float = 0.02  # of what Muon moves
    adam_rate: float = 4e-3  # of what AdamW moves: embeddings, norms, biases, or everything
    weight_decay: float = 0.01  # of the matrices inside the layers
    clip: float = 1.0
    warmup_tokens: int = 100_000
    decay_tokens: int = 1_000_000
    final_rate: float = 0.0  # share of the peak rate that is left at the end
    device: str = "auto"
    autocast: str = "auto"  # float32, bfloat16, or by device: on a CPU by a measurement at the start (precision.py)
    compile: bool = False
    threads: int = 0  # inside one operation; 0 = as many as the machine has
    workers: int = 1  # threads that take whole microbatches; on a CPU, the number of cores
    evaluate_every_tokens: int = 1_000_000
    evaluation_bytes: int = 20_000  # of each held-out group while training; the final evaluation reads everything
    samples_every_tokens: int = 1_000_000
    sample_tokens: int = 120
    prompts: tuple[str, ...] = ("Once upon a time", "从前有一个")
    log_every_steps: int = 10
    checkpoint_minutes: float = 10.0
    checkpoints_kept: int = 2


@dataclass(frozen=True)
class DistributedSettings:
    """The [distributed] table; it matters only where several processes were started."""

    strategy: str = "ddp"  # or "fsdp": weights, gradients and optimizer state shared out instead of copied


@dataclass(frozen=True)
class Stage:
    """One [[stage]]: a window length and, where given, its own weights. One stage without `tokens` takes the rest."""

    name: str = ""
    length: int = 512
    tokens: int = 0
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class DistillationSettings:
    """The optional [distillation] table, which `nextstroke distill` reads and `nextstroke train` passes over."""

    temperature: float = 1.0  # of both distributions: above 1, improbable tokens count for more
    mix: float = 0.5  # share of the teacher's distribution in the loss; the rest is the text's next token
    teacher: str = ""  # written by the run: what taught it, and the digest of that
    teacher_sha256: str = ""


@dataclass(frozen=True)
class StartSettings:
    """The optional [start] table: a checkpoint or a model folder whose weights, grown where [model] is larger, a run
    begins with.
    """

    checkpoint: str = ""
    name: str = ""  # written by the run: what it was, its size, and the tokens it had been trained on
    parameters: int = 0
    tokens: int = 0  # of a model folder, which does not say: given by the recipe


@dataclass(frozen=True)
class Recipe:
    """A checked recipe; `source` is the plain TOML content it came from, overrides and derived values included."""

    name: str
    title: str
    licence: str
    model: AnyConfig
    tokenizer: TokenizerSettings
    training: TrainingSettings
    stages: tuple[Stage, ...]
    groups: tuple[Group, ...]
    source: dict[str, Any]
    distillation: DistillationSettings = DistillationSettings()
    distributed: DistributedSettings = DistributedSettings()
    start: StartSettings = StartSettings()
    ngrams: NgramSettings = dataclasses.field(
        default_factory=NgramSettings
    )  # what `nextstroke ngrams` puts beside the network
    tasks: tuple[TaskFormat, ...] = ()  # what its text teaches beside going on; the model folder names them
    derived: tuple[str, ...] = ()  # "table.key" of what `model.depth` decided

    def derived_values(self) -> dict[str, Any]:
        """What `model.depth` decided, by "table.key"."""
        pairs = [name.split(".") for name in self.derived]
        return {f"{table}.{key}": self.source[table][key] for table, key in pairs}

    def stage_ends(self) -> list[int]:
        """The token count at which each stage ends; they follow `training.tokens`."""
        fixed = sum(stage.tokens for stage in self.stages)
        ends, end = [], 0
        for stage in self.stages:
            end += stage.tokens or self.training.tokens - fixed
            ends.append(end)
        return ends

    def with_training(self, **values: Any) -> Recipe:
        """The same with other [training] values, in `source` too."""
        return dataclasses.replace(
            self,
            training=dataclasses.replace(self.training, **values),
            source={**self.source, "training": {**self.source["training"], **values}},
        )


def load_recipe(path: Path, overrides: Iterable[str] = (), earlier: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe file and apply `table.key=value` overrides; `earlier` as in `parse_recipe`."""
    try:
        source = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise file_error(error, f"read the recipe {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML ({error}); correct the file") from error
    for override in overrides:
        apply_override(source, override)
    return parse_recipe(source, path.parent, earlier)


def apply_override(source: dict[str, Any], override: str) -> None:
    """`training.tokens=5000000` sets that key; the value is read as TOML, or as text where it is none."""
    key, sign, text = override.partition("=")
    *tables, name = key.strip().split(".")
    if not sign or not name:
        raise RecipeError(f"--set {override}: write it as table.key=value, for example training.tokens=5000000")
    target = source
    for table in tables:
        target = target.setdefault(table, {})
        if not isinstance(target, dict):
            raise RecipeError(f"--set {override}: {table} is not a table of the recipe")
    try:
        target[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        target[name] = text


def parse_recipe(source: dict[str, Any], folder: Path, earlier: Mapping[str, Any] | None = None) -> Recipe:
    """Check a recipe's plain content; relative paths start at `folder`.

    `earlier` is the `source` of the run that is continued: what `model.depth` decided then stays.
    """
    known = {"name", "title", "licence", "model", "tokenizer", "training", "stage", "corpus"}
    known |= {"distillation", "tasks", "distributed", "start", "ngrams"}
    _refuse_unknown(source, known, "the recipe")
    for table in ("model", "training", "corpus"):
        if not isinstance(source.get(table), dict):
            raise RecipeError(f"the recipe has no [{table}] table; add it")
    source, derived = dialled(source, earlier)
    tokenizer = _read(TokenizerSettings, source.get("tokenizer", {}), "[tokenizer]")
    training = _read(TrainingSettings, source["training"], "[training]")
    distributed = _read(DistributedSettings, source.get("distributed", {}), "[distributed]")
    try:
        sizes = {key: value for key, value in source["model"].items() if key != "depth"}
        model = read_config({"vocabulary_size": tokenizer.vocabulary, **sizes})
    except CheckpointError as error:
        raise RecipeError(f"[model]: {error}") from error
    start = _read(StartSettings, source.get("start", {}), "[start]")
    if start.checkpoint:
        start = dataclasses.replace(start, checkpoint=str(folder / start.checkpoint))
    stages = tuple(_read(Stage, stage, "[[stage]]") for stage in _tables(source, "stage", model.context_length))
    groups = _groups(source["corpus"], folder)
    recipe = Recipe(
        name=_word(source, "name", "model"),
        title=_word(source, "title", source.get("name", "model")),
        licence=_word(source, "licence", ""),
        model=model,
        tokenizer=tokenizer,
        training=training,
        stages=stages,
        groups=groups,
        source=source,
        distillation=_read(DistillationSettings, source.get("distillation", {}), "[distillation]"),
        derived=tuple(derived),
        distributed=distributed,
        start=start,
        ngrams=_read(NgramSettings, source.get("ngrams", {}), "[ngrams]"),
    )
    recipe = _with_tasks(recipe, source.get("tasks", []))
    check(recipe)
    return recipe


def _word(source: Mapping[str, Any], key: str, default: str) -> str:
    word: str = _converted(source.get(key, default), str, key)
    return word


def _with_tasks(recipe: Recipe, asked: Any) -> Recipe:
    """The recipe with its tasks, named or written out; its source holds them whole, whatever a name means later."""
    if not asked:
        return recipe
    try:
        named = asked if isinstance(asked, list) else [asked]
        plain = [asdict(task_named(known_tasks(), task)) if isinstance(task, str) else task for task in named]
        tasks = read_tasks(plain)
    except UsageError as error:
        raise RecipeError(f"tasks: {error}") from error
    return dataclasses.replace(recipe, tasks=tasks, source={**recipe.source, "tasks": [asdict(task) for task in tasks]})


def _tables(source: Mapping[str, Any], name: str, length: int) -> list[Any]:
    found = source.get(name, [{"length": length}])
    if not isinstance(found, list):
        raise RecipeError(f"{name} is not a list of tables; write [[{name}]] above each")
    return found


def _groups(corpus: Mapping[str, Any], folder: Path) -> tuple[Group, ...]:
    _refuse_unknown(corpus, {"folder", "group"}, "[corpus]")
    base, tables = corpus.get("folder", "."), corpus.get("group", [])
    if not isinstance(base, str) or not isinstance(tables, list) or not all(isinstance(item, dict) for item in tables):
        raise RecipeError("[corpus] holds a folder, as text, and [[corpus.group]] tables; see the example recipes")
    groups = tuple(_group(table, folder / base) for table in tables)
    if len({group.name for group in groups}) != len(groups):
        raise RecipeError("[[corpus.group]]: two groups have the same name; rename one")
    return groups


def _group(table: Mapping[str, Any], base: Path) -> Group:
    _refuse_unknown(table, {field.name for field in dataclasses.fields(Group)}, "[[corpus.group]]")
    name, weight = table.get("name"), table.get("weight", 1.0)
    if not isinstance(name, str) or not re.fullmatch(r"[^/\\\0]+", name) or not _is_weight(weight):
        raise RecipeError("[[corpus.group]]: each needs a name without / and \\, and a weight of at least 0")
    files = table.get("files", [f"{name}.jsonl.xz"])
    heldout = table.get("heldout", [f"{name}.heldout.jsonl.xz"] if "files" not in table else [])
    for key, value in (("files", files), ("heldout", heldout)):
        if not isinstance(value, list) or not all(isinstance(file, str) and file for file in value):
            raise RecipeError(f'[[corpus.group]]: {key} of {name} must be a list of file names, as ["one.jsonl.xz"]')
    if not files:
        raise RecipeError(f"[[corpus.group]]: {name} names no files; name one, or remove the group")
    words = {key: _converted(table.get(key, ""), str, f"[[corpus.group]] {name}: {key}") for key in _GROUP_WORDS}
    return Group(
        name, float(weight), tuple(base / file for file in files), tuple(base / file for file in heldout), **words
    )


def _is_weight(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _read(kind: type[Any], table: Any, where: str) -> Any:
    """A settings dataclass from a TOML table: unknown, missing and mistyped keys are refused by name."""
    if not isinstance(table, dict):
        raise RecipeError(f"{where} is not a table")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    _refuse_unknown(table, set(fields), where)
    hints = typing.get_type_hints(kind)
    values = {name: _converted(value, hints[name], f"{where}: {name}") for name, value in table.items()}
    for name, field in fields.items():
        no_default = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name not in values and no_default:
            raise RecipeError(f"{where}: {name} is missing; add it")
    return kind(**values)


def _converted(value: Any, hint: Any, where: str) -> Any:
    if hint is float and type(value) is int:
        return float(value)
    if typing.get_origin(hint) is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if typing.get_origin(hint) is Mapping or isinstance(hint, types.GenericAlias):
        if isinstance(value, dict) and all(_is_weight(number) for number in value.values()):
            return {key: float(number) for key, number in value.items()}
    elif type(value) is hint:
        return value
    raise RecipeError(f"{where} = {value!r} has the wrong type; see the comments of the example recipes")


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise RecipeError(f"{where} has an unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}")
