"""N-grams: read as they were written, predicted by the definition, mixed the same however a text is run."""

import math
import random
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contracts import ngram_format
from engine.contracts.errors import ModelFolderError
from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.manifest import MANIFEST_NAME
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model
from engine.memory import estimate_memory
from engine.ngrams import NgramModel, features, mixed, probabilities, probability, read_ngrams
from engine.score import log_softmax, score
from tests.engine.conftest import SHAPES
from tests.support.tiny_models import write_tiny_model
from tests.support.tiny_ngrams import TinyNgrams, add_ngrams, ngram_arrays, tiny_ngrams, write_ngrams

VOCABULARY = 420


@pytest.fixture(scope="module")
def written() -> TinyNgrams:
    return tiny_ngrams(VOCABULARY)


@pytest.fixture(scope="module")
def ngrams(written: TinyNgrams, tmp_path_factory: pytest.TempPathFactory) -> NgramModel:
    path = tmp_path_factory.mktemp("词") / "ngrams.npz"
    write_ngrams(path, written)
    return read_ngrams(path, VOCABULARY)


def histories(written: TinyNgrams, count: int = 200) -> list[list[int]]:
    """Known contexts, random tokens, and texts too short for the longest n-grams."""
    draw = random.Random(3)
    known = [list(context) for context in draw.sample(sorted(written.behind), 60)]
    return [*known, *([draw.randrange(VOCABULARY) for _ in range(draw.randrange(6))] for _ in range(count - 60))]


def test_what_is_written_is_read(written: TinyNgrams, ngrams: NgramModel) -> None:
    assert ngrams.order == written.order
    assert ngrams.entries == sum(len(tokens) for tokens in written.behind.values()) > 500
    for history in histories(written):
        for length, found in enumerate(ngrams.behind(history), 1):
            shares = {} if found is None else dict(zip(found.words.tolist(), found.shares.tolist(), strict=True))
            assert shares == pytest.approx(written.shares(history, length), rel=1e-12)


def test_probabilities_follow_the_definition(written: TinyNgrams, ngrams: NgramModel) -> None:
    for history in histories(written):
        behind = ngrams.behind(history)
        dense = probabilities(ngrams, behind)
        assert dense.sum() == pytest.approx(1.0, abs=1e-5)
        assert (dense > 0).all()
        for token in (0, 5, 17, 29, 400):
            exact = probability(ngrams, behind, token)
            assert exact == pytest.approx(written.probability(history, token), rel=1e-6)
            assert dense[token] == pytest.approx(exact, rel=1e-5)


def test_the_gate_weighs_what_the_format_says(written: TinyNgrams, ngrams: NgramModel) -> None:
    """The mixture, written out by hand."""
    draw = np.random.default_rng(4)
    for history in histories(written, 80):
        logits = draw.normal(0, 3, VOCABULARY).astype(np.float32)
        network = np.exp(log_softmax(logits))
        matched = [bool(written.shares(history, length)) for length in range(1, written.order)]
        longest = max((length for length, known in enumerate(matched, 1) if known), default=0)
        rests = [math.log(1 - sum(written.shares(history, length).values())) for length in range(1, written.order)]
        known = [float(place == longest) for place in range(written.order)] + rests + [math.log(network.max())]
        assert len(known) == ngram_format.feature_count(written.order)
        told = float(written.gate_logits.astype(float) @ logits) + float(np.array(known) @ written.gate_features)
        gate = 1 / (1 + math.exp(-told))
        expected = [
            gate * network[token] + (1 - gate) * written.probability(history, token) for token in range(VOCABULARY)
        ]
        answer = mixed(ngrams, logits, history)
        assert answer.dtype == np.float32
        scale = math.log(np.exp(logits.astype(float)).sum())
        assert np.exp(answer.astype(float) - scale) == pytest.approx(np.array(expected), rel=2e-5)


def trusting(ngrams: NgramModel, told: float) -> NgramModel:
    """The same with a gate that always says so."""
    features = np.zeros_like(ngrams.gate_features)
    features[: ngrams.order] = told  # exactly one of these is 1
    return NgramModel(ngrams.unigram, ngrams._levels, 0 * ngrams.gate_logits, features)


