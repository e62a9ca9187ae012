"""Take the pictures of the manual from the real window with a real model: `… take_pictures MODEL_FOLDER [SEED]`.

Needs an X server (`xvfb-run -s "-screen 0 1440x900x24" python -m tests.desktop_app.take_pictures …`). Look at each
picture before committing it.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PySide6.QtGui import QImage

FOLDER = Path("resources/manual/screenshots")
WAIT_MS = 14_000
STORIES = {
    "en": (
        "The Sea.md",
        "Once upon a time, there was a little girl named Lily. She lived in a small house by the sea, and every "
        "morning she walked along the beach to look for shells.\n\nOne day,",
    ),
    "zh": (
        "海边.md",
        "从前有一个小女孩，她住在海边的一座小房子里。每天早晨，她都要到沙滩上去散步，捡一些贝壳回来；到了晚上，"
        "她就把它们摆在窗台上，排成长长的一排。\n有一天，",
    ),
}
PICTURES = {
    "writing-en": ("en", "light"),
    "writing-zh": ("zh", "light"),
    "dark-en": ("en", "dark"),
    "dark-zh": ("zh", "dark"),
}


def main() -> int:
    model, seed = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "7"
    with tempfile.TemporaryDirectory() as folder:
        for name, (language, theme) in PICTURES.items():
            file_name, story = STORIES[language]
            text = Path(folder) / file_name
            text.write_text(story, encoding="utf-8")
            shot = Path(folder) / f"{name}.png"
            command = [sys.executable, "-m", "tests.desktop_app.show_window", "--model", model, "--seed", seed]
            command += ["--language", language, "--theme", theme, "--text", str(text)]
            subprocess.run([*command, "--wait", str(WAIT_MS), "--shot", str(shot)], check=True)
            image = QImage(str(shot)).convertToFormat(QImage.Format.Format_RGB888)
            image.save(str(FOLDER / f"{name}.png"), "PNG", 0)  # 0: compressed as far as it goes
    return 0


if __name__ == "__main__":
    sys.exit(main())
