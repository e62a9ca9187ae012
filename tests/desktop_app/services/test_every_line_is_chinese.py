"""Every line that the engine or a conversion can say in the window has its sentence: read out of their source."""

import re
from pathlib import Path

import pytest

from desktop_app.services.engine_lines import ENGINE_LINES
from desktop_app.services.error_words import words_for_engine, words_for_reason
from desktop_app.services.export_lines import EXPORT_LINES
from desktop_app.services.foreign_lines import FOREIGN_LINES
from desktop_app.services.reason_lines import REASON_LINES, SYSTEM_REASONS
from tests.support.said_lines import NUMBER, PLACE, SaidLine, reachable, said_lines

HAN = re.compile("[\u4e00-\u9fff]")
REASONS = ("reason", "obstacle")
CONVERSION = "export/export_command.py"  # what the window starts, with all that it loads

# Lines that nobody meets in the window, by the beginning of their place, with the reason.
NOT_IN_THE_WINDOW = {
    "engine/bench.py": "a command of the command line",
    "engine/commands/": "the command line",
    "engine/constraints/": "the window sends no constraints",
    "engine/contracts/command_line.py": "the command line",
    "engine/contracts/constraint.py": "the window sends no constraints",
    "engine/contracts/errors.py:file_error": "seen at each of its callers",
    "engine/contracts/generation.py": "the window makes its requests itself and reads no records",
    "engine/contracts/plain_fields.py": "seen at each of its callers: requests and settings",
    "engine/contracts/task": "tasks are asked for on the command line and in training",
    "engine/draft_trial.py": "a draft model is named on the command line",
    "engine/host.py:_handle_": "the window sends only values of its own menus",
    "engine/prompt.py:_ids_of": "the window sends texts, never numbers of tokens",
    "engine/prompt.py:refuse_unknown_ids": "the same",
    "engine/score.py": "a command of the command line",
    "engine/selftest.py": "a command of the command line",
    "engine/server.py": "the local server, which the window never starts",
    "export/export_command.py:run": "the window names the folder itself",
    "export/ngrams/": "`nextstroke ngrams`",
    "export/training/": "training runs on the command line",
    "export/verify.py:check_folder": "`nextstroke verify`",
    "export/verify.py:certify_again": "`nextstroke verify`",
}


@pytest.fixture(scope="module")
def all_lines(root: Path) -> list[SaidLine]:
    engine = {path.relative_to(root).as_posix() for path in (root / "engine").rglob("*.py")}
    conversion = {name for name in reachable(root, CONVERSION) if name.startswith("export/")}
    return [line for name in sorted(engine | conversion) for line in said_lines(root, root / name)]


@pytest.fixture(scope="module")
def lines(all_lines: list[SaidLine]) -> list[SaidLine]:
    """Those of the window."""
    return [line for line in all_lines if not line.where.startswith(tuple(NOT_IN_THE_WINDOW))]


def rows_for(line: str) -> list[tuple[str, str]]:
    return [row for row in (*ENGINE_LINES, *EXPORT_LINES, *FOREIGN_LINES) if re.match(row[0], line)]


def test_every_line_of_the_window_has_a_chinese_sentence(lines: list[SaidLine], chinese: None):
    missing = [
        f"{line.where}, line {line.number}: {line.text}"
        for line in lines
        if not rows_for(line.text) or not HAN.search(words_for_engine(line.text).replace(PLACE, ""))
    ]
    assert missing == [], "give each a row in desktop_app/services/engine_lines.py or export_lines.py"


def test_no_line_fits_two_different_sentences(lines: list[SaidLine]):
    assert [line for line in lines if len({template for _, template in rows_for(line.text)}) > 1] == []


def test_every_fact_of_a_sentence_is_in_the_line(lines: list[SaidLine], chinese: None):
    for line in lines:
        pattern, template = rows_for(line.text)[0]
        found = re.match(pattern, line.text)
        assert found is not None
        facts = found.groupdict()
        assert set(re.findall(r"\{(\w+)\}", template)) <= {name for name, fact in facts.items() if fact}, line
        assert words_for_engine(line.text).endswith("。"), line


