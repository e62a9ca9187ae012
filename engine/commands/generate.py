"""`nextstroke generate`: continue a text, streaming the continuation to standard output.

Standard output carries the continuation alone, exactly (or one JSON object a line); standard error the statistics.
Knows requests, events and streams; must not know sessions or sampling.
"""

from __future__ import annotations

import argparse
import json
import secrets
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from engine.commands.inputs import (
    add_draft_argument,
    add_model_argument,
    add_network_alone_argument,
    open_model,
    read_text,
)
from engine.commands.records import check_record_target, save_records
from engine.commands.settings_file import make_request, read_settings
from engine.commands.statistics import print_statistics
from engine.contracts.command_line import INTERRUPTED, positive_int
from engine.contracts.constraint import REGEX
from engine.contracts.errors import NextstrokeError, PromptTooLongError, UsageError, error_from_kind
from engine.contracts.generation import (
    CONTEXT_KEEP_END,
    REASON_CANCELLED,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Started,
    Token,
)
from engine.contracts.task_request import for_task
from engine.contracts.tasks import task_named

SEED_BITS = 32  # short enough to be typed again by a person
# Flags that set one control each: their names are the controls' with "-" for "_".
NUMBER_FLAGS: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("--max-tokens", positive_int, "at most N new tokens (default 128)"),
    ("--temperature", float, "0 takes the most probable token each time (default 0.8)"),
    ("--top-k", int, "choose among the K most probable tokens (default 0: off)"),
    ("--top-p", float, "choose among the most probable tokens of this mass together (default 0.95)"),
    ("--min-p", float, "leave out tokens less probable than this share of the best (default 0.05)"),
    ("--repetition-penalty", float, "make what was written lately less probable (default 1: off)"),
    ("--seed", int, "the same seed gives the same text (default: a fresh one, which the statistics name)"),
    ("--candidates", positive_int, "write so many texts for the same prompt"),
    ("--beams", positive_int, "beam search, N hypotheses wide: no chance, the most probable texts found"),
    ("--length-penalty", float, "of beam search: above 1 favours longer texts, below shorter (default 1)"),
)


# What a person can type; the engine's own line ends where the window's words begin.
DROP_THE_BEGINNING = (
    f'or let the model see its end alone: --settings FILE, where FILE holds {{"context_policy": "{CONTEXT_KEEP_END}"}}'
)


class Printer(Protocol):
    """Shows events as they come."""

    def show(self, event: Event) -> None:
        """Show one event."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of cli.md."""
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="the text to continue; - reads standard input")
    parser.add_argument("--prompt-file", metavar="F", help="read the text from a UTF-8 file")
    parser.add_argument("--ids", metavar='"1 2 3"', help="token ids in place of a text")
    add_model_argument(parser)
    add_draft_argument(parser)
    add_network_alone_argument(parser)
    parser.add_argument(
        "--task", metavar="NAME", help="do this with the text instead of continuing it; `models show` lists them"
    )
    for flag, kind, words in NUMBER_FLAGS:
        parser.add_argument(flag, type=kind, metavar="N", help=words)
    parser.add_argument("--stop", action="append", metavar="TEXT", help="end before this text; may be given again")
    parser.add_argument("--regex", metavar="R", help="the whole text matches this regular expression")
    parser.add_argument("--settings", metavar="FILE", help="a JSON file with any control by its name")
    parser.add_argument("--record", metavar="F", help="save the generation record, which `regenerate` takes")
    parser.add_argument("--json", action="store_true", help="one JSON object a line per event")


def run(arguments: argparse.Namespace) -> int:
    """Generate; 130 when it was interrupted, after what there was is shown."""
    try:
        return _generate(arguments)
    except NextstrokeError as found:
        error = _explained(found)
        if arguments.json:
            _print_json(Failed("", {}, error.kind, str(error)))
        raise error from found


