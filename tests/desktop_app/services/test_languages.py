"""The window changes its language while it runs, and English is what remains when a file is missing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QLocale
from PySide6.QtWidgets import QWidget

from desktop_app.services.languages import LanguageSwitch, system_language
from resources.i18n import update
from tests.desktop_app.services.qt import application, delete_now

translate = QCoreApplication.translate


@pytest.fixture
def switch() -> Iterator[LanguageSwitch]:
    made = LanguageSwitch(application(), update.FOLDER)
    yield made
    made.apply("en")
    delete_now(made)


class Watcher(QWidget):
    changes = 0

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.LanguageChange:
            self.changes += 1


def test_switching_there_and_back(switch: LanguageSwitch):
    heard: list[str] = []
    switch.changed.connect(heard.append)
    watcher = Watcher()
    assert switch.apply("zh") == "zh"
    assert translate("Actions", "&Continue") == "续写(&C)"
    assert translate("QPlatformTheme", "Cancel") == "取消"  # Qt's own words
    QCoreApplication.processEvents()
    assert watcher.changes >= 1
    assert switch.apply("en") == "en"
    assert translate("Actions", "&Continue") == "&Continue"
    assert translate("QPlatformTheme", "Cancel") == "Cancel"
    assert heard == ["zh", "en"]
    delete_now(watcher)


def test_the_locale_follows(switch: LanguageSwitch):
    switch.apply("zh")
    assert QLocale().language() == QLocale.Language.Chinese
    switch.apply("en")
    assert QLocale().language() == QLocale.system().language()


def test_a_missing_file_leaves_english(tmp_path: Path):
    switch = LanguageSwitch(application(), tmp_path)
    assert switch.apply("zh") == "en"
    assert translate("Actions", "&Continue") == "&Continue"
    delete_now(switch)


@pytest.mark.parametrize(
    ("preferred", "expected"),
    [
        (["zh-Hans-CN", "zh-CN"], "zh"),
        (["zh_TW"], "zh"),
        (["en-GB", "zh-CN"], "en"),
        (["de-DE", "zh-CN", "en-US"], "zh"),
        (["de-DE", "fr-FR"], "en"),
        (["C"], "en"),
        ([], "en"),
    ],
)
def test_the_systems_languages_decide(preferred: list[str], expected: str):
    assert system_language(preferred) == expected
