"""The files of a journal, read without a lock and without writing anything, also while a run appends to them.

    <CACHE, else HF_HOME/lighteval>/lighteval_r1/<model>/<task>/<settings id>/
        settings.json            what the samples were drawn with
        asked.json               what the latest run asked for: n, problems, version of the task
        problems.jsonl           each problem once: prompt, gold as people may see it, groups, name, hash of its row
        samples-<writer>.jsonl   one file per writer, one line per sample
        grades-v<V>-<writer>.jsonl   one line per grade; V is the task's version. Delete them to grade anew
        lock                     held while a run writes here

Each line is a JSON object that begins with the CRC-32 of the rest.
"""

import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from lighteval_r1.engines import CACHE_DIR
from lighteval_r1.outside.decoding import decoded, read_json
from lighteval_r1.outside.hub_files import hf_home
from lighteval_r1.records import (
    GRADE_FIELDS,
    Count,
    NSamples,
    Outcome,
    Positive,
    RunProblem,
    Sample,
    Settings,
    UserError,
)

T = TypeVar("T")

# Beside a run's results: the folders of the journals that it fills, written when it begins.
JOURNALS_FILE = "journals.json"
# What is kept of a problem; its gold as people may see it.
PROBLEM_FIELDS = ("id", "name", "prompt", "gold", "grader", "groups", "row_sha256")
# (file, number of the line, the line) of what does not match its checksum
Damage = Callable[[Path, int, bytes], None]


def cache_folders(cache_dir: str) -> list[Path]:
    """Where journals are kept, the first for new ones. Of the default, HF_HOME's folder and the one that it stood for
    before HF_HOME was asked."""
    named = Path(cache_dir).expanduser()
    return [named] if cache_dir != CACHE_DIR else list(dict.fromkeys([hf_home() / "lighteval", named]))


def journal_folder(cache_dir: str, *, task: str, settings: Settings) -> Path:
    """The journal's, where it lies already; else where it shall lie."""
    journals = [folder / settings.id for folder in task_folders(cache_dir, task=task, model=settings.model)]
    return next((journal for journal in journals if journal.exists()), journals[0])


def task_folders(cache_dir: str, *, task: str, model: str) -> list[Path]:
    """Where a model's journals of a task lie, one for each of the settings."""
    name = model.strip("/").replace("/", "--") or "model"
    return [home / "lighteval_r1" / name / task for home in cache_folders(cache_dir)]


def encode_line(record: dict) -> bytes:
    """The record as one line of ASCII JSON with its checksum in front."""
    body = json.dumps(record, separators=(",", ":")).encode()[1:]
    return b'{"crc32":"%08x",%s\n' % (zlib.crc32(body), body)


def decode_line(line: bytes) -> dict | None:
    """The record of a line; None where the line is torn or does not match its checksum."""
    if not line.startswith(b'{"crc32":"') or not line.endswith(b"\n"):
        return None
    body = line[20:-1]
    if line[18:20] != b'",' or b"%08x" % zlib.crc32(body) != line[10:18]:
        return None
    return json.loads(b"{" + body)


def records_in(path: Path, kind: type[T], *, damage: Damage) -> Iterator[T]:
    """What the lines hold. UserError where a whole line is no such noun: another program's, or a later version's."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                record = decode_line(line)
                if record is None:
                    damage(path, number, line)
                else:
                    yield decoded(kind, record, where=f"{path}, line {number},")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None


class DamageSeen:
    """What a reader keeps of damaged lines. The unfinished last line of a file that is being written is none."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, path: Path, number: int, line: bytes) -> None:
        if line.endswith(b"\n"):
            self.lines.append(f"{path}, line {number}")


@dataclass(frozen=True)
class Asked:
    """What a run asks of a journal: n samples of each problem, graded by this version of the task and by these marks
    of thinking (graders.marks). part, weight: as a TaskRun has them. error: of an adaptive run, se_resampling until
    which n at most are drawn."""

    n: NSamples
    version: int
    problem_ids: list[str] = field(default_factory=list)
    marks: str = ""
    part: str = ""
    weight: Positive | None = None
    error: Positive | None = None


@dataclass(frozen=True)
class GradeLine:
    """A line of a file of grades: of which sample, by which marks its answer was told from its thinking, and where."""

    key: str
    outcome: Outcome
    answer: str
    step: str
    marks: str = ""
    split: str | None = None
    n_thinking_tokens: Count | None = None


@dataclass(frozen=True)
class Key:
    """What of a line says which sample it is of, and by which marks."""

    key: str
    marks: str = ""


def read_written(path: Path, kind: type[T]) -> T:
    """UserError where the file is empty or broken, as a power failure leaves it."""
    try:
        return decoded(kind, read_json(path), where=path)
    except UserError as error:
        raise UserError(f"{error} Delete it: the run's own command writes it anew.") from None


def read_settings(folder: Path) -> Settings:
    path = folder / "settings.json"
    return settings_of(read_written(path, dict), where=path)


def settings_of(record: dict, *, where: object) -> Settings:
    """As they were said, so that their id stays: 1 is not 1.0. UserError for those of a later version."""
    decoded(Settings, record, where=where)
    if unknown := record.keys() - {known.name for known in fields(Settings)}:
        raise UserError(f"{where} has a setting {min(unknown)!r}: it was written by a later version of lighteval-r1.")
    return Settings(**record)


def journals_named_in(path: Path) -> list[Path]:
    """Those of a run's journals.json that are there."""
    return [Path(name) for name in read_written(path, list[str]) if os.path.isdir(name)]


def read_asked(folder: Path) -> Asked | None:
    """None where no run has said yet."""
    path = folder / "asked.json"
    return read_written(path, Asked) if path.exists() else None


def newest_version(folder: Path) -> int:
    """Of the task, by which anything was graded here; 1 where nothing was."""
    names = (re.match(r"grades-v(\d+)-", path.name) for path in folder.glob("grades-v*.jsonl"))
    return max((int(name[1]) for name in names if name), default=1)


def read_samples(folder: Path, *, version: int, damage: Damage, marks: str = "") -> dict[str, Sample]:
    """Key -> sample, with its grade by this version of the task and these marks; the first line of a key counts."""
    samples: dict[str, Sample] = {}
    for path in sorted(folder.glob("samples-*.jsonl")):
        for sample in records_in(path, Sample, damage=damage):
            samples.setdefault(sample.key, sample)
    for path in sorted(folder.glob(f"grades-v{version}-*.jsonl")):
        for line in records_in(path, GradeLine, damage=damage):
            drawn = samples.get(line.key)
            if drawn is not None and drawn.outcome is None and line.marks == marks:
                samples[line.key] = replace(drawn, **vars(line))
    return samples


def grade_record(sample: Sample) -> dict:
    """A graded sample's line in the file of grades."""
    return {"key": sample.key} | {name: getattr(sample, name) for name in GRADE_FIELDS}


def problem_line(problem: RunProblem) -> bytes:
    return encode_line({name: getattr(problem, name) for name in PROBLEM_FIELDS})


def read_problems(folder: Path, *, damage: Damage) -> dict[str, RunProblem]:
    """Id -> problem, without samples; {} in journals that were made before problems were kept."""
    path = folder / "problems.jsonl"
    if not path.exists():
        return {}
    return {problem.id: problem for problem in records_in(path, RunProblem, damage=damage)}
