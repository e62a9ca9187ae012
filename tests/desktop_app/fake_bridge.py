"""An engine bridge without an engine: the test says what the engine would say."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from engine.contracts.generation import (
    Done,
    Event,
    Failed,
    Finished,
    GenerationRecord,
    GenerationRequest,
    Started,
    Timings,
    Token,
    Usage,
)

OPENED = {
    "type": "opened",
    "name": "tiny-zh-en",
    "folder": "/models/tiny-zh-en",
    "device": "cpu",
    "device_note": "",
    "context_length": 512,
    "languages": ["en", "zh"],
    "certificate": {"same_top_1": 0.991},
}
MODELS = [
    {
        "name": "tiny-zh-en",
        "folder": "/models/tiny-zh-en",
        "display_name": "Nextstroke Tiny",
        "bytes": 11_300_000,
        "precision": "int8",
        "usable": True,
        "problem": "",
        "bundled": True,
    },
    {
        "name": "gpt2-small",
        "folder": "/models/gpt2-small",
        "display_name": "GPT-2 small",
        "bytes": 131_000_000,
        "precision": "int8",
        "usable": True,
        "problem": "",
        "bundled": False,
    },
]


class FakeBridge(QObject):
    engine_ready = Signal(dict)
    engine_lost = Signal(str, bool)
    model_opened = Signal(dict)
    model_refused = Signal(str, str)
    models_listed = Signal(list)
    model_added = Signal(str)
    model_removed = Signal(str)
    operation_failed = Signal(str, str, str)
    operation_progress = Signal(str, object, object)
    events = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.is_ready = False
        self.requests: list[GenerationRequest] = []
        self.cancelled: list[str] = []
        self.calls: list[tuple[Any, ...]] = []

    def start(self) -> None:
        self.calls.append(("start",))

    def stop(self) -> None:
        self.calls.append(("stop",))

    def open_model(self, name: str | None, device: str = "auto") -> None:
        self.calls.append(("open", name, device))

    def list_models(self) -> str:
        self.calls.append(("list",))
        return "list"

    def add_model(self, path: str) -> str:
        self.calls.append(("add", path))
        return "adding"

    def cancel_operation(self, operation: str) -> None:
        self.calls.append(("cancel operation", operation))

    def remove_model(self, name: str) -> str:
        self.calls.append(("remove", name))
        return "removing"

    def generate(self, request: GenerationRequest) -> None:
        self.requests.append(request)

    def cancel(self, request_id: str) -> None:
        self.cancelled.append(request_id)

    # What the engine says

    def come_up(self) -> None:
        self.is_ready = True
        self.engine_ready.emit({"engine": "test"})
        self.models_listed.emit(MODELS)
        self.model_opened.emit(OPENED)

    def be_lost(self, restarting: bool = True) -> None:
        self.is_ready = False
        self.engine_lost.emit("The engine stopped working (signal 9); the text is untouched.", restarting)

    def begin(self, dropped: int = 0) -> None:
        request = self.requests[-1]
        self.send(Started(request.id, request.ticket, 0, 12, dropped, 512))

    def write(self, *pieces: str) -> None:
        request = self.requests[-1]
        self.send(*(Token(request.id, request.ticket, 0, at, 5, text, -1.0) for at, text in enumerate(pieces)))

    def finish(self, reason: str = "length", text: str = "") -> None:
        request = self.requests[-1]
        usage, timings = Usage(12, 20, 32, 512), Timings(8.0, 9.0, 250.0, 1500.0, 84.0)
        record = GenerationRecord("tiny", "", "", "", "", "cpu", "", "exact", 1, (), {}, 0, (), "")
        self.send(Finished(request.id, request.ticket, 0, reason, None, text, usage, timings, record))
        self.send(Done(request.id, request.ticket))

    def fail(self, kind: str, message: str) -> None:
        request = self.requests[-1]
        self.send(Failed(request.id, request.ticket, kind, message))

    def send(self, *events: Event) -> None:
        self.events.emit(list(events))
