"""What Linux says of processes in /proc: who started whom, and whether they compute or wait. Source: proc(5)."""

import contextlib
import os
import time
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)
TRIES = 50


def children(pid: int) -> list[int]:
    """Of the process's first thread; [] where it is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except GONE:
        return []


def descendants(pid: int) -> list[int]:
    """The process and all below it."""
    return [pid, *(below for child in children(pid) for below in descendants(child))]


def thread_states(pid: int) -> str:
    """A letter per thread: R runs or waits for a core, D waits for a disk, S sleeps, Z has ended."""
    states = ""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(*GONE):
            states += stat.read_text().rpartition(")")[2].split()[0]
    return states


def give_way(pid: int) -> None:
    """The process, and what it starts from now on in its session, runs only where a core is idle.

    A low priority would not do: threads of an engine that spin for each other would wait for one that lost its core.
    """
    with contextlib.suppress(*GONE):
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
    # Where Linux shares cores between sessions first, that counts only within one. Source: sched(7), "The autogroup feature".
    for _ in range(TRIES):
        try:
            Path(f"/proc/{pid}/autogroup").write_text("19")
            return
        except BlockingIOError:  # it takes one such wish in 0.1 s, of all users
            time.sleep(0.1)
        except (*GONE, PermissionError):
            return


def gives_way() -> bool:
    """Whether this process does."""
    return os.sched_getscheduler(0) == os.SCHED_IDLE
