"""The errors of documents and settings: one line each, what was found, what it means, what to do.

    DocumentError
    ├── DiskError        a file or folder cannot be read or written; `kind` says why
    ├── TextFileError    a file is no text that can be kept as it is: binary, unknown encoding, too large
    ├── ChangedOutside   another program changed the file since it was read
    ├── NotEncodable     the text holds characters that the file's encoding cannot carry
    ├── FileHeld         another tab or window has the file open (in `file_claims`)
    └── StoreError       the recovery store or the settings cannot be used

`kind` is a stable word and `facts` are the words to fill in, so that the window can say the same in another language.
Knows words and error numbers; must not know Qt, the engine or any file.
"""

from __future__ import annotations

import errno

# Kinds of DiskError
DISK_FULL = "disk_full"
NO_PERMISSION = "no_permission"
READ_ONLY = "read_only"
MISSING = "missing"
IS_FOLDER = "is_folder"
NOT_A_FILE = "not_a_file"
NAME_TOO_LONG = "name_too_long"
TOO_LARGE = "too_large"
FAULT = "fault"
NOT_CONFIRMED = "not_confirmed"
NO_ANSWER = "no_answer"
DEFECT = "defect"  # of this program

_KINDS: dict[int, str] = {
    errno.ENOSPC: DISK_FULL,
    errno.EDQUOT: DISK_FULL,
    errno.EACCES: NO_PERMISSION,
    errno.EPERM: NO_PERMISSION,
    errno.EROFS: READ_ONLY,
    errno.ENOENT: MISSING,
    errno.ENOTDIR: MISSING,
    errno.ESTALE: MISSING,
    errno.EISDIR: IS_FOLDER,
    errno.ENAMETOOLONG: NAME_TOO_LONG,
    errno.EFBIG: TOO_LARGE,
}

# {doing} is "save" or "read", {name} the file's own name, {reason} the system's words.
_WORDS: dict[str, str] = {
    DISK_FULL: "cannot {doing} {name}: the disk is full; free some space, or save it on another disk",
    NO_PERMISSION: "cannot {doing} {name}: permission is denied; choose a place that belongs to you",
    READ_ONLY: "cannot {doing} {name}: it is read-only; save it under another name or in another folder",
    MISSING: "cannot {doing} {name}: the file or its folder does not exist any more; choose another place",
    IS_FOLDER: "cannot {doing} {name}: it is a folder; choose a file",
    NOT_A_FILE: "cannot {doing} {name}: it is a device, a pipe or a part of the system, not a file; choose a file",
    NAME_TOO_LONG: "cannot {doing} {name}: the name is too long for this disk; choose a shorter one",
    TOO_LARGE: "cannot {doing} {name}: it is larger than this disk allows; save it on another disk",
    FAULT: "cannot {doing} {name}: {reason}; the disk may be damaged or gone, save the text somewhere else",
    NO_ANSWER: "cannot {doing} {name}: its disk or network does not answer; try again when it is back",
    NOT_CONFIRMED: "{name} was written but the disk does not confirm it ({reason}); save it somewhere else as well",
}


class DocumentError(Exception):
    """Base of all expected failures of documents; `str(error)` is the one line that a person reads."""

    def __init__(self, message: str, kind: str = "", **facts: str) -> None:
        super().__init__(" ".join(message.split()))
        self.kind = kind or type(self).__name__
        self.facts = facts


class DiskError(DocumentError):
    """A file or folder cannot be read or written."""


class TextFileError(DocumentError):
    """A file is no text that can be kept as it is."""


class ChangedOutside(DocumentError):
    """Another program changed or removed the file since it was read; nothing was written."""

    def __init__(self, name: str, removed: bool = False) -> None:
        what = "was removed" if removed else "was changed"
        way_out = "save it again to put it back" if removed else "read it again, or save over the other change"
        kind = "removed_outside" if removed else "changed_outside"
        super().__init__(f"{name} {what} by another program; {way_out}", kind, name=name)
        self.removed = removed


class NotEncodable(DocumentError):
    """The text holds a character that the encoding lacks. `offer` is the encoding that can carry all of it, or ""."""

    def __init__(self, encoding: str, character: str, line: int, offer: str) -> None:
        code = f"U+{ord(character):04X}"
        shown = character if character.isprintable() else code
        if offer:
            message = f"{encoding} has no {shown} (line {line}); save the file as UTF-8 to keep all of the text"
        else:
            message = f"line {line} holds half a character ({code}), which no file can carry; delete it and save again"
        kind = "not_encodable" if offer else "half_character"
        super().__init__(message, kind, encoding=encoding, character=shown, line=str(line), code=code)
        self.offer = offer


class StoreError(DocumentError):
    """The recovery store or the settings cannot be used."""


def defect(error: Exception) -> DocumentError:
    """Words for what nobody foresaw: the person is told, what is on the page stays, and work goes on."""
    reason = " ".join((str(error) or type(error).__name__).split())
    return DocumentError(
        f"the program has a fault: {reason}; what you wrote is on the page, save it under another name and report this",
        DEFECT,
        reason=reason,
    )


def disk_error(error: OSError, doing: str, name: str) -> DiskError:
    """Words for an operating system's refusal. `doing`: "save" or "read"; `name`: the file as the person knows it."""
    return disk_error_of_kind(_KINDS.get(error.errno or 0, FAULT), doing, name, error.strerror or str(error))


def disk_error_of_kind(kind: str, doing: str, name: str, reason: str = "") -> DiskError:
    """The error of one kind of the table above."""
    words = _WORDS[kind].format(doing=doing, name=name, reason=reason)
    return DiskError(words, kind, doing=doing, name=name, reason=reason)
