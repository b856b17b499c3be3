"""A task of a run at work: the samples wanted of it, its journal, what is owed of it, and how that is announced."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lighteval_r1.engines import Engine, Owed
from lighteval_r1.graders import GRADERS
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import counted, tell
from lighteval_r1.records import (
    OwedError,
    Problem,
    RunProblem,
    Sample,
    Settings,
    TaskRun,
    sample_key,
    seed_of,
)
from lighteval_r1.sampling.journal import Journal, why_anew, write_whole
from lighteval_r1.sampling.journal_files import JOURNALS_FILE, Asked, cache_folders, journal_folder
from lighteval_r1.tasks.specs import TaskSpec


@dataclass(frozen=True)
class Work:
    """One task of a run: its problems, the samples wanted of each, and its journal.

    task: as LightEval calls it, with the number of shots ("r1_aime24|0"). sizes: of an adaptive run, the samples that
    each problem needs as far as that is known, by its id.
    """

    task: str
    problems: list[Problem]
    asked: Asked
    journal: Journal
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.task.partition("|")[0]

    def keys(self, problem: Problem) -> list[str]:
        return self.first_keys(problem, self.sizes.get(problem.id, self.asked.n))

    def first_keys(self, problem: Problem, n: int) -> list[str]:
        settings_id = self.journal.settings.id
        return [sample_key(problem_id=problem.id, index=i, settings_id=settings_id) for i in range(n)]

    @classmethod
    def open(
        cls,
        task: str,
        problems: list[Problem],
        asked: Asked,
        *,
        settings: Settings,
        cache_dir: str,
        shard: tuple[int, int] | None = None,
    ) -> "Work":
        """The task with its journal, which knows what is asked of it."""
        folder = journal_folder(cache_dir, task=task.partition("|")[0], settings=settings)
        if not folder.is_relative_to(cache_folders(cache_dir)[0]):
            tell(f"{folder.parent.name}: its journal goes on where it lies, in {folder}.")
        if not folder.exists() and (why := why_anew(folder, settings)):
            tell(f"{folder.parent.name}: {why}")
        journal = Journal(folder, settings=settings, version=asked.version, shard=shard, marks=asked.marks)
        journal.keep_asked(asked, [shown(problem, []) for problem in problems])
        work = cls(task, problems, asked, journal)
        if asked.error is not None:
            work.plan()
        return work

    @classmethod
    def of_spec(
        cls, spec: TaskSpec, problems: list[Problem], *, engine: Engine, cache_dir: str, shard: tuple[int, int] | None
    ) -> "Work":
        """The task as a command names it, drawn by this engine."""
        task = spec.task
        part, error = task.part(len(problems)), variables.ERROR.value()
        asked = Asked(spec.n, task.version, marks=engine.chosen.key, part=part, weight=task.weight, error=error)
        return cls.open(f"{task.name}|0", problems, asked, settings=engine.settings, cache_dir=cache_dir, shard=shard)

    def plan(self) -> TaskRun:
        """The task with the samples that count by now; of an adaptive run, sizes become what these say is needed."""
        asked, samples = self.asked, self.journal.samples
        problems = [
            shown(problem, [samples[key] for key in self.first_keys(problem, asked.n) if key in samples])
            for problem in self.problems
        ]
        how = {"version": asked.version, "n": asked.n, "part": asked.part, "weight": asked.weight}
        task_run = TaskRun.of_problems(self.task, problems, **how)
        if asked.error is not None:
            from lighteval_r1.numbers.allocation import weighed

            task_run = weighed(task_run, error=asked.error, most=asked.n)
            self.sizes.update(task_run.adaptive.sizes)
        return task_run

    def result(self) -> TaskRun:
        """The task's samples with their grades. OwedError, saying how many and which first, while any is missing."""
        task_run = self.plan()
        if missing := task_run.owed:
            asked = sum(self.sizes.get(problem.id, self.asked.n) for problem in self.problems)
            raise OwedError(
                f"{self.name}: {len(missing)} of {asked} samples are owed or ungraded, so there "
                f"is no score yet. First: {missing[0]}. Run the same command again to draw and grade only these."
            )
        return task_run


def shown(problem: Problem, samples: list[Sample]) -> RunProblem:
    """The problem as people may see it, with samples of it: hidden tests stay with their data set."""
    return RunProblem(
        id=problem.id,
        name=problem.name,
        prompt=problem.prompt,
        gold=GRADERS[problem.grader].shown_gold(problem.gold),
        grader=problem.grader,
        groups=problem.groups,
        samples=samples,
        row_sha256=problem.row_sha256,
    )


def owed_samples(works: Iterable[Work], *, shard: tuple[int, int] | None = None) -> list[Owed]:
    """Samples that were asked for and are not in the journal; of those, the shard's part.

    What two tasks ask alike (a twin that only names another data window) is owed once.
    """
    owed: dict[str, Owed] = {}
    for work in works:
        for problem in work.problems:
            for index, key in enumerate(work.keys(problem)):
                seed = seed_of(key)
                if key not in work.journal.samples and in_part(seed, shard):
                    owed[key] = Owed(key=key, problem=problem, index=index, seed=seed)
    return list(owed.values())


def in_part(seed: int, shard: tuple[int, int] | None) -> bool:
    """Whether a shard draws the sample: by its seed, so that shards stay disjoint whatever the journals hold."""
    return shard is None or seed % shard[1] == shard[0] - 1


def announce(works: list[Work], *, settings: Settings) -> None:
    """One line a task before the run: how much is asked, how much is there already."""
    for work in works:
        asked = work.asked
        how = f"x {counted(asked.n, 'sample')}"
        if asked.error is not None:
            how = f"until ± resampling is {100 * asked.error:g}, at most {counted(asked.n, 'sample')} each"
        here = [key in work.journal.samples for problem in work.problems for key in work.keys(problem)]
        name = f"{work.name} ({asked.part})" if asked.part else work.name
        told = f"{counted(len(work.problems), 'problem')} {how}, {sum(here)} drawn, {len(here) - sum(here)} owed"
        tell(f"{name}: {told} (settings {settings.id})")


def point_to_journals(works: Iterable[Work], output_dir: str) -> None:
    """Leaves the journals' folders in the output folder, so that it can be read as a run before there are results."""
    folders = [str(work.journal.folder.absolute()) for work in works]
    Path(output_dir).mkdir(parents=True, exist_ok=True)
    write_whole(Path(output_dir) / JOURNALS_FILE, json.dumps(folders).encode())
