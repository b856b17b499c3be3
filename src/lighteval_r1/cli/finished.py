"""A run of which nothing is owed and whose results are there: its table from the journals, without LightEval."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lighteval_r1 import __version__
from lighteval_r1.numbers.scores import run_table, task_row
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import tell
from lighteval_r1.records import TaskRun, UserError
from lighteval_r1.runs.journals import journal_run
from lighteval_r1.runs.locate import results_in
from lighteval_r1.runs.results_file import Ours, read_results
from lighteval_r1.sampling.journal_files import journal_folder, read_asked, settings_of
from lighteval_r1.tasks.specs import TaskSpec
from lighteval_r1.tasks.task import rows_at_hand


def finished_table(
    output_dir: Path, specs: Sequence[TaskSpec], *, cache_dir: str, same: Callable[[Ours], bool]
) -> str | None:
    """None where LightEval must run: for samples or grades that are owed, for results of other ones, or damaged ones.

    same: whether what the newest results say of their run is what is asked now.
    """
    files = results_in(output_dir)
    if not files or variables.SHARD.value() is not None:
        return None
    newest = files[-1]
    try:
        ours = read_results(newest).ours
    except UserError:
        # a disk that was full cut it off
        return None
    if ours.version != __version__ or len(ours.tasks) != len(specs) or not same(ours):
        return None
    settings = settings_of(ours.settings, where=newest)
    task_runs = []
    for spec in specs:
        task_run = finished_task(spec, journal_folder(cache_dir, task=spec.task.name, settings=settings))
        if task_run is None:
            return None
        there = ours.tasks.get(task_run.task)
        if there is None or (there.prompts_sha256, there.weight) != (task_run.prompts_sha256, task_run.weight):
            return None
        task_runs.append(task_run)
    tell(f"Nothing is owed: this is the table of the journals. The results are in {newest}.")
    task_runs.sort(key=lambda task_run: task_run.task)
    return run_table(task_runs, [task_row(task_run) for task_run in task_runs])


def finished_task(spec: TaskSpec, folder: Path) -> TaskRun | None:
    """The journal's samples; None where any of the task's, as its data are now, is missing or has no grade."""
    asked = read_asked(folder) if folder.is_dir() else None
    if asked is None or (asked.n, asked.version, asked.error) != (
        spec.n,
        spec.task.version,
        variables.ERROR.value(),
    ):
        return None
    rows = rows_at_hand(spec.task)
    if rows is None or {spec.task.problem(row).id for row in rows} != set(asked.problem_ids):
        return None
    (task_run,) = journal_run([folder], texts=False).tasks.values()
    if task_run.owed:
        return None
    part, weight = spec.task.part(len(asked.problem_ids)), spec.task.weight
    return replace(task_run, task=f"{spec.task.name}|0", part=part, weight=weight)
