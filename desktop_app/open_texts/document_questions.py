"""The questions that a document's file brings up, each asked by one function that returns the key of the answer.

Knows: words and answers. Must not know: what follows from an answer.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QDateTime

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.errors import DocumentError
from desktop_app.document.versions import EarlierText
from desktop_app.services.error_words import words_for

SAVE, DISCARD, CANCEL, OVERWRITE, CONVERT, OPEN_TEXT, OPEN_COPY = (
    "save",
    "discard",
    "cancel",
    "overwrite",
    "convert",
    "open_text",
    "open_copy",
)

translate = QCoreApplication.translate  # the name that lupdate looks for


def ask_to_save(dialogs: Dialogs, name: str) -> str:
    """SAVE, DISCARD or CANCEL: the text leaves the window."""
    question = Question(
        translate("DocumentQuestions", "Save the changes to {name}?").format(name=name),
        translate("DocumentQuestions", "Without saving, what you wrote since the last save is lost."),
        (
            Answer(SAVE, translate("DocumentQuestions", "Save"), is_default=True),
            Answer(DISCARD, translate("DocumentQuestions", "Don't Save")),
            Answer(CANCEL, translate("DocumentQuestions", "Cancel")),
        ),
    )
    return dialogs.ask(question)


def ask_about_encoding(dialogs: Dialogs, name: str, error: DocumentError) -> str:
    """CONVERT or CANCEL: the file's encoding has no place for a character."""
    question = Question(
        translate("DocumentQuestions", "Save {name} as UTF-8?").format(name=name),
        words_for(error),
        (
            Answer(CONVERT, translate("DocumentQuestions", "Save as UTF-8"), is_default=True),
            Answer(CANCEL, translate("DocumentQuestions", "Cancel")),
        ),
    )
    return dialogs.ask(question)


def ask_to_replace(dialogs: Dialogs, name: str) -> str:
    """OVERWRITE or CANCEL: a file of the name that was chosen exists."""
    question = Question(
        translate("DocumentQuestions", "Replace {name}?").format(name=name),
        translate("DocumentQuestions", "A file of this name is there already; its text would be lost."),
        (
            Answer(OVERWRITE, translate("DocumentQuestions", "Replace")),
            Answer(CANCEL, translate("DocumentQuestions", "Cancel"), is_default=True),
        ),
    )
    return dialogs.ask(question)


def ask_for_what_is_left(dialogs: Dialogs, error: DocumentError, left: EarlierText) -> str:
    """OPEN_TEXT or CANCEL: a damaged document still gives a text."""
    moment = moment_of(left)
    offer = translate(
        "DocumentQuestions", "A text that was saved in it on {moment} can still be read. The file is left as it is."
    )
    question = Question(
        cannot_be_opened(),
        words_for(error) + " " + offer.format(moment=moment),
        (
            Answer(OPEN_TEXT, translate("DocumentQuestions", "Open That Text"), is_default=True),
            Answer(CANCEL, translate("DocumentQuestions", "Cancel")),
        ),
    )
    return dialogs.ask(question)


def ask_to_open_copy(dialogs: Dialogs, name: str) -> str:
    """OPEN_COPY or CANCEL: another window has the file open."""
    question = Question(
        translate("DocumentQuestions", "{name} is open in another window").format(name=name),
        translate(
            "DocumentQuestions",
            "Two windows would write over each other’s changes. Write on in the other one, or open a copy here, "
            "as a text without a file.",
        ),
        (
            Answer(OPEN_COPY, translate("DocumentQuestions", "Open a Copy"), is_default=True),
            Answer(CANCEL, translate("DocumentQuestions", "Cancel")),
        ),
    )
    return dialogs.ask(question)


def cannot_be_opened() -> str:
    """The heading over a file that is no text of ours."""
    return translate("DocumentQuestions", "This file cannot be opened")


def kinds_to_open() -> str:
    """What the dialog of Open shows."""
    texts = translate("DocumentQuestions", "Texts and documents (*.txt *.md *.nextstroke)")
    return ";;".join((texts, translate("DocumentQuestions", "All files (*)")))


def kinds_to_save(is_document: bool) -> str:
    """What the dialog of Save As shows: the kind that the text has now first, since the dialog proposes that one."""
    kinds = [
        translate("DocumentQuestions", "Texts (*.txt *.md)"),
        translate("DocumentQuestions", "Documents with origins and history (*.nextstroke)"),
    ]
    if is_document:
        kinds.reverse()
    return ";;".join((*kinds, translate("DocumentQuestions", "All files (*)")))


def moment_of(text: EarlierText) -> str:
    """When it was saved, as a person reads it."""
    return QDateTime.fromSecsSinceEpoch(int(text.saved)).toString("yyyy-MM-dd HH:mm")
