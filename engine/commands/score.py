"""`nextstroke score`: how probable each token of a text is to the model, and the whole in bits per byte.

Knows results and streams; must not know how they are computed.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.commands.inputs import add_model_argument, add_network_alone_argument, open_model, read_text
from engine.contracts.command_line import positive_int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of cli.md."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text to score; - reads standard input")
    parser.add_argument("--file", metavar="F", help="read the text from a UTF-8 file")
    parser.add_argument("--ids", metavar='"1 2 3"', help="token ids in place of a text")
    add_model_argument(parser)
    add_network_alone_argument(parser)
    parser.add_argument("--top", type=positive_int, default=0, metavar="K", help="also the K most probable tokens")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Score and print."""
    text, ids = read_text(arguments.text, arguments.file, arguments.ids, "TEXT")
    model = open_model(arguments, arguments.model)
    from engine.score import ScoreResult, score

    result: ScoreResult = score(model, ids if ids is not None else model.prompt_ids(text or ""), arguments.top)
    if arguments.json:
        print(json.dumps(as_plain(result, with_top=arguments.top > 0), ensure_ascii=False))
        return 0
    for token in result.tokens:
        expected = "".join(f"  {token_id}:{logprob:.3f}" for token_id, logprob in token.top)
        logprob = "" if token.logprob is None else f"{token.logprob:.4f}"
        print(f"{token.id:>7} {logprob:>10}  {token.text!r}{expected}")
    print(f"bits per byte {_figure(result.bits_per_byte)} · perplexity {_figure(result.perplexity)}")
    return 0


def as_plain(result: Any, with_top: bool) -> dict[str, Any]:
    """The JSON keys of cli.md: `next_top` stands in the last entry."""
    tokens = [
        {"id": token.id, "text": token.text, "logprob": token.logprob}
        | ({"top": [list(pair) for pair in token.top]} if with_top else {"top": []})
        for token in result.tokens
    ]
    if with_top:
        tokens[-1]["next_top"] = [list(pair) for pair in result.next_top]
    return {"tokens": tokens, "bits_per_byte": result.bits_per_byte, "perplexity": result.perplexity}


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
