"""Curves: well-formed SVG from any input, every name readable in the legend, smoothing that is honest at its start."""

import xml.etree.ElementTree as ElementTree

import pytest

from export.training.curves import Curve, Panel, draw_panels, smoothed

SVG = "{http://www.w3.org/2000/svg}"


def lines(*panels: Panel) -> tuple[ElementTree.Element, list[ElementTree.Element], list[str]]:
    root = ElementTree.fromstring(draw_panels(panels, "tokens"))
    return root, root.findall(f"{SVG}polyline"), [element.text or "" for element in root.findall(f"{SVG}text")]


def test_sixteen_groups_have_sixteen_looks_and_none_falls_off_the_picture() -> None:
    names = [f"group_{number}" for number in range(16)]
    panel = Panel("bits", [Curve(name, [(0, number), (10, number + 1)]) for number, name in enumerate(names)])
    root, drawn, words = lines(panel)
    looks = {(line.get("stroke"), line.get("stroke-dasharray")) for line in drawn}
    assert len(looks) == 16
    assert len(drawn) == 32, "each curve, and its piece in the legend"
    assert all(any(word.startswith(name + " ") for word in words) for name in names)
    rows = [float(element.get("y", "0")) for element in root.findall(f"{SVG}text")]
    assert max(rows) < float(root.get("height", "0"))


def test_the_places_of_points_are_right() -> None:
    _, [line, *_], _ = lines(Panel("p", [Curve("a", [(0, 5.0), (50, 1.0), (100, 3.0)])]))
    places = [tuple(float(number) for number in place.split(",")) for place in line.get("points", "").split()]
    (x0, top), (x1, bottom), (x2, middle) = places
    assert x1 == pytest.approx((x0 + x2) / 2)
    assert middle == pytest.approx((top + bottom) / 2)
    assert top < bottom


def test_panels_stand_one_above_the_other_and_empty_ones_are_left_out() -> None:
    one, two = Panel("first", [Curve("a", [(0, 1), (1, 2)])]), Panel("second", [Curve("b", [(0, 1), (1, 2)])])
    alone, *_ = lines(one)
    both, _, words = lines(one, Panel("empty", []), Panel("nothing", [Curve("c", [])]), two)
    assert float(both.get("height", "0")) == 2 * float(alone.get("height", "0"))
    assert {"first", "second"} <= set(words)
    assert not {"empty", "nothing"} & set(words)


def test_odd_points_and_names_make_no_broken_picture() -> None:
    root, _, words = lines(Panel("<b> & co", [Curve("a<b>&", [(1, float("nan")), (2, 3.0), (4, float("inf"))])]))
    assert "<b> & co" in words
    assert len(root.findall(f"{SVG}circle")) == 1, "a single point is seen"
    assert lines()[1] == []


def test_a_pale_curve_lies_behind_and_has_no_place_in_the_legend() -> None:
    _, drawn, words = lines(
        Panel("p", [Curve("smooth", [(0, 1), (1, 2)], wide=True), Curve("raw", [(0, 1)], pale=True)])
    )
    assert not [word for word in words if word.startswith("raw")]
    assert drawn[0].get("stroke") != drawn[1].get("stroke") == drawn[2].get("stroke")


def test_smoothing_keeps_a_constant_and_halves_the_noise() -> None:
    assert [y for _, y in smoothed([(x, 3.0) for x in range(9)], 4)] == pytest.approx([3.0] * 9)
    noisy = [(float(x), 2.0 + (-1) ** x) for x in range(200)]
    assert all(abs(y - 2.0) < 0.2 for _, y in smoothed(noisy, 20)[40:])
    assert smoothed(noisy, 0) == noisy
    assert smoothed([], 5) == []
