"""Proof that a model folder computes what its checkpoint computes: the certificate.

For: `convert.py`, which writes a folder only with a certificate inside its thresholds, and `nextstroke verify`.
Knows the PyTorch reference and the engine's public face: parity must test the loop that users run.
Must not know importers or how graphs are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.contracts.errors import VerificationError
from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.devices import default_threads
from engine.folder import hash_folder, open_folder
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model, with_prompt_graph
from export.certificate import THRESHOLDS, Certificate, Greedy, Rounding, TextReport
from export.importers.load import Imported
from export.logit_sums import LogitSums
from export.progress import Report
from export.reference import Reference
from export.samples import Sample, verification_samples

FloatArray = NDArray[np.float32]

GREEDY_TOKENS = 32
STEP_TOKENS = 24  # decoded one by one to compare with the uncached run
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_ROUND_TRIPS = (
    "",
    " ",
    "\n\n",
    "Hello,  world!\n",
    "从前有一个",
    "naïve café",
    "🙂👩‍👩‍👧",
    "a\tb\r\nc",
    "é́́",
    "〇一二、3.14％",
)


def certify(
    folder: Path,
    reference: Reference,
    precision: str,
    source: Mapping[str, Any],
    report: Report,
    rounding: Rounding,
) -> Certificate:
    """Compare the folder with the reference, on the processor. Nothing is decided here: see `Certificate.problems`."""
    # Threads are named, prompts not tried: speed matters to nobody yet. N-grams stand beside what was converted.
    model = load_model(folder, "cpu", default_threads(), tries_prompts=False).network_alone()
    with_prompts = with_prompt_graph(model)
    models = [model] if with_prompts is None else [model, with_prompts]
    samples = _samples(model)
    texts = []
    for index, sample in enumerate(samples):
        report((index + 0.5) / (len(samples) + 1), f"comparing: {sample.name}")
        texts.append(compare_text(models, reference, sample))
    report(len(samples) / (len(samples) + 1), "comparing: continuation")
    return Certificate(
        precision=precision,
        source=dict(source),
        reference=f"PyTorch {torch.__version__}, float32",
        engine={**model.versions, "device": model.device.kernel_class},
        texts=tuple(found[0] for found in texts),
        prompt_texts=tuple(found[1] for found in texts if len(found) > 1),
        cached_versus_uncached=_cached_versus_uncached(model, samples[0].ids),
        tokenizer_round_trip=_round_trip(model),
        greedy=_greedy(model, reference, samples[0].ids, max(found[0].max_error for found in texts)),
        threshold=THRESHOLDS[precision],
        rounding=rounding,
    )


def compare_text(models: Sequence[LoadedModel], reference: Reference, sample: Sample) -> list[TextReport]:
    """One text through all, position by position; only a few rows of logits are in memory at once. A report a model."""
    pairs = [(LogitSums(), _rows(list(sample.ids), model)) for model in models]
    position = 0
    for wanted in reference.logits(sample.ids):
        following = np.asarray(sample.ids[position + 1 : position + 1 + len(wanted)], np.int64)
        for sums, ours in pairs:
            sums.add(wanted, np.stack([next(ours) for _ in range(len(wanted))]), following)
        position += len(wanted)
    return [sums.report(sample.name, sample.natural) for sums, _ in pairs]


def _samples(model: LoadedModel) -> tuple[Sample, ...]:
    known = min(model.manifest.vocabulary_size, model.tokenizer.vocabulary_size)
    begin = model.prompt_ids("")
    return verification_samples(
        model.tokenizer.encode, begin, model.context_length, known, with_random_of=model.manifest.vocabulary_size
    )


def _rows(ids: Sequence[int], model: LoadedModel) -> Iterator[FloatArray]:
    session = model.new_session()
    for chunk in session.prefill_all(ids):
        yield from chunk.copy()


def _cached_versus_uncached(model: LoadedModel, ids: Sequence[int]) -> float:
    """Largest |Δlogit| between one run over a text and the same text token by token."""
    ids = ids[: STEP_TOKENS + 8]
    whole = np.stack(list(_rows(ids, model)))
    session = model.new_session()
    start = min(8, len(ids))
    for _ in session.prefill_all(ids[:start]):
        pass
    steps = [session.step(token)[-1].copy() for token in ids[start:]]
    return float(max((np.abs(step - row).max() for step, row in zip(steps, whole[start:], strict=True)), default=0.0))


def _round_trip(model: LoadedModel) -> bool:
    tokenizer = model.tokenizer
    return all(tokenizer.decode(tokenizer.encode(text)) == text for text in _ROUND_TRIPS)


def _greedy(model: LoadedModel, reference: Reference, ids: Sequence[int], largest_error: float) -> Greedy:
    """Both continue the same prompt with their most probable tokens."""
    room = model.context_length - 1
    prompt = list(ids[: max(min(24, room - GREEDY_TOKENS), 1)])
    count = min(GREEDY_TOKENS, model.context_length - len(prompt))
    request = GenerationRequest(
        "verify",
        prompt_ids=tuple(prompt),
        max_tokens=count,
        sampling=SamplingSettings(temperature=0.0),
        ignore_end_of_text=True,
        any_bytes=True,
    )
    made = [event.id for event in generate(model, model.new_session(), request) if isinstance(event, Token)]
    wanted = reference.greedy(prompt, count)[: len(made)]
    differs = next((index for index, pair in enumerate(zip(wanted, made, strict=False)) if pair[0] != pair[1]), None)
    margin = None
    if differs is not None:
        best = np.sort(list(reference.logits([*prompt, *wanted[:differs]]))[-1][-1])
        margin = float(best[-1] - best[-2])
    excused = margin is not None and margin < 2 * largest_error
    return Greedy(tokens=len(made), first_difference=differs, margin_there=margin, excused=excused)


@dataclass(frozen=True)
class FolderFacts:
    """What a check without the source can say."""

    files: int
    bytes: int
    words: str


def check_folder(path: Path, report: Report) -> FolderFacts:
    """Hash every file and run every graph once. Raises `ModelFolderError` naming what is wrong."""
    folder = open_folder(path)
    hash_folder(folder, lambda done, total: report(0.9 * done / max(total, 1), "checking SHA-256"))
    model = load_model(path, device="cpu")
    row = model.new_session().step(model.manifest.end_of_text)
    prompts = with_prompt_graph(model)
    rows = [row] if prompts is None else [row, *prompts.new_session().prefill_all([model.manifest.end_of_text] * 2)]
    if not all(np.isfinite(row).all() for row in rows):
        raise VerificationError(f"{path} answers with numbers that are not finite; fetch or export it again")
    words = str(folder.manifest.certificate.get("words", "This folder brings no certificate."))
    return FolderFacts(len(folder.manifest.files), folder.total_bytes, words)


def end_of_text_of(path: Path) -> int:
    """Id of the token that ends a text, as the folder says."""
    return open_folder(path).manifest.end_of_text


def certify_again(path: Path, imported: Imported, reference: Reference, report: Report) -> Certificate:
    """The certificate of an existing folder, measured anew. Raises `VerificationError` when it does not hold."""
    manifest = open_folder(path).manifest
    if dict(manifest.config) != imported.config.to_dict():
        raise VerificationError(
            f"{path} was not made from this checkpoint: their configurations differ; name its source"
        )
    theirs = {file["sha256"] for file in imported.files}
    weights = [file["sha256"] for file in manifest.source.get("files", []) if str(file["name"]).endswith(_WEIGHTS)]
    if not set(weights) <= theirs:
        raise VerificationError(f"{path} was made from another checkpoint (the SHA-256 differ); name its source")
    precision = str(manifest.certificate.get("precision", manifest.precision.get("mlp", "fp32")))
    rounding = Rounding(raised=tuple(manifest.certificate.get("raised", ())))
    certificate = certify(path, reference, precision, manifest.source, report, rounding)
    problems = certificate.problems() + certificate.prompt_problems()
    if problems:
        raise VerificationError(f"{path} is not what its certificate says: {'; '.join(problems)}; export it again")
    return certificate
