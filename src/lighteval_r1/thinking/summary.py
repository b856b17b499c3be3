"""The measures of many replies: per task, level, subject and run, each with its interval over other problems."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lighteval_r1.numbers.estimates import spread
from lighteval_r1.numbers.intervals import Interval, interval, t_quantile
from lighteval_r1.numbers.scores import GROUPS_MOST, group_order
from lighteval_r1.records import Estimate
from lighteval_r1.thinking.measures import Measured

Value = Callable[[Measured], float | None]


@dataclass(frozen=True)
class Measure:
    """One measure of a reply; None leaves the reply out of it. share: a fraction, told in percent."""

    name: str
    title: str
    value: Value
    share: bool = False


def as_number(value: bool | None) -> float | None:
    return None if value is None else float(value)


MEASURES = (
    Measure("tokens", "reasoning tokens T", lambda reply: reply.tokens),
    Measure("first_correct", "first correct tokens T^", lambda reply: reply.first_correct),
    Measure("reflection", "reflection tokens T - T^", lambda reply: reply.reflection),
    Measure("efficiency", "token efficiency T^/T", lambda reply: reply.efficiency, share=True),
    Measure("thoughts", "thoughts", lambda reply: reply.thoughts),
    Measure("accuracy", "accuracy", lambda reply: as_number(reply.correct), share=True),
    Measure("reached", "reached", lambda reply: as_number(reply.reached), share=True),
    Measure("efficiency_of_all", "efficiency, 0 where never", lambda reply: reply.efficiency_of_all, share=True),
)
# The six of the picture.
PANELS = MEASURES[:6]


@dataclass(frozen=True)
class Part:
    """Some problems of one run: its measures, None where no reply has it; and how many replies are what.

    unknown: replies of which is not known whether they reach the gold (a judge's are those it gave no answer on).
    """

    run: str
    n_problems: int
    n_replies: int
    measures: dict[str, Estimate | None]
    lost: int
    underthinking: int
    overthinking: int
    unknown: int


@dataclass(frozen=True)
class TaskThinking:
    """One task over runs: of all its problems, and group (level, subject) -> value -> a part per run that has it."""

    name: str
    runs: list[str]
    whole: list[Part]
    groups: dict[str, dict[str, list[Part]]]


@dataclass(frozen=True)
class Told:
    """What is told of runs: per task, over all tasks, and what a reader must know.

    agreement: "" where not asked for.
    """

    tasks: list[TaskThinking]
    means: list[Part]
    notes: list[str]
    agreement: str = ""


Problems = Sequence[tuple[Mapping[str, str], Sequence[Measured]]]  # (groups, replies) of each problem


def part_of(run: str, problems: Problems) -> Part:
    replies = [reply for _, of_problem in problems for reply in of_problem]
    return Part(
        run=run,
        n_problems=len(problems),
        n_replies=len(replies),
        measures={measure.name: over_problems(problems, measure) for measure in MEASURES},
        lost=sum(reply.lost for reply in replies),
        underthinking=sum(reply.underthinking for reply in replies),
        overthinking=sum(reply.overthinking for reply in replies),
        unknown=sum(reply.reached is None for reply in replies),
    )


def over_problems(problems: Problems, measure: Measure) -> Estimate | None:
    """The mean over problems of the means over their replies that have a value, with its interval over other problems;
    problems without one are left out."""
    known = [
        [number for reply in of_problem if (number := measure.value(reply)) is not None] for _, of_problem in problems
    ]
    rows = [np.array(row, dtype=float) for row in known if row]
    if not rows:
        return None
    mean = spread(rows)
    se, n = mean.se_problems, mean.n_problems
    if se is None:
        return mean
    if measure.share:
        return replace(mean, other_problems=interval(mean.value, se, n_least=n))
    # Nothing bounds such a measure, so where all problems agree no interval is known.
    half = t_quantile(n - 1) * se
    return replace(mean, other_problems=(max(0.0, mean.value - half), mean.value + half) if half else None)


def task_thinking(name: str, runs: Mapping[str, Problems]) -> TaskThinking:
    groups: dict[str, dict[str, dict[str, list]]] = {}
    for run, problems in runs.items():
        for of_groups, replies in problems:
            for group, value in of_groups.items():
                groups.setdefault(group, {}).setdefault(value, {}).setdefault(run, []).append((of_groups, replies))
    return TaskThinking(
        name=name,
        runs=list(runs),
        whole=[part_of(run, problems) for run, problems in runs.items()],
        groups={
            group: {
                value: [part_of(run, problems) for run, problems in of_runs.items()]
                for value, of_runs in sorted(values.items(), key=lambda item: group_order(item[0]))
            }
            for group, values in groups.items()
            if len(values) <= GROUPS_MOST
        },
    )


def all_tasks(tasks: Sequence[TaskThinking], runs: Mapping[str, Problems]) -> list[Part]:
    """Each run over the problems of all its tasks, of which each weighs the same; [] with one task."""
    return [part_of(run, problems) for run, problems in runs.items()] if len(tasks) > 1 else []


@dataclass(frozen=True)
class Panel:
    """One measure over levels. ticks: (x, label). lines: per run the points (x, value, its interval) it has."""

    measure: Measure
    ticks: list[tuple[float, str]]
    lines: list[tuple[str, list[tuple[float, float, Interval | None]]]]

    @property
    def top(self) -> float:
        """The highest end of an interval; 0 where there is no point."""
        return max((ends[1] if ends else value for _, points in self.lines for _, value, ends in points), default=0.0)


def panels(task: TaskThinking) -> list[Panel]:
    """The six of the picture: over levels, or of all problems where there are none."""
    levels = task.groups.get("level") or {"all": task.whole}
    places = level_places(list(levels))
    drawn = []
    for measure in PANELS:
        lines: dict[str, list[tuple[float, float, Interval | None]]] = {run: [] for run in task.runs}
        for value, parts in levels.items():
            for part in parts:
                known = part.measures[measure.name]
                if known is not None:
                    lines[part.run].append((places[value], known.value, known.other_problems))
        drawn.append(Panel(measure, ticks(places), list(lines.items())))
    return drawn


def level_places(values: Sequence[str]) -> dict[str, float]:
    """Numbers at their own place, so that a missing level leaves its gap; others side by side."""
    numbers = [re.search(r"\d+$", value) for value in values]
    if all(numbers):
        return {value: float(number.group()) for value, number in zip(values, numbers, strict=True) if number}
    return {value: float(place) for place, value in enumerate(values)}


def ticks(places: Mapping[str, float]) -> list[tuple[float, str]]:
    numbered = all(re.search(r"\d+$", value) for value in places)
    if not numbered or max(places.values()) - min(places.values()) > 20:
        return [(x, value) for value, x in places.items()]
    return [(float(x), str(x)) for x in range(int(min(places.values())), int(max(places.values())) + 1)]