def test_a_gate_that_trusts_one_side_leaves_it_alone(ngrams: NgramModel) -> None:
    """The network's own logits, not their logarithms of probability: a penalty divides what is above 0."""
    logits = np.random.default_rng(5).normal(2, 3, VOCABULARY).astype(np.float32)
    found = mixed(trusting(ngrams, 1e3), logits, [1, 2, 3])
    probable = logits > logits.max() - 8
    assert probable.sum() > 100
    assert found[probable] == pytest.approx(logits[probable], abs=2e-2)
    assert found.max() > 5
    never = mixed(trusting(ngrams, -1e6), logits, [])
    assert np.exp(log_softmax(never)) == pytest.approx(ngrams.unigram, rel=1e-3)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_damaged_logits_stay_visible(ngrams: NgramModel, number: float) -> None:
    logits = np.zeros(VOCABULARY, np.float32)
    logits[7] = number
    assert not np.isfinite(mixed(ngrams, logits, [1, 2, 3]).max())


@pytest.mark.parametrize("model", ["gate that weighs it", "gate that does not"])
def test_a_token_that_the_network_forbids_is_no_damage(ngrams: NgramModel, model: str) -> None:
    logits = np.zeros(VOCABULARY, np.float32)
    logits[7] = -math.inf
    gated = ngrams if model == "gate that weighs it" else trusting(ngrams, 0.0)
    found, near = mixed(gated, logits, [1, 2, 3]), mixed(gated, np.maximum(logits, -40), [1, 2, 3])
    assert np.isfinite(found).all()
    assert model == "gate that weighs it" or found == pytest.approx(near, abs=1e-5)


def test_unknown_tokens_in_the_history_are_no_context(ngrams: NgramModel) -> None:
    for history in ([70_000, 1], [1, -1], [VOCABULARY]):
        assert ngrams.behind(history)[-1] is None
    assert len(features(ngrams.behind([-1]), 0.0)) == ngram_format.feature_count(ngrams.order)


DAMAGE: dict[str, dict[str, Any]] = {
    "no unigram": {"unigram": None},
    "no gate": {"gate__features": None},
    "unigram of another vocabulary": {"unigram": np.ones(7, np.float32)},
    "a token without probability": {"unigram": np.zeros(VOCABULARY, np.float32)},
    "not a number": {"gate__logits": np.full(VOCABULARY, np.nan, np.float32)},
    "gate of another order": {"gate__features": np.zeros(3, np.float32)},
    "no second order": {"words__2": None},
    "children of others": {"children__2": np.ones(VOCABULARY, np.uint16)},
    "children as floats": {"children__3": np.ones(3)},
    "objects": {"unigram": np.array([{}], object)},
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE.keys())
def test_files_that_do_not_fit_are_refused(tmp_path: Path, written: TinyNgrams, change: dict[str, Any]) -> None:
    path = tmp_path / "ngrams.npz"
    if "unigram" in change and change["unigram"] is not None and change["unigram"].dtype == object:
        np.savez_compressed(path, **{**ngram_arrays(written), **change})
    else:
        write_ngrams(path, written, **change)
    with pytest.raises(ModelFolderError, match=r"ngrams\.npz holds no n-grams that fit this model .*fetch"):
        read_ngrams(path, VOCABULARY)


def test_last_tokens_out_of_order_or_unknown_are_refused(tmp_path: Path, written: TinyNgrams) -> None:
    arrays = ngram_arrays(written)
    for place, value in ((slice(None), 0), (slice(None), 255)):
        words = arrays[ngram_format.words(3)].copy()
        words[:, place] = value
        write_ngrams(tmp_path / "ngrams.npz", written, words__3=words)
        with pytest.raises(ModelFolderError, match="unknown or not in order"):
            read_ngrams(tmp_path / "ngrams.npz", VOCABULARY)
    levels = arrays[ngram_format.shares(2)].copy()
    levels[0] = ngram_format.LEVELS
    write_ngrams(tmp_path / "ngrams.npz", written, shares__2=levels)
    with pytest.raises(ModelFolderError, match="unknown level"):
        read_ngrams(tmp_path / "ngrams.npz", VOCABULARY)


