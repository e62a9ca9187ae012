"""genai_config.json, so that onnxruntime-genai opens the folder too.

Tried with its 0.18: fp32, int8 and int4, rotary and learned positions; its greedy tokens are the engine's. It takes
and gives token ids: its own tokenizer wants files that this program does not write.
Knows that program's names for what the manifest says. Must not know graphs.
"""

from __future__ import annotations

import json

from engine.contracts import graph_io
from engine.contracts.manifest import Manifest


def genai_config(manifest: Manifest) -> str:
    """The text of genai_config.json; names with %d stand for every layer."""
    config = manifest.config
    inputs = {
        "input_ids": graph_io.INPUT_IDS,
        "attention_mask": graph_io.ATTENTION_MASK,
        "past_key_names": "past_key_values.%d.key",
        "past_value_names": "past_key_values.%d.value",
    }
    if manifest.uses_position_ids:
        inputs["position_ids"] = graph_io.POSITION_IDS
    decoder = {
        "session_options": {"log_id": "nextstroke", "provider_options": []},
        "filename": manifest.graph("decoder"),
        "head_size": manifest.cache.head_size,
        "hidden_size": config["width"],
        "inputs": inputs,
        "outputs": {
            "logits": graph_io.LOGITS,
            "present_key_names": "present.%d.key",
            "present_value_names": "present.%d.value",
        },
        "num_attention_heads": config["heads"],
        "num_hidden_layers": config["layers"],
        "num_key_value_heads": config["kv_heads"],
    }
    plain = {
        "model": {
            "type": "decoder",
            "bos_token_id": manifest.special_tokens.get("begin_of_text", manifest.end_of_text),
            "eos_token_id": manifest.end_of_text,
            "pad_token_id": manifest.end_of_text,
            "vocab_size": manifest.vocabulary_size,
            "context_length": manifest.context_length,
            "decoder": decoder,
        },
        "search": {"max_length": manifest.context_length, "past_present_share_buffer": True, "do_sample": False},
    }
    return json.dumps(plain, indent=2) + "\n"
