"""`make evaluate` and `lighteval-r1 evaluate`: the options as LightEval's own command, then that command itself."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from lighteval_r1.cli.finished import finished_table
from lighteval_r1.cli.lighteval_run import (
    UNUSED,
    WITH_VLLM,
    Configuration,
    lighteval_command,
    lighteval_run,
    same_run,
)
from lighteval_r1.cli.options import ProblemOptions, RunOptions, SamplingOptions, VllmOptions, option
from lighteval_r1.cli.recipes import is_recipe, recipe_path
from lighteval_r1.cli.sweep import Sweep, run_sweep
from lighteval_r1.confined.connection import allow_unsafe
from lighteval_r1.engines import CACHE_DIR, TEMPERATURE, TOP_P
from lighteval_r1.engines.layouts import Layout, layout_of
from lighteval_r1.engines.machine import device, gpu_memory_gb, n_gpus
from lighteval_r1.engines.model_files import check_weights, identify
from lighteval_r1.engines.model_parameters import check_parameters
from lighteval_r1.engines.model_section import ModelSection, said_by_hand
from lighteval_r1.engines.model_sizes import automatic
from lighteval_r1.engines.vllm import start_replicas
from lighteval_r1.outside import variables
from lighteval_r1.outside.hub_files import check_reach
from lighteval_r1.outside.left_out import left_out
from lighteval_r1.outside.shipped import spare_download
from lighteval_r1.outside.user_files import read_text, read_yaml
from lighteval_r1.outside.words import say, tell
from lighteval_r1.records import MOST_SAMPLES, UserError
from lighteval_r1.runs.outputs import existing, writing
from lighteval_r1.sampling.journal_files import cache_folders
from lighteval_r1.tasks import TASKS, Task, own
from lighteval_r1.tasks.portion import limited
from lighteval_r1.tasks.specs import (
    TaskSpec,
    check_asked_of_hub,
    check_confinement,
    check_data,
    expand,
    parse_spec,
    same_reply,
    say_confinement,
)
from lighteval_r1.tasks.task import is_address, local_file

DEMO_MODEL = Path(__file__).parents[1] / "demo" / "model"
DEMO_TASKS = "demo_sums,demo_choices,demo_programs"
# The demo's replies are short; a context of this size starts fast.
DEMO_PARAMETERS = {
    "max_model_length": 1024,
    "dtype": "float32",
    "generation_parameters": {"max_new_tokens": 512, "temperature": TEMPERATURE, "top_p": TOP_P},
}


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(VllmOptions, RunOptions):
    model: str = option(
        "", "Hub id, folder, or a recipe (recipe:QwQ-32B, a .yaml); the demo model where it is left out."
    )
    task: str = option("", "aime24, r1_math_500@n=8, math_500@level=5, a list of them, suite.yaml, or problems.jsonl.")
    parallel: str = option("", "data, tensor or auto.")
    num_gpus: int | None = option(None, "GPUs to use (cores, without GPUs).")
    effort: str = option("", "As the model's template knows it: low. Several, low,medium,high, are a run each.")
    takes_several = True
    budgets: str = option("", "Several thinking budgets, 2048,8192,32768: a run each.", make="BUDGET")


def evaluate_command(options: EvaluateOptions) -> None:
    """Evaluate a model with vLLM through LightEval. Without options, the demo."""
    begin(options)
    parameters = model_parameters(options)
    parameters |= layout_parameters(options, parameters)
    section = model_section(options)
    named = options.task or (DEMO_TASKS if options.model in ("", "demo") else "")
    specs = task_specs(named, n=options.asked_n, limit=options.limit, problems=options)
    sweep = Sweep.of(section, budgets=options.budgets)
    check_model(parameters, sweep.sections.values() if sweep else [section])
    identity = identify(parameters)
    tasks = check_several(specs, temperature=drawn_at(parameters))
    for task in sorted(tasks, key=is_of_hub):
        check_task(task)
    output_dir = Path(options.output_dir or usual_folder(options.model))
    repo = checked_upload(options)
    if sweep:
        run_sweep(sweep, options, parameters, specs, identity=identity, output_dir=output_dir, repo=repo)
        return
    recipe = Configuration.of(parameters, section)
    asked = ",".join(map(str, specs))
    command = lighteval_command(output_dir / recipe.name, asked, output_dir=output_dir, wandb=options.wandb)
    cache_dir = str(parameters.get("cache_dir") or CACHE_DIR)
    same = same_run(command, parameters, section, identity=identity)
    table = None if options.wandb else finished_table(output_dir, specs, cache_dir=cache_dir, same=same)
    if table is not None:
        say(table)
    else:
        with writing(output_dir):
            output_dir.mkdir(parents=True, exist_ok=True)
            recipe.write(output_dir)
        tell("+ " + shlex.join(command))
        with lighteval_run(output_dir, loading=WITH_VLLM, verbose=options.verbose):
            say_confinement(tasks)
            # vLLM takes as long to import as LightEval: both at once.
            processes = start_replicas(layout_of(parameters))
            # the plugin registers them while it is imported
            variables.ASKED.set(asked)
            with left_out(UNUSED):
                from lighteval_r1.plugin import pipeline

            for task in filter(is_of_hub, tasks):
                check_data(task)
            sys.argv = command
            pipeline.run_command(section=section, identity=identity, processes=processes)
    if repo:
        pushed(output_dir, repo, public=options.public)


def begin(options: RunOptions) -> None:
    """What is set for this process and those that it starts."""
    if options.allow_unsafe_code:
        allow_unsafe()
    if options.sane:
        variables.SANE.set("1")
    spare_download()


def checked_upload(options: RunOptions) -> str:
    """The repository to push to, "" for none: nothing is sampled for a push that the Hub would refuse."""
    if not options.upload:
        return ""
    from lighteval_r1.hub import push

    push.check_name(options.upload)
    check_reach()
    return push.check_can_write(options.upload, public=options.public)


def pushed(output_dir: Path, repo: str, *, public: bool) -> None:
    """Says what was pushed; of a shard nothing is."""
    from lighteval_r1.hub import push

    if variables.SHARD.value() is None:
        say(push.upload(output_dir, repo, public=public))


def model_parameters(options: SamplingOptions) -> dict:
    """LightEval's model_parameters: from the recipe (a .yaml file) or the model's name, with the options put over."""
    if options.model in ("", "demo"):
        parameters = {"model_name": str(DEMO_MODEL), **DEMO_PARAMETERS}
    elif is_recipe(options.model):
        parameters = read_recipe(recipe_path(options.model))
    else:
        parameters = {"model_name": options.model}
    sampling = {
        "max_new_tokens": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "seed": options.seed,
    }
    generation = dict(parameters.get("generation_parameters") or {})
    generation |= {name: value for name, value in sampling.items() if value is not None}
    if generation:
        parameters["generation_parameters"] = generation
    if isinstance(options, VllmOptions):
        parameters |= options.vllm_split[0]
    if options.revision:
        parameters["revision"] = options.revision
    if isinstance(options, RunOptions) and options.cache_dir:
        parameters["cache_dir"] = options.cache_dir
    if (system_prompt := system_prompt_of(options)) is not None:
        parameters["system_prompt"] = system_prompt
    return parameters


def system_prompt_of(options: SamplingOptions) -> str | None:
    file = options.system_prompt_file
    return read_text(file, what="SYSTEM_PROMPT_FILE") if file else None


def model_section(options: SamplingOptions) -> ModelSection:
    """What is said beside LightEval's parameters: by the recipe, over it by the variable, over both by options."""
    recipe = ModelSection.in_recipe(str(recipe_path(options.model))) if is_recipe(options.model) else ModelSection()
    section = recipe.under(said_by_hand()).under(options.section)
    # it goes on in the model's configuration
    variables.MODEL.take()
    return section


