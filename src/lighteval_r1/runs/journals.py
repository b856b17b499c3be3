"""`lighteval-r1 runs`: which runs the journals of a cache hold, and how far each is."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.numbers.tables import columns
from lighteval_r1.records import Settings, UserError, sample_key
from lighteval_r1.sampling.journal import Asked, decode_line, read_asked, read_settings

HEADERS = ("model", "task", "settings", "sampling", "asked", "drawn", "owed", "graded")


@dataclass(frozen=True)
class Holding:
    """One journal. asked, owed None: it was made before journals kept what was asked. graded: by the newest version."""

    folder: Path
    task: str
    settings: Settings
    asked: int | None
    drawn: int
    owed: int | None
    graded: int


def holdings(cache_dir: str) -> list[Holding]:
    """The journals under a cache folder, by model, task and age. UserError where there are none."""
    root = Path(cache_dir).expanduser() / "lighteval_r1"
    folders = sorted({path.parent for path in root.rglob("settings.json")})
    if not folders:
        raise UserError(f"there are no journals under {root}. Say the cache_dir of your runs with --cache-dir.")
    return [holding(folder) for folder in folders]


def holding(folder: Path) -> Holding:
    settings = read_settings(folder)
    drawn = keys_in(folder, "samples-*.jsonl")
    versions = {
        int(match[1]) for path in folder.glob("grades-v*.jsonl") if (match := re.match(r"grades-v(\d+)-", path.name))
    }
    asked = read_asked(folder)
    version = asked.version if asked else max(versions, default=1)
    wanted = keys_asked(asked, settings) if asked else None
    return Holding(
        folder=folder,
        task=folder.parent.name,
        settings=settings,
        asked=None if wanted is None else len(wanted),
        drawn=len(drawn),
        owed=None if wanted is None else len(wanted - drawn),
        graded=len(drawn & keys_in(folder, f"grades-v{version}-*.jsonl")),
    )


def keys_asked(asked: Asked, settings: Settings) -> set[str]:
    return {
        sample_key(problem_id=problem_id, index=index, settings_id=settings.id)
        for problem_id in asked.problem_ids
        for index in range(asked.n)
    }


def keys_in(folder: Path, pattern: str) -> set[str]:
    return {record["key"] for path in folder.glob(pattern) for record in whole_lines(path)}


def whole_lines(path: Path) -> Iterator[dict]:
    with path.open("rb") as lines:
        for line in lines:
            if (record := decode_line(line)) is not None:
                yield record


def holdings_table(found: list[Holding]) -> str:
    rows = []
    for one in found:
        settings = one.settings
        sampling = f"T={settings.temperature:g} p={settings.top_p:g} max={settings.max_tokens}"
        revision = settings.revision.removeprefix("sha256:")[:8]
        figures = [one.asked, one.drawn, one.owed, one.graded]
        shown = ["–" if figure is None else f"{figure:,}" for figure in figures]
        rows.append([f"{settings.model}@{revision}", one.task, settings.id, sampling, *shown])
    return columns([list(HEADERS), *rows], left=4)
