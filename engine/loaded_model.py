"""A model folder ready to generate: checked, loaded, its kernels measured.

For: generation, scoring, and whoever owns sessions. Knows: how the parts are put together.
Must not know: requests, sampling, processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType

import numpy

from engine.constraints.matcher import Vocabulary
from engine.continuation import check_continuation
from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import DECODER, PREFILL, Manifest
from engine.device_choice import Fitted, Kept, Openers, open_fastest
from engine.device_trial import DeviceTrial
from engine.devices import CPU, DeviceChoice, cpu_kernel_class, default_threads, graphics_card
from engine.draft import DraftModel
from engine.folder import ModelFolder, open_folder
from engine.kernels.library import own_kernels
from engine.memory import estimate_memory, free_memory, memory_note
from engine.ngrams import NgramModel, read_ngrams
from engine.profile import find_profile
from engine.prompt_check import Graphs, prompts_pay
from engine.runtime import Graph, own_kernel_class, runtime_version
from engine.sampling.whole_characters import Characters
from engine.self_check import find_plan, remembered_plan
from engine.session import RunPlan, Session
from engine.session_pool import SessionPool
from engine.spilled_sessions import SpilledSessions
from engine.tokenizer import Tokenizer, load_tokenizer
from engine.verified import hash_if_changed

BEGIN_OF_TEXT = "begin_of_text"  # a model that names this special token wants it before every text
_SELF_CHECKS = "self-checks"
_VERIFIED = "verified-models"
_TRIALS = "device-trials"
_SESSIONS = "sessions"
_SOURCE_VERSION = "0.1.0"  # where the program runs without having been installed


@dataclass(frozen=True)
class LoadedModel:
    """Everything about one opened model; sessions are made from it."""

    folder: ModelFolder
    tokenizer: Tokenizer
    device: DeviceChoice
    threads: int
    plan: RunPlan
    versions: Mapping[str, str]
    graph: Graph
    draft: DraftModel | None = None  # guesses tokens ahead
    prompt_graph: Graph | None = None  # loaded only where the plan uses it
    trial: DeviceTrial | None = None  # how device and threads were chosen, where nobody named them
    ngrams: NgramModel | None = None  # mixed with what the network says

    @property
    def manifest(self) -> Manifest:
        """What the folder says of itself."""
        return self.folder.manifest

    @property
    def context_length(self) -> int:
        """The most tokens a session holds."""
        return self.manifest.context_length

    @cached_property
    def characters(self) -> Characters:
        """Which tokens may come within a character, and which never begin one."""
        return Characters(self.tokenizer.pieces)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokens as constraints need them, made when the first one comes."""
        return Vocabulary(self.tokenizer.pieces)

    def new_session(self) -> Session:
        """An empty session with a cache of its own."""
        cache = self.graph.new_cache(self.context_length)
        return Session(self.graph, cache, self.plan, self.prompt_graph, self.ngrams)

    def network_alone(self) -> LoadedModel:
        """The same without its n-grams."""
        return replace(self, ngrams=None)

    def new_sessions(self) -> SessionPool:
        """Sessions for several documents and branches, as many as their memory allows."""
        spilled = SpilledSessions(find_profile().cache / _SESSIONS, self.new_session)
        return SessionPool(self.new_session, spilled=spilled)

    @property
    def beginning(self) -> tuple[int, ...]:
        """The token that begins every text, where the model has one."""
        begin = self.manifest.special_tokens.get(BEGIN_OF_TEXT)
        return () if begin is None else (begin,)

    def prompt_ids(self, text: str) -> list[int]:
        """Token ids of a prompt, after the beginning."""
        return [*self.beginning, *self.tokenizer.encode(text)]


def load_model(
    folder: Path, device: str = "auto", threads: int | None = None, tries_prompts: bool = True
) -> LoadedModel:
    """Open, check and load a model folder. `device`: "auto", "cpu" or "cuda". Raises `NextstrokeError` in words.

    `tries_prompts`: whether it is found out if prompts should run through their own graph; without, they do not.
    """
    opened = open_folder(folder)
    note = memory_note(estimate_memory(opened.manifest), free_memory()) if device != "cuda" else ""
    hash_if_changed(opened, find_profile().cache / _VERIFIED)
    tokenizer = load_tokenizer(opened)
    count = threads or default_threads()
    openers = Openers(
        graph=lambda device, threads: _load_graph(opened, device, threads),
        fit=lambda graph: _fit(opened, graph, count, tries_prompts),
    )
    if threads is None:
        context, kept = opened.manifest.context_length, kept_trial(opened.manifest, device)
        fitted = open_fastest(openers, device, count, context, kept)
    else:
        fitted = openers.fit(openers.graph(device, count))
    return LoadedModel(
        folder=opened,
        tokenizer=tokenizer,
        device=replace(fitted.graph.device, note=note or fitted.graph.device.note),
        threads=fitted.graph.threads,
        plan=fitted.plan,
        versions=engine_versions(),
        graph=fitted.graph,
        prompt_graph=fitted.prompt_graph,
        trial=fitted.trial,
        ngrams=_load_ngrams(opened),
    )