def read_recipe(path: Path) -> dict:
    recipe = read_yaml(path, what="the recipe")
    parameters = recipe.get("model_parameters") if isinstance(recipe, Mapping) else None
    if not isinstance(parameters, Mapping):
        raise UserError(f"{path} is not a model configuration: it needs a mapping named model_parameters.")
    check_parameters(parameters)
    if not parameters.get("model_name"):
        raise UserError(f"{path} names no model: its model_parameters need a model_name.")
    return dict(parameters)


def layout_parameters(options: EvaluateOptions, parameters: Mapping) -> dict[str, int]:
    """The layout that PARALLEL and NUM_GPUS ask for, as model parameters; {} where they say nothing."""
    parallel, n = options.parallel, options.num_gpus
    if parallel not in ("", "data", "tensor", "auto"):
        raise UserError(f"PARALLEL={parallel} is neither data nor tensor nor auto.")
    if n is not None and n < 1:
        raise UserError(f"NUM_GPUS={n}: at least 1 is needed.")
    if parallel in ("data", "tensor") and n is None:
        raise UserError(f"PARALLEL={parallel} needs NUM_GPUS=k.")
    if not parallel and n is None:
        return {}
    if n is not None:
        Layout(device(), replicas=n).check()
    if parallel == "tensor":
        layout = Layout(device(), tensor=n)
    elif parallel == "auto" and device() == "gpu":
        layout = automatic(parameters, n_gpus=n or n_gpus(), gpu_memory_gb=gpu_memory_gb())
    else:
        # replicas on a CPU would only share its cores: there, auto is one
        layout = Layout(device(), replicas=n or 1)
    if parallel == "auto":
        tell(f"PARALLEL=auto: {layout.replicas} replicas of {layout.tensor} devices each.")
    return layout.parameters