def request_from(arguments: argparse.Namespace) -> GenerationRequest:
    """The request that the flags, the settings file and the defaults make together; flags win."""
    text, ids = read_text(arguments.prompt, arguments.prompt_file, arguments.ids, "PROMPT")
    settings: dict[str, Any] = {"seed": secrets.randbits(SEED_BITS)}
    if arguments.task is not None:
        settings["temperature"] = 0.0  # a translation is looked for, not a variety of them
    if arguments.settings is not None:
        settings |= read_settings(Path(arguments.settings))
    names = [flag.removeprefix("--").replace("-", "_") for flag, _, _ in NUMBER_FLAGS] + ["stop"]
    settings |= {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.regex is not None:
        settings["constraint"] = {"kind": REGEX, "value": arguments.regex}
    return make_request(GenerationRequest("command line", text, ids), settings)


def _generate(arguments: argparse.Namespace) -> int:
    request = request_from(arguments)
    if arguments.record is not None:
        if arguments.network_alone:
            raise UsageError("a record names a whole model, so --network-alone leaves none; give one of the two")
        check_record_target(Path(arguments.record))
    model = open_model(arguments, arguments.model)
    if arguments.task is not None:
        request = for_task(request, task_named(model.manifest.tasks, arguments.task))
    from engine.generate import generate

    printer: Printer = JsonPrinter() if arguments.json else TextPrinter(request.candidates)
    with interruptible() as is_interrupted:
        started, finished = follow(generate(model, model.new_session(), request, is_interrupted), printer)
    if arguments.record is not None:
        save_records(Path(arguments.record), [event.record for event in finished])
    print_statistics(started, finished, request.sampling.seed)
    was_interrupted = any(event.reason == REASON_CANCELLED for event in finished)
    return INTERRUPTED if was_interrupted else 0


def follow(events: Iterable[Event], printer: Printer) -> tuple[Started | None, list[Finished]]:
    """Show all events; what they came to. Raises the error of a `Failed`."""
    started: Started | None = None
    finished: list[Finished] = []
    for event in events:
        if isinstance(event, Failed):
            raise error_from_kind(event.kind, event.message)
        printer.show(event)
        if isinstance(event, Started):
            started = event
        elif isinstance(event, Finished):
            finished.append(event)
    return started, sorted(finished, key=lambda event: event.candidate)  # they end in any order


def _explained(error: NextstrokeError) -> NextstrokeError:
    """The error with the flag that helps."""
    if isinstance(error, PromptTooLongError):
        return PromptTooLongError(f"{error}, {DROP_THE_BEGINNING}")
    return error


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """The first Ctrl+C asks for an end between two tokens, the second one ends the process as usual."""
    was_asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal was_asked
        was_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: was_asked
    finally:
        signal.signal(signal.SIGINT, before)


class JsonPrinter:
    """One JSON object a line."""

    def show(self, event: Event) -> None:
        """Print the events that cli.md names; the others are progress."""
        if isinstance(event, (Started, Token, Finished)):
            _print_json(event)


class TextPrinter:
    """The text alone; with several candidates each under its line, and none in the middle of another."""

    def __init__(self, candidates: int) -> None:
        self._candidates = candidates
        self._current = 0  # the candidate that streams
        self._waiting: dict[int, list[str]] = {}
        self._finished: set[int] = set()
        if candidates > 1:
            self._write("--- 1 ---\n")

    def show(self, event: Event) -> None:
        """Write an event's text now, or keep it until the candidates before it are complete."""
        if isinstance(event, (Token, Finished)):
            self._waiting.setdefault(event.candidate, []).append(event.text)
        if isinstance(event, Finished):
            self._finished.add(event.candidate)
        self._write("".join(self._waiting.pop(self._current, [])))
        while self._current in self._finished:
            self._begin_next()

    def _begin_next(self) -> None:
        self._current += 1
        if self._candidates == 1:
            if sys.stdout.isatty():
                self._write("\n")  # a terminal's next prompt; a file gets the continuation and not a byte more
            return
        more = self._current < self._candidates
        waiting = "".join(self._waiting.pop(self._current, []))
        self._write("\n" + (f"--- {self._current + 1} ---\n{waiting}" if more else ""))

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()


def _print_json(event: Event) -> None:
    print(json.dumps(event.to_dict(), ensure_ascii=False), flush=True)
