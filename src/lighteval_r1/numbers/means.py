"""Means over the tasks of a run: over its problems, over its tasks, and weighted as a suite says; each with its errors.

The tasks are given, not drawn, and are drawn from apart: their errors add as squares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lighteval_r1.numbers.estimates import interval, t_quantile
from lighteval_r1.numbers.tables import columns, percent, shown_error
from lighteval_r1.records import Estimate

HEADERS = ("mean", "pass@1", "± resampling", "95 % interval", "± problems", "95 % interval", "problems", "samples")


@dataclass(frozen=True)
class SuiteMean:
    """A mean with its name. n_samples, n_problems: of so many, all alike in weight, it would be as certain."""

    name: str
    estimate: Estimate
    n_samples: int
    n_problems: int

    @property
    def of_resampling(self) -> tuple[float, float] | None:
        """95 % interval over new samples of the same problems; None with one sample per problem."""
        e = self.estimate
        return None if e.se_resampling is None else interval(e.value, e.se_resampling, n_least=self.n_samples)

    @property
    def of_problems(self) -> tuple[float, float] | None:
        """95 % interval over other problems of the same tasks; None where a task has one problem."""
        e = self.estimate
        return None if e.se_problems is None else interval(e.value, e.se_problems, n_least=self.n_problems)


def suite_means(tasks: Sequence[Estimate], weights: Sequence[float | None]) -> list[SuiteMean]:
    """Of two or more tasks; [] of fewer. weights: of the tasks; without one for each there is no weighted mean."""
    if len(tasks) < 2:
        return []
    n_problems = sum(task.n_problems for task in tasks)
    means = [
        weighted_mean(f"over {len(tasks)} tasks", tasks, [1.0] * len(tasks)),
        weighted_mean(f"over {n_problems} problems", tasks, [task.n_problems for task in tasks]),
    ]
    known = [weight for weight in weights if weight is not None]
    if len(known) == len(tasks):
        means.append(weighted_mean(f"weighted {' : '.join(f'{weight:g}' for weight in known)}", tasks, known))
    return means


def weighted_mean(name: str, tasks: Sequence[Estimate], weights: Sequence[float]) -> SuiteMean:
    """weights: in any unit. n_samples, n_problems: 1 / sum(share ** 2 / n), by Kish's effective sample size.

    Source: Kish 1965, Survey Sampling, section 11.7.
    """
    shares = [weight / sum(weights) for weight in weights]
    estimate = Estimate(
        value=sum(share * task.value for share, task in zip(shares, tasks, strict=True)),
        se_resampling=joined(shares, [known_error(e.value, e.se_resampling, n=e.n_samples) for e in tasks]),
        se_problems=joined(shares, [known_error(e.value, e.se_problems, n=e.n_problems) for e in tasks]),
        n_problems=sum(task.n_problems for task in tasks),
        n_samples=sum(task.n_samples for task in tasks),
    )
    n_samples, n_problems = (
        round(1 / sum(share**2 / n for share, n in zip(shares, counts, strict=True)))
        for counts in ([task.n_samples for task in tasks], [task.n_problems for task in tasks])
    )
    return SuiteMean(name, estimate, n_samples, n_problems)


def known_error(value: float, se: float | None, *, n: int) -> float | None:
    """The task's error; where no spread was seen, what its 95 % interval implies, since 0 of 30 proves no 0."""
    if se is None or se > 1e-9:
        return se
    low, high = interval(value, 0.0, n_least=n)
    return (high - low) / 2 / t_quantile(math.inf)


def joined(shares: Sequence[float], errors: Sequence[float | None]) -> float | None:
    known = [error for error in errors if error is not None]
    if len(known) < len(errors):
        return None
    return math.hypot(*(share * error for share, error in zip(shares, known, strict=True)))


def means_table(means: Sequence[tuple[str, SuiteMean]]) -> str:
    """A line per mean under the name that is given with it."""
    lines = [list(HEADERS)]
    for name, mean in means:
        e = mean.estimate
        resampling = shown_error(e.value, e.se_resampling, n=mean.n_samples)
        problems = shown_error(e.value, e.se_problems, n=mean.n_problems)
        cells = [percent(e.value), resampling, in_words(mean.of_resampling), problems, in_words(mean.of_problems)]
        lines.append([name, *cells, str(e.n_problems), str(e.n_samples)])
    return columns(lines)


def in_words(bounds: tuple[float, float] | None) -> str:
    return "–" if bounds is None else f"{percent(bounds[0])} to {percent(bounds[1])}"
