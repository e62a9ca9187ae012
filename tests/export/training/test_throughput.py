"""Speed: tokens and FLOPs of the steps since the last reading, and their share of a peak that is known."""

import pytest
import torch

from engine.contracts.errors import RecipeError
from export.model.config import gpt2_config
from export.training import device
from export.training.compute import flops_per_token
from export.training.device import gpu_peak, open_device, peak_memory_bytes, peak_of, refuse_missing_compiler
from export.training.throughput import Meter

CONFIG = gpt2_config(vocabulary_size=40, context_length=16, layers=3, width=8, heads=2)
CPU = torch.device("cpu")


def test_a_reading_covers_the_steps_since_the_last_one() -> None:
    meter = Meter(CONFIG, peak=1e9)
    meter.add(100, 16, 7.0)
    meter.read()
    meter.add(1000, 16, 1.5)
    meter.add(1000, 8, 0.5)
    speed = meter.read()
    flops = 1000 * (flops_per_token(CONFIG, 16) + flops_per_token(CONFIG, 8)) / 2
    assert speed.tokens_per_second == pytest.approx(1000)
    assert speed.flops_per_second == pytest.approx(flops)
    assert speed.share_of_peak == pytest.approx(flops / 1e9)
    assert "% of peak" in speed.words()


def test_without_a_peak_there_is_no_share() -> None:
    meter = Meter(CONFIG, None)
    meter.add(10, 16, 1.0)
    speed = meter.read()
    assert speed.to_dict()["share_of_peak"] is None
    assert "peak" not in speed.words()


def test_a_processor_is_measured_once() -> None:
    one, two = peak_of(CPU, torch.float32), peak_of(CPU, torch.float32)
    assert one == two
    assert one.flops_per_second is not None
    assert one.flops_per_second > 1e8
    assert "measured" in one.source


@pytest.mark.parametrize(
    ("name", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA A10G", 70e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 362e12),
        ("Tesla T4", None),
        ("A graphics card of tomorrow", None),
    ],
)
def test_graphics_cards_are_looked_up(name: str, peak: float | None) -> None:
    found = gpu_peak(name)
    assert found.flops_per_second == peak
    assert (found.source == "unknown") == (peak is None)


def test_memory_is_counted_in_bytes() -> None:
    held = peak_memory_bytes(CPU)
    assert held is None or 50e6 < held < 1e12


def test_a_device_that_is_not_there_is_one_line() -> None:
    assert open_device("cpu") == CPU
    with pytest.raises(RecipeError, match="cannot be used here"):
        open_device("warp")


def test_compiling_without_a_compiler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(device.shutil, "which", lambda name: "/bin/g++" if name == "g++" else None)
    refuse_missing_compiler(CPU)
    monkeypatch.setattr(device.shutil, "which", lambda _: None)
    with pytest.raises(RecipeError, match=r"no C\+\+ compiler .* training.compile=false"):
        refuse_missing_compiler(CPU)
    refuse_missing_compiler(torch.device("cuda"))
    monkeypatch.setenv("CXX", "my-compiler")
    with pytest.raises(RecipeError, match="my-compiler"):
        refuse_missing_compiler(CPU)
