"""The language of the window, switched while it runs: English as the code has it, or 简体中文 from a file.

    "auto" → the system's languages → "en" | "zh"      Qt sends LanguageChange to every widget by itself

Knows translators and locales; must not know any word of the window.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator, Signal

AUTO, ENGLISH, CHINESE = "auto", "en", "zh"
CHOICES = (AUTO, ENGLISH, CHINESE)
OWN_FILE = "nextstroke_zh.qm"
QT_FILE = "qtbase_zh_CN.qm"


def system_language(preferred: list[str] | None = None) -> str:
    """The first of the system's languages that the program speaks; English when it speaks none."""
    for name in QLocale.system().uiLanguages() if preferred is None else preferred:
        language = name.replace("_", "-").split("-")[0].lower()
        if language in (ENGLISH, CHINESE):
            return language
    return ENGLISH


class LanguageSwitch(QObject):
    """Installs and removes translators of one application. `folder` holds the program's own translation files."""

    changed = Signal(str)  # the language that is shown now

    def __init__(self, app: QCoreApplication, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._folder = folder
        self._translators: list[QTranslator] = []
        self._language = ENGLISH

    @property
    def language(self) -> str:
        """What is shown: "en" or "zh"."""
        return self._language

    def apply(self, choice: str) -> str:
        """Show the chosen language ("auto", "en" or "zh") and return what is shown; English where a file is missing."""
        wanted = system_language() if choice not in (ENGLISH, CHINESE) else choice
        self._remove_translators()
        shown = wanted if wanted == ENGLISH or self._install(OWN_FILE, self._folder) else ENGLISH
        if shown == CHINESE:
            # Qt's own words (standard buttons, file dialogs); the packaged program may lack the file.
            self._install(QT_FILE, Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)))
        chinese = QLocale(QLocale.Language.Chinese, QLocale.Country.China)
        QLocale.setDefault(chinese if shown == CHINESE else QLocale.system())
        is_other = shown != self._language
        self._language = shown
        if is_other:
            self.changed.emit(shown)
        return shown

    def _install(self, name: str, folder: Path) -> bool:
        translator = QTranslator(self)
        if not translator.load(str(folder / name)):
            return False
        # Later ones are asked first, so the program's own words stay below Qt's; their contexts never meet.
        self._app.installTranslator(translator)
        self._translators.append(translator)
        return True

    def _remove_translators(self) -> None:
        for translator in self._translators:
            self._app.removeTranslator(translator)
            translator.deleteLater()
        self._translators.clear()
