"""A run as it lies in a data set repository: which files, what is left out, and its lines in the card's table."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.hub.rows import parquet_bytes, rows
from lighteval_r1.numbers.scores import note_of, task_row
from lighteval_r1.numbers.tables import intervals, percent
from lighteval_r1.records import ADDED, Estimate, Run, TaskRun, in_words
from lighteval_r1.runs.locate import RunFiles
from lighteval_r1.runs.smells import task_smells

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


def published_run(run: Run, files: RunFiles, *, gated: Iterable[str], include_gated: bool) -> PublishedRun:
    """The run's part of the repository. gated: names of tasks whose questions are not to be shown in clear."""
    split, names = split_name(files), set(gated)
    withheld = {
        task
        for task in (*run.tasks, *files.details)
        if not include_gated and (task_name(task) in names or GATED_NAMES.search(task))
    }
    contents: dict[str, bytes | Path] = {f"lighteval/{split}/{files.results.name}": files.results}
    contents |= {f"lighteval/{split}/{path.name}": path for task, path in files.details.items() if task not in withheld}
    lines = []
    for task in run.tasks.values():
        config = config_name(task.task)
        contents[f"rows/{config}/{split}.parquet"] = parquet_bytes(rows(run, task, clear=task.task not in withheld))
        score = pass_at_1(task)
        lines.append(
            (
                config,
                split,
                run.model,
                str(len(task.problems)),
                str(len(task.samples)),
                score_in_words(score),
                ". ".join(
                    filter(
                        None,
                        [
                            part_in_words(task),
                            settings_in_words(run),
                            note_of(task),
                            *map(str, task_smells(task.task, task)),
                        ],
                    )
                ),
            )
        )
    return PublishedRun(split, [config for config, *_ in lines], contents, lines, sorted(withheld))


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


def task_name(task: str) -> str:
    """ "r1_aime24@n=4|0" -> "r1_aime24"."""
    return task.split("|")[0].split("@")[0]


def config_name(task: str) -> str:
    """ "r1_aime24|0" -> "r1_aime24": what load_dataset takes."""
    return re.sub(r"\W+", "_", task.removesuffix("|0")).strip("_")


def split_name(files: RunFiles) -> str:
    """Sorts by date; 8 digits of the results file keep two runs of one microsecond apart."""
    digest = hashlib.sha256(files.results.read_bytes()).hexdigest()[:8]
    return re.sub(r"\W+", "_", f"{files.date}_{digest}")
