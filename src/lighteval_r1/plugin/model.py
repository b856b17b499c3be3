"""The model that LightEval drives: it samples what is owed, waits for the grades and hands both over."""

import atexit
import sys
from dataclasses import asdict

from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.registry import Registry
from lighteval.tasks.requests import Doc

from lighteval_r1 import __version__
from lighteval_r1.engines import Engine
from lighteval_r1.engines.environment import environment
from lighteval_r1.numbers.scores import task_row
from lighteval_r1.numbers.tables import results_table
from lighteval_r1.plugin.documents import ProblemDoc, task_of
from lighteval_r1.records import EngineError, Graded, Settings, UserError, sha256
from lighteval_r1.sampling.journal import Journal, journal_folder, why_anew
from lighteval_r1.sampling.loop import Work, announce, graded, owed_samples, run, shard_from_environment
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.specs import check_confinement
from lighteval_r1.tasks.task import data_sha256


class NoCache:
    """LightEval's own cache is not used: the journal keeps samples as they are drawn."""

    def _init_registry(self, registry: Registry) -> None:
        self.registry = registry


class R1Model(LightevalModel):
    """The model as LightEval drives it: one call with the documents of all tasks."""

    is_async = True

    def __init__(self, config: ModelConfig, *, engine: Engine, gives_way: bool = False) -> None:
        """config: LightEval's, with a field lighteval_r1 for what ours adds. gives_way: graders do, to an engine on the same cores."""
        self.config = config
        self._cache = NoCache()
        self.engine = engine
        self.gives_way = gives_way
        self.rows = []

    @property
    def tokenizer(self):
        return self.engine.tokenizer

    @property
    def add_special_tokens(self) -> bool:
        return False

    @property
    def max_length(self) -> int | None:
        return self.engine.settings.max_model_length

    def cleanup(self) -> None:
        """Nothing is left: the engine ends with the sampling."""

    async def greedy_until(self, docs: list[Doc]) -> list[ModelResponse]:
        """Sampled replies with their grades; "greedy" is LightEval's name for generation. Exits on a user's mistake."""
        try:
            return await self._evaluate(docs)
        except (UserError, EngineError) as error:
            raise SystemExit(f"lighteval-r1: {error}") from None

    async def _evaluate(self, docs: list[Doc]) -> list[ModelResponse]:
        shard = shard_from_environment()
        settings = self.engine.settings
        check_docs(docs, temperature=settings.temperature)
        works = open_works(docs, settings=settings, cache_dir=self.config.cache_dir, shard=shard)
        try:
            if settings.max_model_length:
                problems = [problem for work in works for problem in work.problems]
                self.engine.check_prompts(problems, settings.max_model_length)
            announce(works, settings=settings)
            with Pool(gives_way=self.gives_way) as pool:
                sampling = await run(works, engine=self.engine, pool=pool, shard=shard)
            if shard is not None:
                left = len(owed_samples(works))
                raise SystemExit(shard_done(shard, left=left))
            tables = {work.task: dict(zip((p.id for p in work.problems), graded(work), strict=True)) for work in works}
        finally:
            for work in works:
                work.journal.close()
        responses = []
        for doc in docs:
            row = tables[task_of(doc)][doc.problem.id][: doc.num_samples]
            doc.specific.update(specific_of(row))
            responses.append(ModelResponse(input=self.engine.render(doc.problem), text=[g.sample.reply for g in row]))
        self._report(docs, settings=settings, sampling=sampling)
        return responses

    def _report(self, docs: list[Doc], *, settings: Settings, sampling: dict) -> None:
        by_task: dict[str, list[Doc]] = {}
        for doc in docs:
            by_task.setdefault(doc.task_name, []).append(doc)
        level = check_confinement(TASKS[name.split("|")[0]] for name in by_task)
        tasks = {}
        for full_name, members in sorted(by_task.items()):
            row = task_row(full_name, [doc.specific for doc in members])
            self.rows.append(row)
            tasks[full_name] = describe_task(full_name, members, row)
        self.config.lighteval_r1 = {
            "version": __version__,
            "settings": asdict(settings),
            "settings_id": settings.id,
            "environment": environment() | ({"sandbox": level} if level else {}),
            "sampling": sampling,
            "tasks": tasks,
        }
        # LightEval prints its own table after this returns; ours follows it.
        atexit.register(lambda: print(results_table(self.rows)))

    async def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        raise SystemExit(
            "lighteval-r1: its engine samples replies; tasks that need log-likelihoods run without the plugin."
        )

    async def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        return await self.loglikelihood(docs)


