"""Where in a long text to look for what the model wrote: the few regions that can hold some of it.

    change of the text → its place becomes a region        spans() → looks at the regions, keeps those that hold marks

The marks themselves are character formats and follow every edit and undo; to look through all paragraphs for them at
every writing of the recovery store would stop a large text for a quarter of a second.

Knows: text cursors and the mark. Must not know: who writes, files.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QTextCursor, QTextDocument

from desktop_app.editor.painting import generated_ranges

_GAP_CHARACTERS = 2000  # marks that are nearer than this share a region
Span = tuple[int, int]


class GeneratedRegions(QObject):
    """Follows one document. `is_used`: whether it can hold marks at all; without any, nothing is followed."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._document = document
        self._regions: list[tuple[QTextCursor, QTextCursor]] = []
        self.is_used = False
        document.contentsChange.connect(self._on_change)

    def start_anew(self, spans: Sequence[Span]) -> None:
        """Another text is there, with marks in these (start, end) and nowhere else."""
        self.is_used = bool(spans)
        last = self._document.characterCount() - 1
        self._follow(sorted((start, end) for start, end in spans if 0 <= start < end <= last))

    def spans(self) -> tuple[Span, ...]:
        """(start, end) in the document of all marked pieces, in order; none goes over the end of a paragraph."""
        found: list[Span] = []
        looked_at = -1  # number of the last block
        for start, end in sorted((first.position(), last.position()) for first, last in self._regions):
            block = self._document.findBlock(start)
            while block.isValid() and block.position() <= end:
                if block.blockNumber() > looked_at:
                    looked_at, place = block.blockNumber(), block.position()
                    found.extend((place + first, place + last) for first, last in generated_ranges(block))
                block = block.next()
        self._follow(found)
        return tuple(found)

    def _follow(self, spans: Sequence[Span]) -> None:
        merged: list[list[int]] = []
        for start, end in spans:
            if merged and start - merged[-1][1] < _GAP_CHARACTERS:
                merged[-1][1] = max(end, merged[-1][1])
            else:
                merged.append([start, end])
        self._regions = [self._region(start, end) for start, end in merged]

    def _region(self, start: int, end: int) -> tuple[QTextCursor, QTextCursor]:
        first, last = QTextCursor(self._document), QTextCursor(self._document)
        first.setPosition(start)
        first.setKeepPositionOnInsert(True)  # what comes in at either edge is inside
        last.setPosition(end)
        return first, last

    def _on_change(self, position: int, _removed: int, added: int) -> None:
        if not self.is_used or not added:
            return
        end = min(position + added, self._document.characterCount() - 1)  # Qt counts the last paragraph's end too
        if not any(first.position() <= position and end <= last.position() for first, last in self._regions):
            self._regions.append(self._region(min(position, end), end))
