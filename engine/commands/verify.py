"""`nextstroke verify FOLDER`: is this model folder whole, and does it run? (With `--source` the export side answers.)

    manifest -> sizes and hashes -> certificate -> tokenizer -> graph loads and answers with finite numbers

Stops at the first check that fails: what follows would rest on it. Knows the order; must not know how a check is done.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.contracts.errors import ModelFolderError, NextstrokeError, VerificationError
from engine.contracts.manifest import CERTIFICATE_NAME, MANIFEST_NAME
from engine.folder import ModelFolder, open_folder
from engine.library import open_library

SAMPLE = "Once upon a time 从前有一个"
CERTIFICATE_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class Check:
    """One line of the answer."""

    name: str
    ok: bool
    detail: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder."""
    parser.add_argument("folder", metavar="FOLDER", help="model folder, or a name from `nextstroke models`")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; raises `VerificationError` when something is wrong."""
    folder = open_library().find(arguments.folder)
    checks: list[Check] = []
    for check in verify(folder, arguments.device, arguments.threads):
        checks.append(check)
        if not arguments.json:
            print(f"{'ok    ' if check.ok else 'FAILED'}  {check.name}: {check.detail}", flush=True)
    failed = next((check for check in checks if not check.ok), None)
    if arguments.json:
        plain = {"folder": str(folder), "ok": failed is None, "checks": [asdict(check) for check in checks]}
        print(json.dumps(plain, ensure_ascii=False))
    if failed is not None:
        raise VerificationError(failed.detail)
    return 0


def verify(folder: Path, device: str = "auto", threads: int | None = None) -> Iterator[Check]:
    """The checks in order, ending with the first that fails."""
    opened: list[ModelFolder] = []

    def check_files() -> str:
        opened.append(open_folder(folder, check_hashes=True))
        has_manifest = (opened[0].path / MANIFEST_NAME).is_file()
        hashes = "every SHA-256 right" if has_manifest else "no manifest with SHA-256 to compare with"
        return f"{len(opened[0].manifest.files)} files, {opened[0].total_bytes:,} bytes, {hashes}"

    steps: tuple[tuple[str, Callable[[], str]], ...] = (
        ("manifest and files", check_files),
        ("certificate", lambda: check_certificate(opened[0])),
        ("tokenizer", lambda: check_tokenizer(opened[0])),
        ("graph", lambda: check_graph(folder, device, threads)),
    )
    for name, step in steps:
        try:
            yield Check(name, True, step())
        except NextstrokeError as error:
            yield Check(name, False, str(error))
            return


def check_certificate(opened: ModelFolder) -> str:
    """The certificate is there, listed with its hash, and JSON; what its summary says. Others' folders have none."""
    if not opened.manifest.is_own:
        return f"none: {opened.manifest.source['layout']} wrote this folder, so nothing proves the conversion"
    path = opened.path / CERTIFICATE_NAME
    if all(entry.name != CERTIFICATE_NAME for entry in opened.manifest.files):
        where = "is not listed in the manifest" if path.is_file() else "is missing"
        raise ModelFolderError(f"{CERTIFICATE_NAME} {where}, so nothing proves this conversion; export the model again")
    try:
        if path.stat().st_size > CERTIFICATE_LIMIT_BYTES or not isinstance(json.loads(path.read_bytes()), dict):
            raise ValueError
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path} is no certificate; export the model again") from error
    return json.dumps(dict(opened.manifest.certificate), ensure_ascii=False)


def check_tokenizer(opened: ModelFolder) -> str:
    """The tokenizer fits the model and gives a text back unchanged."""
    from engine.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(opened)
    begun = "" if opened.manifest.is_own else " "  # others' tokenizers may begin a text with a space
    if tokenizer.decode(tokenizer.encode(SAMPLE)).removeprefix(begun) != SAMPLE:
        raise ModelFolderError("the tokenizer does not give a text back unchanged; export the model with the right one")
    return f"{tokenizer.vocabulary_size} tokens, a text comes back unchanged"


def check_graph(folder: Path, device: str, threads: int | None) -> str:
    """The graph loads and answers a few tokens with finite numbers."""
    from engine.loaded_model import load_model
    from engine.score import score

    model = load_model(folder, device, threads)
    ids = model.prompt_ids(SAMPLE)[: model.context_length]
    result = score(model, ids)
    return f"ran {len(ids)} tokens on {model.device.name}, perplexity {result.perplexity or 0.0:.1f}"
