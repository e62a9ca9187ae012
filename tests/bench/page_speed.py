"""What a key costs on the page of a large document: with the document model behind it, and without.

    QT_QPA_PLATFORM=offscreen python tests/bench/page_speed.py [--characters 1000000] [--spans 10000] [--keys 400]

One real page, the same text and the same places; "without" tells the link to look away, so that Qt and the page's own
layout are all that works. Rounds alternate. Shown are processor times of the window's thread, in milliseconds: of a key
at a random place, of drawing the page with every origin marked, of an undo, of reading the spans of the model's words,
and of the copy that the recovery store is handed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_app.editor.origin_marks import ALL_MARKS, NO_MARKS
from desktop_app.editor.view import EditorView
from desktop_app.look.fonts import page_font
from desktop_app.look.tokens import load_tokens
from tests.bench.document_speed import document_of


def processor_ms(action: Callable[[], object]) -> float:
    """The processor time of one call."""
    start = time.thread_time()
    action()
    return (time.thread_time() - start) * 1000


def words(times: list[float]) -> str:
    """Median and 99th percentile."""
    found = sorted(times)
    return f"median {statistics.median(found):7.3f}   p99 {found[int(0.99 * (len(found) - 1))]:7.3f} ms"


class Bench:
    """A page with a large document."""

    def __init__(self, characters: int, spans: int) -> None:
        self.view = EditorView(load_tokens()["light"], page_font("", 15))
        self.view.resize(1000, 800)
        self.view.load_document(document_of("English", characters, spans))
        self.view.show()
        self.view.setFocus()
        QApplication.processEvents()
        self._chance = random.Random(3)

    def key_ms(self) -> float:
        """One key at a random place, the page not drawn."""
        cursor = self.view.textCursor()
        cursor.setPosition(self._chance.randrange(self.view.document().characterCount() - 1))
        self.view.setTextCursor(cursor)
        return processor_ms(lambda: QTest.keyClick(self.view, "x"))

    def keys(self, count: int, with_model: bool) -> list[float]:
        """So many keys. Without the model, the keys are taken out again, so that both have the same text."""
        if with_model:
            return [self.key_ms() for _ in range(count)]
        text = self.view.link.model
        self.view.link._applying_depth += 1
        times = [self.key_ms() for _ in range(count)]
        self.view.link._applying_depth -= 1
        self.view.load_document(text)
        QApplication.processEvents()
        return times

    def drawing(self, count: int, marks: str) -> list[float]:
        """Drawing the visible page."""
        self.view.set_marks(marks)
        return [processor_ms(self.view.viewport().grab) for _ in range(count)]

    def copy_ms(self) -> float:
        """What an autosave takes of the window's thread, after a key."""
        self.key_ms()
        return processor_ms(self.view.link.model.copy)


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--spans", type=int, default=10_000)
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    application = QApplication([])
    bench = Bench(arguments.characters, arguments.spans)
    for number in range(arguments.rounds):
        print(f"round {number + 1}")
        print(f"  key without model  {words(bench.keys(arguments.keys, with_model=False))}")
        print(f"  key with model     {words(bench.keys(arguments.keys, with_model=True))}")
        print(f"  page without marks {words(bench.drawing(40, NO_MARKS))}")
        print(f"  page with marks    {words(bench.drawing(40, ALL_MARKS))}")
        print(f"  undo               {words([processor_ms(bench.view.undo) for _ in range(arguments.keys // 4)])}")
        print(f"  model's spans      {words([processor_ms(bench.view.generated_spans) for _ in range(5)])}")
        print(f"  copy to keep       {words([bench.copy_ms() for _ in range(5)])}")
    application.processEvents()
    return 0


if __name__ == "__main__":
    sys.exit(main())
