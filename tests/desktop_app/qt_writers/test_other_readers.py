"""Every format is opened again by a program that is not ours: LibreOffice, epubcheck, poppler."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.writers.export_file import WRITERS, export_file
from desktop_app.document.writers.manuscript import CHINESE, ENGLISH
from desktop_app.qt_writers.faces import Faces
from desktop_app.qt_writers.odt_writer import OdtWriter
from desktop_app.qt_writers.pdf_writer import PdfWriter
from tests.desktop_app.document.writers.books import LANGUAGES, book
from tests.desktop_app.services.qt import application

FACES = Faces(("Noto Serif CJK SC", "serif"))
READ_BY_LIBREOFFICE = (".txt", ".html", ".docx", ".odt")
EXPECTED = {
    ENGLISH: ["The Sea & Her", "Once upon a time there was a very small house.", "“Keep out!” & nobody", "Moët, 5 < 6",
              "*no star*", "it was the worst.", "oat milk", "third", "again from one", "他说：“你好。”", "The end."],
    CHINESE: ["海边的小房子", "从前有一个小女孩，", "“别走！”他喊——可是她已经走远", "捡一些贝壳回来；",
              "山重水复疑无路，", "海星", "后来",
              "She said “hello” in English.", "他写下 3.14 和 <标签> & 符号。", "第二章", "完。"],
}  # fmt: skip


def needed(program: str, package: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed: sudo apt install {package}")
    return found


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`zh-Hans.docx` and so on, for every format and language."""
    application()
    folder = tmp_path_factory.mktemp("books")
    for language in LANGUAGES:
        for writer in (*WRITERS, OdtWriter(FACES), PdfWriter(FACES)):
            export_file(Disk(), folder / f"{language}{writer.suffix}", book(language), writer)
    return folder


@pytest.fixture(scope="module")
def read_by_libreoffice(books: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The plain text that LibreOffice sees in each file, by the file's name."""
    office = needed("soffice", "libreoffice-writer-nogui")
    folder = tmp_path_factory.mktemp("libreoffice")
    texts = {}
    for suffix in READ_BY_LIBREOFFICE:
        files = [str(books / f"{language}{suffix}") for language in LANGUAGES]
        out = folder / suffix.lstrip(".")
        command = [office, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless"]
        command += ["--infilter=Text (encoded):UTF8"] if suffix == ".txt" else []
        command += ["--convert-to", "txt:Text (encoded):UTF8", "--outdir", str(out), *files]
        subprocess.run(command, check=True, capture_output=True, timeout=240)
        for language in LANGUAGES:
            texts[f"{language}{suffix}"] = (out / f"{language}.txt").read_text(encoding="utf-8-sig")
    return texts


def assert_holds(text: str, language: str, spaces_count: bool = True) -> None:
    for expected in EXPECTED[language]:
        wanted = expected if spaces_count else expected.replace(" ", "")
        assert wanted in (text if spaces_count else re.sub(r"\s", "", text)), expected


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("suffix", READ_BY_LIBREOFFICE)
def test_libreoffice_reads_it(suffix: str, language: str, read_by_libreoffice: dict[str, str]):
    assert_holds(read_by_libreoffice[f"{language}{suffix}"], language)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".docx", ".odt"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_libreoffice_sees_headings_and_metadata(suffix: str, language: str, books: Path, tmp_path: Path):
    office = needed("soffice", "libreoffice-writer-nogui")
    command = [office, f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to", "fodt"]
    command += ["--outdir", str(tmp_path), str(books / f"{language}{suffix}")]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    seen = (tmp_path / f"{language}.fodt").read_text(encoding="utf-8")
    metadata = book(language).metadata
    assert f"<dc:title>{metadata.title.replace('&', '&amp;')}</dc:title>" in seen
    assert f"<dc:language>{language}</dc:language>" in seen
    assert metadata.author.split()[0] in seen
    levels = re.findall(r'<text:h [^>]*text:outline-level="(\d)"', seen)
    assert levels == ["1", "2", "1"]


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_epubcheck_finds_nothing(language: str, books: Path):
    check = needed("epubcheck", "epubcheck")
    java = needed(
        "java", "default-jre-headless"
    )  # Debian's program is a .jar, started by the kernel where that is set up
    command = [java, "-jar", check, "--failonwarnings", str(books / f"{language}.epub")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_pdftotext_reads_it(language: str, books: Path):
    program = needed("pdftotext", "poppler-utils")
    path = books / f"{language}.pdf"
    text = subprocess.run([program, str(path), "-"], capture_output=True, text=True, check=True).stdout
    assert_holds(text, language, spaces_count=False)
    facts = subprocess.run(["pdfinfo", str(path)], capture_output=True, text=True, check=True)
    assert facts.stderr == ""
    assert re.search(r"^Title: +" + re.escape(book(language).metadata.title), facts.stdout, re.M)
    assert re.search(r"^Author: +" + re.escape(book(language).metadata.author), facts.stdout, re.M)
    xmp = subprocess.run(["pdfinfo", "-meta", str(path)], capture_output=True, text=True, check=True).stdout
    assert f"<rdf:li>{language}</rdf:li>" in xmp
    assert b"/Lang (" + language.encode() + b")" in path.read_bytes()
    fonts = subprocess.run(["pdffonts", str(path)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(re.search(r" yes (yes|no ) yes ", line) for line in fonts), fonts  # embedded, with a map to Unicode


def test_a_pdf_of_many_pages_numbers_them(tmp_path: Path):
    program = needed("pdftotext", "poppler-utils")
    application()
    long = book(CHINESE, with_runs=False)
    export_file(Disk(), tmp_path / "a.pdf", type(long)("一行字。\n" * 120, long.metadata), PdfWriter(FACES))
    done = subprocess.run([program, str(tmp_path / "a.pdf"), "-"], capture_output=True, text=True, check=True)
    pages = done.stdout.rstrip("\f").split("\f")
    assert len(pages) > 2
    assert [page.split()[-1] for page in pages] == [str(number + 1) for number in range(len(pages))]
    assert done.stdout.count("一行字。") == 120


def test_odt_is_what_its_type_says(books: Path):
    with zipfile.ZipFile(books / f"{CHINESE}.odt") as archive:
        assert archive.namelist()[0] == "mimetype"
        assert archive.testzip() is None
        assert "林一" in archive.read("meta.xml").decode("utf-8")
        assert 'font-family-asian="Noto Serif CJK SC"' in archive.read("content.xml").decode("utf-8")
