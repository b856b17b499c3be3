"""LiveCodeBench, code generation: programs judged by hidden tests; `r1_lcb` is v4_v5, the window R1 was measured on.

Model cards name windows of months: `r1_lcb_2408_2505` is what was published from August 2024 to May 2025, and so is
every `r1_lcb_YYMM_YYMM`.

What it asks: the problem statement and either starter code or reading standard input, as LightEval's template does.
How it is graded: graders.program runs the last code block on all public and private tests; all must pass.
What it gets wrong: problems that admit several outputs are judged by the one stored; time limits are those of the data
set.
Source: https://huggingface.co/datasets/lighteval/code_generation_lite; Jain et al., https://arxiv.org/abs/2403.07974.
"""

import json
import re
from dataclasses import replace

from lighteval_r1.graders import PROGRAM
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, row_sha256

# Source: LightEval 0.13.0, tasks/tasks/lcb/main.py, after LiveCodeBench's own lcb_runner/prompts/code_generation.py.
PROMPT = (
    "You will be given a question (problem specification) and will generate a correct Python program that matches the "
    "specification and passes all tests.\n\nQuestion: {problem}\n\n"
)
WITH_STARTER = (
    "You will use the following starter code to write the solution to the problem and enclose your code within "
    "delimiters.\n```python\n{starter}\n```\n\n"
)
WITH_STDIN = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample "
    "inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the "
    "inputs, runs the algorithm and writes output to STDOUT.\n```python\n# YOUR CODE HERE\n```\n\n"
)
# The data set's configurations: single releases, cumulative ones and windows of releases.
RELEASES = (
    *(f"release_v{i}" for i in range(1, 7)),
    "release_latest",
    *(f"v{i}" for i in range(1, 7)),
    *(f"v{i}_v{j}" for i in range(1, 5) for j in range(i + 1, 6)),
)


WINDOW = re.compile(r"r1_lcb_(2[3-9](?:0[1-9]|1[0-2]))_(2[3-9](?:0[1-9]|1[0-2]))", re.ASCII)
# The newest release holds the problems of all months.
ALL_MONTHS = "release_v6"


def read(row: dict, prompt: str) -> Problem:
    starter = row.get("starter_code") or ""
    form = WITH_STARTER.format(starter=starter) if starter else WITH_STDIN
    metadata = json.loads(row.get("metadata") or "{}")
    gold = json.dumps(
        {
            "fn_name": metadata.get("func_name"),
            "public": row["public_test_cases"],
            "private": row["private_test_cases"],
        }
    )
    return Problem(
        prompt=prompt.format(problem=row["question_content"]) + form,
        gold=gold,
        name=str(row["question_id"]),
        groups={"difficulty": str(row["difficulty"])} if row.get("difficulty") else {},
        row_sha256=row_sha256(row["question_content"], starter, row["public_test_cases"], row["private_test_cases"]),
    )


LCB = Task(
    name="r1_lcb",
    repo="lighteval/code_generation_lite",
    subset="v4_v5",
    split="test",
    file="livecodebench",
    columns=("question_content", "question_id", "public_test_cases", "private_test_cases"),
    prompt=PROMPT,
    read=read,
    grader=PROGRAM,
    n=16,
    version=2,
    licence="CC BY 4.0",
    n_problems=268,
    groups={"difficulty": ("easy", "medium", "hard")},
)


def window(name: str) -> Task | None:
    """The task of the problems that were published in these months, both included; None for another name."""
    months = WINDOW.fullmatch(name)
    if months is None or months[1] > months[2]:
        return None

    def keep(row: dict) -> bool:
        date = str(row["contest_date"])
        return months[1] <= date[2:4] + date[5:7] <= months[2]

    return replace(LCB, name=name, subset=ALL_MONTHS, columns=(*LCB.columns, "contest_date"), n_problems=0, keep=keep)


TASKS = [
    LCB,
    replace(LCB, name="openr1_lcb"),
    *(
        replace(LCB, name=f"r1_lcb_{release}", subset=release, n_problems=0)
        for release in RELEASES
        if release != "v4_v5"
    ),
]
