"""The runs that lie under a folder, with the figures of their tables.

Of a finished run these are read from its results file alone: reading the replies of five hundred runs takes minutes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from lighteval_r1.numbers.scores import task_row
from lighteval_r1.outside.folders import files_below
from lighteval_r1.records import Estimate, Run, TaskRun
from lighteval_r1.runs.grades_file import grades_path
from lighteval_r1.runs.locate import DETAILS, RESULTS, place_in, results_in
from lighteval_r1.runs.pairing import n_of
from lighteval_r1.runs.reading import journals_of, read_run, short_name
from lighteval_r1.runs.results_file import Figures, SaidTask, read_results
from lighteval_r1.runs.scored_runs import scored
from lighteval_r1.sampling.journal_files import JOURNALS_FILE


@dataclass(frozen=True)
class TaskFigures:
    """One task of a run. conditions: under what it was asked, by name; two runs are alike where these are.

    truncated, no_answer: shares of the samples; they and mean_tokens are None where the run does not say.
    """

    estimate: Estimate
    conditions: dict[str, str]
    truncated: float | None = None
    no_answer: float | None = None
    mean_tokens: float | None = None
    partial: bool = False


@dataclass(frozen=True)
class RunFigures:
    """One run. source: what read_run reads it from. run: without its tasks. written: when, ISO, to the minute."""

    source: Path
    run: Run
    written: str
    tasks: dict[str, TaskFigures]


def sources_under(folder: Path) -> list[Path]:
    """What lies there: results files, output folders of runs under way, and files of replies that `score` graded."""
    results = results_in(folder)
    under_way = [path.parent for path in files_below(folder, JOURNALS_FILE) if journals_of(path.parent)]
    replies = [
        path.with_name(path.name.removesuffix(".grades.jsonl")) for path in files_below(folder, "*.grades.jsonl")
    ]
    return [*results, *under_way, *(path for path in replies if path.is_file() and not DETAILS.fullmatch(path.name))]


def holds_several(folder: Path) -> bool:
    """Whether more than one output folder, or more than one model in one, lies there."""
    places = {place_of(source) for source in sources_under(folder)}
    return len({place for place, _ in places}) > 1 or len({model for _, model in places if model is not None}) > 1


def place_of(source: Path) -> tuple[Path, str | None]:
    """The output folder that a run lies in, and the model's part of its path; a file of replies is its own place."""
    if source.is_dir() or not RESULTS.fullmatch(source.name):
        return source, None
    place = place_in(source, "results")
    return (place[0], str(place[1])) if place else (source.parent.parent, None)


def run_figures(source: Path) -> RunFigures:
    """UserError where source cannot be read or holds no grade."""
    if source.is_file() and (match := RESULTS.fullmatch(source.name)):
        day, _, time = match["date"].partition("T")
        written = f"{day} {time[:5].replace('-', ':')}"
        return from_results(source, written=written) or from_replies(source, written=written)
    changed = (source / JOURNALS_FILE if source.is_dir() else grades_path(source)).stat().st_mtime
    return from_replies(source, written=f"{datetime.fromtimestamp(changed):%Y-%m-%d %H:%M}")


def from_results(path: Path, *, written: str) -> RunFigures | None:
    """By what our engine wrote; None of another engine's run, and of one without intervals."""
    results = read_results(path)
    tasks = {}
    for name, said in results.ours.tasks.items():
        estimate, figures = said.estimates.get("pass@1"), results.results.get(name, Figures())
        if estimate is None or estimate.same_problems is None:
            return None
        tasks[short_name(name) if short_name(name) not in tasks else name] = TaskFigures(
            estimate=estimate,
            conditions=conditions(said, version=results.version(name), n=said.n, n_problems=estimate.n_problems),
            truncated=figures.truncated,
            no_answer=figures.no_answer,
            mean_tokens=figures.output_tokens,
        )
    run = Run(results.model, str(path), results.config.settings, {}, {})
    return RunFigures(path, run, written, tasks) if tasks else None


def conditions(task: SaidTask | TaskRun, *, version: int, n: int | str, n_problems: int) -> dict[str, str]:
    return {
        "task version": str(version or ""),
        "n": str(n or ""),
        "problems": str(n_problems),
        "prompts": task.prompts_sha256,
        "data": task.data_sha256,
        "part": task.part,
    }


def from_replies(source: Path, *, written: str) -> RunFigures:
    told = scored("", read_run(source), partial=True)
    tasks = dict(figures_of(told.run.tasks, told.scores, told.partial))
    return RunFigures(source, replace(told.run, tasks={}), written, tasks)


def figures_of(tasks: dict[str, TaskRun], scores: dict, partial: dict[str, str]) -> Iterator[tuple[str, TaskFigures]]:
    for name, task in tasks.items():
        row = task_row(task, scores=scores[name])
        n = row.pass_at_1.n_samples
        yield (
            name,
            TaskFigures(
                estimate=row.pass_at_1,
                conditions=conditions(
                    task, version=task.version, n=task.n or n_of(task), n_problems=len(task.problems)
                ),
                truncated=None if row.truncated is None else row.truncated / n,
                no_answer=None if row.no_answer is None else row.no_answer / n,
                mean_tokens=row.mean_tokens,
                partial=bool(partial[name]),
            ),
        )
