"""The Model tab: which model, where it runs, how long and how daring it writes, what its certificate says.

Knows: rows of the model library and values handed to it. Must not know: the engine, settings on disk.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop_app.look.theme import Theme
from desktop_app.panels.model_words import (
    LENGTHS,
    certificate_words,
    language_words,
    length_words,
    shown_names,
    size_words,
    temperature_words,
)
from desktop_app.services.error_words import words_for_engine

DEVICES = ("auto", "cpu", "cuda")
_TEMPERATURE_STEPS = 20  # a unit of temperature
_MOST_TEMPERATURE = 1.5
Row = dict[str, Any]


class ModelPanel(QWidget):
    """Signals say what the person chose; `show_` methods say what is so."""

    model_chosen = Signal(str)  # name
    device_chosen = Signal(str)
    add_asked = Signal()
    cancel_asked = Signal()
    progress_changed = Signal()
    length_chosen = Signal(int)
    temperature_chosen = Signal(float)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._models: list[Row] = []
        self._opened: Row | None = None
        self._problem = ""
        self._length = 96
        self._can_cancel = False
        self._make_widgets()
        self._lay_out()
        self._connect()
        theme.changed.connect(self._renew_icons)
        self._renew_icons()
        self.retranslate_ui()

    # ---- what is so -------------------------------------------------------------------------------------------

    def show_models(self, models: list[Row]) -> None:
        """The rows of the library."""
        self._models = models
        self._fill_models()
        self._show_facts()

    def show_opened(self, opened: Row | None, problem: str = "") -> None:
        """The model that is open, or why none is."""
        self._opened, self._problem = opened, problem
        self._fill_models()
        self._show_facts()

    def show_choices(self, tokens: int, temperature: float, device: str) -> None:
        """The values of the settings, without telling them back."""
        self._length = tokens
        nearest = min(range(len(LENGTHS)), key=lambda index: abs(LENGTHS[index] - tokens))
        for slider, value in ((self._length_slider, nearest), (self._heat_slider, self._heat_step(temperature))):
            slider.blockSignals(True)
            slider.setValue(value)
            slider.blockSignals(False)
        self._device_box.setCurrentIndex(DEVICES.index(device))
        self._show_words()

    def show_progress(self, words: str, done: int, total: int, can_cancel: bool = False) -> None:
        """A model is being added or converted; no words: nothing is."""
        self._progress_cancel.setVisible(can_cancel)
        self._can_cancel = can_cancel
        self._progress.setVisible(bool(words))
        self._progress_words.setText(words)
        # Bytes of a large model pass the 31 bits of a progress bar.
        self._progress_bar.setRange(0, 1000 if total > 0 else 0)
        self._progress_bar.setValue(round(1000 * done / total) if total > 0 else 0)
        self.progress_changed.emit()

    @property
    def can_cancel(self) -> bool:
        """Whether something goes on that `cancel_asked` ends."""
        return self._can_cancel

    @property
    def progress_text(self) -> str:
        """What is said to go on, or ""."""
        return self._progress_words.text()

    @property
    def seed(self) -> int | None:
        """The seed that the person wrote, or None for a new one each time."""
        text = self._seed_edit.text().strip()
        return int(text) if text else None

    def focus_first(self) -> None:
        """Put the keyboard on the first control."""
        self._model_box.setFocus()

    # ---- widgets ----------------------------------------------------------------------------------------------

    def _make_widgets(self) -> None:
        self._model_title, self._length_title, self._heat_title = (self._title() for _ in range(3))
        self._seed_title, self._device_title = self._title(), self._title()
        self._model_box = QComboBox(self)
        self._model_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._model_box.setMinimumContentsLength(8)
        self._add = QToolButton(self)
        self._add.setIconSize(QSize(16, 16))
        self._facts, self._certificate_text, self._note = (self._soft() for _ in range(3))
        self._length_slider, self._length_words = self._slider(0, len(LENGTHS) - 1), self._soft()
        self._heat_slider, self._heat_words = self._slider(0, self._heat_step(_MOST_TEMPERATURE)), self._soft()
        self._seed_edit = QLineEdit(self)
        self._seed_edit.setValidator(QRegularExpressionValidator(r"\d{0,15}", self._seed_edit))
        self._device_box = QComboBox(self)
        for device in DEVICES:
            self._device_box.addItem("", device)
        self._progress = QWidget(self)
        self._progress_words, self._progress_bar = self._soft(), QProgressBar(self)
        self._progress_bar.setTextVisible(False)
        self._progress_cancel = QPushButton(self)
        self._progress.hide()
        self._certificate = QFrame(self)
        self._certificate.setObjectName("certificate")

    def _lay_out(self) -> None:
        column = QVBoxLayout()
        column.setContentsMargins(18, 16, 18, 18)
        column.setSpacing(6)
        chooser = QHBoxLayout()
        chooser.addWidget(self._model_box, 1)
        chooser.addWidget(self._add)
        column.addWidget(self._model_title)
        column.addLayout(chooser)
        column.addWidget(self._facts)
        column.addWidget(self._progress)
        for title, control, words in (
            (self._length_title, self._length_slider, self._length_words),
            (self._heat_title, self._heat_slider, self._heat_words),
            (self._seed_title, self._seed_edit, None),
            (self._device_title, self._device_box, self._note),
        ):
            column.addSpacing(12)
            column.addWidget(title)
            column.addWidget(control)
            if words is not None:
                column.addWidget(words)
        column.addSpacing(14)
        column.addWidget(self._certificate)
        column.addStretch(1)
        self._lay_out_boxes()
        inside = QWidget()
        inside.setLayout(column)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def _lay_out_boxes(self) -> None:
        progress = QVBoxLayout(self._progress)
        progress.setContentsMargins(0, 8, 0, 0)
        progress.addWidget(self._progress_words)
        progress.addWidget(self._progress_bar)
        progress.addWidget(self._progress_cancel, 0, Qt.AlignmentFlag.AlignRight)
        seal = QVBoxLayout(self._certificate)
        seal.setContentsMargins(12, 10, 12, 10)
        seal.addWidget(self._certificate_text)

    def _connect(self) -> None:
        self._model_box.activated.connect(lambda index: self.model_chosen.emit(self._model_box.itemData(index) or ""))
        self._device_box.activated.connect(lambda index: self.device_chosen.emit(DEVICES[index]))
        self._add.clicked.connect(self.add_asked)
        self._progress_cancel.clicked.connect(self.cancel_asked)
        self._length_slider.valueChanged.connect(self._length_moved)
        self._heat_slider.valueChanged.connect(self._heat_moved)

    # ---- reactions --------------------------------------------------------------------------------------------

    def _length_moved(self, stop: int) -> None:
        self._length = LENGTHS[stop]
        self._show_words()
        self.length_chosen.emit(self._length)

    def _heat_moved(self, step: int) -> None:
        self._show_words()
        self.temperature_chosen.emit(step / _TEMPERATURE_STEPS)

    def _show_words(self) -> None:
        for slider, label, words in (
            (self._length_slider, self._length_words, length_words(self._length)),
            (self._heat_slider, self._heat_words, temperature_words(self._heat_slider.value() / _TEMPERATURE_STEPS)),
        ):
            label.setText(words)
            slider.setAccessibleDescription(words)

    def _fill_models(self) -> None:
        open_name = str(self._opened["name"]) if self._opened else ""
        self._model_box.clear()
        names = shown_names(self._models)
        for row in self._models:
            usable = bool(row.get("usable", True))
            shown = names[str(row["name"])]
            problem = words_for_engine(str(row.get("problem") or ""), "ModelFolderError")
            self._model_box.addItem(
                shown if usable else self.tr("{name} (cannot be used)").format(name=shown), row["name"]
            )
            self._model_box.setItemData(
                self._model_box.count() - 1,
                problem or str(row.get("folder", "")),
                Qt.ItemDataRole.ToolTipRole,
            )
        if open_name and self._model_box.findData(open_name) < 0:  # opened by folder, not from the library
            self._model_box.addItem(open_name, open_name)
        self._model_box.setCurrentIndex(self._model_box.findData(open_name) if open_name else -1)

    def _show_facts(self) -> None:
        opened = self._opened
        self._certificate.setVisible(opened is not None)
        if opened is None:
            self._facts.setText(self._problem or self.tr("No model is open."))
            self._note.setText("")
            return
        row = next((row for row in self._models if row["name"] == opened["name"]), {})
        facts = [language_words(list(opened.get("languages", [])))]
        if row:
            facts += [str(row.get("precision", "")), size_words(int(row.get("bytes", 0)))]
        context = self.tr("reads {count} tokens").format(count=f"{int(opened.get('context_length', 0)):,}")
        self._facts.setText(" · ".join(fact for fact in (*facts, context) if fact))
        self._certificate_text.setText(certificate_words(opened.get("certificate")))
        self._note.setText(words_for_engine(str(opened.get("device_note", ""))))
        self._note.setVisible(bool(self._note.text()))

    # ---- words ------------------------------------------------------------------------------------------------

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self._model_title.setText(self.tr("Model"))
        self._length_title.setText(self.tr("Length"))
        self._heat_title.setText(self.tr("Temperature"))
        self._seed_title.setText(self.tr("Seed"))
        self._device_title.setText(self.tr("Runs on"))
        self._model_box.setPlaceholderText(self.tr("choose a model"))
        self._add.setToolTip(self.tr("Add a model folder…"))
        self._add.setAccessibleName(self.tr("Add a model folder"))
        self._seed_edit.setPlaceholderText(self.tr("a new one each time"))
        self._progress_cancel.setText(self.tr("Cancel"))
        devices = (self.tr("the best there is"), self.tr("the processor"), self.tr("the graphics card"))
        for index, words in enumerate(devices):
            self._device_box.setItemText(index, words)
        for widget, title in (
            (self._model_box, self._model_title),
            (self._length_slider, self._length_title),
            (self._heat_slider, self._heat_title),
            (self._seed_edit, self._seed_title),
            (self._device_box, self._device_title),
        ):
            widget.setAccessibleName(title.text())
            title.setBuddy(widget)
            if isinstance(widget, QComboBox):
                widget.view().setAccessibleName(title.text())
        self._show_words()
        self._fill_models()
        self._show_facts()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        super().changeEvent(event)

    def _renew_icons(self) -> None:
        self._add.setIcon(self._theme.icon("add"))

    def _heat_step(self, temperature: float) -> int:
        return round(temperature * _TEMPERATURE_STEPS)

    def _title(self) -> QLabel:
        label = QLabel(self)
        label.setProperty("heading", True)
        return label

    def _soft(self) -> QLabel:
        label = QLabel(self)
        label.setProperty("soft", True)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label

    def _slider(self, least: int, most: int) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal, self)
        slider.setRange(least, most)
        slider.setPageStep(2)
        return slider
