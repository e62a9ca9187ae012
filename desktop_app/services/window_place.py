"""The one window of a person and profile: who is first has a lock; who comes second finds the first one at a socket.

    take() ── lock free ──> first: listen()      the lock goes with its process, so a socket that lies there is stale
           └─ lock held ──> deliver(message) ──> taken, or no answer for a while

Both lie in a folder that is this person's alone; where there is no such folder, every start has its own window. What
comes in is bounded in number, size and time. The one file with sockets of Qt: local ones, of this computer.

Knows locks, local sockets, the message. Must not know windows.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.file_claims import make_private
from desktop_app.document.file_lock import FileLock
from desktop_app.services.window_message import LIMIT_BYTES, TAKEN, WindowMessage, packed, unpacked

if TYPE_CHECKING:  # 12 ms that the first picture does not wait for
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

WAIT_MS = 5000  # for a first window that is being built, or is closing
_TRY_MS = 100
_LINE_MS = 2000  # within which a message has to be there
_CONNECTIONS_BOUND = 16  # starts at one moment; more than that is nobody's intention


class WindowPlace(QObject):
    """`asked` tells the first window what a later start wants. `state`: the profile's state folder, which names it."""

    asked = Signal(object)  # WindowMessage

    def __init__(self, folder: Path, state: Path, disk: Disk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        name = hashlib.sha256(os.fsencode(os.path.realpath(state))).hexdigest()[:16]
        self._folder, self._disk = folder, disk
        self._lock_path = folder / f"{name}.window"
        socket = folder / f"{name}.socket"
        self._address = str(socket) if os.name == "posix" else f"nextstroke-{name}"
        self._lock: FileLock | None = None
        self._server: QLocalServer | None = None
        self._connections = 0

    def take(self) -> bool:
        """Be the first window, or one of its own where no lock can be made; False: another one is the first."""
        if self._lock is not None or not make_private(self._folder, self._disk):
            return True
        try:
            self._lock = self._disk.try_lock(self._lock_path)
        except DocumentError:
            return True
        return self._lock is not None

    def listen(self) -> bool:
        """Hear later starts from now on, as the first window."""
        if self._lock is None:
            return False
        from PySide6.QtNetwork import QLocalServer

        QLocalServer.removeServer(self._address)  # ours is the lock: what lies there is of a process that was killed
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.setMaxPendingConnections(_CONNECTIONS_BOUND)
        self._server.newConnection.connect(self._on_connections)
        return self._server.listen(self._address)

    def close(self) -> None:
        """Give the place up. A second call does nothing."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._lock is not None:
            self._lock.release(remove=True)
            self._lock = None

    def deliver(self, message: WindowMessage, wait_ms: int = WAIT_MS) -> bool:
        """Hand a message to the first window. False: it did not answer, or it has ended and this one is the first now.

        `take` tells the two apart. Blocks for `wait_ms` at most, in a start that has no window yet.
        """
        end = time.monotonic() + wait_ms / 1000
        while time.monotonic() < end:
            if self._deliver_once(packed(message), end):
                return True
            if self.take():
                return False
            time.sleep(_TRY_MS / 1000)
        return False

    # ---- inside -----------------------------------------------------------------------------------------------

    def _deliver_once(self, data: bytes, end: float) -> bool:
        from PySide6.QtNetwork import QLocalSocket

        def left_ms() -> int:
            return max(1, int((end - time.monotonic()) * 1000))

        socket = QLocalSocket()
        socket.connectToServer(self._address)
        if not socket.waitForConnected(left_ms()):
            return False
        socket.write(data)
        answer = b""
        while socket.state() == QLocalSocket.LocalSocketState.ConnectedState and len(answer) < len(TAKEN):
            if not socket.waitForReadyRead(left_ms()):
                break
            answer += bytes(socket.read(len(TAKEN) - len(answer)).data())
        socket.abort()
        return answer == TAKEN

    def _on_connections(self) -> None:
        while self._server is not None and self._server.hasPendingConnections():
            socket = self._server.nextPendingConnection()
            if self._connections >= _CONNECTIONS_BOUND:
                socket.abort()
                socket.deleteLater()
            else:
                self._connections += 1
                socket.destroyed.connect(self._on_end)
                _Connection(socket, self.asked.emit)

    def _on_end(self, _socket: QObject | None = None) -> None:
        self._connections -= 1


class _Connection(QObject):
    """One start that says something: one line, soon and not too long, or it is hung up on."""

    def __init__(self, socket: QLocalSocket, tell: Callable[[WindowMessage], None]) -> None:
        super().__init__(socket)  # it goes with its socket
        self._socket, self._tell = socket, tell
        self._line = b""
        self._is_answered = False
        socket.setReadBufferSize(LIMIT_BYTES + 1)
        socket.readyRead.connect(self._on_data)
        socket.disconnected.connect(socket.deleteLater)
        QTimer.singleShot(_LINE_MS, self, self._hang_up)
        self._on_data()

    def _on_data(self) -> None:
        if self._is_answered:
            return
        self._line += bytes(self._socket.read(LIMIT_BYTES + 1 - len(self._line)).data())
        line, end, _ = self._line.partition(b"\n")
        if not end:
            if len(self._line) > LIMIT_BYTES:
                self._hang_up()
            return
        self._is_answered = True
        message = unpacked(line)
        if message is None:
            self._hang_up()
            return
        self._socket.write(TAKEN)
        self._socket.flush()
        self._tell(message)

    def _hang_up(self) -> None:
        self._socket.abort()
        self._socket.deleteLater()  # also where the other side has gone before this one looked
