"""The outer edge of every command: arguments in, exit status and one error line out.

    0 done · 1 failed, ONE line `error: …` on standard error · 2 wrong usage · 130 interrupted

A side (engine, export) hands in a table of commands; a command is a module with

    add_arguments(parser)        declares its arguments
    run(arguments) -> int        does the work and returns the exit status

which is imported only when it is called, so that `--help` costs milliseconds. Knows argparse and the error tree; must
not know any command.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from engine.contracts.errors import FileError, NextstrokeError, UsageError, file_error

INTERRUPTED = 130
THREADS_LIMIT = 256
LONGEST_WORD = 300  # characters of a name or path that an error line repeats whole
LONGEST_LINE = 1000  # characters of an error line
KEPT = 60  # at either end of what is longer
HELP_WORDS = ("-h", "--help")


@dataclass(frozen=True)
class Command:
    """One row of a side's table: the words that call it, the module that does it, the line that `--help` shows."""

    words: tuple[str, ...]
    module: str
    help: str
    hidden: bool = False


class _Parser(argparse.ArgumentParser):
    """Its error line stays a line, whatever was typed."""

    def error(self, message: str) -> NoReturn:
        super().error(one_line(message))


def one_line(message: str) -> str:
    """The message on one line that can be read, whatever names were typed into it: long ones lose their middle."""
    readable = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in message)
    words = (_shortened(word, LONGEST_WORD, KEPT) for word in readable.split(" "))
    return _shortened(" ".join(words), LONGEST_LINE, LONGEST_LINE // 2 - KEPT)  # a name may be of many words


def _shortened(text: str, longest: int, kept: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:kept]}…({len(text):,} characters)…{text[-kept:]}"


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags that every command takes."""
    parser.add_argument("--profile", metavar="DIR", help="keep all per-user data under DIR")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model runs")
    parser.add_argument("--threads", type=thread_count, metavar="N", help="processor threads of the model")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def positive_int(text: str) -> int:
    """Argument type: a whole number above zero."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return value


def thread_count(text: str) -> int:
    """Argument type: processor threads; thousands would only stand in each other's way until the person gives up."""
    value = positive_int(text)
    if value > THREADS_LIMIT:
        raise argparse.ArgumentTypeError(f"{text} is more than {THREADS_LIMIT} threads")
    return value


def run_command_line(program: str, commands: Sequence[Command], argv: Sequence[str]) -> int:
    """Find the command that `argv` names, run it, and turn whatever happens into an exit status."""
    row = find_command(commands, argv)
    try:
        if not _open_closed_streams():
            return _report(FileError("standard output is closed; send it to a file or to /dev/null"), False)
        if row is None:
            return _answer_without_command(program, commands, argv)
        return _run(program, row, argv)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(program: str, row: Command, argv: Sequence[str]) -> int:
    module = importlib.import_module(row.module)
    parser = _Parser(prog=f"{program} {' '.join(row.words)}", description=row.help)
    add_common_arguments(parser)
    module.add_arguments(parser)
    arguments = parser.parse_args(list(argv[len(row.words) :]))
    if arguments.profile is not None:
        os.environ["NEXTSTROKE_PROFILE"] = os.path.abspath(arguments.profile)
    try:
        status = int(module.run(arguments))
        sys.stdout.flush()  # here, where a full disk or a closed pipe still gets its words
        return status
    except BrokenPipeError:
        # The reader of our output went away (`| head`): that is a cancel, not a failure to report.
        _give_up_output()
        return INTERRUPTED
    except NextstrokeError as error:
        return _report(error, arguments.debug)
    except OSError as error:
        if error.filename is None:
            _give_up_output()
        return _report(_words_for(error), arguments.debug)
    except MemoryError:
        return _report(NextstrokeError("the computer's memory is full; close programs or take a smaller model"), False)
    except Exception as error:  # noqa: BLE001  the outer edge: no traceback reaches a person who did not ask for one
        problem = NextstrokeError(f"unexpected {type(error).__name__}: {error}; run again with --debug and report it")
        return _report(problem, arguments.debug)


def _open_closed_streams() -> bool:
    """Put the null device where the caller closed a stream (`>&-`); False when that was standard output.

    Otherwise the next file that is opened takes the stream's number, and a library's complaint ends up in it.
    """
    had_output = sys.stdout is not None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  open until the process ends
    return had_output


def find_command(commands: Sequence[Command], argv: Sequence[str]) -> Command | None:
    """The row whose words `argv` starts with, the longest first."""
    for row in sorted(commands, key=lambda command: -len(command.words)):
        if tuple(argv[: len(row.words)]) == row.words:
            return row
    return None


def _answer_without_command(program: str, commands: Sequence[Command], argv: Sequence[str]) -> int:
    group = [row for row in commands if len(row.words) > 1 and row.words[:1] == tuple(argv[:1])]
    if group:
        return _answer_half_a_command(program, group, argv)
    asked_for_help = bool(argv) and argv[0] in HELP_WORDS
    lines = [f"usage: {program} COMMAND …", ""]
    width = max(len(" ".join(row.words)) for row in commands)
    lines += [f"  {' '.join(row.words):<{width}}  {row.help}" for row in commands if not row.hidden]
    if asked_for_help:
        return _print_help(lines)
    if argv:
        print(one_line(f"error: there is no command {argv[0]!r}; `{program} --help` lists them"), file=sys.stderr)
    else:
        print("\n".join(lines), file=sys.stderr)
    return UsageError.exit_status


def _answer_half_a_command(program: str, group: Sequence[Command], argv: Sequence[str]) -> int:
    """`tokenizer` alone, or with a word behind it that it does not have: say what it has."""
    calls = [f"{program} {' '.join(row.words)}" for row in group]
    pairs = zip(calls, group, strict=True)
    lines = [f"usage: {call} …  ({row.help}; `{call} --help` explains it)" for call, row in pairs]
    if len(argv) > 1 and argv[1] in HELP_WORDS:
        return _print_help(lines)
    print("\n".join(lines), file=sys.stderr)
    print(f"error: `{program} {argv[0]}` needs one more word; write `{'` or `'.join(calls)}`", file=sys.stderr)
    return UsageError.exit_status


def _print_help(lines: Sequence[str]) -> int:
    try:
        print("\n".join(lines), flush=True)
    except OSError:  # `| head` has seen enough, or the disk is full
        _give_up_output()
    return 0


def _words_for(error: OSError) -> FileError:
    return file_error(error, f"use {error.filename}" if isinstance(error.filename, str) else "write the output")


def _give_up_output() -> None:
    """The interpreter flushes standard output once more at exit; that must not fail a second time."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open until the process ends


def _report(error: NextstrokeError, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"error: {one_line(str(error))}", file=sys.stderr)
    return error.exit_status
