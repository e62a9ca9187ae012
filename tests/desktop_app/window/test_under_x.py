"""The program on a real X server: it shows itself, is looked at, keeps its text, and ends when the system asks."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from desktop_app.document.disk import Disk
from desktop_app.document.recovery import RecoveryStore
from desktop_app.look.tokens import load_tokens

pytestmark = pytest.mark.xvfb
SECONDS = 60


def environment(display: str, root: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QT_", "WAYLAND"))}
    return kept | {"DISPLAY": display, "PYTHONPATH": str(root), "QT_QPA_PLATFORM": "xcb"}


@pytest.mark.parametrize(("language", "theme"), [("en", "light"), ("zh", "dark")])
def test_the_window_is_drawn_in_the_colours_of_its_theme(x_display, root, artefacts, language, theme):
    picture = artefacts / f"window-{language}-{theme}.png"
    picture.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.desktop_app.show_window", "--language", language, "--theme", theme]
    command += ["--write", " she found 一只小船。", "--shot", str(picture)]
    answer = subprocess.run(
        command,
        cwd=root,
        env=environment(x_display, root),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    image, tokens = QImage(str(picture)), load_tokens()[theme]
    assert (image.width(), image.height()) == (1280, 860)
    shown = [image.pixelColor(x, y).name() for x in range(0, 1280, 7) for y in range(0, 860, 7)]
    paper, desk, accent = (QColor(colour).name() for colour in (tokens.paper, tokens.desk, tokens.accent))
    assert shown.count(paper) > 0.3 * len(shown)
    assert shown.count(desk) > 0.2 * len(shown)
    assert accent in shown


def kept_paths(profile: Path) -> list[str]:
    store = profile / "state" / "recovery" / "recovery.db"
    if not store.exists():
        return []
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        return [bytes(path).decode() for (path,) in connection.execute("SELECT path FROM document")]
    except sqlite3.Error:
        return []
    finally:
        connection.close()


def test_the_program_opens_a_file_keeps_it_and_ends_in_order_on_a_signal(x_display, root, tmp_path):
    text = tmp_path / "小说 one.txt"
    text.write_text("从前 once", encoding="utf-8")
    profile = tmp_path / "profile"
    command = [sys.executable, "-m", "desktop_app", "--profile", str(profile), str(text)]
    with subprocess.Popen(command, cwd=root, env=environment(x_display, root), stderr=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + SECONDS
            while str(text) not in kept_paths(profile) and time.monotonic() < end and process.poll() is None:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(SECONDS) == 0
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    (kept,) = RecoveryStore(profile / "state", Disk()).take_over()
    assert (kept.text, kept.path) == ("从前 once", text)
    assert str(text) in (profile / "config" / "settings.toml").read_text(encoding="utf-8")


def test_without_a_display_one_line_names_the_command_line(root):
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    bare.pop("QT_QPA_PLATFORM", None)
    answer = subprocess.run(
        [sys.executable, "-m", "desktop_app"], cwd=root, env=bare, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1
    assert "nextstroke generate" in answer.stderr
