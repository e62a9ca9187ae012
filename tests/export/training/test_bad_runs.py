"""Whatever is wrong with a recipe, its text, its folder or its checkpoints ends the command with one line."""

import json
import lzma
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file

from engine.contracts.errors import CorpusError
from export.cli import main
from export.training import checkpoint
from export.training.checkpoint import list_checkpoints, load_checkpoint
from export.training.recipe import load_recipe
from export.training.run_log import read_log
from export.training.train_command import find_recipe
from export.training.trainer import Trainer

QUIET = ("training.evaluate_every_tokens=1000000000", "training.samples_every_tokens=1000000000", "training.threads=1")
SHORT = ("training.tokens=1024", "stage=[{length=32}]", "training.prompts=[]", "training.warmup_tokens=0")
ONE_LINE = b'{"text": "The cat sees the sun. The dog likes the river."}\n'


def command(corpus: Path, run: Path, *settings: str) -> list[str]:
    made = ["train", str(find_recipe("toy")), "--output", str(run)]
    for setting in (f"corpus.folder={corpus}", *QUIET, *SHORT, *settings):
        made += ["--set", setting]
    return made


def the_line(given: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """Run it; the one line that says why it failed."""
    assert main(given) == 1
    told = capfd.readouterr().err
    assert "Traceback" not in told
    [line] = [line for line in told.splitlines() if line.startswith("error: ")]
    assert told.splitlines()[-1] == line, "nothing comes after it"
    return line


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.speed=3", "unknown key speed"),
        ("modell.layers=3", "unknown key modell"),
        ("training.tokens=lots", "tokens = 'lots' has the wrong type"),
        ("training.compile=1", "compile = 1 has the wrong type"),
        ("training.autocast=half", "autocast is 'half', but must be auto, float32 or bfloat16"),
        ("training.optimizer=sgd", "optimizer is 'sgd'"),
        ("training.device=warp", "device 'warp' cannot be used here"),
        ("training.tokens=0", "tokens must be at least 1, not 0"),
        ("training.batch_tokens=500", "must be a multiple"),
        ("model.heads=3", "cannot share"),
        ("model.width=100000000", "do not fit this computer's memory"),
        ("tokenizer.vocabulary=10", "could not train 10 pieces"),
        ("tokenizer.file=/nowhere.model", "/nowhere.model"),
        ("training.adam_rate=1e30", "training diverged; lower the rates, and go on from the newest checkpoint"),
    ],
)
def test_a_wrong_recipe(
    tmp_path: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str], setting: str, words: str
) -> None:
    assert words in the_line(command(toy_corpus, tmp_path / "run", setting), capfd)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.jsonl", None, "cannot read training text"),
        ("cut.jsonl.xz", lzma.compress(500 * ONE_LINE)[:-8], "is damaged"),
        ("odd.jsonl", ONE_LINE + b"The dog\n", "line 2: not a JSON record"),
        ("numbers.jsonl", ONE_LINE + b'{"text": 5}\n', "line 2: not a JSON record"),
        ("empty.jsonl", b"", "has no"),
        ("blank.txt", b"\n\n", "has no"),
        ("short.jsonl", ONE_LINE, "fewer than one window"),
        ("bytes.txt", b"\xff\xfe\xfd", "is damaged"),
        ("chinese.txt", "小猫喜欢红球。".encode("gb18030"), "not written in UTF-8"),
        ("half.jsonl", ONE_LINE + b'{"text": "\\ud800"}\n', "line 2: half of a surrogate pair"),
        ("deep.jsonl", ONE_LINE + 100_000 * b"[" + b"\n", "line 2: not a JSON record"),
        ("blank.jsonl", ONE_LINE + b"\n", "line 2: not a JSON record"),
        ("story.docx", b"PK", "is neither .jsonl.xz, .jsonl nor .txt"),
    ],
)
def test_wrong_text(
    tmp_path: Path,
    toy_corpus: Path,
    capfd: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    words: str,
) -> None:
    folder = tmp_path / "corpus"
    shutil.copytree(toy_corpus, folder)
    if content is not None:
        (folder / name).write_bytes(content)
    group = f'{{name="stories", files=["stories.txt"]}}, {{name="other", files=["{name}"]}}'
    line = the_line(command(folder, tmp_path / "run", f"corpus.group=[{group}]"), capfd)
    assert words in line
    assert name in line or "group other" in line, "it says which"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, toy_corpus: Path) -> Path:
    run = tmp_path_factory.mktemp("finished") / "run"
    assert main(command(toy_corpus, run)) == 0
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def newest(run: Path) -> Path:
    return list_checkpoints(run)[-1]


