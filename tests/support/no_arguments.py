"""A command that takes no arguments of its own, for tests of the command line's edge."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing."""


def run(arguments: argparse.Namespace) -> int:
    """Do nothing, well."""
    return 0
