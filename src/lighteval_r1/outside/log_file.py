"""A log of what libraries and children say while a command runs, so that its own words stand alone on the screen.

A library writes to sys.stdout, to sys.stderr or to their descriptors, and cannot be told which of its words matter.
What this package says itself (words.tell, words.say) is shown in any case, and stands in the log, too.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO


class LogFile(TextIOWrapper):
    """Stands in sys.stdout or sys.stderr: what is printed goes to the log. screen: where it would have gone."""

    screen: TextIO
    path: Path


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Until it ends, what others than this package write goes to the end of this file."""
    with contextlib.ExitStack() as ends:
        log = ends.enter_context(path.open("ab"))
        for number, name in ((1, "stdout"), (2, "stderr")):
            stream = getattr(sys, name)
            stream.flush()
            kept = os.dup(number)
            ends.callback(os.close, kept)
            # never closed: a handler of logging may keep it for as long as the process lives
            standing = LogFile(path.open("ab", buffering=0), encoding="utf-8", errors="replace", write_through=True)
            standing.path = path
            standing.screen = screen_of(stream, number, kept)
            os.dup2(log.fileno(), number)
            setattr(sys, name, standing)
            ends.callback(restore, name, stream, number, kept)
        yield


def screen_of(stream: TextIO, number: int, kept: int) -> TextIO:
    """The stream itself where it does not write to the descriptor, as in tests; else one that goes on doing so."""
    try:
        writes = stream.fileno() == number
    except (OSError, AttributeError):
        writes = False
    return open(kept, "w", encoding=stream.encoding, errors=stream.errors, closefd=False) if writes else stream


def restore(name: str, stream: TextIO, number: int, kept: int) -> None:
    getattr(sys, name).flush()
    os.dup2(kept, number)
    setattr(sys, name, stream)
