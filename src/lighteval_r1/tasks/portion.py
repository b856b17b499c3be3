"""Which of a task's problems are asked, where not all: those of some groups, or the first ones.

No part of any sample's identity: a later run of all problems has what was drawn of some.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from lighteval_r1.records import UserError

if TYPE_CHECKING:
    from lighteval_r1.tasks.task import Task


@dataclass(frozen=True)
class Portion:
    """values: of each group those that are asked, (("level", ("4", "5")),). limit: of these problems the first ones."""

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limit: int | None = None

    def chosen(self, rows: Iterable[dict], groups_of: Callable[[dict], dict[str, str]]) -> Iterator[dict]:
        """Those of the rows that are asked; no further row is read."""
        asked = (row for row in rows if self.holds(groups_of(row))) if self.values else rows
        return islice(asked, self.limit)

    def holds(self, groups: Mapping[str, str]) -> bool:
        return all(groups.get(name) in values for name, values in self.values)

    def words(self, *, n_asked: int, n_all: int = 0, orders: int = 1) -> str:
        """ "level 4 or 5, first 20". A limit that left nothing out is not said. n_all: of the task, 0 if not known.

        orders: problems that are one question.
        """
        groups = [f"{name} {' or '.join(values)}" for name, values in self.values]
        limited = self.limit is not None and n_asked != n_all and n_asked == self.limit * orders
        return ", ".join([*groups, *([f"first {self.limit}"] if limited else [])])


def asking(task: "Task", said: Mapping[str, Sequence[str]], *, spec: str) -> "Task":
    """The task with the problems that are asked of it, and its weight: level=5, limit=20, weight=2.

    UserError, with the specification, for what is no such option. Of several limits the lowest counts.
    """
    limits = [whole(text, spec=spec) for text in said.get("limit", ())]
    values = tuple((name, tuple(texts)) for name, texts in said.items() if name not in ("limit", "weight"))
    for name, texts in values:
        if name not in task.groups:
            groups = f"its groups are {', '.join(task.groups)}" if task.groups else "it has no groups"
            raise UserError(
                f"{spec}: a task's options are n, limit, weight and its groups; {name!r} is none, {groups}."
            )
        if unknown := set(texts) - set(task.groups[name]):
            known = ", ".join(task.groups[name])
            raise UserError(f"{spec}: {task.name} has no {name} {min(unknown)!r}; there are {known}.")
    portion = Portion(values, min(limits, default=None)) if values or limits else None
    return replace(task, portion=portion, weight=weight_of(said, spec=spec))


def whole(text: str, *, spec: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", text, re.ASCII):
        raise UserError(f"{spec}: limit={text} is not a number of problems; it must be a whole number from 1.")
    return int(text)


def weight_of(said: Mapping[str, Sequence[str]], *, spec: str) -> float | None:
    for text in said.get("weight", ()):
        if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) or not float(text):
            raise UserError(f"{spec}: weight={text} is not a number above 0.")
        return float(text)
    return None


def query(task: "Task") -> str:
    """What is asked of a task, as its specification holds it: "level:4;level:5;limit:20;weight:2.0"."""
    portion = task.portion or Portion()
    pairs: list[tuple[str, object]] = [(name, value) for name, values in portion.values for value in values]
    pairs += [(name, value) for name, value in (("limit", portion.limit), ("weight", task.weight)) if value is not None]
    return packed(pairs)


def packed(pairs: Iterable[tuple[str, object]]) -> str:
    """Without the signs that LightEval's specifications are made of: , | @ = and quotation marks."""
    return ";".join(f"{quote(name, safe='')}:{quote(str(value), safe='')}" for name, value in pairs)


def unpacked(text: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for pair in filter(None, text.split(";")):
        name, _, value = pair.partition(":")
        values.setdefault(unquote(name), []).append(unquote(value))
    return values


def limited(task: "Task", limit: int) -> "Task":
    """The task with at most so many problems."""
    portion = task.portion or Portion()
    return replace(task, portion=replace(portion, limit=min(limit, portion.limit or limit)))
