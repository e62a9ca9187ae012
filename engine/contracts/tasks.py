"""A task: a fixed way to ask a model for something, as plain pieces of text around the source.

    before + source + after + target        "英译中：\\n" "The cat sleeps." "\\n=\\n" "猫在睡觉。"

For: the manifest (a model names the tasks it was trained for), `generate --task`, and the makers of training text, so
that what is asked is spelt exactly as what was learnt. Knows text alone; must not know models, tokens or files.
A template language was rejected: two pieces cannot run code, cannot fail half-way and can be read back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from engine.contracts.errors import UsageError
from engine.contracts.plain_fields import shown, wrong_field

LONGEST_PIECE = 200  # characters; a piece is paid for in every prompt
MOST_TASKS = 100


@dataclass(frozen=True)
class TaskFormat:
    """One task. `stop` ends the answer, since targets are one line; the end-of-text token ends it too."""

    name: str
    before: str
    after: str
    stop: str = "\n"
    description: str = ""

    def prompt(self, source: str) -> str:
        """What the model continues with the target. Raises `UsageError` for a source that cannot be told apart."""
        source = source.strip()
        if not source:
            raise UsageError(f"the task {self.name} got no text; give it a text to work on")
        if self.after in source + self.after[:-1]:
            raise UsageError(
                f"the text holds {self.after!r}, which the task {self.name} takes for the text's end; change that line"
            )
        return f"{self.before}{source}{self.after}"

    def document(self, source: str, target: str) -> str:
        """A whole example, as the model learns it. Raises `UsageError` where the target would end early."""
        target = target.strip()
        if not target or self.stop in target:
            raise UsageError(f"the answer {shown(target)} is empty or holds {self.stop!r}; leave this pair out")
        return self.prompt(source) + target

    def parse(self, document: str) -> tuple[str, str]:
        """(source, target) of what `document` wrote. Raises `UsageError` for anything else."""
        source, between, target = document.removeprefix(self.before).partition(self.after)
        if not document.startswith(self.before) or not between or self.document(source, target) != document:
            raise UsageError(f"{shown(document)} is no example of the task {self.name}; make the examples again")
        return source, target


def task_named(tasks: Sequence[TaskFormat], name: str) -> TaskFormat:
    """The task of that name. Raises `UsageError` that lists those there are."""
    found = next((task for task in tasks if task.name == name), None)
    if found is not None:
        return found
    if not tasks:
        raise UsageError(
            f"there is no task here, so not {shown(name)} either; leave it out, or take a model that was trained for it"
        )
    names = ", ".join(task.name for task in tasks)
    raise UsageError(f"there is no task {shown(name)} here; there are {names}")


def read_tasks(plain: object) -> tuple[TaskFormat, ...]:
    """Tasks out of plain data (a list of objects); unknown keys are passed over. Raises `UsageError` in words."""
    known = {entry.name for entry in fields(TaskFormat)}
    if not isinstance(plain, list | tuple) or not all(isinstance(task, Mapping) for task in plain):
        raise UsageError("the tasks are no list of objects; write each with name, before and after")
    try:
        tasks = tuple(TaskFormat(**{name: value for name, value in task.items() if name in known}) for task in plain)
    except TypeError as error:
        raise UsageError("a task lacks its name, or what stands before or after the text; add it") from error
    problem = wrong_tasks(tasks)
    if problem:
        raise UsageError(f"{problem}; correct it")
    return tasks


def wrong_tasks(tasks: Sequence[TaskFormat]) -> str:
    """What is wrong with the tasks of a manifest or recipe, in words; empty when all is right."""
    if len(tasks) > MOST_TASKS:
        return f"there are {len(tasks)} tasks, more than {MOST_TASKS}"
    for task in tasks:
        problem = wrong_field(TaskFormat, vars(task))
        if problem:
            return problem
        pieces = (task.name, task.before, task.after, task.stop)
        if not all(0 < len(piece) <= LONGEST_PIECE for piece in pieces):
            return f"a piece of the task {shown(task.name)} is empty or longer than {LONGEST_PIECE} characters"
        if not task.name.isprintable():
            return f"the task name {shown(task.name)} cannot be typed"
    if len({task.name for task in tasks}) != len(tasks):
        return "two tasks have the same name"
    return ""
