"""Word documents that are odd, made of styles that build on others, or built to be slow."""

import itertools
import time

import pytest

from desktop_app.document.readers.docx_reader import read_docx
from desktop_app.document.readers.docx_symbols import symbol
from tests.desktop_app.document.readers.word_files import NUMBER, abstract, item, level, style, styled, word_file

DECIMAL = abstract(1, level(0, "decimal") + level(1, "decimal")) + NUMBER.format(1)


def lines(body: str, numbering: str = DECIMAL, styles: str = "") -> list[str]:
    return [line for line in read_docx(word_file(body, numbering, styles), "a.docx").text.split("\n") if line]


def kinds(body: str) -> list[str]:
    return [note.kind for note in read_docx(word_file(body), "a.docx").notes]


@pytest.mark.parametrize("odd", ["x", "", "-5", "1.5", "9" * 5000])
def test_an_odd_level_is_the_first_one(odd: str):
    assert lines(item("a", 1, odd) + item("b", 1)) == ["1. a", "2. b"]


@pytest.mark.parametrize("odd", ["q", "", "-3", "1'"])
def test_an_odd_numbering_is_a_bullet(odd: str):
    assert lines(item("a", odd) + styled("b", "Normal")) == ["- a", "b"]


@pytest.mark.parametrize("odd", ["one", "", "-4", "9" * 20])
def test_an_odd_start_is_one(odd: str):
    assert lines(item("a", 1), abstract(1, level(0, "decimal", odd)) + NUMBER.format(1)) == ["1. a"]
    override = f'<w:lvlOverride w:ilvl="0"><w:startOverride w:val="{odd}"/></w:lvlOverride></w:num>'
    assert lines(item("a", 1), DECIMAL.replace("</w:num>", override)) == ["1. a"]


def test_an_id_with_a_quote_is_an_id():
    numbered = '<w:num w:numId="1"><w:abstractNumId w:val="1\'"/></w:num>'
    assert lines(item("a", 1), abstract("1'", level(0, "decimal")) + numbered) == ["1. a"]


def test_a_paragraph_without_the_attributes_it_should_have_is_a_paragraph():
    body = "<w:p><w:pPr><w:pStyle/><w:numPr><w:ilvl/><w:numId/></w:numPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p>"
    assert lines(body) == ["a"]


def test_levels_beyond_those_of_word_are_the_last_one():
    read = lines("".join(item(f"i{number}", 1, number) for number in range(3000)))
    depths = [len(line) - len(line.lstrip()) for line in read]
    assert len(read) == 3000
    assert depths[:9] == sorted(set(depths))
    assert set(depths[9:]) == {depths[8]}


def test_a_list_style_gives_its_numbers():
    numbering = abstract(1, '<w:numStyleLink w:val="Mine"/>')
    numbering += abstract(2, '<w:styleLink w:val="Mine"/>' + level(0, "decimal", 4)) + NUMBER.format(1)
    leads = style("Mine", "", '<w:pPr><w:numPr><w:numId w:val="2"/></w:numPr></w:pPr>', "numbering")
    assert lines(item("a", 1) + item("b", 1), numbering + NUMBER.format(2), leads) == ["4. a", "5. b"]
    assert lines(item("a", 1) + item("b", 1), numbering) == ["4. a", "5. b"]  # the style itself is not there


