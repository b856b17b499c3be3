"""OlympiadBench: its open-ended English mathematics problems without pictures; 674 of them, 675 in some copies.

What it asks: the problem, then DeepSeek's sentence.
How it is graded: graders.real. Several parts are one list, and all of them must be there; `error` is the largest
difference where the data set gives one (one problem of 675).
What it gets wrong: golds in words ("f(x)=ax+b, where b is an arbitrary integer, …") are met by few spellings.
Source: https://huggingface.co/datasets/Hothan/OlympiadBench, subset OE_TO_maths_en_COMP; He et al. 2024,
https://arxiv.org/abs/2402.14008.
"""

from lighteval_r1.graders import REAL
from lighteval_r1.graders.real import gold_within
from lighteval_r1.records import Problem
from lighteval_r1.tasks.task import Task, problem_of

SUBFIELDS = ("Algebra", "Combinatorics", "Geometry", "Number Theory")


def read(row: dict, prompt: str) -> Problem:
    answer = ", ".join(row["final_answer"])
    gold = gold_within(answer, row["error"]) if row.get("error") else answer
    more = {"name": str(row["id"]), "groups": {"subfield": str(row["subfield"])}}
    return problem_of(prompt, row["question"], gold, *row["final_answer"], **more)


TASKS = [
    Task(
        name="r1_olympiadbench",
        repo="Hothan/OlympiadBench",
        subset="OE_TO_maths_en_COMP",
        split="train",
        file="olympiadbench",
        columns=("question", "final_answer", "id", "subfield"),
        read=read,
        grader=REAL,
        n=4,
        version=2,
        licence="Apache-2.0",
        n_problems=674,
        groups={"subfield": SUBFIELDS},
    )
]
