"""Every error line that a module of the engine or the exporter can say, read out of its source without running it.

A line is what a `raise` (or a returned error) builds: its texts as they stand, its facts filled with samples, both
sides of every "if". Functions of the same module that make the words are followed. Knows Python's syntax tree and the
names of the error classes; must not know what a line means. What only passes on a line made elsewhere gives nothing.
"""

import ast
import errno
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.contracts import manifest
from engine.contracts.errors import _classes, file_error

Words = tuple[str, ...]
NUMBER, PLACE = "7", "/第 1 章/a {b}.bin"
_PLACES = (
    "path",
    "file",
    "folder",
    "source",
    "place",
    "target",
    "manifest",
    "index",
    "parent",
    "personal",
    "name",
    "known_as",
)
_REFUSALS = (errno.ENOSPC, errno.EACCES, errno.ENOENT, errno.EIO)
_ALTERNATIVES = 64  # of one expression: more would only be the same words with other facts


@dataclass(frozen=True)
class SaidLine:
    """One line, its error class, and where it stands ("engine/folder.py:_check_file" and the number of its line)."""

    where: str
    number: int
    kind: str
    text: str


def said_lines(root: Path, path: Path) -> list[SaidLine]:
    """The lines of one module."""
    module = _Module(ast.parse(path.read_text(encoding="utf-8")))
    name = path.relative_to(root).as_posix()
    return [
        SaidLine(f"{name}:{function}", expression.lineno, module.kind(expression), " ".join(text.split()))
        for function, expression in module.sayings()
        for text in module.texts(expression, {})
        if text not in (NUMBER, PLACE)  # only passed on: whoever made it is asked
    ]


def reachable(root: Path, first: str) -> set[str]:
    """The project's modules that "export/export_command.py" or another one loads, sooner or later, itself included."""
    found, waiting = set[str](), [first]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for node in ast.walk(ast.parse((root / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                files = [f"{dotted.replace('.', '/')}.py" for dotted in names]
                waiting += [file for file in files if (root / file).is_file()]
    return found


class _Module:
    def __init__(self, tree: ast.Module) -> None:
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, kinds)}
        self._tree = tree
        raised = {
            node.exc.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name)
        }
        self._makers = raised & set(self._functions)

    def sayings(self) -> Iterator[tuple[str, ast.Call]]:
        """The function's name and the expression of every raised or returned error."""
        yield from self._sayings(self._tree, "")

    def _sayings(self, parent: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
        for node in ast.iter_child_nodes(parent):
            inside = node.name if isinstance(node, ast.FunctionDef) else function
            said = node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Return) else None
            is_made_elsewhere = isinstance(node, ast.Return) and inside in self._makers
            if isinstance(said, ast.Call) and self.kind(said) and not is_made_elsewhere:
                yield inside, said
            yield from self._sayings(node, inside)

    def kind(self, call: ast.Call) -> str:
        """The error class that a call makes, directly or through a function of this module."""
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "file_error":
            return "FileError"
        if name in self._functions:
            annotation = self._functions[name].returns
            name = ast.unparse(annotation) if annotation is not None else ""
        return name if name in _classes() else ""

    def texts(self, node: ast.expr | None, known: dict[str, Words]) -> Words:
        """What an expression may be as a text."""
        if isinstance(node, ast.Constant):
            return (str(node.value),)
        if isinstance(node, ast.JoinedStr):
            return _joined([self.texts(part, known) for part in node.values])
        if isinstance(node, ast.FormattedValue):
            quote = "'" if node.conversion == ord("r") else ""
            return tuple(f"{quote}{text}{quote}" for text in self.texts(node.value, known))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return _joined([self.texts(node.left, known), self.texts(node.right, known)])
        if isinstance(node, ast.IfExp):
            return self.texts(node.body, known) + self.texts(node.orelse, known)
        if isinstance(node, ast.BoolOp):
            return tuple(text for value in node.values for text in self.texts(value, known))
        if isinstance(node, ast.Name) and node.id in known:
            return known[node.id]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self._called(node, node.func.id, known)
        return _sample(node)

    def _called(self, call: ast.Call, name: str, known: dict[str, Words]) -> Words:
        if name == "file_error":
            doings = self.texts(call.args[1], known)
            errors = [OSError(number, "Input/output error") for number in _REFUSALS]
            return tuple(str(file_error(error, doing)) for error in errors for doing in doings)
        if name in _classes():
            return self.texts(call.args[0], known)
        function = self._functions.get(name)
        if function is None or not (self.kind(call) or _gives_text(function)):
            return _sample(call)
        given = {
            parameter.arg: self.texts(argument, known)
            for parameter, argument in zip(function.args.args, call.args, strict=False)
        }
        returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
        return tuple(text for value in returned for text in self.texts(value, given))


def _gives_text(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function's results are written out in it, so that following it gives words."""
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return bool(returned) and all(isinstance(value, ast.Constant | ast.JoinedStr) for value in returned)


def _sample(node: ast.expr | None) -> Words:
    """A fact: a constant of the contracts as it is; a path with everything in it that a path may have; or a number."""
    if isinstance(node, ast.Name) and isinstance(getattr(manifest, node.id, None), str):
        return (str(getattr(manifest, node.id)),)
    word = ""
    if isinstance(node, ast.Name | ast.Attribute):
        word = node.id if isinstance(node, ast.Name) else node.attr
    elif isinstance(node, ast.BinOp | ast.Subscript):
        word = ast.unparse(node)
    is_place = any(place in word.lower() for place in _PLACES) and not word.startswith("__")
    return (PLACE if is_place else NUMBER,)


def _joined(parts: list[Words]) -> Words:
    return tuple("".join(texts) for texts in itertools.islice(itertools.product(*parts), _ALTERNATIVES))
