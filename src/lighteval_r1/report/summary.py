"""What a report says of its runs: every number by estimates.py, for the page and for the pictures alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lighteval_r1.numbers import estimates
from lighteval_r1.numbers.baselines import Published, spread
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.means import suite_means
from lighteval_r1.numbers.plans import samples_needed
from lighteval_r1.numbers.scores import GROUPS_MOST, by_question, group_order, majority, powers_of_two, task_row
from lighteval_r1.numbers.tables import Row
from lighteval_r1.records import QUESTION, Estimate, Outcome, RunProblem, TaskRun
from lighteval_r1.runs.pairing import common_weights, tasks_of_all
from lighteval_r1.runs.scored_runs import ScoredRun

# (task, our estimate, group or "") -> the published numbers beside it
PublishedBeside = Callable[[str, Estimate, str], Sequence[Published]]


@dataclass(frozen=True)
class Scored:
    """An estimate of some problems of a run.

    needed: samples of each problem that would make se_resampling one percentage point; None where no spread is known.
    """

    run: str
    estimate: Estimate
    published: tuple[Published, ...] = ()
    needed: int | None = None

    @property
    def value(self) -> float:
        return self.estimate.value

    @property
    def spread(self) -> str:
        """How far those who measured the model are apart."""
        return spread(self.published, self.value)


@dataclass(frozen=True)
class TaskScore:
    """One run on one task. row: its line in the printed table. partial: "partial" where samples are missing."""

    task: str
    row: Row
    scored: Scored
    n_each: str
    majority: float | None
    partial: str = ""


@dataclass(frozen=True)
class Mean:
    """A mean over a run's tasks, by name: over tasks, over problems, or weighted as its suite says."""

    name: str
    scored: Scored
    partial: bool


@dataclass(frozen=True)
class Lengths:
    """How long the replies of one run are: right ones and the others.

    n_unknown: replies of which the run does not say it.
    """

    run: str
    right: list[int]
    others: list[int]
    unit: str
    n_unknown: int = 0


@dataclass(frozen=True)
class Curve:
    """One training on one task: (step, value, low, high, page), by step."""

    name: str
    points: list[tuple[int, float, float, float, str]]


@dataclass(frozen=True)
class TaskSummary:
    """All runs on one task. curves: (run, [(k, pass@k), …]). groups: group -> value -> one estimate per run.

    limits: why each run's curve ends where it ends. partial: the runs of which samples are missing.
    """

    name: str
    scores: list[TaskScore]
    curves: list[tuple[str, list[tuple[int, float]]]]
    lengths: list[Lengths]
    groups: dict[str, dict[str, list[Scored]]]
    limits: tuple[str, ...] = ()
    partial: frozenset[str] = frozenset()

    @property
    def places(self) -> dict[str, int]:
        """A run's place among the task's runs: its colour."""
        return {each.run: place for place, each in enumerate(self.lengths)}


def task_summary(name: str, told: Sequence[ScoredRun], *, published: Mapping[str, PublishedBeside]) -> TaskSummary:
    """published: per run, by its letter."""
    members = [each for each in told if name in each.run.tasks]
    return TaskSummary(
        name=name,
        scores=[task_score(each, name, published=published[each.letter]) for each in members],
        curves=[(each.letter, curve(each.scores[name])) for each in members if not each.run.tasks[name].adaptive],
        lengths=[lengths(each.letter, with_implied(each.run.tasks[name], each.scores[name])) for each in members],
        groups=by_group(name, members, published=published),
        limits=curve_limits(name, members),
        partial=frozenset(each.letter for each in members if each.partial[name]),
    )


def with_implied(task_run: TaskRun, scores: Sequence[np.ndarray]) -> TaskRun:
    """The task with outcomes where its samples have none but its scores leave no doubt: all of a problem's right, or
    none."""
    problems = []
    for problem, row in zip(task_run.problems, scores, strict=True):
        if row.min() == row.max() and not any(sample.outcome for sample in problem.samples):
            outcome = Outcome.CORRECT if row.max() else Outcome.WRONG
            problem = replace(problem, samples=[replace(sample, outcome=outcome) for sample in problem.samples])
        problems.append(problem)
    return replace(task_run, problems=problems)


def scored(run: str, found: Estimate, rows: Sequence[np.ndarray], *, published: Sequence[Published]) -> Scored:
    """found: the rows' estimate."""
    needed = samples_needed(rows, error=0.01) if found.se_resampling else None
    return Scored(run, found, tuple(published), needed)


