"""Show a text that cannot be edited: asked first, then part by part, read from the disk as one goes on.

Knows: the questions, parts, patience. Must not know: the page.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.any_file import readable_parts
from desktop_app.document.errors import DocumentError
from desktop_app.document.shown_name import shown_name
from desktop_app.document.text_parts import TextPart, TextParts
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.services.error_words import words_for

translate = QCoreApplication.translate  # the name that lupdate looks for
READ, CANCEL = "read", "cancel"


def offer_to_read(files: PatientFiles, dialogs: Dialogs, path: Path, error: DocumentError) -> bool:
    """Say why a file cannot be edited; where its text can be read, offer that. False: there is nothing to offer."""
    try:
        parts = files.read(path, lambda disk: readable_parts(disk, path, error))
    except DocumentError:
        return False
    if parts is None:
        return False
    question = Question(
        translate("ReadingParts", "“{name}” cannot be edited").format(name=shown_name(path.name)),
        words_for(error) + " " + translate("ReadingParts", "It can be read here, and stays as it is."),
        (
            Answer(READ, translate("ReadingParts", "Read"), is_default=True),
            Answer(CANCEL, translate("ReadingParts", "Cancel")),
        ),
    )
    if dialogs.ask(question) == READ:
        notice = translate("ReadingParts", "Read-only, {encoding}.").format(encoding=parts.encoding)
        dialogs.show_parts(
            shown_name(path.name), notice, parts.count, lambda number: _part(files, dialogs, parts, number)
        )
    return True


def _part(files: PatientFiles, dialogs: Dialogs, parts: TextParts, number: int) -> TextPart | None:
    try:
        return files.read(parts.path, lambda disk: parts.by(disk).part(number))
    except DocumentError as error:
        dialogs.tell(translate("ReadingParts", "This part cannot be read"), words_for(error))
        return None