def task_specs(
    task: str, *, n: int | None, limit: int | None = None, problems: ProblemOptions | None = None
) -> list[TaskSpec]:
    """From short names ("aime24"), full ones, a list of these by comma, a suite's file, or files of one's own."""
    if not task:
        raise UserError(f"say which TASK, such as TASK=aime24. There are: {', '.join(sorted(TASKS))}.")
    if limit is not None and limit < 1:
        raise UserError(f"LIMIT={limit}: at least one problem is needed.")
    specs: dict[str, TaskSpec] = {}
    if not (asked := expand(task)):
        raise UserError(f"the suite {task} names no task.")
    for text in asked:
        address, sign, options = text.partition("@")
        if problems is not None and is_address(address):
            how = {"columns": problems.columns, "grader": problems.grader, "prompt_file": problems.prompt_file}
            added = own.add(address, **how)
            tell(own.in_words(added))
            text = added.name + sign + options
        spec = parse_spec(text)
        samples = spec.n if n is None else n
        if not 1 <= samples <= MOST_SAMPLES:
            raise UserError(f"N={samples}: at least one sample per problem is needed, and at most {MOST_SAMPLES:,}.")
        if spec.task.name in specs:
            raise UserError(f"{spec.task.name} is asked for twice, the second time as {text}.")
        chosen = spec.task if limit is None else limited(spec.task, limit)
        specs[spec.task.name] = TaskSpec(chosen, samples)
    if problems is not None and not any(is_address(text.partition("@")[0]) for text in asked):
        check_none_own(problems)
    return list(specs.values())


def check_none_own(problems: ProblemOptions) -> None:
    """UserError where something is said of one's own problems, and none are asked."""
    for field in fields(ProblemOptions):
        if getattr(problems, field.name):
            option_named = f"--{field.name.replace('_', '-')}"
            raise UserError(f"{option_named} is said of one's own problems (TASK=problems.jsonl); none are asked.")


def check_model(parameters: Mapping, sections: Iterable[ModelSection]) -> None:
    """UserError for what of the model, or of what is said to it, cannot run on this machine."""
    check_parameters(parameters)
    layout_of(parameters).check()
    check_journals(str(parameters.get("cache_dir") or CACHE_DIR))
    model = str(parameters["model_name"])
    check_weights(model, parameters)
    for section in sections:
        section.check(model, parameters=parameters)


def check_task(task: Task) -> None:
    """UserError for what cannot be asked, as far as it can be found without LightEval, and of the Hub without loading
    rows."""
    check_confinement([task])
    (check_asked_of_hub if is_of_hub(task) else check_data)(task)


def is_of_hub(task: Task) -> bool:
    """Whether its rows are read from the Hub or its cache, which takes seconds."""
    return task.rows is None and local_file(task) is None


def check_several(specs: Iterable[TaskSpec], *, temperature: float | None) -> list[Task]:
    """The tasks. UserError where the same reply would be drawn several times."""
    several = next((spec for spec in specs if spec.n > 1), None)
    if several is not None and temperature is not None and float(temperature) == 0:
        raise same_reply(several.task.name, several.n)
    return [spec.task for spec in specs]


def drawn_at(parameters: Mapping) -> float | None:
    """The temperature, where it is said."""
    return (parameters.get("generation_parameters") or {}).get("temperature")


def check_journals(cache_dir: str) -> None:
    """UserError where no journal can be written. Makes nothing."""
    folder = cache_folders(cache_dir)[0].absolute()
    there = existing(folder)
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        raise UserError(f"cannot write the journal's folder {folder}: see {there}. Choose another CACHE.")


def slug(name: str) -> str:
    """A model's name as a folder's name."""
    if ".." in Path(name).parts:
        name = str(Path(name).expanduser().absolute().resolve())
    return re.sub(r"[^\w.-]+", "--", os.path.normpath(name).strip("/"))


def usual_folder(model: str) -> Path:
    """Where results and details go if nothing else is said. model: as the user says it, "" for the demo."""
    demo = model in ("", "demo")
    named = "demo" if demo else str(model_parameters(SamplingOptions(model=model))["model_name"])
    return Path(f"data/evals/{slug(named)}")


def run_folder(named: str) -> Path:
    """A run as people name it: its output folder or results file, or the model whose runs lie under data/evals."""
    path = Path(named).expanduser()
    if path.exists() and path.suffix not in (".yaml", ".yml") and not (path / "config.json").is_file():
        return path
    usual = usual_folder(named)
    return usual if usual.is_dir() else path
