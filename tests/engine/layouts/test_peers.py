"""The other programs themselves, each in its own environment: what they make opens here, what we export opens there.

Left out where an environment is not named; peers.py says how.
"""

from pathlib import Path

import pytest

from engine.loaded_model import load_model
from tests.engine.layouts.peers import (
    GENAI,
    MERGED,
    OPTIMUM,
    TRANSFORMERS_JS,
    Made,
    answer,
    genai_folder,
    missing,
    optimum_folder,
    request,
    transformers_js_folder,
)
from tests.engine.layouts.test_made_by_tools import greedy

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


def needs(*variables: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(bool(missing(*variables)), reason=missing(*variables))


def compare(made: Made, prompts: int = 2) -> None:
    """Our tokens for the first prompts, and our ids of a text, against the program's own."""
    asked, told = request(), answer(made)
    model = load_model(made.folder / made.graph, "cpu", threads=2)
    for prompt, tokens in list(zip(asked["prompts"], told["tokens"], strict=True))[:prompts]:
        assert greedy(model, model.new_session(), prompt, asked["count"]) == tokens
    assert told.get("text_ids", model.prompt_ids(asked["text"])) == model.prompt_ids(asked["text"])


@needs(GENAI)
@pytest.mark.parametrize("precision", ["fp32", "int4"])
def test_onnxruntime_genai(precision: str, tmp_path: Path) -> None:
    compare(genai_folder(tmp_path, precision))


@needs(GENAI)
def test_onnxruntime_genai_with_pieces_for_bytes(tmp_path: Path) -> None:
    compare(genai_folder(tmp_path, "fp32", "byte-fallback"))


@needs(OPTIMUM)
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_optimum(family: str, tmp_path: Path) -> None:
    compare(optimum_folder(tmp_path, family))


@needs(MERGED)
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_merged_decoders_of_optimum(family: str, tmp_path: Path) -> None:
    compare(optimum_folder(tmp_path, family, merged=True))


@needs(GENAI, OPTIMUM, TRANSFORMERS_JS)
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_variants_of_transformers_js(family: str, tmp_path: Path) -> None:
    folder = transformers_js_folder(tmp_path, family)
    for dtype, suffix, prompts in (("fp32", "", 2), ("fp16", "_fp16", 2), ("q4", "_q4", 2), ("q8", "_quantized", 1)):
        compare(Made(folder, f"onnx/model{suffix}.onnx", TRANSFORMERS_JS, dtype), prompts)
