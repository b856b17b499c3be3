"""`lighteval-r1 tasks` and `check`: what can be asked, and whether each gold answer passes its own grader."""

from dataclasses import dataclass

from lighteval_r1.cli.options import argument
from lighteval_r1.outside.words import counted, say
from lighteval_r1.records import UserError, data_sha256
from lighteval_r1.tasks.added import all_tasks
from lighteval_r1.tasks.specs import check_data, parse_spec
from lighteval_r1.tasks.suites import shipped_suites
from lighteval_r1.tasks.task import task_rows


@dataclass(frozen=True, kw_only=True)
class TasksOptions:
    pass


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    names: list[str] = argument("Tasks, such as r1_aime24.")


def tasks_command(options: TasksOptions) -> None:
    """List the tasks and suites. Each with data set, problems, samples per problem, grader and licence."""
    for task in all_tasks().values():
        n_problems = task.n_problems or "-"
        say(
            f"{task.name:<28} {task.repo:<36} {n_problems:>5} problems  "
            f"n={task.n:<3} {task.grader.name:<10} {task.licence}"
            + ("" if task.tried else "; columns as documented, not tried")
        )
    for name, about in shipped_suites().items():
        say(f"suite:{name:<22} {about}")


def check_command(options: CheckOptions) -> None:
    """Check that each gold passes its own grader. An empty reply must be no answer."""
    faults = []
    for name in options.names:
        task = parse_spec(name).task
        check_data(task)
        problems = [task.problem(row) for row in task_rows(task)]
        wrong = task.check(problems)
        faults += [f"{task.name}: {fault}" for fault in wrong]
        size = f"{counted(len(problems), 'problem')}, {counted(len(wrong), 'fault')}"
        say(f"{task.name}: {size}, SHA-256 {data_sha256(problems)}")
    if faults:
        raise UserError("\n".join(faults[:20]))
