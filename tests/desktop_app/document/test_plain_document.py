"""A document as plain data: JSON carries it, damage is refused or harmless, and what changed is little."""

import copy
import json
import random

import pytest

from desktop_app.document import change_log
from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, TYPED, Origin, Passage
from desktop_app.document.plain_changes import changes_since, mark_of, take_changes
from desktop_app.document.plain_document import PlainDocumentError, from_plain, to_plain
from desktop_app.document.soundness import problems


def sample() -> Document:
    document = Document()
    document.insert(0, "Once 😀 upon a time", Origin(TYPED))
    document.set_record("r1", {"model": "tiny", "seed": 7})
    document.insert(18, " there was", Origin(GENERATED, "r1"), "generation")
    fox = document.fork(7, "fox")
    document.insert(7, "a fox", Origin(TYPED), branch=fox)
    document.bookmark(3, "here")
    document.delete(1, 9)
    document.undo()
    document.split(20)
    return document


def test_json_carries_a_document_with_its_history():
    document = sample()
    plain = json.loads(json.dumps(to_plain(document)))
    again = from_plain(plain)
    assert to_plain(again) == to_plain(document)
    assert problems(again) == []
    while document.undo():
        assert again.undo() is not None
        assert to_plain(again) | {"revision": 0} == to_plain(document) | {"revision": 0}


def test_what_changed_goes_through_json_and_makes_the_same_document():
    document = Document()
    store, mark = from_plain(to_plain(document)), mark_of(document)
    for _ in range(3):
        document.insert(document.length(), "Once 😀", Origin(GENERATED, "r1"), "generation")
        document.set_record("r1", {"seed": 1})
        document.switch(document.fork(2))
        document.undo()
        take_changes(store, json.loads(json.dumps(changes_since(document, mark))))
        mark = mark_of(document)
        assert to_plain(store) == to_plain(document)
    assert changes_since(document, mark) == {
        "revision": document.log.revision,
        "text": "",
        "origins": [],
        "records": {},
        "entries": [],
    }


def test_a_key_in_a_long_text_of_many_branches_is_a_small_change():
    document = Document()
    passages = [Passage("words ", Origin(GENERATED, f"r{number % 7}")) for number in range(5_000)]
    document.replace(0, 0, passages, "import")
    mark = mark_of(document)
    document.fork(15_000)
    document.insert(3, "x", Origin(TYPED))  # copies shared text
    changes = changes_since(document, mark)
    assert len(json.dumps(changes)) < 500


def test_a_store_that_comes_too_late_is_told_to_write_everything(monkeypatch):
    document = Document()
    document.log = change_log.ChangeLog(limit=3)
    mark = mark_of(document)
    for _ in range(3):
        document.insert(0, "a", Origin(TYPED))
    assert changes_since(document, mark) is not None
    document.insert(0, "a", Origin(TYPED))
    assert changes_since(document, mark) is None


def places(value, path=()):
    """Every place of plain data, as a path of keys."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for number in range(len(value)):
            yield from places(value[number], (*path, number))


STRANGE = (None, -1, 0, 1, 10**30, "x", [], {}, [[0, 1, 0]], 1.5, True, float("nan"))


@pytest.mark.parametrize("seed", range(4))
def test_damaged_data_is_refused_or_makes_a_sound_document(seed):
    chance = random.Random(seed)
    plain = to_plain(sample())
    known = [path for path in places(plain) if path]
    refused = set()
    for _ in range(250):
        damaged = copy.deepcopy(plain)
        for path in chance.sample(known, chance.choice([1, 1, 1, 2, 4])):
            try:
                inner = damaged
                for key in path[:-1]:
                    inner = inner[key]
                if chance.random() < 0.3:
                    del inner[path[-1]]
                else:
                    inner[path[-1]] = chance.choice(STRANGE)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier damage took this place away
        try:
            document = from_plain(damaged)
        except PlainDocumentError as error:
            refused.add(str(error))
            continue
        document.text()
        to_plain(document)
    assert len(refused) > 50
    assert all("open an earlier version" in line and "\n" not in line for line in refused)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_history_costs_no_text(seed):
    chance = random.Random(seed)
    plain = to_plain(sample())
    assert from_plain(plain, check_history=True).history.can_undo
    wanted = from_plain(plain)
    known = [path for path in places(plain["history"]["steps"]) if path and isinstance(path[-1], int)]
    without = 0
    for _ in range(60):
        damaged = copy.deepcopy(plain)
        inner = damaged["history"]["steps"]
        path = chance.choice(known)
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = chance.choice([0, 1, 2, 3, 5])
        try:
            document = from_plain(damaged, check_history=True)
        except PlainDocumentError:
            continue  # seen at once
        without += not document.history.can_undo
        for branch in wanted.tree.branches:
            assert document.passages(branch=branch) == wanted.passages(branch=branch)
        while document.undo():
            assert problems(document) == []
    assert without > 0


def test_knots_that_hold_themselves_twice_are_refused_at_once():
    plain = to_plain(Document())
    plain["text"], plain["origins"] = "ab", [{"kind": "typed"}]
    knots = [[-1, 0, 1, 0, -1]]
    for _ in range(200):  # a text of 2^200 characters
        knots.append([len(knots) - 1, 0, 1, 0, len(knots) - 1])
    plain["knots"], plain["nodes"][0]["text"] = knots, len(knots) - 1
    with pytest.raises(PlainDocumentError, match="damaged"):
        from_plain(plain)
