"""A run as it lies in a data set repository: which files, what is left out, and its lines in the card's table."""

import hashlib
import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from lighteval_r1.hub.rows import RowsFile, rows_of
from lighteval_r1.numbers.scores import note_of, task_row
from lighteval_r1.numbers.tables import intervals, percent
from lighteval_r1.records import ADDED, Estimate, Run, RunProblem, TaskRun, UserError, in_words
from lighteval_r1.runs.locate import RunFiles, task_name
from lighteval_r1.runs.reading import read_run
from lighteval_r1.runs.smells import of_texts, task_smells

# Names that a task of another tool has for the questions of a gated data set.
GATED_NAMES = re.compile(r"gpqa", re.IGNORECASE)


@dataclass(frozen=True)
class PublishedRun:
    """files: path there -> bytes, or the local file. lines: of the card's table. withheld: tasks without texts."""

    split: str
    configs: list[str]
    files: dict[str, bytes | Path]
    lines: list[tuple[str, ...]]
    withheld: list[str]


@dataclass
class Rows:
    """The rows of a run's tasks, written as its problems are read; no problem's texts are kept.

    smells: what each sample's texts smell of, by task, then by problem and index.
    """

    folder: Path
    withholds: Callable[[str], bool]
    files: ExitStack
    by_task: dict[str, RowsFile] = field(default_factory=dict)
    smells: dict[str, dict[tuple[str, int], frozenset[str]]] = field(default_factory=dict)

    def path(self, task: str) -> Path:
        return self.folder / f"{config_name(task)}.parquet"

    def keep(self, model: str, task: str, problem: RunProblem, details: dict) -> RunProblem:
        """Writes the problem's rows; the problem without its texts."""
        if task not in self.by_task:
            self.by_task[task] = self.files.enter_context(closing(RowsFile(self.path(task))))
        for row in rows_of(problem, details, clear=not self.withholds(task)):
            self.by_task[task].add(row | {"model": model, "task": task})
        smells = self.smells.setdefault(task, {})
        smells |= {(problem.id, sample.index): of_texts(problem, sample) for sample in problem.samples}
        return without_texts(model, task, problem, details)


def without_texts(_model: str, _task: str, problem: RunProblem, _details: dict) -> RunProblem:
    samples = [replace(sample, reply="", token_ids=None) for sample in problem.samples]
    return replace(problem, prompt="", samples=samples)


def published_run(
    files: RunFiles, folder: Path, *, gated: Iterable[str], include_gated: bool = False, with_details: bool = False
) -> PublishedRun:
    """The run's part of the repository; its rows are written into the folder.

    gated: names of tasks whose questions are not to be shown in clear. with_details: LightEval's own details, too.
    """
    if not files.details:
        raise UserError(f"{files.results} was pushed as rows; name the output folder of the run itself.")
    split, names = split_name(files), set(gated)

    def withholds(task: str) -> bool:
        return not include_gated and (task_name(task) in names or GATED_NAMES.search(task) is not None)

    try:
        with ExitStack() as stack:
            rows = Rows(folder, withholds, stack)
            run = read_run(files.results, keep=rows.keep)
    except OSError as error:
        raise UserError(f"cannot write rows to {folder}: {error.strerror}. TMPDIR names another place.") from None
    contents: dict[str, bytes | Path] = {f"lighteval/{split}/{files.results.name}": files.results}
    for task, path in files.details.items():
        if with_details and not withholds(task):
            contents[f"lighteval/{split}/{path.name}"] = path
    lines = []
    for task in run.tasks.values():
        config = config_name(task.task)
        contents[f"rows/{config}/{split}.parquet"] = rows.path(task.task)
        lines.append((config, split, run.model, *line_of(run, task, smells=rows.smells[task.task])))
    return PublishedRun(split, [config for config, *_ in lines], contents, lines, sorted(filter(withholds, run.tasks)))


def line_of(run: Run, task: TaskRun, *, smells: dict[tuple[str, int], frozenset[str]]) -> tuple[str, ...]:
    """What the card's table says of a task, from the number of its problems on."""
    score = pass_at_1(task)
    said = map(str, task_smells(task.task, task, texts=smells))
    return (
        str(len(task.problems)),
        str(len(task.samples)),
        score_in_words(score) + (" (adaptive)" if task.adaptive else ""),
        ". ".join(filter(None, [part_in_words(task), settings_in_words(run), note_of(task), *said])),
    )


def pass_at_1(task: TaskRun) -> Estimate | None:
    """None while a sample is owed or has no grade: there is no score yet."""
    return None if task.owed or not task.samples else task_row(task).pass_at_1


def score_in_words(score: Estimate | None) -> str:
    """ "58.0 (95 %: 49.8 to 65.8, other problems 41.0 to 73.3)"; "–" where there is no score."""
    if score is None:
        return percent(None)
    same, others = intervals(score)
    return f"{percent(score.value)} (95 %: {same}, other problems {others})"


def settings_in_words(run: Run) -> str:
    """ "temperature 0.6, max tokens 32768": those that a reader of a score asks for, as far as the run says them."""
    names = ("temperature", "top_p", "max_tokens", "revision", *ADDED)
    known = {name: run.settings.get(name, ADDED.get(name)) for name in names}
    return ", ".join(
        f"{name.replace('_', ' ')} {in_words(value)}" for name, value in known.items() if value != ADDED.get(name)
    )


def part_in_words(task: TaskRun) -> str:
    return f"only {task.part} of its problems" if task.part else ""


def config_name(task: str) -> str:
    """ "r1_aime24|0" -> "r1_aime24": what load_dataset takes."""
    return re.sub(r"\W+", "_", task.removesuffix("|0")).strip("_")


def split_name(files: RunFiles) -> str:
    """Sorts by date; 8 digits of the results file keep two runs of one microsecond apart."""
    digest = hashlib.sha256(files.results.read_bytes()).hexdigest()[:8]
    return re.sub(r"\W+", "_", f"{files.date}_{digest}")
