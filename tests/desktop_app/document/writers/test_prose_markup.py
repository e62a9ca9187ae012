"""What of a writer's Markdown is understood, and that nothing else changes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.document.writers.blocks import (
    Heading,
    Listing,
    Paragraph,
    Piece,
    Quote,
    SceneBreak,
    all_pieces,
    plain,
)
from desktop_app.document.writers.manuscript import GENERATED, PASTED, TYPED, Manuscript, Run
from desktop_app.document.writers.prose_markup import read_blocks


def paragraph(text: str) -> Paragraph:
    return Paragraph((Piece(text),))


def blocks_of(text: str, joins_lines: bool = False):
    return read_blocks(Manuscript(text, joins_lines=joins_lines))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("# One\nText", (Heading(1, (Piece("One"),)), paragraph("Text"))),
        ("### 第三 ###", (Heading(3, (Piece("第三"),)),)),
        ("a\nb\n\n\nc", (paragraph("a"), paragraph("b"), paragraph("c"))),
        ("　　缩进的一行。", (paragraph("缩进的一行。"),)),
        ("    four spaces", (paragraph("four spaces"),)),
        ("text\n---\nmore", (paragraph("text"), SceneBreak(), paragraph("more"))),
        ("***", (SceneBreak(),)),
        ("＊　＊　＊", (SceneBreak(),)),
        ("#", (SceneBreak(),)),
        ("……", (paragraph("……"),)),
        ("> a\n> b\n\n> c", (Quote((paragraph("a"), paragraph("b"))), Quote((paragraph("c"),)))),
        ("> a\nb", (Quote((paragraph("a"),)), paragraph("b"))),
        ("> - a\n> - b", (Quote((Listing(False, 1, ((paragraph("a"),), (paragraph("b"),))),)),)),
        ("- a\n- b\nc", (Listing(False, 1, ((paragraph("a"),), (paragraph("b"),))), paragraph("c"))),
        ("3. a\n4. b", (Listing(True, 3, ((paragraph("a"),), (paragraph("b"),))),)),
        ("- a\n  - b", (Listing(False, 1, ((paragraph("a"), Listing(False, 1, ((paragraph("b"),),))),)),)),
        ("<b>x</b> &amp; [l](u) ![p](q) `c`", (paragraph("<b>x</b> &amp; [l](u) ![p](q) `c`"),)),
        ("\\*not\\* \\# \\\\", (paragraph("*not* # \\"),)),
        ("a*b", (paragraph("a*b"),)),
        ("snake_case_name", (paragraph("snake_case_name"),)),
        ("1986 was", (paragraph("1986 was"),)),
    ],
)
def test_the_table_of_what_is_understood(text: str, expected: tuple[object, ...]):
    assert blocks_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an *old* man", [("an ", 0, 0), ("old", 1, 0), (" man", 0, 0)]),
        ("**Stop.** He", [("Stop.", 0, 1), (" He", 0, 0)]),
        ("***both***", [("both", 1, 1)]),
        ("他说**“好。”**然后走了", [("他说", 0, 0), ("“好。”", 0, 1), ("然后走了", 0, 0)]),
        ("*《红楼梦》*是书", [("《红楼梦》", 1, 0), ("是书", 0, 0)]),
        ("_thin_ line", [("thin", 1, 0), (" line", 0, 0)]),
    ],
)
def test_emphasis_in_both_languages(text: str, expected: list[tuple[str, int, int]]):
    (block,) = blocks_of(text)
    assert [(piece.text, piece.is_emphasis, piece.is_strong) for piece in block.pieces] == expected


def test_line_ends_within_a_paragraph_where_they_are_white_space():
    assert blocks_of("one\ntwo\n\nthree", joins_lines=True) == (paragraph("one two"), paragraph("three"))
    assert blocks_of("一行\n二行", joins_lines=True) == (paragraph("一行二行"),)
    assert blocks_of("one  \ntwo\\\nthree", joins_lines=True) == (paragraph("one\ntwo\nthree"),)


def test_every_piece_knows_its_run():
    text = "# He *said* it\nand \\* left"
    runs = (Run(7, TYPED), Run(10, GENERATED), Run(len(text) - 17, PASTED))
    found = [(piece.text, piece.origin) for piece in all_pieces(read_blocks(Manuscript(text, runs=runs)))]
    assert (text[:7], text[7:17]) == ("# He *s", "aid* it\nan")
    assert found == [("He ", 0), ("s", 0), ("aid", 1), (" it", 1), ("an", 1), ("d * left", 2)]


def test_runs_that_do_not_cover_the_text_are_refused():
    with pytest.raises(ValueError, match="cover 2 of 3"):
        Manuscript("abc", runs=(Run(2, TYPED),))


MARKED = st.text(st.sampled_from("ab中，。“” \n*_#>-+1.\\　\t~⁂😀"), max_size=60)
MARKS = set(" \n*_#>-+1.\\　\t~⁂")


@given(MARKED | st.text(max_size=60), st.booleans())
@example("\u3000\n1", True)  # the parser takes a line of wide spaces off
@example("> \u3000\n> 1\n> 2", True)
@example(">\x000", False)
@example("- \u3000\n  \u3000\n  1\n\u3000", True)
def test_no_letter_is_lost_and_each_keeps_its_origin(text: str, joins_lines: bool):
    runs = tuple(Run(1, TYPED) for _ in text)
    pieces = list(all_pieces(read_blocks(Manuscript(text, runs=runs, joins_lines=joins_lines))))
    for piece in pieces:  # each character is a run of its own here
        shown = piece.text.strip()
        if len(piece.text) == 1 and shown not in ("", "\ufffd"):
            assert text[piece.origin] == piece.text
    kept = [character for character in plain(pieces) if not is_mark(character)]
    assert kept == [character for character in text.replace("\0", "\ufffd") if not is_mark(character)]


def is_mark(character: str) -> bool:
    return character in MARKS or character.isspace() or character.isdigit() or character in ")＊◇◆☆★※○●～"
