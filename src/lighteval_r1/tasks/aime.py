"""AIME 2024 and 2025: 30 problems each, answers are integers from 0 to 999.

What it asks: the problem, then DeepSeek's sentence (`r1_…`) or the template of open-r1's tables (`openr1_…`).
How it is graded: graders.expression on the final answer, against the integer.
What it gets wrong: 30 problems: one problem more or less is 3.3 points.
Source: https://huggingface.co/datasets/HuggingFaceH4/aime_2024, https://huggingface.co/datasets/yentinglin/aime_2025.
"""

from dataclasses import replace

from lighteval_r1.graders import EXPRESSION
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, problem_of

# LightEval's template for competition mathematics in February 2025, which open-r1's tables were made with.
# Source: https://github.com/huggingface/lighteval, MATH_PROMPT_TEMPLATE in tasks/tasks/aime.py (as of 0.13.0).
OPENR1_PROMPT = (
    "Solve the following math problem efficiently and clearly.  The last line of your response should be of the "
    "following format: 'Therefore, the final answer is: $\\boxed{{ANSWER}}$. I hope it is correct' (without quotes) "
    "where ANSWER is just the final number or expression that solves the problem. Think step by step before "
    "answering.\n\n{problem}"
)


def read(row: dict, prompt: str) -> Problem:
    name = str(row.get("id", row.get("problem_idx", "")))
    return problem_of(prompt, row["problem"], str(row["answer"]).strip(), name=name)


AIME24 = Task(
    name="r1_aime24",
    repo="HuggingFaceH4/aime_2024",
    split="train",
    file="aime_2024",
    columns=("problem", "answer"),
    read=read,
    grader=EXPRESSION,
    n=64,
    version=2,
    licence="MAA, for research",
    n_problems=30,
    known_data="f629ab0b9ae99dbd8cf2c0d74ae32f0a20f368c99bf9e6d3347af32f11f962a4",
)
AIME25 = replace(
    AIME24,
    name="r1_aime25",
    repo="yentinglin/aime_2025",
    file="aime_2025",
    known_data="6fcdab0bab349240391f9a72202be3edb685be10b795511a37f6aaf977d94327",
)

TASKS = [
    AIME24,
    AIME25,
    replace(AIME24, name="openr1_aime24", prompt=OPENR1_PROMPT),
    replace(AIME25, name="openr1_aime25", prompt=OPENR1_PROMPT),
]
