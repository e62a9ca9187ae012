"""ModelConfig: JSON round trip, canonical names, refusals in one clear line."""

import dataclasses
import json
import math
import subprocess
import sys

import pytest

from engine.contracts.errors import CheckpointError
from export.model.config import ModelConfig, gpt2_config
from export.model.recurrent_config import RecurrentConfig

TINY = gpt2_config(vocabulary_size=50, context_length=16, layers=2, width=12, heads=3)


def test_json_round_trip_gives_the_same_configuration() -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(TINY.to_dict()))) == TINY


def test_whole_numbers_from_json_are_accepted_where_a_real_number_is_meant() -> None:
    assert ModelConfig.from_dict({**TINY.to_dict(), "rotary_base": 500000}).rotary_base == 500000.0


def test_gpt2_small_has_its_published_number_of_parameters() -> None:
    assert gpt2_config().parameters == 124_439_808


def test_scale_is_one_over_root_of_head_size_unless_given() -> None:
    assert TINY.scale == 1 / math.sqrt(4)
    assert ModelConfig.from_dict({**TINY.to_dict(), "attention_scale": 0.25}).scale == 0.25


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layers": 0}, "layers is 0"),
        ({"layers": 10**9}, "layers is 1000000000, but no model here has more than 10000"),
        ({"layers": 2.0}, "layers is 2.0"),
        ({"width": True}, "width is True"),
        ({"heads": 3, "kv_heads": 2}, "3 heads cannot share 2"),
        ({"positions": "rotary", "head_size": 5}, "must be even"),
        ({"norm": "batch"}, "one of layer, rms"),
        ({"mlp": "relu"}, "one of gelu"),
        ({"positions": "alibi"}, "one of learned, rotary"),
        ({"norm_epsilon": 0.0}, "norm_epsilon is 0.0"),
        ({"norm_epsilon": float("nan")}, "norm_epsilon is nan"),
        ({"attention_scale": -1.0}, "attention_scale is -1.0"),
        ({"tied_head": 1}, "tied_head is 1"),
        ({"value_embedding_every": -1}, "value_embedding_every is -1"),
        ({"dropout": 0.1}, "unknown key dropout"),
    ],
)
def test_impossible_configurations_are_refused_in_one_line(change: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words) as caught:
        ModelConfig.from_dict({**TINY.to_dict(), **change})
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named() -> None:
    values = TINY.to_dict()
    del values["mlp"]
    with pytest.raises(CheckpointError, match="mlp is missing"):
        ModelConfig.from_dict(values)


def test_the_module_loads_without_numeric_libraries() -> None:
    code = "import sys, export.model.config; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_each_kind_tells_its_parts_in_words() -> None:
    gpt, recurrent = dict(TINY.parts()), dict(RecurrentConfig(40, 24, 12, 16).parts())
    assert (TINY.kind, RecurrentConfig.kind) == ("GPT", "recurrent network")
    assert gpt["layers × width"] == f"{TINY.layers} × {TINY.width}"
    assert "values" not in gpt
    assert dict(dataclasses.replace(TINY, value_embedding_every=1).parts())["values"].startswith("every 1 layers")
    assert (recurrent["embedding"], recurrent["LSTM"]) == ("12", "one layer, 16 units")
