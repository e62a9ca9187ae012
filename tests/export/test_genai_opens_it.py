"""onnxruntime-genai opens the folders that we write, and its greedy tokens are the engine's (see layouts/peers.py)."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.loaded_model import load_model
from export.convert import convert
from tests.engine.layouts.peers import GENAI, Made, answer, missing, request
from tests.engine.layouts.test_made_by_tools import greedy
from tests.export.checkpoints import huggingface_model, own_checkpoint, save_huggingface

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(missing(GENAI)), reason=missing(GENAI)),
]


def compare(folder: Path) -> dict[str, Any]:
    """The same best tokens from both, of all tokens; what it answered."""
    asked = request(longest=90, count=30)  # within the small contexts of these models
    told = answer(Made(folder, "decoder.onnx", GENAI), asked)
    model = load_model(folder, "cpu", threads=2).network_alone()  # they know the graph, not what stands beside it
    for prompt, tokens in zip(asked["prompts"], told["tokens"], strict=True):
        session = model.new_session()
        logits = session.prefill(prompt)
        assert logits is not None
        mine = [int(logits[-1].argmax())]
        while len(mine) < len(tokens) and mine[-1] != model.manifest.end_of_text:
            mine.append(int(session.step(mine[-1])[-1].argmax()))
        assert mine == tokens
    return told


@pytest.mark.parametrize("precision", ["fp32", "int8", "int4"])
@pytest.mark.parametrize("family", ["own", "gpt2"])
def test_a_converted_folder(family: str, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    make = {"gpt2": lambda path: save_huggingface(path, huggingface_model()), "own": own_checkpoint}[family]
    compare(convert(make(tmp_path / "checkpoint"), tmp_path / "model", precision).folder)


def test_the_bundled_folder(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    folder = tmp_path / "tiny-zh-en"
    shutil.copytree(root / "resources" / "models" / "tiny-zh-en", folder)
    compare(folder)
    model = load_model(folder, "cpu", threads=2)
    prompt = model.prompt_ids("从前有一个小孩")
    assert greedy(model, model.new_session(), prompt, 12)
