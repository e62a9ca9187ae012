"""The edge of every command: which words call what, and what is said to words that call nothing."""

import pytest

from engine.contracts.command_line import Command, one_line, run_command_line

COMMANDS = (
    Command(("bake",), "no.such.module", "make bread"),
    Command(("dough", "mix"), "no.such.module", "mix flour and water"),
    Command(("dough", "rest"), "no.such.module", "wait"),
)


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = run_command_line("oven", COMMANDS, words)
    return status, *capsys.readouterr()


@pytest.mark.parametrize("words", [["dough"], ["dough", "burn"], ["dough", "--debug"]])
def test_half_a_command_is_wrong_usage_and_names_the_whole_ones(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, output, errors = answer(capsys, *words)
    assert (status, output) == (2, "")
    first, second, last = errors.splitlines()
    assert first.startswith("usage: oven dough mix …  (mix flour and water")
    assert second.startswith("usage: oven dough rest …  (wait")
    assert last == "error: `oven dough` needs one more word; write `oven dough mix` or `oven dough rest`"


def test_help_for_half_a_command_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, errors = answer(capsys, "dough", "--help")
    assert (status, errors) == (0, "")
    assert output.count("usage: oven dough ") == 2


def test_what_is_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    status, output, errors = answer(capsys, "cake")
    assert (status, output) == (2, "")
    assert errors == "error: there is no command 'cake'; `oven --help` lists them\n"


def test_the_line_about_wrong_arguments_stays_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["more"] * 5000 + ["new\nline", "colour\x1b[31m"]
    with pytest.raises(SystemExit):
        run_command_line("oven", (Command(("bake",), "tests.support.no_arguments", "make bread"),), ["bake", *wrong])
    line = capsys.readouterr().err.splitlines()[-1]
    assert "unrecognized arguments" in line
    assert len(line) < 1_100
    assert line.isprintable()


@pytest.mark.parametrize(
    "name", ["模" * 5000, "/" + "long folder/" * 400 + "model", "a\nb\udcff" * 900, "two words " * 500]
)
def test_a_name_that_was_typed_for_pages_is_shortened_in_the_middle(name: str) -> None:
    line = one_line(f"there is no model {name}; `nextstroke models` lists those that there are")
    assert line.startswith("there is no model ")
    assert line.endswith("; `nextstroke models` lists those that there are")
    assert line.isprintable()
    assert "characters)…" in line
    assert len(line) <= 1_000


def test_an_ordinary_line_stays_as_it_is() -> None:
    words = "/home/写作/" + "章" * 200 + "/model is no model folder; name another"
    assert one_line(words) == words
