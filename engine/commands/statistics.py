"""The lines on standard error after a generation. Knows events; must not know how they came about."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engine.contracts.generation import Finished, Started

REASONS = {
    "length": "the number of tokens asked for is reached",
    "end_of_text": "the model ended the text",
    "stop": "a stop text appeared",
    "constraint": "the constraint is fulfilled",
    "context": "the model's context is full",
    "cancelled": "interrupted",
}


def print_statistics(started: Started | None, finished: Sequence[Finished], seed: int) -> None:
    """What was read, written and how fast, and everything needed to write the same text again."""
    if started is None or not finished:
        return
    if started.dropped:
        print(f"the first {started.dropped} tokens of the prompt were left out: the context is full", file=sys.stderr)
    first = finished[0]
    record, timings = first.record, first.timings
    print(
        f"{record.model_name} · {record.device} ({record.kernel_class}), {record.threads} threads · seed {seed}\n"
        f"prompt {first.usage.prompt_tokens} tokens, {timings.prefill_ms:.0f} ms "
        f"({timings.prefill_tokens_per_second:.0f} tokens/s) · first token after {timings.first_token_ms:.0f} ms",
        file=sys.stderr,
    )
    for event in finished:
        name = f"{event.candidate + 1}: " if len(finished) > 1 else ""
        print(
            f"{name}{event.usage.output_tokens} tokens, {event.timings.decode_tokens_per_second:.0f} tokens/s · "
            f"context {event.usage.context_used} of {event.usage.context_length} · "
            f"ended because {REASONS.get(event.reason, event.reason)}",
            file=sys.stderr,
        )
