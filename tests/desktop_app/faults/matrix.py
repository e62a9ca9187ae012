"""Nine situations × eight operations: one cell, run and looked at from every side.

    run_cell(folder, situation, operation, language) → "said" | "overcome"      problems raise AssertionError

"said": the operation could not be carried out, and exactly one message said so. "overcome": it was carried out all the
same, and nothing was said. Knows situations, operations, and what is expected of each pair.
"""

import re
from pathlib import Path

from tests.desktop_app.faults.own_rights import own_rights
from tests.desktop_app.faults.situations import FILLER, SITUATIONS, Ground
from tests.desktop_app.faults.window_operations import OPERATIONS, Operation, Save, Work

SAID, OVERCOME = "said", "overcome"
# What the message must say, in English, by situation and operation; None: it is overcome, and there is none.
_STORE = "nsaved text cannot be kept"
EXPECTED: dict[str, dict[str, str | None]] = {
    "disk full": {
        "open": None,
        "save": "not saved: the disk is full",
        "save as": "not saved: the disk is full",
        "autosave": f"{_STORE}: the disk is full",
        "recover": _STORE,
        "export": "not saved: the disk is full",
        "import": None,
        "settings": "not saved: the disk is full",
    },
    "read-only file": {
        "open": None,
        "save": "it is read-only",
        "save as": "it is read-only",
        "autosave": None,  # the store is open already
        "recover": _STORE,
        "export": "it is read-only",
        "import": None,
        "settings": "it is read-only",
    },
    "read-only folder": {
        "open": None,
        "save": "you may not write there",
        "save as": "you may not write there",
        "autosave": None,  # the store's files are there already
        "recover": "you may not write there",
        "export": "you may not write there",
        "import": None,
        "settings": "you may not write there",
    },
    "file vanished": {
        "open": "does not exist any more",
        "save": "was removed by another program",
        "save as": None,  # the name is free now
        "autosave": None,
        "recover": None,
        "export": None,
        "import": "does not exist any more",
        "settings": None,
    },
    "folder vanished": {
        "open": "does not exist any more",
        "save": "was removed by another program|folder does not exist",
        "save as": "folder does not exist",
        "autosave": None,
        "recover": None,
        "export": "folder does not exist",
        "import": "does not exist any more",
        "settings": None,  # the program makes its own folders
    },
    "held by another": {
        "open": "Two windows would write over",
        "save as": "is open in another window",
        "autosave": f"{_STORE}: another window",
        "recover": f"{_STORE}: another window",
        "export": "is open in another window",
        "import": None,
    },
    "changed outside": {
        "open": None,
        "save": "was changed by another program",
        "save as": None,  # the dialog has asked
        "autosave": None,
        "recover": None,
        "export": None,
        "import": None,
        "settings": None,
    },
    "a folder in its place": {
        "open": "is a folder",
        "save": "is a folder|was changed by another program",
        "save as": "is a folder",
        "autosave": _STORE,
        "recover": None,
        "export": "is a folder",
        "import": "is a folder",
        "settings": "is a folder",
    },
    "device error": {
        "open": "cannot be read: the disk reports a fault",
        "save": "the disk reports a fault",
        "save as": "not saved: the disk reports a fault",
        "autosave": _STORE,
        "recover": _STORE,
        "export": "not saved: the disk reports a fault",
        "import": "cannot be read: the disk reports a fault",
        "settings": "not saved: the disk reports a fault",
    },
}
NO_SENSE = {
    ("held by another", "save"): "the text's own file is held by its window: nobody else can hold it",
    ("held by another", "settings"): "no window holds the settings: each writes them whole",
}
CELLS = [(situation, operation) for situation in SITUATIONS for operation in OPERATIONS]
HAN, ENGLISH = re.compile("[\u4e00-\u9fff]"), re.compile(r"(?:[A-Za-z]{2,} ){3}")


def run_cell(folder: Path, situation_name: str, operation_name: str, language: str) -> str:
    """One cell in a folder of its own. Raises `AssertionError`: what is wrong; `CalledProcessError`: no mount."""
    operation = OPERATIONS[operation_name]()
    work = _work(folder, operation, language)
    if situation_name == "disk full":
        work.ground.mount()
    for made in (work.texts, work.profile):
        made.mkdir(exist_ok=True)
    try:
        with own_rights():
            return _lived_through(work, operation, situation_name, EXPECTED[situation_name][operation_name])
    finally:
        work.ground.close()


def _work(folder: Path, operation: Operation, language: str) -> Work:
    small = folder / ("profile" if operation.at_profile else "texts")
    aside = folder / "aside"
    for made in (small, aside):
        made.mkdir(parents=True)
    return Work(folder, Ground(small, aside, folder / "profile" / "config locks"), language)


def _lived_through(work: Work, operation: Operation, name: str, expected: str | None) -> str:
    situation = SITUATIONS[name](work.ground)
    try:
        work.target = operation.prepare(work, name)
        work.window.forget_problems()
        situation.begin(work.target)
        left = _files(work.texts)
        operation.run(work)
        said = work.window.problems()
        _look_at_message(said, expected, work.language)
        if not operation.is_start:
            assert work.window.passages(work.tab) == work.page, "the page has changed"
        assert work.window.is_alive(), "the window is dead"
        if expected is None:
            assert operation.is_done(work), "it was not done, and nobody said so"
        if expected is not None or operation.is_start:
            assert _files(work.texts) == left, "a file was touched, or something lies about"
        _look_for_strays(work)
        situation.end()
        _go_on(work, operation)
        return OVERCOME if expected is None else SAID
    finally:
        situation.end()
        if hasattr(work, "window"):
            work.window.crash()


def _look_at_message(said: list[str], expected: str | None, language: str) -> None:
    if expected is None:
        assert said == [], f"nothing was to be said: {said}"
        return
    assert len(said) == 1, f"one message was expected: {said}"
    if language == "en":
        assert re.search(expected, said[0]), said
        assert len(re.findall(r"[.:;,] |\.$", said[0])) >= 2, f"found, means, to do? {said}"
    else:
        assert HAN.search(said[0]), said
        assert not ENGLISH.search(said[0]), said


def _go_on(work: Work, operation: Operation) -> None:
    """It is over: what could not be done can be done, and the page goes to a new file whole."""
    if not operation.is_done(work):
        work.window.kit.answers.answer = "overwrite" if isinstance(operation, Save) else "cancel"
        work.window.forget_problems()
        operation.run(work)
        assert operation.is_done(work), f"it cannot be done after all: {work.window.problems()}"
    _look_for_strays(work)


def _look_for_strays(work: Work) -> None:
    names = [path.name for path in work.folder.rglob("*") if path.name.endswith(".tmp")]
    assert names == [], names


def _files(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes; folders with None."""
    if not folder.exists():
        return {}
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if path.name != FILLER
    }
