"""The table of fault figures in README.md, made from the file that the long suites write.

    python -m tests.project.readme_faults    write the section anew

Knows: the figures' names. Must not know: how they were measured.
"""

from pathlib import Path

from tests.desktop_app.faults.figures import read

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- faults -->\n", "<!-- /faults -->"
HEAD = """Written by the suites themselves (`pytest -m long tests/desktop_app/faults`). The operations are those on a
writer's text: saving, autosaving, recovering, settings. After each fault of R1 the program starts again and looks for
what it had confirmed. R3 is the window itself in both languages, R8 the engine killed under it.

| fault | figures |
| --- | --- |
"""


def section() -> str:
    """The section as it should stand between the marks."""
    rows = []
    for name, figures in sorted(read().items()):
        words = "; ".join(f"{value:,} {_plain(key)}" for key, value in sorted(figures.items(), key=_place))
        rows.append(f"| {name} | {words} |\n")
    return HEAD + "".join(rows)


def _place(figure: tuple[str, int | float]) -> tuple[int, str]:
    """How much was tried first, then what was wrong, then how it ended."""
    key, _ = figure
    tried = ("operations", "pairs", "points", "states", "starts", "kills", "problems")
    return (tried.index(key), key) if key in tried else (len(tried), key)


def _plain(key: str) -> str:
    """How a child ended, in words."""
    return {"exit 0": "overcome", "exit 3": "said in one line", "signal 9": "killed"}.get(key, key)


def in_readme(readme: str) -> str:
    """The section as it stands there."""
    return readme[readme.index(BEGIN) + len(BEGIN) : readme.index(END)]


if __name__ == "__main__":
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (ROOT / "README.md").write_text(
        text.replace(BEGIN + in_readme(text) + END, BEGIN + section() + END), encoding="utf-8"
    )
