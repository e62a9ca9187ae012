"""Task text out of a corpus: one group of training documents and one held-out file for each task.

For: `python -m export.tasks.make CORPUS OUTPUT [--stories stories.csv]`; its groups go into a recipe like any other.
Knows: which groups of the corpus give pairs for which task; training and held-out parts stay apart.
Must not know: tokenizers, models.

    OUTPUT/translate_en_zh.jsonl.xz  translate_en_zh.heldout.jsonl.xz  …  tasks.json (how many, and what was dropped)

A record is {"text": the whole example, "task": its name, "from": the corpus' group}. Held-out pairs come from held-out
files alone, and those whose source or target stands in the training part are dropped and counted.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from engine.contracts.errors import NextstrokeError
from engine.contracts.tasks import TaskFormat, task_named
from export.tasks.formats import group_name, known_tasks
from export.tasks.leakage import Seen
from export.tasks.pairs import Pair, lead_pairs, parallel_pairs, title_pairs
from export.tasks.themes import theme_pairs
from export.training.corpus import read_documents
from export.training.files import write_atomically, write_json

STORIES = "zh_short_stories"  # the group whose themes are the summaries
Reader = Callable[[str], Iterator[Pair]]


def _turned(text: str) -> Iterator[Pair]:
    return ((chinese, english) for english, chinese in parallel_pairs(text))


# task -> (groups of the corpus, how a document of them becomes pairs)
SOURCES: dict[str, tuple[tuple[str, ...], Reader]] = {
    "translate-en-zh": (("parallel_tatoeba",), parallel_pairs),
    "translate-zh-en": (("parallel_tatoeba",), _turned),
    "title-en": (("en_standardebooks", "children_ccby"), partial(title_pairs, language="en")),
    "title-zh": (
        ("zh_modern_pd1945", "zh_modern_pd1955", "zh_luxun", "zh_classic_novels_shu"),
        partial(title_pairs, language="zh"),
    ),
    "summarize-zh": (("zh_wiki",), lead_pairs),
}


@dataclass
class Made:
    """One task's pairs, each with the group it comes from; `dropped` held-out pairs stood in the training part."""

    task: TaskFormat
    training: list[tuple[str, Pair]] = field(default_factory=list)
    heldout: list[tuple[str, Pair]] = field(default_factory=list)
    dropped: int = 0


def make(task: TaskFormat, corpus: Path, stories: Path | None = None) -> Made:
    """The pairs of one task. Raises `CorpusError` for a corpus that lacks a group or is damaged."""
    groups, reader = SOURCES[task.name]
    made, seen, held = Made(task), Seen(), list[tuple[str, Pair]]()
    for group in groups:
        for text in read_documents(corpus / f"{group}.jsonl.xz"):
            seen.add(text)
            made.training += ((group, pair) for pair in reader(text))
        held += ((group, p) for text in read_documents(corpus / f"{group}.heldout.jsonl.xz") for p in reader(text))
    if task.name == "summarize-zh" and stories is not None:
        training, heldout = theme_pairs(stories)
        for source, target in training:
            seen.add(f"{source}\n{target}")
        made.training += ((STORIES, pair) for pair in training)
        held += ((STORIES, pair) for pair in heldout)
    made.training = [item for item in dict.fromkeys(made.training) if _can_be_spelt(task, item[1])]
    held = [item for item in dict.fromkeys(held) if _can_be_spelt(task, item[1])]
    made.heldout = [item for item in held if not seen.holds(item[1])]
    made.dropped = len(held) - len(made.heldout)
    return made


def write(made: Made, output: Path) -> dict[str, int]:
    """Write both files of a task; returns its counts, for `tasks.json`."""
    name = group_name(made.task)
    for path, items in ((f"{name}.jsonl.xz", made.training), (f"{name}.heldout.jsonl.xz", made.heldout)):
        write_atomically(output / path, lzma.compress("".join(_lines(made.task, items)).encode()))
    characters = sum(len(made.task.document(*pair)) for _, pair in made.training)
    counts = {"training": len(made.training), "training_characters": characters}
    return counts | {"heldout": len(made.heldout), "heldout_dropped": made.dropped}


def _lines(task: TaskFormat, items: Iterable[tuple[str, Pair]]) -> Iterator[str]:
    for group, pair in items:
        record = {"text": task.document(*pair), "task": task.name, "from": group}
        yield json.dumps(record, ensure_ascii=False) + "\n"


def _can_be_spelt(task: TaskFormat, pair: Pair) -> bool:
    """Whether the example can be read back: its text may hold what marks the end of a source."""
    try:
        return task.parse(task.document(*pair)) == pair
    except NextstrokeError:
        return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Write task groups for training and their held-out files."""
    parser = argparse.ArgumentParser(prog="python -m export.tasks.make", description=main.__doc__)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--stories", type=Path, metavar="FILE", help="stories.csv of TinyChineseStories, with themes")
    parser.add_argument("--tasks", metavar="NAMES", help="some tasks only, separated by commas")
    options = parser.parse_args(arguments)
    try:
        tasks = known_tasks()
        if options.tasks:
            tasks = tuple(task_named(known_tasks(), name.strip()) for name in options.tasks.split(","))
        options.output.mkdir(parents=True, exist_ok=True)
        counts = {}
        for task in tasks:
            counts[task.name] = write(make(task, options.corpus, options.stories), options.output)
            print(f"{task.name:18} {counts[task.name]}", file=sys.stderr)
        formats = [asdict(task) for task in tasks]
        write_json(options.output / "tasks.json", {"tasks": formats, "counts": counts})
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
