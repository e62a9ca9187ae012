"""N-grams of a text: counts, probabilities and gate against the plainest code, and the whole command."""

import json
import math
import random
import re
import shutil
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.contracts import ngram_format
from engine.contracts.errors import CorpusError, NextstrokeError, RecipeError
from engine.contracts.manifest import MODEL_CARD_NAME
from engine.folder import open_folder
from engine.loaded_model import load_model
from engine.ngrams import NgramModel, probabilities, read_ngrams
from engine.score import score
from export.cli import main
from export.convert import convert
from export.ngrams.counts import Counts, count_ngrams, document_bounds
from export.ngrams.folder import write_folder
from export.ngrams.gate import Gate, fit_gate
from export.ngrams.judged import Judged
from export.ngrams.pruning import most_useful
from export.ngrams.settings import NgramSettings
from export.ngrams.smoothing import discounts, smooth
from export.ngrams.table import arrays_of, as_file, levels_of
from export.ngrams.text import read_texts
from export.training.corpus import Group, PackedGroup, read_documents
from tests.export.checkpoints import own_checkpoint
from tests.export.training.conftest import stories

WORDS, END = 40, 0


def text(length: int = 4000, seed: int = 1) -> np.ndarray:
    """Documents of a made-up language in which some words follow others often."""
    draw = random.Random(seed)
    tokens = [END]
    for _ in range(length):
        last = tokens[-1]
        if draw.random() < 0.02:
            tokens += [END] if last != END else []
        else:
            tokens.append(1 + (last * 7 + draw.choice((0, 0, 0, 1, 2, draw.randrange(20)))) % (WORDS - 1))
    return np.array([*tokens, END] if tokens[-1] != END else tokens, np.int64)


def naive_counts(tokens: np.ndarray, order: int) -> Counter[tuple[int, ...]]:
    """N-grams that hold the end of a text at their ends only, and no text of nothing."""
    found = (tuple(tokens[place : place + order].tolist()) for place in range(len(tokens) - order + 1))
    return Counter(ngram for ngram in found if END not in ngram[1:-1] and ngram != (END, END))


def names(levels: list[Counts]) -> list[list[tuple[int, ...]]]:
    """The n-grams of each order in words, by following their numbers."""
    shorter = [(token,) for token in range(WORDS)]
    result = []
    for level in levels:
        shorter = [(*shorter[c], int(w)) for c, w in zip(level.context, level.word, strict=True)]
        result.append(shorter)
    return result


def test_counts_are_those_of_a_counter() -> None:
    tokens = text()
    weights = np.where(np.arange(len(tokens)) < 2000, 1.0, 0.5).astype(np.float32)
    levels = count_ngrams(tokens, weights, 4, WORDS, END)
    shorter = [(token,) for token in range(WORDS)]
    for level, found in zip(levels, names(levels), strict=True):
        assert dict(zip(found, level.count.tolist(), strict=True)) == naive_counts(tokens, level.order)
        assert found == sorted(found)
        assert [shorter[number] for number in level.suffix] == [ngram[1:] for ngram in found]
        early = naive_counts(tokens[: 2000 + level.order - 1], level.order)
        wanted = [0.5 * count + 0.5 * early[ngram] for ngram, count in zip(found, level.count.tolist(), strict=True)]
        assert level.weight.tolist() == pytest.approx(wanted)
        shorter = found


def test_documents_are_found_between_marks() -> None:
    assert document_bounds(np.array([0, 5, 6, 0, 0, 7, 0]), 0) == [(0, 3), (4, 6)]


def naive_kneser_ney(tokens: np.ndarray, order: int, context: tuple[int, ...], word: int) -> float:
    """Interpolated Kneser-Ney by its formulas, from Counters alone."""
    counts = {length: naive_counts(tokens, length) for length in range(2, order + 1)}

    def used(length: int) -> Counter[tuple[int, ...]]:
        if length == order:
            return counts[length]
        beginnings = {ngram: count for ngram, count in counts[length].items() if ngram[0] == END}
        return Counter(ngram[1:] for ngram in counts[length + 1]) + Counter(beginnings)

    def chance(context: tuple[int, ...]) -> float:
        if not context:
            singles = Counter(ngram[1:] for ngram in counts[2])
            return (singles[(word,)] + 0.1) / (sum(singles.values()) + 0.1 * WORDS)
        table = used(len(context) + 1)
        behind = {ngram: count for ngram, count in table.items() if ngram[:-1] == context}
        low = chance(context[1:])
        if not behind:
            return low
        times = Counter(table.values())
        share = times[1] / (times[1] + 2 * times[2])
        off = [0.0, *(n - (n + 1) * share * times[n + 1] / times[n] for n in (1, 2, 3))]
        left = {ngram: max(count - min(max(off[min(count, 3)], 0), 3), 0.0) for ngram, count in behind.items()}
        total = sum(behind.values())
        return (left.get((*context, word), 0.0) + (total - sum(left.values())) * low) / total

    return chance(context)