def task_score(told: ScoredRun, name: str, *, published: PublishedBeside) -> TaskScore:
    task_run, rows = told.run.tasks[name], told.scores[name]
    row = task_row(task_run, scores=rows)
    found, counts = row.pass_at_1, sorted({row.size for row in rows})
    questions = by_question(task_run.problems, rows)
    return TaskScore(
        task=task_run.title,
        row=row,
        scored=scored(told.letter, found, questions, published=published(name, found, "")),
        n_each=str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}",
        majority=majority_of(task_run),
        partial=", ".join(filter(None, [task_run.adaptive and "adaptive", told.partial[name] and "partial"])),
    )


def means(told: Sequence[ScoredRun]) -> list[list[Mean]]:
    """Run by run its means over the tasks that all of them have; none of one task."""
    tasks, of_runs = tasks_of_all([each.run for each in told]), []
    for place, each in enumerate(told):
        names = [task[place].task for task in tasks]
        partial = any(each.partial[name] for name in names)
        of_tasks = [estimate(by_question(each.run.tasks[name].problems, each.scores[name])) for name in names]
        kinds = suite_means(of_tasks, common_weights(tasks))
        of_runs.append([Mean(words, Scored(each.letter, mean), partial) for words, mean in kinds])
    return of_runs


def majority_of(task_run: TaskRun) -> float | None:
    """maj@n over problems; None where a vote has no meaning: another n for each problem, or one sample."""
    if task_run.adaptive:
        return None
    votes = [majority(problem) if len(problem.graded) > 1 else None for problem in task_run.problems]
    return None if None in votes or not votes else float(np.mean(votes))


def curve(rows: Sequence[np.ndarray]) -> list[tuple[int, float]]:
    """pass@k for k = 1, 2, 4, … as far as every problem has k samples."""
    fewest = min(row.size for row in rows)
    return [
        (k, float(np.mean([estimates.pass_at_k(row.size, int(row.sum()), k) for row in rows])))
        for k in (1, *powers_of_two(fewest))
    ]


def curve_limits(name: str, told: Sequence[ScoredRun]) -> tuple[str, ...]:
    """Why pass@k is not told beyond some k, per run where the reasons differ."""
    limits = {each.letter: curve_limit(each, name) for each in told}
    if len(set(limits.values())) == 1:
        return (next(iter(limits.values())),)
    return tuple(f"{run}: {words}" for run, words in limits.items())


def curve_limit(told: ScoredRun, name: str) -> str:
    """ "pass@8 and beyond are not told: 2024-I-7 has 4 samples." """
    rows = told.scores[name]
    fewest = min(row.size for row in rows)
    first = next(
        problem for problem, row in zip(told.run.tasks[name].problems, rows, strict=True) if row.size == fewest
    )
    who = "each problem" if all(row.size == fewest for row in rows) else first.title
    return (
        f"pass@{2 ** fewest.bit_length()} and beyond are not told: {who} has {fewest} "
        f"sample{'s' if fewest > 1 else ''}."
    )


def lengths(run: str, task_run: TaskRun) -> Lengths:
    """In tokens where the run says them, else in characters."""
    samples = [sample for problem in task_run.problems for sample in problem.graded]
    in_tokens = all(sample.n_tokens is not None for sample in samples)
    right, others = [], []
    for sample in samples:
        length = sample.n_tokens if in_tokens and sample.n_tokens is not None else len(sample.reply)
        (right if sample.outcome == Outcome.CORRECT else others).append(length)
    n_unknown = sum(len(problem.samples) for problem in task_run.problems) - len(samples)
    return Lengths(run, right, others, "tokens" if in_tokens else "characters", n_unknown)


def by_group(
    name: str, told: Sequence[ScoredRun], *, published: Mapping[str, PublishedBeside]
) -> dict[str, dict[str, list[Scored]]]:
    """Per group (level, subject) and value, one estimate per run that has such problems."""
    members: dict[str, dict[str, dict[str, list[tuple[RunProblem, np.ndarray]]]]] = {}
    for each in told:
        for problem, row in zip(each.run.tasks[name].problems, each.scores[name], strict=True):
            for group, value in problem.groups.items():
                members.setdefault(group, {}).setdefault(value, {}).setdefault(each.letter, []).append((problem, row))

    def of_run(run: str, pairs: list[tuple[RunProblem, np.ndarray]], over: str) -> Scored:
        rows = by_question(*zip(*pairs, strict=True))
        found = estimate(rows)
        return scored(run, found, rows, published=published[run](name, found, over))

    return {
        group: {
            value: [of_run(run, pairs, f"{group}={value}") for run, pairs in of_runs.items()]
            for value, of_runs in sorted(values.items(), key=lambda item: group_order(item[0]))
        }
        for group, values in members.items()
        if group != QUESTION and 1 < len(values) <= GROUPS_MOST
    }
