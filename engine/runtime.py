"""ONNX Runtime, and nothing else of the engine: device choice, session options, binding, one run.

For: sessions and the self-check. Knows: onnxruntime (the only importer) and the graph contract of `graph_io`.
Must not know: tokens' meaning, requests, sampling, or where a model folder comes from.

Importing this module is cheap and silent: ONNX Runtime loads with the first graph, and its telemetry is switched off in
the environment before that, since nothing switches it off afterwards.

    bound once       K/V buffers (as past and as present), ids, positions, logits of the last row shape
    bound each run   attention_mask: only its length counts, so it is the head of one row of ones
    batch            one token a sequence; sequences of different lengths have masks of their own, ones then zeros
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.binding import bind_input, bind_output, demand_memory, first_words, run_bound
from engine.contracts import graph_io
from engine.contracts.errors import DeviceError, ModelFolderError
from engine.contracts.manifest import CacheLayout
from engine.devices import CPU, CUDA, DeviceChoice, cpu_kernel_class, graphics_card
from engine.joined_cache import JoinedCache, JoinedRunner
from engine.kernels.library import VERSION, own_kernels
from engine.kernels.own_graph import own_graph
from engine.kv_cache import Allocate, BatchCache, Buffer, Cache, HostBuffer, KVCache, Shape, aligned_zeros

Logits = NDArray[np.float32]

_CPU_PROVIDER = "CPUExecutionProvider"
_CUDA_PROVIDER = "CUDAExecutionProvider"
_SILENT = 4  # ONNX Runtime logs to standard error; what a person needs to know comes as an exception
_KNOWN_INPUTS = (
    graph_io.INPUT_IDS,
    graph_io.ATTENTION_MASK,
    graph_io.POSITION_IDS,
    graph_io.LOGITS_TO_KEEP,
    graph_io.USE_CACHE_BRANCH,
    graph_io.SHARED_POSITIONS,
)
_CUDA_CACHES = ("float16",)  # GroupQueryAttention's CUDA kernels exist for 16-bit floats only


def runtime_version() -> str:
    """Version of ONNX Runtime."""
    return str(_onnxruntime().__version__)


def runtime_providers() -> tuple[str, ...]:
    """The devices that this build of ONNX Runtime was made for; whether they work, only a session shows."""
    return tuple(_onnxruntime().get_available_providers())


def own_kernel_class() -> str:
    """What records say of the kernels where own operators run: what decides their bits, and which they are."""
    return f"{cpu_kernel_class()}, own kernels {VERSION}"


class Graph:
    """One ONNX graph, loaded on one device. Make runners from it; several may share it."""

    def __init__(
        self, path: Path, layout: CacheLayout, vocabulary_size: int, device: str, threads: int, rests: bool = False
    ) -> None:
        """Load the file. Raises `ModelFolderError`, or `DeviceError` when "cuda" was asked for and cannot be had.

        `rests`: its threads sleep as soon as a run ends, because another graph runs then on the same processors.
        """
        self.layout, self.vocabulary_size, self.threads = layout, vocabulary_size, threads
        self.session, self.device = _open_session(path, layout, device, Threads(threads, rests))
        self.inputs = frozenset(_input_types(self.session))
        self.logits_dtype = _check_interface(self.session, path, layout)
        self.runs_singly = False  # whether a joined cache takes one token at a time (`continuation` finds out)

    @property
    def allocate(self) -> Allocate:
        """How buffers for this graph's cache are made."""
        return HostBuffer if self.device.name == CPU else _DeviceBuffer

    def new_cache(self, context_length: int) -> Cache:
        """An empty cache on the graph's device."""
        if self.layout.joined:
            return JoinedCache(self.layout, context_length)
        return KVCache(self.layout, context_length, self.allocate)

    def new_runner(self, cache: Cache) -> Runner | JoinedRunner:
        """Something that runs this graph over that cache, which must be one of its own."""
        if isinstance(cache, JoinedCache):
            return JoinedRunner(self, cache)
        assert isinstance(cache, KVCache)
        return Runner(self, cache)

    def new_batch_runner(self, cache: BatchCache) -> BatchRunner:
        """Something that runs this graph over several sequences at once."""
        return BatchRunner(self, cache)


