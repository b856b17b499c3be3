"""Any run as one Run: a journal (also one that is being written), LightEval's files, graded replies, pushed rows.

What a run does not say is None in its samples, and is named in Run.missing. Reading takes no lock and writes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from lighteval_r1.graders import GRADERS
from lighteval_r1.records import SPLIT_FIELDS, Run, RunProblem, TaskRun, UserError
from lighteval_r1.runs.grades_file import grades_path, read_lines, with_grades
from lighteval_r1.runs.journals import journal_run, journals_under
from lighteval_r1.runs.locate import DETAILS, HUB, RunFiles, find, place_in, results_in
from lighteval_r1.runs.reply_files import is_details, read_replies
from lighteval_r1.runs.results_file import General, Results, SaidTask, read_results
from lighteval_r1.sampling.journal_files import JOURNALS_FILE, journals_named_in

# (model, task, problem, its row as it stands in LightEval's file) -> what is to be kept of the problem
Keep = Callable[[str, str, RunProblem, dict], RunProblem]

MISSING = {
    "outcome": "grades",
    "answer": "extracted answers",
    "finish_reason": "finish reasons",
    "n_tokens": "token counts",
    "seed": "seeds",
}


def read_run(source: str | Path, *, texts: bool = True, keep: Keep | None = None) -> Run:
    """The run that source names; of several in a folder, the newest. UserError where it names none.

    source: an output folder, a results or details file, a journal or the folder of a model's journals, a file that
    `lighteval-r1 score` graded, pushed rows, or a data set on the Hub. texts: whether prompts and golds are wanted.
    keep: what to keep of each problem of LightEval's files.
    """
    if not str(source).startswith(HUB):
        path = Path(source).expanduser()
        if path.is_dir() and (folders := journals_of(path)):
            return journal_run(folders, texts=texts)
        if path.is_file() and grades_path(path).is_file() and not (DETAILS.fullmatch(path.name) and is_details(path)):
            return graded_run(path)
    return lighteval_run(find(source), source=str(source), keep=keep)


def journals_of(folder: Path) -> list[Path]:
    """The journals that an output folder's run fills while it has no results yet, else those that lie in the folder."""
    results = results_in(folder)
    beside = folder / JOURNALS_FILE
    if beside.is_file() and not (results and results[-1].stat().st_mtime > beside.stat().st_mtime):
        return journals_named_in(beside)
    return [] if results else journals_under(folder)


def graded_run(path: Path) -> Run:
    """What `lighteval-r1 score` graded, with its grades."""
    from lighteval_r1.tasks.names import find

    lines = read_lines(path)
    name = lines[0].get("task", "") if lines else ""
    task = find(name)
    if task is None:
        said = f"names the task {name!r}, which is not known" if name else "does not say whose grader graded"
        raise UserError(f"{grades_path(path)} {said}. Grade anew: lighteval-r1 score {path} --task TASK.")
    task_run = read_replies(path, task, columns=lines[0].get("columns") or "")
    grades = {line["uid"]: line["grade"] for line in lines}
    read = {
        line["uid"]: {"thinking_opened": bool(line.get("thinking_opened"))}
        | {name: line[name] for name in SPLIT_FIELDS if name in line}
        for line in lines
    }
    problems = []
    for problem in task_run.problems:
        samples = [replace(sample, **read.get(sample.key, {"thinking_opened": False})) for sample in problem.samples]
        gold = GRADERS[problem.grader].shown_gold(problem.gold)
        problems.append(with_grades(replace(problem, gold=gold, samples=samples), grades))
    task_run = replace(task_run, problems=problems, version=int(lines[0].get("version") or 0))
    tasks = {name: task_run}
    return Run(path.stem, str(path), {}, {}, tasks, tuple(what_is_missing(tasks, settings={})))


def lighteval_run(files: RunFiles, *, source: str, keep: Keep | None = None) -> Run:
    """What LightEval's files say of a run, or rows that were pushed."""
    results = read_results(files.results) if files.results else Results(General())
    model = results.model or model_in_path(files)
    described = described_tasks(results)
    if files.rows:
        task_runs = tasks_of_rows(files, described={short_name(name): said for name, said in described.items()})
    else:
        task_runs = tasks_of_details(files, described=described, keep=partial(keep, model) if keep else None)
    settings = results.config.settings
    return Run(
        model=model,
        path=str(files.results or source),
        settings=settings,
        environment=results.ours.environment,
        tasks=task_runs,
        missing=tuple(what_is_missing(task_runs, settings=settings)),
        n_runs=files.n_runs,
    )


def described_tasks(results: Results) -> dict[str, SaidTask]:
    """What the results say of each task, by its full name."""
    said = results.ours.tasks
    return {
        name: replace(said.get(name, SaidTask()), version=results.version(name))
        for name in said.keys() | results.config_tasks.keys()
    }


def tasks_of_details(
    files: RunFiles, *, described: Mapping[str, SaidTask], keep: Callable[[str, RunProblem, dict], RunProblem] | None
) -> dict[str, TaskRun]:
    from lighteval_r1.runs.details_file import task_run

    tasks: dict[str, TaskRun] = {}
    for full_name, path in files.details.items():
        name = short_name(full_name) if short_name(full_name) not in tasks else full_name
        tasks[name] = task_run(name, path, described=described.get(full_name, SaidTask()), keep=keep)
    return tasks


def tasks_of_rows(files: RunFiles, *, described: Mapping[str, SaidTask]) -> dict[str, TaskRun]:
    """described: by the task's short name."""
    from lighteval_r1.runs.rows_file import task_of_rows

    read = [task_of_rows(path, described=described) for path in files.rows.values()]
    return {task_run.task: task_run for task_run in read}


def short_name(full_name: str) -> str:
    """ "r1_aime24@n=4|0" -> "r1_aime24": zero-shot needs no saying."""
    name, _, shots = full_name.partition("|")
    return name.split("@")[0] + (f"|{shots}" if shots not in ("", "0") else "")


def model_in_path(files: RunFiles) -> str:
    """The model as pushed rows or details/<model>/<date>/ name it, else the file's folder."""
    if files.rows:
        from lighteval_r1.runs.rows_file import model_of_rows

        return model_of_rows(files.rows.values())
    path = next(iter(files.details.values()))
    place = place_in(path, "details")
    return str(place[1].parent) if place else path.parent.name or "unknown model"


def what_is_missing(tasks: dict[str, TaskRun], *, settings: dict) -> Iterator[str]:
    if not settings:
        yield "settings"
    if not all(task.data_sha256 for task in tasks.values()):
        yield "data hash"
    samples = [sample for task in tasks.values() for sample in task.samples]
    for name, words in MISSING.items():
        if any(getattr(sample, name) is None for sample in samples):
            yield words
