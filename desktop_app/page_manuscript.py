"""What the page holds as a manuscript for the writers: its text, and which of it the model wrote.

Knows: the view's text and marks. Must not know: formats, files.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop_app.document.writers.manuscript import GENERATED, TYPED, Manuscript, Metadata, Run


def page_manuscript(
    text: str, generated: Sequence[tuple[int, int]], metadata: Metadata, joins_lines: bool = False
) -> Manuscript:
    """`generated`: (start, end) in order, in UTF-16 units as Qt counts."""
    return Manuscript(text, metadata, runs_of(text, generated), joins_lines)


def runs_of(text: str, generated: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
    """Runs of code points that cover the text."""
    units = text.encode("utf-16-le", "surrogatepass")
    runs: list[Run] = []
    done = 0
    for start, end in (*generated, (len(units) // 2, len(units) // 2)):
        for first, last, kind in ((done, start, TYPED), (start, end, GENERATED)):
            length = len(units[2 * first : 2 * last].decode("utf-16-le", "surrogatepass"))
            if length and runs and runs[-1].kind == kind:
                runs[-1] = Run(runs[-1].length + length, kind)
            elif length:
                runs.append(Run(length, kind))
        done = end
    return tuple(runs)
