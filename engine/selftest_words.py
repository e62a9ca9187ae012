"""The words of `nextstroke selftest` in the user's two languages.

Knows the words of outcomes; must not know how they came about.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.selftest import Outcome

ENGLISH, CHINESE = 0, 1
COLON = (": ", "：")

NAMES: Mapping[str, tuple[str, str]] = {
    "engine": ("Engine", "引擎"),
    "model": ("Bundled model", "内置模型"),
    "generation": ("A known generation", "已知的一段续写"),
    "sockets": ("No network", "不联网"),
    "profile": ("Your folder", "个人文件夹"),
    "window": ("Window", "窗口"),
    "fonts": ("Chinese fonts", "中文字体"),
    "input_methods": ("Input method", "输入法"),
}
STATES: Mapping[str, tuple[str, str]] = {
    "ok": ("ok", "正常"),
    "note": ("note", "提示"),
    "failed": ("FAILED", "出错"),
}
DETAILS: Mapping[str, tuple[str, str]] = {
    "error": ("{message}", "{message}"),
    "not_checked_here": ("not checked on this system", "此系统上不作检查"),
    "engine_loads": ("Nextstroke {engine}, ONNX Runtime {runtime}", "下一笔 {engine}，ONNX Runtime {runtime}"),
    "model_opened": (
        "{name}: {files} files, every hash right, opened on {device}",
        "{name}：{files} 个文件的校验值全部正确，已在 {device} 上打开",
    ),
    "generation_identical": ("the same {count} tokens as when it was made", "{count} 个词元与制作时完全相同"),
    "generation_runs": (
        "{count} tokens came out; made with {then}, here {now}, so they need not be the same",
        "已写出 {count} 个词元；制作时为 {then}，此处为 {now}，结果不必相同",
    ),
    "generation_differs": (
        "other tokens came out than when it was made ({verdict}); install the program again",
        "写出的词元与制作时不同（{verdict}）；请重新安装",
    ),
    "sockets_none": ("no internet socket is open", "没有打开任何网络套接字"),
    "sockets_open": (
        "{count} internet sockets are open; please report this",
        "打开了 {count} 个网络套接字；请反馈此问题",
    ),
    "profile_open": ("{folder} and its siblings can be written", "{folder} 等文件夹可以写入"),
    "profile_closed": (
        "{folder} cannot be written ({reason}); correct its permissions or choose another with --profile",
        "{folder} 无法写入（{reason}）；请修正权限，或用 --profile 另选文件夹",
    ),
    "qt_found": ("Qt and the system libraries that it needs are there", "Qt 及其所需的系统库齐全"),
    "qt_missing": ("PySide6 is not installed; install the program again", "未安装 PySide6；请重新安装"),
    "qt_libraries_missing": (
        "system libraries are missing; run: apt install {packages}",
        "缺少系统库；请运行：apt install {packages}",
    ),
    "fonts_found": ("{count} families, such as {first}", "{count} 种，例如 {first}"),
    "fonts_missing": (
        "no font has Chinese characters; run: apt install fonts-noto-cjk",
        "没有含汉字的字体；请运行：apt install fonts-noto-cjk",
    ),
    "fonts_unknown": (
        "fc-list is not there, so fonts were not checked (apt install fontconfig)",
        "没有 fc-list，未检查字体（apt install fontconfig）",
    ),
    "input_method_system": ("the system's own is used", "使用系统自带的输入法"),
    "input_method_default": ("none is asked for by the desktop; Qt has: {plugins}", "桌面未指定；Qt 自带：{plugins}"),
    "input_method_found": ("{name} has its plugin in Qt", "{name} 有对应的 Qt 插件"),
    "input_method_fallback": (
        "Qt has no plugin for {name}; the program uses ibus's protocol, which fcitx5 speaks too",
        "Qt 没有 {name} 插件；程序改用 ibus 协议，fcitx5 也支持",
    ),
}
SUMMARY: Mapping[bool, tuple[str, str]] = {
    True: ("Everything is ready.", "一切就绪。"),
    False: ("Something is wrong; the lines above say what to do.", "有问题；请按上面的说明处理。"),
}


def language_of(environment: Mapping[str, str]) -> int:
    """Chinese when the locale says so, else English."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return CHINESE if locale.lower().startswith("zh") else ENGLISH


def name_of(outcome: Outcome, language: int) -> str:
    """What was checked."""
    return NAMES[outcome.name][language]


def detail_of(outcome: Outcome, language: int) -> str:
    """What was found."""
    return DETAILS[outcome.word][language].format(**outcome.values)


def line_of(outcome: Outcome, language: int) -> str:
    """Both, with the colon of the language."""
    return f"{name_of(outcome, language)}{COLON[language]}{detail_of(outcome, language)}"
