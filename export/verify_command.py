"""`nextstroke verify FOLDER [--source CHECKPOINT]`: check a folder; with its source, recompute the certificate."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contracts.errors import TokenizerError, VerificationError, file_error
from export.export_command import demand_extra, stopping_cleanly
from export.progress import Report, part, reporter

if TYPE_CHECKING:
    from export.importers.load import Imported


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the model folder")
    parser.add_argument("--source", metavar="CHECKPOINT", type=Path, help="the checkpoint that it was made from")
    parser.add_argument("--json", action="store_true", help="result and progress as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Check hashes and graph, and with the source recompute the certificate."""
    from export.verify import check_folder

    report = reporter(arguments.json)
    facts = check_folder(arguments.folder, part(report, 0.0, 0.2 if arguments.source else 1.0))
    plain: dict[str, Any] = {
        "folder": str(arguments.folder),
        "hashes": "equal",
        "files": facts.files,
        "bytes": facts.bytes,
    }
    if arguments.source is not None:
        demand_extra()
        with stopping_cleanly():
            plain["certificate"] = _recompute(arguments.folder, arguments.source, part(report, 0.2, 1.0))
    report(1.0, "done")
    if arguments.json:
        print(json.dumps(plain, ensure_ascii=False))
        return 0
    print(f"{arguments.folder}: {facts.files} files, {facts.bytes / 1e6:.1f} MB, all SHA-256 equal, the graph runs")
    print(plain["certificate"]["words"] if "certificate" in plain else facts.words)
    return 0


def _recompute(folder: Path, source: Path, report: Report) -> dict[str, Any]:
    from export.reference import Reference
    from export.verify import certify_again

    with tempfile.TemporaryDirectory(prefix="nextstroke-verify-") as workspace:
        report(0.0, "reading the checkpoint")
        imported = _import(source, Path(workspace), folder)
        reference = Reference(imported.config, imported.tensors())
        return certify_again(folder, imported, reference, part(report, 0.3, 1.0)).summary()


def _import(source: Path, workspace: Path, folder: Path) -> Imported:
    """The checkpoint with the folder's own tokenizer, which a checkpoint may lack."""
    from export.importers.load import import_checkpoint
    from export.verify import end_of_text_of

    try:
        return import_checkpoint(source, workspace, folder, end_of_text_of(folder))
    except TokenizerError as error:
        raise VerificationError(
            f"{folder} was not made from {source}, since its tokenizer does not fit that checkpoint; name its source"
        ) from error
    except OSError as error:
        raise file_error(error, f"write temporary files in {workspace.parent}") from error
