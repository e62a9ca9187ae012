"""The writer's files on a disk or a network that may not answer: the window stays alive, and one can give up.

    read(path, work)     work(disk) → what it found; None: the person gave up, and nothing has changed
    write(path, work)    the same for saving; a save that was given up is told
    glance(path, work)   a look that nobody asked for, and that nothing waits for

`work` runs on a thread of its own and must not touch the page. Knows `Disk`, the words and the questions; must not know
what is read or written.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtCore import QCoreApplication

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.shown_name import shown_name, shown_path
from desktop_app.services.patience import Begun, GivenUp, WaitWords, wait_for

translate = QCoreApplication.translate  # the name that lupdate looks for
Result = TypeVar("Result")
GLANCE_MS = 100  # the window draws itself meanwhile


class PatientFiles:
    """Errors of the work are raised as they are."""

    def __init__(self, disk: Disk, dialogs: Dialogs) -> None:
        self._disk, self._dialogs = disk, dialogs
        self._going_on = 0
        self._is_glancing = False

    @property
    def is_busy(self) -> bool:
        """Whether something is waited for; the window lives on, and who looks at a file then sees it half done."""
        return self._going_on > 0

    def read(self, path: Path, work: Callable[[Disk], Result]) -> Result | None:
        """What is found there, or None."""
        words = WaitWords(
            translate("PatientFiles", "Opening “{name}”…").format(name=shown_name(path.name)), _slow(path)
        )
        found = self._wait_for(work, words)
        return None if isinstance(found, GivenUp) else found

    def glance(self, path: Path, work: Callable[[Disk], Result], then: Callable[[Result], None]) -> None:
        """Look at something that nobody asked for: `then` takes it, a moment later where the disk takes its time.

        Nothing is shown or said meanwhile, a failure is nobody's, and while one look hangs there is no other.
        """
        if self._is_glancing:
            return
        self._is_glancing = is_open = True
        begun = Begun(self._dialogs, lambda job: work(self._disk.until(job)), WaitWords("", ""))

        def take() -> None:
            nonlocal is_open
            if not is_open:
                return
            self._is_glancing = is_open = False
            try:
                found = begun.result()
            except DocumentError:
                return
            then(found)

        begun.when_ended(take)
        if begun.ends_at_once(GLANCE_MS):
            take()

    def write(self, path: Path, work: Callable[[Disk], Result], late: Callable[[Result], None]) -> Result | None:
        """What is on the disk now, or None. `late`: it got there after all, though the person gave up."""
        found = self._wait_for(work, _saving(path), late)
        if not isinstance(found, GivenUp):
            return found
        sure = translate("PatientFiles", "“{name}” is as it was. The text is still here: save it on another disk.")
        unsure = translate(
            "PatientFiles",
            "“{name}” may have been written; the disk does not say. The text is still here: save it on another disk.",
        )
        title = translate("PatientFiles", "The text is not saved")
        self._dialogs.tell(title, (sure if found.is_sure else unsure).format(name=shown_name(path.name)))
        return None

    def begin(self, path: Path, work: Callable[[Disk], Result], line: str = "") -> Begun[Result]:
        """Write there while the window goes on; `line` is said where it is waited for after all."""
        words = WaitWords(line, _slow(path)) if line else _saving(path)
        return Begun(self._dialogs, lambda job: work(self._disk.until(job)), words)

    def _wait_for(
        self, work: Callable[[Disk], Result], words: WaitWords, late: Callable[[Result], None] | None = None
    ) -> Result | GivenUp:
        self._going_on += 1
        try:
            return wait_for(self._dialogs, lambda job: work(self._disk.until(job)), words, late)
        finally:
            self._going_on -= 1


def _saving(path: Path) -> WaitWords:
    return WaitWords(translate("PatientFiles", "Saving “{name}”…").format(name=shown_name(path.name)), _slow(path))


def _slow(path: Path) -> str:
    words = translate(
        "PatientFiles",
        "This takes longer than usual. The disk or the network of “{folder}” may be slow, or gone. "
        "If you cancel, nothing is changed.",
    )
    return words.format(folder=shown_path(path.parent))
