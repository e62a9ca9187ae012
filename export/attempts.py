"""What each precision tries, the smallest layout first, and the words for what became of it.

For: `convert.py`, which writes the first attempt that is inside its thresholds. Knows tensor groups and layouts. Must
not know graphs, files, or how anything is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from export.graph.blocks import ATTENTION, MLP, MLP_DOWN
from export.graph.decoder import EMBEDDING, HEAD, VALUES
from export.graph.lowering import FLOAT, INT4, INT8, INT8_BLOCKS, LAYOUTS, Plan
from export.graph_files import Kinds
from export.model.recurrent_config import AnyConfig

GROUPS = (EMBEDDING, VALUES, ATTENTION, MLP, HEAD)

# Embedding and head share a table when tied, so they get the same kind; tables of values lose nothing by 4 bits. Of the
# matrices the down projections are the ones that lose most by them.
_TABLES = {EMBEDDING: INT8_BLOCKS, HEAD: INT8_BLOCKS}
KINDS: Mapping[str, tuple[Kinds, ...]] = {
    "fp32": (dict.fromkeys(GROUPS, FLOAT),),
    "fp16": (dict.fromkeys(GROUPS, FLOAT),),
    "int8": (dict.fromkeys(GROUPS, INT8_BLOCKS) | {ATTENTION: INT8, MLP: INT8}, dict.fromkeys(GROUPS, INT8_BLOCKS)),
    "int4": (
        dict.fromkeys(GROUPS, INT4),
        dict.fromkeys(GROUPS, INT4) | _TABLES,
        dict.fromkeys(GROUPS, INT4) | _TABLES | {MLP_DOWN: INT8_BLOCKS},
    ),
}
CACHES: Mapping[str, str] = {"fp32": "float32", "fp16": "float16", "int8": "int8", "int4": "int8"}

_WITH_FEEDBACK = (ATTENTION, MLP, MLP_DOWN)


def attempts(precision: str, config: AnyConfig) -> tuple[Kinds, ...]:
    """What to try for a network, of the groups that it has."""
    has_values = any(name.startswith(VALUES) for name in config.tensor_shapes())
    return tuple(
        {group: kind for group, kind in kinds.items() if has_values or group != VALUES} for kinds in KINDS[precision]
    )


def layout_words(kinds: Kinds, has_feedback: bool) -> dict[str, str]:
    """How the weights of each tensor group are stored and were rounded, for the certificate."""
    made_up = "; each column makes up for the errors of those before it, on the calibration texts"
    return {
        group: LAYOUTS[kind]
        + (made_up if has_feedback and kind in (INT4, INT8_BLOCKS) and group in _WITH_FEEDBACK else "")
        for group, kind in kinds.items()
    }


def raised_words(tried: Kinds, following: Kinds, problems: Sequence[str]) -> str:
    """That an attempt failed, and what the following one stores more precisely."""
    before, after = Plan(tried), Plan(following)
    groups = [group for group in following if after.kind(group) != before.kind(group)]
    now = " and ".join(dict.fromkeys(LAYOUTS[after.kind(group)] for group in groups))
    then = " and ".join(dict.fromkeys(LAYOUTS[before.kind(group)] for group in groups))
    words = f"{' and '.join(groups)} have {now}, because with {then} {'; '.join(problems)}"
    return words[0].upper() + words[1:]


def no_prompts_words(kinds: Kinds, problems: Sequence[str]) -> str:
    """That a graph for prompts failed."""
    return f"There is no graph for prompts in {LAYOUTS[Plan(kinds).kind(MLP)]}, because {'; '.join(problems)}"
