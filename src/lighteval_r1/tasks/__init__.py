"""What is asked. TASKS is the only list of tasks; a file each holds where rows are and how a row becomes a Problem.

The prompt is data of a task: a twin that asks the same problems otherwise is `replace(task, name=…, prompt=…)`.
"""

from lighteval_r1.tasks import (
    aime,
    competitions,
    demo,
    evalplus,
    gpqa_diamond,
    livecodebench,
    math_500,
    minerva,
    mmlu_pro,
    olympiadbench,
)
from lighteval_r1.tasks.task import Task

TASKS: dict[str, Task] = {
    task.name: task
    for module in (
        *(aime, competitions, math_500, minerva, olympiadbench, gpqa_diamond, mmlu_pro, livecodebench, evalplus),
        demo,
    )
    for task in module.TASKS
}

__all__ = ["TASKS", "Task"]
