"""Stand-ins for the system under `Disk`: one that fails at a chosen call, one that writes down every call."""

import errno
import os
import threading
from pathlib import Path

from desktop_app.document.disk import SystemCalls

CALLS = ("open", "read", "write", "fsync", "close", "stat", "fstat", "copy_owner_and_mode", "replace", "unlink")


class RecordingCalls(SystemCalls):
    """The real system, with the names of the calls in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __getattribute__(self, name: str):
        if name in CALLS:
            object.__getattribute__(self, "names").append(name)
        return object.__getattribute__(self, name)


class FaultyCalls(SystemCalls):
    """The real system until call number `at` (from 0), which fails; `sticky`: so do all calls of its name after it."""

    def __init__(self, at: int, error_number: int = errno.EIO, sticky: bool = False) -> None:
        self.at = at
        self.error_number = error_number
        self.sticky = sticky
        self.count = 0
        self.failed_name = ""

    def __getattribute__(self, name: str):
        get = object.__getattribute__
        if name not in CALLS:
            return get(self, name)
        number = get(self, "count")
        self.count = number + 1
        is_repeated = get(self, "sticky") and get(self, "failed_name") == name
        if number != get(self, "at") and not is_repeated:
            return get(self, name)
        self.failed_name = name
        return self.fail_close if name == "close" else self.fail

    def fail(self, *arguments: object) -> None:
        raise OSError(self.error_number, os.strerror(self.error_number))

    def fail_close(self, descriptor: int) -> None:
        os.close(descriptor)  # a failed close frees the descriptor all the same
        self.fail()


class HangingCalls(SystemCalls):
    """The real system, where calls named `name` under `folder` wait until `go_on`: a share that does not answer."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.gate = threading.Event()
        self.waiting = threading.Event()

    def go_on(self) -> None:
        self.gate.set()

    def __getattribute__(self, name: str):
        get = object.__getattribute__
        if name not in CALLS or name != get(self, "name"):
            return get(self, name)
        real = get(self, name)

        def after_a_while(*arguments: object):
            if path_of(arguments[0]).is_relative_to(get(self, "folder")):
                get(self, "waiting").set()
                assert get(self, "gate").wait(60)
            return real(*arguments)

        return after_a_while


def path_of(argument: object) -> Path:
    """The path a system call was given, or that of its descriptor."""
    return Path(os.readlink(f"/proc/self/fd/{argument}") if isinstance(argument, int) else str(argument))
