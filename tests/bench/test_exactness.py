"""The exactness table is zeros for every precision, here and on an older processor, and only where kernels get care."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.kernels.library import OFF, SWITCH
from engine.session import RunPlan
from export.convert import convert
from tests.bench import exactness
from tests.bench.exactness import Circumstances, Row, table_lines
from tests.export.checkpoints import own_checkpoint

EMULATOR = "qemu-x86_64-static"
HASWELL = f"{EMULATOR} -cpu Haswell"  # AVX2 without AVX-512 and VNNI


@pytest.fixture(scope="module", autouse=True)
def _own_profile(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))
        yield


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_checkpoint(tmp_path_factory.mktemp("exactness") / "checkpoint")


@pytest.fixture(scope="module", params=["fp32", "int8", "int4"])
def folder(request: pytest.FixtureRequest, checkpoint: Path) -> Path:
    return convert(checkpoint, checkpoint.parent / request.param, request.param).folder


def test_a_few_requests_in_every_circumstance(folder: Path) -> None:
    circumstances = Circumstances(folder)
    rows = list(circumstances.table(3, 2))
    assert [row.circumstance for row in rows if row.differing] == []
    promised = [row for row in rows if circumstances.model.plan.any_threads or "thread" not in row.circumstance]
    assert all(row.compared >= 3 * 2 for row in promised)
    lines = table_lines(rows)
    assert len(lines) == len(rows) + 2
    assert all(line.count("|") == lines[0].count("|") for line in lines)


def test_kernels_that_need_care_are_seen_to_differ_without_it(checkpoint: Path) -> None:
    """A table that can only be zeros would prove nothing: float kernels, run as if they needed no company."""
    folder = convert(checkpoint, checkpoint.parent / "careless", "fp32").folder
    if not Circumstances(folder).model.plan.avoids_lone_rows:
        pytest.skip("this processor's float kernels are exact for one row too")
    rows = {row.circumstance: row for row in Circumstances(folder, plan=RunPlan(ahead=True)).table(6, 1)}
    assert rows["fresh"].differing == 0
    assert rows["reused"].differing + rows["guesses from the text"].differing > 0


def test_what_is_not_promised_is_named_and_not_counted() -> None:
    line = table_lines([Row("m", "one thread", 100, 10, 0, 0)])[-1]
    assert "not promised here" in line
    assert " 0 " not in line


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed: apt install qemu-user-static")
def test_an_older_processor_finds_its_fallback_and_answers_exactly_under_it(checkpoint: Path, tmp_path: Path) -> None:
    """Haswell: ONNX Runtime's int4 rows depend on their neighbours: canonical chunks, exactly reused."""
    folder = convert(checkpoint, tmp_path / "int4", "int4").folder
    said = on_haswell(folder, tmp_path / "profile", 2, 1, OFF)
    assert "is_canonical=True" in said.stderr, "the self-check has not found that int4 rows depend on their neighbours"
    assert "canonical chunks" in said.stderr
    assert said.returncode == 0, said.stdout
    assert "| reused | 2 | 1 | 2 | 0 |" in said.stdout
    assert "| one thread | 2 | 1 | not promised here | - |" in said.stdout


@pytest.mark.long
@pytest.mark.skipif(shutil.which(EMULATOR) is None, reason=f"{EMULATOR} is not installed: apt install qemu-user-static")
@pytest.mark.parametrize(("precision", "word"), [("fp32", "avoids_lone_rows=True"), ("int8", "batches=True")])
def test_an_older_processor_keeps_what_holds_there(checkpoint: Path, tmp_path: Path, precision: str, word: str) -> None:
    """Eight-bit rows stay exact without VNNI, batches too; float rows need company there as here."""
    folder = convert(checkpoint, tmp_path / precision, precision).folder
    said = on_haswell(folder, tmp_path / "profile", 4, 2)
    assert word in said.stderr
    assert said.returncode == 0, said.stdout


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_a_hundred_prompts_ten_times(folder: Path) -> None:
    arguments = ["--model", str(folder)]
    if folder.name == "int8":
        arguments += ["--model", str(exactness.ROOT / "resources" / "models" / "tiny-zh-en")]
    assert exactness.main(arguments) == 0


def on_haswell(
    folder: Path, profile: Path, prompts: int, runs: int, kernels: str = ""
) -> subprocess.CompletedProcess[str]:
    """The program in an emulator, with a profile of its own: the emulator shows this machine's /proc/cpuinfo."""
    program = [*HASWELL.split(), sys.executable, "-m", "tests.bench.exactness", "--under", HASWELL]
    sizes = ["--model", str(folder), "--prompts", str(prompts), "--runs", str(runs)]
    environment = {**os.environ, "NEXTSTROKE_PROFILE": str(profile), SWITCH: kernels}
    return subprocess.run([*program, *sizes], cwd=exactness.ROOT, env=environment, capture_output=True, text=True)
