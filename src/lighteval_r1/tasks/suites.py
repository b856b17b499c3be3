"""Suites: a YAML file of tasks with the problems that are asked of each, samples and weights.

    # what it is, for people
    about: Two benchmarks, the hard end of one.
    tasks:
      aime24: {weight: 2}
      math_500: {level: [4, 5], limit: 100, n: 4, weight: 1}
      problems.jsonl: {weight: 1}

A task's options are n, limit, weight and its groups. Where tasks have weights, the run's table ends with their weighted
mean, too.
"""

from collections.abc import Mapping
from pathlib import Path

from lighteval_r1.outside.shipped import shipped
from lighteval_r1.outside.user_files import read_yaml
from lighteval_r1.records import UserError
from lighteval_r1.tasks.portion import packed
from lighteval_r1.tasks.task import HUB, is_address

# TASK=suite:mix-728 is a suite that came with the installation.
SHIPPED = "suite:"


def suite_path(named: str) -> Path:
    """The file. From anywhere, one that came with the installation: suite:mix-728 or recipes/suites/mix-728.yaml."""
    path = Path(named.removeprefix(SHIPPED)).expanduser()
    if named.startswith(SHIPPED):
        return shipped("recipes") / "suites" / f"{path.stem}.yaml"
    if path.exists() or str(path.parent) not in (".", "suites", "recipes/suites"):
        return path
    ours = shipped("recipes") / "suites" / path.name
    return ours if ours.is_file() else path


def shipped_suites() -> dict[str, str]:
    """What came with the installation: its name -> what it says of itself."""
    paths = sorted((shipped("recipes") / "suites").glob("*.yaml"))
    return {path.stem: str(contents(path).get("about", "")) for path in paths}


def read_suite(named: str) -> list[str]:
    """The suite's tasks as specifications. UserError, with the task, for what is wrong."""
    path = suite_path(named)
    tasks = contents(path)["tasks"]
    if isinstance(tasks, list):
        tasks = dict.fromkeys(map(str, tasks))
    if not isinstance(tasks, dict) or not tasks:
        raise UserError(f"{path} names no task under tasks; it looks like `tasks: {{aime24: {{weight: 2}}}}`.")
    specs = [spec_of(path, str(name), said or {}) for name, said in tasks.items()]
    weighted = [name for name, said in tasks.items() if "weight" in (said or {})]
    if weighted and (without := [str(name) for name in tasks if name not in weighted]):
        raise UserError(f"{path}: {weighted[0]} has a weight and {without[0]} none. Give all tasks one, or none.")
    return specs


def contents(path: Path) -> dict:
    try:
        suite = read_yaml(path, what="the suite")
    except UserError as error:
        ours = ", ".join(f"{SHIPPED}{name}" for name in shipped_suites())
        raise UserError(f"{error} There came along: {ours}.") from None
    if not isinstance(suite, dict) or "tasks" not in suite or set(suite) - {"about", "tasks"}:
        names = ", ".join(map(str, suite)) if isinstance(suite, dict) else f"a {type(suite).__name__}"
        raise UserError(f"{path} is no suite: it holds tasks, and about, not {names or 'nothing'}.")
    return suite


def spec_of(path: Path, name: str, said: object) -> str:
    """ "math_500@n=4@asks='level:5;weight:2'". A file of problems lies beside the suite, where it is not found here."""
    if not isinstance(said, Mapping):
        raise UserError(f"{path}, {name}: options are a mapping such as {{level: 5, weight: 2}}, not {said!r}.")
    if is_address(name) and not name.startswith(HUB) and not Path(name).expanduser().exists():
        name = str(path.parent / name)
    values = {str(key): value if isinstance(value, list) else [value] for key, value in said.items()}
    n = "".join(f"@n={value}" for value in values.pop("n", []))
    asks = packed((key, value) for key, several in values.items() for value in several)
    return f"{name}{n}" + (f"@asks='{asks}'" if asks else "")
