"""The words of the figures and tables of the page on the two networks, in the manual's two languages.

For: `pages.py`. Knows: words. Must not know: numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES = ("en", "zh")

# What an English reader sees beside a Chinese token of the article's sentences; half a word gets half a word.
GLOSSES: Final[Mapping[str, str]] = {
    "我": "I",
    "他": "he",
    "她": "she",
    "喜欢吃": "like eating",
    "苹": "ap-",
    "果": "-ple",
    "橙子": "orange",
    "葡": "gra-",
    "萄": "-pe",
    "。": "stop",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "gpt": "GPT",
        "lstm": "embedding + LSTM + attention",
        "curves_title": "Two small books, learned by two networks",
        "training_loss": "Loss on the training text (nats per token)",
        "aesop": "Held-out English (bits per byte)",
        "xiao_hong": "Held-out Chinese (bits per byte)",
        "across": "tokens learned from",
        "thousand": "k",
        "start": "start",
        "end": "end",
        "attention_gpt_title": "What the GPT attends to",
        "attention_lstm_title": "What the recurrent network attends to",
        "rows": "Each row is a token; the squares show how much it takes from itself and from each token before it.",
        "predicted": "At the right: the token held most probable next. Rows sum to 1; empty squares are below .005.",
        "head": "layer {layer}, head {head}",
        "only_head": "its one attention",
        "network": "network",
        "recipe": "recipe",
        "parameters": "parameters",
        "command_seconds": "seconds, the whole command",
        "last_loss": "loss at the end, nats per token",
        "completions": "completes",
        "prompt": "after",
        "seeing": "{network}",
        "blind": "… attention off",
        "embedding": "… in the embeddings",
        "inside": "… inside",
        "head_part": "… in the head",
        "tied": "the embedding again",
        "training_speed": "training, tokens per second, one thread",
        "best_aesop": "best on held-out English, bits per byte (after tokens)",
        "best_xiao_hong": "best on held-out Chinese, bits per byte (after tokens)",
        "final_loss": "loss on the training text at the end, nats per token",
        "prefill": "reading a prompt in the engine, tokens per second",
        "decode": "writing in the engine, tokens per second",
        "kept": "numbers that the engine keeps for each token",
        "machine": "The engine read {prompt_tokens} tokens and wrote {new_tokens}, on {device}, {threads} threads.\n"
        "Timings are the best of {rounds} rounds, the two networks in turn.",
        "writes": "{network}, after “{prompt}”:",
    },
    "zh": {
        "gpt": "GPT",
        "lstm": "嵌入 + LSTM + 注意力",
        "curves_title": "两个网络学两本小书",
        "training_loss": "训练文本上的损失（纳特/词元）",
        "aesop": "没见过的英文（比特/字节）",
        "xiao_hong": "没见过的中文（比特/字节）",
        "across": "学过的词元数",
        "thousand": "千",
        "start": "开头",
        "end": "结束",
        "attention_gpt_title": "GPT 在看哪里",
        "attention_lstm_title": "循环网络在看哪里",
        "rows": "一行是一个词元；格子里是它从自己和前面每个词元那里各取多少。",
        "predicted": "右边是网络认为最可能的下一个词元。每行加起来是 1；空格子不到 .005。",
        "head": "第 {layer} 层，第 {head} 头",
        "only_head": "唯一的注意力",
        "network": "网络",
        "recipe": "配方",
        "parameters": "参数",
        "command_seconds": "整条命令用时（秒）",
        "last_loss": "结束时的损失（纳特/词元）",
        "completions": "补全",
        "prompt": "前文",
        "seeing": "{network}",
        "blind": "……关掉注意力",
        "embedding": "……其中嵌入",
        "inside": "……其中中间各层",
        "head_part": "……其中输出层",
        "tied": "与嵌入共用",
        "training_speed": "训练速度（词元/秒，单线程）",
        "best_aesop": "没见过的英文：最好成绩（比特/字节，学到多少词元时）",
        "best_xiao_hong": "没见过的中文：最好成绩（比特/字节，学到多少词元时）",
        "final_loss": "结束时训练文本上的损失（纳特/词元）",
        "prefill": "引擎读提示的速度（词元/秒）",
        "decode": "引擎写字的速度（词元/秒）",
        "kept": "引擎为每个词元记住多少个数",
        "machine": "引擎读 {prompt_tokens} 个词元，写 {new_tokens} 个，设备 {device}，{threads} 个线程。"
        "两个网络轮流测，共 {rounds} 轮，取最好的一轮。",
        "writes": "{network}，接着“{prompt}”：",
    },
}
