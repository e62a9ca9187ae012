"""The sentences of a model card that depend on what the recipe fed: its languages, its limits, how it was trained.

For: the model card. Knows: a recipe's plain content. Must not know: torch, a run's figures.

A sentence stands in a card only where the recipe bears it out: a model of Chinese alone is not called bilingual, and
only text that is in the public domain by age is said to carry its time's views.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from export.model.recurrent_config import AnyConfig, RecurrentConfig
from export.training.recipe import TrainingSettings

_NAMES = {"en": ("English", "英文"), "zh": ("Chinese", "中文")}
_VERY_SMALL, _SMALL = 50e6, 1e9


def groups_of(recipe: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every group of text that the network has read, also before it was fine-tuned."""
    yield from recipe["corpus"]["group"]
    base = recipe.get("finetuning", {}).get("base")
    while base:
        yield from base["groups"]
        base = base.get("finetuning", {}).get("base")


def languages(recipe: Mapping[str, Any], chinese: bool = False) -> str:
    """The languages of the training text in words, "" where the recipe names none of those it knows."""
    codes = dict.fromkeys(group.get("language", "") for group in groups_of(recipe))
    names = [_NAMES[code][chinese] for code in sorted(codes) if code in _NAMES]
    return ("和" if chinese else " and ").join(names)


def limits(config: AnyConfig, recipe: Mapping[str, Any]) -> str:
    """What a person should not expect, as a Markdown list."""
    licences = [group.get("licence", "") for group in groups_of(recipe)]
    lines = [
        f"It is {_size(config)}. It continues text in the style of what it was trained on; it does not know facts, "
        "does not follow instructions, does not reason, and soon loses the thread.",
        "What it writes may be wrong, odd or offensive"
        + (
            ": part of its text is old enough to be in the public domain and carries its time's views."
            if any("public domain" in licence.lower() for licence in licences)
            else "."
        ),
        "It may repeat phrases of its training text. "
        + (
            "The licences of all of that text are named above; say where text comes from where originality matters."
            if all(licences)
            else "Not all of that text has a licence stated above: find out before you pass on what it wrote."
        ),
        "Characters that are rare in the training text are spelt in bytes and come out badly. It knows no kind of text "
        "and no language but those above.",
        f"Text beyond the context of {config.context_length:,} tokens is not seen.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def abstract(config: AnyConfig, recipe: Mapping[str, Any], compared: bool) -> str:
    """The summary in Chinese; `compared` says whether the card has a compressor's figures."""
    how = "在已有模型上微调" if recipe.get("finetuning") else "从头训练"
    known = languages(recipe, chinese=True)
    kind = "双语语言模型" if "和" in known else "语言模型"
    beside = "；旁边是先读完同组训练文本的 PPMd 压缩器的成绩" if compared else ""
    count = config.parameters
    size = f"{count / 1e6:.1f} 百万参数" if count >= 1e6 else f"{count:,} 个参数"
    return f"""## 中文摘要

这是一个{how}的小型{kind}（{size}），用来在没有网络的电脑上续写{known or "文本"}。
训练文本及其许可见上表。
它只会接着写，不懂事实，不听指令，也不会推理；写出的内容可能有错或不合适。
“比特每字节”越低越好，是在模型从未见过的文本上测得的{beside}。"""


def training_rows(config: AnyConfig, recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How it was trained, as (what, value) rows; what the recipe leaves out has its default."""
    defaults = {field.name: field.default for field in dataclasses.fields(TrainingSettings)}
    made = {**defaults, **recipe["training"]}
    lengths = [
        f"{length:,}" for length, _ in itertools.groupby(s.get("length", 512) for s in recipe.get("stage") or [])
    ]
    adam = f"AdamW at {made['adam_rate']:g}"
    only = made["optimizer"] == "adamw" or isinstance(config, RecurrentConfig)  # which has no layers for Muon
    rule = adam if only else f"Muon at {made['muon_rate']:g} inside the layers, {adam} elsewhere"
    left = "" if not made["final_rate"] else f" to {made['final_rate']:g} of it"
    slope = f"rising over {made['warmup_tokens']:,} tokens, falling{left} over the last {made['decay_tokens']:,}"
    return [
        ("tokens in a step", f"{made['batch_tokens']:,}"),
        *([("windows", ", then ".join(lengths) + " tokens")] if lengths else []),
        ("update rule", f"{rule}; weight decay {made['weight_decay']:g}, gradients clipped at {made['clip']:g}"),
        ("rate", slope),
        ("number format", {"auto": "float32"}.get(made["autocast"], made["autocast"])),
        ("seed", str(made["seed"])),
    ]


def _size(config: AnyConfig) -> str:
    count = config.parameters
    return "very small" if count < _VERY_SMALL else "small" if count < _SMALL else "not large"
