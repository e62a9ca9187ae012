"""Open the real window over a canned engine, for looking at it: `python -m tests.desktop_app.show_window`.

--language en|zh   --theme light|dark   --text FILE…   --write TEXT   --shot FILE (then end)   --select   --find WORD
--misspelt: the page's menu over the first misspelt word
`take_pictures` takes those of the manual.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QApplication

from desktop_app.display import open_application
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims
from desktop_app.look.resource_files import resource_file
from desktop_app.look.theme import Theme
from desktop_app.main_window import MainWindow, Services
from desktop_app.services.background import Background
from desktop_app.services.engine_bridge import EngineBridge
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.services.languages import LanguageSwitch
from desktop_app.services.settings import SettingsStore
from desktop_app.settings_in_use import SettingsInUse
from desktop_app.spelling.speller import Speller
from tests.desktop_app.fake_bridge import FakeBridge


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--language", default="en")
    parser.add_argument("--theme", default="light")
    parser.add_argument("--text", nargs="+", default=[], help="files, one tab each; the last is in front")
    parser.add_argument("--changed", type=int, default=0, help="so many of the tabs have changes that are not saved")
    parser.add_argument("--write", default="")
    parser.add_argument("--shot")
    parser.add_argument("--find")
    parser.add_argument("--select", action="store_true")
    parser.add_argument("--misspelt", action="store_true", help="the page's menu over the first misspelt word")
    parser.add_argument("--size", default="1280x860")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--dialog", default="")
    parser.add_argument("--model", help="a real model folder: its own continuation is shown instead of TEXT")
    parser.add_argument("--seed", default="")
    parser.add_argument("--wait", type=int, default=1500, help="milliseconds before the shot")
    arguments = parser.parse_args()
    application = open_application(sys.argv[0], "0.1.0")
    with TemporaryDirectory() as folder:
        settings = SettingsInUse(SettingsStore(Path(folder) / "settings.toml", Disk()))
        language = LanguageSwitch(application, resource_file("i18n"))
        language.apply(arguments.language)
        background = Background()
        speller = Speller(Path(folder), Path(folder), Disk(), background)
        bridge = EngineBridge() if arguments.model else FakeBridge()
        services = Services(
            settings=settings,
            bridge=bridge,
            theme=Theme(application, arguments.theme),
            disk=Disk(),
            claims=FileClaims(None, Disk()),
            background=background,
            export_jobs=ExportJobs(Path(folder) / "models", Disk(), lambda: ""),
            language=lambda: arguments.language,
            set_language=language.apply,
            make_speller=lambda: speller,
        )
        window = MainWindow(services)
        width, height = (int(part) for part in arguments.size.split("x"))
        window.resize(width, height)
        window.show_welcome()
        window.take_paths(arguments.text)
        for tab in window.tabs.all[: arguments.changed]:
            tab.view.link.declare_unsaved()
        window.show()
        if arguments.text:
            application.processEvents()
            window.view.moveCursor(window.view.textCursor().MoveOperation.End)
        if isinstance(bridge, EngineBridge):
            bridge.start()
            bridge.open_model(arguments.model, "cpu")
            window.models.became_ready.connect(lambda: _write_for_real(window, arguments))
        else:
            QTimer.singleShot(100, bridge.come_up)
            QTimer.singleShot(200, lambda: _write(window, bridge, arguments))
        if arguments.shot:
            QTimer.singleShot(arguments.wait, lambda: _picture(window).save(arguments.shot))
            QTimer.singleShot(arguments.wait + 200, lambda: application.exit(0))
        result = application.exec()
        speller.close()
        background.close()
        bridge.stop()
    return result


def _picture(window: MainWindow) -> QPixmap:
    """The dialog that is open, else the window with the menu that is open over it."""
    if QApplication.activePopupWidget() is not None:
        return window.screen().grabWindow(0)
    return (QApplication.activeModalWidget() or window).grab()


def _open_menu(window: MainWindow) -> None:
    cursor = window.view.textCursor()
    cursor.setPosition(window.view.misspelt.ranges[0][0])
    place = window.view.viewport().mapToGlobal(window.view.cursorRect(cursor).bottomLeft())
    window.view.menu_asked.emit(place, cursor.position())


def _write_for_real(window: MainWindow, arguments: argparse.Namespace) -> None:
    window.activateWindow()
    window.view.setFocus()
    window.model_panel._seed_edit.setText(arguments.seed)
    window.writing.continue_text()


def _write(window: MainWindow, bridge: FakeBridge, arguments: argparse.Namespace) -> None:
    window.activateWindow()
    window.view.setFocus()
    if arguments.write:
        window.writing.continue_text()
        bridge.begin()
        bridge.write(*arguments.write)
        if not arguments.busy:
            bridge.finish()
    if arguments.select:
        cursor = window.view.textCursor()
        cursor.movePosition(cursor.MoveOperation.PreviousCharacter, cursor.MoveMode.KeepAnchor, 150)
        window.view.setTextCursor(cursor)
    if arguments.misspelt:
        QTimer.singleShot(arguments.wait - 2500, lambda: _open_menu(window))
    if arguments.find:
        window.find_bar.open(with_replace=True)
        window.find_bar._wanted.setText(arguments.find)
    if arguments.dialog:
        window.view.insertPlainText(" ") if arguments.dialog == "new" else None
        QTimer.singleShot(200, window.actions_by_name[arguments.dialog].trigger)


if __name__ == "__main__":
    sys.exit(main())
