"""The one entry of the program: `nextstroke …` and `python -m desktop_app …`.

Standard library only, so that `nextstroke generate` never pays for Qt and the window never pays for ONNX Runtime. Looks
at the first word and hands over by `runpy`; knows which side owns which word and the flags that may stand before it,
and nothing else.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import signal
import sys

ENGINE_WORDS = frozenset(
    {
        "generate",
        "regenerate",
        "score",
        "models",
        "verify",
        "bench",
        "serve",
        "selftest",
        "host",
        "--selftest",
        "--version",
    }
)
EXPORT_WORDS = frozenset({"export", "train", "distill", "finetune", "ngrams", "tokenizer"})
WINDOW = "desktop_app.app"
SPELLING_WORD, SPELLING = "spelling-host", "desktop_app.spelling.child"  # asked for by the window alone
FAILED, INTERRUPTED = 1, 130
COMMON_FLAGS = {"--profile": 1, "--device": 1, "--threads": 1, "--debug": 0}  # how many values each takes
HELP = """\
usage: nextstroke [FILE…]       open the writing window
       nextstroke COMMAND …     run one command; `nextstroke COMMAND --help` explains it

  generate         continue a text
  regenerate       generate again from a saved record and compare
  score            how probable a text is to the model
  models           list, add, remove and show the models on this computer
  verify           check a model folder; with --source, recompute its certificate
  bench            measure a model folder's speed on this computer
  serve            serve a model to other programs on this computer
  selftest         check this installation
  --version        versions of the program, ONNX Runtime, devices

with the export extra:
  export           convert a PyTorch checkpoint into a verified model folder
  train            train a GPT from a recipe
  distill          train a small GPT on a larger one's probabilities
  finetune         teach a trained GPT the style of your own texts
  ngrams           put n-grams of the training text beside a model folder's network
  tokenizer train  train a tokenizer from text

every command takes --profile DIR, --device auto|cpu|cuda, --threads N, --debug"""


def main() -> int:
    """Hand over to the side that owns the first argument; the window takes everything else."""
    arguments = command_first(sys.argv[1:])
    sys.argv[1:] = arguments
    word = arguments[0] if arguments else ""
    if word in ("-h", "--help"):
        return _print_help()
    if word in EXPORT_WORDS or (word == "verify" and _has_source(arguments)):
        return _run_export()
    if word in ENGINE_WORDS:
        return _hand_over("engine")
    if word == SPELLING_WORD:
        del sys.argv[1]
        return _hand_over(SPELLING)
    _end_quietly_until_the_window_watches()
    return _hand_over(WINDOW)


def _end_quietly_until_the_window_watches() -> None:
    """Ctrl-C ends the process as the system does it: KeyboardInterrupt inside the making of a widget is an abort."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as `nohup` or a shell's `&` may have set it
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def command_first(arguments: list[str]) -> list[str]:
    """The arguments with the common flags that stand before a command put behind it; others come back unchanged."""
    place = 0
    while place < len(arguments):
        flag, is_joined, _ = arguments[place].partition("=")
        if flag not in COMMON_FLAGS:
            break
        place += 1 if is_joined else 1 + COMMON_FLAGS[flag]
    if arguments[place : place + 1] and arguments[place] in ENGINE_WORDS | EXPORT_WORDS:
        return arguments[place:] + arguments[:place]
    return arguments


def _print_help() -> int:
    try:
        print(HELP, flush=True)
    except OSError:  # `| head` has seen enough, or the disk is full; the interpreter flushes once more at exit
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  open until the process ends
    return 0


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
    except KeyboardInterrupt:  # in the imports, before the command itself takes care of it
        return INTERRUPTED
    except SystemExit as leaving:
        if leaving.code is None or isinstance(leaving.code, int):
            return leaving.code or 0
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