def shard_done(shard: tuple[int, int], *, left: int) -> int:
    rest = f"{left} samples are owed to other shards" if left else "nothing is owed any more"
    print(f"Shard {shard[0]}/{shard[1]} is drawn and graded; {rest}. Run without LIGHTEVAL_R1_SHARD for the score.")
    return 0


def check_docs(docs: list[Doc], *, temperature: float) -> None:
    for doc in docs:
        if not isinstance(doc, ProblemDoc):
            raise UserError(
                f"{doc.task_name} is not a task of lighteval_r1; run it without --custom-tasks lighteval_r1.plugin."
            )
        if doc.num_samples > 1 and temperature == 0:
            raise UserError(
                f"temperature 0 draws the same reply {doc.num_samples} times. Ask for one sample ({task_of(doc)}@n=1|0) "
                "or set a temperature above 0 (DeepSeek recommends 0.6)."
            )


def open_works(docs: list[Doc], *, settings: Settings, cache_dir: str, shard: tuple[int, int] | None) -> list[Work]:
    """One Work per task, with the largest n that the run asks of it."""
    by_task: dict[str, dict[str, Doc]] = {}
    for doc in docs:
        by_task.setdefault(task_of(doc), {})[doc.problem.id] = doc
    works = []
    for name, members in sorted(by_task.items()):
        folder = journal_folder(cache_dir, task=name, settings=settings)
        if not folder.exists() and (why := why_anew(folder, settings)):
            print(f"{name}: {why}", file=sys.stderr)
        journal = Journal(folder, settings=settings, version=TASKS[name].version, shard=shard)
        problems = [doc.problem for doc in members.values()]
        n = max(doc.num_samples for doc in docs if task_of(doc) == name)
        journal.asked(n=n, problem_ids=[problem.id for problem in problems])
        works.append(Work(task=name, problems=problems, n=n, journal=journal))
    return works


def specific_of(row: list[Graded]) -> dict[str, list]:
    """The samples of one problem as parallel lists, for the details file."""
    return {
        "outcomes": [str(g.grade.outcome) for g in row],
        "answers": [g.grade.answer for g in row],
        "steps": [g.grade.step for g in row],
        "finish_reasons": [g.sample.finish_reason for g in row],
        "n_tokens": [g.sample.n_tokens for g in row],
        "seeds": [g.sample.seed for g in row],
        "durations_s": [g.sample.duration_s for g in row],
        "replicas": [g.sample.replica for g in row],
        "thinking_opened": [g.sample.thinking_opened for g in row],
        "token_ids": [g.sample.token_ids or "" for g in row],
    }


def describe_task(full_name: str, docs: list[Doc], row) -> dict:
    task = TASKS[full_name.split("|")[0]]
    problems = [doc.problem for doc in docs]
    digest = data_sha256(problems)
    known = None
    if task.known_data and len(problems) == task.n_problems:
        known = digest == task.known_data
        if not known:
            print(
                f"{full_name}: the rows differ from those known as {task.repo} (SHA-256 {digest[:12]}…, known "
                f"{task.known_data[:12]}…); say so where you publish the number.",
                file=sys.stderr,
            )
    elif task.n_problems and len(problems) != task.n_problems:
        print(f"{full_name}: {len(problems)} of the data set's {task.n_problems} problems were used.", file=sys.stderr)
    return {
        "n": docs[0].num_samples,
        "n_problems": len(problems),
        "data_sha256": digest,
        "prompts_sha256": sha256(sorted(problem.id for problem in problems)),
        "known_data": known,
        "estimates": {"pass@1": asdict(row.pass_at_1)},
    }
