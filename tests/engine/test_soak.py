"""It runs all day: thousands of generations of every kind leave memory, files and threads as they were."""

import gc
import os
import random
import sys
import threading
from pathlib import Path

import pytest

from engine.contracts.constraint import Constraint
from engine.contracts.generation import Done, Failed, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel

GENERATIONS = 10_000
_TEXT = "the cat sat on a mat and saw two dogs run far away from home. 从前有一个小孩子他很高兴。"


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def some_request(dice: random.Random, number: int) -> GenerationRequest:
    """Short and long prompts, alone and several, plain and with every control that keeps something by the way."""
    prompt = "".join(dice.choices(_TEXT, k=dice.randint(1, 300)))
    odd = dice.choice(
        (
            {},
            {"candidates": dice.randint(2, 8)},
            {"lookup": 8},
            {"banned": ("the", "有"), "stop": (".", "。")},
            {"constraint": Constraint("regex", f"[a-z]{{1,{dice.randint(2, 9)}}}")},
            {"heal": True, "report_top": 5},
            {"prompt": ""},  # refused
        )
    )
    plain = {"prompt": prompt, "max_tokens": dice.randint(1, 6), "sampling": SamplingSettings(seed=number)} | odd
    return GenerationRequest(str(number), **plain)


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="memory and files are counted in /proc")
def test_ten_thousand_generations_grow_nothing(tiny_models: dict[str, LoadedModel]) -> None:
    model, dice = tiny_models["int8-cache"], random.Random(1)
    sessions, before = model.new_sessions(), (0, 0, 0)
    ends = {Done: 0, Failed: 0}
    for number in range(GENERATIONS):
        if number == GENERATIONS // 10:  # by now a session has gone to the disk, into the one file there is
            gc.collect()
            before = resident_bytes(), open_files(), threading.active_count()
        asked = dice.randint(0, 3)  # now and then a person stops it
        told = 0

        def is_cancelled() -> bool:
            return asked == 3 and told > 4  # noqa: B023  called while this round lasts

        for event in generate(model, sessions, some_request(dice, number), is_cancelled):
            told, last = told + 1, type(event)
        ends[last] += 1
    gc.collect()
    assert ends[Done] > 0.7 * GENERATIONS
    assert ends[Failed] > 0
    assert (open_files(), threading.active_count()) == before[1:]
    assert resident_bytes() < 1.02 * before[0]
