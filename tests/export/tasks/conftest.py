"""A toy model that was taught a toy task: the whole way from text to a model folder, once a run.

Its eight pairs are learnt by heart: the tests ask whether the parts fit together, not whether a small model translates.
"""

import json
import lzma
import os
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine.contracts.tasks import TaskFormat
from export.convert import convert
from export.training.recipe import Recipe, parse_recipe
from export.training.start import started
from export.training.train_command import find_recipe
from export.training.trainer import Trainer

PAIRS = {"a cat": "猫", "a dog": "狗", "a bird": "鸟", "a fish": "鱼", "the sun": "太阳", "the moon": "月亮"}
TASK = TaskFormat("translate-en-zh", "译：\n", "\n=\n", description="words")
TOY = tomllib.loads(find_recipe("toy").read_text(encoding="utf-8"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread_and_own_profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before, profile = torch.get_num_threads(), os.environ.get("NEXTSTROKE_PROFILE")
    torch.set_num_threads(1)
    os.environ["NEXTSTROKE_PROFILE"] = str(tmp_path_factory.mktemp("profile"))
    yield
    torch.set_num_threads(before)
    if profile is None:
        del os.environ["NEXTSTROKE_PROFILE"]
    else:
        os.environ["NEXTSTROKE_PROFILE"] = profile


def toy_recipe(folder: Path, tokens: int, **changes: object) -> Recipe:
    """The toy recipe over `folder`'s words.jsonl.xz, without reports on the way."""
    group = {"name": "words", "weight": 1, "language": "zh", "licence": "CC0-1.0"}
    training = TOY["training"] | {"tokens": tokens, "decay_tokens": tokens // 2, "prompts": ["译："]}
    training |= {"evaluate_every_tokens": 10**9, "samples_every_tokens": 10**9}
    tokenizer = TOY["tokenizer"] | {"vocabulary": 300}
    source = (
        TOY
        | {"tokenizer": tokenizer, "training": training, "stage": [{"length": 32}], "corpus": {"group": [group]}}
        | changes
    )
    return parse_recipe(source, folder)


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus folder with examples of the task, in many orders."""
    folder = tmp_path_factory.mktemp("词 words")
    order = random.Random(3)
    pairs = [pair for _ in range(120) for pair in order.sample(sorted(PAIRS.items()), len(PAIRS))]
    for name, some in (("words", pairs), ("words.heldout", pairs[:3])):
        lines = (json.dumps({"text": TASK.document(*pair), "task": TASK.name, "from": "toy"}) + "\n" for pair in some)
        (folder / f"{name}.jsonl.xz").write_bytes(lzma.compress("".join(lines).encode()))
    return folder


@pytest.fixture(scope="session")
def checkpoint(words: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the teaching starts from: a network that has seen a little of it."""
    run = tmp_path_factory.mktemp("start")
    assert Trainer(toy_recipe(words, 1_024, name="before"), run).run()
    return run / "final"


@pytest.fixture(scope="session")
def taught_run(words: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of the teaching."""
    run = tmp_path_factory.mktemp("taught") / "run"
    asked = toy_recipe(words, 49_152, name="after", tasks=[vars(TASK)], start={"checkpoint": str(checkpoint)})
    recipe, model = started(asked, run, resume=False)
    assert Trainer(recipe, run, model=model).run()
    return run


@pytest.fixture(scope="session")
def taught(taught_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder."""
    folder = tmp_path_factory.mktemp("models") / "学过 taught"
    convert(taught_run / "final", folder, "fp32")
    return folder
