"""`nextstroke regenerate`: run a saved record again and say honestly whether the same text came out.

    identical                        the same tokens; exit status 0
    differs at token N               the same model on the same kernels wrote something else; exit status 1
    cannot be compared: why          another model, or another machine or version whose kernels may round otherwise; 1

Knows records; must not know how a generation works.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.commands.generate import follow, interruptible
from engine.commands.inputs import add_model_argument, open_model
from engine.commands.records import read_records, request_of
from engine.contracts.command_line import INTERRUPTED
from engine.contracts.errors import NextstrokeError, VerificationError
from engine.contracts.generation import REASON_CANCELLED, Event, GenerationRecord
from engine.folder import open_folder
from engine.library import open_library

if TYPE_CHECKING:
    from engine.loaded_model import LoadedModel

IDENTICAL = "identical"
DIGEST_LETTERS = 12


class Silent:
    """Shows nothing: only the comparison is of interest."""

    def show(self, event: Event) -> None:
        """Do nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The record, and the model where it cannot be found by its digest."""
    parser.add_argument("record", metavar="RECORD", help="a file written by `generate --record`")
    add_model_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Say it in one line a candidate."""
    records = read_records(Path(arguments.record))
    wanted = arguments.model or find_by_digest(records[0].model_digest)
    model = open_model(arguments, wanted)
    made = records if model.manifest.digest() != records[0].model_digest else regenerated(model, records)
    if made is None:
        return INTERRUPTED
    verdicts = [compare(old, new, model.manifest.digest()) for old, new in zip(records, made, strict=True)]
    for old, verdict in zip(records, verdicts, strict=True):
        print(f"{old.candidate + 1}: {verdict}" if len(records) > 1 else verdict)
    other = next((verdict for verdict in verdicts if not verdict.startswith(IDENTICAL)), None)
    if other is not None:
        sys.stdout.flush()  # the verdicts stand before the error line where both go to one place
        raise VerificationError(f"the record's text did not come out again: {other}")
    return 0


def regenerated(model: LoadedModel, records: Sequence[GenerationRecord]) -> list[GenerationRecord] | None:
    """The same request again: one record for each of the given ones. None when interrupted."""
    from engine.generate import generate

    request = request_of(records[0])
    with interruptible() as is_interrupted:
        _, finished = follow(generate(model, model.new_session(), request, is_interrupted), Silent())
    if any(event.reason == REASON_CANCELLED for event in finished):
        return None
    by_candidate = {event.candidate: event.record for event in finished}
    return [by_candidate[record.candidate] for record in records]


def compare(old: GenerationRecord, new: GenerationRecord, digest: str) -> str:
    """The verdict in words; `digest` is the model's that is here."""
    if old.model_digest != digest:
        return (
            f"cannot be compared: the record was made by {old.model_name} ({old.model_digest[:DIGEST_LETTERS]}), "
            f"this is another model folder ({digest[:DIGEST_LETTERS]}); name the right one with --model"
        )
    if old.output_ids == new.output_ids:
        return IDENTICAL
    if old.output_ids == new.output_ids[: len(old.output_ids)]:
        # An interrupted generation is the beginning of the whole one.
        return f"{IDENTICAL} for the {len(old.output_ids)} tokens of the record, behind which this run went on"
    pairs = enumerate(zip(old.output_ids, new.output_ids, strict=False))
    shorter = min(len(old.output_ids), len(new.output_ids))
    differing = next((index for index, (then, now) in pairs if then != now), shorter)
    reasons = differences(old, new)
    if reasons:
        return f"cannot be compared: {'; '.join(reasons)} (what came out here differs at token {differing})"
    return f"differs at token {differing}"


def differences(old: GenerationRecord, new: GenerationRecord) -> list[str]:
    """What may round otherwise here than where the record was made."""
    compared = (
        ("engine version", old.engine_version, new.engine_version),
        ("ONNX Runtime version", old.runtime_version, new.runtime_version),
        ("device", old.device, new.device),
        ("kernels", old.kernel_class, new.kernel_class),
        ("self-check", old.self_check, new.self_check),
    )
    return [f"{name} was {then}, is {now}" for name, then, now in compared if then != now]


def find_by_digest(digest: str) -> str | None:
    """The folder of the model in the library that made a record, or None: then the bundled one is tried."""
    for row in open_library().models():
        try:
            if row.usable and open_folder(Path(row.folder)).manifest.digest() == digest:
                return row.folder
        except NextstrokeError:
            continue  # it changed between the two looks; then it is not the one
    return None
