"""The window's start, and the only place that builds long-lived objects.

    1. arguments        --help and a missing display are answered before Qt is loaded
    2. Qt application   its name, its profile; a window of this profile is open: it gets the files, and this is the end
    3. engine           its process starts now and loads the model while the window is built
    4. window           with the texts of the last session, or the welcome, in its tabs; shown
    5. event loop       engine ready → model open; recovery store written while one types
    6. end              settings, session and recovery store written, engine ended, in this order

Knows every part. Must not load ONNX Runtime, numpy or torch: the engine is another process.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from desktop_app.display import WAY_OUT, has_display, open_application

if TYPE_CHECKING:  # Qt is loaded by `_run`, after the questions that need no window
    from PySide6.QtWidgets import QApplication

    from desktop_app.document.disk import Disk
    from desktop_app.document.kept_document import KeptDocument
    from desktop_app.document.last_session import LastSession
    from desktop_app.document.recovery import RecoveryStore
    from desktop_app.look.theme import Theme
    from desktop_app.main_window import MainWindow
    from desktop_app.services.autosave import Autosave
    from desktop_app.services.background import Background
    from desktop_app.services.languages import LanguageSwitch
    from desktop_app.services.paths import ProfilePaths
    from desktop_app.services.settings import SettingsStore
    from desktop_app.services.window_place import WindowPlace
    from desktop_app.settings_in_use import SettingsInUse
    from desktop_app.spelling.speller import Speller

VERSION = "0.1.0"
LISTEN_AFTER_MS = 300  # the first picture does not wait for the socket; a later start waits for seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    arguments = _parse(list(sys.argv[1:] if argv is None else argv))
    if not has_display(os.environ, sys.platform):
        print(f"error: no display was found, so the window cannot open; {WAY_OUT}", file=sys.stderr)
        return 1
    return _run(arguments.profile, arguments.files)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nextstroke",
        description="Write, and let a model on this computer write on. Without a command the window opens; "
        "`nextstroke generate --help` and its sisters work in a terminal.",
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="a text to open, a model folder or a checkpoint to add"
    )
    parser.add_argument("--profile", metavar="DIR", help="keep all per-user data under DIR")
    return parser.parse_args(argv)


def _run(profile: str | None, files: list[str]) -> int:
    from desktop_app.document.disk import Disk
    from desktop_app.services.paths import choose_profile, runtime_folder
    from desktop_app.services.window_place import WindowPlace

    application = open_application(sys.argv[0], VERSION)
    paths, disk = choose_profile(profile), Disk()
    place = WindowPlace(runtime_folder(), paths.state, disk)
    appearance = Appearance(application, paths, disk)
    status = None if place.take() else _hand_over(place, files, appearance)
    return _open(appearance, paths, disk, place, files) if status is None else status


class Appearance:
    """Settings, language and theme, each made when it is first needed: a start that hands its files over needs none."""

    def __init__(self, application: QApplication, paths: ProfilePaths, disk: Disk) -> None:
        self.application = application
        self._paths, self._disk = paths, disk

    @cached_property
    def store(self) -> SettingsStore:
        """Where the settings lie."""
        from desktop_app.services.settings import SettingsStore

        return SettingsStore(self._paths.settings_file, self._disk)

    @cached_property
    def settings(self) -> SettingsInUse:
        """As they are now."""
        from desktop_app.settings_in_use import SettingsInUse

        return SettingsInUse(self.store)

    @cached_property
    def languages(self) -> LanguageSwitch:
        """The language of the settings is on."""
        from desktop_app.look.resource_files import resource_file
        from desktop_app.services.languages import LanguageSwitch

        switch = LanguageSwitch(self.application, resource_file("i18n"))
        switch.apply(self.settings.values.language)
        return switch

    @cached_property
    def theme(self) -> Theme:
        """The theme of the settings is on."""
        from desktop_app.look.theme import Theme

        return Theme(self.application, self.settings.values.theme)


def _open(appearance: Appearance, paths: ProfilePaths, disk: Disk, place: WindowPlace, files: list[str]) -> int:
    """The window, from its making to its end."""
    from PySide6.QtCore import QTimer

    from desktop_app.controls.session_control import SessionControl
    from desktop_app.document.file_claims import FileClaims
    from desktop_app.document.last_session import SessionFile
    from desktop_app.document.statistics_store import StatisticsStore
    from desktop_app.ending import SignalWatch
    from desktop_app.main_window import MainWindow, Services
    from desktop_app.second_start import LaterStarts
    from desktop_app.services.background import Background
    from desktop_app.services.engine_bridge import EngineBridge
    from desktop_app.services.export_jobs import ExportJobs
    from desktop_app.services.idle_collection import IdleCollection
    from desktop_app.services.paths import runtime_folder

    application, settings = appearance.application, appearance.settings
    watch = SignalWatch(application)
    collection = IdleCollection(application)  # before all that makes objects: the start need not search either
    claims = FileClaims(runtime_folder(), disk)
    bridge = EngineBridge()
    bridge.start()
    bridge.open_model(settings.values.model or None, settings.values.device)
    languages = appearance.languages
    background = Background()
    export_jobs = ExportJobs(paths.models, disk, lambda: settings.values.export_python)
    window = MainWindow(
        Services(
            settings=settings,
            bridge=bridge,
            theme=appearance.theme,
            disk=disk,
            claims=claims,
            background=background,
            export_jobs=export_jobs,
            language=lambda: languages.language,
            set_language=languages.apply,
            statistics=StatisticsStore(paths.state, disk),
            make_speller=lambda: _speller(paths, disk, background),
        )
    )
    window.text_touched.connect(collection.touched)
    watch.leave_by(window.leave_at_once)
    recovery, kept = _open_recovery(window, paths)
    session_file = SessionFile(paths.state, disk)
    _reopen(window, paths, session_file.load(), recovery, kept)
    autosave = _keep_text(window, recovery, background)
    session = SessionControl(window.tabs, session_file, background, window)
    _show(window, appearance.store.notices, files)
    later_starts = LaterStarts(place, window, window.take_paths)
    QTimer.singleShot(LISTEN_AFTER_MS, later_starts, place.listen)
    try:
        return 0 if watch.is_asked else application.exec()  # asked while a question of the start was open
    finally:
        settings.save_now()
        export_jobs.close()
        window.spelling.close()
        session.save_now()
        _end_recovery(autosave, recovery)
        claims.close()
        background.close()
        bridge.stop()
        place.close()  # who starts now finds everything written
        collection.close()
        watch.close()  # last: no further signal cuts this short


def _speller(paths: ProfilePaths, disk: Disk, background: Background) -> Speller:
    """What checks spelling; loaded when the window has been there for a moment."""
    from desktop_app.spelling.speller import Speller

    return Speller(paths.config, paths.data, disk, background)


def _hand_over(place: WindowPlace, files: list[str], appearance: Appearance) -> int | None:
    """Let the first window open the files; the exit status, or None where this start is to have a window."""
    from desktop_app.dialogs.question import Question, QuestionDialog
    from desktop_app.second_start import hands_over

    def ask(question: Callable[[], Question]) -> str:
        for needed in ("languages", "theme"):
            getattr(appearance, needed)  # on, before the first word
        dialog = QuestionDialog(question())
        dialog.exec()
        return dialog.answer

    return hands_over(place, files, ask)


def _open_recovery(window: MainWindow, paths: ProfilePaths) -> tuple[RecoveryStore | None, tuple[KeptDocument, ...]]:
    """The recovery store and what it kept; no store (and said) where it cannot be used."""
    from desktop_app.document.errors import DocumentError
    from desktop_app.document.recovery import RecoveryStore
    from desktop_app.services.error_words import words_for

    try:
        recovery = RecoveryStore(paths.state, window.services.disk)
        return recovery, recovery.take_over()
    except DocumentError as error:
        window.status_line.say(words_for(error), stays=True)
        return None, ()


def _reopen(
    window: MainWindow,
    paths: ProfilePaths,
    session: LastSession,
    recovery: RecoveryStore | None,
    kept: tuple[KeptDocument, ...],
) -> None:
    """The texts of the last session in their tabs; at the first start the welcome."""
    from desktop_app.document.answering import silent_ones
    from desktop_app.document.last_session import hold_files, paths_of, texts_to_reopen
    from desktop_app.document.recovered_copies import copy_others
    from desktop_app.services.error_words import words_for

    disk = window.services.disk
    silent = silent_ones(paths_of(session, kept))
    chosen = texts_to_reopen(disk, session, kept, window.settings.values.reopen_texts, silent)
    reopened = hold_files(window.services.claims, chosen, silent)
    if reopened.documents:
        window.tabs.restore(reopened.documents, reopened.front, reopened.claims)
    elif session.is_first:
        window.show_welcome()
    notes = list(reopened.notes)
    if recovery is not None:
        copied = copy_others(disk, recovery, reopened.others, paths.data)
        notes += [note for note in (recovery.notice, copied) if note]
    if notes:
        is_damaged = any(document.is_damaged for document in kept)
        window.status_line.say(" ".join(words_for(note) for note in notes), stays=is_damaged)


def _keep_text(window: MainWindow, recovery: RecoveryStore | None, background: Background) -> Autosave | None:
    """Write the text to the recovery store while one types."""
    from desktop_app.services.autosave import Autosave
    from desktop_app.services.error_words import words_for

    if recovery is None:
        return None
    autosave = Autosave(recovery, window.tabs.snapshots, background, window)
    window.text_touched.connect(autosave.touched)
    window.tabs.closed.connect(lambda tab: autosave.forget(tab.document.key))
    autosave.failed.connect(lambda error: window.status_line.say(words_for(error), stays=True))
    return autosave


def _end_recovery(autosave: Autosave | None, recovery: RecoveryStore | None) -> None:
    from desktop_app.document.errors import DocumentError

    if autosave is None or recovery is None:
        return
    try:
        autosave.flush()
    except DocumentError as error:
        print(f"error: {error}", file=sys.stderr)
    recovery.close()


def _show(window: MainWindow, notices: Sequence[tuple[str, str]], files: list[str]) -> None:
    from desktop_app.services.error_words import words_for_kind

    window.show()
    window.view.setFocus()
    for kind, line in notices:
        window.status_line.say(words_for_kind(kind, line))
    window.take_paths([os.path.join(os.getcwd(), name) for name in files])


if __name__ == "__main__":
    sys.exit(main())
