"""Several processes do what one does: the same losses to rounding, the same checkpoints, the same bits after a stop.

One start of two processes serves all of it: torch alone takes them seconds to load.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.contracts.errors import CheckpointError
from export.importers.load import import_checkpoint
from export.training.checkpoint import list_checkpoints, load_checkpoint
from export.training.plan import make_plan
from export.training.plan_devices import GPUS
from export.training.recipe import Recipe, load_recipe
from export.training.run_log import read_log
from export.training.train_command import find_recipe
from export.training.trainer import Trainer
from tests.export.training.together import ROOT, Job, run_together

pytestmark = pytest.mark.slow
STEPS = 10
# 95 rows are 48 and 47: shares need not be equal. Four microbatches a step: two a process, so they are added up too.
BASE = (
    "training.autocast=float32",
    "training.threads=1",
    "model.mlp_width=95",
    f"training.tokens={512 * STEPS}",
    "stage=[{ length = 32 }, { length = 64, tokens = 2048 }]",
    "training.microbatch_tokens=128",
    "training.log_every_steps=1",
    "training.evaluate_every_tokens=2560",
    "training.samples_every_tokens=1000000000",
    "training.warmup_tokens=0",
)
ROUNDING = 1e-5  # relative; the log keeps five decimals of losses near 5, which is 2e-6
ADAMW = "training.optimizer=adamw"
FSDP = "distributed.strategy=fsdp"


@pytest.fixture(scope="module")
def base(toy_corpus: Path) -> tuple[str, ...]:
    return (f"corpus.folder={toy_corpus}", *BASE)


def recipe(settings: tuple[str, ...]) -> Recipe:
    return load_recipe(find_recipe("toy"), settings)


@pytest.fixture(scope="module")
def alone(base: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run of one process, and the first four steps of one."""
    folder = tmp_path_factory.mktemp("alone")
    Trainer(recipe(base), folder / "whole").run()
    Trainer(recipe((*base, ADAMW)), folder / "adamw").run()
    Trainer(recipe(base), folder / "begun").run(stop_after_steps=4)
    return folder


@pytest.fixture(scope="module")
def runs(base: tuple[str, ...], alone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two processes by ddp and by fsdp: whole, in two parts, only begun, and going on from one process'."""
    folder = tmp_path_factory.mktemp("runs")
    jobs = []
    for name, settings in (("ddp", base), ("fsdp", (*base, FSDP))):
        shutil.copytree(alone / "begun", folder / f"{name}-from-one")
        jobs += [
            Job(str(folder / name), settings),
            Job(str(folder / f"{name}-parts"), settings, stop=4),
            Job(str(folder / f"{name}-parts"), settings, resume=True),
            Job(str(folder / f"{name}-begun"), settings, stop=4),
            Job(str(folder / f"{name}-from-one"), settings, resume=True),
            Job(str(folder / f"{name}-adamw"), (*settings, ADAMW)),
        ]
    said = run_together(jobs, folder / "meeting")
    (folder / "said.json").write_text(json.dumps(said))
    return folder


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_log(folder / "log.jsonl") if line["event"] == "step"]


def bits(folder: Path) -> float:
    report = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return float(report["all"]["bits_per_byte"])


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_two_processes_have_the_losses_of_one(runs: Path, alone: Path, name: str) -> None:
    expected = losses(alone / "whole")
    assert len(expected) == STEPS
    assert expected[-1] < 0.9 * expected[0]
    assert losses(runs / name) == pytest.approx(expected, rel=ROUNDING)
    assert bits(runs / name) == pytest.approx(bits(alone / "whole"), rel=ROUNDING)


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_adamw_alone_has_the_losses_of_one_too(runs: Path, alone: Path, name: str) -> None:
    expected = losses(alone / "adamw")
    assert expected[1:] != losses(alone / "whole")[1:]
    assert losses(runs / f"{name}-adamw") == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_a_stopped_run_of_two_goes_on_bit_for_bit(runs: Path, name: str) -> None:
    whole, parts = (list_checkpoints(runs / folder)[-1] for folder in (name, f"{name}-parts"))
    tensors = sorted(path.name for path in whole.glob("*.safetensors"))
    assert len(tensors) == 2
    for file in tensors:
        one, two = load_file(whole / file), load_file(parts / file)
        assert one.keys() == two.keys()
        assert [name for name, tensor in one.items() if not torch.equal(tensor, two[name])] == []
    assert bits(runs / name) == bits(runs / f"{name}-parts")


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_one_process_goes_on_with_what_two_began(runs: Path, alone: Path, base: tuple[str, ...], name: str) -> None:
    settings = (*base, FSDP) if name == "fsdp" else base
    Trainer(recipe(settings), runs / f"{name}-begun").run(resume=True)
    assert losses(runs / f"{name}-begun") == pytest.approx(losses(alone / "whole"), rel=ROUNDING)


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_two_processes_go_on_with_what_one_began(runs: Path, alone: Path, name: str) -> None:
    assert losses(runs / f"{name}-from-one") == pytest.approx(losses(alone / "whole"), rel=ROUNDING)


