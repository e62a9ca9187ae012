"""One dial for size: from `[model] depth = 6` to every size and rate of a run.

For: recipes. What a recipe says itself is never touched; only what it leaves out is derived.
Knows: the rules below. Must not know: torch, files, how a run works.

    head size     64, as GPT-2 and Llama 3.2 have it
    width         64 x depth, as GPT-2 small and nanochat; the loss is flat around it (Kaplan et al. 2020, figure 5)
    heads         width / 64
    kv_heads      the largest divisor of heads not above a third (Ainslie et al. 2023: 8 for 64 heads lose little)
    mlp_width     SwiGLU: 8/3 of the width, in 64s, so that three matrices weigh what two of 4 x width do (Shazeer 2020)
    tokens        20 for each parameter inside the layers (Hoffmann et al. 2022)
    compute C     tokens x (6 N + 12 layers x width x length), embeddings and head left out (DeepSeek LLM, section 3.1)
    batch_tokens  0.2920 x C^0.3271 (DeepSeek LLM, Bi et al. 2024, equation 1), to the next power of two of microbatches
    muon_rate     0.02 at every size: an orthogonal update scaled by sqrt(rows / columns) moves a layer's output by the
                  same share at any width (Jordan et al. 2024, Bernstein & Newhouse 2024)
    adam_rate     with Muon, for embeddings and norms: 0.005 x sqrt(192 / width), 0.005 being what measured best for the
                  bundled model; between muP's rules for a first layer (constant) and a last (1 / width: Yang et al.
                  2022), for a tied embedding is both; nanochat takes the same root
                  with AdamW alone: 0.3118 x C^-0.1250 (DeepSeek LLM, equation 1)
    warm-up       2 % of the tokens, at most 2,000 batches (DeepSeek LLM) and at least 10
    decay         the last 40 %: a straight fall over a fifth or more does what a cosine does (Hägele et al. 2024)

    depth  width  heads  kv  MLP width     N inside          tokens      batch  adam_rate
        2    128      2   1        384      393,216      7,864,320      8,192  0.00612
        4    256      4   1        704    2,818,048     56,360,960     32,768  0.00433
        6    384      6   2       1024    9,437,184    188,743,680     65,536  0.00354
        8    512      8   2       1408   22,544,384    450,887,680    131,072  0.00306
       12    768     12   4       2048   75,497,472  1,509,949,440    262,144  0.00250
       20   1280     20   5       3456  347,340,800  6,946,816,000    524,288  0.00194
       24   1536     24   8       4096  603,979,776 12,079,595,520  1,048,576  0.00177

    (the table is for a context of 1,024; a test holds it to the rules)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from engine.contracts.errors import CheckpointError, RecipeError
from engine.contracts.plain_fields import shown
from export.model.config import ModelConfig
from export.training.compute import flops_per_token, matrix_parameters

DEEPEST = 256
_HEAD_SIZE, _WIDTH_A_LAYER, _MULTIPLE = 64, 64, 64
_TOKENS_A_PARAMETER = 20
_MICROBATCH = 4096  # tokens that a processor's or a small GPU's memory takes at these widths
_BLOCK: dict[str, Any] = {
    "context_length": 1024,
    "norm": "rms",
    "norm_epsilon": 1e-5,
    "positions": "rotary",
    "mlp": "swiglu",
    "qkv_bias": False,
    "projection_bias": False,
    "norm_bias": False,
    "tied_head": True,
}


def dialled(source: Mapping[str, Any], earlier: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], list[str]]:
    """A recipe's plain content with everything that `model.depth` decides, and the "table.key"s that were derived.

    Without `depth` nothing changes. `earlier` is the content that a run began with: what it was derived to be then, it
    stays, whatever this program's rules say, and however many tokens the run has been given since.
    """
    model = source.get("model")
    if not isinstance(model, dict) or "depth" not in model:
        return dict(source), []
    depth = model["depth"]
    if type(depth) is not int or not 1 <= depth <= DEEPEST:
        raise RecipeError(f"[model]: depth is {shown(depth)}, but must be a whole number from 1 to {DEEPEST}")
    if "architecture" in model:
        raise RecipeError("[model]: depth is the dial of a GPT; a recurrent network names its sizes itself")
    full = {**source, "model": dict(model), "training": dict(source.get("training", {}))}
    begun = earlier if earlier and earlier.get("model", {}).get("depth") == depth else {}
    derived: list[str] = []

    def fill(table: str, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            if key not in full[table]:
                full[table][key] = begun.get(table, {}).get(key, value)
                derived.append(f"{table}.{key}")

    try:
        fill("model", {"layers": depth, **_BLOCK})
        for size in (_head_size, _width, _heads, _kv_heads, _mlp_width):
            fill("model", size(full["model"]))
        for setting in (_tokens, _batch, _rates, _slopes):
            fill("training", setting(full))
    except (TypeError, ValueError, ArithmeticError, KeyError, AttributeError) as error:
        # What is mistyped is named where the tables are read; here it only cannot be reckoned with.
        raise RecipeError(
            f"[model]: nothing can be derived from depth = {depth} beside these values ({error}); correct them"
        ) from error
    return full, derived


def _head_size(model: Mapping[str, Any]) -> dict[str, Any]:
    if "heads" in model and "width" in model:
        return {"head_size": model["width"] // model["heads"]}
    return {"head_size": _HEAD_SIZE}


def _width(model: Mapping[str, Any]) -> dict[str, Any]:
    return {"width": _WIDTH_A_LAYER * model["depth"]}


def _heads(model: Mapping[str, Any]) -> dict[str, Any]:
    return {"heads": max(1, model["width"] // model["head_size"])}


def _kv_heads(model: Mapping[str, Any]) -> dict[str, Any]:
    heads = model["heads"]
    return {"kv_heads": max(n for n in range(1, max(1, heads // 3) + 1) if heads % n == 0)}


def _mlp_width(model: Mapping[str, Any]) -> dict[str, Any]:
    times = 8 / 3 if model["mlp"] == "swiglu" else 4
    return {"mlp_width": _MULTIPLE * math.ceil(times * model["width"] / _MULTIPLE)}


def _tokens(full: Mapping[str, Any]) -> dict[str, Any]:
    return {"tokens": _TOKENS_A_PARAMETER * matrix_parameters(_config(full), head=False)}


def _batch(full: Mapping[str, Any]) -> dict[str, Any]:
    training, unit = full["training"], math.lcm(*_lengths(full))
    wanted = 0.2920 * _compute(full) ** 0.3271
    if "batch_tokens" in training:
        fitting = [n for n in range(unit, _MICROBATCH + 1, unit) if training["batch_tokens"] % n == 0]
        micro = max(fitting, default=unit)
    else:
        micro = unit * max(1, min(_MICROBATCH, int(wanted)) // unit)
    micro = training.get("microbatch_tokens", micro)
    doublings = max(0, round(math.log2(wanted / micro)), math.ceil(math.log2(training.get("workers", 1))))
    return {"microbatch_tokens": micro, "batch_tokens": micro * 2**doublings}


def _rates(full: Mapping[str, Any]) -> dict[str, Any]:
    alone = full["training"].get("optimizer") == "adamw"
    adam = 0.3118 * _compute(full) ** -0.1250 if alone else 5e-3 * math.sqrt(192 / full["model"]["width"])
    return {"muon_rate": 0.02, "adam_rate": float(f"{adam:.3g}")}


def _slopes(full: Mapping[str, Any]) -> dict[str, Any]:
    tokens, batch = full["training"]["tokens"], full["training"]["batch_tokens"]
    return {
        "warmup_tokens": max(10 * batch, min(2000 * batch, tokens // 50)),
        "decay_tokens": 2 * tokens // 5,
    }


def _compute(full: Mapping[str, Any]) -> float:
    """FLOPs of the whole run without embeddings and head."""
    return float(full["training"]["tokens"] * flops_per_token(_config(full), max(_lengths(full)), head=False))


def _lengths(full: Mapping[str, Any]) -> list[int]:
    return [stage.get("length", 512) for stage in full.get("stage") or [{"length": full["model"]["context_length"]}]]


def _config(full: Mapping[str, Any]) -> ModelConfig:
    sizes = {key: value for key, value in full["model"].items() if key != "depth"}
    try:
        return ModelConfig.from_dict({**sizes, "vocabulary_size": 1})
    except CheckpointError as error:
        raise RecipeError(f"[model]: {error}") from error
