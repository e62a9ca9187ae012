"""The colours of the window by role, read from `resources/themes/tokens.toml`, and the contrast between two of them.

Knows: the token file and the formula of WCAG 2.2. Must not know: Qt, or where a colour is drawn.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from desktop_app.look.resource_files import resource_file


@dataclass(frozen=True)
class Tokens:
    """One theme: colours as "#RRGGBB"; the token file says what each is for."""

    name: str
    dark: bool
    paper: str
    paper_edge: str
    shadow: str
    desk: str
    raised: str
    hover: str
    line: str
    control: str
    ink: str
    ink_soft: str
    suggestion: str
    accent: str
    accent_hover: str
    on_accent: str
    generated: str
    pasted: str
    imported: str
    misspelt: str
    selection: str
    found: str
    removed: str
    removed_ground: str
    added: str
    added_ground: str


def load_tokens(path: Path | None = None) -> dict[str, Tokens]:
    """All themes of the token file by name. A missing or unknown role raises `KeyError` or `TypeError`."""
    source = path or resource_file("themes", "tokens.toml")
    plain = tomllib.loads(source.read_text(encoding="utf-8"))
    return {name: Tokens(name=name, **roles) for name, roles in plain.items()}


def choose_theme(wanted: str, system_is_dark: bool, high_contrast: bool) -> str:
    """The name of the theme for a setting of "auto", "light" or "dark" and what the system prefers."""
    dark = system_is_dark if wanted == "auto" else wanted == "dark"
    return ("dark" if dark else "light") + ("_high" if high_contrast else "")


def contrast(first: str, second: str) -> float:
    """WCAG 2.2 contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of "#RRGGBB", 0 to 1."""
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def colour_roles() -> tuple[str, ...]:
    """The names of all roles that are colours."""
    return tuple(entry.name for entry in fields(Tokens) if entry.name not in ("name", "dark"))


def _linear(channel: float) -> float:
    # The threshold of sRGB itself; WCAG's older 0.03928 differs in no 8-bit colour.
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
