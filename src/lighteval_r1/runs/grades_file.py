"""The grades that `lighteval-r1 score` writes beside a file of replies: <file>.grades.jsonl, a line per reply."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lighteval_r1.records import GRADE_FIELDS, Grade, Outcome, RunProblem, Sample, UserError, to_record
from lighteval_r1.runs.outputs import writing
from lighteval_r1.sampling.journal import write_whole


def grades_path(replies: Path) -> Path:
    return replies.with_name(replies.name + ".grades.jsonl")


def write_grades(replies: Path, samples: Iterable[Sample], *, task: str, version: int, columns: str = "") -> None:
    """task, version: whose grader graded. columns: those that were named, by which the file is read again."""
    target, about = grades_path(replies), {"task": task, "version": version} | ({"columns": columns} if columns else {})
    names = ("problem_id", "index", "thinking_opened", *GRADE_FIELDS)
    lines = [json.dumps({"uid": sample.key} | to_record(sample, names) | about) + "\n" for sample in samples]
    with writing(target):
        write_whole(target, "".join(lines).encode())


def read_lines(replies: Path) -> list[dict]:
    """The lines of the file of grades, checked; [] where there is none."""
    path = grades_path(replies)
    lines = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines() if path.is_file() else (), start=1):
        try:
            line = json.loads(text)
            grade = Grade(Outcome(line["outcome"]), line["answer"], line.get("step", ""))
            lines.append(line | {"uid": line["uid"], "grade": grade})
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not a grade ({error!r}). Run lighteval-r1 score again.") from None
    return lines


def read_grades(replies: Path) -> dict[str, Grade]:
    """Grades by the reply's name; {} where there are none."""
    return {line["uid"]: line["grade"] for line in read_lines(replies)}


def with_grades(problem: RunProblem, grades: Mapping[str, Grade]) -> RunProblem:
    """The problem with these grades of its samples, where they have none of their own."""
    if not grades:
        return problem
    samples = [s if s.outcome is not None else s.graded(grades.get(s.key)) for s in problem.samples]
    return replace(problem, samples=samples)
