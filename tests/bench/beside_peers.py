"""Our engine's decoding beside other programs': random weights of published shapes, everybody in turn in one run.

    python tests/bench/beside_peers.py gpt2-124m --workspace FOLDER --output tests/bench/figures/gpt2-124m.json \\
        --peer transformers=PYTHON --peer ctranslate2=PYTHON --peer llama-cpp=PYTHON --peer genai=PYTHON

Each peer lives in an environment of its own, whose interpreter is named; one that is not named is left out, and the
tables say so. Our folders are exported from the same weights (`--precision`); other folders can join (`--ours
NAME=FOLDER`). `--prepare` only makes what the race needs, which takes minutes the first time. What is measured and how
stands in `peers/race.py`; `readme_speed.py` writes README's tables from the files.

The peers' environments: transformers with torch; ctranslate2 with transformers and torch, for its converter;
llama-cpp-python with gguf and safetensors; onnxruntime-genai with onnx, transformers and torch, for its model builder.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.peers.checkpoint import write_checkpoint
from tests.bench.peers.child import Child, ChildError, Program
from tests.bench.peers.contestants import (
    PEERS,
    PrepareError,
    measure_conversion,
    our_program,
    prepare_ours,
    prepare_peer,
)
from tests.bench.peers.figures import Report, read_report, this_machine
from tests.bench.peers.race import Plan, race
from tests.bench.peers.shapes import SHAPES
from tests.bench.peers.table import section

NOT_NAMED = "no interpreter was named for it"
CONVERTED = "int4"
PLAN = Plan()


def main(arguments: Sequence[str] | None = None) -> Report | None:
    """Prepare, race, write. Answers the report, or None where only preparing was asked for."""
    options = _parser().parse_args(arguments)
    shape, workspace = SHAPES[options.shape], options.workspace / options.shape
    checkpoint = write_checkpoint(shape, workspace)
    programs, left_out = _contestants(options, checkpoint, workspace)
    plan = replace(PLAN, rounds=options.rounds, new_tokens=options.new_tokens, threads=options.threads)
    variables = _variables(workspace, options.threads)
    conversion = measure_conversion(checkpoint, workspace, CONVERTED) if options.convert else None
    if conversion:
        _say(f"conversion to {CONVERTED}: {conversion.seconds:.1f} s, peak {conversion.peak_bytes / 1e6:,.0f} MB")

    def start(program: Program) -> Child:
        return Child(program, plan.threads, plan.context, variables)

    with ExitStack() as started:
        children = _started(programs, left_out, start, started)
        if options.prepare:
            return None
        outcome = race(children, plan, shape.vocabulary, start, _say)
    report = Report(
        shape=shape,
        plan=plan,
        machine=this_machine(),
        date=datetime.date.today().isoformat(),
        ours=tuple(child.name for child in children if child.program.is_ours),
        left_out=left_out,
        outcome=outcome,
        conversion=conversion,
    )
    written = report.to_json()
    report = read_report(written)  # what is said is what can be read again, rounding included
    _say("\n" + section(report))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(written, encoding="utf-8")
    return report


def _contestants(
    options: argparse.Namespace, checkpoint: Path, workspace: Path
) -> tuple[list[Program], dict[str, str]]:
    """The peers first, then ours; and who could not be prepared."""
    ours = [prepare_ours(precision, checkpoint, workspace) for precision in options.precision]
    ours += [our_program(name, Path(folder)) for name, folder in options.ours]
    named, peers, left_out = dict(options.peer), [], {}
    for name, peer in PEERS.items():
        if name not in named:
            left_out[peer.title] = NOT_NAMED
            continue
        try:
            peers.append(prepare_peer(name, Path(named[name]), workspace / "huggingface", workspace))
        except PrepareError as error:
            left_out[peer.title] = str(error)
    return [*peers, *ours], left_out


def _started(
    programs: Sequence[Program], left_out: dict[str, str], start: Callable[[Program], Child], stack: ExitStack
) -> list[Child]:
    """Those that load and answer; a peer that does not is left out, one of ours stops everything."""
    children = []
    for program in programs:
        try:
            child = stack.enter_context(start(program))
            child.write((1, 2, 3, 4), 2, rows=2)
            children.append(child)
        except ChildError as error:
            if program.is_ours:
                raise SystemExit(str(error)) from error
            left_out[program.name] = str(error)
    for name, why in left_out.items():
        _say(f"left out: {name}: {why}")
    return children


def _say(line: str) -> None:
    print(line, flush=True)


def _variables(workspace: Path, threads: int) -> dict[str, str]:
    """Of every contestant's environment: as many threads as asked for, a profile of its own, no look at a network."""
    counts = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    return counts | {
        "NEXTSTROKE_PROFILE": str(workspace / "profile"),
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _named(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _peer(text: str) -> tuple[str, str]:
    name, python = _named(text)
    if name not in PEERS:
        raise argparse.ArgumentTypeError(f"there is no peer {name!r}; known are {', '.join(PEERS)}")
    if not Path(python).is_file():
        raise argparse.ArgumentTypeError(f"there is no interpreter {python}")
    return name, python


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("--workspace", type=Path, required=True, metavar="FOLDER", help="checkpoints and conversions")
    parser.add_argument("--peer", type=_peer, action="append", default=[], metavar="NAME=PYTHON", help=", ".join(PEERS))
    parser.add_argument("--ours", type=_named, action="append", default=[], metavar="NAME=FOLDER", help="model folder")
    parser.add_argument("--precision", nargs="*", default=["int4", "int8"], help="of our exports (default: both)")
    parser.add_argument("--rounds", type=int, default=PLAN.rounds)
    parser.add_argument("--new-tokens", type=int, default=PLAN.new_tokens)
    parser.add_argument("--threads", type=int, default=PLAN.threads)
    parser.add_argument("--convert", action="store_true", help="also convert once more, on the clock")
    parser.add_argument("--prepare", action="store_true", help="only make the folders and see who can take part")
    parser.add_argument("--output", type=Path, metavar="FILE.json", help="where all rounds go")
    return parser


if __name__ == "__main__":
    main()