def described(path: Path, **changes: dict[str, object]) -> None:
    """checkpoint.json with other values in its tables; an empty one stays empty."""
    file = path / "checkpoint.json"
    meta = json.loads(file.read_text(encoding="utf-8"))
    meta.update({name: {**meta[name], **values} if values else {} for name, values in changes.items()})
    file.write_text(json.dumps(meta), encoding="utf-8")


def retyped(file: Path, kind: torch.dtype) -> None:
    save_file({name: tensor.to(kind) for name, tensor in load_file(file).items()}, file)


def without_numbers(file: Path) -> None:
    save_file({name: torch.full_like(tensor, float("nan")) for name, tensor in load_file(file).items()}, file)


def test_a_run_is_not_overwritten(run: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "already holds a run; add --resume" in the_line(command(toy_corpus, run), capfd)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("model.layers=1", "another model"),
        ("model.width=48", "another model"),
        ("training.seed=8", "comes from a run with training.seed = 7, the recipe says 8"),
        ("name=other", "comes from a run with name = 'toy', the recipe says 'other'"),
        ("training.optimizer=adamw", "training.optimizer = 'muon'"),
        ("tokenizer.vocabulary=300", "the tokenizer has 384 pieces, the model 300; set tokenizer.vocabulary=384"),
    ],
)
def test_a_checkpoint_of_another_run(
    run: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str], setting: str, words: str
) -> None:
    assert words in the_line([*command(toy_corpus, run, "training.tokens=2048", setting), "--resume"], capfd)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: (path / "model.safetensors").write_bytes(b"12"), "cut off or damaged"),
        (lambda path: (path / "optimizer.safetensors").unlink(), "optimizer state"),
        (lambda path: (path / "checkpoint.json").write_text('{"format": "nextst'), "cut off or not JSON"),
        (lambda path: (path / "checkpoint.json").unlink(), "does not exist"),
        (lambda path: (path / "tokenizer.model").write_bytes(b""), "tokenizer"),
        (
            lambda path: (path.parent / "tokenizer.model").write_bytes(b"?"),
            "tokenizer.model: not a SentencePiece model",
        ),
        (lambda path: described(path, random_states={}), "holds no random state"),
        (lambda path: described(path, random_states={"torch": "00"}), "holds no random state"),
        (lambda path: described(path, recipe={"training": 5}), "is incomplete (training is 5)"),
        (
            lambda path: described(path, recipe={"start": {"far": 1}}),
            "tells of a start that this program does not know",
        ),
        (lambda path: described(path, progress={"stage": 4}), "stands in stage 5 of its run, the recipe has 1"),
        (lambda path: described(path, progress={"tokens": "many"}), "is incomplete (tokens is 'many')"),
        (lambda path: described(path, progress={"position": -7}), "is incomplete (position is -7)"),
        (lambda path: retyped(path / "model.safetensors", torch.int32), "holds int32 numbers, not float32"),
        (lambda path: without_numbers(path / "optimizer.safetensors"), "holds numbers that are not finite"),
    ],
)
def test_a_damaged_checkpoint(
    run: Path,
    toy_corpus: Path,
    capfd: pytest.CaptureFixture[str],
    damage: Callable[[Path], object],
    words: str,
) -> None:
    damage(newest(run))
    assert words in the_line([*command(toy_corpus, run, "training.tokens=2048"), "--resume"], capfd)


def test_a_run_that_has_its_tokens_says_so_and_is_left_as_it_is(
    run: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert main([*command(toy_corpus, run), "--resume"]) == 0
    assert "this run is finished: it has its 1,024 tokens; raise training.tokens" in capfd.readouterr().err
    assert main([*command(toy_corpus, run, "training.tokens=512"), "--resume"]) == 0
    after = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path]} <= {run / "tokenizer.model"}
    capfd.readouterr()
    assert main([*command(toy_corpus, run, "training.tokens=2048"), "--resume"]) == 0
    assert "changed since then: training.tokens 1024 -> 2048" in capfd.readouterr().err
    assert load_checkpoint(run / "final").progress.tokens == 2048


