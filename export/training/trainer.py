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
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from engine.contracts.errors import CheckpointError, CorpusError, RecipeError
from export.model.architectures import build
from export.model.config import ModelConfig
from export.model.language_model import LanguageModel
from export.training import checkpoint as checkpoints
from export.training.checkpoint import Checkpoint, Progress
from export.training.corpus import PackedGroup, Sampler, pack, read_documents, sample_texts
from export.training.distributed import Team
from export.training.evaluation import HeldOut, evaluate, read_heldout
from export.training.files import write_atomically, write_json
from export.training.gradients import Objective, next_token_loss
from export.training.optimizer import MixedOptimizer
from export.training.parallel import spread_over
from export.training.precision import Precision, choose_precision, probe_cpu
from export.training.recipe import Recipe
from export.training.run_log import RunLog, draw_curves, read_log
from export.training.samples import samples
from export.training.schedule import rate_share
from export.training.tokenizer import TextTokenizer, compression_report, train_tokenizer

_PROBE_ROWS = 2048  # of the matrix a processor is asked to multiply: as many as microbatches usually have


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
        self.team = team or Team()
        self.team.folder = folder
        self.settings = recipe.training
        self.device = _device(self.settings.device)
        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = TextTokenizer(self.team.from_leader(lambda: self._tokenizer().model))
        self._say(f"packing {len(recipe.groups)} groups")
        self.packed: list[PackedGroup] = self.team.in_turn(
            lambda: [pack(group, self.tokenizer, cache or folder / "packed") for group in recipe.groups]
        )
        self._say(f"{sum(len(item.tokens) for item in self.packed):,} tokens of training text")
        self.model = _new_model(recipe) if model is None else model
        self.model.to(self.device)
        self.spread = spread_over(self.team, recipe, self.model, self._autocast, objective)
        muon_dtype = torch.bfloat16 if self.device.type == "cuda" else torch.float32
        settings = self.settings
        self.optimizer = MixedOptimizer(
            self.model, settings.weight_decay, muon_dtype, settings.optimizer, self.spread.directions
        )
        self.progress = Progress()
        self.stop_requested = False

    def run(self, resume: bool = False, stop_after_steps: int | None = None) -> bool:
        """Train to the end, or to a stop request; True when finished."""
        if resume:
            self._resume()
        elif self._newest_checkpoint():
            raise RecipeError(f"{self.folder} already holds a run; add --resume or name another --output")
        precision = self._settle_precision()
        log = RunLog(self.folder / "log.jsonl", self.progress.step, silent=not self.team.leads)
        log.write(
            "start",
            step=self.progress.step,
            parameters=self.recipe.model.parameters,
            precision=precision.to_dict(),
            derived=self.recipe.derived_values(),
            recipe=self.recipe.source,
        )
        where = f"on {self.device} in {precision.name}"
        self._say(f"{self.recipe.model.parameters:,} parameters, {self.settings.tokens:,} tokens, {where}")
        heldout = read_heldout(self.recipe.groups, self.tokenizer, self.settings.evaluation_bytes)
        first, started = self.progress, time.monotonic()
        saved, losses = started, list[float]()
        with self._stops_on_signals():
            while self.progress.tokens < self.settings.tokens:
                before = self.progress.tokens
                losses.append(self._step())
                self.progress = replace(self.progress, seconds=first.seconds + time.monotonic() - started)
                done = self.progress.tokens
                if self.progress.step % self.settings.log_every_steps == 0:
                    speed = (done - first.tokens) / max(1e-9, self.progress.seconds - first.seconds)
                    self._log_step(log, sum(losses) / len(losses), speed)
                    losses.clear()
                if done // self.settings.evaluate_every_tokens > before // self.settings.evaluate_every_tokens:
                    self._evaluate(log, heldout)
                if done // self.settings.samples_every_tokens > before // self.settings.samples_every_tokens:
                    self._samples(log)
                asked = self.stop_requested or (stop_after_steps == self.progress.step - first.step)
                late = time.monotonic() - saved > 60 * self.settings.checkpoint_minutes
                stopped, late = self.team.any(asked, late)  # all processes stop after the same step
                if stopped or late:
                    self._save()
                    saved = time.monotonic()
                if stopped:
                    self._say(f"stopped after step {self.progress.step}; continue with --resume")
                    return False
        self._finish(log)
        return True

    def _step(self) -> float:
        """One optimizer step; returns the mean loss in nats per token."""
        self._enter_stage()
        stage, settings = self.recipe.stages[self.progress.stage], self.settings
        sampler = self._sampler()
        rows = settings.microbatch_tokens // stage.length
        count, microbatches = settings.batch_tokens // settings.microbatch_tokens, []
        for index in self.team.share(range(count)):
            windows = sampler.batch(self.progress.position + index * rows, rows)  # (rows, length + 1)
            microbatches.append(torch.from_numpy(windows).to(self.device))
        mean = self.spread.gradient(microbatches, settings.batch_tokens)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        share = self._rate_share()
        self.optimizer.step(settings.muon_rate * share, settings.adam_rate * share)
        self.optimizer.zero()
        if not mean < 1e4:  # also true for NaN
            raise CorpusError(f"the loss is {mean} after step {self.progress.step}: training diverged; lower the rates")
        done = self.progress
        self.progress = replace(
            done,
            step=done.step + 1,
            tokens=done.tokens + settings.batch_tokens,
            position=done.position + rows * count,
        )
        return mean

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

    def _log_step(self, log: RunLog, loss: float, speed: float) -> None:
        progress, left = self.progress, max(0, self.settings.tokens - self.progress.tokens)
        log.write(
            "step",
            step=progress.step,
            tokens=progress.tokens,
            loss=round(loss, 5),
            rate=round(self._rate_share(), 5),
            tokens_per_second=round(speed, 1),
            seconds=round(progress.seconds, 1),
        )
        minutes = left / max(speed, 1e-9) / 60
        where = f"step {progress.step} · {progress.tokens:,} tokens"
        self._say(f"{where} · loss {loss:.4f} · {speed:,.0f}/s · {minutes:.0f} min left")

    def _evaluate(self, log: RunLog, heldout: list[HeldOut]) -> None:
        if not heldout:
            return
        report = evaluate(self.model, heldout, total_of=self.spread.total)
        if not self.team.leads:
            return
        bits = {name: round(part["bits_per_byte"], 4) for name, part in report["groups"].items()}
        log.write("evaluation", step=self.progress.step, tokens=self.progress.tokens, bits_per_byte=bits)
        self._say("bits per byte: " + "  ".join(f"{name} {value:.3f}" for name, value in bits.items()))
        lines = [line for line in read_log(log.path) if line["event"] == "evaluation"]
        curves: dict[str, Sequence[tuple[float, float]]] = {
            name: [(line["tokens"], line["bits_per_byte"][name]) for line in lines] for name in list(bits)[:4]
        }
        write_atomically(self.folder / "curve.svg", draw_curves(curves, "held-out bits per byte", "tokens").encode())

    def _samples(self, log: RunLog) -> list[dict[str, Any]]:
        settings = self.settings
        with self.spread.on_cpu() as model:
            if model is None:
                return []
            texts = samples(model, self.tokenizer, settings.prompts, settings.sample_tokens, settings.seed)
        made = [text.to_dict() for text in texts]
        log.write("samples", step=self.progress.step, tokens=self.progress.tokens, samples=made)
        for item in made:
            self._say(f"sample: {item['prompt']}|{item['continuation']}")
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
        path = checkpoints.checkpoint_path(self.folder, self.progress.step)
        self.spread.save(path, self._checkpoint(with_optimizer=True))
        if self.team.leads:
            checkpoints.rotate_checkpoints(self.folder, self.settings.checkpoints_kept)

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
        if saved.config != self.recipe.model or saved.tokenizer != self.tokenizer.model:
            raise CheckpointError(f"{found} is of another model or tokenizer; use the recipe it came from")
        if not self.model.fits(saved.adapters):
            raise CheckpointError(f"{found} has other adapters than this run; use the settings it came from")
        self._keep_precision(saved)
        self.model.restore(saved.model, saved.adapters)
        self.optimizer.load(saved.optimizer)
        self.progress = saved.progress
        torch.set_rng_state(torch.tensor(list(bytes.fromhex(saved.random_states["torch"])), dtype=torch.uint8))
        self._say(f"resumed from {found.name}: {self.progress.tokens:,} tokens done")

    def _finish(self, log: RunLog) -> None:
        self._save()
        self.spread.save_whole(self.folder / "final", self._checkpoint(with_optimizer=False))
        self._say("final evaluation on all held-out text")
        report = evaluate(self.model, read_heldout(self.recipe.groups, self.tokenizer), total_of=self.spread.total)
        made = self._samples(log)
        if not self.team.leads:
            return
        report["progress"] = asdict(self.progress)
        write_json(self.folder / "evaluation.json", report)
        write_json(self.folder / "samples.json", made)
        for name, part in report["groups"].items():
            self._say(f"{name:34} {part['bits_per_byte']:.4f} bits per byte")
        log.write("end", step=self.progress.step, tokens=self.progress.tokens)
        self._say("finished")

    def _tokenizer(self) -> TextTokenizer:
        recipe = self.recipe
        kept, settings = self.folder / "tokenizer.model", recipe.tokenizer
        if kept.exists():
            tokenizer = TextTokenizer.open(kept)
        elif settings.file:
            tokenizer = TextTokenizer.open(Path(settings.file))
        else:
            self._say(f"training a tokenizer of {settings.vocabulary:,} pieces")
            texts = sample_texts(recipe.groups, settings.sample_characters, self.settings.seed)
            tokenizer = train_tokenizer((text for _, text in texts), settings)
            heldout = {g.name: "".join(t for path in g.heldout for t in read_documents(path)) for g in recipe.groups}
            self._say("\n".join(compression_report(tokenizer, heldout)))
        if tokenizer.vocabulary != recipe.model.vocabulary_size:
            raise RecipeError(
                f"the tokenizer has {tokenizer.vocabulary} pieces, the model {recipe.model.vocabulary_size}"
            )
        write_atomically(kept, tokenizer.model)
        return tokenizer

    def _settle_precision(self) -> Precision:
        """What `training.autocast` means here; from now on the recipe, and so every checkpoint, says it outright."""
        model = self.recipe.model
        inner = model.mlp_width if isinstance(model, ModelConfig) else 4 * model.units

        def choose() -> bytes:
            chosen = choose_precision(
                self.settings.autocast,
                self.device.type,
                model.width,
                lambda: probe_cpu(torch.get_num_threads(), _PROBE_ROWS, model.width, inner),
            )
            return json.dumps(chosen.to_dict()).encode()

        precision = Precision(**json.loads(self.team.from_leader(choose)))  # another process may measure otherwise
        self.recipe = self.recipe.with_training(autocast=precision.name)
        self.settings = self.recipe.training
        return precision

    def _keep_precision(self, saved: Checkpoint) -> None:
        """Go on in the format the run began with, whatever would be chosen today."""
        if self.settings.autocast == "auto":
            began = saved.recipe["training"].get("autocast", "auto")
            if began == "auto":  # a checkpoint from before the format was measured
                began = "float32" if self.device.type == "cpu" else "bfloat16"
            self.recipe = self.recipe.with_training(autocast=began)
            self.settings = self.recipe.training

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        if self.settings.autocast == "float32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    @contextlib.contextmanager
    def _stops_on_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the run after the current step, with a checkpoint."""

        def ask(_number: int, _frame: FrameType | None) -> None:
            self.stop_requested = True

        try:
            previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not in the main thread: whoever runs us there stops us by the flag
            previous = {}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _say(self, text: str) -> None:
        if self.team.leads:
            print(text, file=sys.stderr, flush=True)


def _new_model(recipe: Recipe) -> LanguageModel:
    try:
        model = build(recipe.model)
        model.initialize(recipe.training.seed)
    except (RuntimeError, MemoryError) as error:  # what PyTorch raises when there is no such memory
        raise RecipeError(
            f"[model]: {recipe.model.parameters:,} parameters do not fit this computer's memory; make the model smaller"
        ) from error
    return model


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"[training]: device {name!r} cannot be used here ({error}); use auto or cpu") from error
