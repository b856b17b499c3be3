"""Tasks, metrics and engine as LightEval 0.13 sees them: `lighteval vllm … --custom-tasks lighteval_r1.plugin`.

LightEval imports this module while it builds its registry, before it creates the model, and looks the model's class up
as a global of lighteval.models.model_loader. The assignment at the end of this file puts ours there; nothing else of
LightEval is changed. Its words (Doc, ModelResponse, metric) appear in this module and nowhere else.
"""

import atexit
import inspect
import json
import os
import sys
from dataclasses import asdict
from functools import partial, wraps
from pathlib import Path

import numpy as np
import pydantic
import yaml
from lighteval import main_vllm
from lighteval.metrics.metrics_sample import SampleLevelComputation, SamplingMetric
from lighteval.metrics.utils.metric_utils import SampleLevelMetric, SampleLevelMetricGrouping
from lighteval.models import model_loader
from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.models.vllm.vllm_model import VLLMModelConfig
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.registry import Registry
from lighteval.tasks.requests import Doc, SamplingMethod

from lighteval_r1 import __version__
from lighteval_r1.engines import Engine
from lighteval_r1.engines.vllm import Layout, ReplicaProcess, VllmEngine, layout_of, start_replicas
from lighteval_r1.environment import environment
from lighteval_r1.evaluate import Work, announce, graded, owed_samples, run, shard_from_environment
from lighteval_r1.journal import Journal, journal_folder, why_anew
from lighteval_r1.model_files import check_device_count, check_split, device, identify, n_nodes
from lighteval_r1.pool import Pool
from lighteval_r1.preflight import check_data, expand, parse_spec, positionals
from lighteval_r1.records import (
    EngineError,
    Graded,
    GraderDied,
    OwedError,
    Problem,
    Settings,
    UserError,
    sha256,
)
from lighteval_r1.results import powers_of_two, problem_figures, scores, task_row
from lighteval_r1.tables import results_table
from lighteval_r1.tasks import TASKS, Task
from lighteval_r1.tasks.task import data_sha256, local_file

# Where the user gives none. Source: https://huggingface.co/deepseek-ai/DeepSeek-R1, "Usage Recommendations" and
# "Evaluation": temperature 0.6, top-p 0.95, at most 32,768 tokens.
TEMPERATURE = 0.6
TOP_P = 0.95
MAX_NEW_TOKENS = 32768
# Samples that vLLM runs at once per replica on a GPU, where the user gives none: its own default for a server.
MAX_NUM_SEQS = {"gpu": 256, "cpu": 64}
MAX_N = 1024


