"""Own kernels are a matter of speed: without them, or with a file that is none, a model says the same, nearly."""

from pathlib import Path

import pytest

from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.devices import cpu_kernel_class
from engine.generate import generate
from engine.kernels import library
from engine.kernels.library import OFF, SWITCH, own_kernels
from engine.loaded_model import LoadedModel, load_model
from engine.runtime import own_kernel_class
from engine.score import score

pytestmark = pytest.mark.slow

PROMPT = "Once upon a time, there was a little girl named Lily. She"
TEXT = PROMPT + " loved to play with her toys in the garden. One day, she saw a big red ball under a tree."
TOKENS = 16
# Of log-probabilities: both kinds of kernels round activations to eight bits, each in its way.
MEAN_DIFFERENCE, MOST_DIFFERENCE = 0.05, 0.2


def load(root: Path) -> LoadedModel:
    return load_model(root / "resources" / "models" / "tiny-zh-en", "cpu", 1)


def greedy(model: LoadedModel) -> list[Token]:
    request = GenerationRequest("r1", PROMPT, max_tokens=TOKENS, sampling=SamplingSettings(temperature=0))
    return [event for event in generate(model, model.new_session(), request) if isinstance(event, Token)]


def logprobs(model: LoadedModel) -> list[float]:
    """Of every token of `TEXT` but the first, which nothing foretells."""
    tokens = score(model, model.tokenizer.encode(TEXT)).tokens
    return [token.logprob for token in tokens if token.logprob is not None]


@pytest.fixture(scope="module")
def without(root: Path) -> LoadedModel:
    """The bundled model on ONNX Runtime's kernels."""
    with pytest.MonkeyPatch.context() as switched:
        switched.setenv(SWITCH, OFF)
        return load(root)


def test_the_bundled_model_writes_without_own_kernels(without: LoadedModel) -> None:
    assert without.device.kernel_class == cpu_kernel_class()
    assert len(greedy(without)) == TOKENS


def test_both_kinds_of_kernels_find_a_text_equally_likely(
    root: Path, without: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    if own_kernels() is None:
        pytest.skip("own kernels are not compiled here, or not for this processor")
    own = load(root)
    assert own.device.kernel_class == own_kernel_class()
    expected, found = (logprobs(model) for model in (without, own))
    differences = [abs(one - other) for one, other in zip(found, expected, strict=True)]
    assert sum(differences) / len(differences) < MEAN_DIFFERENCE
    assert max(differences) < MOST_DIFFERENCE


def test_a_file_that_is_no_library_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    (tmp_path / f"_operators{library.EXTENSION_SUFFIXES[0]}").write_bytes(b"\x7fELF, cut off")
    assert library._found.__wrapped__() is None
