"""Figures in words, and what the panel shows of them."""

import pytest

from desktop_app.panels.model_words import (
    LENGTHS,
    certificate_words,
    language_words,
    length_words,
    size_words,
    temperature_words,
)


def test_lengths_grow_from_a_sentence_to_a_page():
    words = [length_words(tokens).split(" ·")[0] for tokens in LENGTHS]
    assert list(dict.fromkeys(words)) == ["a sentence", "a paragraph", "a page"]


def test_temperatures_grow_from_steady_to_unbound():
    words = [temperature_words(step / 20).split(" ·")[0] for step in range(31)]
    assert list(dict.fromkeys(words)) == ["always the likeliest", "steady", "balanced", "lively", "unbound"]


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        (None, "Not certified"),
        ({}, "Not certified"),
        ({"same_top_1": 0.9581}, "95.8 %"),
        ({"precision": "int8"}, "Certified"),
    ],
)
def test_a_certificate_is_said_in_words(certificate, expected):
    assert expected in certificate_words(certificate)


def test_sizes_and_languages():
    assert [size_words(size) for size in (4_700_000, 131_000_000, 3 << 30)] == ["4.5 MB", "125 MB", "3.0 GB"]
    assert language_words(["en", "zh", "fr"]) == "English, Chinese, fr"


def test_the_panel_shows_the_open_model_progress_and_problems(kit):
    panel = kit.window.model_panel
    assert panel._model_box.currentText() == "Nextstroke Tiny"
    assert "int8" in panel._facts.text()
    panel.show_progress("Converting…", 250, 1000, can_cancel=True)
    assert panel._progress.isVisible()
    assert panel._progress_bar.value() == 250
    panel.show_progress("", 0, 0)
    assert not panel._progress.isVisible()
    panel.show_opened(None, "The folder is damaged.")
    assert panel._facts.text() == "The folder is damaged."
    assert not panel._certificate.isVisible()
