"""Means below a run's table: over its tasks, over its problems, and as a suite weighs the tasks."""

import math
from collections.abc import Sequence

from lighteval_r1.numbers.intervals import combined
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, columns, intervals, percent
from lighteval_r1.records import Estimate

HEADERS = ("mean", "pass@1", *INTERVAL_HEADERS, "problems", "samples")


def suite_means(tasks: Sequence[Estimate], weights: Sequence[float | None]) -> list[tuple[str, Estimate]]:
    """With their names; [] of fewer than two tasks. Without a weight for each task there is no weighted mean."""
    if len(tasks) < 2:
        return []
    n_problems = sum(task.n_problems for task in tasks)
    kinds: list[tuple[str, Sequence[float]]] = [
        (f"over {len(tasks)} tasks", [1.0] * len(tasks)),
        (f"over {n_problems} problems", [task.n_problems for task in tasks]),
    ]
    known = [weight for weight in weights if weight is not None]
    if len(known) == len(tasks):
        kinds.append((f"weighted {' : '.join(f'{weight:g}' for weight in known)}", known))
    return [(name, weighted(tasks, [share / sum(shares) for share in shares])) for name, shares in kinds]


def weighted(tasks: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A mean of tasks; weights add up to 1. Their errors add as squares: the tasks are given, and drawn from apart."""

    def joined(errors: list[float | None]) -> float | None:
        known = [error for error in errors if error is not None]
        return math.hypot(*(w * e for w, e in zip(weights, known, strict=True))) if len(known) == len(errors) else None

    pairs = list(zip(weights, tasks, strict=True))
    return Estimate(
        value=sum(weight * task.value for weight, task in pairs),
        se_resampling=joined([task.se_resampling for task in tasks]),
        se_problems=joined([task.se_problems for task in tasks]),
        n_problems=sum(task.n_problems for task in tasks),
        n_samples=sum(task.n_samples for task in tasks),
        same_problems=combined([(weight, task.value, task.same_problems) for weight, task in pairs]),
        other_problems=combined([(weight, task.value, task.other_problems) for weight, task in pairs]),
    )


def means_table(means: Sequence[tuple[str, Estimate]]) -> str:
    lines = [[name, percent(e.value), *intervals(e), str(e.n_problems), str(e.n_samples)] for name, e in means]
    return columns([list(HEADERS), *lines])
