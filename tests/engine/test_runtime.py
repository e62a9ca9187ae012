"""The one door to ONNX Runtime: silent, lazy, and plain about what it cannot run."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from engine import binding, devices, runtime
from engine.contracts import graph_io
from engine.contracts.errors import DeviceError, EngineError, ModelFolderError
from engine.contracts.manifest import CacheLayout
from engine.devices import GraphicsCard, cpu_kernel_class, default_threads
from engine.loaded_model import LoadedModel, load_model
from engine.runtime import Graph
from tests.support.tiny_graph import TinyShape, tiny_graph, tiny_weights
from tests.support.tiny_models import write_tiny_model

SHAPE = TinyShape()
LAYOUT = CacheLayout(SHAPE.layers, SHAPE.kv_heads, SHAPE.head_size, "float32")


def open_graph(path: Path, layout: CacheLayout = LAYOUT, device: str = "cpu") -> Graph:
    return Graph(path, layout, SHAPE.vocabulary, device, 1)


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    onnx.save(tiny_graph(SHAPE, tiny_weights(SHAPE, 1)), tmp_path / "decoder.onnx")
    return tmp_path / "decoder.onnx"


def in_child(code: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | variables
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return result.stdout.strip()


def test_importing_the_engine_loads_no_runtime() -> None:
    modules = "engine.generate, engine.score, engine.loaded_model, engine.tokenizer"
    heavy = "{'onnxruntime', 'tokenizers', 'sentencepiece'}"
    assert in_child(f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_telemetry_is_off_before_the_library_is_imported() -> None:
    code = (
        "import builtins, os\n"
        "true_import = builtins.__import__\n"
        "def watched(name, *rest):\n"
        "    if name.split('.')[0] == 'onnxruntime':\n"
        "        print(os.environ.get('ORT_DISABLE_TELEMETRY'))\n"
        "        builtins.__import__ = true_import\n"
        "    return true_import(name, *rest)\n"
        "builtins.__import__ = watched\n"
        "from engine.runtime import runtime_version\n"
        "runtime_version()\n"
    )
    assert in_child(code) == "1"
    assert in_child(code, ORT_DISABLE_TELEMETRY="0") == "1"


def test_a_file_that_is_no_graph_is_refused_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "decoder.onnx").write_bytes(b"rubbish" * 100)
    with pytest.raises(ModelFolderError, match=r"cannot load .*decoder.onnx") as refusal:
        open_graph(tmp_path / "decoder.onnx")
    assert "\n" not in str(refusal.value)
    assert capfd.readouterr().err == ""


def test_an_input_that_is_not_known_is_named(tmp_path: Path, graph_file: Path) -> None:
    model = onnx.load(graph_file)
    model.graph.input.append(onnx.helper.make_tensor_value_info("beam_idx", onnx.TensorProto.INT64, [1]))
    onnx.save(model, graph_file)
    with pytest.raises(ModelFolderError, match="unknown input beam_idx"):
        open_graph(graph_file)


def test_a_cache_other_than_the_manifest_says_is_refused(graph_file: Path) -> None:
    with pytest.raises(ModelFolderError, match="no int8 cache"):
        open_graph(graph_file, replace(LAYOUT, dtype="int8"))
    with pytest.raises(ModelFolderError, match=r"no input past_key_values.2.key"):
        open_graph(graph_file, replace(LAYOUT, layers=3))


def test_logits_are_kept_for_the_last_all_or_some_positions(rotary: LoadedModel) -> None:
    ids = list(range(3, 20))
    runner = rotary.graph.new_runner(rotary.graph.new_cache(64))
    every = runner.run(ids, 0, len(ids)).copy()
    for keep in (1, 5):
        assert (runner.run(ids, 0, keep) == every[-keep:]).all()


def test_the_optional_input_is_an_initializer_that_a_feed_overrides(rotary: LoadedModel) -> None:
    assert graph_io.LOGITS_TO_KEEP in rotary.graph.inputs
    assert graph_io.LOGITS_TO_KEEP not in [entry.name for entry in rotary.graph.session.get_inputs()]


def test_cuda_on_a_machine_without_it_fails_in_one_line(graph_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "graphics_card", lambda: None)
    with pytest.raises(DeviceError, match=r"CUDA was asked for, but .*use --device cpu"):
        open_graph(graph_file, device="cuda")


def test_auto_without_a_card_has_nothing_to_say(graph_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "graphics_card", lambda: None)
    graph = open_graph(graph_file, device="auto")
    assert (graph.device.name, graph.device.note) == ("cpu", "")


def test_auto_with_a_card_that_cannot_serve_says_why(graph_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "graphics_card", lambda: GraphicsCard("Some Card", "sm_90"))
    graph = open_graph(graph_file, device="auto")
    assert graph.device.name == "cpu"
    assert graph.device.note.endswith("using the processor.")
    assert "float32 cache" in graph.device.note


def test_a_cuda_claim_comes_from_the_session_alone(graph_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card, a driver and a build with CUDA are no proof: here the session itself falls back."""
    monkeypatch.setattr(runtime, "graphics_card", lambda: GraphicsCard("Some Card", "sm_90"))
    monkeypatch.setattr(runtime, "_cuda_obstacle", lambda layout: "")
    monkeypatch.setattr(runtime, "_CUDA_PROVIDER", "CPUExecutionProvider-that-is-none")
    real_load = runtime._load
    monkeypatch.setattr(runtime, "_load", lambda path, providers, threads: real_load(path, providers[-1:], threads))
    graph = open_graph(graph_file, device="auto")
    assert graph.device.name == "cpu"
    assert "could not use CUDA on the Some Card" in graph.device.note
    with pytest.raises(DeviceError, match="could not use CUDA"):
        open_graph(graph_file, device="cuda")