class Runner:
    """Runs a graph over one cache; everything that does not change from run to run stays bound."""

    def __init__(self, graph: Graph, cache: KVCache) -> None:
        self._graph, self._cache = graph, cache
        self._binding = graph.session.io_binding()
        self._run = graph.session.run_with_iobinding
        self._ones = np.ones((1, cache.context_length), np.int64)
        self._ones_address = self._ones.ctypes.data
        self._keep = np.zeros((), np.int64)
        self._has_positions = graph_io.POSITION_IDS in graph.inputs
        self._bound_shape = (0, 0)
        self._bound_generation = -1
        self._ids = self._positions = np.zeros((1, 0), np.int64)
        self._logits: Logits = np.zeros((1, 0, 0), np.float32)
        self._bind(graph_io.LOGITS_TO_KEEP, self._keep)

    def run(self, ids: Sequence[int], past: int, keep: int = 1) -> Logits:
        """Run `ids` behind `past` positions of the cache; logits (keep, vocabulary) of the last rows, 1 or all of them.

        The answer is a view that the next run overwrites. Nothing is committed. Raises `EngineError`.
        """
        rows, total = len(ids), past + len(ids)
        self._cache.reserve(total)
        if self._cache.generation != self._bound_generation:
            self._bind_cache()
        if (rows, keep) != self._bound_shape:
            self._bind_rows(rows, keep)
        self._ids[0] = ids
        if self._has_positions:
            self._positions[0] = np.arange(past, total)
        self._binding.bind_input(graph_io.ATTENTION_MASK, "cpu", 0, np.int64, (1, total), self._ones_address)
        run_bound(self._run, self._binding)
        logits: Logits = self._logits[0, -keep:].astype(np.float32, copy=False)
        return logits

    def _bind_cache(self) -> None:
        for layer, (keys, values) in enumerate(self._cache.buffers):
            _bind_buffer(self._binding, graph_io.past_key(layer), graph_io.present_key(layer), keys)
            _bind_buffer(self._binding, graph_io.past_value(layer), graph_io.present_value(layer), values)
        self._bound_generation = self._cache.generation

    def _bind_rows(self, rows: int, keep: int) -> None:
        self._bound_shape = (0, 0)  # until all is bound: an allocation may fail half way
        self._ids = np.zeros((1, rows), np.int64)
        self._bind(graph_io.INPUT_IDS, self._ids)
        if self._has_positions:
            self._positions = np.zeros((1, rows), np.int64)
            self._bind(graph_io.POSITION_IDS, self._positions)
        self._keep[...] = keep
        kept = rows if graph_io.LOGITS_TO_KEEP not in self._graph.inputs else keep
        self._logits = aligned_zeros((1, kept, self._graph.vocabulary_size), self._graph.logits_dtype)
        bind_output(self._binding, graph_io.LOGITS, self._logits)
        self._bound_shape = (rows, keep)

    def _bind(self, name: str, array: NDArray[Any]) -> None:
        if name in self._graph.inputs:
            bind_input(self._binding, name, array)


