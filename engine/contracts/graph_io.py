"""Every name, shape and operator set of the ONNX graphs, spelt once.

The interface is the one that onnxruntime-genai and transformers.js use, so that their tools can read our graphs:

    input_ids              int64  (batch, sequence)
    attention_mask         int64  (batch, past + sequence)   all ones; its length tells how many positions are filled
    position_ids           int64  (batch, sequence)          only for learned positions
    num_logits_to_keep     int64  () or (1,)                 how many last positions get logits; 0 = all of them. (In a
                                                             graph with a default for it, it may be left out.)
    past_key_values.N.key  float32 | float16 | int8 (batch, kv_heads, buffer, head_size)   past AND present: no copy
    past_key_values.N.value
    ->
    logits                 float32 (batch, kept, vocabulary)
    present.N.key, present.N.value                            the same buffers

`head_size` is the padded one (a multiple of 8, with rotary positions of 16, as GroupQueryAttention needs). The buffer
may be longer than past + sequence.

Graphs of other programs may differ in what the manifest tells or the graph itself: no num_logits_to_keep (all positions
get logits), logits of float16, buffers that are joined (present = past + sequence in a tensor of its own), and

    use_cache_branch       bool   (1,)   two decoders merged into one graph: false runs the one that has no past

Graphs with own operators, which are made when one is loaded and stand in no file, have one more:

    shared_positions       int32  ()     how many first positions all sequences of a batch have in common; 0 if left out

Knows names; must not know how a graph is built or run.
"""

from __future__ import annotations

OPSET = 21  # ai.onnx
CONTRIB_DOMAIN = "com.microsoft"
CONTRIB_OPSET = 1
IR_VERSION = 10

INPUT_IDS = "input_ids"
ATTENTION_MASK = "attention_mask"
POSITION_IDS = "position_ids"
LOGITS_TO_KEEP = "num_logits_to_keep"
LOGITS = "logits"
USE_CACHE_BRANCH = "use_cache_branch"
SHARED_POSITIONS = "shared_positions"

HEAD_SIZE_MULTIPLE = 8
ROTARY_HEAD_SIZE_MULTIPLE = 16
EXTERNAL_DATA_BYTES = 64 * 1024 * 1024  # weights beyond this lie in a file beside the graph


def past_key(layer: int) -> str:
    """Input name of a layer's key buffer."""
    return f"past_key_values.{layer}.key"


def past_value(layer: int) -> str:
    """Input name of a layer's value buffer."""
    return f"past_key_values.{layer}.value"


def present_key(layer: int) -> str:
    """Output name of a layer's key buffer."""
    return f"present.{layer}.key"


def present_value(layer: int) -> str:
    """Output name of a layer's value buffer."""
    return f"present.{layer}.value"


def padded_head_size(head_size: int, rotary: bool = False) -> int:
    """`head_size` rounded up to what GroupQueryAttention accepts; the added channels are zeros."""
    multiple = ROTARY_HEAD_SIZE_MULTIPLE if rotary else HEAD_SIZE_MULTIPLE
    return -(-head_size // multiple) * multiple
