"""Grades replies that were drawn elsewhere: the table of a run, and the grades beside the file."""

import difflib
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.confined.connection import allow_unsafe
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.numbers.tables import Row, results_table
from lighteval_r1.records import Grade, GraderDied, Outcome, OwedError, UserError
from lighteval_r1.runs.locate import HUB, find
from lighteval_r1.runs.reply_files import Drawn, read
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks import TASKS, Task
from lighteval_r1.tasks.specs import say_confinement

SHOWN = 300


def run(
    files: list[str | Path],
    *,
    task: str,
    explain: str = "",
    thinking_opened: bool | None = None,
    allow_unsafe_code: bool = False,
) -> str:
    """The table of all files, a line each, or the explanation of one reply; what the command prints.

    thinking_opened: whether the prompts ended in `<think>`; None where file and replies are to say.
    """
    if allow_unsafe_code:
        allow_unsafe()
    chosen = find_task(task)
    say_confinement([chosen])
    paths = [local_path(str(file), task=chosen) for file in files]
    read_files = [(path, settle_thinking(path, read(path, chosen), given=thinking_opened)) for path in paths]
    if explain:
        return explain_one([one for _, drawn in read_files for one in drawn], uid=explain, task=chosen)
    rows = []
    with Pool() as pool:
        for path, drawn in read_files:
            grades = grade_all(drawn, pool=pool, task=chosen)
            write_grades(path, drawn, grades)
            rows.append(row_of(chosen.name if len(paths) == 1 else f"{chosen.name} {path.name}", drawn, grades))
    return results_table(rows)


def local_path(file: str, *, task: Task) -> Path:
    """The file; of a data set of details on the Hub (hf://datasets/REPO), the task's details in its newest run."""
    if not file.startswith(HUB):
        return Path(file)
    details = {name.split("|")[0].split("@")[0]: path for name, path in find(file).details.items()}
    if task.name not in details:
        raise UserError(f"{file} has no details of {task.name} in its newest run; it has {', '.join(sorted(details))}.")
    return details[task.name]


def find_task(name: str) -> Task:
    if name not in TASKS:
        near = difflib.get_close_matches(name, TASKS, n=3, cutoff=0.4) or list(TASKS)[:3]
        raise UserError(f"there is no task {name!r}. Nearest: {', '.join(near)}. All: lighteval-r1 tasks.")
    return TASKS[name]


def settle_thinking(path: Path, drawn: list[Drawn], *, given: bool | None) -> list[Drawn]:
    """Each reply with thinking_opened True or False: as given, else as the file says, else False.

    Says so where replies show that prompts may have ended in `<think>` and others, without a tag, then have no answer.
    """
    if given is not None:
        return [replace(one, thinking_opened=given) for one in drawn]
    unsaid = [one.reply for one in drawn if one.thinking_opened is None]
    shown = sum(replies.CLOSE in reply and replies.OPEN not in reply.partition(replies.CLOSE)[0] for reply in unsaid)
    untagged = sum(replies.CLOSE not in reply and replies.OPEN not in reply for reply in unsaid)
    if shown and untagged:
        print(
            f"{path}: {shown} replies close a thought that they did not open, {untagged} have no think tag and are graded "
            "whole. Say --thinking-opened if the prompts ended in <think>: these then have no answer. "
            "Say --no-thinking-opened to confirm.",
            file=sys.stderr,
        )
    return [replace(one, thinking_opened=bool(one.thinking_opened)) for one in drawn]


