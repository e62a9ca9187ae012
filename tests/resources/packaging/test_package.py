"""The packaged program is built and starts without Python, PATH or the checkout."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "resources" / "packaging"))

import system_packages

from engine.devices import cpu_kernel_class
from engine.kernels.library import VERSION, own_kernels

BUILD_LIMIT_S = 420


@pytest.mark.slow
@pytest.mark.timeout(BUILD_LIMIT_S + 30)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the other platforms' packages are not written yet")
def test_packaged_program_passes_its_selftest_elsewhere(root: Path, tmp_path: Path) -> None:
    missing = [need.package for need in system_packages._needs("package") if need.essential and not need.is_present()]
    if missing:
        pytest.skip(f"packaging needs system packages: sudo apt install {' '.join(missing)}")
    script = root / "resources" / "packaging" / "build_package.py"
    done = subprocess.run(
        [sys.executable, str(script), "--no-archive", "--output", str(tmp_path)],
        capture_output=True,
        encoding="utf-8",
        timeout=BUILD_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "selftest passed" in done.stdout
    kernels = "no own kernels" if own_kernels() is None else f"own kernels {VERSION}"
    assert f"the packaged program runs on device cpu: {cpu_kernel_class()}, {kernels}\n" in done.stdout
