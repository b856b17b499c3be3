"""Runs with their scores, as compare tells them: read, lettered, and refused while samples are owed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase

import numpy as np

from lighteval_r1.numbers.baselines import Baseline, nearest, of_model
from lighteval_r1.records import NOT_DRAWN, Run, TaskRun, Unfinished, UserError
from lighteval_r1.runs.locate import HUB
from lighteval_r1.runs.pairing import metric_scores
from lighteval_r1.runs.reading import read_run


@dataclass(frozen=True)
class ScoredRun:
    """A run as it is told: what it is called, its scores per task, and per task what is missing ("" where nothing is).

    letter: "A", "B", … in a comparison, a label in a report. scores: [n_problems][n graded samples] of run's problems;
    problems without a grade are left out of both.
    """

    letter: str
    run: Run
    scores: dict[str, list[np.ndarray]]
    partial: dict[str, str]
    notes: tuple[str, ...]


def sorted_out(sources: Sequence[str], rows: Sequence[Baseline]) -> tuple[list[Run], list[str]]:
    runs, models = [], []
    for source in sources:
        may_be_model = not source.startswith(HUB) and not Path(source).expanduser().exists()
        if may_be_model and of_model(source, rows):
            models.append(source)
            continue
        try:
            runs.append(read_run(source))
        except UserError as error:
            near = nearest(source, rows) if may_be_model else []
            hint = f" Published models of a near name: {', '.join(near)}." if near else ""
            raise UserError(f"{error}{hint}") from None
    return runs, models


def letter_of(place: int) -> str:
    """A to Z, then A2, …"""
    return ascii_uppercase[place % 26] + (str(place // 26 + 1) if place >= 26 else "")


def scored(letter: str, run: Run, *, partial: bool, purpose: str = "compare") -> ScoredRun:
    """The run's scores. UserError where it has no grades and LightEval's own do not say how many samples were right.

    purpose: what the scores are for, as a refusal says it.
    """
    scores, missing, notes = {}, {}, []
    tasks = {}
    for name, task in run.tasks.items():
        ungraded = not any(sample.outcome for sample in task.samples)
        if ungraded and task.samples and any(problem.metric for problem in task.problems):
            implied = metric_scores(task)
            if implied is None:
                metrics = ", ".join(sorted(task.problems[0].metric))
                raise UserError(
                    f"{name} of {run.path} has no grades, and its own metrics ({metrics}) do not say for certain how "
                    "many samples were right. Grade it: lighteval-r1 score DETAILS.parquet --task TASK."
                )
            metric, scores[name] = implied
            notes.append(f"{name} was graded by LightEval's own {metric}.")
            owes = [words for words in task.owed if NOT_DRAWN in words]
        else:
            owes = task.owed
            task = replace(task, problems=[problem for problem in task.problems if problem.graded]) if owes else task
            scores[name] = [problem.scores for problem in task.problems]
        missing[name] = owed_words(run.tasks[name], owes)
        if owes and not partial:
            raise Unfinished(
                f"{name} of {run.path}: {missing[name]}, so there is no score yet. Run the same command again to draw "
                f"and grade only these, or {purpose} what there is with --partial."
            )
        if scores[name]:
            tasks[name] = task
    if not tasks:
        raise UserError(f"{run.path} holds no graded sample.")
    if run.n_runs > 1:
        notes.append(f"it is the newest of {run.n_runs} runs in its folder; name a results_<date>.json for another.")
    if run.missing:
        notes.append(f"it does not say: {', '.join(run.missing)}.")
    return ScoredRun(letter, replace(run, tasks=tasks), scores, missing, tuple(notes))


def owed_words(task: TaskRun, owes: Sequence[str]) -> str:
    if not owes:
        return ""
    n_all = len(task.samples) + sum(NOT_DRAWN in words for words in owes)
    return f"{len(owes)} of {n_all} samples are owed or ungraded, first {owes[0]}"
