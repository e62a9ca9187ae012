"""`nextstroke serve`: a model for other programs on this computer, over OpenAI's HTTP interface.

Standard output carries one line, the address that clients are given. It runs until Ctrl-C (status 130). The key comes
from a file or from the environment, never from an argument, which every user of the computer could read. Knows
arguments, the key and the order of the end; must not know HTTP.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.commands.inputs import add_draft_argument, add_model_argument, open_model, read_text_file
from engine.contracts.command_line import INTERRUPTED
from engine.contracts.errors import UsageError
from engine.library import open_library

DEFAULT_PORT = 8017
KEY_VARIABLE = "NEXTSTROKE_KEY"
CLOSE_SECONDS = 2.0  # for the running token, and for the answers that are being written
LONGEST_KEY = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of cli.md."""
    parser.add_argument("--port", type=port_number, default=DEFAULT_PORT, metavar="P", help="0 takes any free one")
    parser.add_argument(
        "--key-file", metavar="F", help=f"clients must send the key in this file (or in {KEY_VARIABLE})"
    )
    add_model_argument(parser)
    add_draft_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until somebody interrupts."""
    key = read_key(arguments.key_file)
    model = open_model(arguments, arguments.model)
    from engine.generate import generate
    from engine.served_model import ServedModel
    from engine.server import LocalServer

    served = ServedModel(model, arguments.model, open_library(), generate)
    with LocalServer(arguments.port, served, key) as server:
        locked = "a key is asked for" if key is not None else f"no key (set one in {KEY_VARIABLE})"
        print(f"{served.name} · {model.device.name} · {locked} · Ctrl-C ends it", file=sys.stderr)
        print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return INTERRUPTED
        finally:
            served.close(CLOSE_SECONDS)  # while the connections are open: whoever waits is told
    return 0


def port_number(text: str) -> int:
    """Argument type: a port."""
    value = int(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; ports go from 0 to 65535")
    return value


def read_key(file: str | None) -> str | None:
    """The key that clients must send, from the file or the environment; None where there is none."""
    source = file if file is not None else KEY_VARIABLE
    found = read_text_file(Path(file)) if file is not None else os.environ.get(KEY_VARIABLE)
    if found is None:
        return None
    key = found.strip()
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            f"the key in {source} is empty, or more than one word of printable ASCII; "
            f"write one word of at most {LONGEST_KEY} letters and digits"
        )
    return key
