"""Export and import: from the page in front to a file of another format, and back to a new tab.

    Export…   page → manuscript → questions → while one writes on: writer → Disk → said
    Import…   question → waited for: reader → a new tab, without a file → said

Knows: the tabs, the questions, writers and readers by their face. Must not know: menus, formats.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.export_dialog import ExportChoices
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.file_claims import FileClaim, FileClaims, FileHeld, identities
from desktop_app.document.nextstroke_file import About
from desktop_app.document.proposed_name import proposed_name
from desktop_app.document.shown_name import shown_name
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.open_texts.tab import Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.services.error_words import words_for
from desktop_app.services.patience import Begun
from desktop_app.settings_in_use import SettingsInUse

if TYPE_CHECKING:  # readers and writers are loaded by the first export or import
    from desktop_app.document.readers.imported import ImportedText
    from desktop_app.document.writers.writer import Writer

CLOSING_S = 3.0  # for an export that goes on when the program ends and nobody may be asked
_REPLACE, _CANCEL = "replace", "cancel"


@dataclass(frozen=True, eq=False)
class _Export:
    """One that is being written."""

    path: Path
    claims: tuple[FileClaim, ...]
    begun: Begun[list[Path]]

    def let_go(self) -> None:
        """Others may have its files."""
        for claim in self.claims:
            claim.release()


class ExportControl(QObject):
    """Each export on a thread of its own: a long book takes its time, and a disk may not answer."""

    told = Signal(str)

    def __init__(
        self,
        tabs: Tabs,
        disk: Disk,
        claims: FileClaims,
        dialogs: Dialogs,
        settings: SettingsInUse,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tabs, self._claims, self._dialogs = tabs, claims, dialogs
        self._settings = settings
        self._files = PatientFiles(disk, dialogs)
        self._going_on: list[_Export] = []
        self._last: dict[Tab, ExportChoices] = {}  # what was chosen for a text
        tabs.shown_anew.connect(self._forget)
        tabs.closed.connect(self._forget)

    def export(self) -> None:
        """Ask, then write in the background."""
        tab = self._tabs.current
        chosen = self._dialogs.export_choices(self._proposal(tab))
        if chosen is None:
            return
        self._last[tab] = chosen
        path = self._path_for(tab, chosen)
        if path is None:
            return  # nothing is exported, and nothing is said of the document
        self._settings.change(author=chosen.author)
        tab.document.describe(About(chosen.title, chosen.author, chosen.language))
        self._write(tab, path, chosen)

    def import_text(self) -> None:
        """Ask for a file and put its text into a new tab."""
        from desktop_app.document.readers.import_file import import_file

        folder = self._settings.values.last_exchange_folder
        kinds = ";;".join((self.tr("Texts and Word documents (*.txt *.md *.docx)"), self.tr("All files (*)")))
        name = self._dialogs.path_to_open(self.tr("Import"), folder, kinds)
        if not name:
            return
        path = Path(name)
        self._settings.change(last_exchange_folder=str(path.parent))
        try:
            imported = self._files.read(path, lambda disk: import_file(disk, path))
        except DocumentError as error:
            self._dialogs.tell(self.tr("This file cannot be imported"), words_for(error))
            return
        if imported is not None:
            self._show(path, imported)

    def finish(self) -> None:
        """Wait for what is being written; one can give up."""
        for export in list(self._going_on):
            try:
                export.begun.wait()
            except DocumentError:
                pass  # `_end` says it
            self._end(export)

    def close(self) -> None:
        """The program ends: finish what is being written, if that is soon."""
        for export in self._going_on:
            export.begun.end_within(CLOSING_S)
            export.let_go()
        self._going_on.clear()

    # ---- inside -----------------------------------------------------------------------------------------------

    def _proposal(self, tab: Tab) -> ExportChoices:
        from desktop_app.document.writers.manuscript import language_of

        if tab in self._last:
            return self._last[tab]
        path, known = tab.document.path, tab.document.about
        return ExportChoices(
            title=known.title or (path.stem if path is not None else ""),
            author=known.author or self._settings.values.author,
            language=known.language or language_of(tab.view.text()),
        )

    def _path_for(self, tab: Tab, chosen: ExportChoices) -> Path | None:
        folder = self._settings.values.last_exchange_folder or self._settings.values.last_folder
        path = tab.document.path
        stem = path.stem if path is not None else (chosen.title or tab.document.name)
        proposal = str(Path(folder) / proposed_name(stem, chosen.suffix, tab.document.name))
        name = self._dialogs.path_to_save(self.tr("Export"), proposal, f"*{chosen.suffix}")
        if not name:
            return None
        found = Path(name)
        self._settings.change(last_exchange_folder=str(found.parent))
        if found.suffix.lower() != chosen.suffix:
            found = found.with_name(found.name + chosen.suffix)
            is_there = self._files.read(found, lambda disk: disk.exists(found))
            if is_there is None or (is_there and not self._may_replace(found)):
                return None
        if any(each.document.path == found for each in self._tabs.all):
            self._dialogs.tell(
                self.tr("Choose another name"),
                self.tr("“{name}” is the file you are writing in. An export would replace it.").format(name=found.name),
            )
            return None
        return found

    def _may_replace(self, path: Path) -> bool:
        question = Question(
            self.tr("Replace {name}?").format(name=path.name),
            self.tr("A file of this name is there already."),
            (Answer(_REPLACE, self.tr("Replace")), Answer(_CANCEL, self.tr("Cancel"), is_default=True)),
        )
        return self._dialogs.ask(question) == _REPLACE

    def _write(self, tab: Tab, path: Path, chosen: ExportChoices) -> None:
        from desktop_app.document.writers.export_file import export_file, files_of
        from desktop_app.document.writers.manuscript import Metadata
        from desktop_app.open_texts.page_manuscript import page_manuscript

        metadata = Metadata(chosen.title, chosen.author, chosen.language, datetime.now(UTC))
        manuscript = page_manuscript(tab.view.link.model, metadata, chosen.joins_lines)
        writer = _writer(chosen.suffix)
        files = files_of(path, manuscript, writer, chosen.with_origin)
        if not all(self._may_write_beside(beside) for beside in files[1:]):
            return
        claims = self._claimed(files)
        if claims is None:
            return
        line = self.tr("Exporting {name}…").format(name=shown_name(path.name))
        self.told.emit(line)
        begun = self._files.begin(
            path, lambda disk: export_file(disk, path, manuscript, writer, chosen.with_origin), line
        )
        export = _Export(path, claims, begun)
        self._going_on.append(export)
        begun.when_ended(lambda: self._end(export))

    def _may_write_beside(self, path: Path) -> bool:
        """Nobody chose this name: what is there is replaced without a question only where an export wrote it."""
        from desktop_app.document.writers.sidecar import is_sidecar

        is_other = self._files.read(path, lambda disk: disk.exists(path) and not is_sidecar(disk.read_bytes(path)))
        return is_other is False or (is_other is True and self._may_replace(path))

    def _claimed(self, files: list[Path]) -> tuple[FileClaim, ...] | None:
        """All of them, or none, and the person knows."""
        claims: list[FileClaim] = []
        for path in files:
            keys = self._files.read(path, lambda _disk, path=path: identities(path))  # type: ignore[misc]
            try:
                if keys is not None:
                    claims.append(self._claims.claim(path, keys))
                    continue
            except FileHeld as error:
                self._tell_failed(error)
            for claim in claims:
                claim.release()
            return None
        return tuple(claims)

    def _end(self, export: _Export) -> None:
        """Say how it ended; nothing of one that was given up, or waited for and said."""
        if export not in self._going_on:
            return
        self._going_on.remove(export)
        export.let_go()
        if export.begun.is_given_up:
            return
        try:
            export.begun.result()
        except DocumentError as error:
            self._tell_failed(error)
        else:
            self.told.emit(self.tr("Exported {name}.").format(name=shown_name(export.path.name)))

    def _tell_failed(self, error: DocumentError) -> None:
        self._dialogs.tell(self.tr("The text is not exported"), words_for(error))

    def _show(self, path: Path, imported: ImportedText) -> None:
        tab = self._tabs.new(imported.text, is_unsaved=bool(imported.text))
        metadata = imported.metadata
        tab.document.describe(About(metadata.title, metadata.author, imported.said_language))
        said = [self.tr("Imported {name} as a new text.").format(name=shown_name(path.name))]
        said += [words_for(note) for note in imported.notes]
        self.told.emit(" ".join(said))  # in one message: the next one takes its place

    def _forget(self, tab: Tab) -> None:
        """Another text is on that page: what was chosen for the book before does not hold."""
        self._last.pop(tab, None)


def _writer(suffix: str) -> Writer:
    """The writer of one of the dialog's formats."""
    makers: dict[str, Callable[[], Writer]] = {".odt": _odt_writer, ".pdf": _pdf_writer}
    if suffix in makers:
        return makers[suffix]()
    from desktop_app.document.writers.export_file import WRITERS

    return next(writer for writer in WRITERS if writer.suffix == suffix)


def _odt_writer() -> Writer:
    from desktop_app.look.fonts import book_faces
    from desktop_app.qt_writers.odt_writer import OdtWriter

    return OdtWriter(book_faces())


def _pdf_writer() -> Writer:
    from desktop_app.look.fonts import book_faces
    from desktop_app.qt_writers.pdf_writer import PdfWriter

    return PdfWriter(book_faces())
