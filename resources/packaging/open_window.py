"""Open the window of a set-up checkout, or say in one line why it cannot open: `open_window.py BIN_FOLDER`.

Knows: where a display shows in the environment. Must not know: anything of the program but its command's name.
"""

import os
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run `nextstroke` and pass its exit status on."""
    program = Path(sys.argv[1]) / "nextstroke"
    if sys.platform.startswith("linux") and not _has_display():
        print(
            "no display: neither DISPLAY nor WAYLAND_DISPLAY is set, so the window cannot open here. "
            f'In a terminal: {program} generate "Once upon a time"',
            file=sys.stderr,
        )
        return 1
    return subprocess.run([program], check=False).returncode


def _has_display() -> bool:
    # A chosen platform (QT_QPA_PLATFORM=offscreen, vnc, …) needs neither variable.
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


if __name__ == "__main__":
    sys.exit(main())
