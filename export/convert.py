"""A checkpoint into a model folder: the order of the steps, and which precision means what.

    checkpoint ── child process ──> canonical tensors ─┬─> reference (PyTorch) ── calibration
                                                       └─> graphs ── lowering ──> decoder.onnx, prefill.onnx
    graphs + tokenizer + manifest ── verify against the reference ──> certificate ──> folder in place

For: `nextstroke export`. Knows all parts of the export side by their front doors; must not know their insides.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.contracts.errors import UsageError, VerificationError
from engine.contracts.manifest import (
    CERTIFICATE_NAME,
    DECODER,
    GENAI_CONFIG_NAME,
    MODEL_CARD_NAME,
    PREFILL,
    CacheLayout,
    GraphEntry,
    Manifest,
    TokenizerEntry,
)
from engine.contracts.tasks import read_tasks
from engine.tokenizer import read_tokenizer
from export.attempts import CACHES, attempts, layout_words, no_prompts_words, raised_words
from export.calibration import Calibration, calibrate
from export.certificate import Certificate, Rounding
from export.folder_writer import WORK, check_target, new_folder, write_manifest
from export.genai_config import genai_config
from export.graph.lowering import FLOAT, INT4, INT8, INT8_BLOCKS
from export.graph_files import (
    DECODER_FILE,
    PREFILL_FILE,
    Kinds,
    Source,
    prompt_kinds,
    remove_prompt_file,
    write_decoder_file,
    write_prompt_file,
)
from export.importers.load import Imported, import_checkpoint
from export.importers.tokenizer_files import BEGIN_OF_TEXT
from export.model.gpt import GPT
from export.model.recurrent_config import AnyConfig
from export.model_card import model_card
from export.progress import Report, part
from export.reference import Reference
from export.samples import calibration_samples, feedback_samples
from export.verify import certify


@dataclass(frozen=True)
class Converted:
    """What was written."""

    folder: Path
    manifest: Manifest
    certificate: Certificate
    precision: str


@dataclass(frozen=True)
class _Job:
    imported: Imported
    reference: Reference
    precision: str
    calibration: Calibration | None
    name: str


def convert(
    source: Path,
    folder: Path,
    precision: str | None = None,
    tokenizer: Path | None = None,
    end_of_text: str | None = None,
    force: bool = False,
    report: Report = lambda fraction, doing: None,
) -> Converted:
    """Write `folder`, verified, or raise one line and leave nothing behind. No precision: the usual one of its kind."""
    check_target(folder, force)
    with new_folder(folder, force) as hidden:
        report(0.0, "reading the checkpoint")
        imported = import_checkpoint(source, hidden / WORK, tokenizer, end_of_text)
        precision = _precision(imported.config, precision)
        report(0.2, "preparing the reference")
        reference = Reference(imported.config, imported.tensors())
        calibration = None
        if CACHES[precision] == "int8" and isinstance(reference.model, GPT):
            report(0.25, "measuring activations")
            calibration = _calibration(imported, reference.model)
        job = _Job(imported, reference, precision, calibration, folder.name)
        manifest, certificate = _first_inside_thresholds(job, hidden, report)
        report(0.98, "writing")
        _write_words(job, hidden, manifest, certificate)
        complete = _with_certificate(hidden, manifest, certificate)
    report(1.0, "done")
    return Converted(folder, complete, certificate, precision)


def _first_inside_thresholds(job: _Job, hidden: Path, report: Report) -> tuple[Manifest, Certificate]:
    tries = attempts(job.precision, job.imported.config)
    share = 0.65 / len(tries)
    shutil.copyfile(job.imported.tokenizer_file, hidden / job.imported.tokenizer_file.name)
    raised: tuple[str, ...] = ()
    for index, kinds in enumerate(tries):
        start = 0.3 + share * index
        certificate, manifest = _attempt(job, hidden, kinds, raised, part(report, start, start + share))
        problems = certificate.problems()
        if not problems:
            return manifest, certificate
        if index + 1 < len(tries):
            raised = (*raised, raised_words(kinds, tries[index + 1], problems))
    raise VerificationError(
        f"the {job.precision} conversion misses its threshold, so nothing was written: {'; '.join(problems)}; "
        "choose a higher precision"
        if job.precision != "fp32"
        else f"the conversion differs from its checkpoint, so nothing was written: {'; '.join(problems)}; report this"
    )


def _attempt(
    job: _Job, hidden: Path, kinds: Kinds, raised: tuple[str, ...], report: Report
) -> tuple[Certificate, Manifest]:
    """One decoder, with the fastest graph for prompts that is inside the thresholds too, or none.

    `raised`: what attempts before this one could not keep to.
    """
    source = _graph_source(job)
    written = part(report, 0.0, 0.3)
    shared = write_decoder_file(source, hidden, kinds, lambda fraction: written(fraction, "writing the graph"))
    for prompts in prompt_kinds(kinds) if source.takes_prompt_graph else ():
        write_prompt_file(source, hidden, prompts, shared, lambda fraction: written(1.0, "writing the prompt graph"))
        certificate, manifest = _certified(job, hidden, (kinds, prompts), raised, part(report, 0.3, 1.0))
        problems = certificate.prompt_problems()
        if certificate.problems() or not problems:
            return certificate, manifest
        raised = (*raised, no_prompts_words(prompts, problems))
    remove_prompt_file(hidden)
    return _certified(job, hidden, (kinds, None), raised, part(report, 0.3, 1.0))


def _certified(
    job: _Job, hidden: Path, kinds: tuple[Kinds, Kinds | None], raised: tuple[str, ...], report: Report
) -> tuple[Certificate, Manifest]:
    """Of the decoder's kinds and the prompt graph's."""
    manifest = write_manifest(hidden, _manifest(job, *kinds))
    rounding = Rounding(layout_words(kinds[0], job.calibration is not None), raised)
    return certify(hidden, job.reference, job.precision, manifest.source, report, rounding), manifest


def _graph_source(job: _Job) -> Source:
    floats: type[np.generic] = np.float16 if job.precision == "fp16" else np.float32
    return Source(job.imported.config, job.imported.tensors(), job.calibration, floats)


def _manifest(job: _Job, kinds: Kinds, prompts: Kinds | None) -> Manifest:
    imported, config = job.imported, job.imported.config
    names = {FLOAT: job.precision, INT8: "int8", INT8_BLOCKS: "int8", INT4: "int4"}
    cache = CACHES[job.precision]
    more, graphs = {"cache": cache}, [GraphEntry(DECODER, DECODER_FILE)]
    if prompts is not None:
        more[PREFILL] = names[prompts["mlp"]]
        graphs.append(GraphEntry(PREFILL, PREFILL_FILE))
    return Manifest(
        id=re.sub(r"[^\w.-]+", "-", job.name).strip("-") or "model",
        name=str((imported.training.get("recipe") or {}).get("title") or job.name),
        family=imported.family,
        config=config.to_dict(),
        precision={group: names[kind] for group, kind in kinds.items()} | more,
        context_length=config.context_length,
        vocabulary_size=config.vocabulary_size,
        special_tokens=imported.special_tokens,
        languages=imported.languages,
        licence=imported.licence,
        source={"family": imported.family, "files": [dict(file) for file in imported.files]},
        files=(),
        graphs=tuple(graphs),
        cache=CacheLayout(*config.cache_rows, cache),
        tokenizer=TokenizerEntry(imported.tokenizer_kind, imported.tokenizer_file.name),
        certificate={},
        uses_position_ids=config.uses_position_ids,
        tasks=read_tasks((imported.training.get("recipe") or {}).get("tasks", [])),
    )


def _precision(config: AnyConfig, asked: str | None) -> str:
    if asked is not None and asked not in config.precisions:
        raise UsageError(f"a recurrent network is exported in fp32 only, and {asked} was asked for; ask for fp32")
    return asked or config.precisions[0]


def _write_words(job: _Job, hidden: Path, manifest: Manifest, certificate: Certificate) -> None:
    (hidden / CERTIFICATE_NAME).write_text(certificate.to_json(), encoding="utf-8")
    if not job.imported.config.keeps_a_state:  # that program has no word for a state
        (hidden / GENAI_CONFIG_NAME).write_text(genai_config(manifest), encoding="utf-8")
    card = model_card(manifest, certificate, job.imported.training)
    (hidden / MODEL_CARD_NAME).write_text(card, encoding="utf-8")


def _with_certificate(hidden: Path, manifest: Manifest, certificate: Certificate) -> Manifest:
    return write_manifest(hidden, replace(manifest, certificate=certificate.summary()))


def _calibration(imported: Imported, model: GPT) -> Calibration:
    special: dict[str, Any] = dict(imported.special_tokens)
    tokenizer = read_tokenizer(imported.tokenizer_file, imported.tokenizer_kind, special)
    begin = [special[BEGIN_OF_TEXT]] if BEGIN_OF_TEXT in special else []
    size = model.config.context_length, model.config.vocabulary_size
    cached, given = (samples(tokenizer.encode, begin, *size) for samples in (calibration_samples, feedback_samples))
    return calibrate(model, cached, given)
