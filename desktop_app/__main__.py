"""The one entry of the program: `nextstroke …` and `python -m desktop_app …`.

Standard library only, so that `nextstroke generate` never pays for Qt and the window never pays for ONNX Runtime. Looks
at the first word and hands over by `runpy`; knows which side owns which word, and nothing else.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys

ENGINE_WORDS = frozenset(
    {"generate", "regenerate", "score", "models", "verify", "bench", "selftest", "host", "--selftest", "--version"}
)
EXPORT_WORDS = frozenset({"export", "train", "tokenizer"})
WINDOW = "desktop_app.app"
FAILED = 1


def main() -> int:
    """Hand over to the side that owns the first argument; the window takes everything else."""
    arguments = sys.argv[1:]
    word = arguments[0] if arguments else ""
    if word in EXPORT_WORDS or (word == "verify" and _has_source(arguments)):
        return _run_export()
    if word in ENGINE_WORDS:
        return _hand_over("engine")
    return _hand_over(WINDOW)


def _has_source(arguments: list[str]) -> bool:
    return any(argument == "--source" or argument.startswith("--source=") for argument in arguments)


def _run_export() -> int:
    missing = [name for name in ("export", "torch", "onnx", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        print(
            f"error: {', '.join(missing)} is not installed, so checkpoints can be neither trained nor converted here; "
            "install the export extra (pip install 'nextstroke[export]') into a Python environment and run it there",
            file=sys.stderr,
        )
        return FAILED
    return _hand_over("export")


def _hand_over(module: str) -> int:
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
