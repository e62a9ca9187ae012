"""Values of WordprocessingML elements, read so that an odd one costs no more than itself.

    <w:ilvl w:val="2"/> ── child_value ──> "2" ── whole_number ──> 2        <w:ilvl w:val="x"/> ──> "x" ──> None

python-docx's typed attributes raise where a value is none of the schema's, and the whole document would be lost.

For: the readers of Word documents. Knows lxml elements; must not know styles, lists or text.
"""

from __future__ import annotations

from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OFF = ("false", "0", "off", "none")


def child(holder: Any, *names: str) -> Any:
    """The first child of that name, of the first child of the next name …; None where one is missing."""
    for name in names:
        holder = holder.find(f"{W}{name}") if holder is not None else None
    return holder


def child_value(holder: Any, *names: str) -> str | None:
    """The `w:val` of `child`; None without one."""
    found = child(holder, *names)
    return None if found is None else attribute(found, "val")


def attribute(element: Any, name: str) -> str | None:
    """An attribute of the namespace, as it is written; None without one."""
    value = element.get(f"{W}{name}")
    return None if value is None else str(value)


def whole_number(text: str | None, base: int = 10) -> int | None:
    """The number that is written there; None where it is none."""
    try:
        return None if text is None else int(text, base)
    except ValueError:
        return None


def is_on(properties: Any, name: str) -> bool | None:
    """What a switch says; None where it is not there."""
    found = child(properties, name)
    return None if found is None else attribute(found, "val") not in _OFF
