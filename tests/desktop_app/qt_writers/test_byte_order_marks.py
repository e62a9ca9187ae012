"""A U+FEFF at any place of a text comes into what Qt writes and shows; the binding would take one in front away."""

import ast
import io
import zipfile
from pathlib import Path

import pytest
from PySide6.QtGui import QTextDocument

import desktop_app
from desktop_app.dialogs.difference_view import DifferenceView
from desktop_app.document.difference import difference
from desktop_app.document.difference_rows import rows_of
from desktop_app.document.writers.export_file import rendered
from desktop_app.document.writers.manuscript import Manuscript, Metadata
from desktop_app.document.writers.prose_markup import read_blocks
from desktop_app.editor.document_link import text_of_page
from desktop_app.qt_writers.faces import Faces
from desktop_app.qt_writers.odt_writer import OdtWriter
from desktop_app.qt_writers.page_document import page_document
from desktop_app.qt_writers.pdf_writer import PdfWriter
from tests.desktop_app.window_kit import Kit

FACES = Faces(("serif",))
MANUSCRIPT = Manuscript(
    "\ufeff\ufeffa\n\n# \ufeffHeading\n\n- \ufeffitem *\ufeffemphasis* \ufeffend\n",
    Metadata("\ufeffTitle", "\ufeffAnn"),
)
PUT_TEXT = ("setPlainText", "insertText", "insertPlainText", "appendPlainText")


@pytest.mark.usefixtures("kit")
def test_an_odt_has_all_of_them():
    assert page_document(MANUSCRIPT, read_blocks(MANUSCRIPT), FACES).toRawText().count("\ufeff") == 6
    with zipfile.ZipFile(io.BytesIO(rendered(MANUSCRIPT, OdtWriter(FACES), False))) as archive:
        assert archive.read("content.xml").decode("utf-8").count("\ufeff") == 6
        assert archive.read("meta.xml").decode("utf-8").count("\ufeff") == 3


@pytest.mark.usefixtures("kit")
def test_a_pdf_names_its_book_whole():
    data = rendered(MANUSCRIPT, PdfWriter(FACES), False)
    for words in ("Title", "Ann"):
        assert b"\xfe\xff" + f"\ufeff{words}".encode("utf-16-be") in data.replace(b"\\", b"")


@pytest.mark.parametrize(
    ("old", "new"), [("\ufeffa\nb", "a\nb"), ("a", "\ufeffa"), ("\ufeff", "\ufeff\ufeff"), ("a", "\ufeff")]
)
def test_a_difference_shows_all_of_it(kit: Kit, old: str, new: str):
    view = DifferenceView(kit.theme)
    rows = rows_of(difference(old, new))
    view.show_rows(rows)
    parts = [part.text for row in rows for part in getattr(row, "parts", ())]
    assert text_of_page(view.document()).replace("\n", "") == "".join(parts)
    assert all(start < end for start, end in view._places)
    view.deleteLater()


def test_every_text_goes_to_qt_by_the_one_helper():
    """Where a text is put into a document of Qt's, it passes `for_qt`."""
    seen, found = 0, []
    for path in sorted(Path(desktop_app.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in PUT_TEXT:
                seen += 1
                given = node.args[0]
                if not (isinstance(given, ast.Call) and isinstance(given.func, ast.Name) and given.func.id == "for_qt"):
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
    assert seen > 9


def test_qt_would_take_it_away():
    page = QTextDocument()
    page.setPlainText("\ufeffa")
    assert page.toRawText() == "a", "then `for_qt` is not needed any more"
