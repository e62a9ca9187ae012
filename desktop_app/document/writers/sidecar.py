"""The origin of an exported text as a JSON file beside it, for formats that cannot show it themselves.

    { "format": "nextstroke-provenance", "version": 1, "file": …, "sha256": …, "language": …, "records": [ … ],
      "runs": [ { "start": 0, "length": 9, "kind": "typed", "text": "…" }, { …, "kind": "generated", "record": 0 } ] }

`start` and `length` count code points of the manuscript as it was written; all `text` one after the other is the
manuscript. `record` is an index into `records`. `sha256` is that of the exported file.

For: export. Knows runs; must not know Qt, files or formats.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from desktop_app.document.writers.manuscript import Manuscript

SUFFIX = ".provenance.json"
FORMAT, VERSION = "nextstroke-provenance", 1


def is_sidecar(beginning: bytes) -> bool:
    """Whether a file that begins so is one of these."""
    return f'"format": "{FORMAT}"'.encode() in beginning[:200]


def sidecar(manuscript: Manuscript, file_name: str, exported: bytes) -> bytes:
    """The file, UTF-8."""
    records: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    start = 0
    for run in manuscript.runs:
        entry: dict[str, Any] = {"start": start, "length": run.length, "kind": run.kind}
        if run.record is not None:
            entry["record"] = len(records)
            records.append(dict(run.record))
        entry["text"] = manuscript.text[start : start + run.length]
        runs.append(entry)
        start += run.length
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "file": file_name,
        "sha256": hashlib.sha256(exported).hexdigest(),
        "language": manuscript.metadata.language,
        "records": records,
        "runs": runs,
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")
