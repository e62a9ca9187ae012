"""A request to go on with a text, turned into a request for a task on that text.

For: `generate --task`, and whoever measures a task, so that both ask in the same words.
Knows requests and task formats; must not know models.
"""

from __future__ import annotations

from dataclasses import replace

from engine.contracts.errors import UsageError
from engine.contracts.generation import GenerationRequest
from engine.contracts.tasks import TaskFormat


def for_task(request: GenerationRequest, task: TaskFormat) -> GenerationRequest:
    """The request to go on with a text, turned into the task's: its prompt, and its stop beside the request's own.

    Raises `UsageError` for a request without a text, or a text that the task cannot take.
    """
    if request.prompt is None:
        raise UsageError(f"the task {task.name} works on a text, not on token ids; give the text itself")
    stops = tuple(dict.fromkeys((*request.stop, task.stop)))
    return replace(request, prompt=task.prompt(request.prompt), stop=stops)
