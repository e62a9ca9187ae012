"""The plan of a run: against sums made by hand, and against what PyTorch really keeps on this processor."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.contracts.errors import RecipeError, UsageError
from export.cli import main
from export.model.config import ModelConfig, gpt2_config
from export.model.gpt import GPT
from export.model.recurrent_config import RecurrentConfig
from export.training.device import gpu_peak
from export.training.optimizer import MixedOptimizer
from export.training.plan import make_plan
from export.training.plan_devices import GPUS, DeviceKind
from export.training.plan_memory import activation_bytes, is_matrix, memory, optimizer_bytes, share_of
from export.training.plan_report import plan_lines
from export.training.precision import probe_cpu
from export.training.recipe import Recipe, load_recipe
from export.training.train_command import find_recipe

CPU = DeviceKind("cpu", 1e11, 16e9, None, half=False, fused=False)
LLAMA = ModelConfig(
    vocabulary_size=101,
    context_length=512,
    layers=2,
    width=48,
    heads=6,
    kv_heads=2,
    head_size=8,
    mlp_width=80,
    norm="rms",
    norm_epsilon=1e-5,
    positions="rotary",
    mlp="swiglu",
    qkv_bias=False,
    projection_bias=False,
    norm_bias=False,
    tied_head=True,
)
GPT2 = gpt2_config(101, 512, 2, 48, 6)
MIXED = replace(LLAMA, kv_heads=6, norm="layer", positions="learned", norm_bias=True, qkv_bias=True, tied_head=False)


@pytest.fixture(scope="module")
def billion() -> Recipe:
    return load_recipe(find_recipe("gpt-1b"))


def test_a_billion_parameters_on_eight_gpus_by_hand(billion: Recipe) -> None:
    plan = make_plan(billion, 8, GPUS["h100"], 0.4)
    # A layer: query and output 2048 x 2048, key and value 512 x 2048, three MLP matrices 5632 x 2048, two norms.
    matrices = 22 * (2 * 2048 * 2048 + 2 * 512 * 2048 + 3 * 5632 * 2048)
    inner, embedding = matrices + 22 * 2 * 2048, 32768 * 2048
    assert (plan.inner, plan.parameters) == (inner, inner + embedding + 2048)
    assert plan.parameters == 1_059_153_920
    a_token = 6 * (matrices + embedding) + 12 * 22 * 32 * 64 * 2048
    assert plan.flops == 21e9 * a_token
    assert plan.seconds == pytest.approx(21e9 * a_token / (8 * 989e12 * 0.4))
    assert 13.5 < plan.seconds / 3600 < 14
    alone, ddp, fsdp = (way.memory for way in plan.ways)
    assert alone.weights == alone.gradients == ddp.weights == 4 * plan.parameters
    assert ddp.optimizer == 4 * matrices + 8 * (plan.parameters - matrices) + 4 * (2 * 22 + 2)
    assert fsdp.weights == ddp.weights // 8  # every tensor's rows are a multiple of eight
    assert fsdp.copies == 2 * 2 * inner // 22 + 6 * inner // 22 + 12 * (embedding + 2048)
    sent = {way.name: way.sent for way in plan.ways}
    assert sent["ddp"] == pytest.approx(7 / 8 * 8 * plan.parameters)
    passes = 524_288 // 16_384 // 8
    assert sent["fsdp"] == pytest.approx(7 / 8 * (passes * (8 * plan.parameters) + 8 * matrices / 8))
    assert plan.checkpoint == ddp.weights + ddp.optimizer


@pytest.mark.parametrize("rule", ["muon", "adamw"])
@pytest.mark.parametrize("config", [LLAMA, GPT2, MIXED], ids=["llama", "gpt2", "mixed"])
def test_weights_gradients_and_optimizer_state_to_the_byte(config: ModelConfig, rule: str) -> None:
    model = GPT(config)
    model.initialize(1)
    optimizer = MixedOptimizer(model, 0.1, rule=rule)
    tokens = torch.randint(0, 101, (2, 9), generator=torch.Generator().manual_seed(1))
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    optimizer.step(0.01, 0.01)
    held = memory(config, rule, 16, 8, CPU)
    assert held.weights == sum(p.nbytes for p in model.parameters())
    assert held.gradients == sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)
    assert held.optimizer == sum(tensor.nbytes for tensor in optimizer.state().values())


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("rows", [(2, 32), (3, 256), (2, 500)])
@pytest.mark.parametrize("config", [LLAMA, GPT2, MIXED], ids=["llama", "gpt2", "mixed"])
def test_activations_are_what_autograd_saves(config: ModelConfig, rows: tuple[int, int], half: bool) -> None:
    if half and probe_cpu(1, 64, 64, 64).bfloat16 is None:
        pytest.skip("a product in bfloat16 fails on this processor")
    kind = replace(CPU, half=half)
    model = GPT(config)
    own = [*model.parameters(), *model.buffers()]
    kept = {tensor.untyped_storage().data_ptr(): 0 for tensor in own}
    alive = []  # a tensor that is freed could give its place to another

    def save(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept.setdefault(storage.data_ptr(), storage.nbytes())
        alive.append(tensor)
        return tensor

    tokens = torch.randint(0, 101, (rows[0], rows[1] + 1), generator=torch.Generator().manual_seed(1))
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=half)
    with autocast, torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor):
        model.loss(tokens[:, :-1], tokens[:, 1:])
    matrices = [model.get_parameter(name) for name, shape in config.tensor_shapes().items() if is_matrix(name, shape)]
    copies = sum(2 * matrix.numel() for matrix in matrices) if half else 0  # `Memory.copies`, not activations
    found = sum(kept.values()) - copies
    # A last block of queries that is not full is what the formula does not know.
    assert activation_bytes(config, rows[0] * rows[1], rows[1], kind) == pytest.approx(found, rel=0.01)


def test_the_largest_share_is_rounded_up_by_rows() -> None:
    assert share_of((95, 32), 2) == 48 * 32
    assert share_of((3,), 8) == 1
    assert optimizer_bytes(LLAMA, "adamw", 2) > optimizer_bytes(LLAMA, "adamw") / 2


def test_a_gpu_keeps_no_probabilities_and_half_the_bytes() -> None:
    gpu = GPUS["h100"]
    short, long = (activation_bytes(LLAMA, 1024, length, gpu) for length in (64, 512))
    assert short == long < activation_bytes(LLAMA, 1024, 64, CPU)


def test_the_recurrent_network_has_a_plan_too() -> None:
    config = RecurrentConfig(101, 32, 16, 16)
    held = memory(config, "muon", 64, 16, CPU)
    assert held.weights == held.gradients == 4 * config.parameters
    assert held.optimizer == 2 * held.weights + 4 * 6  # no matrix is inside layers; six step counters


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_manual_shows_what_the_program_prints(billion: Recipe, language: str, root: Path) -> None:
    page = root / "resources" / "manual" / language / "training_on_several_machines.md"
    lines = [f"    {line}".rstrip() for line in plan_lines(make_plan(billion, 8, GPUS["h100"]))]
    assert "\n".join(lines) in page.read_text(encoding="utf-8")


def test_what_cannot_be_planned_is_refused(billion: Recipe) -> None:
    with pytest.raises(RecipeError, match="32 microbatches cannot be shared out evenly among 5 devices"):
        make_plan(billion, 5, GPUS["h100"])
    with pytest.raises(UsageError, match="share-of-peak"):
        make_plan(billion, 8, GPUS["h100"], 1.5)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("a100-80", "NVIDIA A100-SXM4-80GB"),
        ("h100", "NVIDIA H100 80GB HBM3"),
        ("h200", "NVIDIA H200"),
        ("b200", "NVIDIA B200"),
        ("l40s", "NVIDIA L40S"),
        ("rtx-3090", "NVIDIA GeForce RTX 3090"),
        ("rtx-4090", "NVIDIA GeForce RTX 4090"),
    ],
)
def test_a_plan_and_a_log_know_the_same_peaks(kind: str, name: str) -> None:
    assert gpu_peak(name).flops_per_second == GPUS[kind].flops


def test_too_little_memory_is_said(billion: Recipe) -> None:
    lines = plan_lines(make_plan(billion, 8, GPUS["rtx-4090"]))
    assert any(line.endswith("no") and line.startswith("  of 24 GB") for line in lines)


def test_the_command_prints_the_plan_without_torch_and_without_a_corpus(tmp_path: Path) -> None:
    code = (
        "import sys; from export.cli import main\n"
        "status = main(['train', 'gpt-1b', '--plan', '--devices', '8', '--device-kind', 'h100'])\n"
        "print('torch' in sys.modules, status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False 0"
    assert "1,059,153,920" in done.stdout
    assert not list(tmp_path.iterdir())


def test_an_unknown_device_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "gpt-1b", "--plan", "--device-kind", "abacus"]) == 2
    assert capfd.readouterr().err.startswith("error: --device-kind abacus is not known; take one of cpu, a100-40")


def test_this_processor_is_timed(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "toy", "--plan"]) == 0
    assert "1 x cpu: " in capfd.readouterr().out
