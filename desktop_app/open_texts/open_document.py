"""The document of one tab: its text on the page and its file; save, leave, keep for the next start.

    file → OpenedFile ⇄ OpenDocument ⇄ the view's document        KeptDocument → recovery store

A document of the last session sleeps until its tab comes to the front: what nobody looks at is not read and laid out.

Knows: the view's text, the document layer, the questions to ask. Must not know: other tabs, menus, the model.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QTextCursor

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import LONGEST_LINE, OpenedFile
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.file_claims import FileClaim, FileClaims
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.last_session import TabState
from desktop_app.document.nextstroke_file import About, StoredDocument
from desktop_app.document.plain_document import to_plain
from desktop_app.document.resting_save import RestingDocument, Written
from desktop_app.document.restoring import NOWHERE, RestoredDocument, restore, restore_unread
from desktop_app.document.shown_name import shown_name
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion
from desktop_app.document.versions import EarlierText, with_version
from desktop_app.editor.view import EditorView
from desktop_app.open_texts import document_questions as questions
from desktop_app.open_texts.file_state import FileState
from desktop_app.open_texts.outside_changes import OutsideChanges
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.open_texts.saving import Contents, SavedLate, Saving, Target
from desktop_app.services.error_words import words_for
from desktop_app.services.file_autosave import FileAutosave


class OpenDocument(QObject):
    """State of the document beside its text. All questions go through `dialogs`."""

    changed = Signal()  # name, modified or file
    replaced = Signal()  # another text is on the page
    told = Signal(str)
    file_used = Signal(object)  # str, a path; declared as a str it would lose the bytes that are no character

    def __init__(
        self,
        view: EditorView,
        disk: Disk,
        claims: FileClaims,
        dialogs: Dialogs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._disk, self._dialogs = view, disk, dialogs
        self._file = FileState()
        self._key = secrets.token_hex(8)
        self._number = 1
        self._about = About()
        self._versions: tuple[EarlierText, ...] = ()  # earlier texts, as its file holds them
        self._asleep: KeptDocument | None = None
        self._is_closed = False
        self._files = PatientFiles(disk, dialogs)
        self._saving = Saving(self._files, claims, dialogs, self._file.know_of_change, self._take_late, self.take_file)
        self._outside = OutsideChanges(self, self._file, self._files, dialogs, self._is_being_written, self._touch)
        self._autosave: FileAutosave | None = None
        self._autosaves_text: Callable[[], bool] = lambda: False
        view.document().modificationChanged.connect(lambda _modified: self.changed.emit())

    @property
    def key(self) -> str:
        """Names it in the recovery store for as long as it is open."""
        return self._key

    @property
    def path(self) -> Path | None:
        """Its file, or None."""
        return self._file.path

    @property
    def name(self) -> str:
        """What the top bar shows."""
        if self._file.path is not None:
            return shown_name(self._file.path.name)
        return self.tr("Untitled") if self._number == 1 else self.tr("Untitled {number}").format(number=self._number)

    @property
    def number(self) -> int:
        """Tells texts without a file apart, from 1 on."""
        return self._number

    def set_number(self, number: int) -> None:
        """As which of the texts without a file it is shown."""
        self._number = number

    @property
    def is_modified(self) -> bool:
        """Whether there are changes that are not in its file."""
        return self._view.document().isModified()

    @property
    def is_untouched(self) -> bool:
        """Whether nothing here is the person's: an empty page, or the welcome as it came."""
        return self._file.path is None and self._asleep is None and not self.is_modified

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
        if self._file.is_document:
            self._view.link.declare_unsaved()

    # ---- into its file by itself ------------------------------------------------------------------------------

    def autosaved_by(self, autosave: FileAutosave, autosaves_text: Callable[[], bool]) -> None:
        """Its file is written whenever it rests; a plain text's only while `autosaves_text` says so."""
        self._autosave, self._autosaves_text = autosave, autosaves_text
        self._view.steps_changed.connect(lambda _undo, _redo: autosave.touched())
        self.changed.connect(autosave.touched)
        autosave.failed.connect(lambda error: self.told.emit(words_for(error)))
        autosave.stopped.connect(self._tell_stopped)

    def at_rest(self) -> RestingDocument | None:
        """A copy to write, where the file does not hold everything and is one that is written by itself."""
        file = self._file
        if file.path is None or file.version is None or self._asleep is not None or not self.is_modified:
            return None
        if file.is_doubtful or file.is_recovered or not (file.is_document or self._autosaves_text()):
            return None
        model = self._view.link.model
        caret = model.position_at(self._view.textCursor().position())
        model.close_step()  # what is typed during the write can be undone by itself
        stored = StoredDocument(model.copy(), self._about, self._versions, caret)
        return RestingDocument(file.path, file.format, file.version, stored)

    def written_at_rest(self, resting: RestingDocument, written: Written) -> None:
        """The file holds that copy; the mark goes if the page is still, or again, at it."""
        if resting.path != self._file.path or resting.known != self._file.version:
            return  # another file by now
        self._file.belongs_to(resting.path, resting.format, written.version)
        self._versions = written.versions
        self._file.renew_claim()
        self._agree_with(resting.stored)

    def _agree_with(self, written: StoredDocument) -> None:
        """Its file holds this copy; undo may lead back to it."""
        holds_all = self._file.is_document
        self._view.link.is_written(written.document, holds_all, not holds_all or written.about == self._about)

    def _tell_stopped(self, error: DocumentError) -> None:
        stopped = self.tr("Nothing is written into it by itself until you have saved it or read it again.")
        self.told.emit(f"{words_for(error)} {stopped}")

    def _settle(self) -> None:
        if self._autosave is not None:
            self._autosave.settle()

    def _is_being_written(self) -> bool:
        return self._autosave is not None and self._autosave.is_writing

    def _touch(self) -> None:
        if self._autosave is not None:
            self._autosave.touched()

    # ---- commands ---------------------------------------------------------------------------------------------

    def show_text(self, text: str, is_unsaved: bool = False) -> None:
        """Put a text without a file on the page. `is_unsaved`: losing it would lose something."""
        self._file.hold(None)
        self._show(text, None, TextFormat(), None)
        if is_unsaved:
            self._view.link.declare_unsaved()

    def show_copy(self, opened: OpenedFile) -> None:
        """Put what a file holds on the page, as a text without a file."""
        self._file.hold(None)
        self._show_opened(opened, None, None)
        self._view.link.declare_unsaved()

    def show_file(self, opened: OpenedFile, claim: FileClaim) -> None:
        """Put what a file holds on the page; the file is this document's from now on."""
        self._file.hold(claim)
        self._show_opened(opened, opened.path, opened.version)
        if opened.stored is not None:
            self._put_caret(self._view.link.model.unit_at(opened.stored.caret))
        self._tell([words_for(note) for note in opened.notes])
        self.file_used.emit(str(opened.path))

    def save(self, folder: str = "") -> bool:
        """Save to its file; ask for one (in `folder`) where it has none. False: nothing was saved."""
        self.wake()
        if self._asleep is not None:
            return False
        self._settle()
        if self._file.path is None:
            return self.save_as(folder)
        return self._write(Target(self._file.path, self._file.format, self._file.version, self._file.claim))

    def save_as(self, folder: str = "") -> bool:
        """Save under a name that is asked for, in `folder` where the text has no file yet."""
        self._settle()
        proposal = str(self._file.path) if self._file.path is not None else str(Path(folder) / (self.name + ".txt"))
        path = self._saving.choose_path(proposal, self._file.is_document)
        return path is not None and self._write(Target(path, self._file.format, None, self._file.claim))

    def may_leave(self) -> bool:
        """Whether the present text may go for good: saved, given up, or nothing to lose."""
        if not self.needs_question():
            return True
        answer = questions.ask_to_save(self._dialogs, self.name)
        if answer == questions.DISCARD:
            self.give_up()
        return answer == questions.DISCARD or (answer == questions.SAVE and self.save())

    def needs_question(self) -> bool:
        """Whether something would be lost with this text."""
        if not self.is_modified:
            return False
        self.wake()
        if self._autosave is not None:
            self._autosave.write_now()
        return self.is_modified and (self._file.path is not None or bool(self._view.text().strip()))

    def give_up(self) -> None:
        """What was not saved may be lost: the next start reads the file, not this text."""
        self._view.document().setModified(False)

    def look_outside(self) -> None:
        """The window or the tab came to the front: ask once about text that came back, and about another program's."""
        if self._asleep is None:
            self._outside.look()

    # ---- the next start ---------------------------------------------------------------------------------------

    def snapshot(self) -> KeptDocument:
        """The document as the recovery store keeps it: a copy, which costs next to nothing."""
        if self._asleep is not None:
            return self._asleep
        return KeptDocument(
            key=self._key,
            stored=StoredDocument(self._view.link.model.copy(), self._about, self._versions),
            path=self._file.path,
            caret=self._view.textCursor().position(),
            scroll=self._view.verticalScrollBar().value(),
            format=self._file.format,
            version=self._file.version,
            is_modified=self.is_modified,
            branch=self.branch,
        )

    def state(self) -> TabState:
        """Which document this is and where one is in it."""
        if self._asleep is not None:
            kept = self._asleep
            return TabState(kept.key, kept.path, kept.caret, kept.scroll, kept.branch)
        caret, scroll = self._view.textCursor().position(), self._view.verticalScrollBar().value()
        return TabState(self._key, self._file.path, caret, scroll, self.branch)

    def sleep(self, kept: KeptDocument, claim: FileClaim | None) -> None:
        """Be a document of the last session that nobody has looked at yet; its file is held meanwhile."""
        self._file.hold(claim)
        self._asleep, self._key, self._file.path = kept, kept.key, kept.path
        if kept.has_unsaved_text:
            self._view.link.declare_unsaved()
        self.changed.emit()

    def wake(self) -> None:
        """The tab comes to the front: show what slept."""
        kept = self._asleep
        if kept is None or self._files.is_busy:
            return
        restored = self._read_again(kept)  # asleep until it is there: the recovery store must not see an empty page
        self._asleep = None
        self.restore(restored)

    def _read_again(self, kept: KeptDocument) -> RestoredDocument:
        if kept.path is None:
            return restore(self._disk, kept)
        found = self._files.read(kept.path, lambda disk: restore(disk, kept))
        return restore_unread(kept, kept.path) if found is None else found

    def restore(self, restored: RestoredDocument) -> None:
        """Show a document of the last session, caret and view where they were."""
        kept = restored.document
        self._key = kept.key
        if kept.path is None:
            self._file.hold(None)  # its file cannot be read, and is left as it is
        self._show_document(kept.stored, kept.path, kept.format, kept.version)
        self._file.is_doubtful |= kept.is_damaged
        self._file.is_recovered = restored.is_recovered and kept.path is not None and not restored.is_unread
        if restored.is_recovered:
            self._view.link.declare_unsaved()
        if restored.saved_step not in (NOWHERE, kept.stored.document.history.current):
            self._view.link.saved_at(restored.saved_step)
        self._put_caret(kept.caret)
        # At the start the window has its size only after it was shown.
        QTimer.singleShot(0, self._view, lambda: self._view.verticalScrollBar().setValue(kept.scroll))
        said = [words_for(note) for note in restored.notes]
        if restored.is_recovered and kept.path is not None:
            is_changed = not restored.is_unread
            back = self.tr("Changes that were not saved in {name} are back.")
            still_here = self.tr("The text of {name} is still on the page; save it to put the file back.")
            said.insert(0 if is_changed else len(said), (back if is_changed else still_here).format(name=self.name))
        self._tell(said)

    def holds(self, keys: Sequence[str]) -> bool:
        """Whether its file is that of these `identities`."""
        return self._file.claim is not None and self._file.claim.is_any_of(keys)

    def close(self) -> None:
        """Let others have its file; a look at it that is on its way finds nothing."""
        self._file.hold(None)
        self._file.version = None
        self._is_closed = True

    # ---- inside -----------------------------------------------------------------------------------------------

    def _tell(self, sentences: list[str]) -> None:
        if sentences:  # in one message: the next one takes its place
            self.told.emit(" ".join(sentences))

    def _show_opened(self, opened: OpenedFile, path: Path | None, version: FileVersion | None) -> None:
        if opened.stored is None:
            self._show(opened.text, path, opened.format, version)
        else:
            self._show_document(opened.stored, path, opened.format, version)

    def _show(self, text: str, path: Path | None, format: TextFormat, version: FileVersion | None) -> None:
        """Put a text without a past on the page."""
        self._about, self._versions, self._file.is_doubtful = About(), (), False
        self._view.load_text(text)
        self._belongs_to(path, format, version)

    def _show_document(
        self, stored: StoredDocument, path: Path | None, format: TextFormat, version: FileVersion | None
    ) -> None:
        """Put a document on the page; its shown branch becomes the text."""
        self._about, self._versions, self._file.is_doubtful = stored.about, stored.versions, stored.is_altered
        self._view.load_document(stored.document)
        self._belongs_to(path, format, version)

    def _belongs_to(self, path: Path | None, format: TextFormat, version: FileVersion | None) -> None:
        self._file.belongs_to(path, format, version)
        self.replaced.emit()
        self.changed.emit()

    def _put_caret(self, position: int) -> None:
        cursor = QTextCursor(self._view.document())
        cursor.setPosition(max(0, min(position, self._view.document().characterCount() - 1)))
        self._view.setTextCursor(cursor)

    def _write(self, target: Target) -> bool:
        model, text = self._view.link.model, self._view.text()
        caret = model.position_at(self._view.textCursor().position())
        model.close_step()  # what is written during the save can be undone by itself
        contents = Contents(StoredDocument(model.copy(), self._about, self._versions, caret), text)
        saved = self._saving.write(contents, target)
        if saved is None:
            return False
        self._file.hold(saved.claim)
        self._file.path = saved.path
        self._file.agrees(saved.format, saved.version)
        self._versions = saved.versions
        self._agree_with(contents.document)  # the model may have gone on writing
        self.file_used.emit(str(saved.path))
        self._tell_saved(saved.path)
        return True

    def _take_late(self, late: SavedLate) -> None:
        """A save that was given up got through after all: that is no change by another program."""
        if self._is_closed or late.path != self._file.path:
            return
        self._file.agrees(late.format, late.version)
        self._file.renew_claim()
        self._versions = late.versions
        self._agree_with(late.document)
        self._tell_saved(late.path)

    def _tell_saved(self, path: Path) -> None:
        self.changed.emit()
        self.told.emit(self.tr("Saved {name}.").format(name=shown_name(path.name)))

    # ---- the file's text against the page's, for `OutsideChanges` ---------------------------------------------

    @property
    def branch(self) -> int:
        """The branch on the page."""
        return self._view.link.model.current

    def text(self) -> str:
        """The text on the page."""
        return self._view.text()

    def holds_all_of(self, stored: StoredDocument) -> bool:
        """Whether the page's document is that one, with its branches, origins and steps."""
        earlier, mine = ({each.text for each in versions} for versions in (stored.versions, self._versions))
        if stored.about != self._about or earlier != mine:
            return False
        # As JSON: a tuple of the page's is a list in the file's.
        return json.dumps(to_plain(stored.document)) == json.dumps(to_plain(self._view.link.model))

    def tell_line_refused(self) -> None:
        """What was to be pasted is too much for a page."""
        words = self.tr("Nothing was inserted: it has a line of more than {count} characters. Break that line first.")
        self.told.emit(words.format(count=f"{LONGEST_LINE:,}"))

    def tell_removed(self) -> None:
        """The file is gone."""
        self.told.emit(self.tr("{name} was removed by another program; save it to put it back.").format(name=self.name))

    def tell_unreadable(self) -> None:
        """The file changed, and cannot be read."""
        words = self.tr("{name} was changed by another program and cannot be read; your text is on the page.")
        self.told.emit(words.format(name=self.name))

    def agree(self, file: OpenedFile) -> None:
        """The page holds what the file holds."""
        self._file.agrees(file.format, file.version)
        self._view.document().setModified(False)
        self._file.renew_claim()
        self.changed.emit()

    def take_file(self, file: OpenedFile) -> None:
        """The page's text becomes what its file holds.

        Of a plain text that is one step, and what did not change keeps its origin. A document brings its own branches,
        origins and steps, which no step of ours may hide: it takes the place of the one here, whose text becomes the
        newest of its earlier texts.
        """
        self._settle()
        if file.stored is None:
            self._view.link.become(file.text, "from the file")
            self.agree(file)
            return
        was_modified, mine = self.is_modified, self._view.text()
        versions = with_version(file.stored.versions, mine, time.time())
        self._show_document(replace(file.stored, versions=versions), file.path, file.format, file.version)
        self._file.renew_claim()
        self._put_caret(self._view.link.model.unit_at(file.stored.caret))
        if was_modified:
            self._view.link.declare_unsaved()  # what was not saved is among the earlier texts alone

    def become(self, text: str) -> None:
        """The page's text becomes another one, as one step; what both have in common keeps its origin."""
        self._view.link.become(text, "restoring", was_here=True)
