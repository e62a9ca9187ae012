"""Figures and tables of the manual's page on the two networks, from the JSON file of what was measured.

For: `python -m export.comparison`, and the tests that hold page, figures and JSON together.
Knows: the JSON's shape, the files' names, and the marks in the page between which tables lie.
Must not know: how anything was measured. The same JSON gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.contracts.errors import FileError
from export.comparison.attended import START
from export.comparison.attention_figure import Attended, draw_attention
from export.comparison.curves import Panel, draw_curves
from export.comparison.words import GLOSSES, LANGUAGES, WORDS

HELD_OUT = ("aesop", "xiao_hong")
COLOURS = {"gpt": "first", "lstm": "second"}
CELLS = {"gpt": 25, "lstm": 34}
_TABLE = re.compile(r"(<!-- measured: (?P<name>\w+) -->\n).*?(<!-- /measured -->)", re.DOTALL)

Figures = Mapping[str, Any]
Row = tuple[str, Callable[[Mapping[str, Any]], str]]


def figure_files(figures: Figures) -> dict[str, str]:
    """Every SVG by its file name."""
    drawn = {}
    for language in LANGUAGES:
        drawn[f"two_networks_curves_{language}.svg"] = _curves(figures, language)
        for network in COLOURS:
            drawn[f"two_networks_attention_{network}_{language}.svg"] = _attention(figures, network, language)
    return drawn


def with_tables(page: str, figures: Figures, language: str) -> str:
    """The page with every table between its marks written anew. Raises `FileError` for a name that no table has."""
    tables = {"article": _article_table, "answers": _answers, "books": _books_table, "samples": _samples}

    def replaced(found: re.Match[str]) -> str:
        if found["name"] not in tables:
            raise FileError(
                f"the manual's page asks for the table {found['name']}, which there is not; correct its mark"
            )
        return f"{found[1]}\n{tables[found['name']](figures, WORDS[language])}\n\n{found[3]}"

    return _TABLE.sub(replaced, page)


def _curves(figures: Figures, language: str) -> str:
    words, books = WORDS[language], figures["books"]

    def panel(title: str, curves: Mapping[str, Any]) -> Panel:
        return Panel(words[title], {COLOURS[network]: curve for network, curve in curves.items()})

    training = panel("training_loss", {network: books[network]["training_loss"] for network in COLOURS})
    heldout = [panel(group, {network: books[network]["heldout"][group] for network in COLOURS}) for group in HELD_OUT]
    rows = [[training], heldout]
    names = {COLOURS[network]: words[network] for network in COLOURS}
    return draw_curves(
        words["curves_title"], names, rows, words["across"], lambda value: _thousands(value, words["thousand"])
    )


def _thousands(value: float, word: str) -> str:
    if word == "千" and value >= 10_000:
        return f"{value / 10_000:g} 万"
    return f"{value / 1000:g} {word}" if value else "0"


def _attention(figures: Figures, network: str, language: str) -> str:
    words = WORDS[language]
    texts = [_attended(item, words, language) for item in figures["attention"][network]]
    explained = (words["rows"], words["predicted"])
    return draw_attention(words[f"attention_{network}_title"], explained, texts, COLOURS[network], CELLS[network])


def _attended(item: Mapping[str, Any], words: Mapping[str, str], language: str) -> Attended:
    def label(token: str) -> str:
        token = token.strip()
        return f"{token} {GLOSSES[token]}" if language == "en" and token in GLOSSES else token

    labels = [words["start"] if token == START else label(token) for token in item["tokens"]]
    columns = [words["start"] if token == START else token.strip() for token in item["tokens"]]
    only = len(item["maps"]) == len(item["maps"][0]) == 1
    maps = [
        (
            words["only_head"] if only else words["head"].format(layer=layer + 1, head=head + 1),
            tuple(tuple(row) for row in weights),
        )
        for layer, heads in enumerate(item["maps"])
        for head, weights in enumerate(heads)
    ]
    predicted = [f"→ {token or words['end']} {share:.0%}" for token, share in item["next"]]
    return Attended(tuple(labels), tuple(columns), tuple(maps), tuple(predicted))


def _article_table(figures: Figures, words: Mapping[str, str]) -> str:
    def completions(found: Mapping[str, Any]) -> str:
        return "<br>".join(prompt + " → " + made for prompt, made in found["completions"].items())

    rows: list[Row] = [
        (words["recipe"], lambda found: f"`{found['recipe']}`"),
        (words["parameters"], lambda found: f"{found['parameters']:,}"),
        (words["command_seconds"], lambda found: f"{found['seconds']:.0f}"),
        (words["last_loss"], lambda found: f"{found['training_loss'][-1][1]:.3f}"),
        (words["completions"], completions),
    ]
    return _table(figures["article"], words, rows)


def _answers(figures: Figures, words: Mapping[str, str]) -> str:
    """How each network goes on, with attention on and off."""
    columns = [(network, how) for network in COLOURS for how in ("seeing", "blind")]
    head = [words[how].format(network=words[network]) for network, how in columns]
    lines = [f"| {words['prompt']} | {' | '.join(head)} |", "|---" * (len(columns) + 1) + "|"]
    for number, item in enumerate(figures["answers"]["gpt"]):
        cells = [figures["answers"][network][number][how] for network, how in columns]
        lines.append(f"| {item['prompt']} | {' | '.join(f'{token} {share:.0%}' for token, share in cells)} |")
    return "\n".join(lines)


def _books_table(figures: Figures, words: Mapping[str, str]) -> str:
    def best(group: str) -> Callable[[Mapping[str, Any]], str]:
        def shown(found: Mapping[str, Any]) -> str:
            tokens, bits = min(found["heldout"][group], key=lambda point: point[1])
            return f"{bits:.3f} ({tokens:,})"

        return shown

    rows: list[Row] = [
        (words["recipe"], lambda found: f"`{found['recipe']}`"),
        (words["parameters"], lambda found: f"{found['parameters']:,}"),
        (words["embedding"], lambda found: f"{found['parts']['embedding']:,}"),
        (words["inside"], lambda found: f"{found['parts']['inside']:,}"),
        (words["head_part"], lambda found: f"{found['parts']['head']:,}" if found["parts"]["head"] else words["tied"]),
        (words["final_loss"], lambda found: f"{found['training_loss'][-1][1]:.3f}"),
        (words["best_aesop"], best("aesop")),
        (words["best_xiao_hong"], best("xiao_hong")),
        (words["training_speed"], lambda found: f"{found['tokens_per_second']:,.0f}"),
        (words["prefill"], lambda found: f"{found['engine']['prefill_tokens_per_second']:,.0f}"),
        (words["decode"], lambda found: f"{found['engine']['decode_tokens_per_second']:,.0f}"),
        (words["kept"], lambda found: f"{found['kept_per_token']:,}"),
    ]
    return _table(figures["books"], words, rows) + "\n\n" + words["machine"].format(**figures["machine"])


def _samples(figures: Figures, words: Mapping[str, str]) -> str:
    parts = []
    for network in COLOURS:
        for item in figures["books"][network]["samples"]:
            title = words["writes"].format(network=words[network], prompt=item["prompt"])
            lines = (item["prompt"] + item["continuation"]).strip().splitlines()
            parts.append(title + "\n\n" + "\n".join(f"    {line}".rstrip() for line in lines))
    return "\n\n".join(parts)


def _table(found: Mapping[str, Any], words: Mapping[str, str], rows: list[Row]) -> str:
    lines = [f"| {words['network']} | {' | '.join(words[network] for network in COLOURS)} |", "|---|---:|---:|"]
    lines += [f"| {name} | {' | '.join(shown(found[network]) for network in COLOURS)} |" for name, shown in rows]
    return "\n".join(lines)
