"""Tokens a second of our training step beside nanoGPT's own, at the same shape, on this computer's CPU.

    python tests/bench/training_speed.py --nanogpt CLONE_OF_NANOGPT [--rounds 5] [--vocabularies 50304 10240]

nanoGPT is not part of this project: the benchmark imports CLONE/model.py and does with it what a step of CLONE/train.py
does: fetch a batch, micro steps inside the autocast context, backward, clip, AdamW, zero_grad(set_to_none=True). Two
things are to its advantage: its AdamW is the fused one, which train.py takes on GPUs only, and bfloat16 is measured
too, which train.py does not use on a CPU. Ours is what the trainer's step is made of, with AdamW and with Muon.

All contestants take turns in one run, so that whatever else the machine does meets them alike; every round is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from export.model.architectures import build
from export.model.config import ModelConfig, gpt2_config
from export.training.corpus import Group, PackedGroup, Sampler
from export.training.gradients import GradientWorkers, next_token_loss
from export.training.optimizer import MixedOptimizer

Step = Callable[[], float]
CLIP, RATE, DECAY, BETAS = 1.0, 1e-3, 0.1, (0.9, 0.95)


@dataclasses.dataclass(frozen=True)
class Shape:
    """A network and the work of one step; nanoGPT's block, so learned positions, biases and exact GELU."""

    vocabulary: int = 50304
    context: int = 256
    layers: int = 6
    width: int = 384
    heads: int = 6
    rows: int = 8  # windows in a micro step
    micro_steps: int = 2

    @property
    def tokens(self) -> int:
        """Of one step."""
        return self.rows * self.context * self.micro_steps

    def config(self) -> ModelConfig:
        """The same network in our words."""
        config = gpt2_config(self.vocabulary, self.context, self.layers, self.width, self.heads)
        return dataclasses.replace(config, mlp="gelu")


def autocast(name: str) -> contextlib.AbstractContextManager[Any]:
    """The context of a forward pass."""
    return torch.autocast("cpu", torch.bfloat16) if name == "bfloat16" else contextlib.nullcontext()


def load_nanogpt(clone: Path) -> Any:
    """CLONE/model.py as a module."""
    path = clone / "model.py"
    if not path.is_file():
        raise SystemExit(f"{path} is not there; --nanogpt wants a clone of https://github.com/karpathy/nanoGPT")
    description = importlib.util.spec_from_file_location("nanogpt_model", path)
    assert description is not None
    assert description.loader is not None
    module = importlib.util.module_from_spec(description)
    sys.modules["nanogpt_model"] = module  # its dataclass looks itself up there
    description.loader.exec_module(module)
    return module


def their_step(nano: Any, shape: Shape, data: np.ndarray[Any, Any], precision: str) -> Step:
    """One iteration of nanoGPT's training loop."""
    torch.manual_seed(1)
    sizes = {"n_layer": shape.layers, "n_head": shape.heads, "n_embd": shape.width, "vocab_size": shape.vocabulary}
    model = nano.GPT(nano.GPTConfig(block_size=shape.context, dropout=0.0, bias=True, **sizes))
    wide = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    thin = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    groups = [{"params": wide, "weight_decay": DECAY}, {"params": thin, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=RATE, betas=BETAS, fused=True)

    def batch() -> tuple[torch.Tensor, torch.Tensor]:
        starts = torch.randint(len(data) - shape.context, (shape.rows,))
        pieces = [torch.from_numpy(data[start : start + shape.context + 1].astype(np.int64)) for start in starts]
        windows = torch.stack(pieces)
        return windows[:, :-1].contiguous(), windows[:, 1:].contiguous()

    def step() -> float:
        for _ in range(shape.micro_steps):
            tokens, targets = batch()
            with autocast(precision):
                _, loss = model(tokens, targets)
                loss = loss / shape.micro_steps
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach()) * shape.micro_steps

    return step


def our_step(shape: Shape, data: np.ndarray[Any, Any], precision: str, rule: str, workers: int) -> Step:
    """The trainer's step: windows from the sampler, gradient workers, clip, update."""
    model = build(shape.config())
    model.initialize(1)
    sampler = Sampler([PackedGroup(Group("random", 1.0, ()), data)], {}, shape.context, seed=1, stage=0)
    gradients = GradientWorkers(model, workers, lambda: autocast(precision), next_token_loss)
    optimizer = MixedOptimizer(model, DECAY, rule=rule)
    optimizer.compute_in(torch.bfloat16 if precision == "bfloat16" else torch.float32)
    position = 0

    def step() -> float:
        nonlocal position
        batches = []
        for _ in range(shape.micro_steps):
            batches.append(torch.from_numpy(sampler.batch(position, shape.rows)))
            position += shape.rows
        loss = gradients.step(batches, shape.tokens)
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step(0.02, RATE)
        optimizer.zero()
        return loss

    return step


def race(contestants: dict[str, Step], rounds: int, tokens: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round, printed as they come; one round before them does not count."""
    for name, step in contestants.items():
        print(f"  {name:14} first loss {step():.3f}")
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, step in contestants.items():
            start = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - start)
        words = "   ".join(f"{name} {taken[-1]:6.2f} s {tokens / taken[-1]:7,.0f}/s" for name, taken in seconds.items())
        print(f"  round {number}: {words}", flush=True)
    return seconds


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """How many times as fast ours is: the median over the rounds, each compared with itself."""
    return statistics.median(one / two for one, two in zip(theirs, ours, strict=True))


def main(arguments: Sequence[str] | None = None) -> dict[tuple[int, str], float]:
    """Race at every vocabulary and number format; the ratio with AdamW on both sides, by these."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nanogpt", type=Path, required=True, metavar="CLONE")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocabularies", type=int, nargs="+", default=[50304, 10240])
    parser.add_argument("--formats", nargs="+", default=["float32", "bfloat16"], choices=["float32", "bfloat16"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    for field in ("context", "layers", "width", "heads", "rows", "micro_steps"):
        parser.add_argument(f"--{field.replace('_', '-')}", type=int, default=getattr(Shape, field))
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    nano, ratios = load_nanogpt(options.nanogpt), {}
    for vocabulary in options.vocabularies:
        shape = Shape(
            vocabulary,
            options.context,
            options.layers,
            options.width,
            options.heads,
            options.rows,
            options.micro_steps,
        )
        data = np.random.default_rng(1).integers(0, vocabulary, 50 * shape.tokens).astype(np.uint16)
        for precision in options.formats:
            parameters = shape.config().parameters
            print(f"{parameters:,} parameters, vocabulary {vocabulary:,}, {precision}, {options.threads} threads")
            contestants = {
                "nanoGPT": their_step(nano, shape, data, precision),
                "ours, AdamW": our_step(shape, data, precision, "adamw", options.threads),
                "ours, Muon": our_step(shape, data, precision, "muon", options.threads),
            }
            seconds = race(contestants, options.rounds, shape.tokens)
            ratios[vocabulary, precision] = ratio(seconds["nanoGPT"], seconds["ours, AdamW"])
            muon = ratio(seconds["nanoGPT"], seconds["ours, Muon"])
            print(
                f"  ours / nanoGPT: {ratios[vocabulary, precision]:.2f} with AdamW, {muon:.2f} with Muon\n", flush=True
            )
    return ratios


if __name__ == "__main__":
    main()
