"""Tiny models for the engine's tests, one of each kind, loaded once a run.

Knows: the tiny folders and `load_model`. Must not know: the export side.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.loaded_model import LoadedModel, load_model
from engine.session import Session
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

SHAPES = {
    "rotary": TinyShape(),
    "learned": TinyShape(learned_positions=True, context=200),
    "wide": TinyShape(heads=2, kv_heads=1, head_size=64, context=640),
    "int8-cache": TinyShape(cache="int8"),
}


@pytest.fixture(scope="session", autouse=True)
def _own_profile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the per-user folders of whoever runs it."""
    before = os.environ.get("NEXTSTROKE_PROFILE")
    os.environ["NEXTSTROKE_PROFILE"] = str(tmp_path_factory.mktemp("profile"))
    yield
    if before is None:
        del os.environ["NEXTSTROKE_PROFILE"]
    else:
        os.environ["NEXTSTROKE_PROFILE"] = before


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One folder of each shape, in a place named in Chinese with a space."""
    place = tmp_path_factory.mktemp("models") / "模型 文件夹"
    for name, shape in SHAPES.items():
        write_tiny_model(place / name, shape, name=name)
    return {name: place / name for name in SHAPES}


@pytest.fixture(scope="session")
def tiny_models(tiny_folders: dict[str, Path], _own_profile: None) -> dict[str, LoadedModel]:
    """All of them loaded, on two threads."""
    return {name: load_model(folder, "cpu", threads=2) for name, folder in tiny_folders.items()}


@pytest.fixture(params=sorted(SHAPES))
def model(request: pytest.FixtureRequest, tiny_models: dict[str, LoadedModel]) -> LoadedModel:
    """Each of them in turn."""
    return tiny_models[request.param]


def needs_exact_kernels(model: LoadedModel) -> None:
    """Skip what canonical chunks do not promise, where this processor's kernels need them."""
    if model.plan.is_canonical:
        pytest.skip("on this processor the model runs in canonical chunks, which do not promise this equality")


def needs_any_threads(model: LoadedModel) -> None:
    """Skip comparisons over numbers of threads where the self-check has found that they differ."""
    if not model.plan.any_threads:
        pytest.skip("on this processor the bits depend on the number of threads; the self-check says so")


@pytest.fixture
def rotary(tiny_models: dict[str, LoadedModel]) -> LoadedModel:
    """The plainest one."""
    return tiny_models["rotary"]


@pytest.fixture
def session(rotary: LoadedModel) -> Session:
    """An empty session of the plainest one."""
    return rotary.new_session()
