"""HumanEval+ and MBPP+: 164 and 378 Python functions, judged by EvalPlus's many tests.

What it asks: EvalPlus's sentence, then the signature with its docstring, or the task with its first assertion.
How it is graded: graders.program. The data set's tests are one program that calls the function and compares by its own
rules (near numbers, sets, special cases); it runs behind the reply's code, in the same process, and the end of it must
be reached. All of a problem's tests are one test here, with one limit of time.
What it gets wrong: columns as documented, not tried. A program that meddles with what the tests import could pass them:
what is expected stands in its own process. EvalPlus limits time by its reference solution's, we by 6 s for all tests.
Source: https://huggingface.co/datasets/evalplus/humanevalplus, https://huggingface.co/datasets/evalplus/mbppplus;
Liu et al. 2023, https://arxiv.org/abs/2305.01210; the prompt is that of https://github.com/evalplus/evalplus for models
that chat (evalplus/provider/utility.py), without the words that it puts into the reply's mouth.
"""

import json
from dataclasses import replace

from lighteval_r1.graders import PROGRAM
from lighteval_r1.graders.grader import thought_through
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, problem_of

PROMPT = (
    "Please provide a self-contained Python script that solves the following problem in a markdown code block:\n"
    "```\n{problem}\n```\n"
)
# Returns what it is given, where the tests before it raised nothing. A class, since a reply may hold one of this name.
END = "\n\nclass Solution:\n    def end_is_reached(self, word):\n        return word\n"


def tested(prompt: str, *, asked: str, solution: str, tests: str, name: str) -> Problem:
    end = json.dumps([{"input": '"end"', "output": '"end"'}])
    gold = {"fn_name": "end_is_reached", "public": end, "private": "[]", "behind": tests + END, "solution": solution}
    return problem_of(prompt, asked.strip(), json.dumps(gold), tests, name=name)


def read_humaneval(row: dict, prompt: str) -> Problem:
    return tested(
        prompt,
        asked=row["prompt"],
        solution=row["prompt"] + row["canonical_solution"],
        tests=f"{row['test']}\ncheck({row['entry_point']})\n",
        name=str(row["task_id"]),
    )


def read_mbpp(row: dict, prompt: str) -> Problem:
    # The assertion says what the function is called.
    asked = f'"""\n{row["prompt"].strip()}\n{row["test_list"][0]}\n"""'
    return tested(prompt, asked=asked, solution=row["code"], tests=row["test"], name=f"Mbpp/{row['task_id']}")


def reference(problem: Problem) -> str:
    return thought_through(f"```python\n{json.loads(problem.gold)['solution']}\n```")


HUMANEVAL_PLUS = Task(
    name="r1_humaneval_plus",
    repo="evalplus/humanevalplus",
    split="test",
    file="humanevalplus",
    columns=("prompt", "task_id", "canonical_solution", "entry_point", "test"),
    prompt=PROMPT,
    read=read_humaneval,
    grader=PROGRAM,
    n=4,
    version=2,
    licence="Apache-2.0",
    n_problems=164,
    reference=reference,
    tried=False,
)
TASKS = [
    HUMANEVAL_PLUS,
    replace(
        HUMANEVAL_PLUS,
        name="r1_mbpp_plus",
        repo="evalplus/mbppplus",
        file="mbppplus",
        columns=("prompt", "task_id", "code", "test_list", "test"),
        read=read_mbpp,
        n_problems=378,
    ),
]
