"""Task: a data set, a prompt, a grader and the number of samples; and its check."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import IO

from lighteval_r1.graders import Grader
from lighteval_r1.outside import variables
from lighteval_r1.records import Outcome, Problem, UserError, sha256
from lighteval_r1.tasks.portion import Portion

# DeepSeek's recommendation for R1 and its distilled models: no system prompt, this sentence in the user turn.
# Source: https://huggingface.co/deepseek-ai/DeepSeek-R1, "Usage Recommendations".
DEEPSEEK_PROMPT = "{problem}\nPlease reason step by step, and put your final answer within \\boxed{{}}."
# Of addresses of one's own problems.
HUB = "hf://datasets/"
ENDINGS = (".jsonl", ".csv", ".parquet")


@dataclass(frozen=True, kw_only=True)
class Task:
    """One benchmark as it is asked here.

    repo, subset, split: where the Hub keeps it. file: its name, without ending, under LIGHTEVAL_R1_DATA.
    columns: what a row must have, the question's first. read: row and prompt template -> Problem, without its grader.
    n: samples per problem where none is asked. groups: names of the groups that rows fall in, with their values.
    known_data: the SHA-256 of the complete data set where it was measured, else "". reference: a reply that holds the
    gold answer, for `check`, where the grader makes none. keep: which rows of the data set are the task's, where not
    all. tried: False where columns are those that were documented, and no row was ever seen. portion: which of its
    problems a run asks, where not all. weight: in the weighted mean of a suite; None where it has none. orders: in how
    many orders of its options each question is asked; each is a Problem of its own, made of a row with a column
    "order".
    """

    name: str
    repo: str
    subset: str = "default"
    split: str
    file: str
    columns: tuple[str, ...]
    prompt: str = DEEPSEEK_PROMPT
    read: Callable[[dict, str], Problem]
    grader: Grader
    n: int
    version: int
    licence: str
    n_problems: int = 0  # 0: it is not known before the rows are read
    known_data: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    reference: Callable[[Problem], str] | None = None
    gated: bool = False
    rows: Callable[[], list[dict]] | None = None  # for tasks whose rows ship with this package, or are one's own
    keep: Callable[[dict], bool] | None = None
    tried: bool = True
    portion: Portion | None = None
    weight: float | None = None
    orders: int = 1

    @property
    def is_remade(self) -> bool:
        """Whether its rows are made here of the data set's."""
        return self.portion is not None or self.orders > 1

    def part(self, n_asked: int) -> str:
        """Which of its problems are asked, in words; "" where all. n_asked: how many that are."""
        words = self.portion and self.portion.words(n_asked=n_asked, n_all=self.n_problems, orders=self.orders)
        return words or ""

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
            if self.reference is not None:
                reply = self.reference(problem)
            elif self.grader.reference is not None:
                reply = self.grader.reference(problem.gold)
            else:
                continue
            found = self.grader.grade_reply(reply, problem.gold)
            if found.outcome is not Outcome.CORRECT:
                faults.append(f"{problem.name}: gold {problem.gold[:60]!r} is graded {found.outcome} ({found.step})")
        return faults


# A row with 64 replies of 32,768 tokens has 10 million characters.
LONGEST_LINE = 2**28


def problem_of(prompt: str, question: str, gold: str, *hashed: str, **more) -> Problem:
    """The question in its prompt. hashed: what of the row, beside the question, makes it what it is; else the gold."""
    parts = hashed or (gold,)
    return Problem(prompt.format(problem=question), gold, row_sha256=row_sha256(question, *parts), **more)


def row_sha256(*parts: str) -> str:
    """White space and leading zeros of integers differ between mirrors of one data set and do not count."""
    texts = [" ".join(str(part).split()) for part in parts]
    return sha256([str(int(text)) if text.isascii() and text.isdigit() else text for text in texts])


def is_address(name: str) -> bool:
    """Whether a task of one's own is named, by where its rows are."""
    return name.startswith(HUB) or name.endswith(ENDINGS)


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
    """The rows of the task that are asked: from the package, LIGHTEVAL_R1_DATA, or the Hub."""
    if task.rows is not None:
        return asked(task, task.rows())
    path = local_file(task)
    if path is not None:
        return asked(task, local_rows(path))
    import datasets

    return asked(task, datasets.load_dataset(task.repo, task.subset)[task.split])


def asked(task: Task, rows: Iterable[dict]) -> list[dict]:
    rows = (row for row in rows if task.keep is None or task.keep(row))
    if task.portion is not None:
        rows = list(task.portion.chosen(rows, lambda row: task.problem(row).groups))
        if not rows:
            raise UserError(f"{task.name} has no problem of {task.portion.words(n_asked=0)}.")
    return [{**row, "order": order} for row in rows for order in range(task.orders)] if task.orders > 1 else list(rows)


def rows_at_hand(task: Task) -> list[dict] | None:
    """All rows of the task without asking the network: None where neither package, LIGHTEVAL_R1_DATA nor cache has
    them."""
    if task.rows is not None:
        return asked(task, task.rows())
    import datasets

    try:
        if local_file(task) is not None:
            return task_rows(task)
        cached = datasets.DownloadConfig(local_files_only=True)
        return asked(task, datasets.load_dataset(task.repo, task.subset, download_config=cached)[task.split])
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
    """Rows of a .parquet, .csv or JSONL file. UserError, naming the file and the line, where it is none."""
    if path.suffix == ".parquet":
        yield from parquet_rows(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = bounded(path, file)
            yield from csv_rows(path, lines) if path.suffix == ".csv" else json_rows(path, lines)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text ({error.reason}); JSONL, .csv or .parquet is expected.") from None


def bounded(path: Path, file: IO[str]) -> Iterator[str]:
    """The file's lines. UserError for one that is no line but all of a large file of something else."""
    for number in count(1):
        line = file.readline(LONGEST_LINE + 1)
        if len(line) > LONGEST_LINE:
            raise UserError(f"{path}, line {number} is longer than {LONGEST_LINE // 2**20} million characters.")
        if not line:
            return
        yield line


def parquet_rows(path: Path) -> Iterator[dict]:
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=64):
            yield from batch.to_pylist()
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{path} is no parquet file, or damaged: {str(error).splitlines()[0]}") from None


def csv_rows(path: Path, lines: Iterable[str]) -> Iterator[dict]:
    # a reply of 32,768 tokens is longer than a cell may be otherwise
    csv.field_size_limit(LONGEST_LINE)
    try:
        reader = csv.DictReader(lines, strict=True)
        names = list(reader.fieldnames or ())
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"{path} has two columns {twice[0]!r}: which of them is meant is not to be guessed.")
        for number, row in enumerate(reader, start=1):
            if None in row or None in row.values():
                raise UserError(f"{path}, row {number}: it has not as many cells as the first line has names.")
            yield row
    except csv.Error as error:
        raise UserError(f"{path} is not a CSV file: {error}.") from None


def each_key_once(pairs: list[tuple[str, object]]) -> dict:
    """Raises ValueError where a key stands twice: of two golds none is to be guessed."""
    names = dict(pairs)
    if len(names) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:i]))
        raise ValueError(f"an object has two {twice[:60]!r}")
    return names


def json_rows(path: Path, lines: Iterable[str]) -> Iterator[dict]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=each_key_once)
        except (ValueError, RecursionError) as error:
            why = getattr(error, "msg", error)
            raise UserError(f"{path}, line {number}: not JSON ({why}). One object a line is expected.") from None
        if not isinstance(row, dict):
            raise UserError(f"{path}, line {number}: a {type(row).__name__}, not an object.")
        yield row
