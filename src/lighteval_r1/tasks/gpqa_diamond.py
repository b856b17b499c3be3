"""GPQA: graduate-level questions with four options; Diamond has 198 of them, main 448, extended 546.

Gated: its authors ask that questions stay out of the clear.

What it asks: question and options A to D, then DeepSeek's sentence (`r1_…`), or "Answer: $LETTER" (`openr1_…`).
How it is graded: graders.choice, against the letter; the options' texts are known to it.
By default the order of the options is a function of the question: a sample's seed decides nothing but the reply, two
runs ask the same problems, and votes have a meaning. `r1_gpqa_diamond_orders` asks each question in eight orders, a
sample each, as simple-evals draws an order for each sample: what a model owes to where an option stands is then a part
of its error ± resampling. The eight problems of a question count as one in our tables, not in LightEval's.
What it gets wrong: 198 questions: one question is half a point.
Source: https://huggingface.co/datasets/Idavidrein/gpqa; Rein et al. 2023, https://arxiv.org/abs/2311.12022.
"""

import hashlib
import json
from dataclasses import replace
from itertools import permutations

from lighteval_r1.graders import CHOICE
from lighteval_r1.records import QUESTION, Problem
from lighteval_r1.tasks.lettered import LETTERS, lettered
from lighteval_r1.tasks.task import Task, row_sha256

# Source: simple-evals' multiple choice template, in the form of LightEval 0.13.0's tasks/tasks/gpqa.py.
OPENR1_PROMPT = (
    "Answer the following multiple choice question. The last line of your response should be of the following format: "
    "'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before answering.\n\n{problem}"
)


def options_in_order(question: str, options: list[str], *, order: int = 0) -> list[int]:
    """The order in which options stand: a function of the question, uniform over all orders; no two numbers give one.

    options: the right one first. Returns indices into options; the gold letter is where 0 stands.
    """
    usual = tuple(sorted(range(len(options)), key=lambda i: digest(question, i)))
    others = sorted(set(permutations(usual)) - {usual}, key=lambda places: digest(question, *places)) if order else []
    return list([usual, *others][order])


def digest(question: str, *numbers: int) -> bytes:
    return hashlib.sha256("\x00".join([question, *map(str, numbers)]).encode()).digest()


def read(row: dict, prompt: str) -> Problem:
    question = row["Question"].strip()
    options = [
        row[c].strip() for c in ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")
    ]
    order = options_in_order(question, options, order=row.get("order", 0))
    shown = [options[i] for i in order]
    groups = {"domain": str(row["High-level domain"])} if row.get("High-level domain") else {}
    name = str(row.get("Record ID", ""))
    if "order" in row:
        groups[QUESTION] = row_sha256(question)[:16]
        name = f"{name}, order {row['order']}"
    return Problem(
        prompt=prompt.format(problem=lettered(question, shown)),
        gold=json.dumps({"letter": LETTERS[order.index(0)], "options": shown}, ensure_ascii=False),
        name=name,
        groups=groups,
        row_sha256=row_sha256(question, *options),
    )


GPQA_DIAMOND = Task(
    name="r1_gpqa_diamond",
    repo="Idavidrein/gpqa",
    subset="gpqa_diamond",
    split="train",
    file="gpqa_diamond",
    columns=("Question", "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"),
    read=read,
    grader=CHOICE,
    n=8,
    version=2,
    licence="CC BY 4.0, gated",
    n_problems=198,
    groups={"domain": ("Biology", "Chemistry", "Physics")},
    gated=True,
)

TASKS = [
    GPQA_DIAMOND,
    replace(GPQA_DIAMOND, name="openr1_gpqa_diamond", prompt=OPENR1_PROMPT),
    replace(GPQA_DIAMOND, name="r1_gpqa_diamond_orders", orders=8, n=1, n_problems=8 * 198),
    replace(GPQA_DIAMOND, name="r1_gpqa_main", subset="gpqa_main", file="gpqa_main", n_problems=448),
    replace(GPQA_DIAMOND, name="r1_gpqa_extended", subset="gpqa_extended", file="gpqa_extended", n_problems=546),
]
