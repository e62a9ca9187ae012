"""The programs whose model folders the engine opens, each in an environment of its own, named by a variable:

    NEXTSTROKE_PEER_GENAI            Python with onnxruntime-genai, onnx_ir, transformers, torch
    NEXTSTROKE_PEER_OPTIMUM          Python with optimum-onnx[onnxruntime], torch
    NEXTSTROKE_PEER_OPTIMUM_MERGED   Python with optimum 1.23, which still merges two decoders
    NEXTSTROKE_PEER_TRANSFORMERS_JS  a folder whose node_modules hold @huggingface/transformers

Knows how each is called. Must not know the engine. Run as a program, it writes the folders and answers that the
ordinary suite keeps: `python -m tests.engine.layouts.peers` from the checkout.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).parent / "tools"
MADE = Path(__file__).parent / "made"
GENAI, OPTIMUM, MERGED = "NEXTSTROKE_PEER_GENAI", "NEXTSTROKE_PEER_OPTIMUM", "NEXTSTROKE_PEER_OPTIMUM_MERGED"
TRANSFORMERS_JS = "NEXTSTROKE_PEER_TRANSFORMERS_JS"
SECONDS = 900
TEXT = "the cat 从前有一个 mat"


def request(longest: int = 90, count: int = 40) -> dict[str, Any]:
    """Letters only, so that no prompt ends within a character; one fits a chunk of the engine, one does not."""
    dice = random.Random(7)
    prompts = [[5, 80, 33, 7, 40, 60, 44, 9], [dice.randrange(36, 90) for _ in range(longest)]]
    return {"prompts": prompts, "count": count, "text": TEXT}


@dataclass(frozen=True)
class Made:
    """A folder, the graph in it, the variable of the environment that runs it, the precision in transformers.js."""

    folder: Path
    graph: str
    runtime: str
    dtype: str = ""


def missing(*variables: str) -> str:
    """The reason to leave a test out, "" where all are there."""
    absent = [name for name in variables if not os.environ.get(name)]
    if absent:
        return f"no other program to compare with: {', '.join(absent)} names no environment (see {Path(__file__).name})"
    return "node is not installed" if TRANSFORMERS_JS in variables and shutil.which("node") is None else ""


def run_tool(variable: str, script: str, *arguments: object, asked: dict[str, Any] | None = None) -> str:
    """One of the scripts in `tools`, in the environment of that variable; its last line."""
    program = ["node"] if variable == TRANSFORMERS_JS else [os.environ[variable]]
    first = [os.environ[variable]] if variable == TRANSFORMERS_JS else []
    command = [*program, str(TOOLS / script), *first, *map(str, arguments)]
    if script == "builder":
        command = [*program, "-m", "onnxruntime_genai.models.builder", *map(str, arguments)]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def answer(made: Made, asked: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the program itself says to `asked`, or to `request`."""
    scripts = {GENAI: "run_genai.py", TRANSFORMERS_JS: "run_transformers_js.mjs"}
    more = {GENAI: (), TRANSFORMERS_JS: (made.dtype,)}.get(made.runtime, (made.graph,))
    script = scripts.get(made.runtime, "run_optimum.py")
    return dict(json.loads(run_tool(made.runtime, script, made.folder, *more, asked=asked or request())))


def genai_folder(place: Path, precision: str, *checkpoint: str) -> Made:
    """onnxruntime-genai's builder on a Llama."""
    source, target = place / f"genai-source-{len(checkpoint)}", place / f"genai-{precision}-{len(checkpoint)}"
    if not source.exists():
        run_tool(GENAI, "make_checkpoint.py", source, "llama", *checkpoint)
    run_tool(GENAI, "builder", "-i", source, "-o", target, "-p", precision, "-e", "cpu", "-c", place / "cache")
    return Made(target, "model.onnx", GENAI)


def optimum_folder(place: Path, family: str, merged: bool = False) -> Made:
    """optimum's export: one graph with a cache, or its older form."""
    variable, kind = (MERGED, "merged") if merged else (OPTIMUM, "plain")
    source, target = place / f"{kind}-source-{family}", place / f"{kind}-{family}"
    run_tool(variable, "make_checkpoint.py", source, family)
    run_tool(variable, "export_optimum.py", source, target, *(["merged"] if merged else []))
    for leftover in ("decoder_model.onnx", "decoder_with_past_model.onnx"):
        (target / leftover).unlink(missing_ok=True)
    return Made(target, "decoder_model_merged.onnx" if merged else "model.onnx", variable)


def transformers_js_folder(place: Path, family: str) -> Path:
    """The variants that transformers.js loads, from optimum's export."""
    run_tool(GENAI, "make_variants.py", optimum_folder(place, family).folder, place / f"js-{family}")
    return place / f"js-{family}"


def write_fixtures() -> None:
    """The folders and answers in `made`, anew."""
    shutil.rmtree(MADE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        js = transformers_js_folder(place, "llama")
        found = {
            "genai-int4": genai_folder(place, "int4"),
            "genai-byte-fallback": genai_folder(place, "fp32", "byte-fallback"),
            "optimum-merged-gpt2": optimum_folder(place, "gpt2", merged=True),
            "transformers-js-llama": Made(js, "onnx/model.onnx", TRANSFORMERS_JS, "fp32"),
            "transformers-js-llama-q8": Made(js, "onnx/model_quantized.onnx", TRANSFORMERS_JS, "q8"),
        }
        answers = {}
        for made_as, made in found.items():
            folder = "transformers-js-llama" if made.folder == js else made_as
            answers[made_as] = {"folder": folder, "graph": made.graph} | request() | answer(made)
            shutil.copytree(made.folder, MADE / folder, dirs_exist_ok=True)
        for unused in ("model_fp16.onnx", "model_q4.onnx"):
            (MADE / "transformers-js-llama" / "onnx" / unused).unlink()
        text = json.dumps(answers, ensure_ascii=False)
        (MADE / "answers.json").write_text(text.replace('}, "', '},\n"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    reason = missing(GENAI, OPTIMUM, MERGED, TRANSFORMERS_JS)
    sys.exit(reason or write_fixtures())
