"""`nextstroke selftest`: checks this installation, green or red, in the user's language.

Knows outcomes, colours and languages; must not know how anything is checked.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

from engine.contracts.errors import VerificationError

COLOURS = {"ok": "\x1b[32m", "note": "\x1b[33m", "failed": "\x1b[31m"}
PLAIN = "\x1b[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; raises `VerificationError` when something is red."""
    from engine.selftest import FAILED, Outcome, run_checks
    from engine.selftest_words import ENGLISH, STATES, SUMMARY, detail_of, language_of, line_of, name_of

    language = language_of(os.environ)
    outcomes: list[Outcome] = []
    for outcome in run_checks(arguments.threads):
        outcomes.append(outcome)
        if not arguments.json:
            state = _coloured(STATES[outcome.state][language], outcome.state)
            print(f"{state}  {line_of(outcome, language)}", flush=True)
    failed = [outcome for outcome in outcomes if outcome.state == FAILED]
    if arguments.json:
        checks = [
            {"name": outcome.name, "state": outcome.state, "detail": detail_of(outcome, language)}
            for outcome in outcomes
        ]
        print(json.dumps({"ok": not failed, "checks": checks}, ensure_ascii=False))
    else:
        print(SUMMARY[not failed][language])
    if failed:
        names = ", ".join(name_of(outcome, ENGLISH) for outcome in failed)
        raise VerificationError(f"the self-test failed: {names}: {detail_of(failed[0], language)}")
    return 0


def _coloured(text: str, state: str) -> str:
    return f"{COLOURS[state]}{text}{PLAIN}" if sys.stdout.isatty() else text
