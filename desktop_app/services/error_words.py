"""The words for a problem in the language of the window.

    DocumentError, Note     kind + facts → a sentence of the table, translated
    engine, exporter        kind + English line → known lines by pattern, translated; else the kind's heading + the line
    a reason in a line      known ones by pattern, translated; else as it is

Knows kinds and English lines; must not know how they came about. A line that no row knows (of a newer engine, of a
library) is shown as it is, under a heading that says what it is about; for every line of this version a test asks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication

from desktop_app.document.errors import DocumentError, StoreError
from desktop_app.document.shown_name import shown_name
from desktop_app.document.text_file import Note
from desktop_app.services.engine_lines import ENGINE_LINES, QT_TRANSLATE_NOOP
from desktop_app.services.export_lines import EXPORT_LINES
from desktop_app.services.foreign_lines import FOREIGN_LINES
from desktop_app.services.reason_lines import REASON_LINES, SYSTEM_REASONS

_CONTEXT = "ErrorWords"
_REASONS = ("reason", "obstacle")  # facts that are English words themselves
_NAMES = ("name", "folder")  # facts that may hold anything a file may be called
# "Input/output error" as Python says it: "[Errno 5] Input/output error: '/a/b'".
_SYSTEM_REASON = re.compile(r"(?:\[(?:Errno|WinError) \d+\] )?([^:]+?)(?:: .*)?")

# Kinds of documents, settings and the recovery store; " save" or " read" behind a kind where the words differ.
_DOCUMENT_WORDS: dict[str, str] = {
    "disk_full save": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not saved: the disk is full. Free some space, or save it on another disk."
    ),
    "no_permission save": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not saved: you may not write there. Choose a folder that belongs to you."
    ),
    "no_permission read": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” cannot be opened: you may not read it. Ask its owner, or open another file."
    ),
    "read_only save": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not saved: it is read-only. Save it under another name or in another folder."
    ),
    "missing save": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not saved: its folder does not exist any more. Choose another folder."
    ),
    "missing read": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” does not exist any more. Look for it under another name or in another folder."
    ),
    "is_folder": QT_TRANSLATE_NOOP("ErrorWords", "“{name}” is a folder. Choose a file."),
    "not_a_file": QT_TRANSLATE_NOOP("ErrorWords", "“{name}” is a device, a pipe or a part of the system, not a file."),
    "name_too_long": QT_TRANSLATE_NOOP(
        "ErrorWords", "The name “{name}” is too long for this disk. Choose a shorter one."
    ),
    "too_large": QT_TRANSLATE_NOOP("ErrorWords", "“{name}” is larger than this disk allows. Save it on another disk."),
    "fault save": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not saved: the disk reports a fault ({reason}). Save the text somewhere else."
    ),
    "fault read": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” cannot be read: the disk reports a fault ({reason}). Check the disk."
    ),
    "defect": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "The program has a fault ({reason}). What you wrote is on the page. Save it under another name, and report "
        "this.",
    ),
    "would_not_open": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is not saved: as plain text it would not be opened again, since it begins or reads like a file of "
        "another kind. Save it as a .nextstroke document.",
    ),
    "dictionary_damaged": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "The dictionary “{name}” is damaged or none of Hunspell's, so spelling is not checked. Choose another one in "
        "Edit → Dictionary.",
    ),
    "dictionary_stopped": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "The dictionary “{name}” stopped working, so spelling is not checked. Switch the check on again, or choose "
        "another dictionary.",
    ),
    "own_words_unreadable": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is no list of words in UTF-8 of at most {limit}. It is left as it is; mend or remove it.",
    ),
    "not_rendered": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” cannot be written in this format ({reason}). Choose another format."
    ),
    "no_answer": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” cannot be read: its disk or network does not answer. Try again when it is back."
    ),
    "not_confirmed": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” was written, but the disk does not confirm it ({reason}). Save it somewhere else as well.",
    ),
    "file_in_the_way": QT_TRANSLATE_NOOP(
        "ErrorWords", "The folder “{name}” cannot be made: a file has this name. Move or rename that file."
    ),
    "changed_outside": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” was changed by another program. Read it again, or save over the other change."
    ),
    "removed_outside": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” was removed by another program. Save it again to put it back."
    ),
    "not_encodable": QT_TRANSLATE_NOOP(
        "ErrorWords", "{encoding} has no {character} (line {line}). Save the file as UTF-8 to keep all of the text."
    ),
    "half_character": QT_TRANSLATE_NOOP(
        "ErrorWords", "Line {line} holds half a character ({code}), which no file can carry. Delete it and save again."
    ),
    "file_too_large": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is larger than {limit}, more than this editor shows smoothly. Split it and open the parts.",
    ),
    "document_too_large": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” would be larger than {limit}, more than this program opens, and was not written. "
        "Save the text as .txt, or in parts.",
    ),
    "not_on_a_page": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” holds a character ({code}, line {line}) that the page would not keep."
    ),
    "line_too_long": QT_TRANSLATE_NOOP(
        "ErrorWords", "A line of “{name}” (line {line}) is too long for the page. Break it where it was written."
    ),
    "damaged_text": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” begins as {encoding} text but is damaged further on. Open it with the program that wrote it.",
    ),
    "kept_text_damaged": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "Text that was not saved is back, but damaged: what cannot be read of it is shown as \ufffd.",
    ),
    "document_damaged": QT_TRANSLATE_NOOP(
        "ErrorWords", "This document is damaged and cannot be opened as it is. Open an earlier version of it."
    ),
    "newer_document": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” was written by a newer version of Nextstroke. Update the program to open it."
    ),
    "not_a_document": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is not a Nextstroke document, whatever its name says. Choose another file."
    ),
    "document_altered": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” does not hold exactly what was saved in it. Read it through before you go on."
    ),
    "document_unread": QT_TRANSLATE_NOOP(
        "ErrorWords", "What was on the page is back as an untitled text; “{name}” is left as it is."
    ),
    "origin_lost": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” was changed by another program, so the marks of what the model wrote are gone."
    ),
    "binary_file": QT_TRANSLATE_NOOP("ErrorWords", "“{name}” is not a text. Open a .txt or .md file."),
    "damaged_docx": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is no Word document that can be read. Save it as .docx again in the program that wrote it.",
    ),
    "docx_pictures": QT_TRANSLATE_NOOP("ErrorWords", "The pictures of “{name}” were left out."),
    "docx_footnotes": QT_TRANSLATE_NOOP("ErrorWords", "The footnotes of “{name}” were left out."),
    "docx_hidden": QT_TRANSLATE_NOOP("ErrorWords", "The hidden text of “{name}” was left out."),
    "docx_readings": QT_TRANSLATE_NOOP("ErrorWords", "The readings above characters of “{name}” were left out."),
    "docx_symbols": QT_TRANSLATE_NOOP(
        "ErrorWords", "Symbols of “{name}” that are no characters outside of their font were left out."
    ),
    "unknown_encoding": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is neither UTF-8, UTF-16 nor GB18030 text. Save it as UTF-8 in the program that wrote it, "
        "then open it again.",
    ),
    "opened_as_gb18030": QT_TRANSLATE_NOOP(
        "ErrorWords", "Opened as GB18030. If the text looks wrong, close it without saving."
    ),
    "opened_as_utf_16": QT_TRANSLATE_NOOP(
        "ErrorWords", "Opened as UTF-16. If the text looks wrong, close it without saving."
    ),
    "mixed_line_ends": QT_TRANSLATE_NOOP(
        "ErrorWords", "This file mixes line ends. Lines that you do not change keep theirs."
    ),
    "invisible_characters": QT_TRANSLATE_NOOP(
        "ErrorWords", "This text holds invisible characters ({list}). They are kept where the editor can."
    ),
    "store_set_aside": QT_TRANSLATE_NOOP(
        "ErrorWords", "The recovery store was damaged. {count} texts were saved from it; it is kept as “{name}”."
    ),
    "copies_written": QT_TRANSLATE_NOOP(
        "ErrorWords", "Other texts of the last session were not saved ({count}). They lie in “{folder}”."
    ),
    "session_files_gone": QT_TRANSLATE_NOOP(
        "ErrorWords", "Not opened again, since they cannot be read any more: {list}."
    ),
    "held_here": QT_TRANSLATE_NOOP(
        "ErrorWords", "“{name}” is open in another tab, which would write over it. Choose another name."
    ),
    "held_elsewhere": QT_TRANSLATE_NOOP(
        "ErrorWords",
        "“{name}” is open in another window of Nextstroke, which would write over it. Close it there first.",
    ),
    "session_files_held": QT_TRANSLATE_NOOP(
        "ErrorWords", "Not opened again, since another window of Nextstroke has them open: {list}."
    ),
    "session_copies": QT_TRANSLATE_NOOP(
        "ErrorWords", "Another window has {list} open, so what was not saved there is back as texts of their own."
    ),
    "no_locks": QT_TRANSLATE_NOOP(
        "ErrorWords", "The recovery folder cannot lock files. Start the program with another folder (--profile)."
    ),
    "store_busy": QT_TRANSLATE_NOOP(
        "ErrorWords", "Unsaved text cannot be kept: another window holds the recovery store. Save the text now."
    ),
    "store disk_full": QT_TRANSLATE_NOOP(
        "ErrorWords", "Unsaved text cannot be kept: the disk is full. Free some space, or save the text now."
    ),
    "store": QT_TRANSLATE_NOOP(
        "ErrorWords", "Unsaved text cannot be kept for recovery. Save the text now, then start the program again."
    ),
    "settings_damaged": QT_TRANSLATE_NOOP(
        "ErrorWords", "The settings file was damaged. The defaults are used, and the file is kept beside the new one."
    ),
    "settings_refused": QT_TRANSLATE_NOOP("ErrorWords", "Some settings made no sense and are back at their defaults."),
}

# What a line that no row knows is about, by its kind.
_HEADINGS: dict[str, str] = {
    "FileError": QT_TRANSLATE_NOOP("ErrorWords", "A file cannot be read or written: {line}"),
    "DiskFullError": QT_TRANSLATE_NOOP("ErrorWords", "The disk is full: {line}"),
    "ModelFolderError": QT_TRANSLATE_NOOP("ErrorWords", "The model cannot be used: {line}"),
    "TokenizerError": QT_TRANSLATE_NOOP("ErrorWords", "The model’s tokenizer cannot be used: {line}"),
    "GenerationError": QT_TRANSLATE_NOOP("ErrorWords", "This text cannot be continued: {line}"),
    "DeviceError": QT_TRANSLATE_NOOP("ErrorWords", "The device cannot be used: {line}"),
    "EngineError": QT_TRANSLATE_NOOP("ErrorWords", "The engine reports: {line}"),
    "CheckpointError": QT_TRANSLATE_NOOP("ErrorWords", "The checkpoint cannot be converted: {line}"),
    "VerificationError": QT_TRANSLATE_NOOP(
        "ErrorWords", "The converted model does not agree with its original: {line}"
    ),
    "MissingExtraError": QT_TRANSLATE_NOOP("ErrorWords", "A part of the program is not installed: {line}"),
}


def words_for(problem: DocumentError | Note) -> str:
    """The sentence for a problem of a document, or for a note on it."""
    facts = dict(problem.facts)
    keys = [f"{problem.kind} {facts.get('doing', '')}", problem.kind]
    if isinstance(problem, StoreError):
        keys = [f"store {problem.kind}", problem.kind, "store"]
    template = next((_DOCUMENT_WORDS[key] for key in keys if key in _DOCUMENT_WORDS), "")
    english = problem.text if isinstance(problem, Note) else str(problem)
    return _filled(template, facts) or sentence(english)


def words_for_kind(kind: str, english: str, facts: Mapping[str, str] | None = None) -> str:
    """The sentence for a kind of the settings store's notices."""
    return _filled(_DOCUMENT_WORDS.get(kind, ""), facts or {}) or sentence(english)


