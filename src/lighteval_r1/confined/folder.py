"""The folder of a server's programs: made and locked by the process that starts the server, removed by whoever is left.

The server's keeper removes it when the server has ended, its starter when the connection is closed. Where both were
killed, the next starter does: a folder that nobody holds the lock of is nobody's.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

PREFIX = "lighteval-r1-program-"
# Between a folder's making and its lock another may look.
YOUNG_S = 60.0


def make_folder() -> tuple[str, int]:
    """A new folder and the descriptor that holds its lock, for as long as any process has it open."""
    remove_left()
    path = tempfile.mkdtemp(prefix=PREFIX)
    return path, locked(path)


def locked(path: str) -> int:
    """OSError where another process has the lock."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise
    return fd


def remove_left() -> None:
    """Removes folders whose starter and keeper were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Another user's, one that is in use, one that another starter removes now.
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > YOUNG_S:
                fd = locked(str(path))
                try:
                    shutil.rmtree(path)
                finally:
                    os.close(fd)
