"""System calls of a job that may be given up: from then on none of them begins, and no file takes another's place.

A call that hangs already cannot be taken back; when it comes back after all, the job ends at its next call. What it
leaves is a temporary file that it removes itself.

Knows jobs and system calls; must not know what the bytes mean.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from desktop_app.document.job import Job
from desktop_app.document.system_calls import SystemCalls


class StoppableCalls(SystemCalls):
    """Other calls, made for a job for as long as somebody waits for it."""

    def __init__(self, calls: SystemCalls, job: Job[Any]) -> None:
        self._calls, self._job = calls, job

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        self._demand_wanted()
        return self._calls.open(path, flags, mode)

    def read(self, descriptor: int, count: int) -> bytes:
        self._demand_wanted()
        return self._calls.read(descriptor, count)

    def read_at(self, descriptor: int, count: int, start: int) -> bytes:
        self._demand_wanted()
        return self._calls.read_at(descriptor, count, start)

    def write(self, descriptor: int, data: memoryview) -> int:
        self._demand_wanted()
        return self._calls.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        self._demand_wanted()
        self._calls.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        self._calls.close(descriptor)

    def stat(self, path: str) -> os.stat_result:
        self._demand_wanted()
        return self._calls.stat(path)

    def fstat(self, descriptor: int) -> os.stat_result:
        return self._calls.fstat(descriptor)

    def copy_owner_and_mode(self, descriptor: int, status: os.stat_result) -> None:
        self._calls.copy_owner_and_mode(descriptor, status)

    def copy_attributes(self, descriptor: int, source: str) -> None:
        self._calls.copy_attributes(descriptor, source)

    def replace(self, source: str, target: str) -> None:
        if not self._job.claim():
            raise _given_up()
        self._calls.replace(source, target)

    def unlink(self, path: str) -> None:
        self._calls.unlink(path)

    def _demand_wanted(self) -> None:
        if not self._job.may_go_on:
            raise _given_up()


def _given_up() -> OSError:
    return OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
