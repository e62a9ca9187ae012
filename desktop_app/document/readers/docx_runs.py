"""Runs of a paragraph of a Word document as pieces of text with their emphasis.

    w:r ── hidden? a reading of characters? deleted? ──> left out, noted : text, tabs, line ends, symbols ──> Piece

For: `docx_reader`. Knows ECMA-376 part 1, 17.3 (paragraphs and runs) and styles; must not know lists or files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from desktop_app.document.readers.docx_styles import Chain, Styles, is_hidden
from desktop_app.document.readers.docx_symbols import symbol
from desktop_app.document.readers.docx_xml import W, attribute, child, child_value, is_on
from desktop_app.document.writers.blocks import Piece

LEFT_OUT = (f"{W}del", f"{W}moveFrom", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback")
_READING = f"{W}rt"  # of the characters beside it: small letters above them, no part of the sentence
READINGS, HIDDEN, SYMBOLS = "docx_readings", "docx_hidden", "docx_symbols"
_MEANT: dict[str, str] = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "\u2011"}


class Runs:
    """`left_out`: the kinds of what the paragraphs asked about so far had and no piece has."""

    def __init__(self, styles: Styles) -> None:
        self._styles = styles
        self.left_out: set[str] = set()

    def pieces(self, paragraph: Any, chain: Chain) -> Iterator[Piece]:
        """The pieces of a `w:p` with these styles, in order."""
        for run in paragraph.iter(f"{W}r"):
            own = next(parent for parent in run.iterancestors() if parent.tag == f"{W}p")
            if own is not paragraph or any(parent.tag in LEFT_OUT for parent in run.iterancestors()):
                continue  # of a text box inside this paragraph, or deleted
            text = "".join(self._text(run)).replace("\r", "").replace("\u2029", "\n")  # as a page takes it
            if text and not self._is_left_out(run, chain):
                properties = child(run, "rPr")
                is_emphasis = bool(is_on(properties, "i") or is_on(properties, "em"))
                yield Piece(text, is_emphasis, bool(is_on(properties, "b")))

    def _is_left_out(self, run: Any, chain: Chain) -> bool:
        kind = ""
        if any(parent.tag == _READING for parent in run.iterancestors()):
            kind = READINGS
        elif is_hidden(run, self._styles.chain(child_value(run, "rPr", "rStyle")), chain):
            kind = HIDDEN
        self.left_out |= {kind} - {""}
        return bool(kind)

    def _text(self, run: Any) -> Iterator[str]:
        for element in run:
            if element.tag == f"{W}t":
                yield element.text or ""
            elif element.tag == f"{W}sym":
                found = symbol(attribute(element, "font") or "", attribute(element, "char"))
                if not found:
                    self.left_out.add(SYMBOLS)
                yield found
            else:
                yield _MEANT.get(element.tag, "")
