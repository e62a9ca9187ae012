"""How a token is chosen: every control of the sampling chain, its limits and what switches it off.

For: requests, records, settings files, the window. Knows plain values; must not know logits.

    name in `order`        controls                                         off at
    repetition_penalty     repetition_penalty, repetition_range             1
    presence_penalty       presence_penalty, repetition_range               0
    frequency_penalty      frequency_penalty, repetition_range              0
    no_repeat_ngram        no_repeat_ngram                                  0
    dry                    dry_multiplier, _base, _allowed_length, …        dry_multiplier 0
    top_n_sigma            top_n_sigma                                      0
    top_k                  top_k                                            0
    typical_p              typical_p                                        1
    top_p                  top_p                                            1
    min_p                  min_p                                            0
    xtc                    xtc_probability, xtc_threshold                   xtc_probability 0
    temperature            temperature, dynamic_temperature_…               1, with a range of 0
    mirostat               mirostat, mirostat_tau, mirostat_eta             0

A stage whose name is missing from `order` is off, whatever its controls say.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.contracts.plain_fields import COUNT_LIMIT, TEXTS_LIMIT, demand, is_text

SAMPLER_ORDER = (
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "no_repeat_ngram",
    "dry",
    "top_n_sigma",
    "top_k",
    "typical_p",
    "top_p",
    "min_p",
    "xtc",
    "temperature",
    "mirostat",
)
_ORDER_LIMIT = 64  # stages: each costs its time at every token
_SIZE_LIMIT = 1e4  # of a penalty: more than any two scores are apart


@dataclass(frozen=True)
class SamplingSettings:
    """How a token is chosen. Temperature 0 = the best one."""

    temperature: float = 0.8
    dynamic_temperature_range: float = 0.0  # a sure distribution is cooled by it, an unsure one heated
    dynamic_temperature_exponent: float = 1.0
    top_k: int = 0
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = 0.0
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_range: int = 256  # tokens that the three penalties look back
    no_repeat_ngram: int = 0  # no sequence of so many tokens occurs twice
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2  # repeated tokens that cost nothing yet
    dry_range: int = 1024  # tokens looked back
    dry_breakers: tuple[str, ...] = ("\n", ":", "：", '"', "“", "”", "*")  # a repetition ends at them
    mirostat: int = 0  # version 1 or 2
    mirostat_tau: float = 5.0  # bits of surprise aimed at
    mirostat_eta: float = 0.1  # how fast the aim is followed
    seed: int = 0
    order: tuple[str, ...] = SAMPLER_ORDER

    def __post_init__(self) -> None:
        """Refuse values that no distribution survives."""
        for name, lowest, highest in (
            ("temperature", 0.0, 100.0),
            ("dynamic_temperature_range", 0.0, 100.0),
            ("dynamic_temperature_exponent", 0.01, 100.0),
            ("top_k", 0, COUNT_LIMIT),
            ("top_p", 0.0, 1.0),
            ("min_p", 0.0, 1.0),
            ("typical_p", 0.0, 1.0),
            ("top_n_sigma", 0.0, 100.0),
            ("xtc_probability", 0.0, 1.0),
            ("xtc_threshold", 0.0, 1.0),
            ("repetition_penalty", 0.01, 100.0),  # a smaller one makes scores overflow
            ("presence_penalty", -_SIZE_LIMIT, _SIZE_LIMIT),
            ("frequency_penalty", -_SIZE_LIMIT, _SIZE_LIMIT),
            ("repetition_range", 0, COUNT_LIMIT),
            ("no_repeat_ngram", 0, COUNT_LIMIT),
            ("dry_multiplier", 0.0, _SIZE_LIMIT),
            ("dry_base", 1.0, 100.0),
            ("dry_allowed_length", 1, COUNT_LIMIT),
            ("dry_range", 0, COUNT_LIMIT),
            ("mirostat", 0, 2),
            ("mirostat_tau", 0.0, 100.0),
            ("mirostat_eta", 0.0, 1.0),
        ):
            value = getattr(self, name)
            label = name.replace("_", "-" if name.endswith(("_k", "_p")) else " ")
            demand(lowest <= value <= highest, label, value, f"from {_plain(lowest)} to {_plain(highest)}")
        demand(0 <= self.seed < 2**64, "seed", self.seed, "a whole number from 0 to 2^64 - 1")
        count = len(self.dry_breakers)
        demand(count <= TEXTS_LIMIT, "the number of dry breakers", count, f"at most {TEXTS_LIMIT}")
        demand(len(self.order) <= _ORDER_LIMIT, "the length of order", len(self.order), f"at most {_ORDER_LIMIT}")
        demand(all(map(is_text, self.dry_breakers)), "dry breakers", self.dry_breakers, "texts that are not empty")
        demand(set(self.order) <= set(SAMPLER_ORDER), "order", self.order, f"made of {', '.join(SAMPLER_ORDER)}")


def _plain(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)