def test_every_cut_and_random_flips_are_refused_or_read(tmp_path: Path, written: TinyNgrams) -> None:
    """Whatever a file holds: one line, or n-grams whose probabilities are a distribution."""
    whole = tmp_path / "whole.npz"
    write_ngrams(whole, written)
    content, draw, path = whole.read_bytes(), random.Random(8), tmp_path / "damaged.npz"
    refused = 0
    for attempt in range(300):
        damaged = bytearray(content)
        if attempt % 2:
            damaged = damaged[: draw.randrange(len(damaged))]
        else:
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        path.write_bytes(bytes(damaged))
        try:
            model = read_ngrams(path, VOCABULARY)
        except ModelFolderError:
            refused += 1
        else:
            assert probabilities(model, model.behind([1, 2, 3])).sum() == pytest.approx(1.0, abs=1e-5)
    assert refused > 200


HEADERS = {
    "unclosed": "{'descr': '<f4', 'fortran_order': False, 'shape': (420,",
    "unclosed text": "{'descr': '''<f4', 'fortran_order': False, 'shape': (420,), }",
    "nested": "(" * 5000,
    "far too much": "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000,), }",
    "a long number": "{'descr': '<f4', 'fortran_order': False, 'shape': (1" + "0" * 4500 + ",), }",
    "of Python 2": "{'descr': '<f4', 'fortran_order': False, 'shape': (420L,), }",
    "a record": "{'descr': [('a','<f4')], 'fortran_order': False, 'shape': (420,), }",
    "half a record": "{'descr': ('a',), 'fortran_order': False, 'shape': (420,), }",
    "nothing at all": "{'descr': 'V0', 'fortran_order': False, 'shape': (420,), }",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_hostile_headers_are_one_line(tmp_path: Path, written: TinyNgrams, header: str) -> None:
    """With checksums that are right."""
    write_ngrams(tmp_path / "whole.npz", written)
    with zipfile.ZipFile(tmp_path / "whole.npz") as whole, zipfile.ZipFile(tmp_path / "odd.npz", "w") as odd:
        for name in whole.namelist():
            told = header.encode() + b"\n"
            content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(told)) + told + written.unigram.tobytes()
            odd.writestr(name, content if name == "unigram.npy" else whole.read(name))
    with pytest.raises(ModelFolderError, match="holds no n-grams that fit"):
        read_ngrams(tmp_path / "odd.npz", VOCABULARY)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compression_read_or_damaged_is_no_surprise(tmp_path: Path, written: TinyNgrams, method: int) -> None:
    write_ngrams(tmp_path / "whole.npz", written)
    with (
        zipfile.ZipFile(tmp_path / "whole.npz") as whole,
        zipfile.ZipFile(tmp_path / "other.npz", "w", method) as other,
    ):
        for name in whole.namelist():
            other.writestr(name, whole.read(name))
    assert read_ngrams(tmp_path / "other.npz", VOCABULARY).entries > 500
    content = bytearray((tmp_path / "other.npz").read_bytes())
    content[80:100] = b"\xff" * 20
    (tmp_path / "other.npz").write_bytes(content)
    with pytest.raises(ModelFolderError, match="holds no n-grams that fit"):
        read_ngrams(tmp_path / "other.npz", VOCABULARY)


def test_a_zip_that_unpacks_to_far_too_much_is_not_unpacked(tmp_path: Path, written: TinyNgrams, monkeypatch) -> None:
    path = tmp_path / "ngrams.npz"
    write_ngrams(path, written)
    monkeypatch.setattr(ngram_format, "MOST_BYTES", 1000)
    with pytest.raises(ModelFolderError, match="bytes of arrays"):
        read_ngrams(path, VOCABULARY)


@pytest.fixture(scope="module")
def beside(written: TinyNgrams, tmp_path_factory: pytest.TempPathFactory, _own_profile: None) -> LoadedModel:
    """A tiny model with n-grams of its vocabulary beside the network."""
    folder = tmp_path_factory.mktemp("beside") / "model"
    manifest = write_tiny_model(folder, SHAPES["int8-cache"])
    add_ngrams(folder, tiny_ngrams(manifest.vocabulary_size))
    return load_model(folder, "cpu", threads=2)


IDS = [int(token) for token in np.random.default_rng(9).integers(0, 30, 90)]


