"""How deep a program may call: as deep through what is written in C as through its own functions, whatever the Python.

Python 3.12 and 3.13 count calls through C apart, and end them after a few hundred to a few thousand, whatever the limit
of recursion: those of a memoised function (functools.cache), those in a generator that max() reads, those of a key by
which is sorted. A right program would be wrong there, and right under 3.11, by which benchmarks were checked.
Source: CPython 3.12 and 3.13, Include/cpython/pystate.h.
"""

import _thread
import ctypes
import sys
from collections.abc import Callable

COUNTS_C_CALLS = (3, 12) <= sys.version_info < (3, 14)
# Integers of a thread's state that are looked at, and calls that may be under way meanwhile.
LOOKED_AT, UNDER_WAY = 64, 1000


def set_limit(limit: int) -> None:
    """For this thread, for those that it starts from now on, and for this process's forks."""
    sys.setrecursionlimit(limit)
    if not COUNTS_C_CALLS:
        return
    place = place_of_limit(limit)

    def lift() -> None:
        thread_state()[place] = limit

    lift()
    for name in ("start_new_thread", "start_new", "start_joinable_thread"):
        if hasattr(_thread, name):
            setattr(_thread, name, after(lift, getattr(_thread, name)))


def thread_state() -> ctypes.Array:
    state_of = ctypes.pythonapi.PyThreadState_Get
    state_of.restype = ctypes.c_void_p
    return (ctypes.c_int * LOOKED_AT).from_address(state_of())


def place_of_limit(limit: int) -> int:
    """Where a thread's state holds how many calls through C are left: behind the calls that are left and their limit.

    RuntimeError where it does not.
    """
    state = thread_state()
    for place in range(2, LOOKED_AT):
        if state[place - 1] == limit and 0 < limit - state[place - 2] < UNDER_WAY:
            return place
    raise RuntimeError(f"Python {sys.version.split()[0]} keeps its limit of calls through C somewhere else")


def after(lift: Callable[[], None], start: Callable) -> Callable:
    """Starts threads as start does, each of which lifts its own limit first."""

    def start_thread(function: Callable, *arguments: object, **more: object) -> object:
        def run(*given: object, **named: object) -> object:
            lift()
            return function(*given, **named)

        return start(run, *arguments, **more)

    return start_thread
