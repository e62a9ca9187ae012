"""Folders that the other programs made (random weights, kept in `made`): our tokens are the ones they wrote.

`python -m tests.engine.layouts.peers` makes folders and answers anew; test_peers.py does both while it runs.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.commands.verify import verify
from engine.contracts.errors import ModelFolderError
from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.manifest import MANIFEST_NAME
from engine.contracts.sampling_settings import SamplingSettings
from engine.folder import open_folder
from engine.generate import generate
from engine.library import ModelLibrary
from engine.loaded_model import LoadedModel, load_model
from engine.session import Session

MADE = Path(__file__).parent / "made"
ANSWERS: dict[str, dict[str, Any]] = json.loads((MADE / "answers.json").read_text(encoding="utf-8"))


def greedy(model: LoadedModel, session: Session, ids: list[int], count: int) -> list[int]:
    """What the engine writes behind `ids`, always the best token."""
    request = GenerationRequest("r", prompt_ids=tuple(ids), max_tokens=count, sampling=SamplingSettings(temperature=0))
    return [event.id for event in generate(model, session, request, lambda: False) if isinstance(event, Token)]


@pytest.fixture(scope="module")
def models() -> dict[str, LoadedModel]:
    return {
        name: load_model(MADE / answer["folder"] / answer["graph"], "cpu", threads=2)
        for name, answer in ANSWERS.items()
    }


@pytest.fixture(params=sorted(ANSWERS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_same_tokens_as_the_program_that_made_it(name: str, models: dict[str, LoadedModel]) -> None:
    answer, model = ANSWERS[name], models[name]
    # A graph that scales its activations run by run computes something else for a prompt in two chunks: such a text
    # keeps its bits in this engine, but may leave the other program's at a close choice.
    compared = 1 if model.manifest.precision["weights"] == "int8" else len(answer["prompts"])
    for prompt, tokens in list(zip(answer["prompts"], answer["tokens"]))[:compared]:
        assert greedy(model, model.new_session(), prompt, answer["count"]) == tokens


def test_the_same_tokens_of_a_text(name: str, models: dict[str, LoadedModel]) -> None:
    assert models[name].prompt_ids(ANSWERS[name]["text"]) == ANSWERS[name]["text_ids"]


def test_a_session_that_goes_back_writes_what_a_new_one_writes(name: str, models: dict[str, LoadedModel]) -> None:
    model, prompts = models[name], ANSWERS[name]["prompts"]
    session = model.new_session()
    texts = [prompts[1], prompts[1][:70], prompts[1][:70] + prompts[0], prompts[0], prompts[1]]
    for text in texts:
        assert greedy(model, session, text, 12) == greedy(model, model.new_session(), text, 12)
        assert session.length == session.cache.length


def test_what_was_measured_is_what_is_promised(models: dict[str, LoadedModel]) -> None:
    assert models["optimum-merged-gpt2"].graph.runs_singly  # the tool's own merged graph loses the order among several
    assert not models["transformers-js-llama"].graph.runs_singly
    assert models["transformers-js-llama-q8"].plan.is_canonical
    assert models["transformers-js-llama"].manifest.cache.joined
    assert not models["genai-int4"].manifest.cache.joined


def test_several_candidates_come_from_a_joined_cache(models: dict[str, LoadedModel]) -> None:
    model = models["transformers-js-llama"]
    request = GenerationRequest(
        "r", prompt_ids=(5, 80, 33), max_tokens=8, candidates=3, sampling=SamplingSettings(seed=3)
    )
    runs = [
        [
            (event.candidate, event.id)
            for event in generate(model, model.new_session(), request, lambda: False)
            if isinstance(event, Token)
        ]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert {candidate for candidate, _ in runs[0]} == {0, 1, 2}


def test_verify_says_that_there_is_no_certificate(name: str) -> None:
    checks = list(verify(MADE / ANSWERS[name]["folder"], "cpu", 2))
    assert all(check.ok for check in checks)
    assert len(checks) == 4
    assert "nothing proves the conversion" in checks[1].detail


def test_the_most_exact_variant_is_taken_unless_a_file_is_named(tmp_path: Path) -> None:
    folder = MADE / "transformers-js-llama"
    assert open_folder(folder).manifest.graph("decoder") == "onnx/model.onnx"
    quantized = open_folder(folder / "onnx" / "model_quantized.onnx")
    assert quantized.path == folder
    assert quantized.manifest.graph("decoder") == "onnx/model_quantized.onnx"
    assert quantized.manifest.name == "transformers-js-llama (quantized)"
    assert all(entry.name != "onnx/model.onnx" for entry in quantized.manifest.files)
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "onnx" / "model.onnx").unlink()
    assert open_folder(copy).manifest.precision["weights"] == "int8"


def test_a_copy_in_the_library_is_checked_from_then_on(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "none", tmp_path / "models")
    added = library.add(MADE / "genai-int4")
    assert added is not None
    assert added.usable
    assert added.precision == "int4"
    folder = library.find(added.name)
    assert (folder / MANIFEST_NAME).is_file()
    assert open_folder(folder).manifest.digest() == open_folder(MADE / "genai-int4").manifest.digest()
    answer = ANSWERS["genai-int4"]
    model = load_model(folder, "cpu", threads=2)
    assert greedy(model, model.new_session(), answer["prompts"][0], answer["count"]) == answer["tokens"][0]
    assert [check.ok for check in verify(folder, "cpu", 2)] == [True] * 4
    damaged = bytearray((folder / "model.onnx.data").read_bytes())
    damaged[1000] ^= 1
    (folder / "model.onnx.data").write_bytes(damaged)
    with pytest.raises(ModelFolderError, match=r"model.onnx.data .* differs from its SHA-256"):
        open_folder(folder)


def test_one_variant_is_added_alone(tmp_path: Path) -> None:
    library = ModelLibrary(tmp_path / "none", tmp_path / "models")
    added = library.add(MADE / "transformers-js-llama" / "onnx" / "model_quantized.onnx")
    assert added is not None
    assert added.display_name == "transformers-js-llama (quantized)"
    assert [path.name for path in (Path(added.folder) / "onnx").iterdir()] == ["model_quantized.onnx"]
    assert library.models() == [added]
