"""The engine behind messages: owns the open model and its sessions, does one job at a time, answers in frames.

    handle(message) -> check -> inference queue -> worker thread -> open, generate
      (reader thread)        -> library queue   -> worker thread -> models, add_model, remove_model
                             -> cancel: at once, waiting and running jobs alike

Sessions stay between requests, so that a request only runs the part of its prompt that none before it had.
Every accepted generation ends with exactly one Done or Failed. Knows messages, the library and the engine's face; must
not know pipes, processes or Qt.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contracts.command_line import THREADS_LIMIT
from engine.contracts.errors import EngineError, ModelFolderError, NextstrokeError, UsageError
from engine.contracts.frames import Message
from engine.contracts.generation import Done, Event, Failed, GenerationRequest
from engine.contracts.manifest import MANIFEST_NAME
from engine.contracts.plain_fields import nests_deeper, shown
from engine.job_queue import Job, JobQueue
from engine.layouts.reading import newest_change
from engine.library import ModelLibrary

if TYPE_CHECKING:  # what runs is handed in: these names serve the types alone
    from engine.loaded_model import LoadedModel
    from engine.session_pool import SessionPool

Send = Callable[[Message], None]
Load = Callable[[Path, str, "int | None"], "LoadedModel"]
Generate = Callable[["LoadedModel", "SessionPool", GenerationRequest, Callable[[], bool]], Iterator[Event]]

CANCELLED = "Cancelled"  # the `kind` of a refusal that somebody asked for
DEVICES = ("auto", "cpu", "cuda")


@dataclass
class _OpenModel:
    """The model in use, with what it was opened from, and the sessions whose caches the next requests reuse."""

    key: tuple[object, ...]
    name: str
    model: LoadedModel
    sessions: SessionPool


class Host:
    """Takes messages on one thread, works on two others, and answers through `send` (called from any of them)."""

    def __init__(self, send: Send, library: ModelLibrary, load: Load, generate: Generate) -> None:
        self._send = send
        self._library = library
        self._load = load
        self._generate = generate
        self._open: _OpenModel | None = None
        self._inference = JobQueue()
        self._files = JobQueue()  # copying a model must not hold up a generation
        self._handlers: Mapping[str, Callable[[Message], None]] = {
            "open": self._handle_open,
            "generate": self._handle_generate,
            "cancel": self._handle_cancel,
            "models": self._handle_models,
            "add_model": self._handle_add,
            "remove_model": self._handle_remove,
        }

    def start(self) -> None:
        """Start the two workers."""
        for queue, name in ((self._inference, "inference"), (self._files, "model files")):
            threading.Thread(target=self._work, args=(queue,), name=name, daemon=True).start()

    def handle(self, message: Message) -> None:
        """Accept or refuse one message; returns at once."""
        handler = self._handlers.get(message["type"])
        try:
            if handler is None:
                raise UsageError(f"there is no message {message['type']!r}; update the program")
            handler(message)
        except NextstrokeError as error:
            self._refuse(_id_of(message), error)

    def close(self, seconds: float) -> bool:
        """Give up what waits, cancel what runs and wait for it at most so long; False when something still runs."""
        deadline = time.monotonic() + seconds
        self._inference.close()
        self._files.close()
        idle = [queue.wait_until_idle(deadline - time.monotonic()) for queue in (self._inference, self._files)]
        return all(idle)

    def _work(self, queue: JobQueue) -> None:
        while (job := queue.take()) is not None:
            try:
                job.run(job)
            except Exception as error:  # noqa: BLE001  the thread's outer edge: the next job must find a worker
                _in_words(error)  # said on standard error: the answer itself could not be sent

    def _refuse(self, message_id: str, error: NextstrokeError) -> None:
        self._send({"type": "refused", "id": message_id, "kind": error.kind, "message": str(error)})

    def _answered(self, message_id: str, answer: Callable[[Job], Message]) -> Job:
        """A job whose outcome is one message: what `answer` returns, or a refusal."""

        def run(job: Job) -> None:
            try:
                self._send(answer(job))
            except Exception as error:  # noqa: BLE001  the thread's outer edge: it must live on
                self._refuse(message_id, _in_words(error))

        def give_up() -> None:
            self._send({"type": "refused", "id": message_id, "kind": CANCELLED, "message": "it was cancelled"})

        return Job(message_id, run, give_up)

    # Opening

    def _handle_open(self, message: Message) -> None:
        message_id, wanted = _text(message, "id"), _optional_text(message, "model")
        device, threads = message.get("device", "auto"), message.get("threads")
        if device not in DEVICES:
            raise UsageError(f"device is {shown(device)}; it must be one of {', '.join(DEVICES)}")
        if threads is not None and (type(threads) is not int or not 1 <= threads <= THREADS_LIMIT):
            raise UsageError(f"threads is {shown(threads)}; it must be a whole number from 1 to {THREADS_LIMIT}")
        self._inference.put(
            self._answered(message_id, lambda job: self._open_model(message_id, wanted, str(device), threads))
        )

    def _open_model(self, message_id: str, wanted: str | None, device: str, threads: int | None) -> Message:
        folder = self._library.find(wanted)
        key = (folder.resolve(), device, threads, _written_at(folder))
        if self._open is None or self._open.key != key:
            # The old model is let go only after the new one is whole: a damaged one must not end the writing.
            model = self._load(folder, device, threads)
            self._open = _OpenModel(key, folder.resolve().name, model, model.new_sessions())
        model = self._open.model
        return {
            "type": "opened",
            "id": message_id,
            "name": self._open.name,
            "folder": str(folder),
            "device": model.device.name,
            "device_note": model.device.note,
            "context_length": model.manifest.context_length,
            "languages": list(model.manifest.languages),
            "certificate": dict(model.manifest.certificate) or None,
        }

    # Generating

    def _handle_generate(self, message: Message) -> None:
        plain = message.get("request")
        plain = plain if isinstance(plain, dict) else {}
        request_id, ticket = _id_of(plain), plain.get("ticket")
        ticket = ticket if isinstance(ticket, dict) and not nests_deeper(ticket) else {}
        try:
            request = _request_of(plain)
            slot = message.get("slot", "action")
            if slot not in ("action", "suggestion"):
                raise UsageError(f"slot is {shown(slot)}; it must be action or suggestion")
            self._inference.put(
                Job(
                    request.id,
                    run=lambda job: self._run_generation(request, job),
                    give_up=lambda: self._send_event(Done(request.id, request.ticket)),
                    is_suggestion=slot == "suggestion",
                )
            )
        except NextstrokeError as error:
            self._send_event(Failed(request_id, ticket, error.kind, str(error)))

    def _run_generation(self, request: GenerationRequest, job: Job) -> None:
        opened = self._open
        try:
            if opened is None:
                raise ModelFolderError("no model is open; choose one in the model list")
            for event in self._generate(opened.model, opened.sessions, request, lambda: job.is_cancelled):
                self._send_event(event)
                if isinstance(event, (Done, Failed)):
                    return
            raise EngineError("the generation ended without a result; try again")
        except Exception as error:  # noqa: BLE001  the thread's outer edge: it must live on
            problem = _in_words(error)
            self._send_event(Failed(request.id, request.ticket, problem.kind, str(problem)))
            if opened is not None and not isinstance(error, NextstrokeError):
                opened.sessions = opened.model.new_sessions()  # nobody knows what state the old ones are in

    def _send_event(self, event: Event) -> None:
        self._send({"type": "event", "event": event.to_dict()})

    def _handle_cancel(self, message: Message) -> None:
        job_id = _text(message, "id")
        self._inference.cancel(job_id)
        self._files.cancel(job_id)

    # The library

    def _handle_models(self, message: Message) -> None:
        message_id = _text(message, "id")
        self._files.put(
            self._answered(
                message_id,
                lambda job: {
                    "type": "models",
                    "id": message_id,
                    "models": [model.to_dict() for model in self._library.models()],
                },
            )
        )

    def _handle_add(self, message: Message) -> None:
        message_id, path = _text(message, "id"), Path(_text(message, "path"))

        def progress(done: int, total: int) -> None:
            self._send({"type": "progress", "id": message_id, "done": done, "total": total})

        def answer(job: Job) -> Message:
            added = self._library.add(path, progress, lambda: job.is_cancelled)
            if added is None:
                return {"type": "refused", "id": message_id, "kind": CANCELLED, "message": "it was cancelled"}
            return {"type": "model_added", "id": message_id, "name": added.name, "folder": added.folder}

        self._files.put(self._answered(message_id, answer))

    def _handle_remove(self, message: Message) -> None:
        message_id, name = _text(message, "id"), _text(message, "name")

        def answer(job: Job) -> Message:
            self._library.remove(name)
            return {"type": "model_removed", "id": message_id, "name": name}

        self._files.put(self._answered(message_id, answer))


def _request_of(plain: Mapping[str, Any]) -> GenerationRequest:
    try:
        return GenerationRequest.from_dict(plain)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"this is no generation request ({error}); update the program") from error


def _in_words(error: Exception) -> NextstrokeError:
    if isinstance(error, NextstrokeError):
        return error
    if isinstance(error, MemoryError):
        return EngineError("the computer's memory is full; close programs or take a smaller model")
    # Where it happened, without the message: that could quote what somebody is writing.
    print("".join(traceback.format_tb(error.__traceback__)), type(error).__name__, file=sys.stderr)
    return EngineError(f"unexpected {type(error).__name__} in the engine: {error}; try again, then report it")


def _written_at(folder: Path) -> int:
    try:
        return (folder / MANIFEST_NAME).stat().st_mtime_ns
    except OSError:
        return newest_change(folder)


def _id_of(message: Mapping[str, Any]) -> str:
    found = message.get("id")
    return found if isinstance(found, str) else ""


def _text(message: Message, name: str) -> str:
    found = message.get(name)
    if not isinstance(found, str):
        raise UsageError(f"the message {message['type']!r} has no text {name!r}; update the program")
    return found


def _optional_text(message: Message, name: str) -> str | None:
    return None if message.get(name) is None else _text(message, name)
