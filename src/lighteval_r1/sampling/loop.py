"""The loop: sample what is owed, grade what is ungraded; a score only when nothing is owed and nothing ungraded."""

import asyncio
import sys
import time

from lighteval_r1.engines import Engine, Owed
from lighteval_r1.graders import GRADERS
from lighteval_r1.graders.token_marks import Divider
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import one_line, tell
from lighteval_r1.records import GraderDied, Problem, Sample, UserError, seed_of
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.sampling.progress import Progress, stopped_by_signals
from lighteval_r1.sampling.schedule import Schedule
from lighteval_r1.sampling.work import Work, announce, in_part, owed_samples, point_to_journals


async def sample(
    works: list[Work],
    *,
    engine: Engine,
    shard: tuple[int, int] | None = None,
    output_dir: str = "",
) -> dict:
    """What `run` does, with all that is said before and during it."""
    settings = engine.settings
    if shard and any(work.asked.error is not None for work in works):
        raise UserError(
            "an adaptive run (ERROR) is one run: which samples it draws depends on all that are drawn. "
            "Leave LIGHTEVAL_R1_SHARD out, or ask for n."
        )
    tell(engine.chosen)
    engine.check_prompts([problem for work in works for problem in work.problems])
    announce(works, settings=settings)
    if output_dir:
        point_to_journals(works, output_dir)
    with Pool(gives_way=engine.shares_cores) as pool:
        divider = Divider(engine.chosen, engine.tokenizer, budget=settings.thinking_budget)
        sane = variables.SANE.value()
        return await run(works, engine=engine, pool=pool, shard=shard, divider=divider, sane=sane)


async def run(
    works: list[Work],
    *,
    engine: Engine,
    pool: Pool,
    shard: tuple[int, int] | None = None,
    divider: Divider | None = None,
    sane: bool = False,
) -> dict:
    """Draws what is owed, grades what is ungraded; everything goes to the journals as it is finished.

    divider: by which thinking is told from answer; without one, by the marks of all families. sane: engine and model
    are checked before they draw.
    Returns what the sampling took: n_drawn, n_tokens, generation_s (first request to last reply), and when it began
    (seconds since 1970); with sane, how each check came out.
    Raises what the engine raises, after the replies already drawn are journaled and the engine is stopped.
    """
    loop = _Loop(works, pool=pool, divider=divider or Divider())
    owed = owed_samples(works, shard=shard)
    loop.begin(owed, shard=shard)
    with stopped_by_signals() as came:
        try:
            began, generation_s = await loop.draw_and_grade(owed, engine=engine, sane=sane)
        except asyncio.CancelledError:
            if not came:
                raise
    if came:
        tell(f"{loop.progress.kept}; the same command goes on.")
        raise SystemExit(128 + came[0])
    return {
        "n_drawn": loop.progress.n_done,
        "n_tokens": loop.progress.n_tokens,
        "generation_s": round(generation_s, 3),
        "began": round(began, 3),
        **loop.checks,
    }


async def check(works: list[Work], engine: Engine) -> dict[str, str]:
    """How the checks of engine and model came out, by name. UserError where one is wrong."""
    # what a plain run does not need
    from lighteval_r1.engines.sanity import checked

    out = getattr(sys.stderr, "screen", sys.stderr)
    longest = max((problem for work in works for problem in work.problems), key=lambda problem: len(problem.prompt))
    return {check.name: f"{check.status}, {check.words}" for check in await checked(engine, out=out, longest=longest)}


