"""However a sequence was computed (whole, chunked, token by token, reused, forked), the bits are the same.

The judge of the values is the naive forward in NumPy; the judge of equality is one run over everything.
"""

import random

import numpy as np
import pytest

from engine.contracts.errors import EngineError
from engine.loaded_model import LoadedModel, load_model
from engine.session import CHUNK, RunPlan, Session, common_prefix
from tests.engine.conftest import SHAPES, needs_any_threads, needs_exact_kernels
from tests.support.tiny_graph import naive_logits, tiny_weights


def ids_for(model: LoadedModel, count: int, seed: int = 3) -> list[int]:
    return np.random.default_rng(seed).integers(0, model.manifest.vocabulary_size, count).tolist()


def fresh_logits(model: LoadedModel, ids: list[int]) -> np.ndarray:
    logits = model.new_session().prefill(ids)
    assert logits is not None
    return logits[-1].copy()


def whole_run(model: LoadedModel, ids: list[int]) -> np.ndarray:
    """Logits of every position from one run."""
    runner = model.graph.new_runner(model.graph.new_cache(model.context_length))
    return runner.run(ids, 0, len(ids)).copy()


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "int8-cache"])
def test_values_agree_with_the_naive_forward(tiny_models: dict[str, LoadedModel], name: str) -> None:
    model = tiny_models[name]
    ids = ids_for(model, 90)
    naive = naive_logits(SHAPES[name], tiny_weights(SHAPES[name], 1), ids)
    assert np.abs(whole_run(model, ids) - naive).max() < 2e-3 * np.abs(naive).max()


def test_kernels_with_vnni_are_exact(model: LoadedModel) -> None:
    """On other processors canonical chunks may have to take over: see `test_canonical…` below."""
    if "avx512_vnni" not in model.device.kernel_class:
        pytest.skip("measured on AVX-512 VNNI; elsewhere the self-check decides")
    assert model.plan.description == "exact"


@pytest.mark.parametrize("chunk", [1, 2, 5, 16, 17, 33, 49, 64, 65])
def test_chunked_equals_whole(model: LoadedModel, chunk: int) -> None:
    needs_exact_kernels(model)
    ids = ids_for(model, 131)
    whole = whole_run(model, ids)
    session = model.new_session()
    for start in range(0, len(ids), chunk):
        part = ids[start : start + chunk]
        logits = session.step(part[0]) if len(part) == 1 else session.prefill(part)
        assert logits is not None
        if start + len(part) > 1:  # a lone first token is one row; it is run again with its follower
            assert np.array_equal(logits[-1], whole[start + len(part) - 1])
    assert session.tokens == ids
    assert session.cache.length == len(ids)


def test_reused_equals_fresh_through_a_random_history(model: LoadedModel) -> None:
    """Edits as a writer makes them: append, cut, change a word, generate, start over."""
    choice, session = random.Random(5), model.new_session()
    text = ids_for(model, 40)
    for turn in range(40):
        kind = choice.randrange(4)
        if kind == 0:
            text = text + ids_for(model, choice.randrange(1, 40), turn)
        elif kind == 1:
            text = text[: choice.randrange(1, len(text) + 1)]
        elif kind == 2:
            text[choice.randrange(len(text))] = choice.randrange(model.manifest.vocabulary_size)
        text = text[: model.context_length - 8]
        reused = session.align(text)
        assert reused < len(text)
        logits = session.prefill(text[reused:])
        assert logits is not None
        if len(text) > 1:
            assert np.array_equal(logits[-1], fresh_logits(model, text))
        for token in ids_for(model, choice.randrange(4), turn):
            session.step(token)
            text = [*text, token]
        assert session.tokens == text
        assert session.cache.length == len(text)


def test_one_and_two_threads_agree(model: LoadedModel) -> None:
    needs_any_threads(model)
    single = load_model(model.folder.path, "cpu", threads=1)
    ids = ids_for(model, 100)
    assert np.array_equal(whole_run(single, ids), whole_run(model, ids))
    first, second = single.new_session(), model.new_session()
    for session in (first, second):
        session.prefill(ids[:50])
    for token in ids[50:]:
        assert np.array_equal(first.step(token), second.step(token))


def test_a_lone_first_token_does_not_colour_what_follows(model: LoadedModel) -> None:
    needs_exact_kernels(model)
    ids = ids_for(model, 40)
    for second in (2, 7, 40):
        session = model.new_session()
        session.prefill(ids[:1])
        logits = session.prefill(ids[1:second])
        assert logits is not None
        assert np.array_equal(logits[-1], fresh_logits(model, ids[:second]))


