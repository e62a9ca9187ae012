"""What was written and for how long: the session on the page, the days, the goals. Figures alone, never a word of text.

    touch(moment) ──> seconds of writing            a pause of more than IDLE_S is idle: none of it counts
    look(tallies) ──> words since the session began, the person's and the model's apart

Words are net: what is deleted again is taken off, so a day can be negative. `Tally` splits the words of a text by who
wrote them; a word that both had a hand in is the model's.

For: the statistics panel and its store. Pure; must not know Qt, files or clocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

IDLE_S = 60.0
KEPT_DAYS = 400


@dataclass(frozen=True)
class Tally:
    """Words (Chinese characters, kana and Latin words) of a text."""

    human: int = 0
    model: int = 0

    @property
    def total(self) -> int:
        """Of both together."""
        return self.human + self.model

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.human + other.human, self.model + other.model)

    def __sub__(self, other: Tally) -> Tally:
        return Tally(self.human - other.human, self.model - other.model)


@dataclass(frozen=True)
class Day:
    """One day, or one session: net words and seconds of writing."""

    words: Tally = field(default_factory=Tally)
    seconds: float = 0.0


class WritingClock:
    """Adds up the time between touches of a text, idle time left out. Moments in seconds of a monotonic clock."""

    def __init__(self, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self._last: float | None = None
        self.seconds = 0.0

    def touch(self, now_s: float) -> float:
        """The text was changed or the caret moved; returns the seconds that this adds."""
        gap = now_s - self._last if self._last is not None else 0.0
        self._last = now_s
        added = gap if 0.0 < gap <= self._idle_s else 0.0
        self.seconds += added
        return added


class Session:
    """From the start of the program, over all texts that are open, each by a key of its own."""

    def __init__(self) -> None:
        self._clock = WritingClock()
        self._seen: dict[str, Tally] = {}  # by text
        self.words = Tally()

    @property
    def seconds(self) -> float:
        """Of writing."""
        return self._clock.seconds

    def touch(self, now_s: float) -> Day:
        """The text was worked on; returns what this adds to the day."""
        return Day(Tally(), self._clock.touch(now_s))

    def look(self, tally: Tally, text: str = "") -> Day:
        """A text has so many words now; returns what this adds to the day."""
        added = tally - self._seen.get(text, tally)
        self._seen[text] = tally
        self.words += added
        return Day(added, 0.0)

    def start_text(self, tally: Tally | None = None, text: str = "") -> None:
        """Another text is on that page: what it has already was not written now. None: the next look says."""
        self._seen.pop(text, None)
        if tally is not None:
            self._seen[text] = tally


@dataclass(frozen=True)
class History:
    """Days by their ISO date, and the goal in words of each document by a key that does not tell its name."""

    days: Mapping[str, Day] = field(default_factory=dict)
    document_goals: Mapping[str, int] = field(default_factory=dict)

    def with_added(self, date: str, added: Day) -> History:
        """With more on one day; the oldest days beyond `KEPT_DAYS` go."""
        before = self.days.get(date, Day())
        days = {**self.days, date: Day(before.words + added.words, before.seconds + added.seconds)}
        kept = sorted(days)[-KEPT_DAYS:]
        return replace(self, days={name: days[name] for name in kept})

    def with_goal(self, key: str, words: int) -> History:
        """With the goal of a document; 0 takes it away."""
        goals = {name: goal for name, goal in self.document_goals.items() if name != key}
        return replace(self, document_goals={**goals, key: words} if words > 0 else goals)
