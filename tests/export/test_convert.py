"""Checkpoint to verified model folder, end to end, through the engine that users run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.contracts.errors import FileError, VerificationError
from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.manifest import MANIFEST_NAME
from engine.contracts.sampling_settings import SamplingSettings
from engine.folder import open_folder
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model
from export import certificate as certificates
from export.cli import main
from export.convert import convert
from tests.export.checkpoints import (
    byte_level_tokenizer,
    huggingface_model,
    nanogpt_checkpoint,
    own_checkpoint,
    save_huggingface,
)

PROMPT = (5, 80, 33, 120, 7, 200, 91)


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_huggingface(tmp_path_factory.mktemp("gpt2") / "checkpoint", huggingface_model())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_checkpoint(tmp_path_factory.mktemp("own") / "checkpoint")


def greedy(model: LoadedModel, count: int) -> list[int]:
    settings = SamplingSettings(temperature=0.0)
    request = GenerationRequest(
        "t", prompt_ids=PROMPT, max_tokens=count, sampling=settings, ignore_end_of_text=True, report_top=0
    )
    return [event.id for event in generate(model, model.new_session(), request) if isinstance(event, Token)]


def test_gpt2_in_float32_continues_like_transformers(gpt2: Path, tmp_path: Path) -> None:
    done = convert(gpt2, tmp_path / "模型 fp32", "fp32")
    theirs = huggingface_model()
    wanted = theirs.generate(torch.tensor([PROMPT]), max_new_tokens=40, do_sample=False, pad_token_id=0)
    model = load_model(done.folder)
    # transformers may choose ids beyond the tokenizer's, which the engine never writes.
    expected = wanted[0, len(PROMPT) :].tolist()
    found = greedy(model, 40)
    usable = next((i for i, token in enumerate(expected) if token >= model.tokenizer.vocabulary_size), 40)
    assert found[:usable] == expected[:usable]
    rows = np.concatenate([rows.copy() for rows in model.new_session().prefill_all(PROMPT)])
    with torch.inference_mode():
        logits = theirs(torch.tensor([PROMPT])).logits[0].numpy()
    np.testing.assert_allclose(rows, logits, atol=1e-4)
    assert done.certificate.greedy.first_difference is None
    assert {text.name for text in done.certificate.texts} == {"english", "chinese", "random ids", "long"}


@pytest.mark.parametrize("precision", ["int8", "int4", "fp16"])
@pytest.mark.parametrize("source", ["gpt2", "own"])
def test_every_precision_is_written_inside_its_thresholds(
    source: str, precision: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    done = convert(request.getfixturevalue(source), tmp_path / "model", precision)
    opened = open_folder(done.folder, check_hashes=True)
    assert done.certificate.problems() == []
    assert opened.manifest.certificate["perplexity_loss"] == done.certificate.perplexity_loss
    listed = {entry.name for entry in opened.manifest.files}
    found = {path.name for path in done.folder.iterdir()} - {MANIFEST_NAME}
    assert listed == found >= {"decoder.onnx", "certificate.json", "MODEL_CARD.md", "genai_config.json"}
    if precision in ("int8", "int4"):
        assert done.certificate.cached_versus_uncached == 0.0
        assert opened.manifest.cache.dtype == "int8"
    assert done.certificate.tokenizer_round_trip


def test_nanogpt_converts_with_a_given_tokenizer(tmp_path: Path) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt", bias=True)
    byte_level_tokenizer().save(str(tmp_path / "tokenizer.json"))
    done = convert(file, tmp_path / "model", "fp32", tokenizer=tmp_path / "tokenizer.json")
    assert done.manifest.family == "nanogpt"
    assert done.certificate.max_error < 1e-4


def test_a_conversion_outside_its_threshold_is_not_written(
    gpt2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = {name: certificates.Threshold(1e-12, -1.0, 0.0, greedy=False) for name in certificates.THRESHOLDS}
    monkeypatch.setattr("export.verify.THRESHOLDS", strict)
    for precision in ("fp32", "int4"):
        with pytest.raises(VerificationError, match="nothing was written"):
            convert(gpt2, tmp_path / "model", precision)
    assert list(tmp_path.iterdir()) == []


def test_what_had_to_be_more_precise_than_asked_is_said(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit between what 4 bits everywhere lose and what they lose with an 8-bit table."""
    everywhere = convert(own, tmp_path / "everywhere", "int4").certificate
    assert everywhere.rounding.raised == ()
    assert set(everywhere.rounding.groups) == {"embedding", "attention", "mlp", "head"}
    limit = certificates.Threshold(None, None, 0.9 * everywhere.kl_divergence, greedy=False)
    monkeypatch.setitem(certificates.THRESHOLDS, "int4", limit)
    folder = tmp_path / "raised"
    assert main(["export", str(own), str(folder), "--precision", "int4"]) == 0
    sentence = "Embedding and head have 8-bit blocks of 32, because with 4-bit blocks of 32 KL divergence is "
    assert sentence in capsys.readouterr().out
    manifest = open_folder(folder).manifest
    assert manifest.certificate["raised"][0].startswith(sentence)
    assert (manifest.precision["mlp"], manifest.precision["head"]) == ("int4", "int8")
    assert sentence in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert main(["verify", str(folder), "--source", str(own), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["certificate"]
    assert again == dict(manifest.certificate)


def test_an_existing_folder_is_replaced_only_by_force(own: Path, tmp_path: Path) -> None:
    target = tmp_path / "model"
    convert(own, target, "fp32")
    first = (target / MANIFEST_NAME).read_bytes()
    with pytest.raises(FileError, match="--force"):
        convert(own, target, "int8")
    assert (target / MANIFEST_NAME).read_bytes() == first
    assert main(["export", str(own), str(target)]) == 1
    (tmp_path / "a file").write_text("sand")
    assert main(["export", str(own), str(tmp_path / "a file")]) == 1
    (tmp_path / "a file").unlink()
    convert(own, target, "int8", force=True)
    assert open_folder(target).manifest.precision["mlp"] == "int8"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_model_card_says_what_was_measured(own: Path, tmp_path: Path) -> None:
    done = convert(own, tmp_path / "model", "int8")
    card = (done.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# Tiny, 中文")
    assert "1.250" in card
    assert "simple stories" in card
    assert done.certificate.words() in card


def test_force_never_replaces_what_is_no_model_folder(own: Path, tmp_path: Path) -> None:
    target = tmp_path / "holiday pictures"
    target.mkdir()
    (target / "beach.jpg").write_bytes(b"sand")
    with pytest.raises(FileError, match="no model folder"):
        convert(own, target, "fp32", force=True)
    assert (target / "beach.jpg").read_bytes() == b"sand"


def test_conversion_is_reproducible(own: Path, tmp_path: Path) -> None:
    first, second = convert(own, tmp_path / "a" / "model", "int4"), convert(own, tmp_path / "b" / "model", "int4")
    assert first.manifest.digest() == second.manifest.digest()


def test_verify_finds_the_source_and_refuses_another(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "model"
    convert(own, folder, "int8")
    assert main(["verify", str(folder), "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["hashes"] == "equal"
    assert main(["verify", str(folder), "--source", str(own), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)["certificate"]
    assert again == dict(open_folder(folder).manifest.certificate)
    other = shutil.copytree(own, tmp_path / "other")
    content = bytearray((other / "model.safetensors").read_bytes())
    content[-3] ^= 1
    (other / "model.safetensors").write_bytes(content)
    assert main(["verify", str(folder), "--source", str(other)]) == 1
    assert "another checkpoint" in capsys.readouterr().err


def test_verify_says_when_the_source_is_of_another_kind(
    own: Path, gpt2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for source, other in ((own, gpt2), (gpt2, own)):
        folder = convert(source, tmp_path / source.parent.name, "fp32").folder
        assert main(["verify", str(folder), "--source", str(other)]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"error: {folder} was not made from ")
        assert "--tokenizer" not in error
        assert error.endswith("name its source\n")


def test_verify_needs_no_word_on_the_end_of_text(tmp_path: Path) -> None:
    file = nanogpt_checkpoint(tmp_path / "ckpt.pt")
    tokenizer = byte_level_tokenizer()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    plain = (tmp_path / "tokenizer.json").read_text().replace("<|endoftext|>", "<|fin|>")
    (tmp_path / "tokenizer.json").write_text(plain)
    folder = tmp_path / "model"
    convert(file, folder, "fp32", tokenizer=tmp_path / "tokenizer.json", end_of_text="<|fin|>")
    assert main(["verify", str(folder), "--source", str(file)]) == 0


def test_verify_finds_a_flipped_bit(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "model"
    convert(own, folder, "int8")
    for name in ("decoder.onnx", "tokenizer.model", "certificate.json"):
        broken = tmp_path / "broken"
        shutil.copytree(folder, broken)
        content = bytearray((broken / name).read_bytes())
        content[len(content) // 2] ^= 4
        (broken / name).write_bytes(content)
        assert main(["verify", str(broken)]) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert name in error
        shutil.rmtree(broken)


def test_the_command_reports_progress_as_json_lines(own: Path, tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "export", "export", str(own), str(tmp_path / "model"), "--json"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    fractions = [line["progress"] for line in lines]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(line["doing"] for line in lines)
    assert json.loads(done.stdout)["certificate"]["precision"] == "int8"


def test_errors_of_the_command_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "absent"), str(tmp_path / "model")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: there is no checkpoint")
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
