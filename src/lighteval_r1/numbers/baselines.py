"""Published numbers: those in baselines.toml, and a user's own in files of the same form.

A user's rows are read from --baselines FILE, else from the file that LIGHTEVAL_R1_BASELINES names, else from
~/.config/lighteval-r1/baselines.toml where that exists.
"""

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

from lighteval_r1.numbers.distances import in_words, standard_errors
from lighteval_r1.outside import variables
from lighteval_r1.outside.decoding import decoded
from lighteval_r1.outside.hub_repositories import leaderboard
from lighteval_r1.outside.words import tell
from lighteval_r1.records import Estimate, UserError

SHIPPED = Path(__file__).with_name("baselines.toml")
USERS = "~/.config/lighteval-r1/baselines.toml"
# What a number is, and how it is said.
ESTIMATORS = {"mean": "pass@1", "maj": "a majority vote", "best": "one right of several"}
# What a field must be, where it is no text.
RULES: dict[str, tuple[Callable[[object], bool], str]] = {
    "value": (lambda value: is_number(value) and 0 <= value <= 100, "a number of percent, 0 to 100"),
    "n": (lambda value: type(value) is int and value > 0, "a number of samples per problem"),
    "temperature": (lambda value: is_number(value), "a number"),
    "max_tokens": (lambda value: type(value) is int, "a number"),
    "confirmed": (lambda value: isinstance(value, bool), "a truth value"),
    "estimator": (lambda value: value in tuple(ESTIMATORS), f"one of {', '.join(ESTIMATORS)}"),
}


@dataclass(frozen=True)
class Baseline:
    """One published number, a fraction. group: "level=5". estimator: see ESTIMATORS.

    n (samples per problem), temperature, max_tokens: None where the source is silent. confirmed: read at its source.
    """

    model: str
    task: str
    value: float
    by: str
    source: str
    date: str
    n: int | None = None
    group: str = ""
    estimator: str = "mean"
    temperature: float | None = None
    max_tokens: int | None = None
    confirmed: bool = True

    @property
    def name(self) -> str:
        """ "DeepSeek-R1 (DeepSeek, 2025-01-20, n 64)"."""
        n = "" if self.n is None else f", n {self.n}" if self.estimator == "mean" else f", {self.estimator}@{self.n}"
        return f"{self.model.split('/')[-1]} ({self.by}, {self.date}{n})"


@dataclass(frozen=True)
class Published:
    """A published number beside ours. words: how far ours is from it, and what else differs. alike: nothing does."""

    name: str
    value: float
    words: str
    source: str
    by: str = ""
    alike: bool = True
    is_mean: bool = True


@dataclass(frozen=True)
class Benchmark:
    """A set of problems: how many the published numbers are over, and the tasks that ask them.

    leaderboard: the data set that has one on the Hub, else "".
    """

    name: str
    n_problems: int
    names: tuple[str, ...]
    leaderboard: str


@lru_cache
def benchmarks() -> dict[str, Benchmark]:
    tasks = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["tasks"]
    return {
        name: Benchmark(name, task["n_problems"], tuple(task["names"]), task.get("leaderboard", ""))
        for name, task in tasks.items()
    }


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


def leaderboard_rows() -> list[Baseline]:
    """What the Hub's leaderboards hold now; [] where the Hub is out of reach, which is said.

    A value of at most 1 may be a fraction or a percent and is left out.
    """
    rows = []
    for benchmark in benchmarks().values():
        if not benchmark.leaderboard:
            continue
        entries = leaderboard(benchmark.leaderboard)
        if entries is None:
            tell(f"The leaderboard of {benchmark.leaderboard} cannot be read; its numbers are those that came along.")
            continue
        for entry in entries:
            if 1 < entry.value <= 100:
                by = f"leaderboard{' (verified)' if entry.verified else ''}"
                source = f"https://huggingface.co/{entry.model_id}/blob/main/{entry.filename}"
                today = datetime.now(UTC).date().isoformat()
                rows.append(Baseline(entry.model_id, benchmark.name, entry.value / 100, by, source, today))
    return rows


