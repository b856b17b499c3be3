"""The folder of a server's programs: made and locked by the process that starts the server, removed by whoever is left.

The server's keeper removes it when the server has ended, its starter when the connection is closed. Where both were
killed, the next starter on this machine does: a folder that nobody holds the lock of is nobody's.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from pathlib import Path

# Between a folder's making and its lock another may look.
YOUNG_S = 60.0


def prefix() -> str:
    """Of names on this machine since it was started: locks of others cannot be seen on every shared disk."""
    return f"lighteval-r1-program-{Path('/proc/sys/kernel/random/boot_id').read_text()[:8]}-"


def make_folder() -> tuple[str, int]:
    """A new folder, and the descriptor that holds its lock for as long as any process has it open."""
    remove_left()
    path = tempfile.mkdtemp(prefix=prefix())
    fd = opened(path)
    # Where folders cannot be locked none is ever taken for left.
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return path, fd


def opened(path: str | Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def remove_left() -> None:
    """Removes folders whose starter and keeper were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix()}*"):
        # Another user's, one that is in use, one that another starter removes now.
        with contextlib.suppress(OSError):
            if time.time() - path.lstat().st_mtime > YOUNG_S:
                fd = opened(path)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path)
                finally:
                    os.close(fd)
