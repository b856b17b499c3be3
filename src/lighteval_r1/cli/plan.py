"""`lighteval-r1 plan`: what a run will take and what it will say, before a GPU hour is spent."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from lighteval_r1.cli import evaluate
from lighteval_r1.cli.options import MOST, SamplingOptions, TasksByPlace, argument, option
from lighteval_r1.engines import CACHE_DIR, TEMPERATURE, TOP_P
from lighteval_r1.engines.machine import gpu_names
from lighteval_r1.engines.model_parameters import max_tokens_of
from lighteval_r1.engines.model_sizes import expected_tokens, model_size
from lighteval_r1.numbers.baselines import of_model, on_task, read_baselines
from lighteval_r1.numbers.plans import USUAL_CORRELATION, Known, known_from, known_usual
from lighteval_r1.outside.words import counted, say
from lighteval_r1.records import Sample, UserError
from lighteval_r1.runs.journals import last_written, samples_by_problem
from lighteval_r1.runs.locate import results_in
from lighteval_r1.runs.results_file import read_results
from lighteval_r1.sampling.journal_files import DamageSeen, read_problems, read_settings, task_folders
from lighteval_r1.sampling.progress import duration
from lighteval_r1.tasks.portion import Portion
from lighteval_r1.tasks.specs import check_data
from lighteval_r1.tasks.task import Task, rows_at_hand, task_rows

# Results of fewer tokens say more of the start than of the speed.
TOKENS_LEAST = 1000


@dataclass(frozen=True, kw_only=True)
class PlanOptions(TasksByPlace, SamplingOptions):
    model: str = argument("Hub id, folder, recipe (.yaml), or demo.")
    n: int | None = option(None, "Samples per problem (the task's own number).")
    error: float | None = option(None, "The ± resampling that is wanted, in points.", metavar="POINTS")
    see: float = option(2.0, "The difference between two such models that is to be seen, in points.", metavar="POINTS")
    num_gpus: int | None = option(None, "GPUs that the run will have (those of the run whose speed is known).")
    gpu: str = option("", "Part of the GPU's name, such as H100; only runs on such GPUs tell the speed.")
    runs: Path | None = option(None, "Where earlier runs lie, for their speed (data/evals/MODEL).")
    cache_dir: str = option(CACHE_DIR, "The cache_dir of earlier runs, for their lengths and rates.")


@dataclass(frozen=True)
class Speed:
    """Of a run: its tokens, and how many a second, on so many GPUs (0: on a CPU); source: which run, in words."""

    n_tokens: int
    tokens_per_s: float
    n_gpus: int
    source: str


def plan_command(options: PlanOptions) -> None:
    """Say what a run will take: tokens, hours, memory, error. From earlier runs where there are any."""
    for points in (options.error, options.see):
        if points is not None and not 0 < points < 50:
            raise UserError(f"{points:g} points: a number above 0 and below 50 is needed.")
    if options.num_gpus is not None and options.num_gpus < 1:
        raise UserError(f"NUM_GPUS={options.num_gpus}: at least 1 is needed.")
    parameters = evaluate.model_parameters(options)
    speed = speed_of(options)
    total_tokens = 0
    for spec in evaluate.task_specs(options.named, n=options.n):
        task, n = spec.task, spec.n
        known, n_drawn = known_of(options, task, parameters=parameters)
        adaptive = None
        if options.error is not None:
            adaptive = known.adaptive_tokens(options.error / 100, most=options.n or MOST)
        total_tokens += known.owed_tokens(n) if adaptive is None else round(float(np.median(adaptive[:, 1])))
        say("\n".join(lines_of(options, titled(task), known, n=n, n_drawn=n_drawn, adaptive=adaptive)))
    say(time_in_words(total_tokens, speed, n_gpus=options.num_gpus))
    if memory := memory_in_words(str(parameters["model_name"]), limit=max_tokens_of(parameters)):
        say(memory)


def lines_of(
    options: PlanOptions, task: str, known: Known, *, n: int, n_drawn: int, adaptive: np.ndarray | None
) -> Iterator[str]:
    drawn = f" ({n_drawn} samples are drawn)" if n_drawn else ""
    mean = known.n_tokens(1) / known.n_problems
    size = f"{counted(known.n_problems, 'problem')} x {counted(n, 'sample')} of {mean:,.0f} tokens"
    yield f"{task}: {size}: {known.n_tokens(n):,} tokens{drawn}"
    yield f"  by {known.source}"
    yield f"  ± {100 * known.error_at(n):.2f} resampling at n = {n}"
    if options.error is not None and adaptive is not None:
        fixed = known.n_for(options.error / 100)
        low, usual, high = np.quantile(adaptive[:, 0], (0.1, 0.5, 0.9))
        most = "" if adaptive[:, 2].mean() > 0.5 else f", and ends above it: at most {options.n or MOST} of a problem"
        yield (
            f"  ± {options.error:g} needs n = {fixed}, {known.n_tokens(fixed):,} tokens in all; --error "
            f"{options.error:g} about {usual:,.0f}, in 8 of 10 simulated runs {low:,.0f} to {high:,.0f}{most}"
        )
    yield (
        f"  to see {options.see:g} points between two such models (5 %, four times of five): n = "
        f"{known.n_to_see(options.see / 100)} on these problems; on problems of the kind, with n = {n}, "
        f"{known.problems_to_see(options.see / 100, n=n)} of them (rates that correlate by {USUAL_CORRELATION:g})"
    )


def titled(task: Task) -> str:
    """With the part of it that is asked, as it was said."""
    portion = task.portion or Portion()
    words = portion.words(n_asked=portion.limit or 0)
    return f"{task.name} ({words})" if words else task.name


def known_of(options: PlanOptions, task: Task, *, parameters: dict) -> tuple[Known, int]:
    """What is known of the problems that are asked, and how many samples are there: from the journal, else from what is
    published."""
    model = str(parameters["model_name"])
    limit = max_tokens_of(parameters)
    folders = journals_of_model(options, task, parameters=parameters)
    if folders:
        newest, counts = max(folders.items(), key=lambda item: (item[1], last_written(item[0])))
        rows = samples_asked(newest, task)
        if any(rows) and all(sample.n_tokens for row in rows for sample in row):
            n_drawn = sum(map(len, rows))
            source = f"{n_drawn} replies of this model in the journal (settings {newest.name})"
            if not counts:
                source += "; sampled otherwise than asked here, so none of them counts"
            if max(map(len, rows)) == 1:
                source += "; one of each problem does not tell how its replies differ, so ± is a guess: four do"
            scores = [np.array([sample.outcome.score for sample in row]) for row in rows]
            lengths = [np.array([float(sample.n_tokens) for sample in row]) for row in rows]
            known = known_from(scores, lengths, source=source)
            return (known, n_drawn) if counts else (known.undrawn, 0)
    published = [row for row in on_task(task.name, of_model(model, read_baselines())) if row.estimator == "mean"]
    rate = next((row.value for row in published), None)
    words = "a model of which nothing is known" if rate is None else f"a published {100 * rate:.1f}"
    source = (
        f"{words}, and replies of a quarter of the limit, which is usual on AIME; "
        "a pilot says more and counts: evaluate with n = 1, then plan again"
    )
    usual = known_usual(n_asked(task), tokens=min(limit, expected_tokens(limit)), rate=rate, source=source)
    return usual, 0


def n_asked(task: Task) -> int:
    """UserError where the data is needed to know how many problems are asked, and is out of reach."""
    portion = task.portion or Portion()
    if task.n_problems and not portion.values:
        return min(task.n_problems, (portion.limit or task.n_problems) * task.orders)
    check_data(task)
    return len(task_rows(task))


def journals_of_model(options: PlanOptions, task: Task, *, parameters: dict) -> dict[Path, bool]:
    """The model's journals of the task with this limit of tokens; whether they were sampled as it is asked here."""
    model = Path(str(parameters["model_name"])).expanduser()
    name = model.resolve().name if model.is_dir() else str(parameters["model_name"])
    said = {name: value for name, value in (parameters.get("generation_parameters") or {}).items() if value is not None}
    section = evaluate.model_section(options)
    asked = {
        "temperature": said.get("temperature", TEMPERATURE),
        "top_p": said.get("top_p", TOP_P),
        "system_prompt": parameters.get("system_prompt"),
        "template_args": section.template_args,
        "effort": section.effort,
        "thinking_budget": section.thinking_budget,
    } | {name: said[name] for name in ("seed", "top_k") if name in said}
    journals = {}
    for folder in task_folders(options.cache_dir, task=task.name, model=name):
        for path in folder.glob("*/settings.json"):
            settings = read_settings(path.parent)
            if settings.max_tokens == max_tokens_of(parameters):
                journals[path.parent] = all(getattr(settings, name) == value for name, value in asked.items())
    return journals


