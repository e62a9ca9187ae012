"""`nextstroke --version`: what is installed and what it could run on. Knows names and versions only."""

from __future__ import annotations

import argparse
import json
import platform
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--json`."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the versions."""
    shown = installed()
    if arguments.json:
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    print(f"nextstroke {shown['nextstroke']}")
    for name in ("onnxruntime", "numpy", "python", "platform"):
        print(f"{name} {shown[name]}")
    for device in shown["devices"]:
        print(f"device {device['name']}: {device['description']}")
    return 0


def installed() -> dict[str, Any]:
    """Versions, and the devices that this computer shows."""
    from engine.devices import CPU, CUDA, graphics_card
    from engine.loaded_model import engine_versions
    from engine.runtime import runtime_providers

    versions = engine_versions()
    devices = [{"name": CPU, "description": _processor()}]
    card = graphics_card()
    if card is not None:
        devices.append({"name": CUDA, "description": f"{card.name} {card.architecture}"})
    return {
        "nextstroke": versions["engine"],
        "onnxruntime": versions["onnxruntime"],
        "providers": list(runtime_providers()),
        "numpy": versions["numpy"],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices,
    }


def _processor() -> str:
    """What decides the kernels, and whose they are; a graph may yet have no use for own ones."""
    from engine.devices import cpu_kernel_class
    from engine.kernels.library import own_kernels
    from engine.runtime import own_kernel_class

    return f"{cpu_kernel_class()}, no own kernels" if own_kernels() is None else own_kernel_class()
