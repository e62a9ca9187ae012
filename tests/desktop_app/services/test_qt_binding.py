"""The installed PySide6 counts references right: 6.12.0 did not, and ended the program after some minutes."""

import sys

from PySide6.QtCore import QTimer

CALLS = 1000


def test_calls_into_qt_do_not_use_up_none():
    timer = QTimer()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        timer.stop()
    assert abs(sys.getrefcount(None) - before) < CALLS // 2
