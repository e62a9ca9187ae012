"""What the spell check costs a key and a pause: without it, at rest, at work, and as it would be in a thread.

    QT_QPA_PLATFORM=offscreen python tests/bench/spelling_speed.py [--characters 1000000] [--keys 300] [--rounds 3]

A real page with a large document, as `page_speed` has it, with the bundled dictionary. A key is timed from its event to
its return, by the wall clock, since a lock that another thread holds costs no processor time. "at work" keeps the
dictionary's process busy with suggestions, the slowest that it does; "in a thread" does the same looking up in a thread
of the window's process, which is what was rejected. Rounds alternate. Milliseconds.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PySide6.QtTest import QTest

from desktop_app.document.disk import Disk
from desktop_app.editor.page_spelling import PageSpelling
from desktop_app.editor.view import EditorView
from desktop_app.look.fonts import page_font
from desktop_app.look.tokens import load_tokens
from desktop_app.services.background import Background
from desktop_app.spelling.child import open_dictionary
from desktop_app.spelling.dictionaries import bundled
from desktop_app.spelling.speller import Speller
from desktop_app.spelling.words import words_of
from tests.bench.document_speed import document_of
from tests.bench.page_speed import words
from tests.desktop_app.services.qt import application, run_for, wait_until

WRONG = ("recieve", "accomodate", "seperately", "wierdness", "defintely")


class Bench:
    """A page with a large document and its spell check."""

    def __init__(self, characters: int, folder: Path) -> None:
        self.background = Background()
        self.speller = Speller(folder, folder, Disk(), self.background)
        self.view = EditorView(load_tokens()["light"], page_font("", 15))
        self.view.resize(1000, 800)
        self.view.load_document(document_of("English", characters, characters // 100))
        self.spelling = PageSpelling(self.view, self.speller)
        self.view.show()
        self.view.setFocus()
        run_for(100)
        self._chance = random.Random(3)

    def switch(self, is_on: bool) -> float:
        """Seconds until the marks of the page are there."""
        start = time.perf_counter()
        self.speller.use(is_on)
        if is_on:
            self.view.edits.replace_found([(0, 0)], "teh ")
            assert wait_until(lambda: bool(self.view.misspelt.ranges), 60)
        return time.perf_counter() - start

    def key_ms(self) -> float:
        """One key near the beginning, where the marks are."""
        cursor = self.view.textCursor()
        cursor.setPosition(self._chance.randrange(2000))
        self.view.setTextCursor(cursor)
        start = time.perf_counter()
        QTest.keyClick(self.view, "x")
        return (time.perf_counter() - start) * 1000

    def keys(self, count: int) -> list[float]:
        """So many keys, a moment between them as in fast typing."""
        found = []
        for _ in range(count):
            found.append(self.key_ms())
            run_for(5)
        return found

    def keep_busy(self, number: int = 0) -> None:
        """Ask for the suggestions of one word after the other, for as long as it is switched on."""
        if self.speller.is_on:
            self.speller._suggested.clear()
            follow = lambda _found, is_all: self.keep_busy(number + 1) if is_all else None  # noqa: E731
            self.speller.suggest(WRONG[number % len(WRONG)], follow)

    def look_ms(self, is_first: bool) -> float:
        """What a pause in typing costs: the paragraphs that are seen, cut into words for the first time or again."""
        if is_first:
            words_of.cache_clear()
        start = time.perf_counter()
        self.spelling._look()
        return (time.perf_counter() - start) * 1000


def keys_with_thread(bench: Bench, count: int) -> list[float]:
    """Keys while a thread of this process looks up and suggests."""
    dictionary, is_over = open_dictionary(bundled().base), threading.Event()

    def work() -> None:
        while not is_over.is_set():
            for word in WRONG:
                for _suggestion in dictionary.suggest(word):
                    if is_over.is_set():
                        return

    thread = threading.Thread(target=work)
    thread.start()
    try:
        return bench.keys(count)
    finally:
        is_over.set()
        thread.join()


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    application()
    with TemporaryDirectory() as folder:
        bench = Bench(arguments.characters, Path(folder))
        for number in range(arguments.rounds):
            print(f"round {number + 1}")
            bench.switch(False)
            print(f"  key, check off        {words(bench.keys(arguments.keys))}")
            print(f"  first marks after     {bench.switch(True):.2f} s")
            print(f"  key, check at rest    {words(bench.keys(arguments.keys))}")
            bench.keep_busy()
            print(f"  key, check at work    {words(bench.keys(arguments.keys))}")
            print(f"  pause, words anew     {words([bench.look_ms(True) for _ in range(20)])}")
            print(f"  pause, words known    {words([bench.look_ms(False) for _ in range(20)])}")
            bench.switch(False)
            print(f"  key, check in thread  {words(keys_with_thread(bench, arguments.keys))}")
        bench.speller.close()
        bench.background.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
