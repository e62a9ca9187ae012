"""The questions whose answer depends on what differs between the page and its file, each with the difference shown.

Knows: words and answers. Must not know: what follows from an answer.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.difference_pane import Comparison
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.any_file import OpenedFile
from desktop_app.document.errors import DocumentError
from desktop_app.document.shown_name import shown_name
from desktop_app.services.error_words import words_for

KEEP, TAKE, OVERWRITE, SAVE_AS, CANCEL = "keep", "take", "overwrite", "save_as", "cancel"

translate = QCoreApplication.translate  # the name that lupdate looks for


def ask_about_change(dialogs: Dialogs, page: str, file: OpenedFile, is_modified: bool) -> str:
    """KEEP, TAKE or SAVE_AS: another program changed the file of the text on the page."""
    text = translate("DifferenceQuestions", "Keeping your text writes nothing; the next save asks again.")
    question = Question(
        _changed(shown_name(file.path.name)),
        _lines(text, _what_is_the_same(page, file), _what_taking_does(file)),
        (
            Answer(SAVE_AS, _save_as()),
            Answer(TAKE, _take(), is_default=not is_modified),
            Answer(KEEP, translate("DifferenceQuestions", "Keep My Text"), is_default=is_modified),
        ),
    )
    return dialogs.ask_with_difference(question, _page_and_file(page, file.text))


def ask_while_saving(dialogs: Dialogs, page: str, file: OpenedFile) -> str:
    """OVERWRITE, TAKE, SAVE_AS or CANCEL: another program changed the file that is to be saved."""
    text = translate("DifferenceQuestions", "Nothing is written yet.")
    question = Question(
        _changed(shown_name(file.path.name)),
        _lines(text, _what_is_the_same(page, file), _what_taking_does(file)),
        (
            Answer(OVERWRITE, translate("DifferenceQuestions", "Save My Text Over It")),
            Answer(TAKE, _take()),
            Answer(SAVE_AS, _save_as(), is_default=True),
            Answer(CANCEL, translate("DifferenceQuestions", "Cancel")),
        ),
    )
    return dialogs.ask_with_difference(question, _page_and_file(page, file.text))


def ask_blindly_while_saving(dialogs: Dialogs, name: str, error: DocumentError) -> str:
    """OVERWRITE, SAVE_AS or CANCEL: the file that is to be saved was changed or removed, and cannot be read."""
    question = Question(
        _changed(shown_name(name)),
        words_for(error),
        (
            Answer(OVERWRITE, translate("DifferenceQuestions", "Save My Text Over It")),
            Answer(SAVE_AS, _save_as(), is_default=True),
            Answer(CANCEL, translate("DifferenceQuestions", "Cancel")),
        ),
    )
    return dialogs.ask(question)


def ask_about_recovered(dialogs: Dialogs, page: str, file: OpenedFile) -> str:
    """KEEP, TAKE or SAVE_AS: unsaved text came back that is not what its file holds."""
    title = translate("DifferenceQuestions", "Changes that were not saved in {name} are back")
    text = translate(
        "DifferenceQuestions", "The page shows the text as you left it. Nothing is written to the file yet."
    )
    question = Question(
        title.format(name=shown_name(file.path.name)),
        _lines(text, _what_is_the_same(page, file), _what_taking_does(file)),
        (
            Answer(SAVE_AS, _save_as()),
            Answer(TAKE, _take()),
            Answer(KEEP, translate("DifferenceQuestions", "Keep My Text"), is_default=True),
        ),
    )
    return dialogs.ask_with_difference(question, _page_and_file(page, file.text, is_file_older=True))


def _page_and_file(page: str, file: str, is_file_older: bool = False) -> Comparison:
    """What is older stands as what was there before: struck through, where the other does not have it."""
    on_page = translate("DifferenceQuestions", "only on the page")
    in_file = translate("DifferenceQuestions", "only in the file")
    return Comparison(file, page, in_file, on_page) if is_file_older else Comparison(page, file, on_page, in_file)


def _what_taking_does(file: OpenedFile) -> str:
    if file.stored is not None:
        return translate("DifferenceQuestions", "If you take the file's text, yours is kept under Earlier Texts.")
    return translate("DifferenceQuestions", "If you take the file's text, Undo brings yours back.")


def _what_is_the_same(page: str, file: OpenedFile) -> str:
    """What to say where no difference can be shown."""
    if page != file.text:
        return ""
    if file.stored is not None:
        return translate(
            "DifferenceQuestions", "The words are the same; branches, origins, steps or what is said of it differ."
        )
    return translate("DifferenceQuestions", "The words are the same; encoding or line ends differ.")


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def _changed(name: str) -> str:
    return translate("DifferenceQuestions", "{name} was changed by another program").format(name=name)


def _take() -> str:
    return translate("DifferenceQuestions", "Take the File's Text")


def _save_as() -> str:
    return translate("DifferenceQuestions", "Save My Text As…")
