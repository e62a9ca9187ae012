"""Every problem that a person can meet has its sentence in both languages, with the names in it."""

import errno
import os
import re
from pathlib import Path

import pytest

from desktop_app.document import errors
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, DocumentError, NotEncodable, StoreError, disk_error
from desktop_app.document.nextstroke_file import DocumentFileError
from desktop_app.document.plain_document import PlainDocumentError
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import open_text
from desktop_app.services.engine_lines import ENGINE_LINES
from desktop_app.services.error_words import _DOCUMENT_WORDS, sentence, words_for, words_for_engine
from desktop_app.services.export_lines import EXPORT_LINES
from desktop_app.services.foreign_lines import FOREIGN_LINES
from engine.contracts.errors import NextstrokeError
from engine.contracts.manifest import read_manifest
from engine.folder import open_folder
from engine.memory import MemoryEstimate, memory_note
from tests.support.said_lines import said_lines

ODD_NAME = "第{reason}章.txt"  # a file's name may hold braces
DOCUMENT_NAME = "novel.nextstroke"
HAN = re.compile("[\u4e00-\u9fff]")


def disk_errors() -> list[DocumentError]:
    numbers = [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT, errno.EISDIR, errno.ENAMETOOLONG, errno.EIO]
    return [
        disk_error(OSError(number, os.strerror(number)), doing, ODD_NAME)
        for number in numbers
        for doing in ("save", "read")
        if (number, doing) not in ((errno.ENOSPC, "read"), (errno.EROFS, "read"))  # reading needs neither
    ]


PROBLEMS = [
    *disk_errors(),
    errors.disk_error_of_kind(errors.NOT_CONFIRMED, "save", "a.txt", "I/O error"),
    errors.disk_error_of_kind(errors.NOT_A_FILE, "read", "a.txt"),
    ChangedOutside("a.txt"),
    ChangedOutside("a.txt", removed=True),
    NotEncodable("GB18030", "é", 3, "UTF-8"),
    NotEncodable("UTF-8", "\ud800", 3, ""),
    PlainDocumentError("KeyError: 'text'"),
    DocumentFileError("no", "newer_document", name=DOCUMENT_NAME),
    DocumentFileError("no", "not_a_document", name=DOCUMENT_NAME),
    DocumentFileError("no", "document_damaged", name=""),
    DocumentFileError("no", "file_too_large", name=DOCUMENT_NAME, limit="256 MB"),
    DocumentError("no", "dictionary_damaged", name="de_DE", reason="it has 2 words"),
    DocumentError("no", "dictionary_stopped", name="de_DE", reason=""),
    DocumentError("no", "own_words_unreadable", name="own_words.txt", limit="4 MB"),
    StoreError("no", "disk_full"),
    StoreError("no", "store_busy"),
    StoreError("no", "read_only"),
    StoreError("no", "store_damaged"),
    StoreError("no", "fault"),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.kind)
def test_problems_of_documents_are_said_in_chinese(problem: DocumentError, chinese: None):
    words = words_for(problem)
    assert HAN.search(words)
    assert words.endswith("。")
    assert "{" not in words.replace(ODD_NAME, "")
    if "name" in problem.facts:
        assert problem.facts["name"] in words


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.kind)
def test_problems_of_documents_are_english_sentences(problem: DocumentError):
    words = words_for(problem)
    assert words.endswith(".")
    assert words in words_for(problem)
    assert not HAN.search(words.replace(ODD_NAME, ""))


def test_notes_of_opening_are_said_in_chinese(tmp_path: Path, chinese: None):
    (tmp_path / "g.txt").write_bytes("中文\r\n中文\n中文\u2028".encode("gb18030"))
    notes = open_text(Disk(), tmp_path / "g.txt").notes
    words = [words_for(note) for note in notes]
    assert len(words) == 3
    assert all(HAN.search(line) for line in words)
    assert "1 × U+2028" in words[2]


def test_a_damaged_store_is_said_in_chinese(tmp_path: Path, chinese: None):
    (tmp_path / "recovery").mkdir()
    (tmp_path / "recovery" / "recovery.db").write_bytes(b"no database" * 99)
    store = RecoveryStore(tmp_path, Disk())
    assert store.notice is not None
    assert "恢复库已损坏，从中救回了 0 篇文字；原库保留为“recovery-damaged-" in words_for(store.notice)
    store.close()