class BatchRunner:
    """Runs one token for each of several sequences, over the rows of one cache."""

    def __init__(self, graph: Graph, cache: BatchCache) -> None:
        self._graph, self._cache = graph, cache
        self._binding = graph.session.io_binding()
        self._run = graph.session.run_with_iobinding
        self._keep = np.ones((), np.int64)
        self._shared = np.zeros((), np.int32)
        self._ones = np.zeros(0, np.int64)
        self._bound = (0, -1)  # rows, generation of the cache
        self._ids = self._positions = np.zeros((0, 1), np.int64)
        self._mask = np.zeros((0, 0), np.int64)
        self._logits: Logits = np.zeros((0, 1, 0), np.float32)

    def run(self, ids: Sequence[int], pasts: Sequence[int]) -> Logits:
        """Run token `ids[r]` behind `pasts[r]` positions of row r; logits (rows, vocabulary), a view as a runner's."""
        rows, longest = len(ids), max(pasts) + 1
        self._cache.reserve(longest)
        if (rows, self._cache.generation) != self._bound:
            self._bind_all(rows)
        self._ids[:, 0] = ids
        self._positions[:, 0] = pasts
        self._shared[...] = self._cache.shared = min(self._cache.shared, *pasts)
        self._bind_mask(pasts, longest)
        run_bound(self._run, self._binding)
        logits: Logits = self._logits[:, 0].astype(np.float32, copy=False)
        return logits

    def _bind_all(self, rows: int) -> None:
        self._ids, self._positions = np.zeros((rows, 1), np.int64), np.zeros((rows, 1), np.int64)
        self._ones = np.ones(rows * self._cache.capacity, np.int64)
        self._logits = aligned_zeros((rows, 1, self._graph.vocabulary_size), self._graph.logits_dtype)
        for name, array in (
            (graph_io.INPUT_IDS, self._ids),
            (graph_io.POSITION_IDS, self._positions),
            (graph_io.LOGITS_TO_KEEP, self._keep),
            (graph_io.SHARED_POSITIONS, self._shared),
        ):
            if name in self._graph.inputs:
                bind_input(self._binding, name, array)
        bind_output(self._binding, graph_io.LOGITS, self._logits)
        names = [
            names
            for layer in range(self._graph.layout.layers)
            for names in (
                (graph_io.past_key(layer), graph_io.present_key(layer)),
                (graph_io.past_value(layer), graph_io.present_value(layer)),
            )
        ]
        for (past, present), array in zip(names, self._cache.arrays, strict=True):
            bind_input(self._binding, past, array[:rows])
            bind_output(self._binding, present, array[:rows])
        self._bound = (rows, self._cache.generation)

    def _bind_mask(self, pasts: Sequence[int], longest: int) -> None:
        if min(pasts) + 1 == longest:  # the usual case: all equally long
            self._mask = self._ones[: len(pasts) * longest].reshape(len(pasts), longest)
        else:
            self._mask = (np.arange(longest) <= np.array(pasts)[:, None]).astype(np.int64)
        bind_input(self._binding, graph_io.ATTENTION_MASK, self._mask)


class _DeviceBuffer:
    """A buffer in a graphics card's memory."""

    def __init__(self, shape: Shape, dtype: str) -> None:
        self.value = _onnxruntime().OrtValue.ortvalue_from_numpy(np.zeros(shape, dtype), "cuda", 0)
        self._shape = shape

    @property
    def shape(self) -> Shape:
        return self._shape

    def copy_from(self, other: _DeviceBuffer, positions: int) -> None:
        content = self.value.numpy()
        content[:, :, :positions] = other.value.numpy()[:, :, :positions]
        self.value.update_inplace(content)


def _bind_buffer(binding: Any, past: str, present: str, buffer: Buffer) -> None:
    if isinstance(buffer, _DeviceBuffer):
        binding.bind_ortvalue_input(past, buffer.value)
        binding.bind_ortvalue_output(present, buffer.value)
    elif isinstance(buffer, HostBuffer):
        bind_input(binding, past, buffer.array)
        bind_output(binding, present, buffer.array)


def _onnxruntime() -> Any:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.set_default_logger_severity(_SILENT)
    return onnxruntime


@dataclass(frozen=True)
class Threads:
    """How many a session has, and whether they sleep as soon as a run ends."""

    count: int
    rest: bool


