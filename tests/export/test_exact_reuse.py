"""Every precision gives the same bits fresh, reused, restarted, chunked, among candidates, and on 1 or 2 threads."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.contracts.generation import Event, Finished, GenerationRequest, Started, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model, with_prompt_graph
from engine.session import Session
from export.convert import convert
from tests.export.checkpoints import huggingface_model, own_checkpoint, recurrent_checkpoint, save_huggingface

PROMPT = tuple(np.random.default_rng(6).integers(3, 280, 70).tolist())


@pytest.fixture(scope="module", autouse=True)
def _own_profile(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))
        yield


@pytest.fixture(scope="module", params=["gpt2-fp32", "own-fp32", "own-int8", "own-int4", "recurrent-fp32"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A verified folder of that family and precision."""
    family, precision = request.param.split("-")
    place = tmp_path_factory.mktemp("exact")
    make = {
        "gpt2": lambda path: save_huggingface(path, huggingface_model()),
        "own": own_checkpoint,
        "recurrent": recurrent_checkpoint,
    }[family]
    return convert(make(place / "checkpoint"), place / "model", precision).folder


@pytest.fixture(scope="module", params=["decoder alone", "prompts by their own graph"])
def model(folder: Path, request: pytest.FixtureRequest) -> LoadedModel:
    """With and without the graph for prompts, whichever this machine would choose."""
    return chosen(load_model(folder, "cpu", threads=2), request.param != "decoder alone")


def chosen(loaded: LoadedModel, own_graph: bool) -> LoadedModel:
    if not own_graph:
        return replace(loaded, plan=replace(loaded.plan, prompt_graph=False), prompt_graph=None)
    if loaded.plan.is_canonical or loaded.plan.avoids_lone_rows:
        pytest.skip("the decoder's plan here leaves prompts to it")
    return with_prompt_graph(loaded) or pytest.skip("this precision has one graph")


def run(model: LoadedModel, session: Session, prompt: tuple[int, ...], candidates: int = 1) -> list[Event]:
    settings = SamplingSettings(temperature=1.0, seed=3)
    request = GenerationRequest(
        "r", None, prompt, max_tokens=20, sampling=settings, ignore_end_of_text=True, candidates=candidates
    )
    events = list(generate(model, session, request))
    assert any(isinstance(event, Finished) for event in events)
    return events


def essence(events: list[Event], candidate: int = 0) -> list[tuple[int, float]]:
    return [(event.id, event.logprob) for event in events if isinstance(event, Token) and event.candidate == candidate]


def test_alone_equals_among_candidates(model: LoadedModel) -> None:
    sequential = replace(model, plan=replace(model.plan, batches=False))
    together = run(model, model.new_session(), PROMPT, 5)
    alone = run(sequential, sequential.new_session(), PROMPT, 5)
    for candidate in range(5):
        assert essence(together, candidate) == essence(alone, candidate)
    assert essence(together) == essence(run(model, model.new_session(), PROMPT))


def test_integer_models_are_batched_where_integer_kernels_are_exact(model: LoadedModel) -> None:
    """Else candidates would silently be slow on the machines that most people have."""
    is_integer = model.manifest.cache.dtype == "int8"
    assert model.plan.batches == (is_integer and not (model.plan.is_canonical or model.plan.avoids_lone_rows))


def test_reused_equals_fresh_equals_restarted_on_one_thread(model: LoadedModel) -> None:
    session = model.new_session()
    run(model, session, (*PROMPT[:50], 9, 9))
    reused = run(model, session, PROMPT)
    started = reused[0]
    assert isinstance(started, Started)
    assert started.reused == (0 if model.plan.is_canonical else 50)
    assert essence(reused) == essence(run(model, model.new_session(), PROMPT))
    if not model.plan.any_threads:
        pytest.skip("on this processor the bits depend on the number of threads; the self-check says so")
    restarted = chosen(load_model(model.folder.path, "cpu", threads=1), model.plan.prompt_graph)
    assert essence(reused) == essence(run(restarted, restarted.new_session(), PROMPT))


@pytest.mark.parametrize("chunk", [1, 7, 16, 17, 33, 64])
def test_chunked_equals_whole(model: LoadedModel, chunk: int) -> None:
    if model.plan.is_canonical:
        pytest.skip("on this processor the model runs in canonical chunks, which do not promise this equality")
    graph = model.prompt_graph or model.graph
    runner = graph.new_runner(graph.new_cache(model.context_length))
    whole = runner.run(PROMPT, 0, len(PROMPT)).copy()
    session = model.new_session()
    for start in range(0, len(PROMPT), chunk):
        logits = session.prefill(PROMPT[start : start + chunk])
        assert logits is not None
        if session.length > 1:
            assert np.array_equal(logits[-1], whole[session.length - 1])


def test_generated_text_that_became_a_prompt_is_run_again(model: LoadedModel) -> None:
    session = model.new_session()
    written = [event.id for event in run(model, session, PROMPT) if isinstance(event, Token)]
    longer = (*PROMPT, *written, 9)
    again = run(model, session, longer)
    started = again[0]
    assert isinstance(started, Started)
    if model.plan.prompt_graph:
        assert started.reused == len(PROMPT)
    elif not model.plan.is_canonical:
        assert started.reused == len(PROMPT) + len(written) - 1  # the last one was never run
    assert essence(again) == essence(run(model, model.new_session(), longer))


def test_a_prompt_of_one_or_two_tokens(model: LoadedModel) -> None:
    session = model.new_session()
    for prompt in (PROMPT[:1], PROMPT[:2], PROMPT[:1], PROMPT[:3], PROMPT[:2]):
        assert essence(run(model, session, prompt)) == essence(run(model, model.new_session(), prompt))


def test_a_fork_knows_what_ran_as_prompt(model: LoadedModel) -> None:
    session = model.new_session()
    run(model, session, PROMPT)
    copy = session.fork()
    longer = (*session.tokens, 9, 9)
    assert copy.align(longer) == session.align(longer)
    assert essence(run(model, copy, longer)) == essence(run(model, model.new_session(), longer))


def test_guessed_tokens_change_nothing(model: LoadedModel) -> None:
    settings = SamplingSettings(temperature=0.0)
    request = GenerationRequest("r", None, PROMPT * 2, max_tokens=30, sampling=settings, ignore_end_of_text=True)
    alone = list(generate(model, model.new_session(), request))
    guessing = list(generate(model, model.new_session(), replace(request, lookup=4)))
    assert essence(alone) == essence(guessing)
