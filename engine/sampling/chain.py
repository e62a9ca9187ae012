"""Which token comes next: a chain of stages, then one random number.

For: generation. Knows: SamplingSettings and which stage each control makes; the order of stages is data.
Must not know: models, text, or where logits come from.

    logits -> penalties -> cuts -> temperature -> token     (the default order: SAMPLER_ORDER)

A chain is itself a stage. A new stage is one class and one row of `_STAGES`. No stage leaves nothing. Temperature 0 is
the best token, the lowest id among equals, whatever the random number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from engine.contracts.sampling_settings import SamplingSettings
from engine.pieces import holding
from engine.sampling.candidates import Candidates
from engine.sampling.cuts import ExcludeTopChoices, MinP, TopK, TopNSigma, TopP, Typical
from engine.sampling.dry import Dry
from engine.sampling.mirostat import Mirostat
from engine.sampling.penalties import CountPenalty, NoRepeatNgram, RepetitionPenalty
from engine.sampling.stage import Stage
from engine.sampling.temperature import COLDEST, DynamicTemperature, Temperature

_KEEP_THE_BEST = {"top_n_sigma", "top_k", "top_p", "min_p"}  # cuts that the best token always survives


class Chain:
    """Stages one after the other."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.stages = tuple(stages)

    def apply(self, candidates: Candidates, chance: float = 0.0) -> None:
        for stage in self.stages:
            stage.apply(candidates, chance)

    def accept(self, token: int) -> None:
        for stage in self.stages:
            stage.accept(token)

    def reset(self) -> None:
        for stage in self.stages:
            stage.reset()

    def clone(self) -> Chain:
        return Chain(stage.clone() for stage in self.stages)


class _Words:
    """The vocabulary as stages need it: token ids by what stands in their bytes."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def __len__(self) -> int:
        return len(self._pieces)

    def holding(self, texts: Iterable[str]) -> frozenset[int]:
        """Tokens that hold one of `texts`."""
        return frozenset(holding([text.encode() for text in texts], self._pieces))


def _temperature(settings: SamplingSettings) -> Stage | None:
    width = settings.dynamic_temperature_range
    if width > 0:
        return DynamicTemperature(settings.temperature, width, settings.dynamic_temperature_exponent)
    return Temperature(settings.temperature) if settings.temperature != 1 else None


def _dry(settings: SamplingSettings, words: _Words) -> Stage | None:
    if settings.dry_multiplier == 0:
        return None
    breakers = words.holding(settings.dry_breakers)
    return Dry(settings.dry_multiplier, settings.dry_base, settings.dry_allowed_length, settings.dry_range, breakers)


_STAGES: dict[str, Callable[[SamplingSettings, _Words], Stage | None]] = {
    "repetition_penalty": lambda s, _: (
        RepetitionPenalty(s.repetition_penalty, s.repetition_range) if s.repetition_penalty != 1 else None
    ),
    "presence_penalty": lambda s, _: (
        CountPenalty(s.presence_penalty, 0.0, s.repetition_range) if s.presence_penalty else None
    ),
    "frequency_penalty": lambda s, _: (
        CountPenalty(0.0, s.frequency_penalty, s.repetition_range) if s.frequency_penalty else None
    ),
    "no_repeat_ngram": lambda s, _: NoRepeatNgram(s.no_repeat_ngram) if s.no_repeat_ngram else None,
    "dry": _dry,
    "top_n_sigma": lambda s, _: TopNSigma(s.top_n_sigma) if s.top_n_sigma > 0 else None,
    "top_k": lambda s, _: TopK(s.top_k) if s.top_k > 0 else None,
    "typical_p": lambda s, _: Typical(s.typical_p) if s.typical_p < 1 else None,
    "top_p": lambda s, _: TopP(s.top_p) if s.top_p < 1 else None,
    "min_p": lambda s, _: MinP(s.min_p) if s.min_p > 0 else None,
    "xtc": lambda s, _: ExcludeTopChoices(s.xtc_probability, s.xtc_threshold) if s.xtc_probability > 0 else None,
    "temperature": lambda s, _: _temperature(s),
    "mirostat": lambda s, words: (
        Mirostat(s.mirostat, s.mirostat_tau, s.mirostat_eta, len(words)) if s.mirostat else None
    ),
}


def make_chain(settings: SamplingSettings, pieces: Sequence[bytes] = ()) -> Chain:
    """The stages that are on, in the order that the settings name; `pieces` are the bytes of every token."""
    words = _Words(pieces)
    named = [(name, _STAGES[name](settings, words)) for name in settings.order]
    return Chain(_that_matter([(name, stage) for name, stage in named if stage is not None], settings))


def _that_matter(stages: Sequence[tuple[str, Stage]], settings: SamplingSettings) -> list[Stage]:
    """Without the cuts that cannot matter: the best survives them all, and temperature 0 asks for no other.

    A cut before a penalty stays, since the penalty may then prefer one that the cut has removed.
    """
    names = [name for name, _ in stages]
    is_cold = settings.temperature < COLDEST and settings.dynamic_temperature_range == 0
    if not is_cold or "temperature" not in names:
        return [stage for _, stage in stages]
    cold = names.index("temperature")
    needed = [place for place in range(cold) if names[place] not in _KEEP_THE_BEST]
    first = needed[-1] + 1 if needed else 0
    behind = [(name, stage) for name, stage in stages[cold + 1 :] if name not in _KEEP_THE_BEST]
    return [stage for _, stage in (*stages[:first], stages[cold], *behind)]
