"""The person's own words: one a line in a text file, so that an editor of any kind can take one out again.

    own_words.txt   (folder of the settings)   "Nextstroke\nWeizhou\n"

A word counts in the letters it is kept in, and with its first letter or all of them large. A file of which not all can
be read is not written over.

Knows `Disk`. Must not know: Qt, dictionaries.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import MISSING, DocumentError
from desktop_app.spelling.words import key_of

FILE_NAME = "own_words.txt"
_LIMIT_BYTES = 4 << 20


class OwnWords:
    """What the dictionary does not know and the person does. Lies in memory; `OwnWordsFile` keeps it."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words: set[str] = set()
        self._forms: set[str] = set()
        for word in words:
            self.add(word)

    def __contains__(self, key: object) -> bool:
        return key in self._forms

    def __len__(self) -> int:
        return len(self._words)

    def add(self, word: str) -> None:
        """From now on it is right."""
        key = key_of(word.strip())
        if key:
            self._words.add(key)
            self._forms.update(form for base in (key, key + "'s") for form in _forms_of(base))

    def sorted(self) -> list[str]:
        """All of them, in one order."""
        return sorted(self._words)


class OwnWordsFile:
    """Where they lie. `load` and `add` wait for the disk: not for the window's thread."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._path, self._disk = folder / FILE_NAME, disk

    def load(self) -> OwnWords:
        """What is kept; nothing where there is no file. Raises `DocumentError` where not all of it can be read."""
        try:
            found = self._disk.read_within(self._path, _LIMIT_BYTES)
        except DocumentError as error:
            if error.kind == MISSING:
                return OwnWords()
            raise
        text = None if found is None else _text_of(found[0])
        if text is None:
            limit = f"{_LIMIT_BYTES >> 20} MB"
            words = (
                f"{FILE_NAME} is no list of words in UTF-8 of at most {limit}; it is left as it is, mend or remove it"
            )
            raise DocumentError(words, "own_words_unreadable", name=FILE_NAME, limit=limit)
        return OwnWords(text.splitlines())

    def add(self, word: str) -> None:
        """Put one more into the file as it is now, whole or not at all. Raises `DiskError`."""
        words = self.load()
        words.add(word)
        self._disk.make_folders(self._path.parent, private=True)
        data = "".join(f"{each}\n" for each in words.sorted()).encode("utf-8")
        self._disk.write_safely(self._path, data, private=True)


def _forms_of(key: str) -> tuple[str, ...]:
    return key, key[:1].upper() + key[1:], key.upper()


def _text_of(data: bytes) -> str | None:
    """UTF-8, or UTF-16 as an editor may have saved it; None for everything else."""
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