def _open_session(path: Path, layout: CacheLayout, device: str, threads: Threads) -> tuple[Any, DeviceChoice]:
    obstacle = _cuda_obstacle(layout) if device != CPU else ""
    card = graphics_card() if device != CPU else None
    if device == "cuda" and (obstacle or card is None):
        raise DeviceError(f"CUDA was asked for, but {obstacle or 'no NVIDIA driver answers'}; use --device cpu")
    if card is not None and not obstacle:
        session = _load(path, [_CUDA_PROVIDER, _CPU_PROVIDER], threads)
        if _CUDA_PROVIDER in session.get_providers():
            return session, DeviceChoice(CUDA, "", f"{card.name} {card.architecture}")
        obstacle = f"ONNX Runtime could not use CUDA on the {card.name} (is the cuda extra installed?)"
        if device == "cuda":
            raise DeviceError(f"CUDA was asked for, but {obstacle}; use --device cpu")
    note = f"There is an NVIDIA card, but {obstacle}; using the processor." if card is not None and obstacle else ""
    own = _load_own(path, threads)
    if own is not None:
        return own, DeviceChoice(CPU, note, own_kernel_class())
    return _load(path, [_CPU_PROVIDER], threads), DeviceChoice(CPU, note, cpu_kernel_class())


def _cuda_obstacle(layout: CacheLayout) -> str:
    if layout.joined:
        return "the cache of this model's graph grows by copies, which runs on the processor only"
    if layout.dtype not in _CUDA_CACHES:
        kernels = "processor kernels only (a model exported with --precision fp16 has others)"
        return f"this model's {layout.dtype} cache has {kernels}"
    if _CUDA_PROVIDER not in runtime_providers():
        return "this ONNX Runtime was built without CUDA"
    return ""


def _load(path: Path, providers: list[str], threads: Threads) -> Any:
    onnxruntime = _onnxruntime()
    options = _options(threads)
    if providers[0] == _CUDA_PROVIDER and hasattr(onnxruntime, "preload_dlls"):
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does not find
            onnxruntime.preload_dlls()
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        demand_memory(error)
        raise ModelFolderError(
            f"ONNX Runtime cannot load {path} ({first_words(error)}); export the model again or fetch the folder again"
        ) from error


def _load_own(path: Path, threads: Threads) -> Any | None:
    """A session of the same graph with own operators where they can stand for its nodes; None where they cannot."""
    library = own_kernels()
    if library is None:
        return None
    try:
        model = own_graph(path)
        if model is None:
            return None
        options = _options(threads)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
        options.register_custom_ops_library(str(library))
        return _onnxruntime().InferenceSession(model, options, providers=[_CPU_PROVIDER])
    except Exception:  # noqa: BLE001 - whatever it is, short memory too: ONNX Runtime's own kernels say it, or do without
        return None


def _options(threads: Threads) -> Any:
    options = _onnxruntime().SessionOptions()
    options.intra_op_num_threads = threads.count
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    options.use_deterministic_compute = True
    options.enable_mem_pattern = False  # one pattern is kept per input shape, and every step has a new one
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    if (
        threads.rest
    ):  # spinning on, they would keep the other graph's threads from the processors for a tenth of a second
        options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _input_types(session: Any) -> dict[str, str]:
    entries = [*session.get_inputs(), *session.get_overridable_initializers()]
    return {entry.name: str(entry.type) for entry in entries}


def _check_interface(session: Any, path: Path, layout: CacheLayout) -> str:
    """Refuse a graph whose inputs are not those of the contract, before it is fed anything; the logits' dtype."""
    found = _input_types(session)
    wanted = {f"past_key_values.{layer}.{part}" for layer in range(layout.layers) for part in ("key", "value")}
    unknown = sorted(set(found) - wanted - set(_KNOWN_INPUTS))
    missing = sorted((wanted | {graph_io.INPUT_IDS, graph_io.ATTENTION_MASK}) - set(found))
    if unknown or missing:
        problem = f"asks for the unknown input {unknown[0]}" if unknown else f"has no input {missing[0]}"
        raise ModelFolderError(f"{path} {problem}, so this program cannot run it; export the model again")
    kind = {"float32": "tensor(float)", "float16": "tensor(float16)", "int8": "tensor(int8)"}[layout.dtype]
    if any(found[name] != kind for name in wanted):
        raise ModelFolderError(f"{path} has no {layout.dtype} cache, as its manifest says; export the model again")
    logits = next((str(entry.type) for entry in session.get_outputs() if entry.name == graph_io.LOGITS), "")
    return "float16" if logits == "tensor(float16)" else "float32"
