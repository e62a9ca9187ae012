"""The file tree of README.md: every folder and module, one line each, in the words of their own docstrings.

Knows: how a line is made. Must not know: what any module does; folders without code are described in the table below.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

WORD_COLUMN = 34
LONGEST_LINE = 120

# Folders speak for what lies in them; modules speak for themselves.
FOLDERS = {
    "desktop_app": "the window (PySide6) and the `nextstroke` entry; its process loads no numeric library",
    "desktop_app/controls": "commands that are more than one call: export, models, origins, statistics, session",
    "desktop_app/dialogs": "dialogs",
    "desktop_app/document": "files on disk and the text in them; no Qt, no engine",
    "desktop_app/document/readers": "files of other programs in; no Qt",
    "desktop_app/document/writers": "files of other formats out: one writer a format over one stream of blocks; no Qt",
    "desktop_app/editor": "the page: layout, painting, continuation",
    "desktop_app/look": "colours, fonts, icons of both themes",
    "desktop_app/open_texts": "tabs and the documents in them: opened, saved, compared with their files, kept",
    "desktop_app/panels": "the side panel's pages",
    "desktop_app/qt_writers": "the two formats that Qt itself writes: .odt and .pdf",
    "desktop_app/services": "engine bridge, settings, paths, export jobs; QtCore only",
    "desktop_app/spelling": "words, dictionaries, the person's own words; the dictionary is in a process of its own",
    "engine": "local inference; ONNX Runtime in one file; no torch, no Qt",
    "engine/commands": "one file for each subcommand of the command line",
    "engine/sampling": "which token comes next: one chain of small stages",
    "engine/constraints": "what a text must be: choices, a regex, JSON of a schema; llguidance in one file",
    "engine/contracts": "what crosses borders: manifest, requests, events, errors; standard library only",
    "engine/kernels": "own operators for ONNX Runtime in C, compiled at the set-up, and the graph that uses them",
    "engine/layouts": "model folders that other programs have made",
    "engine/openai_format": "the local server's JSON: requests, answers, refusals; no sockets",
    "export": "the PyTorch side: train, import, convert, verify",
    "export/comparison": "the manual's page on two networks: train, time and draw them",
    "export/graph": "the ONNX graph, node by node",
    "export/importers": "checkpoint families: tables of names and the one loop over them",
    "export/model": "configurations, the GPT and the recurrent network in PyTorch",
    "export/ngrams": "n-grams of a training text beside a network: counted, smoothed, pruned, weighed by a gate",
    "export/tasks": "translation, titles, summaries: their spelling, training pairs, baselines, scores",
    "export/training": "corpus, tokenizer, trainer, checkpoints, recipes",
    "resources": "everything that is not program logic",
    "resources/i18n": "the window's words, English and 简体中文",
    "resources/icons": "icons",
    "resources/manual": "the manual in both languages, its figures, screenshots",
    "resources/models": "the bundled model",
    "resources/packaging": "set-up and packaging scripts",
    "resources/samples": "sample texts",
    "resources/themes": "design tokens",
    "tests": "mirrors the tree; `tests/project` checks the project itself",
}
SPOKEN_FOR = ("tests", "resources")  # one line for the folder, none for the files in it
ALSO_EACH_FILE = ("resources/packaging",)


def lines(root: Path, tracked: list[Path]) -> list[str]:
    """The tree as it should stand in README.md; raises KeyError for a folder that the table lacks."""
    folders = sorted({folder for path in tracked for folder in described_parents(path)})
    result: list[str] = []
    for folder in folders:
        depth = folder.count("/")
        result.append(line("  " * depth + folder.rpartition("/")[2] + "/", FOLDERS[folder]))
        if folder.partition("/")[0] not in SPOKEN_FOR or folder in ALSO_EACH_FILE:
            result += module_lines(root, [path for path in tracked if path.parent.as_posix() == folder], depth + 1)
    return result


def described_parents(path: Path) -> Iterator[str]:
    """The folders above a file that get a line: two levels, and tests as one."""
    parts = path.parts[:-1]
    if parts and not parts[0].startswith("."):
        yield parts[0]
        if len(parts) > 1 and parts[0] != "tests":
            yield "/".join(parts[:2])


def module_lines(root: Path, paths: list[Path], depth: int) -> list[str]:
    """One line for each module that has something to say."""
    return [
        line("  " * depth + path.name, words)
        for path in sorted(paths)
        if path.suffix in (".py", ".c", ".h") and path.name != "__init__.py" and (words := first_sentence(root / path))
    ]


def first_sentence(path: Path) -> str:
    """The docstring's first line, or that of C's first comment, without its full stop; empty where there is none."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        docstring = ast.get_docstring(ast.parse(text)) or ""
    else:
        docstring = text.partition("/*")[2].partition("*/")[0].replace("\n *", "\n").replace("\n ", "\n").strip()
    first = docstring.partition("\n\n")[0].replace("\n", " ")
    return first.partition(". ")[0].rstrip(".:")


def line(name: str, words: str) -> str:
    """One line; what is too long for it ends at its colon, else wherever the line is full."""
    room = LONGEST_LINE - WORD_COLUMN
    if len(words) > room:
        words = words.partition(": ")[0].partition("; ")[0]
    if len(words) > room:
        words = words[: room - 2].rsplit(" ", 1)[0].rstrip(",;:(") + " …"
    return f"{name:<{WORD_COLUMN}}{words}"
