"""Memory: estimated before loading, held against real loads; where it does not suffice, one line, and life goes on."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine import memory
from engine.contracts.errors import EngineError
from engine.contracts.generation import GenerationRequest
from engine.contracts.manifest import Manifest, read_manifest
from engine.loaded_model import load_model
from engine.memory import MemoryEstimate, estimate_memory, free_memory, memory_note
from tests.support.running_engine import RunningEngine
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

LARGE = TinyShape(vocabulary=20_000, context=1024, layers=4, heads=8, kv_heads=8, head_size=64)
MB = 1_000_000
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured and limited in Linux's ways")


@pytest.fixture(scope="module")
def bundled(root: Path) -> Manifest:
    return read_manifest((root / "resources/models/tiny-zh-en/nextstroke.json").read_text(encoding="utf-8"))


def test_the_parts_of_the_bundled_model(bundled: Manifest) -> None:
    """Counted by hand: 6 layers, one K/V head of 64, int8, 1,024 tokens; 4 heads; graphs 12.6 MB, n-grams 11.2."""
    estimate = estimate_memory(bundled)
    assert estimate.cache == 2 * 6 * 1 * 64 * 1024
    assert (
        (4 * 12.6 + 5 * 11.2) * MB < estimate.weights < (5 * 12.6 + 8 * 11.2) * MB
    )  # two graphs read the same weights
    assert estimate.working - 32 * 1024 * 1024 == 4 * (512 * (4 * 1024 + 8 * 4 * 64) + 10240)
    assert estimate.total == estimate.weights + estimate.cache + estimate.working


@linux
@pytest.mark.parametrize("name", ["float32", "bundled"])
def test_a_real_load_stays_within_the_estimate_and_near_it(root: Path, tmp_path: Path, name: str) -> None:
    """The peak of a process that loads 80 MB of floats, or the bundled model, and reads all that its context holds."""
    folder = root / "resources/models/tiny-zh-en"
    if name == "float32":
        folder = tmp_path / "large"
        write_tiny_model(folder, LARGE)
    manifest = read_manifest((folder / "nextstroke.json").read_text(encoding="utf-8"))
    program = (
        "import sys; from pathlib import Path; from engine.loaded_model import load_model; import engine.runtime as r\n"
        "r.runtime_version(); peak = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        "before = peak(); model = load_model(Path(sys.argv[1]), 'cpu', 1)\n"
        "model.new_session().prefill([5] * 1024); print(1024 * (peak() - before))"
    )
    environment = os.environ | {"NEXTSTROKE_PROFILE": str(tmp_path / "profile")}
    command = [sys.executable, "-c", program, str(folder)]
    for _ in range(2):  # the first load's self-check opens the model a second time, and is remembered
        taken = int(subprocess.run(command, capture_output=True, cwd=root, env=environment, check=True).stdout)
    estimate = estimate_memory(manifest).total
    print(f"estimated {estimate / MB:.0f} MB, taken {taken / MB:.0f} MB")
    assert 0.5 * estimate < taken < 1.15 * estimate


@linux
def test_free_memory_is_the_smallest_of_the_system_and_all_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = tmp_path / "cgroup"
    inner = groups / "user" / "writer"
    inner.mkdir(parents=True)
    for name, path in (("_MEMORY_TABLE", "meminfo"), ("_OWN_GROUP", "own"), ("_GROUPS", "cgroup")):
        monkeypatch.setattr(memory, name, tmp_path / path)
    assert free_memory() is None
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    assert free_memory() == 5000 * 1024
    (tmp_path / "own").write_text("1:name=old:/x\n0::/user/writer\n")
    assert free_memory() == 5000 * 1024

    def limit(folder: Path, most: str, used: int, inactive: int) -> None:
        (folder / "memory.max").write_text(most)
        (folder / "memory.current").write_text(str(used))
        (folder / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\n")

    limit(inner, "max\n", 100, 0)
    limit(groups / "user", "2000000\n", 900_000, 300_000)
    assert free_memory() == 1_400_000
    limit(inner, "1000\n", 900, 0)
    assert free_memory() == 100


def test_what_is_said_where_it_is_tight() -> None:
    estimate = MemoryEstimate(weights=2000 * MB, cache=500 * MB, working=100 * MB)
    assert memory_note(estimate, None) == ""
    assert memory_note(estimate, 4000 * MB) == ""
    assert memory_note(estimate, 2200 * MB) == (
        "Memory is short: with a long text the model needs 2.6 GB and 2.2 GB is free; close programs or take a smaller "
        "model."
    )
    words = (
        "the model needs 2.6 GB of memory (weights 2.0 GB, cache 500 MB, working 100 MB) and 2.1 GB is free, so it is "
        "not loaded; close programs or take a smaller model"
    )
    with pytest.raises(EngineError) as caught:
        memory_note(estimate, 2099 * MB)
    assert str(caught.value) == words


def test_a_model_that_does_not_fit_is_not_loaded(
    tiny_folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.loaded_model.free_memory", lambda: 10 * MB)
    with pytest.raises(
        EngineError, match=r"the model needs \d+ MB of memory .* and 10 MB is free, so it is not loaded"
    ):
        load_model(tiny_folders["rotary"], "cpu", 1)
    manifest = read_manifest((tiny_folders["rotary"] / "nextstroke.json").read_text(encoding="utf-8"))
    monkeypatch.setattr("engine.loaded_model.free_memory", lambda: estimate_memory(manifest).total)
    assert load_model(tiny_folders["rotary"], "cpu", 1).device.note.startswith("Memory is short: ")


def test_an_absurd_manifest_is_refused_by_its_size(bundled: Manifest) -> None:
    huge = replace(bundled, context_length=2**31, config={"heads": "many"})
    assert estimate_memory(huge).cache == 2 * 6 * 64 * 2**31
    with pytest.raises(EngineError, match="is not loaded"):
        memory_note(replace(estimate_memory(huge), weights=2**60), 16_000 * MB)
    assert math.isfinite(estimate_memory(huge).total)


@linux
def test_a_failed_allocation_is_one_line_and_the_engine_lives_on(tmp_path: Path) -> None:
    """The real process, with an address space that a short text fits in and a long one does not."""
    import resource

    folder = tmp_path / "long"
    write_tiny_model(folder, TinyShape(context=32_768, layers=8, kv_heads=4, head_size=64))
    short = GenerationRequest("short", "the cat sat", max_tokens=4).to_dict()
    engine = RunningEngine()
    try:
        engine.start()
        engine.open(folder)
        before = engine.ask(short).text
        status = Path(f"/proc/{engine.process_id}/status").read_text(encoding="ascii")
        in_use = 1024 * int(status.split("VmSize:")[1].split()[0])
        limits = (in_use + 40 * MB, resource.RLIM_INFINITY)
        resource.prlimit(engine.process_id, resource.RLIMIT_AS, limits)
        kinds = set()
        for tokens in (12_000, 20_000, 30_000):
            request = GenerationRequest("long", prompt_ids=(5, 6, 7, 8) * (tokens // 4), max_tokens=2)
            end = engine.ask(request.to_dict()).end
            assert end["event"] == "failed", tokens
            kinds.add(end["kind"])
            assert end["message"].startswith("the computer's memory is full; "), end["message"]
            assert engine.ask(short).text == before
        assert kinds == {"EngineError"}
        assert engine.exits.empty()
    finally:
        engine.client.stop()
