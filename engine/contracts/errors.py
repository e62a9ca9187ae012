"""The error tree: every failure that a person can meet has a class here and one line of words.

    NextstrokeError
    ├── UsageError              the command line or a setting asks for something impossible       exit status 2
    ├── FileError               a file or folder cannot be read or written
    │   └── DiskFullError
    ├── ModelFolderError        a model folder is missing, damaged, foreign or from the future
    ├── TokenizerError          a tokenizer cannot be read, trained or does not fit the model
    ├── GenerationError         a request cannot be served
    │   ├── PromptTooLongError
    │   ├── EmptyPromptError
    │   └── EmptyDistributionError   bans and constraints leave no token
    ├── EngineError             the runtime or the engine process failed
    │   ├── DeviceError
    │   ├── EngineBusyError     the queue is full
    │   └── EngineStoppedError  the engine process ended in the middle of something
    ├── CheckpointError         a PyTorch checkpoint is missing, damaged or not understood
    ├── VerificationError       a conversion misses its threshold, or a folder is not what its certificate says
    ├── RecipeError             a training recipe is wrong
    ├── CorpusError             training text is missing or damaged
    ├── DistributedError        a process of a training run is gone, or the processes cannot find each other
    └── MissingExtraError       a part of the program that is installed separately is absent

Knows nothing but words. A message is ONE line: what was found, what it means, what to do. Cancelled is a result of a
generation (`Finished.reason`), not an error.
"""

from __future__ import annotations

import errno


class NextstrokeError(Exception):
    """Base of all expected failures; `str(error)` is the one line that a person reads."""

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

    @property
    def kind(self) -> str:
        """Name of the class, the stable word for scripts and for messages between processes."""
        return type(self).__name__


class UsageError(NextstrokeError):
    """The command line or a setting asks for something impossible."""

    exit_status = 2


class FileError(NextstrokeError):
    """A file or folder cannot be read or written."""


class DiskFullError(FileError):
    """There is no space left on the disk."""


class ModelFolderError(NextstrokeError):
    """A model folder is missing, damaged, foreign or from the future."""


class TokenizerError(NextstrokeError):
    """A tokenizer cannot be read, cannot be trained or does not fit its model."""


class GenerationError(NextstrokeError):
    """A request cannot be served."""


class PromptTooLongError(GenerationError):
    """The prompt has more tokens than the model's context."""


class EmptyPromptError(GenerationError):
    """There is nothing to continue."""


class EmptyDistributionError(GenerationError):
    """Bans, the constraint or a rule against repetition leave no token that could come next."""


class EngineError(NextstrokeError):
    """The runtime or the engine process failed."""


class DeviceError(EngineError):
    """The device that was asked for cannot be used."""


class EngineBusyError(EngineError):
    """The engine's queue is full."""


class EngineStoppedError(EngineError):
    """The engine process ended in the middle of something."""


class CheckpointError(NextstrokeError):
    """A PyTorch checkpoint is missing, damaged or not understood."""


class VerificationError(NextstrokeError):
    """A conversion misses its threshold, or a folder is not what its certificate says."""


class RecipeError(NextstrokeError):
    """A training recipe is wrong."""


class CorpusError(NextstrokeError):
    """Training text is missing or damaged."""


class DistributedError(NextstrokeError):
    """A process of a training run is gone, or the processes cannot find each other."""


class MissingExtraError(NextstrokeError):
    """A part of the program that is installed separately is absent."""


def error_from_kind(kind: str, message: str) -> NextstrokeError:
    """The error of that class name, or a plain `EngineError` for a name this version does not know."""
    return _classes().get(kind, EngineError)(message)


def file_error(error: OSError, doing: str) -> FileError:
    """Words for an operating system's refusal; `doing` says what was attempted, as "write /a/b.txt"."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"cannot {doing}: the disk is full; free some space and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return FileError(f"cannot {doing}: no permission; choose a place where you may write and read")
    if error.errno == errno.ENOENT:
        return FileError(f"cannot {doing}: it does not exist; check the name")
    return FileError(f"cannot {doing}: {error.strerror or error}; check the disk and try again")


def _classes() -> dict[str, type[NextstrokeError]]:
    found: dict[str, type[NextstrokeError]] = {}
    waiting: list[type[NextstrokeError]] = [NextstrokeError]
    while waiting:
        current = waiting.pop()
        found[current.__name__] = current
        waiting.extend(current.__subclasses__())
    return found
