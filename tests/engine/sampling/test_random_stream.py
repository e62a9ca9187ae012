"""The random stream gives Philox's published numbers, everywhere and independent of order."""

import pytest

from engine.sampling.random_stream import RandomStream, philox


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known answers published with Random123
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_known_answers(counter, key, expected) -> None:
    assert philox(counter, key) == expected


def test_numbers_are_uniform_and_differ_by_seed_candidate_and_index() -> None:
    streams = [RandomStream(seed, candidate) for seed in (0, 1, 2**63) for candidate in (0, 1)]
    numbers = [stream.uniform(index) for stream in streams for index in range(500)]
    assert len(set(numbers)) == len(numbers)
    assert all(0 <= number < 1 for number in numbers)
    tenths = [sum(int(number * 10) == tenth for number in numbers) for tenth in range(10)]
    expected = len(numbers) / 10
    assert sum((count - expected) ** 2 / expected for count in tenths) < 27.9  # chi-square, 9 degrees, p = 0.001


def test_a_number_does_not_depend_on_those_drawn_before() -> None:
    forwards = [RandomStream(7, 3).uniform(index) for index in range(10)]
    backwards = [RandomStream(7, 3).uniform(index) for index in reversed(range(10))]
    assert forwards == backwards[::-1]


def test_large_indices_and_seeds_count() -> None:
    assert RandomStream(5).uniform(0) != RandomStream(5).uniform(2**32)
    assert RandomStream(5).uniform(0) != RandomStream(5 + 2**32).uniform(0)
