"""Runs of a recipe in several processes that this machine starts as torchrun would: environment, no shell.

As a script it is one of these processes: `together.py JOBS`, JSON of [{"overrides", "folder", "resume", "stop"}, …],
one run after the other, so that the seconds that torch takes to load are paid once.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from export.training.distributed_launch import worker_environment

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Job:
    """One run of the toy recipe."""

    folder: str
    overrides: tuple[str, ...] = ()
    resume: bool = False
    stop: int | None = None


def start(jobs: Sequence[Job], meeting: Path, count: int = 2) -> list[subprocess.Popen[str]]:
    """The processes, started; each with its standard error as a pipe."""
    text = json.dumps([asdict(job) for job in jobs])
    return [
        subprocess.Popen(
            [sys.executable, __file__, text],
            cwd=ROOT,
            env={**worker_environment(rank, count, meeting), "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(count)
    ]


def finish(processes: Sequence[subprocess.Popen[str]], timeout: float = 300) -> list[str]:
    """Wait for all; their standard errors."""
    try:
        return [process.communicate(timeout=timeout)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def run_together(jobs: Sequence[Job], meeting: Path, count: int = 2) -> list[str]:
    """Run all jobs to their ends; fails where a process did. `meeting` is a file that is not there yet."""
    processes = start(jobs, meeting, count)
    said = finish(processes)
    assert [process.returncode for process in processes] == [0] * count, "\n".join(said)
    return said


def main() -> int:
    """One process of the run."""
    import torch

    from export.training.distributed import Team, as_team
    from export.training.recipe import load_recipe
    from export.training.train_command import find_recipe
    from export.training.trainer import Trainer

    torch.set_num_threads(1)

    def work(team: Team) -> int:
        for job in json.loads(sys.argv[1]):
            recipe = load_recipe(find_recipe("toy"), job["overrides"])
            trainer = Trainer(recipe, Path(job["folder"]), team=team)
            trainer.run(resume=job["resume"], stop_after_steps=job["stop"])
        return 0

    return as_team(work)


if __name__ == "__main__":
    sys.exit(main())
