"""Two texts compared: what each mark means, how much differs, the difference itself, and the way from change to change.

    struck through only on the page · underlined only in the file          Change 2 of 7   [↑] [↓]
    ┌ the difference ───────────────────────────────────────────────────────────────────────────┐

Long texts are compared on a thread of the pane's own, which ends with its dialog. Knows widgets and the difference of
two texts. Must not know: files, what is decided by the difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from desktop_app.dialogs.difference_view import DifferenceView
from desktop_app.document.alignment import Effort
from desktop_app.document.difference import difference, effort_for
from desktop_app.document.difference_rows import ADDED, REMOVED, Part, Row, Summary, rows_of, summary_of
from desktop_app.look.theme import Theme
from desktop_app.services.background import Background

_AT_ONCE = 8_000  # characters of both texts that are compared within a frame
_SPOKEN = 200  # characters of a change that are said
_ICON = 16
_AROUND = 40  # pixels of the window that stay visible around a dialog

translate = QCoreApplication.translate


@dataclass(frozen=True)
class Comparison:
    """Two texts, and where what only one of them has is to be found: "only on the page", "only in the file"."""

    old: str
    new: str
    only_old: str
    only_new: str


def fitting_size(parent: QWidget | None, width: int, height: int) -> QSize:
    """A size for a dialog with a pane in it: as wished, but within the window that it lies over."""
    wished = QSize(width, height)
    return wished if parent is None else wished.boundedTo(parent.window().size() - QSize(_AROUND, _AROUND))


class DifferencePane(QWidget):
    """`compare` shows another pair of texts; `stop` ends its work, before the dialog closes."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._background: Background | None = None
        self._effort = Effort(0)
        self.view = DifferenceView(theme, self)
        self.view.setAccessibleName(translate("DifferencePane", "Differences"))
        self.summary, self.place = QLabel(self), QLabel(self)
        self._only_old, self._only_new = QLabel(self), QLabel(self)
        self.previous_button = self._button("up", translate("DifferencePane", "Previous change"), "Alt+Up", "Shift+F7")
        self.next_button = self._button("down", translate("DifferencePane", "Next change"), "Alt+Down", "F7")
        self.previous_button.clicked.connect(lambda: self.view.go_to(self.view.change - 1))
        self.next_button.clicked.connect(lambda: self.view.go_to(self.view.change + 1))
        self.view.moved.connect(self._show_place)
        theme.changed.connect(self._show_legend)
        self.summary.setProperty("soft", True)
        self.place.setProperty("soft", True)
        self._lay_out()
        self._show_legend()

    def compare(self, comparison: Comparison) -> None:
        """Show what became of the old text in the new one, at once or as soon as it is known."""
        self.stop()
        self._only_old.setText(comparison.only_old)
        self._only_new.setText(comparison.only_new)
        old, new = comparison.old, comparison.new
        self._effort = effort = effort_for(old, new)
        if len(old) + len(new) <= _AT_ONCE:
            self._show(*_compared(old, new, effort))
            return
        self._wait()
        self._background = self._background or Background(self)
        self._background.run(
            lambda: _compared(old, new, effort),
            lambda found: self._show(*found) if effort is self._effort else None,
            lambda _error: None,
        )

    def stop(self) -> None:
        """What is being compared needs no answer any more."""
        self._effort.left = 0
        self._effort = Effort(0)

    def close_work(self) -> None:
        """End the thread; for the end of the dialog."""
        self.stop()
        if self._background is not None:
            self._background.close()
            self._background = None

    # ---- inside -----------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        legend = QHBoxLayout()
        legend.setSpacing(16)
        for label in (self._only_old, self._only_new, self.summary):
            legend.addWidget(label)
        legend.addStretch(1)
        for widget in (self.place, self.previous_button, self.next_button):
            legend.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(legend)
        whole.addWidget(self.view, 1)

    def _button(self, icon: str, words: str, *keys: str) -> QToolButton:
        button = QToolButton(self)
        button.setProperty("quiet", True)
        button.setProperty("icon_name", icon)
        button.setIconSize(QSize(_ICON, _ICON))
        button.setAccessibleName(words)
        button.setToolTip(f"{words} ({QKeySequence(keys[0]).toString(QKeySequence.SequenceFormat.NativeText)})")
        for key in keys:
            QShortcut(QKeySequence(key), self, button.click)
        return button

    def _show_legend(self) -> None:
        tokens = self._theme.tokens
        for label, role, mark in ((self._only_old, REMOVED, "line-through"), (self._only_new, ADDED, "underline")):
            ink, ground = getattr(tokens, role), getattr(tokens, f"{role}_ground")
            style = f"color: {ink}; background: {ground}; text-decoration: {mark}; padding: 1px 5px; border-radius: 3px"
            label.setStyleSheet(f"QLabel {{ {style} }}")
        for button in (self.previous_button, self.next_button):
            button.setIcon(self._theme.icon(button.property("icon_name")))

    def _wait(self) -> None:
        self.view.show_rows(())
        self.summary.setText(translate("DifferencePane", "Comparing…"))

    def _show(self, rows: Sequence[Row], summary: Summary) -> None:
        if summary.changes:
            words = translate("DifferencePane", "Characters: {added} added, {removed} removed")
            self.summary.setText(words.format(added=f"{summary.added:,}", removed=f"{summary.removed:,}"))
        else:
            self.summary.setText(translate("DifferencePane", "There is no difference."))
        self.view.setAccessibleDescription(self.summary.text())
        self.view.show_rows(rows)

    def _show_place(self) -> None:
        count, change = self.view.count, self.view.change
        self.previous_button.setEnabled(count > 0)
        self.next_button.setEnabled(count > 0)
        self.place.setText("")
        if count:
            words = translate("DifferencePane", "Change {number} of {count}")
            self.place.setText(words.format(number=f"{change:,}", count=f"{count:,}"))
            self._say(f"{self.place.text()}. {_spoken(self.view.parts_of(change))}")

    def _say(self, words: str) -> None:
        """Colours and lines are nothing to a screen reader: it is told what went and what came."""
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.view, words))


def _compared(old: str, new: str, effort: Effort) -> tuple[list[Row], Summary]:
    found = difference(old, new, effort)
    return rows_of(found), summary_of(found)


def _spoken(parts: Sequence[Part]) -> str:
    """A change in words: "Removed: … Added: …"."""
    said = []
    for kind, words in (
        (REMOVED, translate("DifferencePane", "Removed: {text}")),
        (ADDED, translate("DifferencePane", "Added: {text}")),
    ):
        text = "".join(part.text for part in parts if part.kind == kind)
        if text:
            said.append(words.format(text=text[:_SPOKEN]))
    return " ".join(said)
