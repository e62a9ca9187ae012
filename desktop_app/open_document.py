"""The one document of the window: new, open, save, leave, keep for the next start.

    .txt, .md      ⇄ text_file        ⇄ OpenDocument ⇄ the view's text          KeptDocument → recovery store
    .nextstroke    ⇄ nextstroke_file  ⇄ OpenDocument ⇄ the view's document

The ending of the name decides which of the two a file is, at opening as at saving.

Knows: the view's text, the document layer, the questions to ask. Must not know: menus, the model.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from PySide6.QtCore import QDateTime, QObject, QTimer, Signal
from PySide6.QtGui import QTextCursor

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.any_file import OpenedFile, is_document, open_file, readable_text
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, DocumentError, NotEncodable
from desktop_app.document.kept_document import KeptDocument, RestoredDocument, Spans, text_digest
from desktop_app.document.nextstroke_file import SUFFIX, About, StoredDocument, save_document
from desktop_app.document.text_encoding import UTF_8, TextFormat
from desktop_app.document.text_file import FileVersion, changed_outside, save_text
from desktop_app.document.versions import EarlierText
from desktop_app.editor.view import EditorView
from desktop_app.services.error_words import words_for

SAVE, DISCARD, CANCEL, OVERWRITE, READ_AGAIN, SAVE_AS, CONVERT, OPEN_TEXT = (
    "save",
    "discard",
    "cancel",
    "overwrite",
    "read_again",
    "save_as",
    "convert",
    "open_text",
)


class OpenDocument(QObject):
    """State of the document beside its text. All questions go through `dialogs`."""

    changed = Signal()  # name, modified or file
    replaced = Signal()  # another text is on the page
    told = Signal(str)
    file_used = Signal(str)  # a path was opened or saved

    def __init__(
        self,
        view: EditorView,
        disk: Disk,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._disk, self._dialogs = view, disk, dialogs
        self._path: Path | None = None
        self._format = TextFormat()
        self._version: FileVersion | None = None
        self._saved_digest = ""
        self._key = secrets.token_hex(8)
        self._told_change: FileVersion | None = None
        self._about = About()
        self._versions: tuple[EarlierText, ...] = ()  # earlier texts, as its file holds them
        view.document().modificationChanged.connect(lambda _modified: self.changed.emit())

    @property
    def path(self) -> Path | None:
        """Its file, or None."""
        return self._path

    @property
    def name(self) -> str:
        """What the top bar shows."""
        return self._path.name if self._path is not None else self.tr("Untitled")

    @property
    def is_modified(self) -> bool:
        """Whether there are changes that are not in its file."""
        return self._view.document().isModified()

    @property
    def _is_document(self) -> bool:
        return self._path is not None and is_document(self._path)

    @property
    def about(self) -> About:
        """What is said of it: a `.nextstroke` file carries it along."""
        return self._about

    @property
    def earlier_texts(self) -> tuple[EarlierText, ...]:
        """What was saved of it before, the newest first."""
        return self._versions[::-1]

    def describe(self, about: About) -> None:
        """Title, author and language. A document whose file says something else is to be saved."""
        if about == self._about:
            return
        self._about = about
        if self._is_document:
            self._view.document().setModified(True)

    # ---- commands ---------------------------------------------------------------------------------------------

    def new(self, text: str = "") -> bool:
        """An empty page (or one with `text`), after asking about changes."""
        if not self.may_leave():
            return False
        self._show(text, None, TextFormat(), None)
        return True

    def open(self, path: str = "", folder: str = "") -> bool:
        """Open a file, asking for one where none is named."""
        chosen = path or self._dialogs.path_to_open(self.tr("Open"), folder, self._kinds())
        if not chosen or not self.may_leave():
            return False
        try:
            opened = open_file(self._disk, Path(chosen))
        except DocumentError as error:
            return self._offer_what_is_left(Path(chosen), error)
        self._show_file(opened)
        self.file_used.emit(str(opened.path))
        return True

    def save(self, folder: str = "") -> bool:
        """Save to its file; ask for one (in `folder`) where it has none. False: nothing was saved."""
        if self._path is None:
            return self.save_as(folder)
        return self._write(self._path, self._format, self._version)

    def save_as(self, folder: str = "") -> bool:
        """Save under a name that is asked for, in `folder` where the text has no file yet."""
        proposal = str(self._path) if self._path is not None else str(Path(folder) / (self.tr("Untitled") + ".txt"))
        chosen = self._dialogs.path_to_save(self.tr("Save As"), proposal, self._kinds_to_save())
        if not chosen:
            return False
        path = Path(chosen)
        if not path.suffix:
            path = path.with_name(path.name + (SUFFIX if self._is_document else ".txt"))
            if self._disk.exists(path) and not self._may_replace(path):
                return False
        return self._write(path, self._format, None)

    def may_leave(self) -> bool:
        """Whether the present text may go from the page: saved, given up, or nothing to lose."""
        if not self.is_modified or (self._path is None and not self._view.text().strip()):
            return True
        question = Question(
            self.tr("Save the changes to {name}?").format(name=self.name),
            self.tr("Without saving, what you wrote since the last save is lost."),
            (
                Answer(SAVE, self.tr("Save"), is_default=True),
                Answer(DISCARD, self.tr("Don't Save")),
                Answer(CANCEL, self.tr("Cancel")),
            ),
        )
        answer = self._dialogs.ask(question)
        if answer == DISCARD:
            self._view.document().setModified(False)
            self._saved_digest = text_digest(self._view.text())  # the next start reads the file, not this text
            return True
        return answer == SAVE and self.save()

    def may_quit(self) -> bool:
        """Like `may_leave`, but a text without a file stays for the next start and needs no question."""
        return self._path is None or self.may_leave()

    def look_outside(self) -> None:
        """The window came to the front: say it once when another program changed the file."""
        if self._path is None or self._version is None or self._told_change == self._version:
            return
        try:
            if not changed_outside(self._disk, self._path, self._version):
                return
            is_gone = not self._disk.exists(self._path)
        except DocumentError:
            return
        self._told_change = self._version
        if is_gone:
            self.told.emit(
                self.tr("{name} was removed by another program; save it to put it back.").format(name=self.name)
            )
        else:
            self._offer_to_read_again()

    # ---- the next start ---------------------------------------------------------------------------------------

    def snapshot(self) -> KeptDocument:
        """The document as the recovery store keeps it."""
        text = self._view.text()
        return KeptDocument(
            key=self._key,
            text=text,
            path=self._path,
            caret=self._view.textCursor().position(),
            scroll=self._view.verticalScrollBar().value(),
            format=self._format,
            version=self._version,
            saved_digest=text_digest(text) if not self.is_modified else self._saved_digest,
            generated=self._view.generated_spans(),
        )

    def restore(self, restored: RestoredDocument) -> None:
        """Show a document of the last session, caret and view where they were."""
        kept = restored.document
        self._key = kept.key
        self._show(kept.text, kept.path, kept.format, kept.version, kept.saved_digest, kept.generated, restored.stored)
        self._view.document().setModified(restored.is_recovered)
        self._put_caret(kept.caret)
        # At the start the window has its size only after it was shown.
        QTimer.singleShot(0, self._view, lambda: self._view.verticalScrollBar().setValue(kept.scroll))
        said = [words_for(note) for note in restored.notes]
        if restored.is_recovered and kept.path is not None:
            said.insert(0, self.tr("Changes that were not saved in {name} are back.").format(name=self.name))
        self._tell(said)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _show_file(self, opened: OpenedFile) -> None:
        digest, stored = text_digest(opened.text), opened.stored
        self._show(opened.text, opened.path, opened.format, opened.version, digest, stored=stored)
        if stored is not None:
            self._put_caret(self._view.link.model.unit_at(stored.caret))
        self._tell([words_for(note) for note in opened.notes])

    def _tell(self, sentences: list[str]) -> None:
        if sentences:  # in one message: the next one takes its place
            self.told.emit(" ".join(sentences))

    def _show(
        self,
        text: str,
        path: Path | None,
        format: TextFormat,
        version: FileVersion | None,
        saved_digest: str = "",
        generated: Spans = (),
        stored: StoredDocument | None = None,
    ) -> None:
        """Put a text on the page; with `stored`, that document, whose shown branch then becomes the text."""
        self._path, self._format, self._version, self._saved_digest = path, format, version, saved_digest
        self._told_change = None
        if stored is None:
            self._about, self._versions = About(), ()
            self._view.load_text(text, generated)
        else:
            self._about, self._versions = stored.about, stored.versions
            is_edited = text != stored.document.text()
            self._view.load_document(stored.document)
            if is_edited:
                self._view.link.become(text, generated)
        self.replaced.emit()
        self.changed.emit()

    def _put_caret(self, position: int) -> None:
        cursor = QTextCursor(self._view.document())
        cursor.setPosition(max(0, min(position, self._view.document().characterCount() - 1)))
        self._view.setTextCursor(cursor)

    def _write(self, path: Path, format: TextFormat, known: FileVersion | None, overwrite: bool = False) -> bool:
        text = self._view.text()
        try:
            version = self._write_file(path, text, format, known, overwrite)
        except ChangedOutside as error:
            return self._ask_about_change(error, path, format, known)
        except NotEncodable as error:
            return self._ask_about_encoding(error, path, format, known)
        except DocumentError as error:
            self._dialogs.tell(self.tr("The text is not saved"), words_for(error))
            return False
        self._path, self._format, self._version = path, format, version
        self._saved_digest, self._told_change = text_digest(text), None
        self._view.document().setModified(False)
        self.changed.emit()
        self.file_used.emit(str(path))
        self.told.emit(self.tr("Saved {name}.").format(name=path.name))
        return True

    def _write_file(
        self, path: Path, text: str, format: TextFormat, known: FileVersion | None, overwrite: bool
    ) -> FileVersion:
        if not is_document(path):
            return save_text(self._disk, path, text, format, known, overwrite)
        model = self._view.link.model
        caret = model.position_at(self._view.textCursor().position())
        stored = StoredDocument(model, self._about, self._versions, caret)
        stored, version = save_document(self._disk, path, stored, known, overwrite)
        self._versions = stored.versions
        return version

    def _offer_what_is_left(self, path: Path, error: DocumentError) -> bool:
        """Say that a file cannot be opened; of a damaged document, offer the newest text that can still be read."""
        title = self.tr("This file cannot be opened")
        left = readable_text(self._disk, path) if error.kind == "document_damaged" else None
        if left is None:
            self._dialogs.tell(title, words_for(error))
            return False
        moment = QDateTime.fromSecsSinceEpoch(int(left.saved)).toString("yyyy-MM-dd HH:mm")
        offer = self.tr("A text that was saved in it on {moment} can still be read. The file is left as it is.")
        question = Question(
            title,
            words_for(error) + " " + offer.format(moment=moment),
            (
                Answer(OPEN_TEXT, self.tr("Open That Text"), is_default=True),
                Answer(CANCEL, self.tr("Cancel")),
            ),
        )
        if self._dialogs.ask(question) != OPEN_TEXT:
            return False
        self._show(left.text, None, TextFormat(), None)
        self._view.document().setModified(True)
        return True

    def _ask_about_change(
        self, error: ChangedOutside, path: Path, format: TextFormat, known: FileVersion | None
    ) -> bool:
        question = Question(
            self.tr("{name} was changed by another program").format(name=path.name),
            words_for(error),
            (
                Answer(OVERWRITE, self.tr("Save Over It")),
                Answer(SAVE_AS, self.tr("Save As…"), is_default=True),
                Answer(CANCEL, self.tr("Cancel")),
            ),
        )
        self._told_change = self._version  # the window coming to the front again must not ask a second time
        answer = self._dialogs.ask(question)
        if answer == OVERWRITE:
            return self._write(path, format, known, overwrite=True)
        return answer == SAVE_AS and self.save_as()

    def _ask_about_encoding(
        self, error: NotEncodable, path: Path, format: TextFormat, known: FileVersion | None
    ) -> bool:
        if not error.offer:
            self._dialogs.tell(self.tr("The text is not saved"), words_for(error))
            return False
        question = Question(
            self.tr("Save {name} as UTF-8?").format(name=path.name),
            words_for(error),
            (Answer(CONVERT, self.tr("Save as UTF-8"), is_default=True), Answer(CANCEL, self.tr("Cancel"))),
        )
        if self._dialogs.ask(question) != CONVERT:
            return False
        return self._write(path, TextFormat(error.offer or UTF_8, format.line_ends), known)

    def _may_replace(self, path: Path) -> bool:
        question = Question(
            self.tr("Replace {name}?").format(name=path.name),
            self.tr("A file of this name is there already; its text would be lost."),
            (Answer(OVERWRITE, self.tr("Replace")), Answer(CANCEL, self.tr("Cancel"), is_default=True)),
        )
        return self._dialogs.ask(question) == OVERWRITE

    def _offer_to_read_again(self) -> None:
        question = Question(
            self.tr("{name} was changed by another program").format(name=self.name),
            self.tr("Read it again, or keep the text that is on the page."),
            (
                Answer(READ_AGAIN, self.tr("Read Again"), is_default=not self.is_modified),
                Answer(CANCEL, self.tr("Keep This Text"), is_default=self.is_modified),
            ),
        )
        if self._dialogs.ask(question) != READ_AGAIN or self._path is None:
            return
        try:
            self._show_file(open_file(self._disk, self._path))
        except DocumentError as error:
            self._dialogs.tell(self.tr("This file cannot be opened"), words_for(error))

    def _kinds(self) -> str:
        return ";;".join((self.tr("Texts and documents (*.txt *.md *.nextstroke)"), self.tr("All files (*)")))

    def _kinds_to_save(self) -> str:
        """The kind that the text has now stands first, since the dialog proposes that one."""
        kinds = [self.tr("Texts (*.txt *.md)"), self.tr("Documents with origins and history (*.nextstroke)")]
        if self._is_document:
            kinds.reverse()
        return ";;".join((*kinds, self.tr("All files (*)")))