def test_every_reason_in_a_line_is_chinese(lines: list[SaidLine], chinese: None):
    for line in lines:
        found = re.match(rows_for(line.text)[0][0], line.text)
        assert found is not None
        for name in REASONS:
            reason = found.groupdict().get(name)
            if reason and reason != NUMBER:  # a fact that the source does not spell out
                assert HAN.search(words_for_reason(reason).replace(PLACE, "")), line


def test_every_exception_is_needed(all_lines: list[SaidLine]):
    for place in NOT_IN_THE_WINDOW:
        assert any(line.where.startswith(place) and not rows_for(line.text) for line in all_lines), place


def test_the_lines_are_those_of_the_source(lines: list[SaidLine]):
    """Words that a helper puts together, both sides of a condition, and a sentence with a path are all found."""
    texts = {line.text for line in lines}
    assert len(texts) > 150
    assert "nextstroke.json has an impossible size; fetch or export the model folder again" in texts
    assert f"cannot read {PLACE}: no permission; choose a place where you may write and read" in texts
    assert "the 7 conversion misses its threshold, so nothing was written: 7; choose a higher precision" in texts
    assert "CUDA was asked for, but no NVIDIA driver answers; use --device cpu" in texts
    assert f"{PLACE} is in PyTorch's old format; load it where you trust it and save it again with torch.save" in texts
    assert any(line.where == "engine/host.py:_in_words" for line in lines)
    assert any(text.startswith("impossible model configuration: 7 heads cannot share") for text in texts)


REASON_EXAMPLES = {
    "signal 9": "信号 9",
    "status 1": "状态码 1",
    "no NVIDIA driver answers": "没有可用的 NVIDIA 驱动程序",
    "this ONNX Runtime was built without CUDA": "所装的 ONNX Runtime 不支持 CUDA",
    "this model's int8 cache has processor kernels only (export it with --precision fp16)": "int8 缓存只能用处理器",
    "ONNX Runtime could not use CUDA on the NVIDIA H200 (is the cuda extra installed?)": "无法在 NVIDIA H200 上使用",
    "[Errno 5] Input/output error: '/a b/c'": "输入输出错误",
    "Permission denied": "没有权限",
    "a frame is not JSON (x); the stream between window and engine is damaged": "与引擎的通信出错。请重新启动引擎",
    "architecture is 'gru', but must be 'lstm'": "而它应为 'lstm'",
}


@pytest.mark.parametrize(("english", "expected"), REASON_EXAMPLES.items())
def test_reasons_are_chinese(english: str, expected: str, chinese: None):
    assert expected in words_for_reason(english)


def test_a_reason_inside_a_line_is_translated_with_it(chinese: None):
    words = words_for_engine("/模型.pt made its reader stop (signal 9); it is damaged, hostile or too large")
    assert words == "检查点“/模型.pt”使读取程序中止（信号 9）。它已损坏、带有恶意，或者对这台电脑来说太大。"
    words = words_for_engine(
        "There is an NVIDIA card, but this ONNX Runtime was built without CUDA; using the processor."
    )
    assert words == "有 NVIDIA 显卡，但无法使用（所装的 ONNX Runtime 不支持 CUDA）。现在改用处理器。"


def test_an_unknown_reason_stays_as_it_is(chinese: None):
    assert words_for_reason("the wheels came off") == "the wheels came off"


def test_in_english_every_reason_stays_english(lines: list[SaidLine]):
    assert words_for_reason("signal 9") == "signal 9"
    for line in lines:
        assert not HAN.search(words_for_engine(line.text).replace(PLACE, "")), line


def test_every_sentence_and_reason_is_translated(chinese: None):
    from PySide6.QtCore import QCoreApplication

    templates = [template for _, template in (*ENGINE_LINES, *EXPORT_LINES, *FOREIGN_LINES, *REASON_LINES)]
    for template in (*templates, *SYSTEM_REASONS):
        assert HAN.search(QCoreApplication.translate("ErrorWords", template)), template
