"""A whole model: the same logits on processors of every class; own kernels can be switched off; the record says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contracts.generation import Finished, GenerationRequest
from engine.devices import cpu_kernel_class
from engine.generate import generate
from engine.kernels.library import OFF, SWITCH, VERSION
from engine.loaded_model import load_model
from export.convert import convert
from tests.bench.test_exactness import EMULATOR, HASWELL
from tests.conftest import ROOT
from tests.engine.kernels.own_models import needs_kernels
from tests.export.checkpoints import own_checkpoint

pytestmark = needs_kernels
needs_emulator = pytest.mark.skipif(
    shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed: apt install qemu-user-static"
)
BUNDLED = ROOT / "resources" / "models" / "tiny-zh-en"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_checkpoint(tmp_path_factory.mktemp("classes") / "checkpoint")


@pytest.fixture(scope="module", params=["int8", "int4"])
def folder(request: pytest.FixtureRequest, checkpoint: Path) -> Path:
    return convert(checkpoint, checkpoint.parent / request.param, request.param).folder


def logits(folder: Path, tokens: int, under: str = "", kernels: str = "") -> tuple[str, str, str]:
    """Whether there is AVX-512, the class of the kernels, the logits' digest; in a process of its own."""
    program = [*under.split(), sys.executable, "-m", "tests.engine.kernels.logits_digest", str(folder), str(tokens)]
    environment = {**os.environ, SWITCH: kernels}
    result = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    has_avx512, kind, digest = result.stdout.split("\n")[:3]
    return has_avx512, kind, digest


def test_kernels_of_both_widths_give_the_same_logits(folder: Path) -> None:
    wide, narrow = logits(folder, 100), logits(folder, 100, kernels="avx2")
    if wide[0] != "True":
        pytest.skip("this processor has no AVX-512 to compare with")
    assert wide == narrow


def test_switched_off_the_model_runs_with_onnx_runtimes_kernels(folder: Path) -> None:
    own, theirs = logits(folder, 100), logits(folder, 100, kernels=OFF)
    assert own[1] == f"{cpu_kernel_class()}, own kernels {VERSION}"
    assert theirs[1] == cpu_kernel_class()
    assert own[2] != theirs[2], "nothing was exchanged"


def test_the_record_says_whose_kernels_wrote(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path))
    request = GenerationRequest("once", "a dog", max_tokens=3)
    kinds = {}
    for kernels in ("", OFF):
        monkeypatch.setenv(SWITCH, kernels)
        model = load_model(folder, "cpu", threads=1)
        finished = next(e for e in generate(model, model.new_session(), request) if isinstance(e, Finished))
        kinds[kernels] = finished.record.kernel_class
    assert kinds == {"": f"{cpu_kernel_class()}, own kernels {VERSION}", OFF: cpu_kernel_class()}


@pytest.mark.slow
@needs_emulator
def test_an_older_processor_writes_the_same_logits(folder: Path) -> None:
    here, there = logits(folder, 60), logits(folder, 60, HASWELL)
    assert there[0] == "False", "the emulator shows AVX-512"
    assert (there[1].endswith(f"own kernels {VERSION}"), there[2]) == (True, here[2])


@pytest.mark.long
@needs_emulator
def test_an_older_processor_writes_the_same_logits_of_the_bundled_model() -> None:
    here, there = logits(BUNDLED, 300), logits(BUNDLED, 300, HASWELL)
    assert there[0] == "False", "the emulator shows AVX-512"
    assert there[2] == here[2]
