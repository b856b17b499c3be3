"""MATH-500: 500 competition problems with level (1 to 5) and subject.

What it asks: the problem, then DeepSeek's sentence (`r1_…`) or the template of open-r1's tables (`openr1_…`).
How it is graded: graders.expression on the final answer, against the data set's answer.
What it gets wrong: a few golds are themselves disputed; see graders.expression for forms that are not told apart.
Source: https://huggingface.co/datasets/HuggingFaceH4/MATH-500; Lightman et al. 2023, https://arxiv.org/abs/2305.20050.
"""

from dataclasses import replace

from lighteval_r1.graders import EXPRESSION
from lighteval_r1.records import Problem
from lighteval_r1.tasks.aime import OPENR1_PROMPT
from lighteval_r1.tasks.task import Task, problem_of

SUBJECTS = (
    "Algebra",
    "Counting & Probability",
    "Geometry",
    "Intermediate Algebra",
    "Number Theory",
    "Prealgebra",
    "Precalculus",
)


def read(row: dict, prompt: str) -> Problem:
    groups = {"level": str(row["level"]), "subject": str(row["subject"])}
    return problem_of(prompt, row["problem"], str(row["answer"]), name=str(row["unique_id"]), groups=groups)


MATH_500 = Task(
    name="r1_math_500",
    repo="HuggingFaceH4/MATH-500",
    split="test",
    file="math_500",
    columns=("problem", "answer", "level", "subject", "unique_id"),
    read=read,
    grader=EXPRESSION,
    n=4,
    version=2,
    licence="MIT",
    n_problems=500,
    known_data="7e37d55bdf0da3ef45d268a8441cbb5ba9ce6343b83479d0ca788d1077a3c7cb",
    groups={"level": ("1", "2", "3", "4", "5"), "subject": SUBJECTS},
)

TASKS = [MATH_500, replace(MATH_500, name="openr1_math_500", prompt=OPENR1_PROMPT)]
