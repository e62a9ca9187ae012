"""The two commands, as a person calls them: exit status, one error line, help without heavy imports."""

import subprocess
import sys
from pathlib import Path

import pytest

from export.cli import main
from export.training.tokenizer import TextTokenizer


def test_tokenizer_train_writes_a_tokenizer_and_reports(
    tmp_path: Path, toy_corpus: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "tokenizer.model"
    command = ["tokenizer", "train", "--input", str(toy_corpus / "stories.txt"), "--output", str(output)]
    assert main([*command, "--vocabulary", "350"]) == 0
    assert TextTokenizer.open(output).vocabulary == 350
    captured = capfd.readouterr()
    assert "bytes/token" in captured.err
    assert captured.out == ""
    assert main(command) == 1
    assert capfd.readouterr().err.startswith(f"error: {output} exists already")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "gigantic"], "there is no recipe gigantic"),
        (["train", "toy", "--set", "training.tokens"], "--set training.tokens"),
        (["train", "toy", "--set", "corpus.folder=/nowhere"], "cannot read training text"),
        (["tokenizer", "train", "--input", "/nowhere.txt", "--output", "out.model"], "cannot read training text"),
    ],
)
def test_failures_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    errors = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]


def test_the_commands_load_nothing_heavy_until_they_run() -> None:
    code = (
        "import sys, export.training.train_command, export.training.tokenizer_command\n"
        "import export.training.distill_command, export.training.finetune_command\n"
        "print(sorted({'torch', 'numpy', 'sentencepiece', 'safetensors'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
