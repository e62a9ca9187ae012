"""All that reads what others wrote, fed with mutations of good input: an answer or an expected error, in time."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QMimeData

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.last_session import SessionFile
from desktop_app.document.nextstroke_file import bytes_of, document_of, salvage
from desktop_app.document.origins import GENERATED, Origin, Passage
from desktop_app.document.readers.docx_reader import read_docx
from desktop_app.document.readers.import_file import import_file
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_encoding import decode_text, encode_text, reading_of
from desktop_app.document.writers.docx_writer import DocxWriter
from desktop_app.document.writers.export_file import rendered
from desktop_app.editor.clipboard import MIME_TYPE, mime_of, passages_of
from desktop_app.services.settings import SettingsStore
from tests.desktop_app.document.test_nextstroke_file import sample
from tests.desktop_app.document.writers.books import book

LONGEST_S = 10.0
TEXT = "---\ntitle: The Sea\nauthor: 安\n---\n\n# 从前\n\nonce *upon* a time 😀\r\n- one\n\n> quote\n"
SETTINGS = 'settings_version = 1\ntheme = "dark"\nfont_size_pt = 20\nrecent_files = ["/a/b.txt", "/c"]\ntop_p = 0.5\n'
SESSION = {"version": 1, "front": 0, "tabs": [{"key": "k", "path": "/a", "caret": 1, "scroll": 2, "branch": 1}]}
PIECES = [
    b"\0",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xef\xbb\xbf",
    b"[" * 5000,
    b"\xed\xa0\xbd",
    b"9" * 400,
    b"\r",
    b'"',
    b"-1",
    b"PK\3\4",
]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One of the ways in which a file goes wrong."""
    hurt = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        at, way = chance.randrange(len(hurt) + 1), chance.randrange(6)
        if way == 0 and at < len(hurt):
            hurt[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            hurt[at:at] = chance.choice(PIECES)
        elif way == 2:
            del hurt[at : at + chance.choice((1, 2, 100))]
        elif way == 3:
            hurt[at : at + 4] = chance.randbytes(4)
        elif way == 4:
            hurt[at:at] = hurt[: chance.randrange(200)]
        elif len(hurt) > 4:
            del hurt[chance.randrange(len(hurt) // 2, len(hurt)) :]
    return bytes(hurt)


def text(data: bytes, _folder: Path) -> None:
    decoded = decode_text(data, "a.txt")
    assert encode_text(decoded.text, decoded.format, original=data) == data


def parts(data: bytes, _folder: Path) -> None:
    reading_of(data, "a.txt")


def markdown(data: bytes, folder: Path) -> None:
    (folder / "a.md").write_bytes(data)
    import_file(Disk(), folder / "a.md")


def document(data: bytes, _folder: Path) -> None:
    salvage(data)
    document_of(data, "a")


def word(data: bytes, _folder: Path) -> None:
    read_docx(data, "a.docx")


def settings(data: bytes, folder: Path) -> None:
    (folder / "settings.toml").write_bytes(data)
    SettingsStore(folder / "settings.toml", Disk()).load()


def session(data: bytes, folder: Path) -> None:
    file = SessionFile(folder, Disk())
    file._path.write_bytes(data)
    file.load()


def clipboard(data: bytes, _folder: Path) -> None:
    source = QMimeData()
    source.setText("once upon")
    source.setData(MIME_TYPE, QByteArray(data))
    passages, _records = passages_of(source)
    assert "".join(passage.text for passage in passages) == "once upon"


def recovery(data: bytes, folder: Path) -> None:
    state = folder / f"state-{time.monotonic_ns()}"
    (state / "recovery").mkdir(parents=True)
    (state / "recovery" / "recovery.db").write_bytes(data)
    store = RecoveryStore(state, Disk())
    store.take_over()
    store.close()


def recovery_seed(folder: Path) -> bytes:
    store = RecoveryStore(folder, Disk())
    store.keep((KeptDocument("k", sample(), folder / "a.nextstroke"),))
    store.close()
    return (folder / "recovery" / "recovery.db").read_bytes()


READERS: dict[str, tuple[Callable[[bytes, Path], None], Callable[[Path], bytes], int]] = {
    "text": (text, lambda _folder: TEXT.encode(), 400),
    "text of GB18030": (text, lambda _folder: (TEXT * 3).encode("gb18030"), 200),
    "text of UTF-16": (text, lambda _folder: (TEXT * 3).encode("utf-16"), 200),
    "parts": (parts, lambda _folder: (TEXT * 30).encode(), 200),
    "markdown": (markdown, lambda _folder: TEXT.encode(), 200),
    "document": (document, lambda _folder: bytes_of(sample(), 0.0), 60),
    "word": (word, lambda _folder: rendered(book("en", with_runs=False), DocxWriter()), 25),
    "settings": (settings, lambda _folder: SETTINGS.encode(), 200),
    "session": (session, lambda _folder: json.dumps(SESSION).encode(), 200),
    "clipboard": (
        clipboard,
        lambda _folder: bytes(
            mime_of([Passage("once upon", Origin(GENERATED, "r"))], {"r": {"model": "m"}}).data(MIME_TYPE).data()
        ),
        200,
    ),
    "recovery store": (recovery, recovery_seed, 25),
}


def feed(name: str, folder: Path, count: int, seed: int) -> tuple[int, int]:
    """How many mutations were read, and how many refused; any other error comes out."""
    read, seed_of, _ = READERS[name]
    good, chance = seed_of(folder), random.Random(seed)
    read(good, folder)
    outcomes = [0, 0]
    for _ in range(count):
        started = time.monotonic()
        try:
            read(mutated(good, chance), folder)
            outcomes[0] += 1
        except DocumentError as error:
            outcomes[1] += "\n" not in str(error)
        assert time.monotonic() - started < LONGEST_S
    return outcomes[0], outcomes[1]


@pytest.mark.parametrize("name", READERS)
def test_mutated_input_is_read_or_refused(tmp_path: Path, name: str):
    count = READERS[name][2]
    assert sum(feed(name, tmp_path, count, seed=5)) == count


@pytest.mark.long
@pytest.mark.parametrize("name", READERS)
def test_much_mutated_input_is_read_or_refused(tmp_path: Path, name: str):
    """A minute for each reader."""
    end, done, seed = time.monotonic() + 60, 0, 1000
    while time.monotonic() < end:
        assert sum(feed(name, tmp_path, 20, seed)) == 20
        done, seed = done + 20, seed + 1
    print(f"{name}: {done:,} mutations")
