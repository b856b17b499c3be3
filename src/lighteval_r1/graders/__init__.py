"""Is this reply right? GRADERS: name of a grader -> grade(reply, gold, *, thinking_opened=False) -> Grade.

A grader's module is imported when it is first used: naming the graders costs no sympy.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module

from lighteval_r1.records import Grade


def grade(name: str, reply: str, gold: str, *, thinking_opened: bool = False) -> Grade:
    """The grade of one reply by the grader of that name."""
    return import_module(f"{__name__}.{name}").grade(reply, gold, thinking_opened=thinking_opened)


GRADERS: dict[str, Callable[..., Grade]] = {name: partial(grade, name) for name in ("expression", "choice", "program")}

__all__ = ["GRADERS"]
