"""A toy run for the training tests: text, recipe, one thread."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import torch

from export.training.recipe import Recipe, load_recipe
from export.training.train_command import find_recipe

_WORDS = ["cat", "dog", "bird", "fish", "child"], ["sees", "likes", "follows"], ["the sun", "a red ball", "the river"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Toy tensors are too small to share out, and a busy machine makes threads wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def stories(count: int, seed: int) -> str:
    """Made-up documents with something to learn."""
    random = Random(seed)
    documents = []
    for _ in range(count):
        sentences = [
            f"The {random.choice(_WORDS[0])} {random.choice(_WORDS[1])} {random.choice(_WORDS[2])}." for _ in range(6)
        ]
        documents.append(" ".join(sentences) + "\n小猫喜欢红球。小猫看见太阳。\n<|endoftext|>\n")
    return "".join(documents)


@pytest.fixture(scope="session")
def toy_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("语料 corpus")
    (folder / "stories.txt").write_text(stories(60, 1), encoding="utf-8")
    (folder / "heldout.txt").write_text(stories(4, 2), encoding="utf-8")
    return folder


@pytest.fixture
def toy_recipe(toy_corpus: Path) -> Callable[..., Recipe]:
    """The toy recipe with overrides."""

    def load(*overrides: str) -> Recipe:
        return load_recipe(find_recipe("toy"), [f"corpus.folder={toy_corpus}", *overrides])

    return load
