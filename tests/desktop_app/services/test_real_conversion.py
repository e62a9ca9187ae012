"""One conversion with the real exporter: a GPT-2-shaped checkpoint becomes a model of the library."""

from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.services.export_python import find_export_python
from tests.desktop_app.services.qt import delete_now, wait_until
from tests.desktop_app.services.test_export_jobs import Listener

pytestmark = pytest.mark.slow  # PyTorch is loaded twice
SECONDS = 240


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    if find_export_python("") is None:
        pytest.skip("the export extra is not installed")
    from tests.export.checkpoints import huggingface_model, save_huggingface

    return save_huggingface(tmp_path / "我的 gpt2", huggingface_model())


def test_a_checkpoint_is_converted_into_the_library(checkpoint: Path, tmp_path: Path):
    jobs = ExportJobs(tmp_path / "models", Disk(), lambda: "")
    heard = Listener(jobs)
    job = jobs.convert(checkpoint / "model.safetensors")
    assert wait_until(lambda: bool(heard.ends()), SECONDS)
    ((kind, ended, name, result),) = heard.ends()
    assert (kind, ended, name) == ("finished", job, "我的 gpt2")
    assert (tmp_path / "models" / name / "nextstroke.json").is_file()
    assert result["certificate"]
    reports = [said for said in heard.said if said[0] == "progress"]
    assert len(reports) > 3
    assert [permille for _, _, permille, _ in reports] == sorted(permille for _, _, permille, _ in reports)
    delete_now(jobs)