def test_growing_the_cache_changes_nothing(tiny_models: dict[str, LoadedModel]) -> None:
    model = tiny_models["wide"]
    needs_exact_kernels(model)
    ids = ids_for(model, 600)
    session = model.new_session()
    session.prefill(ids[:100])
    assert session.cache.capacity == 256
    session.prefill(ids[100:560])
    for token in ids[560:]:
        logits = session.step(token)
    assert session.cache.capacity == 640
    assert np.array_equal(logits[-1], fresh_logits(model, ids))


def test_a_fork_goes_its_own_way(model: LoadedModel) -> None:
    needs_exact_kernels(model)
    ids = ids_for(model, 60)
    session = model.new_session()
    session.prefill(ids[:50])
    copy = session.fork()
    for token in ids[50:]:
        logits = copy.step(token)
    assert session.tokens == ids[:50]
    assert np.array_equal(logits[-1], fresh_logits(model, ids))
    assert np.array_equal(session.step(ids[0])[-1], fresh_logits(model, [*ids[:50], ids[0]]))


def test_align_answers_the_common_prefix_and_leaves_one_token(session: Session) -> None:
    session.prefill(list(range(10, 30)))
    assert session.align([10, 11, 12, 99]) == 3
    assert session.tokens == [10, 11, 12]
    session.prefill([13, 14])
    assert session.align([10, 11, 12, 13, 14]) == 4
    assert session.align([50]) == 0


def test_a_full_context_is_refused_and_harms_nothing(session: Session) -> None:
    ids = [5] * session.context_length
    session.prefill(ids)
    with pytest.raises(EngineError, match="do not fit the context of 256"):
        session.step(5)
    assert session.tokens == ids
    session.rewind(100)
    assert session.step(7) is not None


def test_cancelling_a_prefill_keeps_finished_chunks(rotary: LoadedModel) -> None:
    session, ids = rotary.new_session(), ids_for(rotary, 200)
    assert session.prefill(ids, is_cancelled=lambda: True) is None
    assert 0 < session.length < len(ids)
    assert session.tokens == ids[: session.length]
    reused = session.align(ids)
    assert reused == session.length > 0
    logits = session.prefill(ids[reused:])
    assert logits is not None
    assert np.array_equal(logits[-1], fresh_logits(rotary, ids))


def test_a_failed_run_leaves_the_session_as_it_was(rotary: LoadedModel) -> None:
    session = rotary.new_session()
    session.prefill([1, 2, 3])
    with pytest.raises(EngineError, match="could not run the model"):
        session.step(10**9)  # no such row in the embedding
    assert session.tokens == [1, 2, 3]
    assert session.cache.length == 3
    other = rotary.new_session()
    other.prefill([1, 2, 3])
    assert np.array_equal(session.step(4), other.step(4))


def test_prefill_reports_its_progress(rotary: LoadedModel) -> None:
    told: list[tuple[int, int]] = []
    rotary.new_session().prefill(ids_for(rotary, 200), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (200, 200)
    assert len(told) > 1


def canonical_session(model: LoadedModel) -> Session:
    return Session(model.graph, model.graph.new_cache(model.context_length), RunPlan(is_canonical=True))


def test_canonical_chunks_depend_on_the_position_only(rotary: LoadedModel) -> None:
    session = canonical_session(rotary)
    session.prefill(ids_for(rotary, 10))
    session.rewind(0)
    ends = [done for done, _ in session.prefill_chunks(ids_for(rotary, 200))]
    assert ends == [64, 128, 192, 200]


def test_canonical_chunks_are_reused_whole_and_never_from_generated_text(rotary: LoadedModel) -> None:
    ids = ids_for(rotary, 200)
    session = canonical_session(rotary)
    session.prefill(ids[:150])
    for token in ids[150:]:
        session.step(token)
    assert session.align(ids) == 2 * CHUNK
    session.prefill(ids[2 * CHUNK :])
    assert session.align(ids[: 2 * CHUNK]) == CHUNK
    session.prefill(ids[CHUNK : 2 * CHUNK])
    assert session.align([*ids[:100], 3, 4]) == CHUNK


def test_canonical_reuse_equals_fresh(model: LoadedModel) -> None:
    ids = ids_for(model, 180)
    session = canonical_session(model)
    session.prefill(ids[:150])
    session.step(ids[150])
    reused = session.align(ids)
    again, fresh = session.prefill(ids[reused:]), canonical_session(model).prefill(ids)
    assert again is not None
    assert fresh is not None
    assert np.array_equal(again, fresh)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [([], [1], 0), ([1, 2], [1, 2], 2), ([1, 2], [1, 2, 3], 2), ([1, 9], [1, 2, 3], 1), ([4], [5], 0)],
)
def test_common_prefix(first: list[int], second: list[int], expected: int) -> None:
    assert common_prefix(first, second) == expected