def test_every_way_of_running_a_text_mixes_it_alike(beside: LoadedModel) -> None:
    assert beside.ngrams is not None
    alone = beside.network_alone()
    plain = np.concatenate([rows.copy() for rows in alone.new_session().prefill_all(IDS)])
    wanted = np.stack([mixed(beside.ngrams, row, IDS[: place + 1]) for place, row in enumerate(plain)])
    assert not np.array_equal(plain, wanted)
    prefilled = np.concatenate([rows.copy() for rows in beside.new_session().prefill_all(IDS)])
    assert np.array_equal(prefilled, wanted)
    session = beside.new_session()
    session.prefill(IDS[:40])
    for place in range(40, 60):
        assert np.array_equal(session.step(IDS[place])[-1], wanted[place])
    copy = session.fork()
    assert np.array_equal(copy.run_ahead(IDS[60:64]), wanted[60:64])
    session.rewind(50)
    assert np.array_equal(session.step(IDS[50])[-1], wanted[50])


def test_rows_of_a_batch_have_their_own_history(beside: LoadedModel) -> None:
    if not beside.plan.batches:
        pytest.skip("this processor's kernels give a batch other bits")
    session = beside.new_session()
    session.prefill(IDS[:20])
    batch = session.new_batch(3)
    texts = [[*IDS[:20]] for _ in range(3)]

    def run(tokens: list[int], cut: int = 0) -> None:
        for text, token in zip(texts, tokens, strict=True):
            del text[len(text) - cut :]
            text.append(token)
        rows = batch.step([(len(text) - 1, text[-1]) for text in texts])
        for text, row in zip(texts, rows, strict=True):
            single = beside.new_session()
            single.prefill(text[:-1])
            assert np.array_equal(row, single.step(text[-1])[-1])

    run([3, 4, 5])
    run([6, 7, 8])
    run([9, 10, 11], cut=1)  # tokens taken back
    batch.rearrange([2, 2, 0])
    texts = [list(texts[parent]) for parent in (2, 2, 0)]
    run([12, 13, 14])
    batch.drop(0)
    texts = [texts[2], texts[1]]
    run([15, 16])


def test_candidates_and_reused_prefixes_give_equal_tokens(beside: LoadedModel) -> None:
    def tokens(model: LoadedModel, session: Any, **changes: Any) -> list[tuple[int, int, float]]:
        settings = SamplingSettings(temperature=1.0, seed=3)
        request = GenerationRequest(
            "r", None, tuple(IDS[:30]), max_tokens=12, sampling=settings, ignore_end_of_text=True, **changes
        )
        events = generate(model, session, request)
        return sorted((e.candidate, e.index, e.id, e.logprob) for e in events if isinstance(e, Token))

    fresh = tokens(beside, beside.new_session(), candidates=3)
    session = beside.new_session()
    session.prefill(IDS[:25])
    assert tokens(beside, session, candidates=3) == fresh
    one_by_one = replace(beside, plan=replace(beside.plan, batches=False, ahead=False))
    assert tokens(one_by_one, one_by_one.new_session(), candidates=3) == fresh
    assert tokens(beside.network_alone(), beside.network_alone().new_session(), candidates=3) != fresh


def test_score_is_of_the_mixture(beside: LoadedModel) -> None:
    assert beside.ngrams is not None
    plain = np.concatenate([rows.copy() for rows in beside.network_alone().new_session().prefill_all(IDS)])
    expected = [
        float(log_softmax(mixed(beside.ngrams, plain[place], IDS[: place + 1]))[IDS[place + 1]])
        for place in range(len(IDS) - 1)
    ]
    assert [token.logprob for token in score(beside, IDS).tokens[1:]] == expected


def test_memory_counts_the_unpacked_arrays(beside: LoadedModel) -> None:
    manifest = beside.manifest
    without = replace(manifest, files=tuple(f for f in manifest.files if f.name != manifest.ngrams), ngrams="")
    size = next(entry.bytes for entry in manifest.files if entry.name == manifest.ngrams)
    assert estimate_memory(manifest).weights - estimate_memory(without).weights == int(7.4 * size)


def test_a_manifest_whose_ngrams_are_not_listed_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    manifest = write_tiny_model(folder)
    (folder / MANIFEST_NAME).write_text(replace(manifest, ngrams="ngrams.npz").to_json(), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=r"does not list the files it needs: ngrams\.npz"):
        load_model(folder, "cpu", threads=1)


def test_folders_without_ngrams_keep_their_digest(tmp_path: Path) -> None:
    """Records name a folder by it."""
    assert "ngrams" not in write_tiny_model(tmp_path / "model").to_json()