def samples_asked(folder: Path, task: Task) -> list[list[Sample]]:
    """The graded samples of each problem that is asked, whatever the journal's last run asked for."""
    damage = DamageSeen()
    samples = samples_by_problem(folder, damage=damage)
    drawn = {problem_id: [sample for sample in row if sample.outcome] for problem_id, row in samples.items()}
    rows = rows_at_hand(task)
    if rows is not None:
        return [drawn.get(task.problem(row).id, []) for row in rows]
    problems, portion = read_problems(folder, damage=damage).values(), task.portion or Portion()
    return list(islice((drawn.get(each.id, []) for each in problems if portion.holds(each.groups)), portion.limit))


def speed_of(options: PlanOptions) -> Speed | None:
    """Of the earlier run of this model, on GPUs of that name or on a machine as this one, that drew most tokens."""
    folder = options.runs or evaluate.usual_folder(options.model)
    speeds = []
    for path in results_in(folder) if folder.is_dir() else []:
        ours = read_results(path).ours
        took, gpus = ours.sampling, ours.gpus
        if took.n_tokens < TOKENS_LEAST or not took.generation_s:
            continue
        if any(options.gpu.lower() not in gpu.lower() for gpu in gpus) if options.gpu else gpus != gpu_names():
            continue
        if options.gpu and not gpus:
            continue
        where = f"{len(gpus)} x {gpus[0]}" if gpus else "a CPU"
        source = f"{path.name}, on {where}"
        speeds.append(Speed(took.n_tokens, took.n_tokens / took.generation_s, len(gpus), source))
    return max(speeds, key=lambda speed: speed.n_tokens, default=None)