def opened(tokens: np.ndarray, order: int, entries: int, tmp_path: Path) -> NgramModel:
    levels = count_ngrams(tokens, np.ones(len(tokens), np.float32), order, WORDS, END)
    unigram, smoothed = smooth(levels, WORDS)
    path = tmp_path / "ngrams.npz"
    path.write_bytes(as_file(arrays_of(unigram, smoothed, most_useful(smoothed, entries), WORDS)))
    return read_ngrams(path, WORDS)


def test_nothing_pruned_is_kneser_ney(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With levels fine enough not to matter."""
    monkeypatch.setattr(ngram_format, "LEVELS", 256)
    monkeypatch.setattr("engine.ngrams._SHARES", np.exp([ngram_format.share_of(level) for level in range(256)]))
    tokens = text()
    model = opened(tokens, 3, 10**9, tmp_path)
    draw = random.Random(2)
    for _ in range(60):
        place = draw.randrange(2, len(tokens) - 1)
        context = tuple(tokens[place - 2 : place].tolist())
        if END in context[1:]:
            continue
        found = probabilities(model, model.behind(context))
        for word in (int(tokens[place]), draw.randrange(WORDS)):
            assert found[word] == pytest.approx(naive_kneser_ney(tokens, 3, context, word), rel=0.06, abs=2e-3)


def test_how_documents_begin_is_learned(tmp_path: Path) -> None:
    """Nothing stands before a beginning, so counts of continuations are silent there."""
    draw = random.Random(5)
    tokens = [END]
    for _ in range(300):
        tokens += [7, *(draw.randrange(1, WORDS) for _ in range(9)), END]
    model = opened(np.array(tokens), 4, 10**9, tmp_path)
    assert probabilities(model, model.behind([END]))[7] > 0.9
    assert probabilities(model, model.behind([5, END]))[7] > 0.9
    assert probabilities(model, model.behind([9]))[7] < 0.1


def test_one_huge_gain_does_not_cost_the_others_their_place() -> None:
    levels = smooth(count_ngrams(text(), np.ones(len(text()), np.float32), 3, WORDS, END), WORDS)[1]
    levels[0].gain[3] = 1e9
    total = sum(len(level.gain) for level in levels)
    kept = sum(int(here.sum()) for here in most_useful(levels, total // 2))
    assert 0.9 * (total // 2) < kept <= total // 2


def test_texts_shorter_than_the_order_are_no_error(tmp_path: Path) -> None:
    model = opened(np.array([END, 3, END, 4, END]), 6, 100, tmp_path)
    assert probabilities(model, model.behind([END, 3])).sum() == pytest.approx(1.0, abs=1e-5)


def test_fewer_entries_keep_the_useful_ones(tmp_path: Path) -> None:
    """Closed under beginnings, within the number, and each step down costs the text little by little."""
    tokens, unseen = text(12_000), text(3000, seed=2)
    nats = []
    for entries in (10**9, 2000, 500, 100):
        model = opened(tokens, 4, entries, tmp_path)
        assert model.entries <= entries
        assert entries == 10**9 or model.entries > 0.8 * entries
        rows = [probabilities(model, model.behind(unseen[max(p - 3, 0) : p].tolist())) for p in range(1, 1500)]
        nats.append(-float(np.mean([math.log(row[token]) for row, token in zip(rows, unseen[1:], strict=False)])))
    assert nats[0] < nats[3] < math.log(WORDS)
    assert nats == sorted(nats) or max(a - b for a, b in pairwise(nats)) < 0.02
    levels = smooth(count_ngrams(tokens, np.ones(len(tokens), np.float32), 4, WORDS, END), WORDS)[1]
    kept = most_useful(levels, 500)
    for level, here, shorter in zip(levels[1:], kept[1:], kept, strict=False):
        assert shorter[level.counts.context[here]].all()


def test_too_little_text_has_plain_discounts() -> None:
    assert discounts(np.array([1, 1, 1])).tolist() == [0.0, 0.5, 0.75, 0.75]
    assert (discounts(np.array([1] * 100 + [2] * 30 + [3] * 10 + [4] * 5)) >= 0).all()


def test_levels_are_the_nearest() -> None:
    shares = np.exp([ngram_format.share_of(level) for level in range(ngram_format.LEVELS)])
    assert levels_of(shares).tolist() == list(range(ngram_format.LEVELS))
    assert levels_of(np.array([0.0, 1.0])).tolist() == [0, ngram_format.LEVELS - 1]


def test_the_gate_learns_whom_to_trust_where() -> None:
    """The network is right where the first number of its state is positive, the n-grams elsewhere."""
    torch.manual_seed(1)
    states = torch.randn(3000, 8)
    right, wrong = math.log(0.9), math.log(0.01)
    network = torch.where(states[:, 0] > 0, right, wrong).double()
    ngrams = torch.where(states[:, 0] > 0, wrong, right).double()
    judged = Judged(states, torch.ones(3000, ngram_format.feature_count(2), dtype=torch.float64), network, ngrams)
    gate = fit_gate(judged)
    mixed = judged.mixed(gate.score(judged)).mean()
    assert mixed > max(network.mean(), ngrams.mean()) + 1.5
    assert mixed > math.log(0.8)
    head = torch.randn(50, 8)
    by_logits = (states.double() @ head.double().T) @ gate.of_logits(head)
    assert torch.allclose(by_logits, states.double() @ gate.hidden, atol=1e-8)
    stored = Gate.of_stored(gate.of_logits(head).float(), gate.features.float(), head)
    assert torch.allclose(stored.score(judged), gate.score(judged), atol=1e-3)
    few = torch.randn(5, 8)  # fewer tokens than numbers in a state: the nearest that its logits can say
    assert torch.isfinite(gate.of_logits(few)).all()
    assert gate.of_logits(few).abs().max() < 100


def packed(*documents: list[int], name: str = "a") -> PackedGroup:
    tokens = [0]
    for ids in documents:
        tokens += [*ids, 0]
    return PackedGroup(Group(name, 1.0, ()), np.array(tokens, np.uint16))


def test_reserved_documents_are_not_counted() -> None:
    many = packed(*([number, number, 9] for number in range(10, 210)))
    texts = read_texts([many, packed([3, 3], name="b")], NgramSettings(reserved=0.1, weights={"b": 0.5}))
    assert len(texts.reserved) == 20
    counted = {tuple(texts.tokens[s + 1 : e].tolist()) for s, e in document_bounds(texts.tokens, 0)}
    assert len(counted) == 181  # one document alone is counted whole
    assert not counted & {tuple(ids) for ids in texts.reserved}
    assert texts.tokens[-1] == 0
    assert set(texts.weights.tolist()) == {1.0, 0.5}
    short = read_texts([many], NgramSettings(reserved=0.1, gate_tokens=8))
    assert [len(ids) for ids in short.reserved] == [3, 3, 2]
    assert read_texts([many], NgramSettings(reserved=0.1)).reserved == texts.reserved
    with pytest.raises(CorpusError, match="no text to count"):
        read_texts([many], NgramSettings(weights={"a": 0.0}))
    with pytest.raises(CorpusError, match="no document is left for the gate"):
        read_texts([packed([3, 3])], NgramSettings())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"order": 1}, "order must be from 2"),
        ({"order": 9}, "order must be from 2"),
        ({"entries": 0}, "at least 1"),
        ({"seed": -1}, "seed at least 0"),
        ({"reserved": 0.0}, "reserved is a share"),
        ({"reserved": math.nan}, "reserved is a share"),
        ({"weights": {"nobody": 1.0}}, "no .*group.* nobody"),
        ({"weights": {"a": math.inf}}, "at least 0"),
    ],
)
def test_impossible_settings_are_one_line(values: dict, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        NgramSettings(**values).check(frozenset({"a"}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small converted model, untrained, and the recipe of a text with patterns beside it."""
    place = tmp_path_factory.mktemp("n-gramme 词")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_PROFILE", str(place / "profile"))
        convert(own_checkpoint(place / "checkpoint"), place / "model", "fp32")
    (place / "stories.txt").write_text(stories(80, 1), encoding="utf-8")
    (place / "heldout.txt").write_text(stories(6, 2), encoding="utf-8")
    recipe = Path("export/training/recipes/toy.toml").read_text(encoding="utf-8").replace('"corpus"', '"."')
    (place / "recipe.toml").write_text(
        recipe + "\n[ngrams]\nentries = 3000\norder = 4\nreserved = 0.1\n", encoding="utf-8"
    )
    return place


def test_the_command_writes_a_folder_that_predicts_as_it_says(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(folder / "profile"))
    words = ["ngrams", str(folder / "recipe.toml"), str(folder / "model"), str(folder / "with"), "--cache"]
    assert main([*words, str(folder / "packed")]) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if "`stories`" in line)
    network, ngrams, both = (float(cell) for cell in row.split("|")[3:6])
    assert both < min(network, ngrams) + 0.02 < network
    model = load_model(folder / "with", "cpu", threads=1)
    assert model.ngrams is not None
    assert 200 < model.ngrams.entries <= 3000
    for measured, figure in ((model, both), (model.network_alone(), network)):
        bits = size = 0.0
        for document in read_documents(folder / "heldout.txt"):
            ids = [model.manifest.end_of_text, *model.tokenizer.encode(document)]
            bits -= sum(token.logprob or 0.0 for token in score(measured, ids).tokens) / math.log(2)
            size += len(document.encode())
        assert bits / size == pytest.approx(figure, abs=2e-3)
    manifest = open_folder(folder / "with", check_hashes=True).manifest
    assert manifest.ngrams == "ngrams.npz"
    assert manifest.certificate == open_folder(folder / "model").manifest.certificate
    card = (folder / "with" / MODEL_CARD_NAME).read_text(encoding="utf-8")
    assert card.count("## N-grams beside the network") == 1
    assert row in card
    again = [*words[:2], str(folder / "with"), *words[3:], str(folder / "packed"), "--force"]
    assert main(again) == 0  # a folder that has n-grams gets new ones
    assert (folder / "with" / MODEL_CARD_NAME).read_text(encoding="utf-8") == card
    assert sorted(path.name for path in (folder / "with").iterdir()).count("ngrams.npz") == 1
    assert main(words[:4]) == 1  # it exists
    assert "exists already" in capsys.readouterr().err


