"""The record of one text: everything needed to generate the same passage again.

For: whatever writes texts. Knows: models and requests. Must not know: how a text was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from engine.contracts.generation import GenerationRecord, GenerationRequest
from engine.contracts.manifest import canonical_json
from engine.loaded_model import LoadedModel

_NOT_RECORDED = (
    "prompt",
    "prompt_ids",
    "ticket",
)  # the text stays out of records; the tokens have a field of their own


def make_record(
    model: LoadedModel,
    request: GenerationRequest,
    prompt_ids: Sequence[int],
    candidate: int,
    output_ids: Sequence[int],
    text: Sequence[str],
) -> GenerationRecord:
    """Everything needed to generate the same passage again."""
    settings = {name: value for name, value in request.to_dict().items() if name not in _NOT_RECORDED}
    settings = json.loads(canonical_json(settings))  # lists for tuples, as the record comes back from a file
    return GenerationRecord(
        model_name=model.manifest.id,
        model_digest=model.manifest.digest(),
        tokenizer_digest=model.tokenizer.digest,
        engine_version=model.versions["engine"],
        runtime_version=model.versions["onnxruntime"],
        device=model.device.name,
        kernel_class=model.device.kernel_class,
        self_check=model.plan.description,
        threads=model.threads,
        prompt_ids=tuple(prompt_ids),
        request=settings,
        candidate=candidate,
        output_ids=tuple(output_ids),
        output_text_sha256=hashlib.sha256("".join(text).encode()).hexdigest(),
    )