def time_in_words(n_tokens: int, speed: Speed | None, *, n_gpus: int | None) -> str:
    if not n_tokens:
        return "0 tokens to draw: nothing is owed."
    if speed is None:
        return (
            f"{n_tokens:,} tokens to draw; how fast is not known: no earlier run of this model on such a machine was "
            "found. --runs names its folder; a pilot (evaluate with n = 1) is such a run."
        )
    share = n_gpus / speed.n_gpus if n_gpus and speed.n_gpus else 1.0
    rate = speed.tokens_per_s * share
    words = f"{n_tokens:,} tokens to draw: {duration(n_tokens / rate)} at {rate:,.0f} tokens/s ({speed.source})"
    # A short run has fewer replies under way at once, from its first to its last.
    return words + (
        "; at most, since so short a run does not fill the machine" if n_tokens > 4 * speed.n_tokens else ""
    )


def memory_in_words(model: str, *, limit: int) -> str:
    size = model_size(model)
    if size is None or not size.heads:
        return ""
    token = size.kv_token_bytes(1)
    usual, longest = (token * min(limit, tokens) / 1e9 for tokens in (expected_tokens(limit), limit))
    return (
        f"Memory: weights {size.weight_bytes / 1e9:.3g} GB; KV cache {token:,} bytes a token, {usual:.2g} GB a usual "
        f"reply, {longest:.2g} GB one as long as the limit."
    )
