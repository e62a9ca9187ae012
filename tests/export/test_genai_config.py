"""What onnxruntime-genai relies on when it opens a folder. (The tool itself never enters this environment.)"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from export.convert import convert
from tests.export.checkpoints import huggingface_model, own_checkpoint, save_huggingface


@pytest.fixture(scope="module", params=["own-int8", "gpt2-fp32"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    family, precision = request.param.split("-")
    place = tmp_path_factory.mktemp("genai")
    make = {"gpt2": lambda path: save_huggingface(path, huggingface_model()), "own": own_checkpoint}[family]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_PROFILE", str(place / "profile"))
        return convert(make(place / "checkpoint"), place / "model", precision).folder


def test_its_configuration_names_what_the_graph_has_and_no_input_is_left_over(folder: Path) -> None:
    config = json.loads((folder / "genai_config.json").read_text())["model"]
    decoder = config["decoder"]
    session = onnxruntime.InferenceSession(str(folder / decoder["filename"]), providers=["CPUExecutionProvider"])
    layers = range(decoder["num_hidden_layers"])
    for named, entries in (("inputs", session.get_inputs()), ("outputs", session.get_outputs())):
        patterns = decoder[named].values()
        known = {pattern % layer if "%d" in pattern else pattern for pattern in patterns for layer in layers}
        extra = {"num_logits_to_keep"} if named == "inputs" else set()  # it gives this one to whichever graph has it
        assert {entry.name for entry in entries} == known | extra
    assert session.get_overridable_initializers() == []
    cache = next(entry for entry in session.get_inputs() if entry.name == "past_key_values.0.key")
    assert cache.shape[1] == decoder["num_key_value_heads"]
    assert cache.shape[3] == decoder["head_size"]
    logits = next(entry for entry in session.get_outputs() if entry.name == decoder["outputs"]["logits"])
    assert logits.shape[2] == config["vocab_size"]


@pytest.mark.parametrize("shape", [(), (1,)], ids=["as transformers.js", "as onnxruntime-genai"])
def test_the_number_of_logits_may_come_in_either_shape(folder: Path, shape: tuple[int, ...]) -> None:
    session = onnxruntime.InferenceSession(str(folder / "decoder.onnx"), providers=["CPUExecutionProvider"])
    feeds = {"input_ids": np.array([[5, 80, 33]]), "attention_mask": np.ones((1, 3), np.int64)}
    for entry in session.get_inputs():
        if entry.name == "position_ids":
            feeds[entry.name] = np.arange(3)[None]
        elif entry.name.startswith("past"):
            kind = np.int8 if entry.type == "tensor(int8)" else np.float32
            feeds[entry.name] = np.zeros((1, entry.shape[1], 16, entry.shape[3]), kind)
    for keep, rows in ((0, 3), (1, 1), (2, 2)):
        feeds["num_logits_to_keep"] = np.full(shape, keep, np.int64)
        (logits,) = session.run(["logits"], feeds)
        assert logits.shape[1] == rows
