"""One training run, from a recipe to a finished checkpoint.

For: `nextstroke train`.
Knows: the order of things: tokenizer, packing, steps, checkpoints, evaluation, samples, the end.
Must not know: how any of these is done; each has its own file beside this one.

    RUN/tokenizer.model  packed/*.tokens  log.jsonl  curve.svg  checkpoint-NNNNNNNN/ (rotating)
    RUN/final/           the checkpoint at the end;  evaluation.json  samples.json

Exactness: a step depends on weights, optimizer state and Progress alone. So a run that was stopped and resumed is
bit-equal to one that was not (same machine, same number of threads), and the tests hold it to that.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from engine.contracts.errors import CheckpointError, CorpusError, RecipeError
from export.model.architectures import build
from export.model.language_model import LanguageModel
from export.training import checkpoint as checkpoints
from export.training.checkpoint import Checkpoint, Progress
from export.training.corpus import PackedGroup, Sampler, pack
from export.training.device import open_device, peak_of, refuse_missing_compiler
from export.training.distributed import Team, alone
from export.training.distributed_shards import held_here
from export.training.evaluation import HeldOut, evaluate, read_heldout
from export.training.files import make_folder, write_json
from export.training.gradients import Objective, next_token_loss
from export.training.optimizer import MixedOptimizer
from export.training.parallel import spread_over
from export.training.precision import as_it_began, settle_precision
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.run_report import RunReport, say
from export.training.run_tokenizer import tokenizer_of_run
from export.training.same_run import changes, refuse_another_run
from export.training.samples import samples
from export.training.schedule import rate_share
from export.training.stop_signals import stop_signals
from export.training.tokenizer import TextTokenizer

_HIGHEST_LOSS = 1e4  # nats per token; a guess among a million words costs 14


class Trainer:
    """Holds the parts of a run; `run` does it.

    Without `model` the recipe's network starts from its own random weights; a given one starts as it is, and of its
    parameters only those that require a gradient are trained.
    """

    def __init__(
        self,
        recipe: Recipe,
        folder: Path,
        cache: Path | None = None,
        model: LanguageModel | None = None,
        objective: Objective = next_token_loss,
        team: Team | None = None,
    ) -> None:
        self.recipe, self.folder = recipe, folder
        self.team = team or alone()
        self.team.folder = folder
        self.settings = recipe.training
        self.device = open_device(self.settings.device)
        if self.settings.compile:
            refuse_missing_compiler(self.device)
        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)
        make_folder(folder, "the run's folder")
        self.tokenizer = TextTokenizer(self.team.from_leader(lambda: tokenizer_of_run(recipe, folder).model))
        self._say(f"packing {len(recipe.groups)} groups")
        self.packed: list[PackedGroup] = self.team.in_turn(
            lambda: [pack(group, self.tokenizer, cache or folder / "packed") for group in recipe.groups]
        )
        self.team.require_same(self._what_steps_depend_on())
        self._say(f"{sum(len(item.tokens) for item in self.packed):,} tokens of training text")
        self.model = _new_model(recipe) if model is None else model
        self.model.to(self.device)
        self.spread = spread_over(self.team, recipe, self.model, self._autocast, objective)
        settings = self.settings
        self.optimizer = MixedOptimizer(
            self.model, settings.weight_decay, rule=settings.optimizer, directions=self.spread.directions
        )
        self.progress = Progress()
        self.stop_requested = False

    def run(self, resume: bool = False, stop_after_steps: int | None = None) -> bool:
        """Train to the end, or to a stop request; True when finished."""
        if resume:
            self._resume()
        elif self._newest_checkpoint():
            raise RecipeError(f"{self.folder} already holds a run; add --resume or name another --output")
        if self._is_finished():
            self._say(
                f"this run is finished: it has its {self.progress.tokens:,} tokens; raise training.tokens to go on"
            )
            return True
        report = self._begin()
        heldout = read_heldout(self.recipe.groups, self.tokenizer, self.settings.evaluation_bytes)
        first, saved = self.progress, time.monotonic()
        with stop_signals(self._ask_to_stop):
            while self.progress.tokens < self.settings.tokens:
                before = self.progress.tokens
                self._timed_step(report)
                done = self.progress.tokens
                if self.progress.step % self.settings.log_every_steps == 0:
                    report.step(self.progress, self._rate_share())
                    self.progress = replace(self.progress, loss_sum=0.0, loss_steps=0)
                if done // self.settings.evaluate_every_tokens > before // self.settings.evaluate_every_tokens:
                    self._evaluate(report, heldout)
                if done // self.settings.samples_every_tokens > before // self.settings.samples_every_tokens:
                    self._samples(report)
                asked = self.stop_requested or (stop_after_steps == self.progress.step - first.step)
                late = time.monotonic() - saved > 60 * self.settings.checkpoint_minutes
                stopped, late = self.team.any(asked, late)  # all processes stop after the same step
                if stopped or late:
                    self._save()
                    saved = time.monotonic()
                if stopped:
                    self._say(f"stopped after step {self.progress.step}; continue with --resume")
                    return False
        self._finish(report)
        return True

    def _is_finished(self) -> bool:
        """Whether nothing is left to do, reports included."""

        def look() -> bytes:
            ends = [line["step"] for line in read_log(self.folder / "log.jsonl") if line["event"] == "end"]
            return b"yes" if self.progress.step in ends else b"no"

        return self.progress.tokens >= self.settings.tokens and self.team.from_leader(look) == b"yes"

    def _begin(self) -> RunReport:
        """Settle what depends on the machine, and say so."""
        self.recipe, precision = settle_precision(self.recipe, self.device.type, self.team)
        self.settings = self.recipe.training
        self.optimizer.compute_in(precision.dtype)
        peak = peak_of(self.device, precision.dtype).times(self.team.place.count)
        report = RunReport(self.folder, self.recipe, self.progress, self.device, peak, self.team.leads)
        report.start(precision)
        return report

    def _timed_step(self, report: RunReport) -> None:
        started, before = time.monotonic(), self.progress
        self._step()
        seconds, length = time.monotonic() - started, self.recipe.stages[self.progress.stage].length
        report.meter.add(self.progress.tokens - before.tokens, length, seconds)
        self.progress = replace(self.progress, seconds=before.seconds + seconds)

    def _step(self) -> None:
        """One optimizer step."""
        self._enter_stage()
        stage, settings = self.recipe.stages[self.progress.stage], self.settings
        sampler = self._sampler()
        rows = settings.microbatch_tokens // stage.length
        count, microbatches = settings.batch_tokens // settings.microbatch_tokens, []
        for index in self.team.share(range(count)):
            windows = sampler.batch(self.progress.position + index * rows, rows)  # (rows, length + 1)
            microbatches.append(torch.from_numpy(windows).to(self.device))
        mean = self.spread.gradient(microbatches, settings.batch_tokens)
        length = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip))
        if not (mean < _HIGHEST_LOSS and length < math.inf):  # also false for NaN
            raise CorpusError(
                f"the loss is {mean:.6g} and its gradient {length:.6g} long after step {self.progress.step}: training "
                "diverged; lower the rates, and go on from the newest checkpoint with --resume"
            )
        share = self._rate_share()
        self.optimizer.step(settings.muon_rate * share, settings.adam_rate * share)
        self.optimizer.zero()
        done = self.progress
        self.progress = replace(
            done,
            step=done.step + 1,
            tokens=done.tokens + settings.batch_tokens,
            position=done.position + rows * count,
            loss_sum=done.loss_sum + mean,
            loss_steps=done.loss_steps + 1,
        )

    def _enter_stage(self) -> None:
        ends, stage = self.recipe.stage_ends(), self.progress.stage
        while stage + 1 < len(ends) and self.progress.tokens >= ends[stage]:
            stage += 1
        if stage != self.progress.stage:
            self._say(f"stage {self.recipe.stages[stage].name!r}")
            self.progress = replace(self.progress, stage=stage, position=0)

    def _sampler(self) -> Sampler:
        stage = self.progress.stage
        if getattr(self, "_sampler_of", None) != stage:
            settings = self.recipe.stages[stage]
            self._sampler_of, self._current = (
                stage,
                Sampler(self.packed, dict(settings.weights), settings.length, self.settings.seed, stage),
            )
        return self._current

    def _rate_share(self) -> float:
        settings = self.settings
        return rate_share(
            self.progress.tokens, settings.tokens, settings.warmup_tokens, settings.decay_tokens, settings.final_rate
        )

    def _evaluate(self, report: RunReport, heldout: list[HeldOut]) -> None:
        if heldout:
            found = evaluate(self.model, heldout, total_of=self.spread.total)
            report.evaluation(self.progress, found)

    def _samples(self, report: RunReport) -> list[dict[str, Any]]:
        settings = self.settings
        with self.spread.on_cpu() as model:
            if model is None:
                return []
            texts = samples(model, self.tokenizer, settings.prompts, settings.sample_tokens, settings.seed)
        made = [text.to_dict() for text in texts]
        report.samples(self.progress, made)
        return made

    def _checkpoint(self, with_optimizer: bool) -> Checkpoint:
        # Nothing draws from torch's generator today; its state is kept so that this stays exact if something does.
        states = {"torch": torch.get_rng_state().numpy().tobytes().hex()}
        optimizer = self.optimizer.state() if with_optimizer else {}
        model, adapters = self.model.merged_state(), self.model.adapter_state()
        return Checkpoint(
            self.recipe.model,
            self.progress,
            self.recipe.source,
            states,
            model,
            optimizer,
            self.tokenizer.model,
            adapters,
        )

    def _save(self) -> None:
        self._refuse_broken_weights()
        path = checkpoints.checkpoint_path(self.folder, self.progress.step)
        self.spread.save(path, self._checkpoint(with_optimizer=True))
        if self.team.leads:
            checkpoints.rotate_checkpoints(self.folder, self.settings.checkpoints_kept)

    def _refuse_broken_weights(self) -> None:
        """Never write over good checkpoints with weights that are no numbers."""
        whole = all(bool(held_here(parameter).isfinite().all()) for parameter in self.model.parameters())
        if not whole:
            raise CorpusError(
                f"after step {self.progress.step} the weights are no longer numbers: training diverged; lower the "
                "rates, and go on from the newest checkpoint with --resume"
            )

    def _newest_checkpoint(self) -> Path | None:
        """Its folder; machines may not share theirs, so the first process looks."""
        found = self.team.from_leader(
            lambda: "".join(p.name for p in checkpoints.list_checkpoints(self.folder)[-1:]).encode()
        )
        return self.folder / found.decode() if found else None

    def _resume(self) -> None:
        found = self._newest_checkpoint()
        if found is None:
            self._say("no checkpoint to resume from; starting at the beginning")
            return
        saved = self.spread.load(found)
        refuse_another_run(saved.recipe, self.recipe.source, str(found))
        if saved.config != self.recipe.model or saved.tokenizer != self.tokenizer.model:
            raise CheckpointError(f"{found} is of another model or tokenizer; use the recipe it came from")
        if not self.model.fits(saved.adapters):
            raise CheckpointError(f"{found} has other adapters than this run; use the settings it came from")
        if saved.progress.stage >= len(self.recipe.stages):
            raise CheckpointError(
                f"{found} stands in stage {saved.progress.stage + 1} of its run, the recipe has "
                f"{len(self.recipe.stages)}; use the stages it came from, or name another --output"
            )
        self.recipe = as_it_began(self.recipe, saved.recipe, self.device.type)
        self.settings = self.recipe.training
        self.model.restore(saved.model, saved.adapters)
        self.optimizer.load(saved.optimizer)
        self.progress = saved.progress
        _set_random_state(saved, found)
        self._say(f"resumed from {found.name}: {self.progress.tokens:,} tokens done")
        if changed := changes(saved.recipe, self.recipe.source):
            self._say(f"changed since then: {', '.join(changed)}")

    def _finish(self, report: RunReport) -> None:
        self._save()
        self.spread.save_whole(self.folder / "final", self._checkpoint(with_optimizer=False))
        self._say("final evaluation on all held-out text")
        found = evaluate(self.model, read_heldout(self.recipe.groups, self.tokenizer), total_of=self.spread.total)
        made = self._samples(report)
        if self.team.leads:
            found["progress"] = asdict(self.progress)
            write_json(self.folder / "evaluation.json", found)
            write_json(self.folder / "samples.json", made)
        report.end(self.progress, found)

    def _what_steps_depend_on(self) -> str:
        """The same in all processes of a run; packed files are named after the text and the tokenizer in them."""
        recipe, packed = self.recipe, [Path(str(getattr(item.tokens, "filename", ""))).name for item in self.packed]
        training = asdict(replace(recipe.training, device="", threads=0))
        stages = [asdict(stage) for stage in recipe.stages]
        return json.dumps([recipe.model.to_dict(), training, asdict(recipe.distributed), stages, packed])

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.settings.autocast == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _ask_to_stop(self) -> None:
        self.stop_requested = True

    def _say(self, text: str) -> None:
        if self.team.leads:
            say(text)


def _set_random_state(saved: Checkpoint, where: Path) -> None:
    try:
        torch.set_rng_state(torch.tensor(list(bytes.fromhex(saved.random_states["torch"])), dtype=torch.uint8))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{where}/checkpoint.json holds no random state; use an older checkpoint") from error


def _new_model(recipe: Recipe) -> LanguageModel:
    try:
        model = build(recipe.model)
        model.initialize(recipe.training.seed)
    except (RuntimeError, MemoryError) as error:  # what PyTorch raises when there is no such memory
        raise RecipeError(
            f"[model]: {recipe.model.parameters:,} parameters do not fit this computer's memory; make the model smaller"
        ) from error
    return model
