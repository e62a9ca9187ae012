"""The Chinese of the window: complete, compiled, with its placeholders and keys, by the rules of Chinese typography."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtCore import QTranslator

from resources.i18n import update

Entry = tuple[str, str, str]  # context, source, translation


def entries_of(path: Path) -> list[Entry]:
    found = []
    for context in ElementTree.parse(path).getroot().iter("context"):
        for message in context.iter("message"):
            texts = (context.findtext("name"), message.findtext("source"), message.findtext("translation"))
            found.append(tuple(text or "" for text in texts))
    return found


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return entries_of(update.TRANSLATION)


def test_every_text_is_translated(entries: list[Entry]):
    assert update.unfinished(update.TRANSLATION) == []
    assert len(entries) > 200


def test_the_translation_file_holds_exactly_the_texts_of_the_window(entries: list[Entry], tmp_path: Path):
    fresh = tmp_path / "fresh.ts"
    update.update(fresh)
    wanted = {(context, source) for context, source, _ in entries_of(fresh)}
    have = {(context, source) for context, source, _ in entries}
    words = "run resources/i18n/update.py and translate what it names"
    assert (sorted(wanted - have), sorted(have - wanted)) == ([], []), words


def test_the_compiled_file_says_the_same(entries: list[Entry]):
    translator = QTranslator()
    assert translator.load(str(update.COMPILED))
    assert [translator.translate(context, source) for context, source, _ in entries] == [entry[2] for entry in entries]


def test_placeholders_are_kept(entries: list[Entry]):
    for _, source, translation in entries:
        assert sorted(re.findall(r"\{\w+\}", source)) == sorted(re.findall(r"\{\w+\}", translation)), source
        assert sorted(re.findall(r"\*\.\w+", source)) == sorted(re.findall(r"\*\.\w+", translation)), source


def test_mnemonics_and_ellipses_are_kept(entries: list[Entry]):
    for _, source, translation in entries:
        keys = re.findall(r"&(\w)", source)
        assert [key.upper() for key in keys] == re.findall(r"\(&(\w)\)", translation), source
        assert source.endswith("…") == translation.endswith("…"), source


def test_the_marks_are_those_of_chinese_typography(entries: list[Entry]):
    for _, source, translation in entries:
        plain = re.sub(r"\(&\w\)|\(\*[^)]*\)|python3 -m venv \S+|\S+/bin/pip \S+ '.*?'", "", translation)
        plain = re.sub(r"\{\w+\}", "1", plain)  # what is filled in is a number or a name
        assert not re.search(r"[\u4e00-\u9fff][,.:;!?]|[,:;!?][\u4e00-\u9fff]", plain), source
        assert not re.search(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]", plain), source
        assert not re.search(r"[\u4e00-\u9fff] +[\u4e00-\u9fff，。：；]", plain.replace("… ", "")), source


@pytest.mark.parametrize(
    ("english", "chinese"),
    [("model folder", "模型文件夹"), ("engine", "引擎"), ("checkpoint", "检查点"), ("token", "词元")],
)
def test_the_same_thing_has_the_same_word(entries: list[Entry], english: str, chinese: str):
    sources = [entry for entry in entries if re.search(rf"\b{english}s?\b", entry[1], re.IGNORECASE)]
    assert sources
    assert [source for _, source, translation in sources if chinese not in translation] == []
