"""What `bench` counts and asks for; its figures are a program's, never a test's."""

import pytest

from engine.bench import bytes_read_per_token, measure, peak_memory_bytes, random_ids
from engine.contracts.errors import UsageError
from engine.loaded_model import LoadedModel


def test_every_round_is_told_and_the_median_lies_among_them(rotary: LoadedModel) -> None:
    told = []
    median = measure(rotary, 50, 10, 3, lambda number, found: told.append((number, found)))
    assert [number for number, _ in told] == [1, 2, 3]
    decode = sorted(found.decode_tokens_per_second for _, found in told)
    assert median.decode_tokens_per_second == decode[1]


def test_impossible_numbers_are_refused(rotary: LoadedModel) -> None:
    for prompt, new in ((rotary.context_length, 1), (1, 10), (10, 1), (rotary.context_length, 10)):
        with pytest.raises(UsageError, match="must fit the context"):
            measure(rotary, prompt, new, 1, lambda number, found: None)


def test_bytes_read_grow_with_the_context_by_the_cache_alone(tiny_models: dict[str, LoadedModel]) -> None:
    for name, width in (("rotary", 4), ("int8-cache", 1)):
        manifest = tiny_models[name].manifest
        cache = manifest.cache
        a_position = 2 * cache.layers * cache.kv_heads * cache.head_size * width
        assert bytes_read_per_token(manifest, 100) - bytes_read_per_token(manifest, 0) == 100 * a_position
        graph = next(entry for entry in manifest.files if entry.name == "decoder.onnx")
        assert bytes_read_per_token(manifest, 0) == graph.bytes


def test_random_prompts_hold_no_control_token_and_are_the_same_again(rotary: LoadedModel) -> None:
    ids = random_ids(rotary, 5000, seed=1)
    assert ids == random_ids(rotary, 5000, seed=1)
    assert not set(ids) & set(rotary.manifest.special_tokens.values())
    assert max(ids) < rotary.tokenizer.vocabulary_size


def test_peak_memory_is_of_this_process() -> None:
    peak = peak_memory_bytes()
    assert peak is None or peak > 20_000_000
