"""Two small books, one in each language, with everything that a writer of a format must carry."""

from datetime import UTC, datetime

from desktop_app.document.writers.manuscript import (
    CHINESE,
    ENGLISH,
    GENERATED,
    IMPORTED,
    PASTED,
    TYPED,
    Manuscript,
    Metadata,
    Run,
)

WHEN = datetime(2026, 11, 28, 12, 30, 15, tzinfo=UTC)
_RECORD = {"model": "tiny </script> & co", "seed": 7, "prompt": [1, 2]}

ENGLISH_TEXT = """\
# The Sea & Her

Once upon a time there was a *very* small house. Its door said **“Keep out!”** & nobody read it.

She waited. Mo\u00ebt, 5 < 6, <b>not bold</b>, snake_case, \\*no star\\*.

***

> It was the best of times,
> it was *the worst*.

- bread
- milk
  - oat milk

3. third
4. fourth

1) again from one

## Later

他说：“你好。” Then he left.

# Second Chapter

The end.
"""

CHINESE_TEXT = """\
# 海边的小房子

从前有一个*小女孩*，她住在海边的一座小房子里。**“别走！”**他喊——可是她已经走远了……
每天早晨，她都要到沙滩上去散步，捡一些贝壳回来；到了晚上，就摆在窗台上。

＊＊＊

> 山重水复疑无路，
> 柳暗花明又一村。

- 贝壳
- 海星𠀀

1. 第一
2. 第二

## 后来

She said “hello” in English.
他写下 3.14 和 <标签> & 符号。

# 第二章

完。
"""


def book(language: str, with_runs: bool = True) -> Manuscript:
    text = CHINESE_TEXT if language == CHINESE else ENGLISH_TEXT
    title, author = ("海边 & 她", "林一") if language == CHINESE else ("The Sea & Her", "Anna O’Neill <writer>")
    runs = (
        Run(30, TYPED),
        Run(40, GENERATED, _RECORD),
        Run(20, PASTED),
        Run(15, IMPORTED),
        Run(len(text) - 105, TYPED),
    )
    return Manuscript(text, Metadata(title, author, language, WHEN), runs if with_runs else ())


LANGUAGES = (ENGLISH, CHINESE)
