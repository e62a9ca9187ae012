"""Lists of Word documents: levels, numbers, further paragraphs."""

import io

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from desktop_app.document.readers.docx_lists import ListPlace, nested
from desktop_app.document.readers.docx_reader import read_docx
from desktop_app.document.writers.blocks import Listing, Paragraph, Piece

LEVELS = """<w:abstractNum {ns} w:abstractNumId="90">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="2"/><w:numFmt w:val="lowerLetter"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="bullet"/></w:lvl>
<w:lvl w:ilvl="3"><w:start w:val="1"/><w:numFmt w:val="none"/></w:lvl></w:abstractNum>"""
NUMBER = '<w:num {ns} w:numId="{number}"><w:abstractNumId w:val="90"/>{override}</w:num>'
OVERRIDE = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'


@pytest.fixture
def document():
    made = docx.Document()
    numbering = made.part.numbering_part.element
    numbering.insert(0, parse_xml(LEVELS.format(ns=nsdecls("w"))))
    for number, override in ((91, ""), (92, OVERRIDE), (93, "")):
        numbering.append(parse_xml(NUMBER.format(ns=nsdecls("w"), number=number, override=override)))
    return made


def add(document, text: str, number: int | None = None, level: int = 0, style: str = "List Paragraph") -> None:
    paragraph = document.add_paragraph(text, style=style)
    if number is not None:
        properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val = level
        properties.get_or_add_numId().val = number


def read(document) -> list[str]:
    data = io.BytesIO()
    document.save(data)
    return [line for line in read_docx(data.getvalue(), "a.docx").text.split("\n") if line]


def test_levels_of_one_numbering(document):
    for text, level in (("one", 0), ("a", 1), ("dot", 2), ("b", 1), ("two", 0), ("a again", 1)):
        add(document, text, 91, level)
    assert read(document) == ["1. one", "   2. a", "      - dot", "   3. b", "2. two", "   2. a again"]


def test_numbers_go_on_after_a_paragraph_between_and_begin_anew_where_told(document):
    add(document, "one", 91)
    document.add_paragraph("between")
    add(document, "two", 93)  # another num of the same abstract numbering
    document.add_paragraph("between")
    add(document, "seven", 92)
    add(document, "eight", 92)
    assert read(document) == ["1. one", "between", "2. two", "between", "7. seven", "8. eight"]


def test_what_is_taken_out_of_its_list_or_shows_no_number_is_a_paragraph(document):
    add(document, "plain", 0, style="List Bullet")
    add(document, "no number", 91, 3)
    add(document, "of no numbering", 9999)
    assert read(document) == ["plain", "no number", "- of no numbering"]


def test_styles_alone_give_levels_and_further_paragraphs(document):
    for text, style in (
        ("outer", "List Bullet"),
        ("inner", "List Bullet 2"),
        ("more of inner", "List Continue 2"),
        ("more of outer", "List Continue"),
        ("next", "List Bullet"),
    ):
        add(document, text, style=style)
    add(document, "after", style="Normal")
    add(document, "continues nothing", style="List Continue")
    assert read(document) == [
        "- outer",
        "  - inner",
        "    more of inner",
        "  more of outer",
        "- next",
        "after",
        "continues nothing",
    ]


def test_a_document_without_numbering_of_its_own_has_bullets(document):
    relation = next(key for key, part in document.part.rels.items() if part.reltype.endswith("/numbering"))
    add(document, "one", 91)
    document.part.drop_rel(relation)
    assert read(document) == ["- one"]


def test_a_numbering_outside_of_the_file_is_none(document):
    relation = next(key for key, part in document.part.rels.items() if part.reltype.endswith("/numbering"))
    kind = document.part.rels[relation].reltype
    add(document, "one", 91)
    document.part.drop_rel(relation)
    document.part.relate_to("file:///numbering.xml", kind, is_external=True)
    assert read(document) == ["- one"]


def block(text: str) -> Paragraph:
    return Paragraph((Piece(text),))


def test_a_list_that_begins_deep_and_comes_up():
    rows = [(ListPlace(2), block("deep")), (ListPlace(0, 1), block("up")), (ListPlace(0), block("dot"))]
    assert list(nested(rows)) == [
        Listing(False, 1, ((block("deep"),),)),
        Listing(True, 1, ((block("up"),),)),
        Listing(False, 1, ((block("dot"),),)),
    ]
