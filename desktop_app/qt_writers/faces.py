"""Which typefaces an exported book is set in; the window's look chooses them out of what the system has.

For: odt_writer, pdf_writer. Must not know Qt.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Faces:
    """Families, best first. `kai`: Chinese faces for emphasis, which is never slanted where one of them is there."""

    serif: tuple[str, ...]
    kai: tuple[str, ...] = ()
