"""N-grams beside a network: counted in its training text, smoothed, pruned to the ones that help, weighed by a gate."""
