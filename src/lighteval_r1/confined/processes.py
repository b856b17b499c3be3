"""What Linux says of processes in /proc: who started whom, and whether they compute or wait; how one gives way.

Source: proc(5).
"""

import contextlib
import os
import time
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)

# Of a session's share of a core that another one wants: about a tenth. Source: sched(7), "The autogroup feature".
GIVING_WAY_NICE = 10


def give_way(pid: int) -> None:
    """Lets a process that leads a session run only where a core is idle."""
    # Not only a low priority: threads of an engine that spin for each other would wait for one that lost its core.
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    # Where each session is a group, that holds within the session only; between them, their niceness counts.
    for _ in range(10):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(GIVING_WAY_NICE))
            return
        except BlockingIOError:
            # without privileges, one is set in a tenth of a second on the whole machine
            time.sleep(0.11)
        except OSError:
            return  # no groups here, or the process is gone


def children(pid: int) -> list[int]:
    """Of the process's first thread; [] where it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except GONE:
        return []


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(below for child in children(pid) for below in descendants(child))]


def threads(pid: int) -> list[str]:
    """[] where it is gone. One look, however many there are."""
    try:
        return os.listdir(f"/proc/{pid}/task")
    except GONE:
        return []


def thread_states(pid: int) -> str:
    """A letter per thread: R runs or waits for a core, D waits for a disk, S sleeps, Z has ended; "" where gone."""
    states = ""
    for thread in threads(pid):
        with contextlib.suppress(*GONE):
            states += Path(f"/proc/{pid}/task/{thread}/stat").read_text().rpartition(")")[2].split()[0]
    return states
