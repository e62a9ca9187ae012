"""What an edit of a large document costs: time of each operation, and memory beside the text.

    python tests/bench/document_speed.py [--characters 1000000] [--spans 10000] [--edits 2000] [--search]

The document is made of alternating origins, so that no two spans can become one, and is edited at random places. Each
operation is timed alone; median, 99th percentile and the slowest are printed. As in the window, Python searches for
cyclic garbage between the rounds and not in them (desktop_app/services/idle_collection.py); what such a search takes is
printed, and with --search it goes on by itself, as Python does it by default. Memory is what tracemalloc counts for the
document with its text, beside the bytes of the text in UTF-8; each script is measured by itself. Peak RSS is that of
the process, Python itself included.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, PASTED, TYPED, Origin, Passage
from desktop_app.document.plain_changes import changes_since, mark_of
from desktop_app.document.plain_document import from_plain, to_plain

SCRIPTS = {
    "English": "The quick brown fox. " * 12 + "\n",
    "Chinese": "从前有一座山，山里有座庙。",
    "emoji": "ab😀从前𠀀 ",
}
ORIGINS = (Origin(TYPED), Origin(PASTED), Origin(GENERATED, "r1"), Origin(GENERATED, "r2"))


def passages(script: str, characters: int, spans: int) -> list[Passage]:
    """Text in so many spans, lengths and origins by a fixed seed."""
    chance = random.Random(1)
    edges = sorted(chance.sample(range(1, characters), spans - 1)) if spans > 1 else []
    words = SCRIPTS[script] * (characters // len(SCRIPTS[script]) + 1)
    parts = zip([0, *edges], [*edges, characters])
    return [Passage(words[first:last], ORIGINS[number % len(ORIGINS)]) for number, (first, last) in enumerate(parts)]


def document_of(script: str, characters: int, spans: int) -> Document:
    """A document with that text, as one import made it."""
    document = Document()
    document.replace(0, 0, passages(script, characters, spans), "import")
    assert (document.length(), len(document.spans())) == (characters, spans)
    return document


class Edits:
    """Operations at random places of one document."""

    def __init__(self, document: Document) -> None:
        self._document, self._chance, self._at = document, random.Random(2), 0
        self._clip = document.passages(1000, 1400)

    def _place(self) -> int:
        return self._chance.randrange(self._document.length() - 100)

    def insert(self) -> None:
        self._document.insert(self._place(), "字", ORIGINS[0])

    def type_on(self) -> None:
        self._at = self._at or self._place()
        self._document.insert(self._at, "x", ORIGINS[0])
        self._at += 1

    def delete(self) -> None:
        start = self._place()
        self._document.delete(start, start + 20)

    def replace(self) -> None:
        start = self._place()
        self._document.replace(start, start + 5, (Passage("other words", ORIGINS[0]),), "replace")

    def paste(self) -> None:
        at = self._place()
        self._document.replace(at, at, self._clip, "paste")

    def undo(self) -> None:
        self._document.undo()

    def redo(self) -> None:
        self._document.redo()

    def position(self) -> None:
        self._document.position_at(self._document.unit_at(self._place()))

    def read_origins(self) -> None:
        start = self._place()
        self._document.passages(start, start + 100)

    def fork_and_part(self) -> None:
        """A branch from the middle, then an edit of the shared text before it: the copy on write."""
        document = self._document
        document.fork(document.length() // 2)
        document.insert(self._place() // 3, "!", ORIGINS[0])
        document.prune(next(branch for branch in document.tree.branches if branch != document.current))


def milliseconds(operation: Callable[[], object], count: int) -> tuple[list[float], list[float]]:
    """The time of each of so many calls: of the processor for this thread, and on the clock."""
    processor, clock = [], []
    for _ in range(count):
        start, start_processor = time.perf_counter(), time.thread_time()
        operation()
        processor.append((time.thread_time() - start_processor) * 1000)
        clock.append((time.perf_counter() - start) * 1000)
    return sorted(processor), sorted(clock)


def report(name: str, times: tuple[Sequence[float], Sequence[float]]) -> None:
    """One line; a busy machine shows in the clock's tail, not in the processor's."""
    words = []
    for what, found in zip(("processor", "clock"), times):
        tail = found[min(len(found) - 1, int(0.99 * len(found)))]
        words.append(f"{what} median {statistics.median(found):7.3f} p99 {tail:7.3f} max {found[-1]:7.3f} ms")
    print(f"  {name:<14} {'   '.join(words)}")


def time_edits(script: str, characters: int, spans: int, count: int) -> None:
    """Every operation on a document of this script."""
    document = document_of(script, characters, spans)
    edits = Edits(document)
    print(f"{script}: {characters:,} characters in {spans:,} spans")
    names = ("insert", "type_on", "delete", "replace", "paste", "undo", "redo", "position", "read_origins")
    for name in names:
        report(name, milliseconds(getattr(edits, name), count))
        gc.collect(1)
    report("fork_and_part", milliseconds(edits.fork_and_part, max(1, count // 20)))
    mark = mark_of(document)
    edits.insert()
    report("changes_since", milliseconds(lambda: changes_since(document, mark), max(1, count // 20)))
    report("to_plain", milliseconds(lambda: to_plain(document), 3))
    plain = to_plain(document)
    report("from_plain", milliseconds(lambda: from_plain(plain), 3))
    report("search, young", milliseconds(lambda: (edits.insert(), gc.collect(1)), 20))
    report("search, all", milliseconds(gc.collect, 5))


def memory(script: str, characters: int, spans: int, count: int) -> float:
    """Prints and returns bytes of the document for each byte of its text in UTF-8, after `count` edits too."""
    parts = passages(script, characters, spans)
    text_bytes = sum(len(part.text.encode()) for part in parts)
    tracemalloc.start()
    document = Document()
    document.replace(0, 0, [Passage("".join(part.text), part.origin) for part in parts], "import")
    whole = tracemalloc.get_traced_memory()[0]
    edits = Edits(document)
    for _ in range(count):
        edits.insert()
        edits.delete()
    edited = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    print(
        f"  {script:<8} text {text_bytes:>9,} bytes   document {whole:>10,} = {whole / text_bytes:.2f}x   "
        f"after {2 * count:,} edits with their undo {edited:>10,} = {edited / text_bytes:.2f}x"
    )
    return edited / text_bytes


def main() -> int:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--spans", type=int, default=10_000)
    parser.add_argument("--edits", type=int, default=2_000)
    parser.add_argument("--search", action="store_true", help="let Python search for cyclic garbage as it likes")
    arguments = parser.parse_args()
    if not arguments.search:
        gc.disable()
    for script in SCRIPTS:
        time_edits(script, arguments.characters, arguments.spans, arguments.edits)
    print("memory, tracemalloc:")
    for script in SCRIPTS:
        memory(script, arguments.characters, arguments.spans, arguments.edits)
    print(f"peak RSS of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
