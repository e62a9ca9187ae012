"""The article's example, from recipe to text: train, export, and let the engine complete the three sentences."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import Run

WANTED = {"我喜欢吃": "苹果。", "他喜欢吃": "橙子。", "她喜欢吃": "葡萄。"}


@pytest.mark.parametrize(("recipe", "precision"), [("article-gpt", ("--precision", "fp32")), ("article-lstm", ())])
def test_the_three_sentences_are_completed(
    nextstroke: Run, tmp_path: Path, recipe: str, precision: tuple[str, ...]
) -> None:
    run, folder = tmp_path / "训练", tmp_path / recipe
    trained = nextstroke("train", recipe, "--output", str(run))
    assert trained.returncode == 0, trained.stderr.decode()
    exported = nextstroke("export", str(run / "final"), str(folder), *precision)
    assert exported.returncode == 0, exported.stderr.decode()
    for prompt, wanted in WANTED.items():
        answer = nextstroke("generate", prompt, "--model", str(folder), "--temperature", "0", "--max-tokens", "3")
        assert answer.stdout.decode("utf-8").strip() == wanted


def test_a_recurrent_network_in_another_precision_is_refused(nextstroke: Run, tmp_path: Path) -> None:
    from tests.export.checkpoints import recurrent_checkpoint

    source = recurrent_checkpoint(tmp_path / "source")
    answer = nextstroke("export", str(source), str(tmp_path / "model"), "--precision", "int8")
    assert answer.returncode == 2
    assert answer.stderr.decode().count("\n") == 1
    assert "ask for fp32" in answer.stderr.decode()
    assert not (tmp_path / "model").exists()
