"""Published numbers: those in baselines.toml, and a user's own in files of the same form.

A user's rows are read from --baselines FILE, else from the file that LIGHTEVAL_R1_BASELINES names, else from
~/.config/lighteval-r1/baselines.toml where that exists.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lighteval_r1.numbers.estimates import in_words, standard_errors
from lighteval_r1.outside import variables
from lighteval_r1.records import Estimate, UserError

SHIPPED = Path(__file__).with_name("baselines.toml")
USERS = "~/.config/lighteval-r1/baselines.toml"
FIELDS = {"model", "task", "value", "source", "date", "n", "by", "group"}


@dataclass(frozen=True)
class Baseline:
    """One published number, a fraction. n: samples per problem, None where the source is silent. group: "level=5"."""

    model: str
    task: str
    value: float
    by: str
    source: str
    date: str
    n: int | None = None
    group: str = ""

    @property
    def name(self) -> str:
        """ "DeepSeek-R1 (DeepSeek, 2025-01-20, n 64)"."""
        n = "" if self.n is None else f", n {self.n}"
        return f"{self.model.split('/')[-1]} ({self.by}, {self.date}{n})"


@dataclass(frozen=True)
class Published:
    """A published number beside ours. words: how far ours is from it."""

    name: str
    value: float
    words: str
    source: str


@dataclass(frozen=True)
class Benchmark:
    """A set of problems: how many the published numbers are over, and the tasks that ask them."""

    name: str
    n_problems: int
    names: tuple[str, ...]


@lru_cache
def benchmarks() -> dict[str, Benchmark]:
    tasks = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["tasks"]
    return {name: Benchmark(name, task["n_problems"], tuple(task["names"])) for name, task in tasks.items()}


def benchmark_of(task: str) -> Benchmark | None:
    """The benchmark whose problems a task asks ("openr1_aime24" -> aime24); None where nothing is published."""
    return next((known for known in benchmarks().values() if task in (known.name, *known.names)), None)


def read_baselines(path: Path | None = None) -> list[Baseline]:
    """The shipped rows, then the user's. UserError, naming the row, where a user's file is not as it should be."""
    rows = baselines_in(SHIPPED)
    named = path or variables.BASELINES.value()
    users = Path(named or USERS).expanduser()
    if users.is_file():
        return [*rows, *baselines_in(users)]
    if named:
        raise UserError(f"there is no file of baselines {users}.")
    return rows


def baselines_in(path: Path) -> list[Baseline]:
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    sources, rows = contents.get("sources", {}), contents.get("published")
    if not isinstance(rows, list) or not rows or not isinstance(sources, dict):
        raise UserError(f"{path} has no rows under [[published]]; each needs model, task, value, source and date.")
    return [baseline(row, sources, where=f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def baseline(row: object, sources: dict, *, where: str) -> Baseline:
    if not isinstance(row, dict):
        raise UserError(f"{where}: not a table of model, task, value, source and date.")
    named = sources.get(row.get("source"))
    if named is not None:
        row = {"by": named.get("by", ""), "date": named.get("date", "")} | row | {"source": named.get("url", "")}
    for field in ("model", "task", "value", "source", "date"):
        if row.get(field) in (None, ""):
            raise UserError(f"{where}: no {field}; each row needs model, task, value, source and date.")
    if unknown := set(row) - FIELDS:
        raise UserError(f"{where}: unknown {min(unknown)!r}; known are {', '.join(sorted(FIELDS))}.")
    value, n = row["value"], row.get("n")
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise UserError(f"{where}: value {value!r} is not a number of percent, 0 to 100.")
    if n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1):
        raise UserError(f"{where}: n {n!r} is not a number of samples per problem.")
    known = benchmark_of(str(row["task"]))
    return Baseline(
        model=str(row["model"]),
        task=known.name if known else str(row["task"]),
        value=value / 100,
        by=str(row.get("by") or row["source"]),
        source=str(row["source"]),
        date=str(row["date"]),
        n=n,
        group=str(row.get("group", "")),
    )


def plain_name(model: str) -> str:
    """ "deepseek-ai/DeepSeek-R1" and "deepseek-r1" are one: without organization or folder, case and punctuation."""
    return re.sub(r"[^a-z0-9.]", "", model.rstrip("/").rsplit("/", 1)[-1].lower())


def of_model(model: str, rows: Sequence[Baseline]) -> list[Baseline]:
    return [row for row in rows if plain_name(row.model) == plain_name(model)]


def on_task(task: str, rows: Sequence[Baseline], *, group: str = "") -> list[Baseline]:
    """Rows of the benchmark whose problems the task asks, over all of them or over a group."""
    known = benchmark_of(task)
    return [row for row in rows if row.task == (known.name if known else task) and row.group == group]


def nearest(model: str, rows: Sequence[Baseline]) -> list[str]:
    """Up to three names of models with published numbers, nearest first."""
    names = {plain_name(row.model): row.model.split("/")[-1] for row in rows}
    return [names[name] for name in difflib.get_close_matches(plain_name(model), names, n=3, cutoff=0.5)]


def beside(row: Baseline, ours: Estimate) -> Published:
    """The row with how far ours is from it; not compared where ours is not over all of the benchmark's problems."""
    known = benchmarks().get(row.task)
    if known and not row.group and ours.n_problems != known.n_problems:
        words = f"not compared: ours is over {ours.n_problems} of its {known.n_problems} problems"
    else:
        words = in_words(standard_errors(ours, row.value, n=row.n))
    return Published(row.name, row.value, words, row.source)


def published_numbers(path: Path | None = None) -> Callable[[str, str, Estimate, str], list[Published]]:
    """(model, task, our estimate, group) -> that model's published numbers on these problems, with how far ours is.

    group: "level=5", or "" for the whole task.
    """
    rows = read_baselines(path)
    return lambda model, task, ours, group: [
        beside(row, ours) for row in on_task(task, of_model(model, rows), group=group)
    ]
