"""Is this word right, and what could it be? Answers from memory at once; what is not known is asked for.

    verdict(word) → True | False | None         None: not known yet; ask([words]) → answered, a moment later
    suggest(word, take)                         take(suggestions so far, whether that is all), now or later, often

A word is right where the person says so (own words, ignored ones), else as the dictionary says. The dictionary's
process begins with the first word that is asked for and not before: a Chinese text never starts it. While the check is
off nothing is asked, kept or loaded.

Knows words, the dictionary's process, the file of own words. Must not know: pages, menus.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.services.background import Background
from desktop_app.spelling.dictionaries import BUNDLED, FOLDER_NAME, Dictionary, all_dictionaries
from desktop_app.spelling.dictionary_process import PATIENCE_MS, DictionaryProcess
from desktop_app.spelling.own_words import OwnWords, OwnWordsFile
from desktop_app.spelling.words import CYRILLIC, GREEK, LATIN

WORDS_AT_ONCE = 400  # twenty milliseconds of the dictionary: a question for suggestions does not wait longer
_KNOWN_BOUND = 100_000  # words, some ten megabytes; then all are forgotten and asked again
_SUGGESTED_BOUND = 500
_WAITING_BOUND = 20_000  # words that wait for the dictionary to load
EVERY_ALPHABET = (LATIN, GREEK, CYRILLIC)
TakeSuggestions = Callable[[tuple[str, ...], bool], None]


class Speller(QObject):
    """One for the window. `config` and `data` are the person's folders."""

    answered = Signal()  # verdicts have come
    changed = Signal()  # every verdict may be another one now
    failed = Signal(object)  # DocumentError: the check is off until it is switched on again

    def __init__(
        self,
        config: Path,
        data: Path,
        disk: Disk,
        background: Background,
        parent: QObject | None = None,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        super().__init__(parent)
        self.folder = data / FOLDER_NAME
        self._own_file = OwnWordsFile(config, disk)
        self._disk, self._background = disk, background
        self._process = DictionaryProcess(self, patience_ms)
        self._process.ready.connect(self._on_ready)
        self._process.answered.connect(self._on_answer)
        self._process.failed.connect(self._on_failed)
        self._is_on = self._is_opening = False
        self._wanted = BUNDLED
        self._revision = 0
        self._own = OwnWords()
        self._ignored = OwnWords()
        self._alphabets: Collection[str] = EVERY_ALPHABET
        self._known: dict[str, bool] = {}
        self._waiting: dict[str, None] = {}  # in order
        self._questions: dict[int, list[str]] = {}
        self._suggested: dict[str, tuple[tuple[str, ...], bool]] = {}
        self._takers: dict[int, tuple[str, TakeSuggestions]] = {}
        self._last_id = 0

    @property
    def is_on(self) -> bool:
        """Whether words are checked."""
        return self._is_on

    @property
    def alphabets(self) -> Collection[str]:
        """Those that the dictionary has words of; all while that is not known."""
        return self._alphabets

    @property
    def process_id(self) -> int:
        """Of the dictionary's process, 0 where there is none."""
        return self._process.process_id

    # ---- what it does -----------------------------------------------------------------------------------------

    def use(self, is_on: bool, dictionary: str = BUNDLED) -> None:
        """Check with this dictionary from now on, or nothing."""
        if (is_on, dictionary) != (self._is_on, self._wanted):
            self._is_on, self._wanted = is_on, dictionary
            self._forget()
            self.changed.emit()

    def close(self) -> None:
        """End the dictionary's process."""
        self._is_on = False
        self._revision += 1  # nothing that is on its way starts another
        self._process.close()

    # ---- questions --------------------------------------------------------------------------------------------

    def verdict(self, key: str) -> bool | None:
        """Whether a word is right, as far as that is known."""
        if key in self._own or key in self._ignored:
            return True
        return self._known.get(key)

    def ask(self, keys: Iterable[str]) -> None:
        """Find out; `answered` comes when some of it is known."""
        if not self._is_on:
            return
        on_their_way = {key for keys_asked in self._questions.values() for key in keys_asked}
        fresh = [key for key in keys if key not in self._known and key not in on_their_way]
        self._waiting.update(dict.fromkeys(fresh[: _WAITING_BOUND - len(self._waiting)]))
        self._go_on()

    def suggest(self, key: str, take: TakeSuggestions) -> None:
        """What a misspelt word could be, the likeliest first."""
        if key in self._suggested and self._suggested[key][1]:
            take(*self._suggested[key])
        elif self._process.is_ready:
            self._last_id += 1
            self._takers = {self._last_id: (key, take)}  # only the menu that is open wants to know
            self._suggested[key] = ((), False)
            self._process.ask({"id": self._last_id, "suggest": key})
        else:
            take((), True)

    # ---- the person's words -----------------------------------------------------------------------------------

    def add(self, word: str, failed: Callable[[DocumentError], None]) -> None:
        """The person's own word from now on, also at the next start."""
        self._own.add(word)
        self.changed.emit()
        self._background.run(lambda: self._own_file.add(word), lambda _nothing: None, failed)

    def ignore(self, word: str) -> None:
        """Right until the program ends."""
        self._ignored.add(word)
        self.changed.emit()

    # ---- dictionaries -----------------------------------------------------------------------------------------

    def list_dictionaries(self, take: Callable[[tuple[Dictionary, ...]], None]) -> None:
        """Those that there are, a moment later."""
        self._background.run(lambda: all_dictionaries(self.folder), take, lambda _error: None)

    def make_folder(self, failed: Callable[[DocumentError], None]) -> None:
        """Make the folder for the person's dictionaries, where it is missing."""
        self._background.run(lambda: self._disk.make_folders(self.folder), lambda _nothing: None, failed)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if not self._waiting:
            return
        if self._process.is_ready:
            if not self._questions:
                self._send_next()
        elif not self._is_opening and not self._process.is_started:
            self._open()

    def _open(self) -> None:
        self._is_opening = True
        revision = self._revision

        def work() -> tuple[OwnWords, tuple[Dictionary, ...]]:
            return self._own_file.load(), all_dictionaries(self.folder)

        self._background.run(
            work,
            lambda found: self._start(revision, *found),
            lambda error: self._on_failed(error) if revision == self._revision else None,
        )

    def _start(self, revision: int, own: OwnWords, dictionaries: tuple[Dictionary, ...]) -> None:
        if revision != self._revision:
            return  # switched off meanwhile, or another dictionary is wanted
        self._is_opening = False
        for word in self._own.sorted():
            own.add(word)  # added while they were read
        self._own = own
        wanted = next((each for each in dictionaries if each.name == self._wanted), None)
        self._process.start(wanted or Dictionary(self._wanted, self.folder / self._wanted))

    def _on_ready(self, alphabets: list[str]) -> None:
        self._alphabets = alphabets
        self._go_on()

    def _send_next(self) -> None:
        keys = list(self._waiting)[:WORDS_AT_ONCE]
        for key in keys:
            del self._waiting[key]
        if keys:
            self._last_id += 1
            self._questions[self._last_id] = keys
            self._process.ask({"id": self._last_id, "check": keys})

    def _on_answer(self, message: dict[str, object]) -> None:
        number = message.get("id")
        if not isinstance(number, int):
            return
        if number in self._questions:
            self._take_verdicts(self._questions.pop(number), message.get("wrong"))
        elif number in self._takers:
            self._take_suggestion(*self._takers[number], message)

    def _take_verdicts(self, keys: list[str], wrong: object) -> None:
        if len(self._known) > _KNOWN_BOUND:
            self._known.clear()
        bad = set(wrong) if isinstance(wrong, list) else set()
        self._known.update((key, key not in bad) for key in keys)
        self._send_next()
        self.answered.emit()

    def _take_suggestion(self, key: str, take: TakeSuggestions, message: dict[str, object]) -> None:
        so_far, is_all = self._suggested.get(key, ((), False))[0], "end" in message
        if len(self._suggested) > _SUGGESTED_BOUND:
            self._suggested.clear()
        if not is_all:
            so_far = (*so_far, str(message["suggestion"]))
        self._suggested[key] = so_far, is_all
        take(so_far, is_all)

    def _on_failed(self, error: DocumentError) -> None:
        self._is_on = False
        self._forget()
        self.changed.emit()
        self.failed.emit(error)

    def _forget(self) -> None:
        """What another dictionary said; words of the person stay."""
        self._revision += 1
        self._is_opening = False
        self._process.stop()
        self._alphabets = EVERY_ALPHABET
        for kept in (self._known, self._waiting, self._questions, self._suggested, self._takers):
            kept.clear()