class _Loop:
    """The state of one run: which tasks ask a problem, what is under way, progress."""

    def __init__(self, works: list[Work], *, pool: Pool, divider: Divider) -> None:
        self.pool = pool
        self.divider = divider
        self.works = works
        self.asking: dict[str, list[tuple[Work, Problem]]] = {}
        for work in works:
            for problem in work.problems:
                self.asking.setdefault(problem.id, []).append((work, problem))
        self.grading: set[asyncio.Task] = set()
        self.checks: dict[str, dict[str, str]] = {}
        for sample in [sample for work in works for sample in work.journal.samples.values()]:
            self._keep(sample)

    def _keep(self, sample: Sample) -> list[tuple[Work, Problem]]:
        """Journals a sample in every task that asks for it and lacks it; these."""
        lacking = [
            (work, problem)
            for work, problem in self.asking.get(sample.problem_id, ())
            if sample.index < work.asked.n and sample.key not in work.journal.samples
        ]
        for work, _ in lacking:
            work.journal.add_sample(sample.drawn)
        return lacking

    def begin(self, owed: list[Owed], *, shard: tuple[int, int] | None) -> None:
        """Counts what the journals hold of this run's part, and grades what is ungraded."""
        here: dict[str, Sample] = {}
        for work in self.works:
            for problem in work.problems:
                for key in work.keys(problem):
                    sample = work.journal.samples.get(key)
                    if sample is not None and sample.outcome is None:
                        self._grade_later(work, problem, sample)
                    if sample is not None and in_part(seed_of(key), shard):
                        here[key] = sample
        self.progress = Progress(n_owed=len(owed), n_drawn=len(here))
        for sample in here.values():
            if sample.outcome is not None:
                self.progress.graded(sample)

    async def draw_and_grade(self, owed: list[Owed], *, engine: Engine, sane: bool) -> tuple[float, float]:
        """When the first request was sent, and the seconds from then to the last reply."""
        began, generation_s = time.time(), 0.0
        try:
            if owed := owed or await self.next_round():
                self.pool.start()
                await engine.start()
                if sane:
                    self.checks = {"sane": await check(self.works, engine)}
                began, begin = time.time(), time.monotonic()
                while owed:
                    await self.draw_all(owed, engine=engine)
                    owed = await self.next_round()
                generation_s = time.monotonic() - begin
        except asyncio.CancelledError:
            # what is drawn and not graded yet is graded by the next run
            for task in self.grading:
                task.cancel()
            raise
        finally:
            await engine.stop()
            await self.finish()
        return began, generation_s

    async def draw_all(self, owed: list[Owed], *, engine: Engine) -> None:
        lengths = [
            (sample.problem_id, sample.n_tokens or 0) for work in self.works for sample in work.journal.samples.values()
        ]
        schedule = Schedule(owed, lengths)

        async def lane(replica: int) -> None:
            while (item := schedule.next()) is not None:
                sample = await engine.draw(item, replica=replica)
                schedule.finished(item, sample.n_tokens or 0)
                self.progress.drawn(sample)
                for work, problem in self._keep(sample):
                    self._grade_later(work, problem, sample)

        lanes = [asyncio.create_task(lane(replica)) for replica in engine.lanes()[: len(owed)]]
        live = asyncio.create_task(self.progress.live())
        try:
            await asyncio.gather(*lanes)
        finally:
            for task in (live, *lanes):
                task.cancel()
            await asyncio.gather(live, *lanes, return_exceptions=True)

    async def next_round(self) -> list[Owed]:
        """What adaptive tasks owe once all that was drawn is graded; [] where no task is adaptive, or all are done."""
        adaptive = [work for work in self.works if work.asked.error is not None]
        if not adaptive:
            return []
        await asyncio.gather(*self.grading)
        from lighteval_r1.numbers.allocation import error_in_words

        for work in adaptive:
            self.progress.errors[work.name] = error_in_words(work.plan())
        owed = owed_samples(adaptive)
        self.progress.n_owed += len(owed)
        return owed

    def _grade_later(self, work: Work, problem: Problem, sample: Sample) -> None:
        self.grading.add(asyncio.create_task(self._grade(work, problem, sample)))

    async def _grade(self, work: Work, problem: Problem, sample: Sample) -> None:
        try:
            grader, divided = GRADERS[problem.grader], self.divider.divided(sample)
            grade = await self.pool.grade(grader, grader.answer_text(divided), problem.gold)
        except GraderDied as died:
            tell(one_line(f"{work.name} {problem.name or problem.id}[{sample.index}] is ungraded: {died}"))
            return
        work.journal.add_grade(sample.key, grade, divided=divided)
        self.progress.graded(work.journal.samples[sample.key])

    async def finish(self) -> None:
        try:
            await asyncio.gather(*self.grading)
        finally:
            self.progress.close()
