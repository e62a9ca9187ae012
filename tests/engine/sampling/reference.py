"""The sampling chain as its sources state it, over Python numbers, sorting everything: the judge of the fast one.

Formulas: transformers' logits processors (repetition penalty, top-k, top-p, min-p, typical, no-repeat n-gram) and the
documentation of llama.cpp's samplers (top-n-sigma, XTC, DRY, dynamic temperature, mirostat), OpenAI's for presence and
frequency. `tests/engine/sampling/test_transformers.py` holds this judge itself against transformers.
"""

import math

from engine.contracts.sampling_settings import SamplingSettings


class Reference:
    """A chain with the tokens seen so far."""

    def __init__(self, chosen: SamplingSettings, vocabulary: int, breakers: frozenset[int] = frozenset()) -> None:
        self.chosen, self.vocabulary, self.breakers = chosen, vocabulary, breakers
        self.seen: list[int] = []
        self.mu = 2 * chosen.mirostat_tau
        self.left: dict[int, float] = {}  # after mirostat's cut
        self.scores: dict[int, float] = {}

    def apply(self, logits: list[float], chance: float) -> None:
        self.scores = {token: float(score) for token, score in enumerate(logits)}
        self.chance = chance
        for name in self.chosen.order:
            getattr(self, name)(self.chosen)

    def accept(self, token: int) -> None:
        self.seen.append(token)
        if token in self.left:
            self.mu -= self.chosen.mirostat_eta * (-math.log2(self.left[token]) - self.chosen.mirostat_tau)
        self.left = {}

    def choose(self, number: float) -> int:
        mass = 0.0
        for token, share in self.shares():
            mass += share
            if mass > number:
                return token
        return self.ordered()[-1]

    def ordered(self) -> list[int]:
        return sorted(self.scores, key=lambda token: (-self.scores[token], token))

    def shares(self) -> list[tuple[int, float]]:
        ordered = self.ordered()
        weights = [math.exp(self.scores[token] - self.scores[ordered[0]]) for token in ordered]
        total = math.fsum(weights)
        return [(token, weight / total) for token, weight in zip(ordered, weights)]

    def keep(self, tokens: list[int]) -> None:
        self.scores = {token: self.scores[token] for token in tokens}

    def lately(self, count: int) -> list[int]:
        return self.seen[len(self.seen) - min(count, len(self.seen)) :]

    def repetition_penalty(self, chosen: SamplingSettings) -> None:
        for token in set(self.lately(chosen.repetition_range)) & set(self.scores):
            score, penalty = self.scores[token], chosen.repetition_penalty
            self.scores[token] = score * (1 / penalty) if score > 0 else score * penalty

    def presence_penalty(self, chosen: SamplingSettings) -> None:
        for token in set(self.lately(chosen.repetition_range)) & set(self.scores):
            self.scores[token] -= chosen.presence_penalty

    def frequency_penalty(self, chosen: SamplingSettings) -> None:
        lately = self.lately(chosen.repetition_range)
        for token in set(lately) & set(self.scores):
            self.scores[token] -= chosen.frequency_penalty * lately.count(token)

    def no_repeat_ngram(self, chosen: SamplingSettings) -> None:
        size = chosen.no_repeat_ngram
        if size == 0:
            return
        ngrams = [tuple(self.seen[start : start + size]) for start in range(len(self.seen) - size + 1)]
        end = tuple(self.seen[len(self.seen) - size + 1 :])
        banned = {ngram[-1] for ngram in ngrams if ngram[:-1] == end}
        if set(self.scores) <= banned:
            raise ZeroDivisionError("nothing is left")
        self.keep([token for token in self.scores if token not in banned])

    def dry(self, chosen: SamplingSettings) -> None:
        seen = self.lately(chosen.dry_range)
        longest: dict[int, int] = {}
        for place in range(1, len(seen)):  # what followed seen[:place]
            length = 0
            while length < place and seen[place - 1 - length] == seen[-1 - length]:
                if seen[-1 - length] in self.breakers:
                    break
                length += 1
            longest[seen[place]] = max(longest.get(seen[place], 0), length)
        for token, length in longest.items():
            if token in self.scores and token not in self.breakers and length >= chosen.dry_allowed_length:
                self.scores[token] -= chosen.dry_multiplier * chosen.dry_base ** (length - chosen.dry_allowed_length)

    def top_n_sigma(self, chosen: SamplingSettings) -> None:
        if chosen.top_n_sigma:
            scores = list(self.scores.values())
            mean = math.fsum(scores) / len(scores)
            sigma = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
            lowest = max(scores) - chosen.top_n_sigma * sigma
            self.keep([token for token, score in self.scores.items() if score >= lowest])

    def top_k(self, chosen: SamplingSettings) -> None:
        if chosen.top_k:
            self.keep(self.ordered()[: chosen.top_k])

    def typical_p(self, chosen: SamplingSettings) -> None:
        if chosen.typical_p < 1:
            shares = [(token, share) for token, share in self.shares() if share > 0]
            entropy = -math.fsum(share * math.log(share) for _, share in shares)
            shares.sort(key=lambda pair: (round(abs(-math.log(pair[1]) - entropy), 9), -pair[1], pair[0]))
            kept, mass = [], 0.0
            for token, share in shares:
                kept.append(token)
                mass += share
                if mass >= chosen.typical_p:
                    break
            self.keep(kept)

    def top_p(self, chosen: SamplingSettings) -> None:
        if chosen.top_p < 1:
            kept, mass = [], 0.0
            for token, share in self.shares():
                kept.append(token)
                mass += share
                if mass >= chosen.top_p:
                    break
            self.keep(kept)

    def min_p(self, chosen: SamplingSettings) -> None:
        if chosen.min_p:
            shares = self.shares()
            self.keep([token for token, share in shares if share >= chosen.min_p * shares[0][1]])

    def xtc(self, chosen: SamplingSettings) -> None:
        if self.chance < chosen.xtc_probability:
            top = [token for token, share in self.shares() if share >= chosen.xtc_threshold and share > 0]
            self.keep([token for token in self.scores if token not in top[:-1]])

    def temperature(self, chosen: SamplingSettings) -> None:
        temperature, width = chosen.temperature, chosen.dynamic_temperature_range
        if width > 0:
            shares = [share for _, share in self.shares() if share > 0]
            if len(shares) == 1:
                return
            unsure = -math.fsum(share * math.log(share) for share in shares) / math.log(len(shares))
            low, high = max(0.0, temperature - width), temperature + width
            temperature = low + (high - low) * min(max(unsure, 0), 1) ** chosen.dynamic_temperature_exponent
        if temperature < 1e-6:
            self.keep(self.ordered()[:1])
        else:
            self.scores = {token: score * (1 / temperature) for token, score in self.scores.items()}

    def mirostat(self, chosen: SamplingSettings) -> None:
        if chosen.mirostat == 0:
            return
        shares = self.shares()
        if chosen.mirostat == 2:
            kept = [token for token, share in shares if share > 0 and -math.log2(share) <= self.mu]
        else:
            kept = [token for token, _ in shares[: self._mirostat_count([share for _, share in shares if share > 0])]]
        self.keep(kept or [shares[0][0]])
        self.left = dict(self.shares())

    def _mirostat_count(self, shares: list[float]) -> int:
        best = shares[:100]
        if len(best) < 2:
            return 1
        above = below = 0.0
        for place in range(len(best) - 1):
            step = math.log((place + 2) / (place + 1))
            above += step * math.log(best[place] / best[place + 1])
            below += step * step
        s = above / below
        if s <= 0 or self.vocabulary < 2:
            return len(self.scores)
        epsilon = s - 1
        if epsilon == 0:
            return len(self.scores)
        try:
            k = (epsilon * 2**self.mu / (1 - self.vocabulary**-epsilon)) ** (1 / s)
        except OverflowError:
            return len(self.scores)
        return max(int(min(k, len(self.scores))), 1)
