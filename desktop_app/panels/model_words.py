"""Figures of a model and of its settings in plain words.

Knows: what the engine says of an opened model. Must not know: widgets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication

translate = QCoreApplication.translate  # the name that lupdate looks for
LENGTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)  # tokens, the stops of the length slider
_SENTENCE_UP_TO, _PARAGRAPH_UP_TO = 40, 160


def length_words(tokens: int) -> str:
    """How long a continuation of that many tokens is."""
    if tokens <= _SENTENCE_UP_TO:
        words = translate("ModelWords", "a sentence")
    elif tokens <= _PARAGRAPH_UP_TO:
        words = translate("ModelWords", "a paragraph")
    else:
        words = translate("ModelWords", "a page")
    return translate("ModelWords", "{words} · up to {tokens} tokens").format(words=words, tokens=tokens)


def temperature_words(temperature: float) -> str:
    """How daring a temperature is."""
    if temperature == 0:
        words = translate("ModelWords", "always the likeliest")
    elif temperature < 0.6:
        words = translate("ModelWords", "steady")
    elif temperature < 1.0:
        words = translate("ModelWords", "balanced")
    elif temperature < 1.25:
        words = translate("ModelWords", "lively")
    else:
        words = translate("ModelWords", "unbound")
    return f"{words} · {temperature:.2f}"


def size_words(size_bytes: int) -> str:
    """A size as people say it."""
    if size_bytes >= 1 << 30:
        return f"{size_bytes / 2**30:.1f} GB"
    return f"{size_bytes / 2**20:.0f} MB" if size_bytes >= 10 << 20 else f"{size_bytes / 2**20:.1f} MB"


def shown_names(models: list[dict[str, Any]]) -> dict[str, str]:
    """What each model (by its name) is called in the window; those of one name say their folder too."""
    shown = {str(row["name"]): str(row.get("display_name") or row["name"]) for row in models}
    called = Counter(shown.values())
    return {name: words if called[words] == 1 else f"{words} ({name})" for name, words in shown.items()}


def language_words(languages: list[str]) -> str:
    """Languages by their names in the present one."""
    names = {"en": translate("ModelWords", "English"), "zh": translate("ModelWords", "Chinese")}
    return translate("ModelWords", ", ", "between the members of a list").join(
        names.get(language, language) for language in languages
    )


def certificate_words(certificate: Mapping[str, Any] | None) -> str:
    """What was compared with the original, in one or two sentences."""
    if not certificate:
        return translate("ModelWords", "Not certified: nobody compared this model with its original.")
    share = _share(certificate)
    if share is None:
        return translate("ModelWords", "Certified: compared with its original when it was converted.")
    words = translate(
        "ModelWords", "Certified: compared with its original, it names the same next token in {share} of the places."
    )
    return words.format(share=f"{100 * share:.1f} %" if share < 1 else "100 %")


def _share(certificate: Mapping[str, Any]) -> float | None:
    value = certificate.get("same_top_1")
    return float(value) if isinstance(value, (int, float)) and 0 <= value <= 1 else None
