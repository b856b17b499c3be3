"""The demo's three tasks, one for each kind of grading: sums, choices between numbers, and tiny programs.

What it asks: generated problems that ship with the package (lighteval_r1.tasks.demo_problems).
How it is graded: by the graders of the real benchmarks.
What it gets wrong: it measures nothing; it shows that an installation works from sampling to table.
Source: generated, no data set.
"""

import json
from dataclasses import replace
from functools import partial

from lighteval_r1.graders import CHOICE, EXPRESSION, PROGRAM
from lighteval_r1.graders.grader import thought_through
from lighteval_r1.records import Problem
from lighteval_r1.tasks import gpqa_diamond, livecodebench
from lighteval_r1.tasks.demo_problems import N_EVALUATION, OPERATIONS, evaluation
from lighteval_r1.tasks.lettered import choice_problem
from lighteval_r1.tasks.task import Task, problem_of


def rows(kind: str) -> list[dict]:
    return [{"id": f"{kind}-{i}", **one.row} for i, one in enumerate(evaluation(kind))]


def read_sum(row: dict, prompt: str) -> Problem:
    return problem_of(prompt, row["question"], row["answer"], name=row["id"], groups={"level": str(row["level"])})


def read_choice(row: dict, prompt: str) -> Problem:
    return choice_problem(
        prompt, question=row["question"], options=row["options"], letter=row["letter"], name=row["id"]
    )


def read_program(row: dict, prompt: str) -> Problem:
    gold = json.dumps({"fn_name": None, "public": "[]", "private": row["tests"]})
    more = {"name": row["id"], "groups": {"operation": row["operation"]}}
    return problem_of(prompt + livecodebench.WITH_STDIN, row["question"], gold, row["tests"], **more)


def program_reference(problem: Problem) -> str:
    solution = next(row["solution"] for row in rows("programs") if row["id"] == problem.name)
    return thought_through(f"```python\n{solution}\n```")


SUMS = Task(
    name="demo_sums",
    repo="demo/sums",
    split="test",
    file="demo_sums",
    columns=("question", "answer", "level"),
    read=read_sum,
    grader=EXPRESSION,
    n=4,
    version=2,
    licence="Apache-2.0",
    n_problems=N_EVALUATION["sums"],
    groups={"level": ("1", "2", "3", "4", "5")},
    rows=partial(rows, "sums"),
)
CHOICES = replace(
    SUMS,
    name="demo_choices",
    repo="demo/choices",
    file="demo_choices",
    columns=("question", "options", "letter"),
    prompt=gpqa_diamond.OPENR1_PROMPT,
    read=read_choice,
    grader=CHOICE,
    n_problems=N_EVALUATION["choices"],
    groups={},
    rows=partial(rows, "choices"),
)
PROGRAMS = replace(
    SUMS,
    name="demo_programs",
    repo="demo/programs",
    file="demo_programs",
    columns=("question", "tests", "solution"),
    prompt=livecodebench.PROMPT,
    read=read_program,
    grader=PROGRAM,
    n_problems=N_EVALUATION["programs"],
    groups={"operation": tuple(OPERATIONS)},
    reference=program_reference,
    rows=partial(rows, "programs"),
)

TASKS = [SUMS, CHOICES, PROGRAMS]