def words_for_engine(line: str, kind: str = "") -> str:
    """The sentence for an English line of the engine or the exporter; `kind` is its error class, where known."""
    known = _known_line(line)
    if known:
        return known
    heading = _HEADINGS.get(kind)
    return sentence(line) if heading is None else _filled(heading, {"line": line})


def words_for_reason(reason: str) -> str:
    """The words for why something failed, as a part of a sentence; a reason that no row knows stays as it is."""
    for pattern, template in REASON_LINES:
        found = re.fullmatch(pattern, reason)
        if found is not None:
            return _filled(template, found.groupdict())
    known = _known_line(reason)
    if known:
        return known.rstrip(".。")
    system = _SYSTEM_REASON.fullmatch(reason)
    if system is not None and system[1] in SYSTEM_REASONS:
        return QCoreApplication.translate(_CONTEXT, system[1])
    return reason


def sentence(line: str) -> str:
    """A line of the command line as a sentence of the window: a capital first, a full stop last."""
    line = line.strip()
    if not line:
        return ""
    return line[0].upper() + line[1:] + ("" if line[-1] in ".!?。！？…" else ".")


def _known_line(line: str) -> str:
    """The sentence of the first row whose pattern begins the line; "" without one."""
    for pattern, template in (*ENGINE_LINES, *EXPORT_LINES, *FOREIGN_LINES):
        found = re.match(pattern, line)
        if found is not None:
            return _filled(template, {name: value or "" for name, value in found.groupdict().items()})
    return ""


def _filled(template: str, facts: Mapping[str, str]) -> str:
    if not template:
        return ""
    words = QCoreApplication.translate(_CONTEXT, template)
    facts = {name: shown_name(fact) if name in _NAMES else fact for name, fact in facts.items()}
    facts = {name: words_for_reason(fact) if name in _REASONS else fact for name, fact in facts.items()}
    # In one pass, and not by str.format: a file's name may itself hold braces.
    return re.sub(r"\{(\w+)\}", lambda found: facts.get(found[1], found[0]), words)
