"""Minerva: 272 problems of university science (MIT OpenCourseWare) with a number or an expression as answer.

What it asks: the problem, then DeepSeek's sentence.
How it is graded: graders.real. A decimal gold is met by what is within one percent of it, or half a unit of its last
decimal place where that is more: golds are rounded, and 0.006 says less than one percent. An integer below 1,000 may
count something and must be met. Golds written as Python ("np.arcsin(10/13)", "-1./3") are read as mathematics.
What it gets wrong: the tolerance is ours (Minerva's own is not stated with the data); other tables compare otherwise,
so a difference of some points says little.
Source: https://huggingface.co/datasets/math-ai/minervamath; Lewkowycz et al. 2022, https://arxiv.org/abs/2206.14858.
"""

import re
from decimal import Decimal

from lighteval_r1.graders import REAL
from lighteval_r1.graders.real import gold_within
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, problem_of

NUMBER = re.compile(r"[+-]?\d+(?:\.(?P<decimals>\d*))?(?:e(?P<power>[+-]?\d+))?")


def gold_of(answer: str) -> str:
    number = NUMBER.fullmatch(answer)
    if number is None or re.fullmatch(r"[+-]?\d{1,3}", answer):
        return answer.replace("np.", "\\").replace("./", "/")
    last_place = Decimal(10) ** (int(number["power"] or 0) - len(number["decimals"] or ""))
    return gold_within(answer, max(abs(Decimal(answer)) / 100, last_place / 2 if number["decimals"] else Decimal(0)))


def read(row: dict, prompt: str) -> Problem:
    return problem_of(prompt, row["question"], gold_of(str(row["answer"]).strip()), row["answer"])


TASKS = [
    Task(
        name="r1_minerva",
        repo="math-ai/minervamath",
        split="test",
        file="minerva_math",
        columns=("question", "answer"),
        read=read,
        grader=REAL,
        n=4,
        version=2,
        licence="CC BY-NC-SA 4.0",
        n_problems=272,
    )
]
