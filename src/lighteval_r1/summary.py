"""What a report says of its runs: every number by estimates.py, for the page and for the pictures alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.baselines import Published
from lighteval_r1.details import RunProblem, RunSample, TaskRun
from lighteval_r1.estimates import estimate, interval, maj_at_n, pass_at_k
from lighteval_r1.records import Estimate, Outcome
from lighteval_r1.results import vote_labels

GROUPS_MOST = 40  # values of a group beyond which it is a name, not a group


@dataclass(frozen=True)
class Scored:
    """An estimate of some problems of a run, with its 95 % interval over new samples of the same problems."""

    run: str
    estimate: Estimate
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        return self.estimate.value


@dataclass(frozen=True)
class TaskScore:
    """One run on one task. truncated None: the run does not say why replies ended. partial: what is missing, or ""."""

    task: str
    scored: Scored
    n_each: str
    majority: float | None
    truncated: int | None
    no_answer: int
    undecided: int
    published: tuple[Published, ...] = ()
    partial: str = ""


@dataclass(frozen=True)
class Lengths:
    """How long the replies of one run are: right ones and the others."""

    run: str
    right: list[int]
    others: list[int]
    unit: str


@dataclass(frozen=True)
class TaskSummary:
    """All runs on one task. curves: (run, [(k, pass@k), …]). groups: group -> value -> one estimate per run."""

    name: str
    scores: list[TaskScore]
    curves: list[tuple[str, list[tuple[int, float]]]]
    lengths: list[Lengths]
    groups: dict[str, dict[str, list[Scored]]]

    @property
    def places(self) -> dict[str, int]:
        """A run's place among the task's runs: its colour."""
        return {each.run: place for place, each in enumerate(self.lengths)}


def graded(problem: RunProblem) -> list[RunSample]:
    return [sample for sample in problem.samples if sample.outcome is not None]


def scores_of(problem: RunProblem) -> np.ndarray:
    """[n graded samples], 1.0 where right."""
    return np.array([Outcome(sample.outcome).score for sample in graded(problem)])


def scored(run: str, problems: Sequence[RunProblem]) -> Scored | None:
    """None where no problem has a graded sample; problems without one are left out."""
    rows = [row for row in map(scores_of, problems) if row.size]
    if not rows:
        return None
    found = estimate(rows)
    if found.se_resampling is None:
        return Scored(run, found, None, None)
    low, high = interval(found.value, found.se_resampling, n_least=found.n_samples)
    return Scored(run, found, low, high)


def task_score(
    run: str,
    task_run: TaskRun,
    *,
    partial: str = "",
    published: Callable[[Estimate], Sequence[Published]] = lambda _: (),
) -> TaskScore | None:
    """None where nothing is graded. published: the published numbers beside an estimate."""
    found = scored(run, task_run.problems)
    if found is None:
        return None
    samples = [sample for problem in task_run.problems for sample in graded(problem)]
    counts = sorted({len(graded(problem)) for problem in task_run.problems})
    reasons = [sample.finish_reason for sample in samples]
    outcomes = [sample.outcome for sample in samples]
    return TaskScore(
        task=task_run.task,
        scored=found,
        n_each=str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}",
        majority=majority(task_run),
        truncated=None if None in reasons else reasons.count("length"),
        no_answer=outcomes.count(Outcome.NO_ANSWER),
        undecided=outcomes.count(Outcome.UNDECIDED),
        published=tuple(published(found.estimate)),
        partial=partial,
    )


def majority(task_run: TaskRun) -> float | None:
    """maj@n over problems; None where a vote has no meaning: programs, one sample, answers not kept."""
    votes = []
    for problem in task_run.problems:
        samples = graded(problem)
        if problem.grader == "program" or len(samples) < 2 or any(sample.answer is None for sample in samples):
            return None
        labels = vote_labels([sample.outcome for sample in samples], [sample.answer for sample in samples])
        votes.append(maj_at_n(labels, correct="correct"))
    return float(np.mean(votes)) if votes else None


def curve(task_run: TaskRun) -> list[tuple[int, float]]:
    """(k, pass@k) for k = 1, 2, 4, … as far as every problem has k samples."""
    rows = [scores_of(problem) for problem in task_run.problems]
    fewest = min((row.size for row in rows), default=0)
    points = []
    for k in (2**power for power in range(fewest.bit_length())):
        points.append((k, float(np.mean([pass_at_k(row.size, int(row.sum()), k) for row in rows]))))
    return points


def lengths(run: str, task_run: TaskRun) -> Lengths:
    """In tokens where the run says them, else in characters."""
    samples = [sample for problem in task_run.problems for sample in graded(problem)]
    in_tokens = all(sample.n_tokens is not None for sample in samples)
    right, others = [], []
    for sample in samples:
        length = sample.n_tokens if in_tokens and sample.n_tokens is not None else len(sample.reply)
        (right if sample.outcome == Outcome.CORRECT else others).append(length)
    return Lengths(run, right, others, "tokens" if in_tokens else "characters")


def by_group(runs: Mapping[str, TaskRun]) -> dict[str, dict[str, list[Scored]]]:
    """Per group (level, subject) and value, one estimate per run that has such problems."""
    members: dict[str, dict[str, dict[str, list[RunProblem]]]] = {}
    for run, task_run in runs.items():
        for problem in task_run.problems:
            for name, value in problem.groups.items():
                members.setdefault(name, {}).setdefault(value, {}).setdefault(run, []).append(problem)
    return {
        name: {value: _scored_runs(of_runs) for value, of_runs in sorted(values.items(), key=lambda item: group_order(item[0]))}
        for name, values in members.items()
        if 1 < len(values) <= GROUPS_MOST
    }


def _scored_runs(of_runs: Mapping[str, Sequence[RunProblem]]) -> list[Scored]:
    found = (scored(run, problems) for run, problems in of_runs.items())
    return [each for each in found if each is not None]


def group_order(value: str) -> tuple[int, float, str]:
    """Numbers by size, before words."""
    return (0, float(value), "") if value.replace(".", "", 1).isdecimal() else (1, 0.0, value)


def task_summary(name: str, runs: Mapping[str, TaskRun], *, scores: list[TaskScore]) -> TaskSummary:
    return TaskSummary(
        name=name,
        scores=scores,
        curves=[(run, points) for run, task_run in runs.items() if (points := curve(task_run))],
        lengths=[lengths(run, task_run) for run, task_run in runs.items()],
        groups=by_group(runs),
    )
