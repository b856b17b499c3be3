"""Journals as runs, finished or under way, and `lighteval-r1 runs`: which journals a cache holds and how far each
is."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lighteval_r1.numbers.allocation import weighed
from lighteval_r1.numbers.tables import columns
from lighteval_r1.outside.folders import files_below
from lighteval_r1.records import Run, RunProblem, Sample, Settings, TaskRun, UserError, sample_key
from lighteval_r1.sampling.journal_files import (
    Asked,
    DamageSeen,
    Key,
    cache_folders,
    newest_version,
    read_asked,
    read_problems,
    read_samples,
    read_settings,
    records_in,
)

HEADERS = ("model", "task", "settings", "sampling", "asked", "drawn", "owed", "graded")
NO_TEXTS = "prompts and golds"


def journals_under(path: Path) -> list[Path]:
    """The journals of one run: path itself, or those below it of the settings that were written last; [] without
    any."""
    if (path / "settings.json").is_file():
        return [path]
    groups: dict[tuple[str, str], list[Path]] = {}
    for settings in sorted(files_below(path, "settings.json")):
        folder = settings.parent
        groups.setdefault((folder.parents[1].name, folder.name), []).append(folder)
    if len(models := {model for model, _ in groups}) > 1:
        raise UserError(
            f"{path} holds journals of {len(models)} models ({', '.join(sorted(models)[:3])}, …): name one."
        )
    return max(groups.values(), key=lambda folders: max(map(last_written, folders)), default=[])


def last_written(folder: Path) -> float:
    return max(path.stat().st_mtime for path in folder.iterdir())


def journal_run(folders: list[Path], *, texts: bool) -> Run:
    """The run that these journals hold, each a task of it. Takes no lock and writes nothing.

    texts: whether prompts and golds are wanted. Journals that were made before these were kept take them from the
    task's data; where that is not at hand, they are named in Run.missing.
    """
    settings = read_settings(folders[0])
    damage = DamageSeen()
    tasks = {folder.parent.name: journal_task(folder, settings, texts=texts, damage=damage) for folder in folders}
    missing = [f"{len(damage.lines)} damaged lines (first: {damage.lines[0]})"] if damage.lines else []
    if texts and any(not problem.prompt for task in tasks.values() for problem in task.problems):
        missing.append(NO_TEXTS)
    path = folders[0] if len(folders) == 1 else folders[0].parents[1]
    asked = read_asked(folders[0])
    # of what a finished run records, a journal knows the marks
    environment = {"reasoning_parser": {"marks": asked.marks}} if asked and asked.marks else {}
    return Run(settings.model, str(path), asdict(settings), environment, tasks, tuple(missing))


def graded_by(folder: Path) -> tuple[Asked | None, int, str]:
    """What the latest run asked, and the version of the task and the marks by which grades count."""
    asked = read_asked(folder)
    return (asked, asked.version, asked.marks) if asked else (None, newest_version(folder), "")


def samples_by_problem(folder: Path, *, damage: DamageSeen) -> dict[str, list[Sample]]:
    """Problem's id -> its samples, by index."""
    _, version, marks = graded_by(folder)
    by_problem: dict[str, list[Sample]] = {}
    for sample in read_samples(folder, version=version, damage=damage, marks=marks).values():
        by_problem.setdefault(sample.problem_id, []).append(sample)
    return {problem_id: sorted(samples, key=lambda s: s.index) for problem_id, samples in by_problem.items()}