def grade_all(drawn: list[Drawn], *, pool: Pool, task: Task) -> list[Grade]:
    """One grade per reply. Raises OwedError where a grading process died over some: there is no score then."""
    progress = Counted(len(drawn))
    texts = (replies.split_thinking(one.reply, thinking_opened=bool(one.thinking_opened))[1] for one in drawn)
    items = [(task.grader, text, one.gold) for text, one in zip(texts, drawn, strict=True)]
    found = pool.grade_many(items, progress=progress.add)
    progress.close()
    died = [(one, grade) for one, grade in zip(drawn, found, strict=True) if isinstance(grade, GraderDied)]
    if died:
        raise OwedError(
            f"{len(died)} of {len(drawn)} replies have no grade, so there is no score. First: {died[0][0].uid}: {died[0][1]}. "
            "Run the same command again to grade anew."
        )
    return [grade for grade in found if isinstance(grade, Grade)]


class Counted:
    """Replies graded so far, on a terminal."""

    def __init__(self, n: int) -> None:
        self.n, self.done = n, 0
        self.live = sys.stderr.isatty()

    def add(self) -> None:
        self.done += 1
        if self.live and (self.done % 100 == 0 or self.done == self.n):
            print(f"\r\x1b[Kgraded {self.done} of {self.n} replies", end="", file=sys.stderr, flush=True)

    def close(self) -> None:
        if self.live:
            print(file=sys.stderr)


def grades_path(path: Path) -> Path:
    return path.with_name(path.name + ".grades.jsonl")


def write_grades(path: Path, drawn: list[Drawn], grades: list[Grade]) -> None:
    """Replaces the file of grades as a whole, so that no reader sees half of it."""
    target = grades_path(path)
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=target.parent, prefix=target.name, delete=False, encoding="ascii"
        ) as file:
            for one, grade in zip(drawn, grades, strict=True):
                line = {"uid": one.uid, "problem_id": one.problem_id, "index": one.index}
                line |= {"outcome": grade.outcome, "answer": grade.answer, "step": grade.step}
                file.write(json.dumps(line) + "\n")
            os.fchmod(file.fileno(), 0o644)
        os.replace(file.name, target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}.") from None


def row_of(name: str, drawn: list[Drawn], grades: list[Grade]) -> Row:
    """The table's line; problems are what has the same question and gold."""
    by_problem: dict[str, list[float]] = {}
    for one, grade in zip(drawn, grades, strict=True):
        by_problem.setdefault(one.problem_id, []).append(grade.outcome.score)
    outcomes = [grade.outcome for grade in grades]
    tokens = [one.n_tokens for one in drawn if one.n_tokens is not None]
    reasons = [one.finish_reason for one in drawn]
    return Row(
        task=name,
        pass_at_1=estimate([np.array(scores) for scores in by_problem.values()]),
        truncated=None if not any(reasons) else reasons.count("length"),
        no_answer=outcomes.count(Outcome.NO_ANSWER),
        undecided=outcomes.count(Outcome.UNDECIDED),
        mean_tokens=float(np.mean(tokens)) if len(tokens) == len(drawn) else None,
    )


def explain_one(drawn: list[Drawn], *, uid: str, task: Task) -> str:
    """What was extracted from one reply, what it was compared with and which step decided."""
    one = next((one for one in drawn if one.uid == uid), None)
    if one is None:
        near = difflib.get_close_matches(uid, [one.uid for one in drawn], n=3, cutoff=0) or ["none"]
        raise UserError(f"no reply has uid {uid!r}. Nearest: {', '.join(near)}.")
    with Pool(1) as pool:
        (grade,) = grade_all([one], pool=pool, task=task)
    thinking, after = replies.split_thinking(one.reply, thinking_opened=bool(one.thinking_opened))
    lines = [
        f"uid: {one.uid}",
        f"reply: {len(one.reply)} characters, of which thinking {len(thinking)}"
        + (" (opened in the prompt)" if one.thinking_opened else ""),
        "after the thinking: nothing, it never ended" if after is None else f"after the thinking: …{after[-SHOWN:]!a}",
        f"answer: {grade.answer[:SHOWN]!a}",
        f"gold: {one.gold[:SHOWN]!a}",
        f"grader: {task.grader.name}, decided by: {grade.step}",
        f"outcome: {grade.outcome}",
    ]
    return "\n".join(lines)
