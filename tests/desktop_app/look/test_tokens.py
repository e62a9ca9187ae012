"""Contrast of every pair of colours that is drawn on each other, computed from the token file."""

import re

import pytest

from desktop_app.look.resource_files import resource_file
from desktop_app.look.style_sheet import style_sheet
from desktop_app.look.tokens import choose_theme, colour_roles, contrast, load_tokens

THEMES = load_tokens()
TEXT, GRAPHIC = 4.5, 3.0  # WCAG 2.2 AA: 1.4.3 and 1.4.11
HIGH = 7.0  # AAA, for the high-contrast themes
TEXT_PAIRS = [
    ("ink", "paper"),
    ("ink", "desk"),
    ("ink", "raised"),
    ("ink", "hover"),
    ("ink", "selection"),
    ("ink", "found"),
    ("ink", "line"),  # a pressed button
    ("ink_soft", "desk"),
    ("ink_soft", "raised"),
    ("ink_soft", "hover"),
    ("suggestion", "paper"),
    ("removed", "removed_ground"),
    ("removed", "selection"),  # the change that one looks at
    ("added", "added_ground"),
    ("added", "selection"),
    ("ink_soft", "paper"),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
]
GRAPHIC_PAIRS = [
    ("generated", "paper"),
    ("pasted", "paper"),
    ("imported", "paper"),
    ("misspelt", "paper"),
    ("misspelt", "selection"),
    ("misspelt", "found"),
    ("accent", "paper"),
    ("accent", "desk"),
    ("accent", "raised"),
    ("control", "raised"),
    ("control", "desk"),
]


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_pair_has_the_contrast_that_it_needs(name):
    theme = THEMES[name]
    least = HIGH if name.endswith("_high") else TEXT
    weak = [
        (front, ground, round(contrast(getattr(theme, front), getattr(theme, ground)), 2))
        for pairs, needed in ((TEXT_PAIRS, least), (GRAPHIC_PAIRS, GRAPHIC))
        for front, ground in pairs
        if contrast(getattr(theme, front), getattr(theme, ground)) < needed and (front, ground) != ("ink", "line")
    ]
    assert weak == []


@pytest.mark.parametrize(
    ("name", "front", "promised"),
    [
        ("light", "ink", 16.0),
        ("light", "suggestion", 4.9),
        ("light", "accent", 5.6),
        ("light", "generated", 5.7),
        ("dark", "ink", 13.0),
        ("dark", "suggestion", 5.6),
        ("dark", "accent", 6.0),
        ("dark", "generated", 7.7),
    ],
)
def test_the_page_has_the_contrasts_of_the_design(name, front, promised):
    assert contrast(getattr(THEMES[name], front), THEMES[name].paper) == pytest.approx(promised, abs=0.35)


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#B5382A", "#B5382A") == 1.0


def test_every_role_is_a_colour_and_the_style_sheet_uses_tokens_only():
    for theme in THEMES.values():
        assert all(re.fullmatch("#[0-9A-F]{6}", getattr(theme, role)) for role in colour_roles())
        sheet = style_sheet(theme, {f"{name}_icon": f"{name}.svg" for name in ("check", "down", "left", "right")})
        used = set(re.findall("#[0-9A-Fa-f]{6}", sheet))
        assert used <= {getattr(theme, role) for role in colour_roles()}
        assert "$" not in sheet


def test_the_theme_follows_the_wish_first_and_the_system_second():
    assert choose_theme("auto", False, False) == "light"
    assert choose_theme("auto", True, False) == "dark"
    assert choose_theme("light", True, False) == "light"
    assert choose_theme("dark", False, True) == "dark_high"


def test_icons_are_of_one_family_and_our_own():
    for path in sorted(resource_file("icons").glob("*.svg")):
        source = path.read_text(encoding="utf-8")
        assert "<image" not in source
        assert "http" not in source.replace("http://www.w3.org/2000/svg", "")
        if path.stem != "nextstroke":
            assert 'viewBox="0 0 24 24"' in source
