"""Generation records in files: one JSON object, or a list of them where a request had several candidates.

Knows the record's schema and files; must not know how a record is made.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from engine.atomic_file import write_atomically
from engine.commands.inputs import read_json_file
from engine.contracts.errors import FileError, UsageError
from engine.contracts.generation import GenerationRecord, GenerationRequest


def check_record_target(path: Path) -> None:
    """Refuse a place that cannot take a file before minutes are spent on what should be kept there."""
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file for the record")
    if path.exists() and not path.is_file():
        raise FileError(f"{path} is a device or a pipe, which a record would replace; name a file for the record")
    if not path.parent.is_dir():
        raise FileError(f"there is no folder {path.parent} for the record; make it first")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"the record cannot be written in {path.parent}: no permission; choose another folder")


def save_records(path: Path, records: Sequence[GenerationRecord]) -> None:
    """Write the records of one request, the old file staying whole until the new one is."""
    plain = [record.to_dict() for record in records]
    text = json.dumps(plain[0] if len(plain) == 1 else plain, ensure_ascii=False, indent=1)
    write_atomically(path, (text + "\n").encode("utf-8"))


def read_records(path: Path) -> list[GenerationRecord]:
    """The records of a file. Raises `FileError` or `UsageError`."""
    try:
        plain = read_json_file(path)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON ({error}); use a file written by --record") from error
    found = plain if isinstance(plain, list) else [plain]
    if not found or not all(isinstance(entry, dict) for entry in found):
        raise UsageError(f"{path} holds no generation record; use a file written by --record")
    try:
        records = [GenerationRecord.from_dict(entry) for entry in found]
    except UsageError as error:
        raise UsageError(f"{path} is not a generation record ({error}); use a file written by --record") from error
    _check_candidates(path, records)
    return records


def _check_candidates(path: Path, records: Sequence[GenerationRecord]) -> None:
    """All records must be of one request: it is made again once, and gives one text for each candidate."""
    candidates = request_of(records[0]).candidates
    numbers = [record.candidate for record in records]
    is_one = all(
        (record.request, record.prompt_ids) == (records[0].request, records[0].prompt_ids) for record in records
    )
    if not is_one or len(set(numbers)) != len(numbers) or not all(0 <= number < candidates for number in numbers):
        raise UsageError(f"{path} mixes records of different requests; use a file written by --record")


def request_of(record: GenerationRecord) -> GenerationRequest:
    """The request that a record was made by, with the prompt as token ids."""
    try:
        plain = dict(record.request) | {"prompt": None, "prompt_ids": list(record.prompt_ids), "ticket": {}}
        return GenerationRequest.from_dict({"id": "regenerate"} | plain)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the record's request is incomplete ({error}); use a file written by --record") from error
