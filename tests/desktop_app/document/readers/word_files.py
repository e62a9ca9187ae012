"""Word documents from their XML, as other programs may write them: what python-docx would not let one write."""

import io
import zipfile

import docx

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
NUMBER = '<w:num w:numId="{0}"><w:abstractNumId w:val="{0}"/></w:num>'


def word_file(body: str, numbering: str = "", styles: str = "") -> bytes:
    """A .docx with this body, these numberings instead of its own, and these styles beside its own."""
    plain, made = io.BytesIO(), io.BytesIO()
    docx.Document().save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "word/document.xml":
                data = f"<w:document {W}><w:body>{body}</w:body></w:document>".encode()
            elif name == "word/numbering.xml" and numbering:
                data = f"<w:numbering {W}>{numbering}</w:numbering>".encode()
            elif name == "word/styles.xml":
                data = data.replace(b"</w:styles>", styles.encode() + b"</w:styles>")
            target.writestr(name, data)
    return made.getvalue()


def item(text: str, number: str | int, level: str | int = 0) -> str:
    """A paragraph with a numbering of its own."""
    properties = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def styled(text: str, style: str) -> str:
    """A paragraph of a style."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def style(name: str, based_on: str, inner: str = "", kind: str = "paragraph") -> str:
    """A style whose id is its name."""
    basis = f'<w:basedOn w:val="{based_on}"/>' if based_on else ""
    return f'<w:style w:type="{kind}" w:styleId="{name}"><w:name w:val="{name}"/>{basis}{inner}</w:style>'


def level(number: int, form: str, start: str | int = 1) -> str:
    """A level of a numbering."""
    return f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{form}"/></w:lvl>'


def abstract(number: str | int, inner: str) -> str:
    """An abstract numbering."""
    return f'<w:abstractNum w:abstractNumId="{number}">{inner}</w:abstractNum>'
