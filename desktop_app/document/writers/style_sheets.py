"""The style sheets of exported books: HTML and EPUB share the first.

For: html_writer, epub_writer. Chinese is set as Chinese: indents of two characters, dots below for emphasis (a slanted
character is no letter), justified, punctuation kept from line starts by the reader's `strict` rule.
"""

from __future__ import annotations

BOOK = """\
body { font-family: "Source Serif 4", "Noto Serif", Georgia, "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC",
  SimSun, serif; line-height: 1.65; }
h1, h2, h3, h4, h5, h6 { line-height: 1.3; margin: 2em 0 1em; page-break-after: avoid; text-align: left; }
p { margin: 0; text-indent: 1.5em; }
h1 + p, h2 + p, h3 + p, hr + p, blockquote > p:first-child { text-indent: 0; }
:lang(zh) { line-break: strict; }
p:lang(zh) { text-indent: 2em; text-align: justify; }
em:lang(zh) { font-style: normal; -webkit-text-emphasis: filled dot; -epub-text-emphasis: filled dot;
  text-emphasis: filled dot; text-emphasis-position: under right; }
blockquote { margin: 1em 2em; }
ul, ol { margin: 1em 0; padding-left: 2em; }
hr.scene { border: none; margin: 1.5em 0; text-align: center; }
hr.scene::after { content: "* * *"; }
hr.scene:lang(zh)::after { content: "＊　＊　＊"; }
"""

SCREEN = """\
html { background: #fbf8f2; color: #1f1b16; }
body { max-width: 36em; margin: 3em auto; padding: 0 1.5em; font-size: 1.1rem; }
@media (prefers-color-scheme: dark) { html { background: #1c1b1a; color: #e8e2d6; } }
@media print { html { background: none; color: black; } body { margin: 0; max-width: none; } }
"""

# Pattern first, colour second: nothing is told by colour alone. Green is what the window marks generated text by.
ORIGINS = """\
.generated { text-decoration: underline solid #3e6b5c; text-underline-offset: 0.25em; }
.pasted { text-decoration: underline dotted #736b60; text-underline-offset: 0.25em; }
.imported { text-decoration: underline dashed #736b60; text-underline-offset: 0.25em; }
footer.origins { margin-top: 4em; border-top: 1px solid #736b60; font-size: 0.9rem; }
@media (prefers-color-scheme: dark) {
  .generated { text-decoration-color: #86b8a6; }
  .pasted, .imported { text-decoration-color: #9a9286; }
}
"""
