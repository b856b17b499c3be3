"""Which task is meant: by its name, a short one, LightEval's or EvalScope's, a window's, or a file of one's own."""

import difflib
import re

from lighteval_r1.records import UserError
from lighteval_r1.tasks import TASKS, own
from lighteval_r1.tasks.added import added_tasks, all_tasks
from lighteval_r1.tasks.livecodebench import window
from lighteval_r1.tasks.task import Task, is_address

# What others call a benchmark, letters and digits alone, beside our own short names and the data sets'.
# Sources: the task lists of LightEval 0.13, EvalScope 1.14 and open-r1's evaluate scripts.
ALIASES = {
    "math": "r1_math_500",
    "gpqa": "r1_gpqa_diamond",
    "lcbcodegeneration": "r1_lcb",
    "lcbcodegenerationv4v5": "r1_lcb",
    "livecodebench": "r1_lcb",
    "lcbcodegenerationrelease": "r1_lcb_release_latest",
    "hmmt25": "r1_hmmt_feb25",
    "amc": "r1_amc23",
    "olympiad": "r1_olympiadbench",
}


def key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def find(name: str) -> Task | None:
    """The task of this full name: ours, a window of LiveCodeBench, another's; one's own problems by name or file."""
    if is_address(name):
        return own.add(name)
    return TASKS.get(name) or window(name) or own.find(name) or added_tasks().get(name)


def task_named(name: str) -> Task:
    """The task that a person means. UserError, with near names, where there is none."""
    task = TASKS.get(f"r1_{name}") or TASKS.get(f"demo_{name}") or find(name) or find(f"r1_{name}")
    if task is not None:
        return task
    ours = [task for task in reversed(TASKS.values()) if task.name.startswith("r1_")]
    # Of several tasks of one data set it is the first.
    known = {key(task.repo.rpartition("/")[2]): task.name for task in ours}
    known |= {key(task.name.removeprefix("r1_")): task.name for task in ours} | ALIASES
    for word in (key(name), key(name.removeprefix("r1_"))):
        if word in known:
            return TASKS[known[word]]
    raise UserError(f"there is no task {name!r}. Nearest: {', '.join(near(name))}. All: lighteval-r1 tasks.")


def near(name: str) -> list[str]:
    """Up to three names: those that hold what was asked for, or a part of it, before those of like letters."""
    asked = key(name.removeprefix("r1_"))
    keys = {task.name: key(task.name.removeprefix("r1_")) for task in all_tasks().values()}
    holding = [task for task, known in keys.items() if len(asked) > 2 and (asked in known or known in asked)]
    by_repo = [task.name for task in all_tasks().values() if len(asked) > 2 and asked in key(task.repo)]
    like = difflib.get_close_matches(name, all_tasks(), n=3, cutoff=0.0)
    return list(dict.fromkeys([*holding, *by_repo, *like]))[:3]
