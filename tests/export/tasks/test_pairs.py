"""Pairs found in documents."""

import pytest

from engine.contracts.errors import CorpusError
from export.tasks.pairs import LONGEST_SOURCE, beginning, lead_pairs, parallel_pairs, title_pairs

BODY = "却说曹操大破吕布于定陶，布乃收集败残军马于海滨，众将皆来会集，欲再与曹操决战。" * 4
STORY = "The hungry Fox saw some fine bunches of Grapes hanging from a vine. He jumped as high as he could. " * 3


def test_lines_of_a_parallel_document_alternate() -> None:
    assert list(parallel_pairs("Hi.\n嗨。\nRun!\n跑！")) == [("Hi.", "嗨。"), ("Run!", "跑！")]
    with pytest.raises(CorpusError, match="3 lines"):
        list(parallel_pairs("Hi.\n嗨。\nRun!"))


def test_a_story_gives_its_title() -> None:
    ((source, title),) = title_pairs(f"The Fox and the Grapes\n\n{STORY}", "en")
    assert title == "The Fox and the Grapes"
    assert source.startswith("The hungry Fox")
    assert source.endswith(".")


@pytest.mark.parametrize("first", ["XII", "Chapter the Second", "He said nothing.", "12", "x" * 70])
def test_a_number_or_a_sentence_is_no_english_title(first: str) -> None:
    assert list(title_pairs(f"{first}\n\n{STORY}", "en")) == []


def test_a_chapter_gives_its_title_without_its_number() -> None:
    ((source, title),) = title_pairs(f"正文第十三回李傕郭汜大交兵杨奉董承双救驾\n诗曰：\n{BODY}", "zh")
    assert title == "李傕郭汜大交兵杨奉董承双救驾"
    assert source.startswith("却说曹操")
    assert len(source) <= LONGEST_SOURCE["zh"]


@pytest.mark.parametrize("first", ["第三章", "作者：傅斯年", "序言二则", "他走了，再没有回来。", "一九二六", "3"])
def test_a_number_an_author_or_a_sentence_is_no_chinese_title(first: str) -> None:
    assert list(title_pairs(f"{first}\n{BODY}", "zh")) == []


def test_a_title_that_opens_the_text_again_is_left_out_of_the_source() -> None:
    ((source, _),) = title_pairs(f"第十章情耗之章\n玉梨魂——第十章情耗之章的开头一行\n{BODY}", "zh")
    assert "情耗" not in source


def test_a_definition_is_the_lead_of_what_follows_it() -> None:
    rest = (
        "该镇位于辽宁省凤城市西南部，镇政府驻地红旗堡，距凤城二十二公里。"
        "总面积三百平方公里，辖十个村，一百零九个村民组，其中农业人口两万多人。"
    )
    assert list(lead_pairs(f"宝山镇（瑞典语：）是中国辽宁省凤城市下辖的一个镇。{rest}")) == [
        (rest, "宝山镇是中国辽宁省凤城市下辖的一个镇。")
    ]
    assert list(lead_pairs(f"该镇是一个镇，位于辽宁省凤城市西南部。{rest}")) == []  # whose lead that is cannot be known
    assert list(lead_pairs("宝山镇是中国辽宁省凤城市下辖的一个镇。短。")) == []
    assert list(lead_pairs("没有句号的一段文字")) == []


def test_a_source_ends_with_a_sentence_or_is_none() -> None:
    assert beginning("他来了。" * 100, "zh") == "他来了。" * 60
    assert beginning("他来了" * 100, "zh") == ""
    assert beginning("Short.", "en") == ""
