"""Export and import from the window: the page in another format, and back; one plain message where it fails."""

import json
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.dialogs.export_dialog import FORMATS, ExportChoices, ExportDialog
from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, KINDS, Origin
from desktop_app.document.writers import export_file
from desktop_app.open_texts.page_manuscript import runs_of
from tests.desktop_app.services.qt import application, delete_now, wait_until
from tests.desktop_app.window_kit import Kit


@pytest.mark.parametrize("suffix", [suffix for suffix, _ in FORMATS])
def test_every_format_leaves_the_window(suffix: str, kit: Kit, tmp_path: Path):
    kit.write("# 标题\n从前有一个小村庄。")
    kit.answers.export = ExportChoices(suffix, "书名", "作者", "zh-Hans")
    kit.answers.path = str(tmp_path / "出版 📖")
    kit.trigger("export")
    path = tmp_path / f"出版 📖{suffix}"
    assert wait_until(lambda: kit.message == f"Exported {path.name}.", 20)
    assert path.stat().st_size > 20
    assert kit.settings.values.last_exchange_folder == str(tmp_path)
    assert kit.settings.values.author == "作者"
    assert not kit.answers.told


def test_the_origin_goes_along(kit: Kit, tmp_path: Path):
    kit.write("She said")
    kit.generate(" yes", " 😀.")
    kit.answers.export = ExportChoices(".txt", with_origin=True)
    kit.answers.path = str(tmp_path / "a.txt")
    kit.trigger("export")
    assert wait_until(lambda: kit.message == "Exported a.txt.", 10)
    runs = json.loads((tmp_path / "a.txt.provenance.json").read_text(encoding="utf-8"))["runs"]
    assert [(run["kind"], run["text"]) for run in runs] == [("imported", "She said"), ("generated", " yes 😀.")]


def test_a_failed_export_is_one_message(kit: Kit, tmp_path: Path):
    kit.write("x")
    kit.answers.export = ExportChoices(".html")
    kit.answers.path = str(tmp_path / "none" / "a.html")
    kit.trigger("export")
    assert wait_until(lambda: bool(kit.answers.told), 10)
    assert kit.answers.told == [
        (
            "The text is not exported",
            "“a.html” is not saved: its folder does not exist any more. Choose another folder.",
        )
    ]


def test_a_changed_mind_writes_nothing(kit: Kit, tmp_path: Path):
    kit.answers.path = str(tmp_path / "a.docx")
    kit.trigger("export")
    assert list(tmp_path.glob("*.docx")) == []


