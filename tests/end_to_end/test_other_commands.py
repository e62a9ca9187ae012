"""`score`, `models`, `verify`, `bench`, `selftest`, `--version`: JSON keys, figures and exit statuses."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.manifest import MANIFEST_NAME, read_manifest
from engine.kernels.library import OFF, SWITCH, VERSION, own_kernels
from tests.end_to_end.conftest import Run
from tests.support.tiny_ngrams import add_ngrams, tiny_ngrams

BENCH_KEYS = {
    "prefill_tokens_per_second",
    "decode_tokens_per_second",
    "time_to_first_token_ms",
    "time_to_first_token_after_edit_ms",
    "candidates_4_tokens_per_second",
    "peak_memory_bytes",
    "bytes_read_per_token",
    "device",
    "threads",
    "versions",
}


def plain(output: bytes) -> Any:
    return json.loads(output.decode("utf-8"))


def test_score_as_json(nextstroke: Run, tiny: Path) -> None:
    answer = nextstroke("score", "the cat sat 从前", "--model", str(tiny), "--top", "3", "--json")
    found = plain(answer.stdout)
    first, *others = found["tokens"]
    assert set(first) == {"id", "text", "logprob", "top"}
    assert first["logprob"] is None
    assert first["top"] == []
    assert all(len(token["top"]) == 3 and token["logprob"] < 0 for token in others)
    assert len(found["tokens"][-1]["next_top"]) == 3
    nats = -sum(token["logprob"] for token in others)
    size = sum(len(token["text"].encode()) for token in others)
    assert found["perplexity"] == pytest.approx(math.exp(nats / len(others)))
    assert found["bits_per_byte"] == pytest.approx(nats / math.log(2) / size)


def test_score_agrees_with_what_generate_reports(nextstroke: Run, tiny: Path) -> None:
    arguments = ("--ids", "20 30 40", "--model", str(tiny))
    made = nextstroke("generate", *arguments, "--temperature", "0", "--max-tokens", "5", "--json").stdout.decode()
    tokens = [event for event in map(json.loads, made.splitlines()) if event["event"] == "token"]
    ids = " ".join(str(token["id"]) for token in tokens)
    scored = plain(nextstroke("score", "--ids", f"20 30 40 {ids}", "--model", str(tiny), "--json").stdout)["tokens"]
    for token, judged in zip(tokens, scored[3:], strict=True):
        assert judged["logprob"] == pytest.approx(token["logprob"], abs=1e-5)


def test_score_reads_files_and_standard_input(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("the cat")
    by_file = nextstroke("score", "--file", str(tmp_path / "text"), "--model", str(tiny))
    by_input = nextstroke("score", "-", "--model", str(tiny), stdin=b"the cat")
    assert by_file.stdout == by_input.stdout
    assert by_file.stdout.decode().splitlines()[-1].startswith("bits per byte ")


def test_network_alone_leaves_the_ngrams_out(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(tiny, both)
    add_ngrams(both, tiny_ngrams(read_manifest((both / MANIFEST_NAME).read_text()).vocabulary_size))
    text = ("--ids", "3 4 5 6 7 8")

    def bits(folder: Path, *flags: str) -> float:
        return plain(nextstroke("score", *text, "--model", str(folder), "--json", *flags).stdout)["bits_per_byte"]

    assert bits(both, "--network-alone") == bits(tiny) == bits(tiny, "--network-alone") != bits(both)
    assert plain(nextstroke("models", "show", str(both), "--json").stdout)["ngrams"] == "ngrams.npz"
    made = [
        nextstroke("generate", *text, "--model", str(folder), "--seed", "1", "--max-tokens", "9", *flags).stdout
        for folder, flags in ((tiny, ()), (both, ("--network-alone",)), (both, ()))
    ]
    assert made[0] == made[1] != made[2]
    refused = nextstroke("generate", *text, "--model", str(both), "--network-alone", "--record", str(tmp_path / "r"))
    assert refused.returncode == 2
    assert "--network-alone leaves none" in refused.stderr.decode()


def test_models_are_added_listed_shown_used_and_removed(nextstroke: Run, tiny: Path) -> None:
    assert plain(nextstroke("models", "add", str(tiny), "--json").stdout)["name"] == "小 模型"
    listed = plain(nextstroke("models", "--json").stdout)["models"]
    (row,) = [model for model in listed if model["name"] == "小 模型"]
    assert row["usable"]
    assert not row["bundled"]
    assert plain(nextstroke("models", "show", "小 模型", "--json").stdout)["context_length"] == 256
    assert nextstroke("generate", "the", "--model", "小 模型", "--max-tokens", "3").returncode == 0
    assert nextstroke("models", "remove", "小 模型").stdout.decode() == "removed 小 模型\n"
    assert "小 模型" not in nextstroke("models", "list").stdout.decode()


def test_verify(nextstroke: Run, tiny: Path) -> None:
    answer = plain(nextstroke("verify", str(tiny), "--json").stdout)
    assert answer["ok"]
    assert [check["name"] for check in answer["checks"]] == ["manifest and files", "certificate", "tokenizer", "graph"]


def test_bench_keys_and_sense(nextstroke: Run, tiny: Path) -> None:
    arguments = ("bench", str(tiny), "--prompt-tokens", "100", "--new-tokens", "20", "--rounds", "2", "--json")
    answer = nextstroke(*arguments, "--threads", "1")
    found = plain(answer.stdout)
    assert set(found) >= BENCH_KEYS
    assert found["threads"] == 1
    assert len(found["rounds"]) == 2
    assert all(found[key] > 0 for key in BENCH_KEYS - {"device", "versions"})
    weights = (tiny / "decoder.onnx").stat().st_size
    assert found["bytes_read_per_token"] == weights + 2 * 2 * 2 * 16 * 4 * 110  # layers, k+v, heads, size, bytes
    assert answer.stderr.decode().count("round ") == 2


def test_version(nextstroke: Run) -> None:
    found = plain(nextstroke("--version", "--json").stdout)
    assert {"nextstroke", "onnxruntime", "devices"} <= set(found)
    assert found["devices"][0]["name"] == "cpu"
    lines = nextstroke("--version").stdout.decode().splitlines()
    assert lines[0] == f"nextstroke {found['nextstroke']}"
    assert f"device cpu: {found['devices'][0]['description']}" in lines


def test_version_says_whose_kernels_run(nextstroke: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    words = "no own kernels" if own_kernels() is None else f"own kernels {VERSION}"
    assert plain(nextstroke("--version", "--json").stdout)["devices"][0]["description"].endswith(f", {words}")
    assert plain(nextstroke("--version", "--json", **{SWITCH: OFF}).stdout)["devices"][0]["description"].endswith(
        ", no own kernels"
    )


def test_help_and_flags_before_the_command(nextstroke: Run, tiny: Path, tmp_path: Path) -> None:
    assert b"usage: nextstroke [FILE" in nextstroke("--help").stdout
    assert b"usage: nextstroke generate" in nextstroke("generate", "--help").stdout
    answer = nextstroke("--profile", str(tmp_path / "elsewhere"), "models", "add", str(tiny))
    assert answer.returncode == 0
    assert (tmp_path / "elsewhere" / "data" / "models" / "小 模型" / "nextstroke.json").is_file()