def test_a_model_in_a_folder_named_in_chinese_loads(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "我的 模型 😀")
    assert load_model(tmp_path / "我的 模型 😀", "cpu").versions["onnxruntime"]


def test_the_processor_is_named_by_what_decides_its_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "cpuinfo"
    monkeypatch.setattr(devices, "_CPU_INFO", table)
    monkeypatch.setattr(devices.platform, "machine", lambda: "x86_64")
    assert cpu_kernel_class() == "x86_64"
    table.write_text("processor: 0\nflags\t\t: fpu sse avx avx2 fma\n", encoding="utf-8")
    assert cpu_kernel_class() == "x86_64 avx2"
    table.write_text("flags: avx2 avx512bw avx512_vnni\n", encoding="utf-8")
    assert cpu_kernel_class() == "x86_64 avx512_vnni"


def test_threads_are_the_physical_cores_that_may_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for processor in range(8):
        folder = tmp_path / f"cpu{processor}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{processor % 4},{processor % 4 + 4}\n", encoding="utf-8")
    monkeypatch.setattr(devices, "_TOPOLOGY", tmp_path)
    monkeypatch.setattr(devices, "_CGROUP_LIMIT", tmp_path / "cpu.max")
    monkeypatch.setattr(devices.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert default_threads() == 4
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda pid: {0, 4, 5}, raising=False)
    assert default_threads() == 2
    (tmp_path / "cpu.max").write_text("150000 100000\n", encoding="utf-8")
    assert default_threads() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="utf-8")
    assert default_threads() == 2


def test_a_run_that_finds_no_memory_leaves_a_runner_that_answers_right(
    rotary: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The failure comes between the ids and the logits of a longer run; the next one is as short as the last was."""
    session, judge = rotary.new_session(), rotary.new_session()
    ids = list(range(5, 25))
    session.prefill(ids)
    session.step(7)

    def full(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(runtime, "aligned_zeros", full)
        with pytest.raises(MemoryError):
            session.prefill([1, 2, 3])
    judge.prefill([*ids, 7])
    assert session.tokens == judge.tokens
    assert (session.step(8) == judge.step(8)).all()


@pytest.mark.parametrize(
    "words",
    [
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc",
        "BFCArena::AllocateRawInternal(size_t, bool) Failed to allocate memory for requested buffer of size 4096",
        "CUDA failure 2: out of memory",
    ],
)
def test_a_failed_allocation_blames_neither_model_nor_device(words: str) -> None:
    def run(binding: object) -> None:
        raise RuntimeError(words)

    with pytest.raises(
        EngineError, match=r"^the computer's memory is full; close programs, shorten the text"
    ) as caught:
        binding.run_bound(run, None)
    assert type(caught.value) is EngineError
