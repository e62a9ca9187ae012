"""The operations on a writer's text that faults are put into: what each begins with, does, and must leave behind.

    prepare(folder) → run(folder), in a child that is hurt → problems(folder, is_confirmed), after the next start

Knows: documents, settings and their stores. Must not know: how a fault is made.
"""

from dataclasses import replace
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import StoredDocument, open_document, save_document
from desktop_app.document.origins import TYPED, Origin, Passage
from desktop_app.document.recovered_copies import copy_others
from desktop_app.document.resting_save import RestingDocument, write_at_rest
from desktop_app.document.text_encoding import CRLF, GB18030, TextFormat
from desktop_app.document.text_file import open_text, save_text
from desktop_app.services.settings import Settings, SettingsStore
from tests.desktop_app.faults.operation import (
    Operation,
    kept_texts,
    one_of,
    opened_store,
    store_stray,
    stray,
    text_of,
)
from tests.desktop_app.faults.whole_documents import WHOLE_DOCUMENTS

OLD = "从前有一个老人。\n" * 700
NEW = "The sea was calm, 海上无风。\n" * 1_500
OTHER = "Another window's text, 另一篇。\n" * 40
LINKED = TextFormat(GB18030, CRLF)
# ---- text files -------------------------------------------------------------------------------------------------


def nothing(folder: Path) -> None:
    """There is nothing yet."""


def write_old(folder: Path) -> None:
    save_text(Disk(), folder / "novel.txt", OLD, TextFormat())


def save_new(folder: Path) -> None:
    save_text(Disk(), folder / "novel.txt", NEW, TextFormat())


def save_new_problems(folder: Path, is_confirmed: bool) -> list[str]:
    return one_of("novel", text_of(folder / "novel.txt"), is_confirmed, NEW, None) + stray(folder, "novel.txt")


def save_over(folder: Path) -> None:
    opened = open_text(Disk(), folder / "novel.txt")
    save_text(Disk(), opened.path, NEW, opened.format, opened.version)


def save_over_problems(folder: Path, is_confirmed: bool) -> list[str]:
    return one_of("novel", text_of(folder / "novel.txt"), is_confirmed, NEW, OLD) + stray(folder, "novel.txt")


def write_linked(folder: Path) -> None:
    (folder / "real").mkdir()
    save_text(Disk(), folder / "real" / "章.txt", OLD, LINKED)
    (folder / "link.txt").symlink_to(Path("real") / "章.txt")


def save_through_link(folder: Path) -> None:
    opened = open_text(Disk(), folder / "link.txt")
    save_text(Disk(), opened.path, NEW, opened.format, opened.version)


def save_through_link_problems(folder: Path, is_confirmed: bool) -> list[str]:
    found = one_of("章", text_of(folder / "real" / "章.txt", LINKED), is_confirmed, NEW, OLD)
    link = [] if (folder / "link.txt").is_symlink() else ["the link is gone"]
    return found + link + stray(folder, "link.txt", "real/章.txt")


def stored(text: str) -> StoredDocument:
    document = Document()
    document.insert(0, text, Origin(TYPED))
    return StoredDocument(document)


def write_document(folder: Path) -> None:
    save_document(Disk(), folder / "novel.nextstroke", stored(OLD), clock=lambda: 1_000.0)


def edit_and_save_document(folder: Path) -> None:
    opened, version = open_document(Disk(), folder / "novel.nextstroke")
    opened.document.replace(0, len(OLD), (Passage(NEW, Origin(TYPED)),))
    save_document(Disk(), folder / "novel.nextstroke", opened, version, clock=lambda: 2_000.0)


def save_document_problems(folder: Path, is_confirmed: bool) -> list[str]:
    opened, _ = open_document(Disk(), folder / "novel.nextstroke")
    found = one_of("novel", opened.document.text(), is_confirmed, NEW, OLD) + stray(folder, "novel.nextstroke")
    texts = [version.text for version in opened.versions]
    if opened.is_altered or texts not in ([OLD, NEW], [OLD]) or texts[-1] != opened.document.text():
        found.append(f"novel: its {len(texts)} earlier texts are not what was saved")
    return found


def edit_and_rest(folder: Path) -> None:
    """What the autosave into the writer's own file does."""
    opened, version = open_document(Disk(), folder / "novel.nextstroke")
    opened.document.replace(0, len(OLD), (Passage(NEW, Origin(TYPED)),))
    resting = RestingDocument(folder / "novel.nextstroke", TextFormat(), version, opened)
    write_at_rest(Disk(), resting, None, lambda: 2_000.0)


# ---- settings ---------------------------------------------------------------------------------------------------


def write_settings(folder: Path) -> None:
    SettingsStore(folder / "settings.toml", Disk()).save(Settings(language="zh", font_size_pt=16))


