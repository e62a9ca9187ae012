"""The person's own words: one a line in a text file, so that an editor of any kind can take one out again.

    own_words.txt   (folder of the settings)   "Nextstroke\nWeizhou\n"

A word counts in the letters it is kept in, and with its first letter or all of them large. A file that is no text is
set aside, never lost; one that cannot be read, or not all of it, is not written over.

Knows `Disk`. Must not know: Qt, dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import MISSING, DocumentError
from desktop_app.spelling.words import key_of

FILE_NAME = "own_words.txt"
_LIMIT_BYTES = 4 << 20


class OwnWords:
    """What the dictionary does not know and the person does. In memory at once, on the disk by `save`."""

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
        """What is kept; nothing where there is no file. Raises `DiskError` where it cannot be read."""
        try:
            found = self._disk.read_within(self._path, _LIMIT_BYTES)
            if found is None:
                limit = f"{_LIMIT_BYTES >> 20} MB"
                words = (
                    f"{FILE_NAME} is larger than {limit}, and no list of words; it is left as it is, make it shorter"
                )
                raise DocumentError(words, "own_words_too_large", name=FILE_NAME, limit=limit)
            text = found[0].decode("utf-8-sig")
        except UnicodeDecodeError:
            self._disk.move(self._path, self._path.with_name(FILE_NAME + ".damaged"))
            return OwnWords()
        except DocumentError as error:
            if error.kind == MISSING:
                return OwnWords()
            raise
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
