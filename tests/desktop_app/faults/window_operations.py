"""The eight operations of the window that touch files, each as a person starts it, and what must be true after it.

    prepare(work) → the file that it is about to touch        run(work)        is_done(work): it has done what it should

Knows actions and files. Must not know what can happen to a file.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docx

from desktop_app.dialogs.export_dialog import ExportChoices
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.nextstroke_file import open_document
from tests.desktop_app.faults.situations import Ground
from tests.desktop_app.faults.window_at_work import Passages, WindowAtWork, kept_in
from tests.desktop_app.services.qt import run_for, wait_until

OLD = "old 旧 text\n"
IMPORTED = "an imported page"
BIG = ("字" * 99 + "\n") * 1000  # more than what is free in the store's own file


@dataclass
class Work:
    """One cell at work: folders, the window, the page that must not be lost."""

    folder: Path
    ground: Ground
    language: str
    window: WindowAtWork = field(init=False)
    page: Passages = field(init=False, default_factory=list)
    tab: Any = field(init=False, default=None)
    target: Path = field(init=False)

    @property
    def texts(self) -> Path:
        """The writer's folder."""
        return self.folder / "texts"

    @property
    def profile(self) -> Path:
        """The program's own folders."""
        return self.folder / "profile"

    def start(self) -> None:
        """A window with a page that is not saved."""
        self.window = WindowAtWork(self.profile, self.ground, self.language)
        self.window.kit.answers.answer = "cancel"

    def write(self) -> None:
        """The page of the cell."""
        self.window.write()
        self.tab = self.window.tab
        self.page = self.window.passages()


class Operation:
    """`at_profile`: it touches the program's own files, else the writer's. `is_start`: a new window."""

    at_profile = False
    is_start = False

    def prepare(self, work: Work, situation: str) -> Path:
        """Come to the moment before it; the file that it will touch."""
        raise NotImplementedError

    def run(self, work: Work) -> None:
        """Do it, to its end."""
        raise NotImplementedError

    def is_done(self, work: Work) -> bool:
        """Whether its outcome is there, whole."""
        raise NotImplementedError


def _wait(work: Work, is_done: Callable[[], bool]) -> None:
    wait_until(lambda: is_done() or bool(work.window.problems()), 20)


class Open(Operation):
    def prepare(self, work: Work, situation: str) -> Path:
        target = work.texts / "novel.txt"
        target.write_text(OLD, encoding="utf-8")
        work.start()
        work.write()
        return target

    def run(self, work: Work) -> None:
        work.window.kit.answers.path = str(work.target)
        work.window.kit.trigger("open")

    def is_done(self, work: Work) -> bool:
        return work.window.kit.text == work.target.read_text(encoding="utf-8")


class Save(Operation):
    def prepare(self, work: Work, situation: str) -> Path:
        work.start()
        kit = work.window.kit
        kit.type("first ")
        kit.answers.path = str(work.texts / "novel.nextstroke")
        kit.trigger("save_as")
        work.write()
        return work.texts / "novel.nextstroke"

    def run(self, work: Work) -> None:
        work.window.kit.answers.path = str(work.target)
        work.window.kit.trigger("save")

    def is_done(self, work: Work) -> bool:
        return _in_file(work.target) == work.page


class SaveAs(Operation):
    def prepare(self, work: Work, situation: str) -> Path:
        target = work.texts / "other.txt"
        target.write_text(OLD, encoding="utf-8")
        work.start()
        work.write()
        return target

    def run(self, work: Work) -> None:
        work.window.kit.answers.path = str(work.target)
        work.window.kit.trigger("save_as")

    def is_done(self, work: Work) -> bool:
        return work.target.read_text(encoding="utf-8") == "".join(text for text, _ in work.page)


class Autosave(Operation):
    at_profile = True

    def prepare(self, work: Work, situation: str) -> Path:
        work.start()
        work.window.kit.type("first ")
        assert work.window.keep()
        work.window.kit.view.textCursor().insertText(BIG)
        work.write()
        return work.window.store

    def run(self, work: Work) -> None:
        work.window.keep()

    def is_done(self, work: Work) -> bool:
        copy = work.folder / "copies" / secrets.token_hex(4)
        return "".join(text for text, _ in work.page) in kept_in(work.profile, copy)


class Recover(Operation):
    """A start after a crash. What happens to files happens to the text's own one, the rest to the store."""

    at_profile = is_start = True
    own_file = ("file vanished", "folder vanished", "changed outside", "a folder in its place")

    def prepare(self, work: Work, situation: str) -> Path:
        work.start()
        kit = work.window.kit
        kit.answers.path = str(work.texts / "novel.txt")
        kit.trigger("save_as")
        work.write()
        assert work.window.keep()
        work.window.session.save_now()
        work.window.crash()
        return work.texts / "novel.txt" if situation in self.own_file else work.window.store

    def run(self, work: Work) -> None:
        work.window.crash()
        work.start()
        run_for(300)  # what the window says when it has come to the front

    def is_done(self, work: Work) -> bool:
        return work.page in work.window.all_passages()


class Export(Operation):
    def prepare(self, work: Work, situation: str) -> Path:
        target = work.texts / "book.html"
        target.write_text(OLD, encoding="utf-8")
        work.start()
        work.write()
        return target

    def run(self, work: Work) -> None:
        kit = work.window.kit
        kit.answers.path, kit.answers.export = str(work.target), ExportChoices(".html", "A", "B", "en")
        before = len(work.window.well)
        kit.trigger("export")
        _wait(work, lambda: len(work.window.well) >= before + 2)

    def is_done(self, work: Work) -> bool:
        return "upon a time 😀" in work.target.read_text(encoding="utf-8")


class Import(Operation):
    def prepare(self, work: Work, situation: str) -> Path:
        target = work.texts / "page.docx"
        document = docx.Document()
        document.add_paragraph(IMPORTED)
        document.save(str(target))
        work.start()
        work.write()
        return target

    def run(self, work: Work) -> None:
        work.window.kit.answers.path = str(work.target)
        before = len(work.window.well)
        work.window.kit.trigger("import")
        _wait(work, lambda: len(work.window.well) > before)

    def is_done(self, work: Work) -> bool:
        return IMPORTED in work.window.kit.text


class WriteSettings(Operation):
    at_profile = True

    def prepare(self, work: Work, situation: str) -> Path:
        work.start()
        work.window.kit.settings.change(goal_day=1)
        work.window.kit.settings.save_now()
        work.write()
        return work.window.paths.config / "settings.toml"

    def run(self, work: Work) -> None:
        work.window.kit.settings.change(goal_day=work.window.kit.settings.values.goal_day + 700)
        work.window.kit.settings.save_now()

    def is_done(self, work: Work) -> bool:
        return f"goal_day = {work.window.kit.settings.values.goal_day}" in work.target.read_text(encoding="utf-8")


def _in_file(path: Path) -> Passages:
    try:
        stored, _ = open_document(Disk(), path)
    except DocumentError:
        return []
    return [(text, origin.kind) for text, origin in stored.document.passages()]


OPERATIONS: dict[str, type[Operation]] = {
    "open": Open,
    "save": Save,
    "save as": SaveAs,
    "autosave": Autosave,
    "recover": Recover,
    "export": Export,
    "import": Import,
    "settings": WriteSettings,
}
