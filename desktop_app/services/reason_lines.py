"""English parts of a line that say why ({reason}, {obstacle}), with their words in the window.

Rows as in `engine_lines.py`, but a pattern is for the whole part. Knows the parts; must not know what they stand in.
"""

from __future__ import annotations

from desktop_app.services.engine_lines import QT_TRANSLATE_NOOP

REASON_LINES: tuple[tuple[str, str], ...] = (
    (
        r"signal (?P<number>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "signal {number}"),
    ),
    (
        r"status (?P<number>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "status {number}"),
    ),
    (
        r"no NVIDIA driver answers",
        QT_TRANSLATE_NOOP("ErrorWords", "no NVIDIA driver answers"),
    ),
    (
        r"this ONNX Runtime was built without CUDA",
        QT_TRANSLATE_NOOP("ErrorWords", "this ONNX Runtime was built without CUDA"),
    ),
    (
        r"this model's (?P<dtype>\S+) cache has processor kernels only.*",
        QT_TRANSLATE_NOOP("ErrorWords", "the {dtype} cache of this model works on the processor only"),
    ),
    (
        r"the cache of this model's graph grows by copies.*",
        QT_TRANSLATE_NOOP("ErrorWords", "this model's cache grows by copies, which works on the processor only"),
    ),
    (
        r"ONNX Runtime could not use CUDA on the (?P<card>.+) \(is the cuda extra installed\?\)",
        QT_TRANSLATE_NOOP("ErrorWords", "ONNX Runtime could not use CUDA on the {card}; is the CUDA add-on installed?"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be a whole number of at least 1",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be a whole number of at least 1"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be a whole number of at least 0",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be a whole number of at least 0"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but no model here has more than (?P<limit>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but may be at most {limit}"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be true or false",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be true or false"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be a positive number",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be a positive number"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be (?:one of )?(?P<wanted>'.+'|[\w]+(?:, [\w]+)*)",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be {wanted}"),
    ),
    (
        r"(?P<name>.+?) is (?P<value>.+), but must be a multiple of (?P<factor>\d+)",
        QT_TRANSLATE_NOOP("ErrorWords", "{name} is {value}, but must be a multiple of {factor}"),
    ),
    (
        r"(?P<heads>\d+) heads cannot share (?P<kv>\d+) key/value heads evenly",
        QT_TRANSLATE_NOOP("ErrorWords", "{heads} heads cannot share {kv} key/value heads evenly"),
    ),
    (
        r"rotary positions turn pairs of elements, so head_size (?P<size>\d+) must be even",
        QT_TRANSLATE_NOOP("ErrorWords", "head_size is {size}, but must be even"),
    ),
    (
        r"unknown key (?P<names>.+); a newer version may have written it",
        QT_TRANSLATE_NOOP("ErrorWords", "{names} is unknown; a newer version may have written it"),
    ),
    (
        r"(?P<names>.+) is missing",
        QT_TRANSLATE_NOOP("ErrorWords", "{names} is missing"),
    ),
)

# What an operating system says, in the words of the C library.
SYSTEM_REASONS: tuple[str, ...] = (
    QT_TRANSLATE_NOOP("ErrorWords", "Input/output error"),
    QT_TRANSLATE_NOOP("ErrorWords", "Permission denied"),
    QT_TRANSLATE_NOOP("ErrorWords", "Operation not permitted"),
    QT_TRANSLATE_NOOP("ErrorWords", "No such file or directory"),
    QT_TRANSLATE_NOOP("ErrorWords", "Is a directory"),
    QT_TRANSLATE_NOOP("ErrorWords", "Not a directory"),
    QT_TRANSLATE_NOOP("ErrorWords", "Read-only file system"),
    QT_TRANSLATE_NOOP("ErrorWords", "No space left on device"),
    QT_TRANSLATE_NOOP("ErrorWords", "Disk quota exceeded"),
    QT_TRANSLATE_NOOP("ErrorWords", "File name too long"),
    QT_TRANSLATE_NOOP("ErrorWords", "File too large"),
    QT_TRANSLATE_NOOP("ErrorWords", "Too many open files"),
    QT_TRANSLATE_NOOP("ErrorWords", "Too many levels of symbolic links"),
    QT_TRANSLATE_NOOP("ErrorWords", "Device or resource busy"),
    QT_TRANSLATE_NOOP("ErrorWords", "Cannot allocate memory"),
    QT_TRANSLATE_NOOP("ErrorWords", "Stale file handle"),
    QT_TRANSLATE_NOOP("ErrorWords", "Transport endpoint is not connected"),
    QT_TRANSLATE_NOOP("ErrorWords", "Connection timed out"),
    QT_TRANSLATE_NOOP("ErrorWords", "Directory not empty"),
    QT_TRANSLATE_NOOP("ErrorWords", "File exists"),
)