def test_a_run_that_was_stopped_in_its_last_reports_makes_them(run: Path, toy_corpus: Path) -> None:
    log = run / "log.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    log.write_text("".join(line for line in lines if '"end"' not in line), encoding="utf-8")
    shutil.rmtree(run / "final")
    assert main([*command(toy_corpus, run), "--resume"]) == 0
    assert load_checkpoint(run / "final").progress.tokens == 1024
    assert read_log(log)[-1]["event"] == "end"


def test_a_disk_that_fills_up_while_saving(
    run: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    longer = [*command(toy_corpus, run, "training.tokens=2048"), "--resume"]
    before = newest(run)
    monkeypatch.setattr(checkpoint, "save_file", full)
    assert "the disk is full; free some space" in the_line(longer, capfd)
    monkeypatch.undo()
    assert newest(run) == before
    assert main(longer) == 0, "with space again it goes on"


@pytest.mark.parametrize("inside", ["", "run"])
def test_a_file_in_the_place_of_a_folder(
    tmp_path: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str], inside: str
) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    words = f"{file / inside}: {file} is a file, not a folder; name another place"
    assert f"cannot make the run's folder {words}" in the_line(command(toy_corpus, file / inside), capfd)
    cached = [*command(toy_corpus, tmp_path / "run"), "--cache", str(file / inside)]
    assert f"cannot make the folder for packed text {words}" in the_line(cached, capfd)


@pytest.mark.parametrize("left", [0, 1001, 1000])
def test_packed_text_that_was_cut_off(
    run: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str], left: int
) -> None:
    """To nothing, in the middle of a token, in the middle of a document."""
    [packed] = (run / "packed").iterdir()
    os.truncate(packed, left)
    longer = [*command(toy_corpus, run, "training.tokens=2048"), "--resume"]
    line = the_line(longer, capfd)
    assert line == f"error: packed text {packed} is damaged; remove the file, and it is made again"
    packed.unlink()
    assert main(longer) == 0


def test_a_log_with_foreign_lines_is_gone_on_with(run: Path, toy_corpus: Path) -> None:
    log = run / "log.jsonl"
    whole = [line for line in read_log(log) if line["event"] != "end"]
    log.write_bytes(b"5\n[]\nnull\n{}\n\xff\xfe\n" + log.read_bytes())
    assert main([*command(toy_corpus, run, "training.tokens=2048"), "--resume"]) == 0
    assert [line for line in read_log(log) if line["event"] != "end"][: len(whole)] == whole


def test_held_out_text_is_read_to_its_end_before_the_run(
    tmp_path: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Though evaluations on the way take its beginning only: damage must not be found after days."""
    given = command(toy_corpus, tmp_path / "run", "training.evaluation_bytes=100")
    assert main(given) == 0
    shutil.copytree(toy_corpus, tmp_path / "corpus")
    with (tmp_path / "corpus" / "held.jsonl").open("wb") as file:
        file.write(300 * ONE_LINE + b"The dog\n")
    files = 'corpus.group=[{name="stories", files=["stories.txt"], heldout=["held.jsonl"]}]'
    again = command(
        tmp_path / "corpus", tmp_path / "run", "training.evaluation_bytes=100", files, "training.tokens=2048"
    )
    assert "line 301: not a JSON record" in the_line([*again, "--resume"], capfd)
    assert load_checkpoint(newest(tmp_path / "run")).progress.tokens == 1024, "no step was made"


def test_weights_that_are_no_numbers_are_never_saved(run: Path, toy_corpus: Path) -> None:
    recipe = load_recipe(find_recipe("toy"), [f"corpus.folder={toy_corpus}", *QUIET, *SHORT, "training.tokens=2048"])
    trainer = Trainer(recipe, run)
    with torch.no_grad():
        trainer.model.head_weight[0, 0] = float("nan")
    before = newest(run)
    with pytest.raises(CorpusError, match="no longer numbers: training diverged"):
        trainer._save()
    assert list_checkpoints(run) == [before]
