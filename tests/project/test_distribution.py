"""What setuptools makes of the checkout: every source of the kernels goes along, and a build makes no remarks."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="setup.py has the kernels for x86_64 Linux only"
)
def test_a_source_distribution_has_every_source_of_the_kernels(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "setup.py", "egg_info", "--egg-base", str(tmp_path)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "experimental" not in done.stdout + done.stderr
    listed = (tmp_path / "nextstroke.egg-info" / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
    sources = {path.relative_to(root).as_posix() for path in (root / "engine" / "kernels").glob("*.[ch]")}
    assert any(name.endswith(".h") for name in sources)
    assert sources | {"setup.py"} <= {line.removeprefix("./") for line in listed}
