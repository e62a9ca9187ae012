"""The file of n-grams that a model folder may hold beside its network: names, bounds, and how its numbers are packed.

For: `engine.ngrams`, which reads it, and the export side, which writes it. Standard library only.

One `.npz` (ZIP of NumPy arrays). Let E1 be the vocabulary size and En the number of n-grams kept of order n:

    unigram      float32 (E1,)          probability of each token without any context
    children.n   uint16 (E[n-1],)       how many n-grams of order n go on from each of order n-1, in its order
    words.n      uint8 (planes, En)     the last token of each, counted from its sibling before (the first from 0),
                                        the lowest byte in the first plane
    shares.n     uint8 (En,)            share(level): what of the probability behind its context the n-gram takes
    gate.logits  float32 (E1,)          the gate's weight of each logit of the network
    gate.features  float32 (features,)  and of the features below

so the n-grams of an order stand sorted by context and then by token, and each level is found from the one before it.

Probability (interpolated Kneser-Ney, Chen and Goodman 1999): p_n = share + rest * p_(n-1), the share 0 where the n-gram
is not kept, rest = 1 - the sum of all shares behind the same context. Where that were under `LEAST_REST`, the shares
are scaled down until it is not.
"""

from __future__ import annotations

UNIGRAM = "unigram"
GATE_LOGITS = "gate.logits"
GATE_FEATURES = "gate.features"

LOWEST_ORDER, HIGHEST_ORDER = 2, 8
LEVELS = 64  # of a share, even steps of its logarithm from LOWEST_LOG_SHARE to 0
LOWEST_LOG_SHARE = -12.0
LEAST_REST = 0.03
MOST_ENTRIES = 2**27  # of one order; a larger number in a file is damage
MOST_BYTES = 2**31  # of all arrays, unpacked


def children(order: int) -> str:
    """Name of the array of how many n-grams of that order each shorter one has."""
    return f"children.{order}"


def words(order: int) -> str:
    """Name of the array of last tokens."""
    return f"words.{order}"


def shares(order: int) -> str:
    """Name of the array of levels."""
    return f"shares.{order}"


def share_of(level: int) -> float:
    """The natural logarithm of a level's share."""
    return LOWEST_LOG_SHARE * (1 - level / (LEVELS - 1))


def feature_count(order: int) -> int:
    """How many features the gate weighs for a model whose longest n-grams have that order.

    1 for each longest match (none, 2, …, order), ln rest for each order, and the network's highest logarithm of
    probability.
    """
    return order + (order - 1) + 1
