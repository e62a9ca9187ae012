"""What Qt's writers give, ODF and PDF, against golden files of what does not change with Qt's build.

An .odt is compared part by part, its styles named in the order of their use (Qt names and orders them by hashes). Of a
.pdf the text of each page with its lines and order, the fonts, the facts and the metadata: what poppler reads of it.
"""

import io
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtGui import QFontDatabase

from desktop_app.document.writers.export_file import rendered
from desktop_app.qt_writers.faces import Faces
from desktop_app.qt_writers.odt_writer import OdtWriter
from desktop_app.qt_writers.pdf_writer import PdfWriter
from tests.desktop_app.document.writers.books import LANGUAGES, book
from tests.desktop_app.services.qt import application

GOLDEN = Path(__file__).parent / "golden"
FAMILY = "Noto Serif CJK SC"
FACES = Faces((FAMILY, "serif"))
NOT_IN_THE_FACE = "𠀀"  # whether another face has it is the computer's affair
FACTS = ("Title", "Author", "Creator", "Tagged", "Pages", "Encrypted", "Page size", "PDF version")
STYLE = re.compile(r"\}(style-name|name)$")


def compare(language: str, texts: dict[str, str], update_golden: bool) -> None:
    folder = GOLDEN / language
    if update_golden:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    for name, text in texts.items():
        assert text == (folder / name).read_text(encoding="utf-8"), name


def by_use(content: bytes) -> str:
    """content.xml with one element a line; its styles are called s1, s2 … as the text uses them, in that order."""
    root = ElementTree.fromstring(content)
    (styles,) = (each for each in root if each.tag.endswith("}automatic-styles"))
    (body,) = (each for each in root if each.tag.endswith("}body"))
    fresh: dict[str, str] = {}
    for element in (*body.iter(), *styles):
        for key, value in element.items():
            if STYLE.search(key):
                element.set(key, fresh.setdefault(value, f"s{len(fresh) + 1}"))
        if not element.tag.endswith("}span"):  # Qt's indentation; text stands in spans alone
            assert not (element.text or "").strip()
            element.text = None
        assert not (element.tail or "").strip()
        element.tail = None
    used = sorted(styles, key=lambda style: int(next(v for k, v in style.items() if STYLE.search(k))[1:]))
    styles[:] = used
    for element in (root, styles, body, *styles.iter()):
        element.text = element.tail = None
    return ElementTree.canonicalize(ElementTree.tostring(root, encoding="unicode")).replace("><", ">\n<") + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_golden_parts_of_an_odt(language: str, update_golden: bool):
    application()
    with zipfile.ZipFile(io.BytesIO(rendered(book(language), OdtWriter(FACES), False))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert list(parts) == ["mimetype", "META-INF/manifest.xml", "content.xml", "meta.xml"]
    texts = {name.replace("/", "-"): data.decode("utf-8") for name, data in parts.items() if name != "content.xml"}
    compare(language, texts | {"content.xml": by_use(parts["content.xml"])}, update_golden)


def poppler(program: str, *arguments: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: sudo apt install poppler-utils")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_golden_text_fonts_and_facts_of_a_pdf(language: str, tmp_path: Path, update_golden: bool):
    application()
    if FAMILY not in QFontDatabase.families():
        pytest.skip(f"{FAMILY} is not installed: sudo apt install fonts-noto-cjk-extra")
    manuscript = book(language, with_runs=False)
    path = tmp_path / "book.pdf"
    text = manuscript.text.replace(NOT_IN_THE_FACE, "") * 3  # more than one page
    path.write_bytes(rendered(replace(manuscript, text=text), PdfWriter(FACES), False))
    pages = poppler("pdftotext", "-layout", str(path), "-").removesuffix("\f").split("\f")
    assert len(pages) > 1
    said = [f"=== page {number} ===\n{lines_of(page)}" for number, page in enumerate(pages, 1)]
    fonts = [line[: -len("object ID")].rstrip() for line in poppler("pdffonts", str(path)).splitlines()[2:]]
    facts = [line for line in poppler("pdfinfo", str(path)).splitlines() if line.split(":")[0] in FACTS]
    texts = {
        "book.pdf.txt": "".join(said),
        "book.pdf.facts.txt": "\n".join([*sorted(re.sub(" +", " ", line) for line in (*facts, *fonts)), ""]),
        "book.pdf.xmp": poppler("pdfinfo", "-meta", str(path)),
    }
    compare(language, texts, update_golden)


def lines_of(page: str) -> str:
    """How many spaces and empty lines stand for a distance is poppler's guess; whether there is one, is not."""
    lines = (re.sub(r"[ \u3000]+", " ", line.replace("\u2003", " ")).rstrip() for line in page.splitlines())
    return "".join(f"{line}\n" for line in lines if line)


def test_no_golden_file_is_left_over():
    names = {"mimetype", "META-INF-manifest.xml", "content.xml", "meta.xml"}
    names |= {"book.pdf.txt", "book.pdf.facts.txt", "book.pdf.xmp"}
    assert {path.name for path in GOLDEN.iterdir()} == set(LANGUAGES)
    for language in LANGUAGES:
        assert {path.name for path in (GOLDEN / language).iterdir()} == names
