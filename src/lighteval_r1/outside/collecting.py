"""Python looks for cycles of garbage again and again while much is made that stays: a fifth of the time that it takes
to import a large library, or to read a run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Until it ends no cycles are looked for; what is there then stays, and is looked at no more."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
