"""The manual: every link leads somewhere, both languages have the same pages, and the index knows them all."""

import re
from pathlib import Path

import pytest

from tests.project.test_size import tracked_files

LANGUAGES = ("en", "zh")
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture
def manual(root: Path) -> Path:
    return root / "resources" / "manual"


def pages(manual: Path, language: str) -> set[str]:
    return {page.name for page in (manual / language).iterdir()}


def heading_anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = page.parent / place if place else page
        if not target.exists() or (anchor and anchor not in heading_anchors(target)):
            broken.append(link)
    return broken


def test_both_languages_have_the_same_pages(manual: Path) -> None:
    assert pages(manual, "en") == pages(manual, "zh")
    assert "index.md" in pages(manual, "en")


def test_every_link_leads_somewhere(manual: Path) -> None:
    found = {str(page.relative_to(manual)): broken_links(page) for page in sorted(manual.rglob("*.md"))}
    assert {page: links for page, links in found.items() if links} == {}


def test_the_index_knows_every_page(manual: Path) -> None:
    for language in LANGUAGES:
        linked = set(LINK.findall((manual / language / "index.md").read_text(encoding="utf-8")))
        others = pages(manual, language) - {"index.md"}
        assert others <= linked, f"{language}/index.md does not name {sorted(others - linked)}"


def test_a_page_shows_the_figures_of_its_own_language_and_none_lies_unused(root: Path, manual: Path) -> None:
    figures = {path.name for path in tracked_files(root) if path.match("resources/manual/figures/*.svg")}
    shown: dict[str, set[str]] = {}
    for language in LANGUAGES:
        text = "".join(page.read_text(encoding="utf-8") for page in (manual / language).glob("*.md"))
        shown[language] = set(re.findall(r"\.\./figures/([\w.-]+\.svg)", text))
        foreign = [name for name in shown[language] for other in LANGUAGES if other != language if f"_{other}." in name]
        assert foreign == []
    assert figures == shown["en"] | shown["zh"]
    assert {name.replace("_en.", "_zh.") for name in shown["en"]} == shown["zh"]


def test_readme_points_to_the_manual(root: Path) -> None:
    readme = (root / "README.md").read_text(encoding="utf-8")
    assert {"resources/manual/en/index.md", "resources/manual/zh/index.md"} <= set(LINK.findall(readme))


@pytest.mark.parametrize("link", ["nowhere.md", "#no-such-heading", "index.md#nor-this"])
def test_a_broken_link_would_be_seen(tmp_path: Path, link: str) -> None:
    page = tmp_path / "index.md"
    page.write_text(f"# A heading, 有字\n[one]({link}) [two](#a-heading-有字) [three](index.md)\n", encoding="utf-8")
    assert broken_links(page) == [link]
