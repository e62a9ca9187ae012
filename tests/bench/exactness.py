"""Exactness as a table: one request under every circumstance, its tokens and log-probabilities compared bit for bit.

    python -m tests.bench.exactness [--model FOLDER]... [--prompts 100] [--runs 10]

For: the contract "the same request gives the same answer", and people with another processor. Knows: the loop, the
sample texts, and what the self-check of this machine promises. Must not know: how exactness is reached.

    fresh                  an empty session
    reused                 a session that holds another text with the same beginning, cut elsewhere at every run
    one thread             fresh, on one thread in place of two; one thread, reused: the same on one thread
    after a restart        a new process for every run
    among candidates       2 to 8 candidates of one prompt as a batch, each against itself written alone
    guesses from the text  speculative decoding, 1 to 32 tokens ahead

What is compared with: the first answer of an empty session, one candidate after the other, without guesses. A
circumstance that the self-check does not promise on this processor is named and not counted.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.contracts.generation import CONTEXT_KEEP_END, Failed, Finished, GenerationRequest, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model
from engine.session import RunPlan, Session

ROOT = Path(__file__).resolve().parents[2]
NEW_TOKENS = 24
SEQUENTIAL = 4  # candidates written one after the other, to compare batches with
SETTINGS = (
    SamplingSettings(temperature=0),
    SamplingSettings(),
    SamplingSettings(temperature=1.2, top_p=0.98, min_p=0, repetition_penalty=1.1, no_repeat_ngram=4),
    SamplingSettings(top_k=40, typical_p=0.9, dry_multiplier=0.8, xtc_probability=0.3, mirostat=2),
)

Answer = tuple[tuple[tuple[int, float], ...], str]  # (token, log-probability) and why it ended
Answers = dict[int, Answer]  # by candidate


@dataclass(frozen=True)
class Row:
    """One line of the table; `compared` 0: not promised here."""

    model: str
    circumstance: str
    prompts: int
    runs: int
    compared: int
    differing: int


def requests(count: int) -> list[GenerationRequest]:
    """The same requests on every machine: cuts of the sample texts, every third one repeating itself."""
    dice = random.Random(11)
    texts = [(ROOT / "resources" / "samples" / name).read_text("utf-8") for name in ("english.txt", "chinese.txt")]
    made = []
    for number in range(count):
        text = texts[number % 2]
        start, length = dice.randrange(len(text) - 400), dice.randint(1, 400)
        prompt = text[start : start + length]
        prompt = prompt if number % 3 else prompt[:120] * 2 + prompt[:60]
        sampling = replace(SETTINGS[number % len(SETTINGS)], seed=number)
        made.append(
            GenerationRequest(
                f"request {number}",
                prompt,
                max_tokens=NEW_TOKENS,
                sampling=sampling,
                ignore_end_of_text=True,
                context_policy=CONTEXT_KEEP_END,
            )
        )
    return made


def answers(model: LoadedModel, session: Session, request: GenerationRequest) -> Answers:
    """What the loop gives, by candidate. Raises `RuntimeError` where it fails."""
    tokens: dict[int, list[tuple[int, float]]] = {}
    found: Answers = {}
    for event in generate(model, session, request):
        if isinstance(event, Token):
            tokens.setdefault(event.candidate, []).append((event.id, event.logprob))
        elif isinstance(event, Finished):
            found[event.candidate] = (tuple(tokens.get(event.candidate, ())), event.reason)
        elif isinstance(event, Failed):
            raise RuntimeError(event.message)
    return found


class Circumstances:
    """Everything that must not matter, over one model folder."""

    def __init__(self, folder: Path, under: str = "", plan: RunPlan | None = None) -> None:
        """`under`: words before a new process's own, such as an emulator's; `plan` in place of the measured one."""
        self._folder, self._under = folder, under
        self.model, self._one_thread = (_load(folder, threads, plan) for threads in (2, 1))
        self._restarted: dict[int, list[Answers]] = {}

    def table(self, count: int, runs: int) -> Iterator[Row]:
        """A row for each circumstance."""
        asked = requests(count)
        alone = replace(self.model, plan=replace(self.model.plan, batches=False))
        expected = [answers(alone, alone.new_session(), replace(one, candidates=SEQUENTIAL)) for one in asked]
        plan = self.model.plan
        for name, is_promised, answer in (
            ("fresh", True, lambda run, number: self._fresh(self.model, asked[number])),
            ("reused", True, lambda run, number: self._reused(self.model, asked, number, run)),
            ("one thread", plan.any_threads, lambda run, number: self._fresh(self._one_thread, asked[number])),
            (
                "one thread, reused",
                plan.any_threads,
                lambda run, number: self._reused(self._one_thread, asked, number, run),
            ),
            ("after a restart", True, lambda run, number: self._after_restart(count, number, run)),
            ("among candidates", True, lambda run, number: self._candidates(asked[number], run)),
            ("guesses from the text", True, lambda run, number: self._guessed(asked[number], run)),
        ):
            yield self._row(name, answer if is_promised else None, expected, runs)

    def _row(
        self, name: str, answer: Callable[[int, int], Answers] | None, expected: Sequence[Answers], runs: int
    ) -> Row:
        compared = differing = 0
        for run in range(runs if answer is not None else 0):
            for number, wanted in enumerate(expected):
                found = answer(run, number) if answer is not None else {}
                shared = set(found) & set(wanted)
                compared += len(shared)
                differing += sum(found[candidate] != wanted[candidate] for candidate in shared)
        return Row(self.model.manifest.id, name, len(expected), runs, compared, differing)

    def _fresh(self, model: LoadedModel, request: GenerationRequest) -> Answers:
        return answers(model, model.new_session(), request)

    def _reused(self, model: LoadedModel, asked: Sequence[GenerationRequest], number: int, run: int) -> Answers:
        """After a text that begins as the prompt does and goes on as another, and after what that made of it."""
        prompt, other = asked[number].prompt or "", asked[number - 1].prompt or ""
        cut = len(prompt) * (run + 1) // (run + 2)
        session = model.new_session()
        answers(model, session, replace(asked[number], prompt=prompt[:cut] + other[run:], max_tokens=3 + run))
        return answers(model, session, asked[number])

    def _after_restart(self, count: int, number: int, run: int) -> Answers:
        if run not in self._restarted:
            self._restarted[run] = in_new_process(self._folder, count, self._under)
        return self._restarted[run][number]

    def _candidates(self, request: GenerationRequest, run: int) -> Answers:
        return self._fresh(self.model, replace(request, candidates=2 + run % 7))

    def _guessed(self, request: GenerationRequest, run: int) -> Answers:
        return self._fresh(self.model, replace(request, lookup=(1, 2, 4, 8, 16, 32)[run % 6]))


def _load(folder: Path, threads: int, plan: RunPlan | None) -> LoadedModel:
    model = load_model(folder, "cpu", threads)
    return model if plan is None else replace(model, plan=plan)


def in_new_process(folder: Path, count: int, under: str = "") -> list[Answers]:
    """The answers of a process that starts, loads the folder and ends. Floats come back as they were (`repr`)."""
    command = [*under.split(), sys.executable, "-m", "tests.bench.exactness", "--answers-only", "--model", str(folder)]
    done = subprocess.run([*command, "--prompts", str(count)], cwd=ROOT, check=True, capture_output=True, text=True)
    return [
        {int(candidate): (tuple((i, p) for i, p in tokens), reason) for candidate, (tokens, reason) in one.items()}
        for one in json.loads(done.stdout)
    ]


def table_lines(rows: Sequence[Row]) -> list[str]:
    """The table in Markdown."""
    lines = [
        "| model | circumstance | prompts | runs | answers compared | differing |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        verdict = f"{row.compared} | {row.differing}" if row.compared else "not promised here | -"
        lines.append(f"| {row.model} | {row.circumstance} | {row.prompts} | {row.runs} | {verdict} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 where nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exactness", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", help="a model folder; may be given again")
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument(
        "--under", default="", metavar="WORDS", help="the emulator that this runs in, for new processes"
    )
    parser.add_argument("--answers-only", action="store_true", help="one run of fresh answers as JSON")
    given = parser.parse_args(arguments)
    folders = given.model or [ROOT / "resources" / "models" / "tiny-zh-en"]
    if given.answers_only:
        model = load_model(folders[0], "cpu", 2)
        print(json.dumps([answers(model, model.new_session(), one) for one in requests(given.prompts)]))
        return 0
    rows: list[Row] = []
    for folder in folders:
        circumstances = Circumstances(folder, given.under)
        print(f"{folder.name}: {circumstances.model.plan.description}, {circumstances.model.plan}", file=sys.stderr)
        for row in circumstances.table(given.prompts, given.runs):
            rows.append(row)
            print(f"{row.circumstance}: {row.differing} of {row.compared} differ", file=sys.stderr)
    print("\n".join(table_lines(rows)))
    return 1 if any(row.differing for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
