"""Who takes part: the peers' modules, what they read, and our own model folders.

For: the command. Knows how each is prepared from a checkpoint; must not know what is measured.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.peers.child import ROOT, Program

OURS = "tests.bench.peers.with_nextstroke"
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Peer:
    """A program beside ours. `reads_ours`: it is given our int4 folder in place of one of its own making."""

    title: str
    module: str
    reads_ours: bool = False


PEERS = {
    "transformers": Peer("transformers fp32", "tests.bench.peers.with_transformers"),
    "ctranslate2": Peer("CTranslate2 int8", "tests.bench.peers.with_ctranslate2"),
    "llama-cpp": Peer("llama.cpp Q4_0", "tests.bench.peers.with_llama_cpp"),
    "genai": Peer("genai int4", "tests.bench.peers.with_genai"),
    "genai-our-folder": Peer("genai, our int4 folder", "tests.bench.peers.with_genai", reads_ours=True),
}
READ_BY_GENAI = "int4"  # of our precisions


class PrepareError(Exception):
    """A program could not make its folder from the checkpoint; the message is the last line that it printed."""


@dataclass(frozen=True)
class Conversion:
    """One `nextstroke export`, certificate included. The memory is that of all its processes together."""

    seconds: float
    peak_bytes: int
    checkpoint_bytes: int


def prepare_peer(name: str, python: Path, checkpoint: Path, workspace: Path) -> Program:
    """Have a peer make its own folder, where it has not yet. Raises `PrepareError`."""
    peer = PEERS[name]
    folder = workspace / (f"ours-{READ_BY_GENAI}" if peer.reads_ours else name)
    if not folder.exists():
        if peer.reads_ours:
            raise PrepareError(f"there is no {folder.name} to read")
        part = folder.with_name(f"{folder.name}-part")
        shutil.rmtree(part, ignore_errors=True)
        _run([str(python), "-m", peer.module, "prepare", str(checkpoint), str(part)], workspace)
        part.rename(folder)
    return Program(peer.title, python, peer.module, folder)


def prepare_ours(precision: str, checkpoint: Path, workspace: Path) -> Program:
    """Have our exporter make a model folder, where it has not yet. Raises `PrepareError`."""
    folder = workspace / f"ours-{precision}"
    if not folder.exists():
        _run(export_command(checkpoint, folder, precision), workspace)
    return our_program(f"ours {precision}", folder)


def our_program(name: str, folder: Path) -> Program:
    """A model folder in this project's engine."""
    return Program(name, Path(sys.executable), OURS, folder, is_ours=True)


def export_command(checkpoint: Path, folder: Path, precision: str) -> list[str]:
    """What a person would type."""
    export = ["export", str(checkpoint), str(folder), "--precision", precision]
    return [sys.executable, "-m", "desktop_app", *export]


def measure_conversion(checkpoint: Path, workspace: Path, precision: str) -> Conversion:
    """Convert once more, on the clock. Raises `PrepareError`."""
    folder = workspace / "converted-again"
    shutil.rmtree(folder, ignore_errors=True)
    began, peak = time.perf_counter(), 0
    with subprocess.Popen(
        export_command(checkpoint, folder, precision), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            peak = max(peak, _memory_of(process.pid))
            time.sleep(SAMPLE_SECONDS)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise PrepareError(f"the export ended with {process.returncode}")
    shutil.rmtree(folder)
    return Conversion(seconds, peak, (checkpoint / "model.safetensors").stat().st_size)


def _memory_of(number: int) -> int:
    """Resident bytes of a process and all that descend from it."""
    try:
        root = psutil.Process(number)
        return sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))
    except psutil.NoSuchProcess:  # it ended in between
        return 0


def _run(command: Sequence[str], workspace: Path) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise PrepareError(words[-1].replace(str(workspace), "…"))
