"""The card's section on tasks: all figures, the admission where a baseline is better, samples with their characters."""

import json
import shutil
from pathlib import Path

from export.convert import convert
from export.tasks.card import tasks_section

SAMPLE = {"source": "a | b\nc", "target": "*x*", "answer": "<y>"}
REPORT = {
    "signature": "nrefs:1",
    "tasks": {
        "translate-en-zh": {
            "pairs": 176,
            "chrf": {"model": 9.04, "copy": 1.5, "dictionary": 17.6},
            "samples": [SAMPLE],
        },
        "title-en": {"pairs": 33, "chrf": {"model": 30.0, "first sentence": 20.0}, "samples": []},
    },
}


def test_every_figure_stands_beside_its_baselines() -> None:
    section = tasks_section(REPORT)
    assert "| `translate-en-zh` | 176 | 9.0 | copy 1.5, dictionary 17.6 | **no** |" in section
    assert "| `title-en` | 33 | 30.0 | first sentence 20.0 | yes |" in section
    assert "(`nrefs:1`)" in section


def test_samples_are_one_line_with_their_own_characters() -> None:
    assert "| a \\| b c | \\*x\\* | \\<y\\> |" in tasks_section(REPORT)


def test_the_card_of_a_model_folder_takes_the_report_in(taught_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(taught_run / "final", run / "final")
    shutil.copy(taught_run / "evaluation.json", run)
    (run / "tasks.json").write_text(json.dumps(REPORT), encoding="utf-8")
    convert(run / "final", tmp_path / "model", "fp32")
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert tasks_section(REPORT) in card
    assert card.index("## Quality") < card.index("## Tasks") < card.index("## Samples")
