"""Tasks of other packages and files: entry points of the group lighteval_r1.tasks, and what LIGHTEVAL_R1_TASKS names.

Each is a Python module with a list TASKS. Loaded where a name is not one of ours, or all tasks are listed.
"""

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from lighteval_r1.graders import GRADERS
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import UserError
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.task import Task

GROUP = "lighteval_r1.tasks"


@cache
def added_tasks() -> dict[str, Task]:
    """By name. UserError, with where the mistake is, for a module that cannot be used."""
    found: dict[str, tuple[Task, str]] = {}
    for where, module in modules():
        tasks = getattr(module, "TASKS", None)
        if not isinstance(tasks, list | tuple) or not tasks:
            raise UserError(f"{where} has no list TASKS of tasks.")
        for task in tasks:
            check(task, where=where)
            if task.name in TASKS or task.name in found:
                other = found[task.name][1] if task.name in found else "this package"
                raise UserError(f"{where}: {task.name} is a task of {other}. Give it another name.")
            found[task.name] = task, where
    return {name: task for name, (task, _) in found.items()}


def all_tasks() -> dict[str, Task]:
    """Ours, and those that were added."""
    return TASKS | added_tasks()


def modules() -> Iterator[tuple[str, ModuleType]]:
    """(what people call it, the module)."""
    for name in filter(None, (part.strip() for part in variables.TASKS.value().split(","))):
        where = f"LIGHTEVAL_R1_TASKS={name}"
        yield where, loaded(where, lambda name=name: module_of(name))
    for entry in entry_points(group=GROUP):
        where = f"the entry point {entry.name} = {entry.value}"
        yield where, loaded(where, entry.load)


def module_of(name: str) -> ModuleType:
    if not name.endswith(".py"):
        return importlib.import_module(name)
    path = Path(name).expanduser().absolute()
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # functions of a module that others cannot import cannot be sent to them
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def loaded(where: str, load) -> ModuleType:
    try:
        return load()
    except Exception as error:  # whatever a module of somebody's raises while it is imported
        raise UserError(f"{where} cannot be loaded: {type(error).__name__}: {one_line(error)}") from None


def check(task: object, *, where: str) -> None:
    """UserError for what is no task, or one that cannot be asked."""
    if not isinstance(task, Task):
        raise UserError(f"{where}: TASKS holds {one_line(repr(task), longest=60)}, which is no Task.")
    if not re.fullmatch(r"\w[\w.-]*", task.name, re.ASCII):
        raise UserError(f"{where}: {task.name!r} is no name of a task; letters, digits, _, - and . make one.")
    if GRADERS.get(task.grader.name) is not task.grader:
        raise UserError(f"{where}: {task.name} is graded by none of our graders; there are {', '.join(GRADERS)}.")
    try:
        asked = task.prompt.format(problem="?")
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(
            f"{where}: the prompt of {task.name} is no template ({error!r}); double its other braces."
        ) from None
    if asked.count("?") == task.prompt.count("?"):
        raise UserError(f"{where}: the prompt of {task.name} has no {{problem}} in it.")
