"""Prepare a checkout: `python3 set_up.py run|test|package`, called by the Makefile.

Knows: the order of the steps and what each goal needs. System packages come first, then `.venv`.
Must not know: how a package is found missing (`system_packages.py`), how the environment is filled
(`virtual_environment.py`), or what torch costs (`torch_download.py`).

Standard library only. This file alone is written so that an old Python can still read it and say what is wrong.
"""

import os
import shutil
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)
NEWEST_TRIED = 14
EXTRAS = {"run": (), "test": ("export", "package", "test"), "package": ("package",)}


def hand_over_to_a_newer_python():
    """Replace this process by a newer interpreter where one is on the PATH; else say what to install."""
    for minor in range(NEWEST_TRIED, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which("python3.%d" % minor)
        if newer:
            os.execv(newer, [newer, *sys.argv])
    sys.exit(
        "error: Nextstroke needs Python 3.11 or newer, and this is %s at %s. Install a newer one "
        "(for example: sudo apt install python3.11 python3.11-venv) and run the same command again, "
        "or name one: make run PYTHON=/path/to/python3.11" % (sys.version.split()[0], sys.executable)
    )


def main():
    """Do what the goal on the command line needs; a second run with nothing to do takes a moment."""
    goal = sys.argv[1] if len(sys.argv) == 2 else ""
    if goal not in EXTRAS:
        sys.exit("usage: set_up.py " + "|".join(EXTRAS))
    if sys.version_info < OLDEST_PYTHON:
        hand_over_to_a_newer_python()

    import system_packages
    import virtual_environment

    root = Path(__file__).resolve().parents[2]
    if not system_packages.provide(goal):
        return 1
    try:
        virtual_environment.provide(root, EXTRAS[goal])
    except virtual_environment.SetUpError as problem:
        print("error: " + str(problem), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the next `make` starts the set-up again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