def baselines_in(path: Path) -> list[Baseline]:
    try:
        contents = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    if not contents.get("published"):
        raise UserError(f"{path} has no rows under [[published]]; each needs model, task, value, source and date.")
    rows = decoded(list[object], contents["published"], where=f"{path}, [[published]]")
    sources = decoded(dict[str, dict[str, Any]], contents.get("sources", {}), where=f"{path}, [sources]")
    return [baseline(row, sources, where=f"{path}, row {number}") for number, row in enumerate(rows, start=1)]


def baseline(row: object, sources: dict[str, dict[str, Any]], *, where: str) -> Baseline:
    if not isinstance(row, dict):
        raise UserError(f"{where}: not a table of model, task, value, source and date.")
    named = sources.get(str(row.get("source")))
    if named is not None:
        row = {name: value for name, value in named.items() if name != "url"} | row | {"source": named.get("url", "")}
    for field in ("model", "task", "value", "source", "date"):
        if row.get(field) in (None, ""):
            raise UserError(f"{where}: no {field}; each row needs model, task, value, source and date.")
    names = {field.name for field in fields(Baseline)}
    if unknown := set(row) - names:
        raise UserError(f"{where}: unknown {min(unknown)!r}; known are {', '.join(sorted(names))}.")
    for name, (holds, words) in RULES.items():
        if name in row and not holds(row[name]):
            raise UserError(f"{where}: {name} {row[name]!r} is not {words}.")
    if odd := [name for name in row if name not in RULES and not isinstance(row[name], str | date)]:
        raise UserError(f"{where}: {odd[0]} {row[odd[0]]!r} is not text.")
    known = benchmark_of(str(row["task"]))
    texts = {name: str(value) for name, value in row.items() if name not in RULES}
    texts |= {"task": known.name if known else texts["task"], "by": texts.get("by") or texts["source"]}
    return Baseline(**{name: row[name] for name in RULES if name in row} | texts | {"value": row["value"] / 100})


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


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


def beside(row: Baseline, ours: Estimate, settings: Mapping[str, object]) -> Published:
    """The row with how far ours is from it, and what else differs, as far as both say it.

    Not compared where ours is not over all of the benchmark's problems, or is another kind of number.
    """
    known = benchmarks().get(row.task)
    is_mean = row.estimator == "mean"
    compared = False
    if known and known.n_problems and not row.group and ours.n_problems != known.n_problems:
        words = f"not compared: ours is over {ours.n_problems} of its {known.n_problems} problems"
    elif not is_mean:
        words = f"not compared: it is {ESTIMATORS[row.estimator]}, ours pass@1"
    else:
        words, compared = in_words(standard_errors(ours, row.value, n=row.n)), True
    apart = [] if row.confirmed else ["not confirmed at its source"]
    for name, said in (("temperature", row.temperature), ("max_tokens", row.max_tokens)):
        own = settings.get(name)
        if said is not None and own is not None and said != own:
            apart.append(f"{name.replace('_', ' ')} {said:,}, ours {own:,}")
    text = "; ".join([words, *apart])
    return Published(row.name, row.value, text, row.source, row.by, compared and not apart, is_mean)


def all_beside(rows: Sequence[Baseline], ours: Estimate, settings: Mapping[str, object]) -> list[Published]:
    """The rows beside ours: what was measured alike first."""
    return sorted((beside(row, ours, settings) for row in rows), key=lambda published: not published.alike)


def spread(numbers: Sequence[Published], ours: float) -> str:
    """How far those who measured the same model are apart, and where ours lies; "" where fewer than two did.

    Agreement with a published number means this spread, too: it is what another harness alone does.
    """
    of_each = {each.by: each.value for each in numbers if each.is_mean}
    if len(of_each) < 2:
        return ""
    low, high = min(of_each.values()), max(of_each.values())
    place = "below" if ours < low else "above" if ours > high else "within"
    return f"measured by {len(of_each)}: {100 * low:.1f} to {100 * high:.1f}; ours is {place}"


def published_numbers(
    path: Path | None = None,
) -> Callable[[str, Mapping[str, object], str, Estimate, str], list[Published]]:
    """(model, our run's settings, task, our estimate, group) -> that model's published numbers, with how far ours is.

    group: "level=5", or "" for the whole task.
    """
    rows = read_baselines(path)

    def found(model: str, settings: Mapping[str, object], task: str, ours: Estimate, group: str) -> list[Published]:
        return all_beside(on_task(task, of_model(model, rows), group=group), ours, settings)

    return found
