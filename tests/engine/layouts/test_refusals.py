"""Foreign folders that cannot be run, or must not be trusted: one line says what was found and what to do."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from engine.contracts.errors import ModelFolderError
from engine.folder import open_folder
from engine.loaded_model import load_model

MADE = Path(__file__).parent / "made"


@pytest.fixture
def genai(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MADE / "genai-int4", tmp_path / "模型 genai"))


@pytest.fixture
def js(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MADE / "transformers-js-llama", tmp_path / "js"))


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads(file.read_text(encoding="utf-8"))
    change(plain)
    file.write_text(json.dumps(plain), encoding="utf-8")


def edit_graph(file: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(file, load_external_data=False)
    change(model)
    file.write_bytes(model.SerializeToString())


def decoder(plain: dict[str, Any]) -> dict[str, Any]:
    return dict.__getitem__(plain["model"], "decoder")


GENAI_EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "vision": (lambda plain: plain["model"].update(vision={"filename": "v.onnx"}), "a part for vision; this program"),
    "pipeline": (lambda plain: decoder(plain).update(pipeline=[{}]), "several graphs; export it as one graph"),
    "window": (lambda plain: decoder(plain).update(sliding_window={"window_size": 64}), "a sliding window"),
    "names": (lambda plain: decoder(plain)["inputs"].update(past_key_names="k_%d"), "names past_key_names 'k_%d'"),
    "no decoder": (lambda plain: plain["model"].pop("decoder"), "has no part decoder; fetch"),
    "no graph": (lambda plain: decoder(plain).pop("filename"), "names no graph; fetch"),
    "outside": (lambda plain: decoder(plain).update(filename="../model.onnx"), "outside the folder; do not use"),
    "absolute": (lambda plain: decoder(plain).update(filename="/etc/passwd"), "outside the folder; do not use"),
    "drive": (lambda plain: decoder(plain).update(filename="C:\\x.onnx"), "outside the folder; do not use"),
    "missing": (lambda plain: decoder(plain).update(filename="other.onnx"), "other.onnx is missing"),
    "no length": (lambda plain: plain["model"].update(context_length="long"), "how many tokens its model sees; add"),
    "no end": (lambda plain: plain["model"].update(eos_token_id=10**6), "which token ends a text; add eos_token_id"),
    "no size": (lambda plain: decoder(plain).update(head_size=-4), "cannot be true .*impossible size"),
}


@pytest.mark.parametrize("name", GENAI_EDITS)
def test_a_configuration_that_cannot_be_run(name: str, genai: Path) -> None:
    change, words = GENAI_EDITS[name]
    (genai / "tokenizer_config.json").unlink()
    edit(genai / "genai_config.json", change)
    with pytest.raises(ModelFolderError, match=words):
        open_folder(genai)


def test_the_end_of_text_is_found_in_the_tokenizer_too(genai: Path) -> None:
    edit(genai / "genai_config.json", lambda plain: plain["model"].pop("eos_token_id"))
    assert open_folder(genai).manifest.end_of_text == 0


def test_several_ends_all_end_a_text(genai: Path) -> None:
    edit(genai / "genai_config.json", lambda plain: plain["model"].update(eos_token_id=[0, 40, 41]))
    model = load_model(genai, "cpu", 2)
    assert model.tokenizer.ends_of_text == {0, 40, 41}
    assert model.manifest.end_of_text == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"model": 3}'])
def test_a_damaged_configuration(content: bytes, genai: Path) -> None:
    (genai / "genai_config.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"genai_config\.json.*(cannot be understood|has no part model)"):
        open_folder(genai)


def add_input(name: str) -> Callable[[onnx.ModelProto], object]:
    return lambda model: model.graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]))


def drop_pasts(model: onnx.ModelProto) -> None:
    kept = [entry for entry in model.graph.input if not entry.name.startswith("past")]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def other_past_type(model: onnx.ModelProto) -> None:
    for entry in model.graph.input:
        if entry.name.startswith("past"):
            entry.type.tensor_type.elem_type = TensorProto.BFLOAT16


def one_token_only(model: onnx.ModelProto) -> None:
    tokens = next(entry for entry in model.graph.input if entry.name == "input_ids")
    tokens.type.tensor_type.shape.dim[1].dim_value = 1


def small_mask(model: onnx.ModelProto) -> None:
    next(e for e in model.graph.input if e.name == "attention_mask").type.tensor_type.elem_type = TensorProto.INT32


def weights_elsewhere(name: str) -> Callable[[onnx.ModelProto], object]:
    def change(model: onnx.ModelProto) -> None:
        weight = model.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=name)

    return change


GRAPH_EDITS: dict[str, tuple[Callable[[onnx.ModelProto], object], str]] = {
    "pictures": (add_input("pixel_values"), "asks for the input 'pixel_values'.*take a model"),
    "encoder": (add_input("encoder_hidden_states"), "asks for the input 'encoder_hidden_states'"),
    "a hole": (add_input("past_key_values.7.key"), "in a form that this program does not know"),
    "no cache": (drop_pasts, "has no cache .*export the model again for text generation with past"),
    "bfloat16": (other_past_type, "as bfloat16, which this program does not know; export"),
    "fixed": (one_token_only, "takes a fixed number of tokens.*free sequence length"),
    "int32": (small_mask, "wants attention_mask as int32 instead of int64"),
    "above": (weights_elsewhere("../../secret.bin"), r"outside the folder; do not use"),
    "absolute": (weights_elsewhere("/etc/passwd"), r"names the file .*passwd.* outside the folder"),
    "no file": (weights_elsewhere("model.onnx_data"), "model.onnx_data is missing from"),
}


@pytest.mark.parametrize("name", GRAPH_EDITS)
def test_a_graph_that_cannot_be_run(name: str, js: Path) -> None:
    change, words = GRAPH_EDITS[name]
    edit_graph(js / "onnx" / "model.onnx", change)
    with pytest.raises(ModelFolderError, match=words):
        open_folder(js)


def test_a_link_out_of_the_folder_is_refused(js: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (js / "onnx" / "model.onnx").rename(outside)
    try:
        (js / "onnx" / "model.onnx").symlink_to(outside)
    except OSError:
        pytest.skip("this system lets nobody make links")
    with pytest.raises(ModelFolderError, match="is a link out of the folder; do not use"):
        open_folder(js)


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX'")
def test_a_pipe_in_place_of_a_file_is_refused(js: Path) -> None:
    (js / "onnx" / "model_q4.onnx").unlink(missing_ok=True)
    os.mkfifo(js / "merges.txt")
    assert open_folder(js).manifest  # not an ordinary file: not taken for one of the folder's
    (js / "tokenizer.json").unlink()
    os.mkfifo(js / "tokenizer.json")
    with pytest.raises(ModelFolderError, match=r"has no tokenizer\.json and no tokenizer\.model"):
        open_folder(js)


def test_a_graph_cut_off_anywhere_is_named(js: Path) -> None:
    graph = js / "onnx" / "model.onnx"
    whole = graph.read_bytes()
    for share in (0, 1, 10, len(whole) // 3, len(whole) - 1):
        graph.write_bytes(whole[:share])
        with pytest.raises(ModelFolderError, match="is no ONNX model, or it is damaged"):
            open_folder(js)


def test_an_encoder_with_a_decoder_is_named(js: Path) -> None:
    edit(js / "config.json", lambda plain: plain.update(is_encoder_decoder=True))
    with pytest.raises(ModelFolderError, match="an encoder with a decoder; this program runs decoders alone"):
        open_folder(js)


def test_a_folder_of_nobody_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelFolderError, match=r"has no nextstroke\.json"):
        open_folder(tmp_path)


def test_a_graph_that_does_not_go_on_with_its_cache_is_refused(js: Path) -> None:
    """The second layer's keys stand in for the first's: everything fits, and the answers are wrong."""

    def change(model: onnx.ModelProto) -> None:
        names = {"past_key_values.0.key": "past_key_values.1.value", "past_key_values.0.value": "past_key_values.1.key"}
        for node in model.graph.node:
            node.input[:] = [names.get(name, name) for name in node.input]

    edit_graph(js / "onnx" / "model.onnx", change)
    with pytest.raises(ModelFolderError, match="gives other answers with its cache than without"):
        load_model(js, "cpu", 1)
