"""The engine against the shortest loop over ONNX Runtime that there is, and against the mathematics in NumPy.

The loop feeds what came out as past, token by token, as the documentation of both programs shows it.
"""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from engine.folder import open_folder
from engine.loaded_model import LoadedModel, load_model
from tests.engine.layouts.test_made_by_tools import ANSWERS, MADE
from tests.support.tiny_graph import TinyShape, naive_logits, tiny_graph, tiny_weights
from tests.support.tiny_models import tiny_tokenizer_bytes

STEPS = 12
NUMPY = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


def best_tokens(model: LoadedModel, prompt: list[int], count: int) -> list[int]:
    """The best of all tokens after each, through the engine's session."""
    session = model.new_session()
    logits = session.prefill(prompt)
    assert logits is not None
    found = [int(logits[-1].argmax())]
    while len(found) < count:
        found.append(int(session.step(found[-1])[-1].argmax()))
    return found


def plain_loop(session: Any, prompt: list[int], count: int, sizes: tuple[int, int]) -> list[int]:
    pasts = [entry for entry in session.get_inputs() if entry.name.startswith("past")]
    cache = {entry.name: np.zeros((1, sizes[0], 0, sizes[1]), NUMPY[entry.type]) for entry in pasts}
    names = [entry.name for entry in session.get_outputs()]
    new, written, total = list(prompt), list[int](), 0
    while len(written) < count:
        feeds = {"input_ids": np.array([new]), "attention_mask": np.ones((1, total + len(new)), np.int64)}
        feeds["position_ids"] = np.arange(total, total + len(new))[None]
        feeds["use_cache_branch"] = np.array([total > 0])
        known = {entry.name for entry in session.get_inputs()}
        out = dict(zip(names, session.run(None, {k: v for k, v in (feeds | cache).items() if k in known})))
        cache = {name: out[name.replace("past_key_values", "present")] for name in cache}
        total += len(new)
        new = [int(out["logits"][0, -1].argmax())]
        written += new
    return written


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_plain_loop_writes_the_same(name: str) -> None:
    graph = MADE / ANSWERS[name]["folder"] / ANSWERS[name]["graph"]
    model = load_model(graph, "cpu", threads=2)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    dice = random.Random(11)
    sizes = (model.manifest.cache.kv_heads, model.manifest.cache.head_size)
    for length in (1, 2, 17, 60):  # within one chunk of the engine
        prompt = [dice.randrange(3, model.manifest.vocabulary_size) for _ in range(length)]
        assert best_tokens(model, prompt, STEPS) == plain_loop(session, prompt, STEPS, sizes)


def write_layout(folder: Path, layout: str, shape: TinyShape) -> Path:
    """A graph of our own in the folder that another program would write."""
    graphs = folder / "onnx" if layout == "transformers.js" else folder
    graphs.mkdir(parents=True)
    onnx.save(tiny_graph(shape, tiny_weights(shape, 5)), graphs / "model.onnx")
    (folder / "tokenizer.model").write_bytes(tiny_tokenizer_bytes())
    if layout == "transformers.js":
        words: dict[str, object] = {"model_type": "tiny", "n_positions": shape.context, "eos_token_id": 0}
        (folder / "config.json").write_text(json.dumps(words))
    else:
        decoder = {"filename": "model.onnx", "head_size": shape.head_size, "num_key_value_heads": shape.kv_heads}
        model = {"type": "tiny", "context_length": shape.context, "eos_token_id": [0], "decoder": decoder}
        (folder / "genai_config.json").write_text(json.dumps({"model": model}))
    return folder


@pytest.mark.parametrize("shape", [TinyShape(), TinyShape(learned_positions=True)], ids=["like Llama", "like GPT-2"])
@pytest.mark.parametrize("layout", ["transformers.js", "onnxruntime-genai"])
def test_the_mathematics_says_the_same(layout: str, shape: TinyShape, tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "模型 1", layout, shape)
    manifest = open_folder(folder).manifest
    assert manifest.source["layout"] == layout
    assert manifest.uses_position_ids == shape.learned_positions
    model = load_model(folder, "cpu", threads=1)
    prompt = [5, 80, 33, 7, 200, 100, 44, 9]
    expected = list(prompt)
    for _ in range(STEPS):
        expected.append(int(naive_logits(shape, tiny_weights(shape, 5), expected)[-1].argmax()))
    assert best_tokens(model, prompt, STEPS) == expected[len(prompt) :]
