"""Competitions with final answers: AIME 2026, HMMT, BRUMO, SMT and CMIMC 2025, BeyondAIME, AMC 23.

What it asks: the problem, then DeepSeek's sentence (`r1_…`); or MathArena's sentence, then the problem (`matharena_…`).
How it is graded: graders.expression on the final answer. `matharena_…`: only behind the thinking, as MathArena counts.
What it gets wrong: 30 to 100 problems: one problem more or less is 1 to 3.3 points. Of HMMT Nov 2025 and Feb 2026,
BRUMO, SMT, CMIMC and BeyondAIME: columns as documented, not tried.
n: 32, as most cards of AIME and HMMT since late 2025; MathArena's own is 4; BeyondAIME 10; AMC 23 64.
Source: https://huggingface.co/MathArena, https://github.com/eth-sri/matharena; Dekoninck et al.,
https://arxiv.org/abs/2505.23281. https://huggingface.co/datasets/ByteDance-Seed/BeyondAIME,
https://huggingface.co/datasets/math-ai/amc23.
"""

from dataclasses import replace

from lighteval_r1.graders import EXPRESSION, EXPRESSION_BEHIND_THINKING
from lighteval_r1.records import Problem
from lighteval_r1.tasks import aime
from lighteval_r1.tasks.task import Task

# Source: the competitions' configurations in https://github.com/eth-sri/matharena.
MATHARENA_PROMPT = "Put your final answer within \\boxed{{}}.\n\n{problem}"


def read_question(row: dict, prompt: str) -> Problem:
    """AMC 23 calls its problem a question, and writes integers as 27.0."""
    return aime.read({**row, "problem": row["question"], "answer": str(row["answer"]).removesuffix(".0")}, prompt)


AIME26 = Task(
    name="r1_aime26",
    repo="MathArena/aime_2026",
    split="train",
    file="aime_2026",
    columns=("problem", "answer"),
    read=aime.read,
    grader=EXPRESSION,
    n=32,
    version=2,
    licence="CC BY-NC-SA 4.0",
    n_problems=30,
)
# Name, data set and its file, problems, and whether its rows were seen.
OTHERS = (
    ("hmmt_feb25", "hmmt_feb_2025", 30, True),
    ("hmmt_nov25", "hmmt_nov_2025", 30, False),
    ("hmmt_feb26", "hmmt_feb_2026", 33, False),
    ("brumo25", "brumo_2025", 30, False),
    ("smt25", "smt_2025", 53, False),
    ("cmimc25", "cmimc_2025", 40, False),
)
MATHARENA = [
    AIME26,
    *(
        replace(AIME26, name=f"r1_{name}", repo=f"MathArena/{file}", file=file, n_problems=n_problems, tried=tried)
        for name, file, n_problems, tried in OTHERS
    ),
]
BEYOND_AIME = replace(
    AIME26,
    name="r1_beyond_aime",
    repo="ByteDance-Seed/BeyondAIME",
    split="test",
    file="beyond_aime",
    n=10,
    licence="CC0",
    n_problems=100,
    tried=False,
)
AMC23 = replace(
    AIME26,
    name="r1_amc23",
    repo="math-ai/amc23",
    split="test",
    file="amc23",
    columns=("question", "answer"),
    read=read_question,
    n=64,
    licence="MAA, for research",
    n_problems=40,
)
AS_MATHARENA_ASKS = [
    replace(
        task,
        name=task.name.replace("r1_", "matharena_", 1),
        prompt=MATHARENA_PROMPT,
        grader=EXPRESSION_BEHIND_THINKING,
        n=4,
    )
    for task in MATHARENA
]

TASKS = [*MATHARENA, BEYOND_AIME, AMC23, *AS_MATHARENA_ASKS]
