"""What the page holds as a manuscript for the writers: the text of the branch that is shown, and where each of it came
from.

Knows: the document model. Must not know: Qt, formats, files.
"""

from __future__ import annotations

from desktop_app.document.model import Document
from desktop_app.document.writers.manuscript import Manuscript, Metadata, Run


def page_manuscript(document: Document, metadata: Metadata, joins_lines: bool = False) -> Manuscript:
    """The shown branch, with the records of its generations."""
    return Manuscript(document.text(), metadata, runs_of(document), joins_lines)


def runs_of(document: Document) -> tuple[Run, ...]:
    """Runs of code points that cover the text of the shown branch."""
    records = document.origins.records
    passages = document.passages()
    return tuple(Run(len(words), origin.kind, records.get(origin.record)) for words, origin in passages)