def test_shards_are_one_file_a_process_and_nothing_is_pickled(runs: Path) -> None:
    [checkpoint] = list_checkpoints(runs / "fsdp")[-1:]
    names = sorted(path.name for path in checkpoint.iterdir())
    shards = [f"shard-0000{number}-model-00001-of-00001.safetensors" for number in (1, 2)]
    assert names == ["checkpoint.json", *shards, "tokenizer.model"]
    parts = [load_file(checkpoint / name)["model.layers.0.mlp.up.weight"] for name in shards]
    assert [tuple(part.shape) for part in parts] == [(48, 32), (47, 32)]
    whole = load_checkpoint(checkpoint).model["layers.0.mlp.up.weight"]
    assert torch.equal(torch.cat(parts), whole)


def test_the_first_process_holds_what_the_plan_says(runs: Path, base: tuple[str, ...]) -> None:
    [checkpoint] = list_checkpoints(runs / "fsdp")[-1:]
    shard = load_file(checkpoint / "shard-00001-model-00001-of-00001.safetensors")
    settings = recipe((*base, FSDP))
    plan = make_plan(settings, 2, GPUS["h100"]).ways[2].memory
    assert sum(tensor.nbytes for name, tensor in shard.items() if name.startswith("model.")) == plan.weights
    optimizer = {name: tensor.nbytes for name, tensor in shard.items() if name.startswith("optimizer.")}
    counters = 4 * sum(
        len(shape) == 1 or not name.startswith("layers.") for name, shape in settings.model.tensor_shapes().items()
    )
    # The step counters are the same in both processes, and DCP deals out who writes which.
    assert sum(n for name, n in optimizer.items() if ".step." not in name) == plan.optimizer - counters


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_the_final_checkpoint_is_an_ordinary_one(runs: Path, alone: Path, name: str) -> None:
    final = load_checkpoint(runs / name / "final")
    expected = load_checkpoint(alone / "whole" / "final")
    assert (runs / name / "final" / "model.safetensors").is_file()
    assert final.config == expected.config
    for tensor, other in expected.model.items():
        # Muon turns any difference of direction into a step of full length; ten steps of 0.02 are the scale.
        torch.testing.assert_close(final.model[tensor], other, rtol=0, atol=1e-3)


def test_a_conversion_takes_the_final_checkpoint_and_points_to_it(runs: Path, tmp_path: Path) -> None:
    assert (
        import_checkpoint(runs / "fsdp" / "final", tmp_path).config == load_checkpoint(runs / "fsdp" / "final").config
    )
    with pytest.raises(CheckpointError, match=r"holds its weights in parts, .* give the folder `final`"):
        import_checkpoint(list_checkpoints(runs / "fsdp")[-1], tmp_path)


def test_torchrun_starts_the_same_run(alone: Path, base: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "export", "train", "toy", "--output", str(tmp_path / "run")]
    for setting in base:
        command += ["--set", setting]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("finished") == 1
    assert losses(tmp_path / "run") == pytest.approx(losses(alone / "whole"), rel=ROUNDING)


def test_only_the_first_process_speaks(runs: Path) -> None:
    first, second = json.loads((runs / "said.json").read_text())
    assert "step 10" in first
    assert second == ""


def test_a_damaged_shard_is_refused_in_one_line(runs: Path, tmp_path: Path) -> None:
    [checkpoint] = list_checkpoints(runs / "fsdp")[-1:]
    name = "shard-00002-model-00001-of-00001.safetensors"
    for damage, words in (
        (lambda path: path.unlink(), "missing, cut off"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "missing, cut off"),
        (lambda path: path.write_bytes(b"\xff" * path.stat().st_size), "damaged"),
    ):
        copy = tmp_path / words / str(len(list(tmp_path.rglob("*"))))
        shutil.copytree(checkpoint, copy)
        damage(copy / name)
        with pytest.raises(CheckpointError, match=words) as caught:
            load_checkpoint(copy)
        assert "\n" not in str(caught.value)