def plain_errors(function):
    """A user's mistake ends LightEval with one line, not with a traceback."""

    @wraps(function)
    def plain(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (UserError, EngineError) as error:
            raise SystemExit(f"lighteval-r1: {error}") from None

    return plain


# ---- tasks ----------------------------------------------------------------------------------------------------------


class ProblemDoc(Doc):
    """A Doc that knows its Problem. An attribute, not a field: hidden tests must not reach the details file."""

    problem: Problem


def to_doc(row: dict, task_name: str, *, task: Task) -> ProblemDoc:
    problem = plain_errors(task.problem)(row)
    doc = ProblemDoc(
        task_name=task_name,
        query=problem.prompt,
        choices=["" if problem.grader == "program" else shown_gold(problem)],
        gold_index=0,
        specific={
            "problem_id": problem.id,
            "name": problem.name,
            "grader": problem.grader,
            "groups": json.dumps(problem.groups, ensure_ascii=False),
        },
    )
    doc.problem = problem
    return doc


def shown_gold(problem: Problem) -> str:
    return json.loads(problem.gold)["letter"] if problem.grader == "choice" else problem.gold


def stage(task: Task) -> str | None:
    """A folder that `datasets.load_dataset` reads the task's local rows from; None where the Hub is read."""
    path = local_file(task)
    if path is None and task.rows is None:
        return None
    if path is not None:
        stat = path.stat()
        key = sha256([str(path), stat.st_mtime_ns, stat.st_size])[:16]
    else:
        rows = "".join(json.dumps(row) + "\n" for row in task.rows())
        key = sha256(rows)[:16]
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    folder = home / "lighteval_r1_data" / f"{task.file}-{task.split}-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f"{task.split}{path.suffix if path else '.jsonl'}"
    if not staged.exists():
        draft = folder.parent / f".{folder.name}.{os.getpid()}"
        draft.symlink_to(path) if path else draft.write_text(rows)
        draft.replace(staged)
    return str(folder)


def task_config(task: Task, folder: str | None) -> LightevalTaskConfig:
    return LightevalTaskConfig(
        name=task.name,
        prompt_function=partial(to_doc, task=task),
        hf_repo=folder or task.repo,
        hf_subset="default" if folder else task.subset,
        hf_avail_splits=[task.split],
        evaluation_splits=[task.split],
        few_shots_split=None,
        few_shots_select=None,
        generation_size=MAX_NEW_TOKENS,
        stop_sequence=[],
        metrics=metrics(task),
        version=task.version,
    )


# ---- metrics --------------------------------------------------------------------------------------------------------


class PassAt1(SamplingMetric, SampleLevelComputation):
    """Fraction of right samples per problem. `task@n=16` sets the attribute n."""

    def __init__(self, *, n: int, task: Task) -> None:
        super().__init__()
        self.n = n
        self.task = task

    def num_samples(self) -> int:
        return self.n

    @plain_errors
    def compute(self, responses: list[ModelResponse], docs: list[Doc]) -> list[float]:
        ungraded = [(doc, response) for doc, response in zip(docs, responses, strict=True) if "outcomes" not in doc.specific]
        if ungraded:
            grade_foreign(ungraded)
        return [float(scores(doc.specific["outcomes"]).mean()) for doc in docs]

    def __str__(self) -> str:
        return f"PassAt1(n={self.n})"


def grade_foreign(pairs: list[tuple[Doc, ModelResponse]]) -> None:
    """Grades replies of another engine than ours (or of loaded details) and leaves the grades in doc.specific."""
    items, owners = [], []
    for doc, response in pairs:
        opened = str(response.input or "").rstrip().endswith("<think>")
        doc.specific.update(outcomes=[], answers=[], finish_reasons=[], n_tokens=[])
        for reply in response.text:
            items.append((doc.problem.grader, reply, doc.problem.gold, opened))
            owners.append(doc)
    with Pool() as pool:
        grades = pool.grade_many(items)
    died = [grade for grade in grades if isinstance(grade, GraderDied)]
    if died:
        raise OwedError(f"{len(died)} of {len(grades)} replies have no grade, so there is no score. First: {died[0]}")
    for doc, grade in zip(owners, grades, strict=True):
        doc.specific["outcomes"].append(str(grade.outcome))
        doc.specific["answers"].append(grade.answer)
        doc.specific["finish_reasons"].append("unknown")


class ProblemFigures(SampleLevelComputation):
    """pass@k, maj@n, truncated, no_answer, undecided, output_tokens, and pass@1 under the problem's groups."""

    def compute(self, doc: Doc, model_response: ModelResponse) -> dict[str, float]:
        return problem_figures(doc.specific, grader=doc.problem.grader, groups=doc.problem.groups)

    def __str__(self) -> str:
        return "ProblemFigures()"


def metrics(task: Task) -> list:
    names = [f"pass@{k}" for k in powers_of_two(MAX_N)]
    names += ["maj@n", "truncated", "no_answer", "undecided", "output_tokens"]
    names += [f"pass@1 {group}={value}" for group, values in task.groups.items() for value in values]
    lower = {"truncated", "no_answer", "undecided", "output_tokens"}
    return [
        SampleLevelMetric(
            metric_name="pass@1",
            higher_is_better=True,
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=PassAt1(n=task.n, task=task),
            corpus_level_fn=np.mean,
            batched_compute=True,
        ),
        SampleLevelMetricGrouping(
            metric_name=names,
            higher_is_better={name: name not in lower for name in names},
            category=SamplingMethod.GENERATIVE,
            sample_level_fn=ProblemFigures(),
            corpus_level_fn=dict.fromkeys(names, np.mean),
        ),
    ]


# ---- model ----------------------------------------------------------------------------------------------------------


class R1Config(VLLMModelConfig):
    """LightEval's configuration with what ours adds to the results."""

    lighteval_r1: dict = {}


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
        tasks = {}
        for full_name, members in sorted(by_task.items()):
            row = task_row(full_name, [doc.specific for doc in members])
            self.rows.append(row)
            tasks[full_name] = describe_task(full_name, members, row)
        self.config.lighteval_r1 = {
            "version": __version__,
            "settings": asdict(settings),
            "settings_id": settings.id,
            "environment": environment(),
            "sampling": sampling,
            "tasks": tasks,
        }
        # LightEval prints its own table after this returns; ours follows it.
        atexit.register(lambda: print(results_table(self.rows)))

    async def loglikelihood(self, docs: list[Doc]) -> list[ModelResponse]:
        raise SystemExit("lighteval-r1: its engine samples replies; tasks that need log-likelihoods run without the plugin.")

    async def loglikelihood_rolling(self, docs: list[Doc]) -> list[ModelResponse]:
        return await self.loglikelihood(docs)


@plain_errors
def vllm_model(config: VLLMModelConfig, *, processes: list[ReplicaProcess] | None = None) -> R1Model:
    engine = make_engine(config, processes=processes or [])
    gives_way = engine.layout.device == "cpu"
    return R1Model(R1Config(**config.model_dump(exclude_unset=True)), engine=engine, gives_way=gives_way)


def task_of(doc: Doc) -> str:
    return doc.task_name.split("|")[0]


def shard_done(shard: tuple[int, int], *, left: int) -> int:
    rest = f"{left} samples are owed to other shards" if left else "nothing is owed any more"
    print(f"Shard {shard[0]}/{shard[1]} is drawn and graded; {rest}. Run without LIGHTEVAL_R1_SHARD for the score.")
    return 0


def check_docs(docs: list[Doc], *, temperature: float) -> None:
    for doc in docs:
        if not isinstance(doc, ProblemDoc):
            raise UserError(f"{doc.task_name} is not a task of lighteval_r1; run it without --custom-tasks lighteval_r1.plugin.")
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


def make_engine(config: VLLMModelConfig, *, processes: list[ReplicaProcess]) -> VllmEngine:
    """The engine that MODEL_ARGS describe. UserError for what cannot run, before any weight is read."""
    from transformers import AutoConfig, AutoTokenizer

    layout = layout_of(config.model_dump(), device=device())
    check_device_count(replicas=layout.replicas, gpus_each=layout.gpus_each)
    identity = identify(config.model_name, revision=config.revision, load_format=config.load_format)
    source = {"revision": config.revision, "trust_remote_code": config.trust_remote_code}
    try:
        model_config = AutoConfig.from_pretrained(config.model_name, **source)
        tokenizer = AutoTokenizer.from_pretrained(config.tokenizer or config.model_name, **source)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read model {config.model_name}: {str(error).strip().splitlines()[0]}") from None
    check_split(
        model_config,
        tensor_parallel_size=config.tensor_parallel_size,
        pipeline_parallel_size=config.pipeline_parallel_size,
    )
    templated = config.override_chat_template
    if templated is None:
        templated = tokenizer.chat_template is not None
    if templated and tokenizer.chat_template is None:
        raise UserError(f"override_chat_template=true, but {config.model_name} has no chat template.")
    max_num_seqs = config.max_num_seqs if "max_num_seqs" in config.model_fields_set else MAX_NUM_SEQS[layout.device]
    return VllmEngine(
        settings=settings_of(config, identity=identity, template=tokenizer.chat_template if templated else None),
        layout=layout,
        engine_args=engine_args(config, layout=layout, max_num_seqs=max_num_seqs),
        tokenizer=tokenizer,
        templated=templated,
        max_num_seqs=max_num_seqs,
        processes=processes,
    )


def settings_of(config: VLLMModelConfig, *, identity, template: str | None) -> Settings:
    given = config.generation_parameters
    names = ("min_p", "repetition_penalty", "frequency_penalty", "presence_penalty", "min_new_tokens", "stop_tokens")
    vllm_names = {"min_new_tokens": "min_tokens", "stop_tokens": "stop"}
    extra = {vllm_names.get(name, name): getattr(given, name) for name in names if getattr(given, name) is not None}
    return Settings(
        model=identity.name,
        revision=identity.revision,
        system_prompt=config.system_prompt,
        chat_template=sha256(template) if template else "",
        temperature=given.temperature if "temperature" in given.model_fields_set else TEMPERATURE,
        top_p=TOP_P if given.top_p is None else given.top_p,
        top_k=given.top_k or 0,
        max_tokens=given.max_new_tokens or MAX_NEW_TOKENS,
        seed=config.seed if given.seed is None else given.seed,
        max_model_length=config.max_model_length,
        dtype=config.dtype,
        quantization=config.quantization,
        extra=extra,
    )


def engine_args(config: VLLMModelConfig, *, layout: Layout, max_num_seqs: int) -> dict:
    """Arguments for vLLM's AsyncEngineArgs; what the user did not set is left to vLLM."""
    args = {
        "model": config.model_name,
        "tokenizer": config.tokenizer,
        "revision": config.revision,
        "dtype": config.dtype,
        "tensor_parallel_size": config.tensor_parallel_size,
        "pipeline_parallel_size": config.pipeline_parallel_size,
        "gpu_memory_utilization": config.gpu_memory_utilization,
        "enable_prefix_caching": True if config.enable_prefix_caching is None else config.enable_prefix_caching,
        "max_model_len": config.max_model_length,
        "quantization": config.quantization,
        "load_format": config.load_format,
        "trust_remote_code": config.trust_remote_code,
        "seed": config.seed,
        "max_num_seqs": max_num_seqs,
        # Compiling pays on a GPU, as CUDA graphs do; on a CPU it costs minutes.
        "enforce_eager": layout.device == "cpu" or os.environ.get("LIGHTEVAL_R1_EAGER") == "1",
    }
    if n_nodes() > 1:
        args["distributed_executor_backend"] = "ray"
    if layout.device == "cpu":
        # vLLM 0.32 rewinds the generator of a seeded request after a partial prefill, which CPU generators cannot.
        args["enable_chunked_prefill"] = False
    if "max_num_batched_tokens" in config.model_fields_set:
        args["max_num_batched_tokens"] = config.max_num_batched_tokens
    return {name: value for name, value in args.items() if value is not None}


# ---- put in LightEval's place ---------------------------------------------------------------------------------------


def command_line() -> list[str] | None:
    """Positional arguments of `lighteval vllm …`; None where another program imports this module."""
    if Path(sys.argv[0]).name not in ("lighteval", "__main__.py") or sys.argv[1:2] != ["vllm"]:
        return None
    parameters = inspect.signature(main_vllm.vllm).parameters.values()
    names = {p.name.replace("_", "-") for p in parameters if isinstance(p.default, bool)}
    flags = {f"--{prefix}{name}" for name in names for prefix in ("", "no-")}
    return positionals(sys.argv[2:], flags=flags)


@plain_errors
def check_command(arguments: list[str]) -> list[ReplicaProcess]:
    """Exits with one line where the command cannot run; else starts its replicas, which import vLLM meanwhile."""
    model_args, tasks = arguments
    builtin = Registry.load_all_task_configs()
    for name in {spec.task.name for text in expand(tasks) if (spec := parse_spec(text, builtin=builtin))}:
        check_data(TASKS[name])
    config = read_config(model_args)
    layout = layout_of(config.model_dump(), device=device())
    check_device_count(replicas=layout.replicas, gpus_each=layout.gpus_each)
    identify(config.model_name, revision=config.revision, load_format=config.load_format)
    return start_replicas(layout)


def read_config(model_args: str) -> VLLMModelConfig:
    """MODEL_ARGS as LightEval reads them. UserError where it could not."""
    try:
        if model_args.endswith(".yaml"):
            return VLLMModelConfig.from_path(model_args)
        return VLLMModelConfig.from_args(model_args)
    except FileNotFoundError:
        raise UserError(f"there is no model configuration {model_args}.") from None
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"model argument {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    except (KeyError, ValueError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the model arguments {model_args!r}: {error}") from None


def stage_all() -> dict[str, str | None]:
    """Folder of local rows per task; a task whose file is missing keeps its Hub address (check_command tells)."""
    folders = {}
    for name, task in TASKS.items():
        try:
            folders[name] = stage(task)
        except UserError:
            folders[name] = None
    return folders


_arguments = command_line()
_processes = check_command(_arguments) if _arguments and len(_arguments) == 2 else []
_folders = stage_all()
TASKS_TABLE = [task_config(task, _folders[name]) for name, task in TASKS.items()]

# The one change made to LightEval: its loader creates our model where it would create its own.
model_loader.VLLMModel = model_loader.AsyncVLLMModel = partial(vllm_model, processes=_processes)
