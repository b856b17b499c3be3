"""Looks at a command before anything slow begins: are its tasks, samples and data sets there?"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.confined.connection import level as confinement_level
from lighteval_r1.outside.hub_files import token
from lighteval_r1.outside.hub_repositories import why_no_data
from lighteval_r1.outside.user_files import read_text
from lighteval_r1.outside.words import tell
from lighteval_r1.records import MOST_SAMPLES, UserError
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.portion import asking, query, unpacked
from lighteval_r1.tasks.task import ENDINGS, Task, check_local_file, is_address, local_file, task_rows

# What a task's specification says beside its number of samples, as one word that LightEval takes: it knows no such
# option and hands the text on.
ASKS = "asks"


@dataclass(frozen=True)
class TaskSpec:
    """A task as it is asked for on the command line: "r1_aime24@n=16|0"."""

    task: Task
    n: int

    def __str__(self) -> str:
        """As LightEval takes it, and parse_spec reads it again."""
        asks = f"@{ASKS}='{query(self.task)}'" if self.task.portion or self.task.weight else ""
        return f"{self.task.name}@n={self.n}{asks}|0"


def expand(tasks: str) -> list[str]:
    """The task specifications that LightEval would read: comma-separated, or lines of a file; a file of problems is
    one. A suite's (.yaml) say which problems are asked, and weights."""
    if tasks.startswith("suite:") or tasks.endswith((".yaml", ".yml")):
        from lighteval_r1.tasks.suites import read_suite

        return read_suite(tasks)
    if os.path.isfile(tasks) and not is_address(tasks):
        if Path(tasks).suffix not in ("", ".txt"):
            endings = ", ".join(ENDINGS)
            raise UserError(f"{tasks}: problems of one's own are read from {endings}, a suite from .yaml.")
        lines = read_text(tasks, what="the list of tasks").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [spec.strip() for spec in tasks.split(",")]


def parse_spec(spec: str, *, builtin: Collection[str] = ()) -> TaskSpec | None:
    """The specification as one of our tasks; None where it is one of LightEval's own. UserError where it is neither.

    Also as other versions write it: "lighteval|aime24|0|0", "custom|aime24|0".
    """
    parts = spec.split("|")
    suite, parts = (parts[0], parts[1:]) if len(parts) > 2 else ("", parts)
    name, *options = parts[0].split("@")
    if name in builtin:
        return None
    if len(parts) > 1 and parts[1] != "0":
        raise UserError(f"{spec}: reasoning models are asked without examples; write {name}|0.")
    task = TASKS.get(name)
    if task is None:
        # Words that people use, windows, tasks and problems of one's own: what a task's full name has no need of.
        from lighteval_r1.tasks.names import task_named

        task = task_named(name)
    if suite and (twin := task.name.replace("r1_", "openr1_", 1)) in TASKS:
        tell(f"{spec} is asked as {task.name}; open-r1's prompt for it is {twin}.")
    n, said = numbered(task, options, spec=spec)
    return TaskSpec(asking(task, said, spec=spec) if said else task, n)


def numbered(task: Task, options: Sequence[str], *, spec: str) -> tuple[int, dict[str, list[str]]]:
    """Samples per problem, and the options that say which problems are asked."""
    n, said = task.n, {}
    for option in filter(None, options):
        key, _, value = option.partition("=")
        if key == ASKS:
            said |= unpacked(value.strip("'"))
        elif key != "n":
            said.setdefault(key, []).append(value)
        elif not re.fullmatch(r"\d{1,6}", value) or not 1 <= int(value) <= MOST_SAMPLES:
            raise UserError(
                f"{spec}: n={value} is not a number of samples; it must be a whole number from 1 to {MOST_SAMPLES:,}."
            )
        else:
            n = int(value)
    return n, said


def same_reply(name: str, n: int) -> UserError:
    return UserError(
        f"temperature 0 draws the same reply {n} times. Ask for one sample ({name}@n=1|0) or set a temperature above 0 "
        "(DeepSeek recommends 0.6)."
    )


def check_confinement(tasks: Iterable[Task]) -> str:
    """What confines the programs that a model will write; "" where no task has any. UserError where nothing does."""
    return confinement_level() if any(task.grader.confined for task in tasks) else ""


def say_confinement(tasks: Iterable[Task]) -> None:
    """Prints what confines programs, where a task has any. UserError where nothing does."""
    if level := check_confinement(tasks):
        tell(f"Confinement of generated programs: {level}.")


def check_data(task: Task) -> None:
    """UserError unless the task's rows can be had: from LIGHTEVAL_R1_DATA, the package, the Hub or its cache."""
    path = local_file(task)
    if path is not None:
        check_local_file(task, path)
    elif task.rows is None:
        check_hub_data(task)
    if task.portion is not None:
        task_rows(task)


def place(task: Task) -> str:
    return f"{task.name} reads the data set {task.repo} ({task.subset})"


def elsewhere(task: Task) -> str:
    return f"Without internet, set LIGHTEVAL_R1_DATA to a folder with {task.file}.jsonl in the data set's own columns."


def check_asked_of_hub(task: Task) -> None:
    """UserError where the Hub will not give the task's rows; it is found out without loading them."""
    if task.gated and token() is None:
        raise UserError(
            f"{place(task)}, which is gated, and there is no Hugging Face token. Ask for access at "
            f"https://huggingface.co/datasets/{task.repo}, then run `hf auth login` or set HF_TOKEN; "
            f"or set LIGHTEVAL_R1_DATA to a folder with {task.file}.jsonl."
        )
    if why := why_no_data(task.repo):
        raise UserError(f"{place(task)}: {why}. {elsewhere(task)}")


def check_hub_data(task: Task) -> None:
    check_asked_of_hub(task)
    import datasets

    try:
        rows = datasets.load_dataset(task.repo, task.subset)[task.split]
    except (datasets.exceptions.DatasetNotFoundError, ConnectionError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{place(task)}, which cannot be loaded: {reason}. {elsewhere(task)}") from None
    missing = [column for column in task.columns if column not in rows.column_names]
    if missing:
        raise UserError(f"{place(task)}, which has no column {missing[0]!r} (it has {', '.join(rows.column_names)}).")
