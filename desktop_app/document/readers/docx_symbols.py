"""Symbols of a Word document (`w:sym`): the character for a code in a font that has its own.

    ("Wingdings", "F0FC") ──> "✓"        ("Times New Roman", "2713") ──> "✓"        not known ──> ""

For: `docx_runs`. Knows ECMA-376 part 1, 17.3.3.30 and what is common of two fonts; must not know documents.
Codes of the font "Symbol" are those of Adobe's Symbol encoding; those of "Wingdings" are given the characters
that Unicode took from it or that show the same.
"""

from __future__ import annotations

from desktop_app.document.readers.docx_xml import whole_number

_PRIVATE = 0xF000  # where a symbol font's codes 20 to FF are written
_CAPITALS = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ"
_SMALL = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ"
_SYMBOL_SIGNS = (  # code and character
    "22∀ 24∃ 2B+ 2D− 3C< 3D= 3E> A2′ A3≤ A5∞ A7♣ A8♦ A9♥ AA♠ AB↔ AC← AD↑ AE→ AF↓ B0° B1± B2″ B3≥ B4× "
    "B6∂ B7• B8÷ B9≠ BA≡ BB≈ BC… C6∅ C7∩ C8∪ CE∈ CF∉ D1∇ D5∏ D6√ D9∧ DA∨ DB⇔ DC⇐ DE⇒ E5∑ F2∫ "
)
_WINGDINGS_SIGNS = "22✂ 28☎ 2A✉ 4A☺ 4B😐 4C☹ 6C● 6E■ 6F□ 71❑ 74⧫ 76❖ A7▪ A8◻ AB★ D8➢ DF← E0→ E1↑ E2↓ FB✗ FC✓ FD☒ FE☑ "


def _table(signs: str) -> dict[int, str]:
    return {int(sign[:2], 16): sign[2:] for sign in signs.split()}


_LETTERS = {**dict(enumerate(_CAPITALS, 0x41)), **dict(enumerate(_SMALL, 0x61)), **dict(enumerate("0123456789", 0x30))}
_FONTS = {"symbol": {**_LETTERS, **_table(_SYMBOL_SIGNS)}, "wingdings": _table(_WINGDINGS_SIGNS)}


def symbol(font: str, code: str | None) -> str:
    """The character of a code (hexadecimal, as it is written) in a font; "" where it is not known."""
    number = whole_number(code, 16)
    if number is None or not 0x20 <= number <= 0x10FFFF:
        return ""
    table = _FONTS.get(font.strip().casefold())
    if table is not None and (number < 0x100 or _PRIVATE <= number <= _PRIVATE + 0xFF):
        return table.get(number & 0xFF, "")
    return chr(number) if chr(number).isprintable() else ""  # what is private means nothing without its font
