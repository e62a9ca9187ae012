"""What a conversion is doing, in the language of the window.

Knows the exporter's English steps; one that is not in the table is shown as it is. Must not know processes or widgets.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

translate = QCoreApplication.translate  # the name that lupdate looks for


def words_for_step(step: str) -> str:
    """The words for one step; "comparing: english" and its sisters are one step for the person."""
    steps = {
        "reading the checkpoint": translate("ExportWords", "reading the checkpoint"),
        "preparing the reference": translate("ExportWords", "preparing the comparison"),
        "measuring activations": translate("ExportWords", "measuring activations"),
        "writing the graph": translate("ExportWords", "writing the graph"),
        "writing the prompt graph": translate("ExportWords", "writing the graph for prompts"),
        "comparing": translate("ExportWords", "comparing with the original"),
        "checking SHA-256": translate("ExportWords", "checking the files"),
        "writing": translate("ExportWords", "writing the model folder"),
        "done": translate("ExportWords", "done"),
    }
    return steps.get(step.partition(":")[0], step)
