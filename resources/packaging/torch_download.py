"""What installing torch would download, said before it happens.

Knows: how to ask pip for its plan and the package index for sizes, without downloading.
Must not know: how the environment is made or which torch would be better.

On Linux the ordinary torch wheel brings several gigabytes of CUDA libraries; a machine that only runs the tests
needs none of them.
"""

import json
import os
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

LARGE_BYTES = 1_000_000_000


def is_agreed(python: str, constraints: Path) -> bool:
    """True when torch is small, or its size was said and not declined. A terminal is asked; CI never is."""
    if _is_installed(python):
        return True
    addresses = _planned_downloads(python, constraints)
    size_bytes = sum(_size_bytes(address) for address in addresses)
    if size_bytes < LARGE_BYTES:
        return True
    print(
        f"the tests need torch, and from this package index it comes with its CUDA libraries: "
        f"{size_bytes / 1e9:.1f} GB in {len(addresses)} files. A CPU build is about 0.2 GB: "
        f'make test TORCH_SPEC="torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu"',
        flush=True,
    )
    if os.environ.get("CI") or not sys.stdin.isatty():
        return True
    return input("download all of it? [y/N] ").strip().lower() in ("y", "yes")


def _is_installed(python: str) -> bool:
    found = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    return subprocess.run([python, "-c", found], check=False).returncode == 0


def _planned_downloads(python: str, constraints: Path) -> list[str]:
    """The addresses of every file that pip would fetch; empty where it cannot say."""
    command = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"]
    plan = subprocess.run(
        [*command, "torch", "--constraint", str(constraints)], capture_output=True, text=True, check=False
    )
    if plan.returncode != 0:
        return []
    return [item["download_info"]["url"] for item in json.loads(plan.stdout)["install"]]


def _size_bytes(address: str) -> int:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "file":
        return Path(urllib.request.url2pathname(parts.path)).stat().st_size
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=30) as answer:
            return int(answer.headers.get("Content-Length", 0))
    except OSError:
        return 0