def test_list_styles_that_lead_to_each_other_are_bullets():
    numbering = abstract(1, '<w:numStyleLink w:val="Mine"/>') + NUMBER.format(1)
    leads = style("Mine", "", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>', "numbering")
    assert lines(item("a", 1), numbering, leads) == ["- a"]


def test_a_level_that_a_numbering_has_of_its_own():
    override = f'<w:lvlOverride w:ilvl="0">{level(0, "decimal", 3)}</w:lvlOverride></w:num>'
    numbering = abstract(1, level(0, "bullet")) + NUMBER.format(1).replace("</w:num>", override)
    assert lines(item("a", 1) + item("b", 1), numbering) == ["3. a", "4. b"]


@pytest.mark.parametrize(
    ("based_on", "expected"),
    [
        ("ListBullet", "- a"),
        ("Heading2", "## a"),
        ("Quote", "> a"),
        ("Middle", "### a"),
        ("Mine", "a"),
        ("None", "a"),
    ],
)
def test_a_style_is_what_it_is_based_on(based_on: str, expected: str):
    made = style("Mine", based_on) + style("Middle", "Heading3")
    assert lines(styled("a", "Mine"), "", made) == [expected]


def test_a_style_numbers_with_the_level_it_adds():
    outer = style("Outer", "", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>')
    inner = style("Inner", "Outer", '<w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr></w:pPr>')
    none = style("None", "Inner", '<w:pPr><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr>')
    body = styled("a", "Outer") + styled("b", "Inner") + styled("c", "None")
    assert lines(body, DECIMAL, outer + inner + none) == ["1. a", "   1. b", "c"]


def test_a_style_that_takes_its_text_out_of_the_outline_is_no_heading():
    made = style("TOCHeading", "Heading1", '<w:pPr><w:outlineLvl w:val="9"/></w:pPr>')
    assert lines(styled("a", "TOCHeading"), styles=made) == ["a"]


def test_readings_are_left_out_and_said():
    reading, base = "<w:rt><w:r><w:t>かん</w:t></w:r></w:rt>", "<w:rubyBase><w:r><w:t>漢</w:t></w:r></w:rubyBase>"
    body = f"<w:p><w:r><w:ruby>{reading}{base}</w:ruby></w:r><w:r><w:t>字</w:t></w:r></w:p>"
    assert lines(body) == ["漢字"]
    assert kinds(body) == ["docx_readings"]


def test_hidden_text_is_left_out_and_said():
    vanish = "<w:rPr><w:vanish/></w:rPr>"
    hidden = f"<w:r>{vanish}<w:t>a</w:t></w:r>"
    by_style = '<w:r><w:rPr><w:rStyle w:val="Gone"/></w:rPr><w:t>b</w:t></w:r>'
    shown = '<w:r><w:rPr><w:rStyle w:val="Gone"/><w:vanish w:val="0"/></w:rPr><w:t>c</w:t></w:r><w:r><w:t>d</w:t></w:r>'
    body = f"<w:p>{hidden}{by_style}{shown}</w:p>" + styled("e", "Away")
    made = style("Gone", "", vanish, "character") + style("Away", "Gone")
    assert lines(body, styles=made) == ["cd"]
    assert kinds(f"<w:p>{hidden}</w:p>") == ["docx_hidden"]
    assert kinds(f"<w:p><w:r>{vanish}</w:r><w:r><w:t>e</w:t></w:r></w:p>") == []


def test_symbols_come_as_characters_and_what_is_not_known_is_said():
    signs = [("Wingdings", "F0FC"), ("Symbol", "F061"), ("Arial", "2713"), ("Wingdings 3", "F041"), ("Arial", "x")]
    runs = [f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>' for font, code in signs]
    assert lines(f"<w:p>{''.join(runs)}</w:p>") == ["✓α✓"]
    assert kinds(f"<w:p>{''.join(runs)}</w:p>") == ["docx_symbols"]
    assert kinds(f"<w:p>{''.join(runs[:3])}</w:p>") == []


@pytest.mark.parametrize("code", ["D800", "FDD0", "2029", "0000", "110000", "-1", None])
def test_a_symbol_that_no_text_can_hold_is_none(code: str | None):
    assert symbol("Arial", code) == ""


def test_many_items_of_many_numberings_take_seconds_not_minutes():
    numbers = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="1"/></w:num>' for n in range(1, 2001))
    body = "".join(item("i", number) for number in itertools.islice(itertools.cycle(range(1, 2001)), 10_000))
    data = word_file(body, abstract(1, level(0, "decimal")) + numbers)
    start = time.process_time()
    assert read_docx(data, "a.docx").text.rstrip().endswith("10000. i")
    assert time.process_time() - start < 12  # 1.5 s here; 30 s where each item asks the part again