def save_settings(folder: Path) -> None:
    store = SettingsStore(folder / "settings.toml", Disk())
    store.save(store.load().changed(font_size_pt=20))


def save_settings_problems(folder: Path, is_confirmed: bool) -> list[str]:
    store = SettingsStore(folder / "settings.toml", Disk())
    loaded = store.load()
    found = [] if loaded.language == "zh" else ["settings: the language is lost"]
    if loaded.font_size_pt not in ((20,) if is_confirmed else (16, 20)):
        found.append(f"settings: a size of {loaded.font_size_pt}")
    return found + stray(folder, "settings.toml")


# ---- the recovery store -----------------------------------------------------------------------------------------


def write_store(folder: Path) -> None:
    store = opened_store(folder)
    store.keep([KeptDocument.of_text("novel", OLD), KeptDocument.of_text("other", OTHER)])
    store.close()


def keep_in_store(folder: Path) -> None:
    store = opened_store(folder)
    store.take_over()
    store.keep([KeptDocument.of_text("novel", NEW), KeptDocument.of_text("other", OTHER)])


def keep_problems(folder: Path, is_confirmed: bool) -> list[str]:
    kept = kept_texts(folder)
    # A start that could not ask whether the earlier one has ended left it its text: it is there twice, the new one too.
    novel = NEW if NEW in kept.values() else kept.get("novel")
    found = one_of("novel", novel, is_confirmed, NEW, OLD) + one_of("other", kept.get("other"), True, OTHER)
    return found + unexpected(kept, "novel", "other") + store_stray(folder)


def first_keep_problems(folder: Path, is_confirmed: bool) -> list[str]:
    kept = kept_texts(folder)
    found = one_of("novel", kept.get("novel"), is_confirmed, NEW, None)
    return found + unexpected(kept, "novel", "other") + store_stray(folder)


def unexpected(kept: dict[str, str], *keys: str) -> list[str]:
    """Anything but these texts. One that could not be taken over may come twice: better than not at all."""
    return [
        f"unexpected: {key}: {text[:60]!r}"
        for key, text in kept.items()
        if key not in keys and not (key.rpartition("-")[0] in keys and text in (OLD, NEW, OTHER))
    ]


def recover(folder: Path) -> None:
    """A start after a crash: one text is shown, the others become files."""
    store = opened_store(folder)
    kept = store.take_over()
    copy_others(Disk(), store, [each for each in kept if each.key != "novel"], folder)


def recover_problems(folder: Path, is_confirmed: bool) -> list[str]:
    kept = kept_texts(folder)
    copies = sorted((folder / "recovered").glob("*.txt"))
    found = one_of("novel", kept.get("novel"), True, OLD)
    texts = [text_of(path) for path in copies] + [kept.get("other")]
    if OTHER not in texts:
        found.append("other: lost")
    found += [f"torn: {path.name}" for path in copies if text_of(path) != OTHER]
    # A start that failed after it had copied copies again: two of one text are better than none.
    return found + store_stray(folder, *(f"recovered/{path.name}" for path in copies))


def write_store_and_file(folder: Path) -> None:
    write_old(folder)
    version = open_text(Disk(), folder / "novel.txt").version
    store = opened_store(folder)
    document = replace(KeptDocument.of_text("novel", NEW, Path("novel.txt")), version=version)
    store.keep([document, KeptDocument.of_text("other", OTHER)])
    store.close()


def save_and_close(folder: Path) -> None:
    """Save the kept text to its file, then drop it from the store: the end of a document's life in the window."""
    store = opened_store(folder)
    store.take_over()
    save_over(folder)
    store.forget("novel")


def save_and_close_problems(folder: Path, is_confirmed: bool) -> list[str]:
    kept = kept_texts(folder)
    text = text_of(folder / "novel.txt")
    found = one_of("novel", text, is_confirmed, NEW, OLD) + one_of("other", kept.get("other"), True, OTHER)
    if NEW not in (text, kept.get("novel")):
        found.append("novel: neither in its file nor in the store")
    return found + store_stray(folder, "novel.txt")


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("save under a new name", nothing, save_new, save_new_problems),
        Operation("save over", write_old, save_over, save_over_problems),
        Operation("save through a link", write_linked, save_through_link, save_through_link_problems),
        Operation("save a document", write_document, edit_and_save_document, save_document_problems),
        Operation("rest", write_document, edit_and_rest, save_document_problems),
        Operation("save the settings", write_settings, save_settings, save_settings_problems),
        Operation("first autosave", nothing, keep_in_store, first_keep_problems),
        Operation("autosave", write_store, keep_in_store, keep_problems),
        *WHOLE_DOCUMENTS,
        Operation("recover", write_store, recover, recover_problems),
        Operation("save and close", write_store_and_file, save_and_close, save_and_close_problems),
    )
}
