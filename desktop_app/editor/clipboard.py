"""Text with its origins on the clipboard: plain text for everyone, and beside it a MIME type of our own.

    text/plain                            the words
    application/x-nextstroke-passages     {"version": 1, "passages": [[text, kind, record], …], "records": {id: {…}}}

Whatever another program puts there under our name is checked: what makes no sense, or does not say the same words as
the plain text, is pasted text and nothing more.

Knows: QMimeData, origins. Must not know: widgets, where text goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from PySide6.QtCore import QByteArray, QMimeData

from desktop_app.document.origins import PASTED, Origin, Passage, Record
from desktop_app.editor.text_units import for_qt

MIME_TYPE = "application/x-nextstroke-passages"
VERSION = 1
# What Qt would make a new paragraph of, so that the page and the model stay the same text.
LINE_ENDS = str.maketrans(
    {
        "\r": "\n",
        "\u2028": "\n",
        "\u2029": "\n",
        "\ufdd0": "\n",
        "\ufdd1": "\n",
        "\x00": None,
        **{
            chr(half): "\ufffd"
            for half in range(0xD800, 0xE000)  # half a character, which no file can carry
        },
    }
)


def mime_of(passages: Sequence[Passage], records: Mapping[str, Record]) -> QMimeData:
    """What goes onto the clipboard or along with a drag; of `records`, those that the passages name."""
    named = {passage.origin.record for passage in passages}
    plain = {
        "version": VERSION,
        "passages": [[passage.text, passage.origin.kind, passage.origin.record] for passage in passages],
        "records": {name: dict(says) for name, says in records.items() if name in named},
    }
    data = QMimeData()
    data.setText(for_qt("".join(passage.text for passage in passages)))
    data.setData(MIME_TYPE, QByteArray(json.dumps(plain).encode("ascii")))
    return data


def passages_of(source: QMimeData) -> tuple[tuple[Passage, ...], dict[str, Record]]:
    """The text of the clipboard with its origins, and the records that they name."""
    text = source.text()
    if source.hasFormat(MIME_TYPE):
        try:
            return _own(bytes(source.data(MIME_TYPE).data()), text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            pass  # it is not what we wrote
    words = text.replace("\r\n", "\n").translate(LINE_ENDS)
    return ((Passage(words, Origin(PASTED)),) if words else ()), {}


def _own(data: bytes, text: str) -> tuple[tuple[Passage, ...], dict[str, Record]]:
    plain = json.loads(data)
    passages = tuple(
        Passage(str(words).translate(LINE_ENDS), Origin(kind, str(record))) for words, kind, record in plain["passages"]
    )
    words = "".join(passage.text for passage in passages)
    if plain["version"] != VERSION or words != text.replace("\r\n", "\n").translate(LINE_ENDS):
        raise ValueError("it says other words than the plain text")
    return passages, {str(name): dict(says) for name, says in plain["records"].items()}
