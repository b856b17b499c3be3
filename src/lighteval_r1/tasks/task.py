"""Task: a data set, a prompt, a grader and the number of samples; and its check."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from lighteval_r1.graders import Grader
from lighteval_r1.outside import variables
from lighteval_r1.records import Outcome, Problem, UserError, sha256

# DeepSeek's recommendation for R1 and its distilled models: no system prompt, this sentence in the user turn.
# Source: https://huggingface.co/deepseek-ai/DeepSeek-R1, "Usage Recommendations".
DEEPSEEK_PROMPT = "{problem}\nPlease reason step by step, and put your final answer within \\boxed{{}}."


@dataclass(frozen=True)
class Task:
    """One benchmark as it is asked here.

    repo, subset, split: where the Hub keeps it. file: its name, without ending, under LIGHTEVAL_R1_DATA.
    columns: what a row must have, the question's first. read: row and prompt template -> Problem, without its grader.
    n: samples per problem where none is asked. groups: names of the groups that rows fall in, with their values.
    known_data: the SHA-256 of the complete data set where it was measured, else "". reference: a reply that holds the
    gold answer, for `check`.
    """

    name: str
    repo: str
    subset: str
    split: str
    file: str
    columns: tuple[str, ...]
    prompt: str
    read: Callable[[dict, str], Problem]
    grader: Grader
    n: int
    version: int
    licence: str
    n_problems: int
    known_data: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reference: Callable[[Problem], str] | None = None
    gated: bool = False
    rows: Callable[[], list[dict]] | None = None  # for tasks whose rows ship with this package

    @property
    def question(self) -> str:
        """The column that holds what is asked, without the prompt around it."""
        return self.columns[0]

    def problem(self, row: dict) -> Problem:
        """The row as a Problem; UserError where a column is missing or empty."""
        missing = [column for column in self.columns if row.get(column) is None]
        if missing:
            raise UserError(
                f"{self.name}: a row has no column {missing[0]!r} (it has {', '.join(sorted(row)) or 'none'}). "
                f"Needed: {', '.join(self.columns)}."
            )
        return replace(self.read(row, self.prompt), grader=self.grader.name)

    def check(self, problems: list[Problem]) -> list[str]:
        """What is wrong with the task itself: golds its own grader does not accept; [] is right."""
        faults = []
        for problem in problems:
            empty = self.grader.grade_reply("", problem.gold)
            if empty.outcome is not Outcome.NO_ANSWER:
                faults.append(f"{problem.name}: an empty reply is graded {empty.outcome}, not no_answer")
            if self.reference is None:
                continue
            found = self.grader.grade_reply(self.reference(problem), problem.gold)
            if found.outcome is not Outcome.CORRECT:
                faults.append(f"{problem.name}: gold {problem.gold[:60]!r} is graded {found.outcome} ({found.step})")
        return faults


def row_sha256(*parts: str) -> str:
    """White space and leading zeros of integers differ between mirrors of one data set and do not count."""
    texts = [" ".join(str(part).split()) for part in parts]
    return sha256([str(int(text)) if text.isascii() and text.isdigit() else text for text in texts])


def boxed_reference(problem: Problem) -> str:
    return f"<think>\nThis is known.\n</think>\n\nThe answer is $\\boxed{{{problem.gold}}}$."


def local_file(task: Task) -> Path | None:
    """The task's file under LIGHTEVAL_R1_DATA; None where that is not set. UserError where it lacks the file."""
    folder = variables.DATA.value()
    if not folder or task.rows is not None:
        return None
    for ending in (".jsonl", ".parquet"):
        path = Path(folder).expanduser() / (task.file + ending)
        if path.is_file():
            return path.resolve()
    raise UserError(
        f"LIGHTEVAL_R1_DATA={folder} has no {task.file}.jsonl (or .parquet), which {task.name} reads. "
        "Put the file there, or unset LIGHTEVAL_R1_DATA to read the Hub."
    )


def task_rows(task: Task) -> list[dict]:
    """All rows of the task: from the package, LIGHTEVAL_R1_DATA, or the Hub."""
    if task.rows is not None:
        return task.rows()
    path = local_file(task)
    if path is not None:
        return list(local_rows(path))
    import datasets

    return list(datasets.load_dataset(task.repo, task.subset)[task.split])


def rows_at_hand(task: Task) -> list[dict] | None:
    """All rows of the task without asking the network: None where neither package, LIGHTEVAL_R1_DATA nor cache has
    them."""
    import datasets

    try:
        if task.rows is not None or local_file(task) is not None:
            return task_rows(task)
        cached = datasets.DownloadConfig(local_files_only=True)
        return list(datasets.load_dataset(task.repo, task.subset, download_config=cached)[task.split])
    except (UserError, datasets.exceptions.DatasetNotFoundError, ConnectionError, OSError, ValueError, KeyError):
        return None


def check_local_file(task: Task, path: Path) -> None:
    """UserError, naming file and line, unless the file's rows can be read and have the task's columns."""
    for number, row in enumerate(local_rows(path), start=1):
        missing = [column for column in task.columns if row.get(column) is None]
        if missing:
            raise UserError(
                f"{path}, row {number}: no column {missing[0]!r}, which {task.name} needs "
                f"(the row has {', '.join(sorted(row)) or 'none'})."
            )


def local_rows(path: Path) -> Iterator[dict]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as parquet

        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            yield from batch.to_pylist()
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path}, line {number}: not JSON ({error.msg}). One object a line is expected."
                ) from None
            if not isinstance(row, dict):
                raise UserError(f"{path}, line {number}: a {type(row).__name__}, not an object.")
            yield row
