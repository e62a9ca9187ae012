"""A file of its own: a wheel (spylls) puts another `tests` into site-packages, which would be found instead."""
