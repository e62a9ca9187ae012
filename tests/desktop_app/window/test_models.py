"""Models in the window: dropped, added, refused, and an engine that stays away."""

import pytest

from desktop_app import dropped
from desktop_app.controls.model_control import NONE, OPEN, OPENING, STARTING
from tests.desktop_app.fake_bridge import MODELS, OPENED


def test_a_dropped_model_folder_is_added_listed_and_opened(kit, tmp_path):
    folder = tmp_path / "模型 一"
    folder.mkdir()
    (folder / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.window.take_paths([str(folder)])
    assert kit.bridge.calls[-1] == ("add", str(folder))
    kit.bridge.operation_progress.emit("adding", 5_000_000_000, 10_000_000_000)
    kit.bridge.model_added.emit("模型 一")
    assert kit.bridge.calls[-2:] == [("list",), ("open", "模型 一", "auto")]
    assert kit.settings.values.model == "模型 一"
    assert kit.window.models.state == OPENING


def test_a_model_folder_named_before_the_engine_runs_is_added_when_it_does(kit, tmp_path):
    (tmp_path / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.bridge.is_ready = False
    kit.window.take_paths([str(tmp_path)])
    assert ("add", str(tmp_path)) not in kit.bridge.calls
    assert "as soon as" in kit.message
    kit.bridge.come_up()
    assert kit.bridge.calls.count(("add", str(tmp_path))) == 1


def test_the_model_in_the_place_of_a_refused_one_is_named_beside_the_reason(kit):
    kit.bridge.come_up()
    kit.window.models.choose("gpt2-small")
    kit.bridge.model_refused.emit("the folder is damaged", "")
    kit.bridge.model_opened.emit(OPENED)
    assert "damaged" in kit.message
    assert "Nextstroke Tiny" in kit.message


def test_a_folder_that_cannot_be_added_is_explained(kit, tmp_path):
    (tmp_path / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.window.take_paths([str(tmp_path)])
    kit.bridge.operation_failed.emit("adding", "nextstroke.json is not JSON; export the model folder again", "")
    assert "Fetch or convert the model again" in kit.answers.told[0][1]
    assert kit.window.models.state == OPEN


def test_a_dropped_checkpoint_without_the_add_on_is_explained(kit, tmp_path):
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"x")
    kit.answers.answer = "cancel"
    kit.window.take_paths([str(path)])
    assert "nextstroke[export]" in kit.answers.asked[0].text


def test_cancelling_a_conversion_shows_at_once_and_late_progress_does_not_undo_it(kit):
    jobs, panel = kit.window.services.export_jobs, kit.window.model_panel
    jobs.started.emit("job", "gpt")
    panel.cancel_asked.emit()
    assert panel.progress_text == "Cancelling…"
    jobs.progress.emit("job", 500, "comparing")
    assert panel.progress_text == "Cancelling…"
    jobs.cancelled.emit("job")
    assert panel.progress_text == ""
    assert "nothing of it is left" in kit.message


def test_a_removed_model_is_not_opened_again(kit):
    bridge = kit.bridge
    bridge.model_removed.emit("gpt2-small")
    assert "gpt2-small" in kit.message
    bridge.model_refused.emit("no model is bundled", "")
    bridge.model_refused.emit("damaged too", "")
    assert ("open", "gpt2-small", "auto") not in bridge.calls


@pytest.mark.parametrize("names", [("checkpoint.json", "model.safetensors"), ("config.json", "pytorch_model.bin")])
def test_checkpoint_folders_are_known_by_their_files(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert dropped.kind_of(tmp_path) == dropped.CHECKPOINT


@pytest.mark.parametrize("name", ["genai_config.json", "onnx/model_q4.onnx", "model.onnx", "decoder_model_merged.onnx"])
def test_folders_of_other_programs_are_known_by_their_files(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    for file in ("config.json", "tokenizer.json", name):
        (tmp_path / file).write_text("{}", encoding="utf-8")
    assert dropped.kind_of(tmp_path) == dropped.MODEL_FOLDER
    if name.endswith(".onnx"):
        assert dropped.kind_of(tmp_path / name) == dropped.MODEL_FOLDER, "one variant of it"


def test_a_refused_model_falls_back_to_the_bundled_one_once(kit):
    kit.window.models.choose("gpt2-small")
    kit.bridge.model_refused.emit("the folder is damaged", "")
    assert kit.bridge.calls[-1] == ("open", None, "auto")
    assert kit.settings.values.model == ""
    kit.bridge.model_refused.emit("no model is bundled", "")
    assert kit.bridge.calls[-1] == ("open", "tiny-zh-en", "auto"), "then any of the library"
    kit.bridge.model_refused.emit("damaged too", "")
    assert kit.bridge.calls[-1] == ("open", "gpt2-small", "auto")
    kit.bridge.model_refused.emit("damaged as well", "")
    assert kit.window.models.state == NONE
    assert kit.window.models.name == "no model"


def test_an_engine_that_stays_away_can_be_started_again(kit):
    kit.bridge.be_lost(restarting=False)
    assert kit.window.models.state == NONE
    assert kit.window.actions_by_name["start_engine"].isEnabled()
    kit.trigger("start_engine")
    assert ("start",) in kit.bridge.calls
    assert kit.window.models.state == STARTING


def test_an_engine_started_again_by_hand_opens_the_librarys_model_again(kit):
    bridge = kit.bridge
    bridge.is_ready = True
    bridge.models_listed.emit(MODELS)
    bridge.model_refused.emit("error: no model comes with this program", "")
    assert bridge.calls[-1] == ("open", "tiny-zh-en", "auto")
    bridge.model_opened.emit(OPENED)
    bridge.be_lost(restarting=False)
    kit.write("text")
    kit.trigger("continue")
    assert "Start the Engine Again" in kit.message
    kit.trigger("start_engine")
    bridge.is_ready = True
    bridge.engine_ready.emit({})
    bridge.model_refused.emit("error: no model comes with this program", "")
    assert bridge.calls[-1] == ("open", "tiny-zh-en", "auto")