# Lines that the engine and the exporter say, as they say them.
LINES = {
    memory_note(
        MemoryEstimate(weights=10**9, cache=10**9, working=10**8), free=2 * 10**9
    ): "2.1 GB",  # a note, no error
    'the prompt has 900 tokens but the model sees at most 512; shorten it, or set "context_policy"': "900",
    "600 tokens do not fit the context of 512; shorten the text": "512",
    "there is nothing to continue: the prompt is empty; write a first word": "",
    "no model is open; choose one in the model list": "",
    "no model is bundled with this program (none in /x); name a model folder": "",
    "there is no model folder and no model named '小说'; known models: a; `nextstroke models add PATH`": "小说",
    "model.onnx is missing from /m; fetch or export the folder again": "model.onnx",
    "model.onnx in /m has 3 bytes instead of 4, so it is cut off or damaged; fetch": "model.onnx",
    "model.onnx in /m differs from its SHA-256, so it is damaged or was changed; fetch": "model.onnx",
    "/a b/model.onnx is damaged (its SHA-256 is not the manifest's); fetch or export the model folder again": "SHA-256",
    "the model answers with numbers that are not finite, so its weights are damaged; fetch": "",
    "every possible next token is forbidden by the bans, the constraint or no_repeat_ngram; loosen one": "",
    "the model needs 900 MB and /m has 20 MB free; free some space and add it again": "900 MB",
    "There is an NVIDIA card, but CUDA 13 is missing; using the processor.": "CUDA 13",
    "The processor answers faster with this model than the graphics card (9.5 ms against 31.0 ms), so": "31.0",
    "CUDA was asked for, but no NVIDIA driver answers; use --device cpu": "NVIDIA",
    "8 jobs wait already; wait for one to end or stop it, then ask again": "",
    "the engine is not running; start it again": "",
    "the engine cannot be started ([Errno 2]); install the program again": "",
    "there is no checkpoint /c 一.pt; check the path": "/c 一.pt",
    "/x is no checkpoint that this program knows; it opens ckpt.pt": "/x",
    "/x/model.safetensors is cut off or damaged (its table of tensors does not fit); fetch it again": "/x/model.saf",
    "/x/config.json is cut off or not JSON; fetch it again": "/x/config.json",
    "/x has neither model.safetensors nor pytorch_model.bin; fetch the whole model folder": "/x",
    "/x/config.json describes a 'llama' model; of Hugging Face's folders only gpt2 can be converted": "llama",
    "ckpt.pt holds numbers that are not finite (in wte.weight): training went wrong there; use": "ckpt.pt",
    "ckpt.pt holds the tensor lora.a, which this model family does not have, so the result": "lora.a",
    "ckpt.pt lacks the tensor wte.weight; it is incomplete or its configuration": "wte.weight",
    "ckpt.pt: wte.weight has shape (3, 4), but the configuration says (4, 3); they do not": "wte.weight",
    "the tokenizer in /x has 300 tokens but the model only 200, so it would write numbers": "300",
    "/x holds no tokenizer (tokenizer.json, tokenizer.model, or vocab.json with merges.txt); name": "/x",
    "/x made its reader stop (killed); it is damaged, hostile or too large for this computer": "killed",
    "the int4 conversion misses its threshold, so nothing was written: …; choose a higher precision": "",
    "PyTorch 2.4.0 can be made to run code by a checkpoint; install PyTorch 2.10 or newer": "2.4.0",
    "story-zh-en is part of the program and stays; only models that you added can be removed": "story-zh-en",
}


def test_known_lines_of_the_engine_are_chinese(chinese: None):
    for line, fact in LINES.items():
        words = words_for_engine(line)
        assert HAN.search(words), line
        assert fact in words
        assert "{" not in words


def test_no_row_is_for_a_line_that_nobody_says(root: Path):
    files = [path for side in ("engine", "export") for path in sorted((root / side).rglob("*.py"))]
    real = [*LINES, *_real_refusals(root), *(line.text for path in files for line in said_lines(root, path))]
    for pattern, _ in (*ENGINE_LINES, *EXPORT_LINES, *FOREIGN_LINES):
        assert any(re.match(pattern, line) for line in real), pattern


def _real_refusals(root: Path) -> list[str]:
    """What the engine's own functions say, so that a change of words there is seen here."""
    lines = []
    for call in (
        lambda: open_folder(root / "no such folder"),
        lambda: open_folder(root / "tests"),
        lambda: read_manifest("no json"),
        lambda: read_manifest('{"format": "nextstroke-model", "format_version": "9.0"}'),
    ):
        with pytest.raises(NextstrokeError) as caught:
            call()
        lines.append(str(caught.value))
    return lines


def test_real_refusals_are_chinese(root: Path, chinese: None):
    for line in _real_refusals(root):
        words = words_for_engine(line, "ModelFolderError")
        assert HAN.search(words), line
        assert "fetch" not in words


def test_a_line_that_no_row_knows_stands_under_its_heading(chinese: None):
    assert words_for_engine("the wheels came off", "CheckpointError") == "检查点无法转换：the wheels came off"
    assert words_for_engine("the wheels came off") == "The wheels came off."


def test_a_line_becomes_a_sentence():
    assert sentence("  an odd line ") == "An odd line."
    assert sentence("Done!") == "Done!"
    assert sentence("") == ""


def test_every_row_of_documents_is_translated(chinese: None):
    from PySide6.QtCore import QCoreApplication

    for template in _DOCUMENT_WORDS.values():
        assert HAN.search(QCoreApplication.translate("ErrorWords", template))
