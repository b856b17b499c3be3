"""What Linux says of processes in /proc: who started whom, and whether they compute or wait. Source: proc(5)."""

import contextlib
from pathlib import Path

GONE = (FileNotFoundError, ProcessLookupError)


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
