"""Each format against its golden file, and what all of them promise."""

import io
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from desktop_app.document.disk import Disk
from desktop_app.document.writers.blocks import Heading, Listing, Paragraph, Piece, Quote, SceneBreak
from desktop_app.document.writers.docx_writer import DocxWriter
from desktop_app.document.writers.epub_writer import EpubWriter
from desktop_app.document.writers.export_file import WRITERS, export_file, rendered
from desktop_app.document.writers.html_writer import HtmlWriter
from desktop_app.document.writers.manuscript import CHINESE, ENGLISH, TYPED, Manuscript, Metadata, Run, language_of
from desktop_app.document.writers.markdown_writer import MarkdownWriter, markdown
from desktop_app.document.writers.prose_markup import read_blocks
from desktop_app.document.writers.text_writer import TextWriter
from desktop_app.document.writers.writer import Writer
from tests.desktop_app.document.writers.books import LANGUAGES, WHEN, book

GOLDEN = Path(__file__).parent / "golden"


def written(writer: Writer, manuscript: Manuscript, with_origin: bool = False) -> bytes:
    return rendered(manuscript, writer, with_origin)


def parts_of(data: bytes) -> dict[str, str]:
    """The text files of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def golden_texts(language: str) -> dict[str, str]:
    """What is compared, by the name of its golden file."""
    manuscript = book(language)
    epub, word = parts_of(written(EpubWriter(), manuscript)), parts_of(written(DocxWriter(), manuscript))
    texts = {
        "book.txt": written(TextWriter(), manuscript).decode("utf-8"),
        "book.md": written(MarkdownWriter(), manuscript).decode("utf-8"),
        "book.html": written(HtmlWriter(), manuscript).decode("utf-8"),
        "book-with-origin.html": written(HtmlWriter(), manuscript, with_origin=True).decode("utf-8"),
        "document.xml": word["word/document.xml"].replace("><", ">\n<"),
        "core.xml": word["docProps/core.xml"].replace("><", ">\n<"),
    }
    return texts | {name.replace("/", "-"): text for name, text in epub.items() if not name.endswith(".css")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_golden_files(language: str, update_golden: bool):
    folder = GOLDEN / language
    texts = golden_texts(language)
    if update_golden:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert {path.name for path in folder.iterdir()} == set(texts)
    for name, text in texts.items():
        assert text == (folder / name).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("writer", [HtmlWriter(), EpubWriter(), TextWriter(), MarkdownWriter()])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_manuscript_gives_the_same_bytes(writer: Writer, language: str):
    assert written(writer, book(language)) == written(writer, book(language))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("text", ["", "\0\ud800 x \x1b\ufffe", "> " * 30 + "deep", "- " * 30 + "deep", "#\n\n***"])
def test_odd_texts_become_files(writer: Writer, text: str):
    assert written(writer, Manuscript(text, Metadata(title="\0<&\ud800", author="\x01")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_is_well_formed_and_needs_nothing_else(language: str):
    page = written(HtmlWriter(), book(language), with_origin=True).decode("utf-8")
    root = ElementTree.fromstring(page.replace("<!DOCTYPE html>", ""))
    assert root.get("lang") == language
    assert "src=" not in page
    assert "url(" not in page
    records = json.loads(root.find(".//script").text)
    assert records["1"]["model"] == "tiny </script> & co"
    assert {span.get("class") for span in root.find(".//main").iter("span")} == {"generated", "pasted", "imported"}


def test_html_marks_exactly_what_was_not_typed():
    manuscript = book(CHINESE)
    root = ElementTree.fromstring(
        written(HtmlWriter(), manuscript, True).decode("utf-8").replace("<!DOCTYPE html>", "")
    )
    main = root.find(".//main")
    marked = "".join("".join(span.itertext()) for span in main.iter("span") if span.get("class") == "generated")
    assert marked == manuscript.text[30:70].replace("*", "").replace("\n", "")
    assert "generated" not in written(HtmlWriter(), manuscript).decode("utf-8")


def test_blocks_of_the_other_language_say_so():
    page = written(HtmlWriter(), book(ENGLISH)).decode("utf-8")
    assert '<p lang="zh-Hans" xml:lang="zh-Hans">他说' in page
    assert 'lang="en" xml:lang="en">She said' in written(HtmlWriter(), book(CHINESE)).decode("utf-8")


def test_an_epub_begins_with_its_type():
    data = written(EpubWriter(), book(ENGLISH))
    assert data[30:58] == b"mimetypeapplication/epub+zip"


def test_other_readers_see_the_same_markdown():
    """The stock CommonMark rules of markdown-it-py, not our choice of them."""
    page = MarkdownIt("commonmark").render(markdown(read_blocks(book(ENGLISH))))
    for expected in (
        "<h1>The Sea &amp; Her</h1>",
        "<em>very</em>",
        "<strong>“Keep out!”</strong>",
        "snake_case, *no star*",
        "<hr />",
        "<blockquote>\n<p>It was the best of times,</p>\n<p>it was <em>the worst</em>.</p>\n</blockquote>",
        "<ul>\n<li>oat milk</li>\n</ul>",
        '<ol start="3">',
    ):
        assert expected in page


CHARACTERS = "ab中，“” *_#>-+1.)(\\=~`!&<"
PIECES = st.builds(
    Piece,
    st.text(st.sampled_from(CHARACTERS), min_size=1, max_size=12).filter(
        lambda text: text.strip() == text and set(text) - set("*~# ")
    ),  # stars alone are a change of scene
)
PARAGRAPHS = st.builds(lambda piece: Paragraph((piece,)), PIECES)
HEADINGS = st.builds(lambda level, piece: Heading(level, (piece,)), st.integers(1, 6), PIECES)
ITEMS = st.lists(st.lists(PARAGRAPHS, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple)
LISTINGS = st.builds(Listing, st.just(False), st.just(1), ITEMS) | st.builds(
    Listing, st.just(True), st.integers(0, 99), ITEMS
)
QUOTES = st.builds(lambda blocks: Quote(tuple(blocks)), st.lists(PARAGRAPHS, min_size=1, max_size=3))
BLOCKS = st.lists(PARAGRAPHS | HEADINGS | LISTINGS | QUOTES | st.just(SceneBreak()), max_size=6).map(tuple)


@given(BLOCKS, st.booleans())
def test_markdown_gives_the_blocks_back(blocks: tuple[object, ...], is_tight: bool):
    text = markdown(blocks, is_tight)
    assert read_blocks(Manuscript(text)) == blocks, text


def test_a_sidecar_gives_the_manuscript_back(tmp_path: Path):
    manuscript = book(CHINESE)
    written_paths = export_file(Disk(), tmp_path / "书 📖.txt", manuscript, TextWriter(), with_origin=True)
    assert [path.name for path in written_paths] == ["书 📖.txt", "书 📖.txt.provenance.json"]
    beside = json.loads(written_paths[1].read_text(encoding="utf-8"))
    assert "".join(run["text"] for run in beside["runs"]) == manuscript.text
    assert [run["kind"] for run in beside["runs"]] == [run.kind for run in manuscript.runs]
    assert beside["records"][beside["runs"][1]["record"]]["seed"] == 7


def test_html_carries_its_origin_itself(tmp_path: Path):
    assert export_file(Disk(), tmp_path / "a.html", book(ENGLISH), HtmlWriter(), True) == [tmp_path / "a.html"]


def test_without_runs_nothing_is_said_of_origin(tmp_path: Path):
    assert export_file(Disk(), tmp_path / "a.txt", Manuscript("x"), TextWriter(), True) == [tmp_path / "a.txt"]


def test_the_language_is_that_of_most_of_the_text():
    assert language_of("他说 hello 你好") == CHINESE
    assert language_of("Once upon a time 你") == ENGLISH
    assert language_of("") == ENGLISH


def test_a_million_characters_are_read_in_seconds():
    text = "他走了很*久*，终于到家。\n" * 10_000
    manuscript = Manuscript(text, Metadata(language=CHINESE, modified=WHEN), (Run(len(text), TYPED),))
    assert len(read_blocks(manuscript)) == 10_000
