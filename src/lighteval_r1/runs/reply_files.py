"""Replies that were drawn elsewhere, as problems with samples: LightEval's details (parquet), and rows of JSONL or
parquet.

A row has a question (`problem`, `prompt` or `question`), a gold answer (`answer` or `gold`) and its replies (`gen` or
`output`, a string or a list). It may have `uid`, `finish_reason` and `n_tokens`, each a value or a list like the
replies, and `thinking_opened`. Where a row has no gold, the task's own data has it (under LIGHTEVAL_R1_DATA, or in the
package).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lighteval_r1.records import RunProblem, Sample, TaskRun, UserError, sha256
from lighteval_r1.tasks import Task
from lighteval_r1.tasks.task import local_file, local_rows

QUESTIONS = ("problem", "prompt", "question", "question_id")
GOLDS = ("answer", "gold")
REPLIES = ("gen", "output")
# Of a reply: our name, and the columns in which it may stand.
OF_EACH = {
    "finish_reason": ("finish_reason", "finish_reasons"),
    "n_tokens": ("n_tokens", "output_tokens", "completion_tokens"),
}


def read_replies(path: Path, task: Task) -> TaskRun:
    """The file's problems with whole golds, in its order. UserError, with the row's number, where something is missing.

    A sample's key is the reply's name in the file; thinking_opened is None where the file does not say.
    """
    if not path.is_file():
        raise UserError(f"there is no file {path}.")
    if path.suffix == ".parquet" and is_details(path):
        problems = problems_of_details(path, task)
    else:
        problems = problems_of_rows(path, task)
    keys = Counter(sample.key for problem in problems for sample in problem.samples)
    if not keys:
        raise UserError(f"{path} holds no reply.")
    twice, n = keys.most_common(1)[0]
    if n > 1:
        raise UserError(f"{path}: uid {twice!r} stands on two replies; a reply's uid must be its own.")
    return TaskRun.of_problems(task.name, problems, version=task.version, n=0)


def is_details(path: Path) -> bool:
    """Whether a parquet file has the columns of LightEval's details. UserError where it is no parquet file."""
    import pyarrow
    import pyarrow.parquet as parquet

    try:
        return {"doc", "model_response"} <= set(parquet.read_schema(path).names)
    except (OSError, pyarrow.ArrowException) as error:
        raise UserError(f"{path} is not a parquet file: {str(error).splitlines()[0]}") from None


def problems_of_details(path: Path, task: Task) -> list[RunProblem]:
    from lighteval_r1.runs.details_file import read_problem, rows, tests_of

    golds, problems = TaskGolds(task), []
    for number, (row, tokens) in enumerate(rows(path), start=1):
        problem = read_problem(row, tokens=tokens, path=path)
        gold = golds.by_id(problem.id) or tests_of(row["doc"]) or problem.gold or golds.find({"prompt": problem.prompt})
        if not gold:
            raise UserError(no_gold(f"{path}, row {number}"))
        # Details written from a plain prompt do not say no: the flag or the replies decide.
        samples = [replace(s, thinking_opened=s.thinking_opened or None, outcome=None) for s in problem.samples]
        problems.append(replace(problem, gold=gold, grader=task.grader.name, samples=samples))
    return problems


def problems_of_rows(path: Path, task: Task) -> list[RunProblem]:
    golds = TaskGolds(task)
    problems: dict[str, RunProblem] = {}
    for number, row in enumerate(local_rows(path), start=1):
        problem = problem_of(row, golds=golds, where=f"{path}, row {number}", number=number)
        known = problems.setdefault(problem.id, replace(problem, grader=task.grader.name, samples=[]))
        # What has the same question and gold is one problem.
        start = len(known.samples)
        known.samples.extend(replace(sample, index=start + sample.index) for sample in problem.samples)
    return list(problems.values())


class TaskGolds:
    """Golds of the task's own data, by the problem's id, its name or its question; read when first asked for."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._golds: dict[str, str] | None = None

    def by_id(self, problem_id: str) -> str | None:
        """The whole gold where the task's data has this very problem."""
        return self._table().get(problem_id)

    def find(self, row: Mapping) -> str | None:
        keys = (row.get(column) for column in ("problem_id", "question_id", "problem", "prompt", "question"))
        table = self._table()
        return next((table[key] for key in keys if isinstance(key, str) and key in table), None)

    def _table(self) -> dict[str, str]:
        if self._golds is None:
            self._golds = {}
            for row in self._rows():
                problem = self._task.problem(row)
                names = (problem.id, problem.name, problem.prompt, str(row[self._task.question]))
                self._golds |= dict.fromkeys(names, problem.gold)
        return self._golds

    def _rows(self) -> Iterator[dict]:
        if self._task.rows is not None:
            yield from self._task.rows()
        elif (path := local_file(self._task)) is not None:
            yield from local_rows(path)


def first_of(row: Mapping, columns: tuple[str, ...]) -> object | None:
    return next((row[column] for column in columns if row.get(column) is not None), None)


def no_gold(where: str) -> str:
    return (
        f"{where}: no gold ({' or '.join(GOLDS)}), and the task's data does not have this question. "
        "Set LIGHTEVAL_R1_DATA to the folder of the task's data."
    )


def problem_of(row: dict, *, golds: TaskGolds, where: str, number: int) -> RunProblem:
    """One row as a problem with its replies, numbered from 0."""
    question, replies, gold = first_of(row, QUESTIONS), first_of(row, REPLIES), first_of(row, GOLDS)
    for name, value, columns in (("question", question, QUESTIONS), ("reply", replies, REPLIES)):
        if value is None:
            columns_there = ", ".join(sorted(row)) or "none"
            raise UserError(f"{where}: no {name} ({' or '.join(columns)}); its columns are {columns_there}.")
    if gold is None:
        gold = golds.find(row)
    if gold is None:
        raise UserError(no_gold(where))
    texts = replies if isinstance(replies, list) else [replies]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{where}: a reply is not a text.")
    more = {name: as_list(first_of(row, columns), n=len(texts), where=where) for name, columns in OF_EACH.items()}
    gold = gold if isinstance(gold, str) else json.dumps(gold)
    uid = str(first_of(row, ("uid", "id")) or f"row {number}")
    question = question if isinstance(question, str) else json.dumps(question, sort_keys=True)
    problem_id = str(row.get("problem_id") or sha256([question, gold])[:16])
    samples = [
        Sample(
            f"{uid}[{index}]" if isinstance(replies, list) else uid,
            problem_id,
            index,
            None,
            text,
            thinking_opened=row.get("thinking_opened"),
            finish_reason=more["finish_reason"][index],
            n_tokens=more["n_tokens"][index],
        )
        for index, text in enumerate(texts)
    ]
    return RunProblem(problem_id, name=uid, prompt=question, gold=gold, samples=samples)


def as_list(value: object, *, n: int, where: str) -> list:
    values = value if isinstance(value, list) else [value] * n
    if len(values) != n:
        raise UserError(f"{where}: {n} replies, but {len(values)} finish reasons or token counts.")
    return values
