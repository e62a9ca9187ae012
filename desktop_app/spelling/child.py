"""The process that holds the dictionary: words in, verdicts and suggestions out, one line of JSON each.

    nextstroke spelling-host BASE                     BASE.aff and BASE.dic
    → {"ready": ["latin"]}                            the alphabets of its words; or {"failed": kind, "name", "reason"}
    ← {"id": 1, "check": ["teh", "the"]}              → {"id": 1, "wrong": ["teh"]}
    ← {"id": 2, "suggest": "teh"}                     → {"id": 2, "suggestion": "the"} …, then {"id": 2, "end": true}

A process of its own, since the library is Python: in a thread of the window it would hold Python's lock whenever a key
wants it, and a dictionary from anywhere may be anything. It ends when its input does, a few seconds later
where a word takes long. Knows spylls. Must not know: Qt.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.spelling.words import alphabet_of

DAMAGED = "dictionary_damaged"
SUGGESTIONS = 6
SUGGEST_FOR_S = 2.5  # the good ones come in milliseconds, the far-fetched ones in seconds
WORD_FOR_S = 0.5
CHECK_FOR_S = 5.0  # all words of one question; the window waits longer than that
LIMIT_BYTES = 64 << 20  # of one file; the largest that are known have about 15 MB
_MEMORY_BYTES = 3 << 30
_SHARE_PRESENT = 0.5  # of the words that the first line promises; it is often a little wrong
_SHARE_OF_ALPHABET = 0.05
_POLITENESS = 10  # of nice(2): the window and the model come first


class TakesTooLong(Exception):
    """The library has not come back in time."""


class NoDictionary(Exception):
    """The files make none; the message says why."""


def main() -> int:
    """Answer until the input ends."""
    _be_modest()
    base = Path(sys.argv[1])
    try:
        dictionary = open_dictionary(base)
        _say({"ready": alphabets_of(word.stem for word in islice(dictionary.dic.words, 5000))})
        for line in sys.stdin:
            _answer(dictionary, json.loads(line))
    except DocumentError as error:
        _say(
            {"failed": error.kind, "name": error.facts.get("name", base.name), "reason": error.facts.get("reason", "")}
        )
        return 1
    except (KeyboardInterrupt, BrokenPipeError):
        return 0
    except Exception as error:  # noqa: BLE001 — the library raises whatever a damaged file makes it stumble over
        _say({"failed": DAMAGED, "name": base.name, "reason": _reason(error)})
        return 1
    return 0


def open_dictionary(base: Path) -> Any:
    """A `spylls.hunspell.Dictionary`. Raises `DiskError`, `NoDictionary`, and whatever the library stumbles over."""
    aff, dic = (base.with_name(base.name + suffix) for suffix in (".aff", ".dic"))
    words = _read(dic)
    _read(aff)
    promised = _promised_words(words)
    from spylls.hunspell import Dictionary  # not before something is to be checked

    dictionary = Dictionary.from_files(str(base))
    found = len(dictionary.dic.words)
    if found == 0 or found < _SHARE_PRESENT * promised:
        raise NoDictionary(f"it has {found} words where its first line promises {promised}")
    for word in dictionary.dic.words[:: max(1, found // 20)]:
        dictionary.lookup(word.stem)  # rules that make no sense are met here
    return dictionary


def alphabets_of(stems: Iterable[str]) -> list[str]:
    """The alphabets that more than a few of these words are written in."""
    counts = Counter(alphabet_of(stem) for stem in stems if stem[:1].isalpha())
    return sorted(name for name, count in counts.items() if count >= _SHARE_OF_ALPHABET * counts.total())


def _answer(dictionary: Any, asked: dict[str, Any]) -> None:
    if "check" in asked:
        end = time.monotonic() + CHECK_FOR_S
        _say({"id": asked["id"], "wrong": [word for word in asked["check"] if _is_wrong(dictionary, word, end)]})
        return
    end, suggestions = time.monotonic() + SUGGEST_FOR_S, dictionary.suggest(asked["suggest"])
    for _ in range(SUGGESTIONS):
        suggestion = _within(end - time.monotonic(), lambda: next(suggestions, None))
        if suggestion is None:
            break
        _say({"id": asked["id"], "suggestion": suggestion})
    _say({"id": asked["id"], "end": True})


def _is_wrong(dictionary: Any, word: str, end: float) -> bool:
    """Of compounds some take for ever: what takes too long is not called wrong."""
    left = min(WORD_FOR_S, end - time.monotonic())
    return _within(left, lambda: bool(dictionary.lookup(word))) is False


def _within(seconds: float, work: Callable[[], Any]) -> Any:
    """What `work` finds, None where that takes longer. Windows has no such clock."""
    if seconds <= 0:
        return None
    if not hasattr(signal, "setitimer"):
        return work()
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    except TakesTooLong:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _give_up(*_signal: object) -> None:
    raise TakesTooLong


def _read(path: Path) -> bytes:
    found = Disk().read_within(path, LIMIT_BYTES)
    if found is None:
        raise NoDictionary(f"{path.name} is larger than {LIMIT_BYTES >> 20} MB")
    if b"\0" in found[0]:
        raise NoDictionary(f"{path.name} is no text")
    return found[0]


def _promised_words(data: bytes) -> int:
    first = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].split()
    if not first or not first[0].isdigit():
        raise NoDictionary("its first line is no number of words")
    return int(first[0])


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) if isinstance(error, NoDictionary) else type(error).__name__


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _be_modest() -> None:
    """The last in line for the processor, and no more memory than a dictionary can want."""
    if hasattr(os, "nice"):
        os.nice(_POLITENESS)
    try:
        import resource
    except ImportError:  # Windows
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = _MEMORY_BYTES if limit == resource.RLIM_INFINITY else min(limit, _MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (most, limit))


if __name__ == "__main__":
    sys.exit(main())
