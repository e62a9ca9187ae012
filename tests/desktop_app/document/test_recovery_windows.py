"""Windows that open, write, close and crash in any order, against a plain dictionary."""

from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from tests.desktop_app.document.recovery_store import store


class Windows(RuleBasedStateMachine):
    """Windows open, write, close and crash in any order; a plain dictionary is the judge."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.windows: list[tuple[RecoveryStore, dict[str, str]]] = []
        self.waiting: list[str] = []  # texts of ended windows
        self.number = 0

    @precondition(lambda self: len(self.windows) < 3)
    @rule()
    def start(self) -> None:
        window = store(self.folder)
        assert window.notice is None
        documents = window.take_over()
        assert sorted(document.text for document in documents) == sorted(self.waiting)
        self.waiting = []
        self.windows.append((window, {document.key: document.text for document in documents}))

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), text=st.text(max_size=20), key=st.sampled_from("abc"))
    def write(self, data: st.DataObject, text: str, key: str) -> None:
        window, texts = data.draw(st.sampled_from(self.windows))
        texts[key] = text
        window.keep([KeptDocument.of_text(key, text)])

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), key=st.sampled_from("abc"))
    def forget(self, data: st.DataObject, key: str) -> None:
        window, texts = data.draw(st.sampled_from(self.windows))
        texts.pop(key, None)
        window.forget(key)

    @precondition(lambda self: self.windows)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.windows) - 1))
        window, texts = self.windows.pop(index)
        window.close()
        self.waiting += texts.values()

    @invariant()
    def every_window_sees_its_own_text(self) -> None:
        for window, texts in self.windows:
            assert {document.key: document.text for document in window.kept()} == texts

    def teardown(self) -> None:
        for window, _ in self.windows:
            window.close()
        self.temporary.cleanup()


TestWindows = Windows.TestCase

TestWindows.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
