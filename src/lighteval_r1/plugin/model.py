"""The model that LightEval drives: it samples what is owed, waits for the grades and hands both over."""

import atexit
from dataclasses import asdict

from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.tasks.registry import Registry
from lighteval.tasks.requests import Doc

from lighteval_r1 import __version__
from lighteval_r1.engines import Engine
from lighteval_r1.engines.machine import environment
from lighteval_r1.numbers.scores import run_table, task_row
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import ended_by, say, storable, tell
from lighteval_r1.plugin.documents import ProblemDoc
from lighteval_r1.plugin.metrics import pass_at_1_name, task_of
from lighteval_r1.records import Failure, TaskRun, UserError
from lighteval_r1.sampling.loop import sample
from lighteval_r1.sampling.work import Work, owed_samples
from lighteval_r1.tasks.specs import TaskSpec, check_confinement, same_reply
from lighteval_r1.tasks.task import Task


class NoCache:
    """LightEval's own cache is not used: the journal keeps samples as they are drawn."""

    def _init_registry(self, registry: Registry) -> None:
        self.registry = registry


class R1Model(LightevalModel):
    """The model as LightEval drives it: one call with the documents of all tasks."""

    is_async = True

    def __init__(
        self,
        config: ModelConfig,
        *,
        engine: Engine,
        output_dir: str = "",
        sampled: dict | None = None,
    ) -> None:
        """config: LightEval's, with a field lighteval_r1 for what ours adds.

        output_dir: of the results, where it is known. sampled: what the sampling took, where it is over
        (sampling.loop.sample).
        """
        self.config = config
        self._cache = NoCache()
        self.engine = engine
        self.output_dir = output_dir
        self.sampled = sampled

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
        except Failure as failure:
            raise ended_by(failure) from None

    async def _evaluate(self, docs: list[Doc]) -> list[ModelResponse]:
        shard, engine, settings = variables.SHARD.value(), self.engine, self.engine.settings
        check_docs(docs, temperature=settings.temperature)
        by_task: dict[str, dict[str, ProblemDoc]] = {}
        for doc in docs:
            by_task.setdefault(doc.task_name, {})[doc.problem.id] = doc
        works = []
        for _, members in sorted(by_task.items()):
            problems, first = [doc.problem for doc in members.values()], next(iter(members.values()))
            spec = TaskSpec(first.task, first.num_samples)
            works.append(Work.of_spec(spec, problems, engine=engine, cache_dir=self.config.cache_dir, shard=shard))
        try:
            sampling = self.sampled
            if sampling is None or owed_samples(works, shard=shard):
                sampling = await sample(works, engine=engine, shard=shard, output_dir=self.output_dir)
            if shard is not None:
                raise SystemExit(shard_done(shard, left=len(owed_samples(works))))
            task_runs = [work.result() for work in works]
        finally:
            for work in works:
                work.journal.close()
        self._report(task_runs, {doc.task_name: doc.task for doc in docs}, sampling=sampling)
        problems = {task_run.task: {problem.id: problem for problem in task_run.problems} for task_run in task_runs}
        responses = []
        for doc in docs:
            problem = problems[doc.task_name][doc.problem.id]
            doc.take(problem)
            text = [storable(sample.reply) for sample in problem.samples]
            responses.append(ModelResponse(input=storable(self.engine.render(doc.problem)), text=text))
        return responses

    def _report(self, task_runs: list[TaskRun], tasks: dict[str, Task], *, sampling: dict) -> None:
        """What ours adds to LightEval's results, and our table."""
        settings = self.engine.settings
        rows = [task_row(task_run) for task_run in task_runs]
        level = check_confinement(tasks.values())
        self.config.lighteval_r1 = {
            "version": __version__,
            "settings": asdict(settings),
            "settings_id": settings.id,
            "environment": environment()
            | self.engine.record
            | {"reasoning_parser": self.engine.chosen.record}
            | ({"sane": sampling.pop("sane")} if "sane" in sampling else {})
            | ({"sandbox": level} if level else {}),
            "sampling": sampling,
            "tasks": {
                of_task.task: describe_task(of_task, tasks[of_task.task])
                | {"estimates": {pass_at_1_name(): asdict(row.pass_at_1)}}
                for of_task, row in zip(task_runs, rows, strict=True)
            },
        }
        table = run_table(task_runs, rows)
        # LightEval prints its own table after this returns; ours follows it.
        atexit.register(lambda: say(table))

    async def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        raise ended_by(UserError("the engine samples replies; tasks that need log-likelihoods run without the plugin."))

    async def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        return await self.loglikelihood(docs)


def shard_done(shard: tuple[int, int], *, left: int) -> int:
    rest = f"{left} samples are owed to other shards" if left else "nothing is owed any more"
    say(f"Shard {shard[0]}/{shard[1]} is drawn and graded; {rest}. Run without LIGHTEVAL_R1_SHARD for the score.")
    return 0


def check_docs(docs: list[Doc], *, temperature: float) -> None:
    for doc in docs:
        if not isinstance(doc, ProblemDoc):
            raise UserError(
                f"{doc.task_name} is not a task of lighteval_r1; run it without --custom-tasks lighteval_r1.plugin."
            )
        if doc.num_samples > 1 and temperature == 0:
            raise same_reply(task_of(doc), doc.num_samples)


def describe_task(task_run: TaskRun, task: Task) -> dict:
    """What the results say of a task; says aloud where its rows are others than those known."""
    digest, n_problems = task_run.data_sha256, task_run.n_problems
    known = None
    if task.known_data and n_problems == task.n_problems:
        known = digest == task.known_data
        if not known:
            tell(
                f"{task_run.task}: the rows differ from those known as {task.repo} (SHA-256 {digest[:12]}…, known "
                f"{task.known_data[:12]}…); say so where you publish the number."
            )
    elif task.n_problems and n_problems != task.n_problems:
        tell(f"{task_run.task}: {n_problems} of the data set's {task.n_problems} problems were used.")
    return {
        "n": task_run.n,
        "n_problems": n_problems,
        "data_sha256": digest,
        "prompts_sha256": task_run.prompts_sha256,
        "known_data": known,
        "data": task.repo,
        "part": task_run.part,
        "weight": task_run.weight,
    } | ({"adaptive": asdict(task_run.adaptive)} if task_run.adaptive else {})
