"""Where a passage came from, in plain words: what the record of its generation says, row by row.

Knows: origins and the fields of a record as plain data. Must not know: widgets, the page. What is missing in a record
(the engine stopped, another program wrote it) leaves its row out and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, Qt

from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Record
from desktop_app.panels.model_words import temperature_words
from engine.contracts import generation

translate = QCoreApplication.translate  # the name that lupdate looks for
Row = tuple[str, str]


def kind_words(kind: str) -> str:
    """What an origin is called."""
    return {
        TYPED: translate("OriginWords", "typed by hand"),
        PASTED: translate("OriginWords", "pasted"),
        IMPORTED: translate("OriginWords", "there when the text was opened"),
        GENERATED: translate("OriginWords", "written by the model"),
    }[kind]


def sentence_of(kind: str, has_record: bool) -> str:
    """What is known of a passage of this origin, as one sentence."""
    if kind == GENERATED and not has_record:
        return translate("OriginWords", "The model wrote this. Its record was not kept with the text.")
    return {
        TYPED: translate("OriginWords", "You typed this."),
        PASTED: translate("OriginWords", "This was pasted from another program."),
        IMPORTED: translate("OriginWords", "This was in the text when it was opened, so nothing more is known of it."),
        GENERATED: translate("OriginWords", "The model wrote this."),
    }[kind]


def rows_of(says: Record, language: str) -> list[Row]:
    """The record of a generation: (what, how it was)."""
    record, request = _mapping(says, "record"), _mapping(says, "request")
    sampling = _mapping(request, "sampling")
    written = record.get("output_ids")
    rows = [
        (translate("OriginWords", "Model"), _text(record, "model_name")),
        (translate("OriginWords", "When"), _time(says.get("made"), language)),
        (translate("OriginWords", "Seed"), _text(sampling, "seed")),
        (translate("OriginWords", "Temperature"), _temperature(sampling.get("temperature"))),
        (translate("OriginWords", "Choice of words"), _choice(sampling)),
        (translate("OriginWords", "Length"), _length(written, request.get("max_tokens"))),
        (translate("OriginWords", "It ended because"), _reason(says.get("reason"))),
        (translate("OriginWords", "Device"), _device(record)),
        (translate("OriginWords", "The same again"), _promise(record)),
    ]
    return [row for row in rows if row[1]]


def _mapping(plain: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = plain.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(plain: Mapping[str, Any], name: str) -> str:
    return "" if plain.get(name) is None else str(plain[name])


def _time(made: object, language: str) -> str:
    moment = QDateTime.fromString(str(made), Qt.DateFormat.ISODate)
    if not moment.isValid():
        return ""
    is_chinese = language == "zh"
    form = "yyyy 年 M 月 d 日 HH:mm" if is_chinese else "d MMMM yyyy, HH:mm"  # no order of numbers to guess at
    return QLocale("zh_CN" if is_chinese else "en_GB").toString(moment.toLocalTime(), form)


def _temperature(value: object) -> str:
    return temperature_words(float(value)) if isinstance(value, int | float) else ""


def _choice(sampling: Mapping[str, Any]) -> str:
    """The settings that are in use; the names are the field's own in every language."""
    penalty = translate("OriginWords", "repetition penalty")
    names = (
        ("top_p", "top-p", 1.0),
        ("min_p", "min-p", 0.0),
        ("top_k", "top-k", 0),
        ("repetition_penalty", penalty, 1.0),
    )
    found = []
    for name, shown, off in names:
        value = sampling.get(name)
        if isinstance(value, int | float) and value != off:
            found.append(f"{shown} {value:g}")
    return " · ".join(found)


def _length(written: object, limit: object) -> str:
    if not isinstance(limit, int):
        return ""
    if isinstance(written, list | tuple):
        words = translate("OriginWords", "{written} of at most {limit} tokens")
        return words.format(written=len(written), limit=limit)
    return translate("OriginWords", "at most {limit} tokens").format(limit=limit)


def _reason(reason: object) -> str:
    return {
        generation.REASON_LENGTH: translate("OriginWords", "the length was reached"),
        generation.REASON_END: translate("OriginWords", "the model ended the text"),
        generation.REASON_STOP: translate("OriginWords", "a stop word came"),
        generation.REASON_CONSTRAINT: translate("OriginWords", "what was asked for was complete"),
        generation.REASON_CONTEXT: translate("OriginWords", "the model's context was full"),
        generation.REASON_CANCELLED: translate("OriginWords", "it was stopped"),
    }.get(str(reason), "")


def _device(record: Mapping[str, Any]) -> str:
    return " · ".join(part for part in (_text(record, "device").upper(), _text(record, "kernel_class")) if part)


def _promise(record: Mapping[str, Any]) -> str:
    if record.get("self_check") == "exact":
        return translate("OriginWords", "the same text before it and the same seed give the same words on this device")
    return ""
