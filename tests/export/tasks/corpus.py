"""A small corpus folder with all the groups that tasks are made from."""

import json
import lzma
from pathlib import Path

PARALLEL = [("I like apples.", "我喜欢苹果。"), ("He likes tea.", "他喜欢茶。"), ("I like tea.", "我喜欢茶。")]
HELDOUT = [("He likes apples.", "他喜欢苹果。"), ("i like tea", "我爱茶。"), ("We drink tea.", "他喜欢茶！")]
STORY = "Once there was a fox who wanted grapes. The grapes hung high above her head. She jumped again and again. "
HEN_STORY = "A hen lived on a small farm near the sea. Every morning she found corn on the road. Nobody knew why. " * 2
CHAPTER = "却说曹操大破吕布于定陶，布乃收集败残军马于海滨，众将皆来会集，欲再与曹操决战，各人自有主意。"
ARTICLE = (
    "镇政府驻地红旗堡，距凤城二十二公里，全镇辖十个村，共有两万多人，多数人以种田为生。"
    "当地出产苹果、梨和人参，每年秋天运往各地。"
)


def write_group(folder: Path, name: str, texts: list[str]) -> None:
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    (folder / f"{name}.jsonl.xz").write_bytes(lzma.compress(lines.encode()))


def write_corpus(folder: Path) -> Path:
    """Training and held-out parts; two of the three held-out pairs of sentences stand in the training part."""
    folder.mkdir()
    write_group(folder, "parallel_tatoeba", ["\n".join(line for pair in PARALLEL for line in pair)])
    write_group(folder, "parallel_tatoeba.heldout", ["\n".join(line for pair in HELDOUT for line in pair)])
    for group in ("en_standardebooks", "children_ccby"):
        write_group(folder, group, [f"The Fox of {group}\n\n{STORY * 2}"])
        write_group(folder, f"{group}.heldout", [f"A Hen of {group}\n\n" + HEN_STORY])
    for group in ("zh_modern_pd1945", "zh_modern_pd1955", "zh_luxun", "zh_classic_novels_shu"):
        write_group(folder, group, [f"第一回{group}之开始\n{CHAPTER * 2}"])
        write_group(folder, f"{group}.heldout", [f"第二回{group}之终结\n" + CHAPTER.replace("曹操", group) * 2])
    write_group(folder, "zh_wiki", [f"宝山镇是中国辽宁省的一个镇。{ARTICLE}"])
    write_group(
        folder,
        "zh_wiki.heldout",
        ["红旗堡是凤城市的一个村庄。" + ARTICLE.replace("苹果", "桃子").replace("驻地", "在")],
    )
    return folder


def write_stories(path: Path) -> Path:
    """The table of stories: 60 themes, two stories of each, so that one theme is held out."""
    rows = ["names,genre,theme,story"]
    for theme in range(60):
        place = chr(0x4E00 + theme)
        for hero in ("小明", "小红"):
            meeting = f"很久以前的{place}年，{hero}走进了大森林，看见一只会说话的狐狸，狐狸问他要到哪里去。"
            story = meeting + f"{hero}和狐狸在{place}城找到了回家的路，大家都很高兴。" * 3
            rows.append(f"{hero},童话,一个孩子回{place}城的家,{story}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
