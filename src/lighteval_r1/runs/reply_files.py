"""Replies that were drawn elsewhere: LightEval's details (parquet), and rows of JSONL or parquet, as Drawn.

A row has a question (`problem`, `prompt` or `question`), a gold answer (`answer` or `gold`) and its replies (`gen` or `output`,
a string or a list). It may have `uid`, `finish_reason` and `n_tokens`, each a value or a list like the replies, and
`thinking_opened`. Where a row has no gold, the task's own data has it (under LIGHTEVAL_R1_DATA, or in the package).
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lighteval_r1.records import Problem, UserError, sha256
from lighteval_r1.tasks import Task
from lighteval_r1.tasks.task import local_file, local_rows

QUESTIONS = ("problem", "prompt", "question", "question_id")
GOLDS = ("answer", "gold")
REPLIES = ("gen", "output")
FINISH_REASONS = ("finish_reason", "finish_reasons")
TOKENS = ("n_tokens", "output_tokens", "completion_tokens")


@dataclass(frozen=True)
class Drawn:
    """One reply with its question and gold. thinking_opened None: the file does not say. n_tokens, finish_reason likewise."""

    uid: str
    problem_id: str
    index: int
    reply: str
    gold: str
    thinking_opened: bool | None
    finish_reason: str | None
    n_tokens: int | None


def read(path: Path, task: Task) -> list[Drawn]:
    """The file's replies in its order. UserError, with the row's number, where something is missing."""
    if not path.is_file():
        raise UserError(f"there is no file {path}.")
    golds = TaskGolds(task)
    drawn: list[Drawn] = []
    counts: dict[str, int] = {}
    for number, row in enumerate(rows_of(path), start=1):
        where = f"{path}, row {number}"
        if isinstance(row.get("doc"), dict) and isinstance(row.get("model_response"), dict):
            row = plain_row(row["doc"], row["model_response"])
        for one in drawn_of(row, golds=golds, where=where, number=number):
            index = counts[one.problem_id] = counts.get(one.problem_id, -1) + 1
            drawn.append(replace(one, index=index))
    if not drawn:
        raise UserError(f"{path} holds no reply.")
    uids = [one.uid for one in drawn]
    if len(set(uids)) < len(uids):
        twice = Counter(uids).most_common(1)[0][0]
        raise UserError(f"{path}: uid {twice!r} stands on two replies; a reply's uid must be its own.")
    return drawn


def rows_of(path: Path) -> Iterator[dict]:
    """Rows of a .parquet or JSONL file. UserError where it is neither."""
    if path.suffix != ".parquet":
        try:
            yield from local_rows(path)
        except UnicodeDecodeError as error:
            raise UserError(f"{path} is not UTF-8 text ({error.reason}); JSONL or .parquet is expected.") from None
        return
    import pyarrow

    try:
        yield from local_rows(path)
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"{path} is not a parquet file: {str(error).splitlines()[0]}") from None


def plain_row(doc: dict, response: dict) -> dict:
    """A row of LightEval's details in the columns of a JSONL row."""
    specific = doc.get("specific") or {}
    gold_index = doc.get("gold_index")
    gold_index = gold_index[0] if isinstance(gold_index, list) and gold_index else gold_index
    choices = doc.get("choices") or []
    row = {
        "uid": specific.get("name") or doc.get("id"),
        "problem": doc.get("query"),
        "gen": response.get("text"),
        "problem_id": specific.get("problem_id"),
        "finish_reason": response.get("finish_reasons") or specific.get("finish_reasons"),
        "n_tokens": response.get("n_tokens") or specific.get("n_tokens"),
        "thinking_opened": str(response.get("input") or "").rstrip().endswith("<think>"),
        "numbered": True,
    }
    if isinstance(gold_index, int) and gold_index < len(choices) and choices[gold_index]:
        row["answer"] = choices[gold_index]
    elif specific.get("inputs") is not None and specific.get("outputs") is not None:
        # LightEval's own LiveCodeBench task keeps all tests here.
        pairs = zip(specific["inputs"], specific["outputs"], strict=True)
        tests = json.dumps([{"input": given, "output": expected} for given, expected in pairs])
        row["answer"] = json.dumps({"fn_name": specific.get("fn_name"), "public": tests, "private": "[]"})
    if not row["n_tokens"] and response.get("output_tokens"):
        row["n_tokens"] = [len(tokens) for tokens in response["output_tokens"]]
    return row


class TaskGolds:
    """Golds of the task's own data, by the problem's id, its name or its question; read when first asked for."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._golds: dict[str, str] | None = None

    def find(self, row: dict) -> str | None:
        if self._golds is None:
            self._golds = {}
            for known, problem in self._problems():
                question = next((known[c] for c in ("problem", "question_content", "Question") if known.get(c)), "")
                self._golds |= {problem.id: problem.gold, problem.name: problem.gold, problem.prompt: problem.gold}
                self._golds[question] = problem.gold
        keys = (row.get(column) for column in ("problem_id", "question_id", "problem", "prompt", "question"))
        return next((self._golds[key] for key in keys if isinstance(key, str) and key in self._golds), None)

    def _problems(self) -> Iterator[tuple[dict, Problem]]:
        path = local_file(self._task)
        rows = self._task.rows() if self._task.rows is not None else local_rows(path) if path is not None else ()
        for row in rows:
            yield row, self._task.problem(row)


def first_of(row: dict, columns: tuple[str, ...]) -> object | None:
    return next((row[column] for column in columns if row.get(column) is not None), None)


def drawn_of(row: dict, *, golds: TaskGolds, where: str, number: int) -> Iterator[Drawn]:
    """The replies of one row, each with index 0."""
    question, replies, gold = first_of(row, QUESTIONS), first_of(row, REPLIES), first_of(row, GOLDS)
    for name, value, columns in (("question", question, QUESTIONS), ("reply", replies, REPLIES)):
        if value is None:
            raise UserError(
                f"{where}: no {name} ({' or '.join(columns)}); its columns are {', '.join(sorted(row)) or 'none'}."
            )
    if gold is None:
        gold = golds.find(row)
    if gold is None:
        raise UserError(
            f"{where}: no gold ({' or '.join(GOLDS)}), and the task's data does not have this question. "
            "Set LIGHTEVAL_R1_DATA to the folder of the task's data."
        )
    numbered = isinstance(replies, list) or bool(row.get("numbered"))
    texts = replies if isinstance(replies, list) else [replies]
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{where}: a reply is not a text.")
    reasons = as_list(first_of(row, FINISH_REASONS), n=len(texts), where=where)
    tokens = as_list(first_of(row, TOKENS), n=len(texts), where=where)
    gold = gold if isinstance(gold, str) else json.dumps(gold)
    uid = str(first_of(row, ("uid", "id")) or f"row {number}")
    question = question if isinstance(question, str) else json.dumps(question, sort_keys=True)
    opened = row.get("thinking_opened")
    for index, text in enumerate(texts):
        yield Drawn(
            uid=f"{uid}[{index}]" if numbered else uid,
            problem_id=row.get("problem_id") or sha256([question, gold])[:16],
            index=0,
            reply=text,
            gold=gold,
            # Details written from a plain prompt do not say no: the flag or the replies decide.
            thinking_opened=True if opened is True else None if row.get("numbered") else opened,
            finish_reason=reasons[index],
            n_tokens=tokens[index],
        )


def as_list(value: object, *, n: int, where: str) -> list:
    values = value if isinstance(value, list) else [value] * n
    if len(values) != n:
        raise UserError(f"{where}: {n} replies, but {len(values)} finish reasons or token counts.")
    return values