def test_what_cannot_work_is_said_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.ngrams.build.count_ngrams", lambda *_: pytest.fail("it began"))
    recipe, model, cache = str(folder / "recipe.toml"), str(folder / "model"), ["--cache", str(folder / "packed")]
    inside = tmp_path / "outer" / "inner"
    shutil.copytree(model, inside)
    part = {"bytes": 5, "bits_per_byte": 1.5}
    (tmp_path / "nameless.json").write_text(json.dumps({"groups": {"stories": part}}), encoding="utf-8")
    (tmp_path / "list.json").write_text("[]", encoding="utf-8")
    (tmp_path / "half.json").write_text(json.dumps({"order": 4, "groups": {"a": {"bytes": 5}}}), encoding="utf-8")
    for words, told in (
        ([recipe, str(folder / "checkpoint"), str(tmp_path / "new")], "is no model folder of this program"),
        ([recipe, str(folder / "model" / "nextstroke.json"), str(tmp_path / "new")], "is no model folder"),
        ([recipe, str(inside), str(inside.parent), "--force"], "which would be replaced"),
        (
            [recipe, model, str(tmp_path / "new"), "--before", str(tmp_path / "nameless.json")],
            '--before takes .*"name"',
        ),
        ([recipe, model, str(tmp_path / "new"), "--before", str(tmp_path / "list.json")], "--before takes"),
        ([recipe, model, str(tmp_path / "new"), "--ppmd", str(tmp_path / "half.json")], "--ppmd takes"),
    ):
        assert main(["ngrams", *words, *cache]) in (1, 2)
        assert re.search(told, capsys.readouterr().err)
    assert not (tmp_path / "new").exists()
    assert (inside / "decoder.onnx").exists()


def test_a_file_that_is_not_what_the_manifest_says_is_not_copied(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "model", tmp_path / "model")
    with (tmp_path / "model" / "decoder.onnx").open("r+b") as file:
        file.seek(100)
        file.write(b"\0\1\2")
    with pytest.raises(NextstrokeError, match=r"decoder\.onnx is not what its manifest says"):
        write_folder(tmp_path / "model", tmp_path / "new", b"ngrams", "section", force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_verify_is_of_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate compares graph and checkpoint; n-grams beside it are no error of the conversion."""
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(folder / "profile"))
    assert (folder / "with").exists()
    assert main(["verify", str(folder / "with"), "--source", str(folder / "checkpoint")]) == 0


def test_a_model_of_another_vocabulary_is_refused(folder: Path, tmp_path: Path) -> None:
    content = (folder / "with" / "ngrams.npz").read_bytes()
    (tmp_path / "ngrams.npz").write_bytes(content)
    with pytest.raises(NextstrokeError, match="holds no n-grams that fit"):
        read_ngrams(tmp_path / "ngrams.npz", 77)
