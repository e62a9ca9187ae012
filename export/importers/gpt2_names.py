"""The tensor names that GPT-2, its Hugging Face port and nanoGPT share, as one table in two layouts.

    h.3.attn.c_attn   query, key and value behind each other
    h.3.attn.c_proj   attention.output       h.3.mlp.c_fc   mlp.up      h.3.mlp.c_proj   mlp.down
    wte, wpe          token and position embedding           ln_1, ln_2, ln_f   norms

OpenAI's code multiplied x W ("Conv1D"), so its matrices lie transposed, (in, out); nanoGPT's are PyTorch's (out, in).
"""

from __future__ import annotations

from export.importers.rules import Rule, Table

_QKV = ("query", "key", "value")


def gpt2_table(transposed: bool, prefixes: tuple[str, ...], dropped: tuple[str, ...]) -> Table:
    """The table for one layout."""
    rules = [
        Rule("wte.weight", ("token_embedding.weight",)),
        Rule("wpe.weight", ("position_embedding.weight",)),
        Rule("lm_head.weight", ("head.weight",)),
    ]
    for theirs, ours in (("h.{layer}.ln_1", "attention_norm"), ("h.{layer}.ln_2", "mlp_norm")):
        rules += [Rule(f"{theirs}.{kind}", (f"layers.{{layer}}.{ours}.{kind}",)) for kind in ("weight", "bias")]
    rules += [Rule(f"ln_f.{kind}", (f"final_norm.{kind}",)) for kind in ("weight", "bias")]
    for theirs, names in (
        ("attn.c_attn", tuple(f"attention.{part}" for part in _QKV)),
        ("attn.c_proj", ("attention.output",)),
        ("mlp.c_fc", ("mlp.up",)),
        ("mlp.c_proj", ("mlp.down",)),
    ):
        for kind in ("weight", "bias"):
            targets = tuple(f"layers.{{layer}}.{name}.{kind}" for name in names)
            rules.append(Rule(f"h.{{layer}}.{theirs}.{kind}", targets, transposed and kind == "weight"))
    return Table(tuple(rules), dropped, prefixes)