def journal_task(folder: Path, settings: Settings, *, texts: bool, damage: DamageSeen) -> TaskRun:
    asked, version, _ = graded_by(folder)
    drawn = samples_by_problem(folder, damage=damage)
    n = asked.n if asked else max(map(len, drawn.values()), default=0)
    ids = asked.problem_ids if asked else list(drawn)
    known = read_problems(folder, damage=damage)
    if texts and not all(problem_id in known for problem_id in ids):
        known = problems_of_task(folder.parent.name) | known
    problems = [
        replace(
            known.get(problem_id) or RunProblem(problem_id),
            samples=[sample for sample in drawn.get(problem_id, ()) if asked is None or sample.index < n],
        )
        for problem_id in ids
    ]
    part, weight = (asked.part, asked.weight) if asked else ("", None)
    task_run = TaskRun.of_problems(folder.parent.name, problems, version=version, n=n, part=part, weight=weight)
    return weighed(task_run, error=asked.error, most=n) if asked and asked.error else task_run


def problems_of_task(name: str) -> dict[str, RunProblem]:
    """The task's problems by id, from its data; {} where that is not at hand."""
    from lighteval_r1.sampling.work import shown
    from lighteval_r1.tasks.names import find
    from lighteval_r1.tasks.task import rows_at_hand

    task = find(name)
    rows = rows_at_hand(task) if task is not None else None
    if task is None or rows is None:
        return {}
    return {problem.id: shown(problem, []) for row in rows for problem in [task.problem(row)]}


@dataclass(frozen=True)
class Holding:
    """How far one journal is.

    asked, owed None: it was made before journals kept what was asked. graded: as the newest run asked for.
    """

    folder: Path
    task: str
    settings: Settings
    asked: int | None
    drawn: int
    owed: int | None
    graded: int


def holdings(cache_dir: str) -> list[Holding]:
    """The journals under a cache folder, by model, task and age. UserError where there are none."""
    roots = [home / "lighteval_r1" for home in cache_folders(cache_dir)]
    folders = [
        folder for root in roots for folder in sorted({path.parent for path in files_below(root, "settings.json")})
    ]
    if not folders:
        raise UserError(
            f"there are no journals under {' or '.join(map(str, roots))}. "
            "Say the cache_dir of your runs with --cache-dir."
        )
    return [holding(folder) for folder in folders]


def holding(folder: Path) -> Holding:
    settings = read_settings(folder)
    drawn = set(keys_in(folder, "samples-*.jsonl"))
    asked, version, marks = graded_by(folder)
    sizes = {}
    if asked and asked.error is not None:
        adaptive = journal_task(folder, settings, texts=False, damage=DamageSeen()).adaptive
        sizes = adaptive.sizes if adaptive else {}
    wanted = keys_asked(asked, settings, sizes=sizes) if asked else None
    return Holding(
        folder=folder,
        task=folder.parent.name,
        settings=settings,
        asked=None if wanted is None else len(wanted),
        drawn=len(drawn),
        owed=None if wanted is None else len(wanted - drawn),
        graded=len(drawn.intersection(keys_in(folder, f"grades-v{version}-*.jsonl", marks=marks))),
    )


def keys_asked(asked: Asked, settings: Settings, *, sizes: dict[str, int]) -> set[str]:
    """sizes: samples that each problem needs, in an adaptive run."""
    return {
        sample_key(problem_id=problem_id, index=index, settings_id=settings.id)
        for problem_id in asked.problem_ids
        for index in range(sizes.get(problem_id, asked.n))
    }


def keys_in(folder: Path, pattern: str, *, marks: str = "") -> Iterator[str]:
    """The keys of what these files hold; of grades, of those by these marks."""
    for path in folder.glob(pattern):
        for line in records_in(path, Key, damage=DamageSeen()):
            if line.marks == marks:
                yield line.key


def holdings_table(journals: list[Holding]) -> str:
    rows = []
    for journal in journals:
        settings = journal.settings
        sampling = f"T={settings.temperature:g} p={settings.top_p:g} max={settings.max_tokens}"
        revision = settings.revision.removeprefix("sha256:")[:8]
        figures = [journal.asked, journal.drawn, journal.owed, journal.graded]
        shown = ["–" if figure is None else f"{figure:,}" for figure in figures]
        rows.append([f"{settings.model}@{revision}", journal.task, settings.id, sampling, *shown])
    return columns([list(HEADERS), *rows], left=4)