def test_an_export_over_the_open_file_is_refused(kit: Kit, tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("# Mine", encoding="utf-8")
    kit.window.opening.open(str(path))
    kit.answers.export, kit.answers.path = ExportChoices(".txt"), str(path)
    kit.trigger("export")
    assert [title for title, _ in kit.answers.told] == ["Choose another name"]
    assert path.read_text(encoding="utf-8") == "# Mine"


def test_a_file_that_is_there_is_not_replaced_without_a_question(kit: Kit, tmp_path: Path):
    (tmp_path / "a.md").write_text("old", encoding="utf-8")
    kit.write("new")
    kit.answers.export, kit.answers.path, kit.answers.answer = ExportChoices(".md"), str(tmp_path / "a"), "cancel"
    kit.trigger("export")
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == "old"
    assert len(kit.answers.asked) == 1


def test_a_word_document_comes_in_as_a_new_text(kit: Kit, tmp_path: Path):
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = "海边", "林一"
    document.add_heading("第一章")
    document.add_paragraph("从前有一个小村庄。")
    document.save(str(tmp_path / "书.docx"))
    kit.answers.path = str(tmp_path / "书.docx")
    kit.trigger("import")
    assert wait_until(lambda: kit.text == "# 第一章\n\n从前有一个小村庄。\n", 20)
    assert kit.window.document.path is None
    assert kit.window.document.is_modified
    assert kit.message == "Imported 书.docx as a new text."
    kit.trigger("export")
    assert (kit.answers.proposed[-1].title, kit.answers.proposed[-1].author) == ("海边", "林一")
    assert kit.answers.proposed[-1].language == "zh-Hans"


def test_the_language_of_an_imported_file_stays_with_its_text(kit: Kit, tmp_path: Path):
    (tmp_path / "a.md").write_text("---\nlang: de-AT\n---\nGuten Tag.", encoding="utf-8")
    kit.answers.path = str(tmp_path / "a.md")
    kit.trigger("import")
    assert wait_until(lambda: kit.text == "Guten Tag.", 20)
    kit.trigger("export")
    assert kit.answers.proposed[-1].language == "de-AT"


def test_all_that_an_import_leaves_out_is_in_one_message(kit: Kit, tmp_path: Path):
    document = docx.Document()
    for mark in ("w:drawing", "w:footnoteReference"):
        document.add_paragraph("a").runs[0]._r.append(OxmlElement(mark))
    document.add_paragraph().add_run("hidden").font.hidden = True
    document.save(str(tmp_path / "a.docx"))
    kit.answers.path = str(tmp_path / "a.docx")
    kit.trigger("import")
    assert wait_until(lambda: kit.text.startswith("a"), 20)
    assert kit.message == (
        "Imported a.docx as a new text. The pictures of “a.docx” were left out. "
        "The footnotes of “a.docx” were left out. The hidden text of “a.docx” was left out."
    )


def test_a_broken_word_document_leaves_the_page_alone(kit: Kit, tmp_path: Path):
    (tmp_path / "bad.docx").write_bytes(b"PK\x03\x04")
    kit.write("mine")
    kit.answers.path = str(tmp_path / "bad.docx")
    kit.trigger("import")
    assert wait_until(lambda: bool(kit.answers.told), 20)
    assert kit.answers.told[0][0] == "This file cannot be imported"
    assert kit.text == "mine"


def test_the_dialog_gives_back_what_it_was_given():
    application()
    choices = ExportChoices(".epub", "书", "人", "zh-Hans", True, True)
    dialog = ExportDialog(choices)
    assert dialog.choices == choices
    delete_now(dialog)


@given(st.lists(st.tuples(st.text(min_size=1), st.sampled_from(KINDS))))
def test_runs_are_the_passages_of_any_text(written: list[tuple[str, str]]):
    document = Document()
    for words, kind in written:
        document.insert(document.length(), words, Origin(kind, "r1" if kind == GENERATED else ""))
    document.set_record("r1", {"seed": 7})
    runs = runs_of(document)
    kinds = [run.kind for run in runs for _ in range(run.length)]
    assert kinds == [kind for words, kind in written for _ in words]
    assert all((run.record == {"seed": 7}) == (run.kind == GENERATED) for run in runs)


def test_a_file_of_another_kind_beside_an_export_is_asked_about(kit: Kit, tmp_path: Path):
    beside = tmp_path / "a.txt.provenance.json"
    beside.write_text('{"mine": 1}', encoding="utf-8")
    kit.write("She said")
    kit.answers.export, kit.answers.path = ExportChoices(".txt", with_origin=True), str(tmp_path / "a.txt")
    kit.answers.answer = "cancel"
    kit.trigger("export")
    assert len(kit.answers.asked) == 1
    assert beside.read_text(encoding="utf-8") == '{"mine": 1}'
    assert not (tmp_path / "a.txt").exists()
    kit.answers.answer = "replace"
    kit.trigger("export")
    assert wait_until(lambda: kit.message == "Exported a.txt.", 10)
    kit.trigger("export")  # an export's own is replaced with it
    assert wait_until(lambda: kit.message == "Exported a.txt.", 10)
    assert len(kit.answers.asked) == 2


def test_an_export_does_not_write_over_a_text_that_is_open_beside_it(kit: Kit, tmp_path: Path):
    beside = tmp_path / "a.txt.provenance.json"
    beside.write_text('{"format": "nextstroke-provenance"}', encoding="utf-8")
    kit.window.opening.open(str(beside))
    kit.trigger("new")
    kit.write("She said")
    kit.answers.export, kit.answers.path = ExportChoices(".txt", with_origin=True), str(tmp_path / "a.txt")
    kit.trigger("export")
    assert [title for title, _ in kit.answers.told] == ["The text is not exported"]
    assert beside.read_text(encoding="utf-8") == '{"format": "nextstroke-provenance"}'
    assert not (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("suffix", [suffix for suffix, _ in FORMATS])
def test_a_very_long_title_is_no_obstacle(suffix: str, kit: Kit, tmp_path: Path):
    kit.write("x")
    kit.answers.export = ExportChoices(suffix, "长" * 400, "A" * 400)
    kit.answers.path = str(tmp_path / f"a{suffix}")
    kit.trigger("export")
    assert wait_until(lambda: kit.message == f"Exported a{suffix}.", 20)


def test_a_writer_that_fails_is_one_message(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError("as the test wants it")

    monkeypatch.setattr(export_file, "rendered", fail)
    kit.write("x")
    kit.answers.export, kit.answers.path = ExportChoices(".md"), str(tmp_path / "a.md")
    kit.trigger("export")
    assert wait_until(lambda: bool(kit.answers.told), 10)
    ((_, words),) = kit.answers.told
    assert words == "“a.md” cannot be written in this format (as the test wants it). Choose another format."
    assert list(tmp_path.glob("*.md")) == []


def test_the_name_that_is_proposed_is_one_that_a_disk_takes(kit, tmp_path, monkeypatch):
    proposed: list[str] = []
    monkeypatch.setattr(kit.answers, "path_to_save", lambda title, proposal, kinds: proposed.append(proposal) or "")
    kit.write("Once upon a time.")
    kit.answers.export = ExportChoices(".docx", "He said: “Where?/\nWhen?” " + "海" * 200, "Ann")
    kit.trigger("export")
    (name,) = (Path(each).name for each in proposed)
    assert name.startswith("He said “Where When ” 海海")
    assert name.endswith("海.docx")
    assert len(name.encode()) <= 255


def test_an_export_that_is_given_up_at_its_name_says_nothing_of_the_document(kit, tmp_path):
    path = tmp_path / "a.nextstroke"
    kit.write("")
    kit.type("Once")
    kit.answers.path = str(path)
    kit.trigger("save")
    kit.answers.path = ""
    kit.answers.export = ExportChoices(".docx", "Another title", "Ann", "en")
    kit.trigger("export")
    assert (kit.window.document.about.title, kit.settings.values.author) == ("", "")
    assert not kit.window.document.is_modified
    kit.trigger("export")
    assert kit.answers.proposed[-1].title == "Another title"  # and what was chosen is not asked again
    kit.answers.path = str(tmp_path / "a.docx")
    kit.trigger("export")
    assert wait_until(lambda: kit.message == "Exported a.docx.", 10)
    assert kit.window.document.about.title == "Another title"
