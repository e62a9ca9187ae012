"""Linux's strace, for tests that watch or hurt system calls.

Knows: whether it may watch here. Must not know: what is watched.
"""

import shutil
import subprocess

import pytest


def strace() -> str:
    """The program; skips the test where there is none that may watch."""
    program = shutil.which("strace")
    if program is None:
        pytest.skip("strace is not installed: sudo apt install strace")
    if subprocess.run([program, "-qq", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("strace may not watch processes here (a container without ptrace)")
    return program
