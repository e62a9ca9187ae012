"""Figures are whole SVG files, readable on light and on dark, and their scales show round numbers."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from export.comparison.attention_figure import STRONGEST, Attended, draw_attention
from export.comparison.curves import Panel, draw_curves, ticks
from export.comparison.drawing import DARK, LIGHT, Drawing, text_width

SVG = "{http://www.w3.org/2000/svg}"


def channels(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))


def mixed(over: str, under: str, share: float) -> str:
    parts = (share * a + (1 - share) * b for a, b in zip(channels(over), channels(under), strict=True))
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def contrast(one: str, two: str) -> float:
    """WCAG 2.1's contrast ratio of two sRGB colours."""
    lights = []
    for colour in (one, two):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels(colour)]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_curves_stand_out(palette: dict[str, str]) -> None:
    assert palette.keys() == LIGHT.keys()
    paper = palette["paper"]
    assert min(contrast(palette["ink"], paper), contrast(palette["quiet"], paper)) >= 4.5
    assert min(contrast(palette["first"], paper), contrast(palette["second"], paper)) >= 3
    for colour in ("first", "second"):  # the strongest square of a map, with its number on it
        assert contrast(palette["ink"], mixed(palette[colour], paper, STRONGEST)) >= 4.5


def test_every_colour_changes_where_the_system_is_dark() -> None:
    drawing = Drawing(100, 50, "a < b & c")
    drawing.text(1, 2, "<词>", colour="quiet")
    drawing.line([(0, 0), (1, 1)], "first")
    svg = drawing.to_svg()
    root = ElementTree.fromstring(svg)
    assert root.findtext(f"{SVG}title") == "a < b & c"
    assert root.findtext(f"{SVG}text") == "<词>"
    (style,) = root.iter(f"{SVG}style")
    assert style.text is not None
    for element in root:
        for attribute, letter in (("fill", "f"), ("stroke", "s")):
            if element.get(attribute, "none") != "none":
                role = element.get("class", "").removeprefix(f"{letter}-")
                assert element.get(attribute) == LIGHT[role]
                assert f".{letter}-{role}{{{attribute}:{DARK[role]}}}" in style.text
    assert style.text.startswith("@media (prefers-color-scheme: dark)")


@pytest.mark.parametrize(("low", "high"), [(2.2, 3.3), (0, 524_288), (3.5, 7.7), (0.001, 0.0023), (5, 5)])
def test_ticks_are_round_and_hold_the_values_between_them(low: float, high: float) -> None:
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 3 <= len(found) <= 8
    steps = {round(after - before, 10) for before, after in pairwise(found)}
    assert len(steps) == 1
    assert re.fullmatch(r"0\.0*[125]|[125]0*(\.0)?", f"{steps.pop():.10f}".rstrip("0").rstrip("."))


def test_curves_lie_inside_their_panel_and_lower_is_lower() -> None:
    panel = Panel("loss", {"first": [(10, 4.0), (20, 2.0)], "second": [(10, 3.0), (20, 2.5)]})
    svg = draw_curves("title", {"first": "a", "second": "b"}, [[panel]], "tokens", lambda value: f"{value:g}")
    root = ElementTree.fromstring(svg)
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    curves = [line for line in root.iter(f"{SVG}polyline") if line.get("stroke-width") == "2.2"]
    places = [[tuple(map(float, pair.split(","))) for pair in (c.get("points") or "").split()] for c in curves]
    assert [len(points) for points in places] == [2, 2]
    assert all(0 < x < width and 0 < y < height for points in places for x, y in points)
    (first_start, first_end), (second_start, second_end) = places
    assert first_start[0] == second_start[0] < first_end[0]
    assert first_start[1] < second_start[1] < second_end[1] < first_end[1], "y grows downwards"
    dashes = {line.get("class"): line.get("stroke-dasharray") for line in curves}
    assert dashes["s-first"] is None
    assert dashes["s-second"] is not None, "told apart without colour too"
    assert {"title", "a", "b", "loss", "tokens", "0", "20", "2", "4"} <= {text.text for text in root.iter(f"{SVG}text")}


def test_a_map_shows_every_weight_below_the_diagonal_and_none_above() -> None:
    weights = ((1.0, 0.0), (0.25, 0.75))
    text = Attended(("start", "词 word"), ("start", "词"), (("head 1", weights),), ("→ a 50%", "→ b 99%"))
    root = ElementTree.fromstring(draw_attention("title", ["explained"], [text], "first", 30))
    strengths = [r.get("fill-opacity") for r in root.iter(f"{SVG}rect") if r.get("class") == "f-first"]
    assert strengths == [f"{STRONGEST * weight:.3f}" for weight in (1.0, 0.25, 0.75)]
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"title", "explained", "head 1", "词 word", "词", "1", ".25", ".75", "→ a 50%", "→ b 99%"} <= set(words)
    assert len([r for r in root.iter(f"{SVG}rect") if r.get("class") == "f-grid"]) == 3
    width = float(root.get("width", ""))
    assert all(
        float(t.get("x", "")) + text_width(t.text or "", float(t.get("font-size", ""))) <= width
        for t in root.iter(f"{SVG}text")
        if t.get("text-anchor") == "start" and t.get("transform") is None
    )
