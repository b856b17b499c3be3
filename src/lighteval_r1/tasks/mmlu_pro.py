"""MMLU-Pro and SuperGPQA: lettered questions of many fields, with up to ten options.

What it asks: question and options A to J in the data's own order, then DeepSeek's sentence.
How it is graded: graders.choice, against the letter; the options' texts are known to it.
What it gets wrong: columns as documented, not tried. One sample a problem, as both are published: the error is that
of the choice of problems.
Source: https://huggingface.co/datasets/TIGER-Lab/MMLU-Pro; Wang et al., https://arxiv.org/abs/2406.01574.
https://huggingface.co/datasets/m-a-p/SuperGPQA; M-A-P, https://arxiv.org/abs/2502.14739.
"""

from dataclasses import replace

from lighteval_r1.graders import CHOICE
from lighteval_r1.records import Problem
from lighteval_r1.tasks.lettered import choice_problem
from lighteval_r1.tasks.task import Task

CATEGORIES = (
    *("biology", "business", "chemistry", "computer science", "economics", "engineering", "health"),
    *("history", "law", "math", "other", "philosophy", "physics", "psychology"),
)
DISCIPLINES = (
    *("Agronomy", "Economics", "Education", "Engineering", "History", "Law", "Literature and Arts", "Management"),
    *("Medicine", "Military Science", "Philosophy", "Science", "Sociology"),
)


def read_mmlu_pro(row: dict, prompt: str) -> Problem:
    return choice_problem(
        prompt,
        question=row["question"].strip(),
        # shorter lists are filled up in some copies
        options=[text.strip() for text in row["options"] if text != "N/A"],
        letter=str(row["answer"]).strip(),
        name=str(row.get("question_id", "")),
        groups={"category": str(row["category"])},
    )


def read_supergpqa(row: dict, prompt: str) -> Problem:
    return choice_problem(
        prompt,
        question=row["question"].strip(),
        options=[text.strip() for text in row["options"]],
        letter=str(row["answer_letter"]).strip(),
        name=str(row.get("uuid", "")),
        groups={"discipline": str(row["discipline"]), "difficulty": str(row["difficulty"])},
    )


MMLU_PRO = Task(
    name="r1_mmlu_pro",
    repo="TIGER-Lab/MMLU-Pro",
    split="test",
    file="mmlu_pro",
    columns=("question", "options", "answer", "category"),
    read=read_mmlu_pro,
    grader=CHOICE,
    n=1,
    version=2,
    licence="MIT",
    n_problems=12032,
    groups={"category": CATEGORIES},
    tried=False,
)

TASKS = [
    MMLU_PRO,
    replace(
        MMLU_PRO,
        name="r1_supergpqa",
        repo="m-a-p/SuperGPQA",
        split="train",
        file="supergpqa",
        columns=("question", "options", "answer_letter", "discipline", "difficulty"),
        read=read_supergpqa,
        licence="ODC-BY",
        n_problems=26529,
        groups={"discipline": DISCIPLINES, "difficulty": ("easy", "middle", "hard")},
    ),
]
