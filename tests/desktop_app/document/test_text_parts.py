"""A text read by parts is the same text, whatever its size and encoding, with one part in memory."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, TextFileError
from desktop_app.document.text_encoding import (
    GB18030,
    LF,
    UTF_8,
    UTF_8_BOM,
    UTF_16_BE,
    UTF_16_LE,
    TextFormat,
    encode_text,
)
from desktop_app.document.text_parts import TextParts
from tests.desktop_app.document.faulty_disk import RecordingCalls

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\na b中😀"), min_size=1)


def parts_of(path: Path, part_bytes: int) -> list[str]:
    parts = TextParts(Disk(), path, part_bytes)
    return [parts.part(number).text for number in range(parts.count)]


@settings(max_examples=200, deadline=None)
@given(text=TEXT, encoding=st.sampled_from([UTF_8, UTF_8_BOM, UTF_16_LE, UTF_16_BE]), part_bytes=st.integers(8, 60))
def test_the_parts_together_are_the_text(tmp_path_factory, text: str, encoding: str, part_bytes: int):
    path = tmp_path_factory.getbasetemp() / "parts.txt"
    path.write_bytes(encode_text(text, TextFormat(encoding, LF)))
    parts = TextParts(Disk(), path, part_bytes)
    if parts.encoding == encoding:  # of the beginning alone, GB18030 may be the better guess
        assert "".join(parts_of(path, part_bytes)) == text


def test_chinese_of_gb18030_is_cut_between_characters_where_lines_end(tmp_path: Path):
    text = "从前有一个小村庄，村里住着一位老人。\n" * 200
    (tmp_path / "g.txt").write_bytes(text.encode("gb18030"))
    parts = TextParts(Disk(), tmp_path / "g.txt", 500)
    assert parts.encoding == GB18030
    found = [parts.part(number) for number in range(parts.count)]
    assert "".join(part.text for part in found) == text
    assert all(part.is_exact for part in found)
    assert all(part.text.endswith("\n") for part in found)


def test_bytes_that_are_no_character_are_shown_as_such_and_said(tmp_path: Path):
    data = "Une soirée d'été à Orléans, où\n".encode("latin-1")
    (tmp_path / "l.txt").write_bytes(data)
    part = TextParts(Disk(), tmp_path / "l.txt").part(0)
    assert part.text == "Une soir\ufffde d'\ufffdt\ufffd \ufffd Orl\ufffdans, o\ufffd\n"
    assert not part.is_exact


def test_a_file_that_changes_between_two_parts_is_said(tmp_path: Path):
    path = tmp_path / "c.txt"
    path.write_bytes(b"line\n" * 100)
    parts = TextParts(Disk(), path, 100)
    assert parts.part(0).text == "line\n" * 21
    path.write_bytes(b"other\n" * 100)
    with pytest.raises(ChangedOutside):
        parts.part(1)


def test_what_is_no_text_has_no_parts(tmp_path: Path):
    path = tmp_path / "zeros.txt"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(TextFileError, match="is not a text file"):
        TextParts(Disk(), path)


def test_one_part_reads_no_more_than_itself(tmp_path: Path):
    path = tmp_path / "sparse.txt"
    with path.open("wb") as file:
        file.write("一行文字\n".encode() * 200_000)
        file.truncate(1 << 30)
    calls = RecordingCalls()
    parts = TextParts(Disk(calls), path)
    calls.names.clear()
    assert parts.part(1).text.startswith("一行文字\n")
    assert calls.names.count("open") == 3  # two borders and the part
    assert parts.count == 1024


# Opens a file of a gigabyte as the window does, and goes through some of its parts; says the memory that it took.
READER = """
import resource, sys, time
from pathlib import Path
from desktop_app.document.any_file import open_file, readable_parts
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
path, disk = Path(sys.argv[1]), Disk()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.monotonic()
try:
    open_file(disk, path)
except DocumentError as error:
    print(error.kind, file=sys.stderr)
    parts = readable_parts(disk, path, error)
for number in (0, 1, parts.count // 2, parts.count - 1, 0):
    part = parts.part(number)
    assert part.is_exact and "中" in part.text, number
used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(parts.count, used // 1024, round(time.monotonic() - started, 2))
"""


@pytest.mark.long
def test_a_gigabyte_of_text_is_read_in_parts_with_little_memory(root: Path, tmp_path: Path):
    path = tmp_path / "huge.txt"
    piece = "中文 and English in one line of a book that never ends.\n".encode() * 20_000
    with path.open("wb") as file:
        while file.tell() < 1 << 30:
            file.write(piece)
    command = [sys.executable, "-c", READER, str(path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)
    assert done.stderr == "file_too_large\n"
    count, used_mb, seconds = done.stdout.split()
    print(f"1 GB: {count} parts, {used_mb} MB of memory, {seconds} s for five parts")
    assert int(count) >= 1024
    assert int(used_mb) < 40
    assert float(seconds) < 10
