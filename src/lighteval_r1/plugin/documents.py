"""Tasks and problems as LightEval's configurations and documents."""

import json
import os
from functools import partial

import numpy as np
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

from lighteval_r1.engines import MAX_TOKENS
from lighteval_r1.graders import GRADERS
from lighteval_r1.numbers.scores import problem_figures
from lighteval_r1.outside.hub_files import hf_home
from lighteval_r1.outside.words import plain_errors, storable
from lighteval_r1.plugin.metrics import metrics
from lighteval_r1.records import DETAIL_FIELDS, Problem, RunProblem, sha256, to_record
from lighteval_r1.tasks import Task
from lighteval_r1.tasks.task import local_file, task_rows


class ProblemDoc(Doc):
    """A Doc that knows its Problem and Task. Attributes, not fields: hidden tests must not reach the details file."""

    problem: Problem
    task: Task
    figures: dict[str, float] | None = None
    scores: np.ndarray

    def take(self, result: RunProblem) -> None:
        """The graded samples of this problem: for the details file, and as figures for the metrics."""
        self.specific["samples"] = [storable(to_record(sample, DETAIL_FIELDS)) for sample in result.samples]
        self.figures, self.scores = problem_figures(result), result.scores


def to_doc(row: dict, task_name: str, *, task: Task) -> ProblemDoc:
    problem = plain_errors(task.problem)(row)
    doc = ProblemDoc(
        task_name=task_name,
        # Parquet holds no half characters; the problem itself stays as it came.
        query=storable(problem.prompt),
        choices=[storable(GRADERS[problem.grader].shown_gold(problem.gold))],
        gold_index=0,
        specific={
            "problem_id": problem.id,
            "name": storable(problem.name),
            "grader": problem.grader,
            "groups": json.dumps(storable(problem.groups), ensure_ascii=False),
        },
    )
    doc.problem, doc.task = problem, task
    return doc


def stage(task: Task) -> str | None:
    """A folder that `datasets.load_dataset` reads the task's local rows from; None where the Hub is read."""
    path = None if task.is_remade else local_file(task)
    if path is None and task.rows is None and not task.is_remade:
        return None
    if path is not None:
        stat = path.stat()
        key = sha256([str(path), stat.st_mtime_ns, stat.st_size])[:16]
    else:
        # a data set of the Hub may hold dates
        rows = "".join(json.dumps(row, default=str) + "\n" for row in task_rows(task))
        key = sha256(rows)[:16]
    folder = hf_home() / "lighteval_r1_data" / f"{task.file}-{task.split}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f"{task.split}{path.suffix if path else '.jsonl'}"
    if not staged.exists():
        draft = folder.parent / f".{folder.name}.{os.getpid()}"
        draft.symlink_to(path) if path else draft.write_text(rows)
        draft.replace(staged)
    return str(folder)


def task_config(task: Task, folder: str | None) -> LightevalTaskConfig:
    return LightevalTaskConfig(
        name=task.name,
        prompt_function=partial(to_doc, task=task),
        hf_repo=folder or task.repo,
        hf_subset="default" if folder else task.subset,
        hf_avail_splits=[task.split],
        evaluation_splits=[task.split],
        hf_filter=task.keep,
        few_shots_split=None,
        few_shots_select=None,
        generation_size=MAX_TOKENS,
        stop_sequence=[],
        metrics=metrics(task),
        version=task.version,
    )
