"""The variables of the environment that are read here, in one table; no module reads one by itself."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lighteval_r1.records import UserError

T = TypeVar("T")


@dataclass(frozen=True)
class Variable(Generic[T]):
    """read: the value of its text; raises ValueError, saying what it must be. default: where it is not set or empty.

    read_by: the rooms. internal: set by this package for its own processes.
    """

    name: str
    meaning: str
    read: Callable[[str], T]
    default: T
    read_by: str
    internal: bool = False

    def value(self) -> T:
        text = os.environ.get(self.name, "").strip()
        try:
            return self.read(text) if text else self.default
        except ValueError as error:
            raise UserError(f"{self.name}={text!r} {error}.") from None

    def set(self, value: object) -> None:
        """For this process and those that it starts."""
        os.environ[self.name] = value if isinstance(value, str) else json.dumps(value)

    def take(self) -> T:
        """Its value, which no process that is started from here on sees."""
        value = self.value()
        os.environ.pop(self.name, None)
        return value


def flag(text: str) -> bool:
    return text.lower() not in ("0", "no", "false")


def device(text: str) -> str:
    if text.lower() not in ("gpu", "cpu"):
        raise ValueError("is neither gpu nor cpu")
    return text.lower()


def shard(text: str) -> tuple[int, int]:
    """(k, K), k from 1 to K."""
    numbers = re.fullmatch(r"(\d+)/(\d+)", text, re.ASCII)
    if not numbers or not 1 <= int(numbers[1]) <= int(numbers[2]):
        raise ValueError("is not k/K with k from 1 to K, such as 2/8")
    return int(numbers[1]), int(numbers[2])


def points(text: str) -> float:
    """Percentage points as a fraction."""
    if not 0 < float(text) < 50:
        raise ValueError("is not a number of points above 0 and below 50, such as 1.5")
    return float(text) / 100


def count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d*", text, re.ASCII):
        raise ValueError("is not a whole number from 1")
    return int(text)


def json_object(text: str) -> dict:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("is no JSON object")
    return value


DEVICE = Variable(
    "LIGHTEVAL_R1_DEVICE", "gpu or cpu; else it is asked of the GPU's driver", device, "", read_by="engines"
)
DATA = Variable("LIGHTEVAL_R1_DATA", "a folder of the tasks' data, read instead of the Hub", str, "", read_by="tasks")
TASKS = Variable(
    "LIGHTEVAL_R1_TASKS", "Python modules or files with tasks of your own, by comma", str, "", read_by="tasks"
)
SHARD = Variable[tuple[int, int] | None](
    "LIGHTEVAL_R1_SHARD", "k/K: this run draws the k-th of K parts of what is owed", shard, None, read_by="cli, plugin"
)
ERROR = Variable[float | None](
    "LIGHTEVAL_R1_ERROR",
    "draw until ± resampling is so many points, instead of n samples of each problem; n is then the most of a problem",
    points,
    None,
    read_by="cli, plugin, sampling",
)
NODES = Variable(
    "LIGHTEVAL_R1_NODES",
    "nodes that one replica spans through Ray; a Slurm job sets it",
    count,
    1,
    read_by="engines, plugin",
)
EAGER = Variable("LIGHTEVAL_R1_EAGER", "1: no CUDA graphs on a GPU", flag, False, read_by="plugin")
MODEL = Variable[dict](
    "LIGHTEVAL_R1_MODEL",
    'JSON of what a recipe says under lighteval_r1: {"template_args": {"enable_thinking": false}}',
    json_object,
    {},
    read_by="cli, engines, plugin",
)
SANE = Variable("LIGHTEVAL_R1_SANE", "1: as --sane", flag, False, read_by="cli, sampling")
CLUSTER = Variable(
    "LIGHTEVAL_R1_CLUSTER", "the file that describes the cluster, where --cluster names none", str, "", read_by="slurm"
)
BASELINES = Variable(
    "LIGHTEVAL_R1_BASELINES", "a file of published numbers, where --baselines names none", str, "", read_by="numbers"
)
UNSAFE_CODE = Variable(
    "LIGHTEVAL_R1_UNSAFE_CODE", "1: as --allow-unsafe-code", flag, False, read_by="confined, sampling"
)
OWN_PROBLEMS = Variable(
    "LIGHTEVAL_R1_OWN_PROBLEMS",
    "files of problems that are asked, by task",
    json.loads,
    {},
    read_by="tasks",
    internal=True,
)
ASKED = Variable(
    "LIGHTEVAL_R1_ASKED",
    "the tasks that a command asks, where LightEval's is not used",
    str,
    "",
    "cli, plugin",
    internal=True,
)
VARIABLES = (
    *(DEVICE, DATA, TASKS, SHARD, ERROR, NODES, EAGER, MODEL, SANE, CLUSTER, BASELINES, UNSAFE_CODE),
    *(OWN_PROBLEMS, ASKED),
)


def table() -> str:
    """The variables that are for users, a line each."""
    shown = [variable for variable in VARIABLES if not variable.internal]
    width = max(len(variable.name) for variable in shown)
    return "\n".join(f"{variable.name:<{width}}  {variable.meaning}" for variable in shown)
