"""What the grid reads: tasks with their problems, and per task and run the outcomes and excerpts of every sample."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lighteval_r1.graders import grader_named
from lighteval_r1.records import Outcome, RunProblem, Sample, TaskRun
from lighteval_r1.report.page.excerpts import Parts, excerpt, parts_of

# One letter per sample; reply.js says them in words.
LETTERS = {Outcome.CORRECT: "c", Outcome.WRONG: "w", Outcome.NO_ANSWER: "n", Outcome.UNDECIDED: "u"}
NOT_GRADED, NOT_DRAWN, TRUNCATED, CORRECT_BUT_CUT_OFF, NOT_SAID = "g", "o", "t", "C", "x"
# A prompt or gold longer than this is cut in the page.
LONGEST_PROMPT = 20_000
LONGEST_GOLD = 300


@dataclass(frozen=True)
class Table:
    """One task of one run, as the grid shows it. differs: ids of the problems on which it differs from `baseline`.

    counted: by id, how many samples are right of problems of which the run does not say which ones.
    """

    task: str
    run_label: str
    task_run: TaskRun
    baseline: str | None = None
    differs: frozenset[str] = frozenset()
    counted: Mapping[str, int] = field(default_factory=dict)

    def samples_of(self, problem: RunProblem) -> list[Sample | None]:
        """By index, as many as were asked for or drawn of this problem; None where one was not drawn."""
        samples = {sample.index: sample for sample in problem.samples}
        return [samples.get(index) for index in range(max(self.task_run.n, *(index + 1 for index in samples), 0))]


def letter(sample: Sample | None) -> str:
    if sample is None:
        return NOT_DRAWN
    if sample.outcome is None:
        return NOT_GRADED
    outcome = Outcome(sample.outcome)
    truncated = sample.finish_reason == "length"
    if outcome is Outcome.CORRECT:
        return CORRECT_BUT_CUT_OFF if truncated else LETTERS[outcome]
    # That the limit ended it says more than that no right answer stands in it.
    return TRUNCATED if truncated and outcome is not Outcome.UNDECIDED else LETTERS[outcome]


def grid_data(tables: Sequence[Table], *, task_names: Sequence[str]) -> dict:
    """What the page reads at once: problems and outcomes, no replies. Problems that runs share are written once."""
    problems: dict[str, dict[str, RunProblem]] = {name: {} for name in task_names}
    for table in tables:
        for problem in table.task_run.problems:
            problems[table.task].setdefault(problem.id, problem)
    places = {name: {problem_id: at for at, problem_id in enumerate(found)} for name, found in problems.items()}
    return {
        "tasks": [
            {"name": name, "problems": [_problem(problem) for problem in problems[name].values()]}
            for name in task_names
        ],
        "tables": [
            {
                "task": task_names.index(table.task),
                "run": table.run_label,
                "differs": table.baseline,
                "rows": [
                    _row(table, problem, place=places[table.task][problem.id]) for problem in table.task_run.problems
                ],
            }
            for table in tables
        ],
    }


def _row(table: Table, problem: RunProblem, *, place: int) -> dict:
    """right: how many samples are, where the cells do not say it."""
    cells = "".join(letter(sample) for sample in table.samples_of(problem))
    if problem.id not in table.counted:
        return {"problem": place, "cells": cells, "differs": problem.id in table.differs}
    cells = cells.replace(NOT_GRADED, NOT_SAID)
    return {
        "problem": place,
        "cells": cells,
        "differs": problem.id in table.differs,
        "right": table.counted[problem.id],
    }


def _problem(problem: RunProblem) -> dict:
    return {
        "name": problem.title,
        "prompt": _bounded(problem.prompt, LONGEST_PROMPT),
        "gold": _bounded(grader_named(problem.grader).shown_gold(problem.gold), LONGEST_GOLD),
        "groups": problem.groups,
    }


def _bounded(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}… ({len(text) - characters:,} more characters)"


def sample_data(
    table: Table, *, characters: int, keep: Callable[[int, list[Parts | None]], str | None]
) -> list[list[list | None]]:
    """Per problem and sample what the page holds of a reply (see excerptOf in grid.js); None where none was drawn.

    keep: called for each problem of which an excerpt leaves something out, with its place and its replies.
    """
    rows = []
    for place, problem in enumerate(table.task_run.problems):
        samples = table.samples_of(problem)
        replies = [None if sample is None else parts_of(sample) for sample in samples]
        row = [
            None if sample is None or parts is None else _sample(sample, parts, characters=characters)
            for sample, parts in zip(samples, replies, strict=True)
        ]
        if any(each is not None and each[-1] for each in row):
            keep(place, replies)
        rows.append(row)
    return rows


def _sample(sample: Sample, parts: Parts, *, characters: int) -> list:
    thinking, answer = excerpt(parts, characters=characters)
    cut = len(thinking or ()) > 1 or len(answer or ()) > 1
    extracted = _bounded(sample.answer or "", LONGEST_GOLD)
    lengths = [len(part or "") for part in parts]
    return [extracted, sample.n_tokens, sample.seed, sample.finish_reason, lengths, thinking, answer, cut]