def with_prompt_graph(model: LoadedModel) -> LoadedModel | None:
    """The same model with prompts through its graph for them, whatever this machine measured; None: it has none."""
    prompt_graph = model.prompt_graph or _load_prompt_graph(model.folder, model.graph, model.threads)
    if prompt_graph is None:
        return None
    return replace(model, plan=replace(model.plan, prompt_graph=True), prompt_graph=prompt_graph)


def engine_versions() -> Mapping[str, str]:
    """Versions that decide results: of the engine, ONNX Runtime and NumPy."""
    try:
        engine = version("nextstroke")
    except PackageNotFoundError:
        engine = _SOURCE_VERSION
    return MappingProxyType({"engine": engine, "onnxruntime": runtime_version(), "numpy": str(numpy.__version__)})


def kept_trial(manifest: Manifest, device: str) -> Kept:
    """Where the trial of devices and threads for that model lies: of this machine, its card where one may be used."""
    card = graphics_card() if device != CPU else None
    kernels = cpu_kernel_class() if own_kernels() is None else own_kernel_class()
    machine = f"{runtime_version()} {kernels} {default_threads()} threads, {card.name if card else CPU}"
    return Kept(find_profile().cache / _TRIALS, f"{manifest.digest()} {machine}, {device}")


def _fit(opened: ModelFolder, graph: Graph, threads: int, tries_prompts: bool) -> Fitted:
    """Check what runs on this machine, once, and take along the graph for prompts where that is used."""
    if not opened.manifest.is_own:
        check_continuation(graph, opened.manifest.context_length)
    plan = _plan_for(opened, graph, tries_prompts)
    return Fitted(graph, plan, _load_prompt_graph(opened, graph, threads) if plan.prompt_graph else None)


def _load_graph(opened: ModelFolder, device: str, threads: int) -> Graph:
    manifest = opened.manifest
    file = manifest.graph(DECODER)
    if file is None:
        raise ModelFolderError(f"{opened.path} names no decoder graph; export the model again")
    return Graph(opened.file(file), manifest.cache, manifest.vocabulary_size, device, threads)


def _load_prompt_graph(opened: ModelFolder, graph: Graph, threads: int) -> Graph | None:
    """The graph for prompts, on the processor alone: its operators are chosen for that."""
    manifest = opened.manifest
    file = manifest.graph(PREFILL)
    if file is None or graph.device.name != CPU:
        return None
    return Graph(opened.file(file), manifest.cache, manifest.vocabulary_size, "cpu", threads, rests=True)


def _load_ngrams(opened: ModelFolder) -> NgramModel | None:
    file = opened.manifest.ngrams
    return read_ngrams(opened.file(file), opened.manifest.vocabulary_size) if file else None


def _plan_for(opened: ModelFolder, graph: Graph, tries_prompts: bool) -> RunPlan:
    machine = f"{opened.manifest.digest()} {runtime_version()} {graph.device.kernel_class}"
    folder, length = find_profile().cache / _SELF_CHECKS, opened.manifest.context_length
    other = 1 if graph.threads > 1 else 2

    def measure() -> RunPlan:
        device = "cpu" if graph.device.name == CPU else "cuda"
        return find_plan(graph, length, lambda: _load_graph(opened, device, other))

    def measure_prompts() -> RunPlan:
        prompt_graph = _load_prompt_graph(opened, graph, graph.threads)
        both = None if prompt_graph is None else Graphs(graph, prompt_graph, length)
        pays = both is not None and prompts_pay(both, lambda: _load_prompt_graph(opened, graph, other))
        return RunPlan(prompt_graph=pays)

    plan = remembered_plan(folder, f"{machine} {graph.threads} threads", measure)
    # With company for lone rows, the decoder would overwrite what the prompt graph wrote of the last prompt token.
    if not tries_prompts or opened.manifest.graph(PREFILL) is None or plan.is_canonical or plan.avoids_lone_rows:
        return plan
    return replace(plan, prompt_graph=remembered_plan(folder, f"{machine} prompts", measure_prompts).prompt_graph)
