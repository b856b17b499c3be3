"""`make evaluate` and `lighteval-r1 evaluate`: the options as LightEval's own command, then that command itself."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from lighteval_r1.cli.options import ProblemOptions, RunOptions, SamplingOptions, VllmOptions, option
from lighteval_r1.cli.recipes import is_recipe, recipe_path
from lighteval_r1.cli.sweep import Sweep, run_sweep
from lighteval_r1.confined.connection import allow_unsafe
from lighteval_r1.engines import TEMPERATURE, TOP_P
from lighteval_r1.engines.layouts import Layout, automatic, layout_of
from lighteval_r1.engines.machine import device, gpu_memory_gb, n_gpus
from lighteval_r1.engines.model_section import ModelSection, configuration, said_by_hand
from lighteval_r1.engines.vllm import hand_down, start_replicas
from lighteval_r1.outside import variables
from lighteval_r1.outside.shipped import spare_download
from lighteval_r1.records import UserError, sha256
from lighteval_r1.runs.outputs import writing
from lighteval_r1.sampling.preflight import Findings
from lighteval_r1.tasks import TASKS, own
from lighteval_r1.tasks.specs import check_confinement, expand, parse_spec
from lighteval_r1.tasks.task import local_file

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
    task: str = option("", "aime24, r1_math_500@n=8, a comma-separated list, a suite's file, or problems.jsonl.")
    parallel: str = option("", "data, tensor or auto.")
    num_gpus: int | None = option(None, "GPUs to use (cores, without GPUs).")
    effort: str = option("", "As the model's template knows it: low. Several, low,medium,high, are a run each.")
    takes_several = True
    budgets: str = option("", "Several thinking budgets, 2048,8192,32768: a run each.", make="BUDGET")


def evaluate_command(options: EvaluateOptions) -> None:
    """Evaluate a model with vLLM through LightEval; without options, the demo."""
    if options.allow_unsafe_code:
        allow_unsafe()
    spare_download()
    if options.sane:
        variables.SANE.set("1")
    parameters = model_parameters(options)
    parameters |= layout_parameters(options, parameters)
    section = model_section(options)
    specs = task_specs(
        options.task or (DEMO_TASKS if options.model in ("", "demo") else ""), n=options.asked_n, problems=options
    )
    sweep = Sweep.of(section, budgets=options.budgets)
    findings = Findings()
    for kind in sweep.sections.values() if sweep else [section]:
        check_at_hand(parameters, specs, section=kind, findings=findings)
    output_dir = Path(options.output_dir or usual_folder(options.model))
    if sweep:
        run_sweep(sweep, options, parameters, specs, findings=findings, output_dir=output_dir)
        return
    with writing(output_dir):
        output_dir.mkdir(parents=True, exist_ok=True)
        configuration = write_configuration(output_dir, parameters, section=section)
    lighteval = Path(sys.executable).parent / "lighteval"
    command = [str(lighteval), "vllm", str(configuration), ",".join(specs), "--custom-tasks", "lighteval_r1.plugin"]
    command += ["--save-details", "--output-dir", str(output_dir), *(["--wandb"] if options.wandb else [])]
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    findings.hand_down()
    if options.upload:
        evaluate_and_upload(options, command, output_dir=output_dir)
        return
    # vLLM takes as long to import as LightEval: both at once.
    hand_down(start_replicas(layout_of(parameters)))
    os.execv(command[0], command)


def evaluate_and_upload(options: EvaluateOptions, command: list[str], *, output_dir: Path) -> None:
    """Whether the upload can be is found out first: nothing is sampled for a push that the Hub would refuse."""
    from lighteval_r1.hub import push

    repo = push.check_can_write(options.upload, public=options.public)
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = child.wait()
    if status:
        sys.exit(status if status > 0 else 128 - status)
    if variables.SHARD.value() is None:
        print(push.upload(output_dir, repo, public=options.public))


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
    if options.system_prompt_file:
        parameters["system_prompt"] = read_system_prompt(options.system_prompt_file)
    return parameters


def read_system_prompt(file: str) -> str:
    try:
        # newline="": the model gets the file's text byte for byte
        with open(file, encoding="utf-8", newline="") as text:
            return text.read()
    except OSError as error:
        raise UserError(f"cannot read SYSTEM_PROMPT_FILE {file}: {error.strerror}.") from None


def model_section(options: SamplingOptions) -> ModelSection:
    """What is said beside LightEval's parameters: by the recipe, over it by the variable, over both by options."""
    recipe = ModelSection.in_recipe(str(recipe_path(options.model))) if is_recipe(options.model) else ModelSection()
    section = recipe.under(said_by_hand()).under(options.section)
    # it goes on in the model's configuration
    variables.MODEL.take()
    return section


def read_recipe(path: Path) -> dict:
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        parameters = dict(recipe["model_parameters"])
    except OSError as error:
        raise UserError(f"cannot read the recipe {path}: {error.strerror}.") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise UserError(f"{path} is not a model configuration: it needs a mapping named model_parameters.") from None
    if not parameters.get("model_name"):
        raise UserError(f"{path} names no model: its model_parameters need a model_name.")
    return parameters


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
        print(f"PARALLEL=auto: {layout.replicas} replicas of {layout.tensor} devices each.", file=sys.stderr)
    return layout.parameters


def task_specs(task: str, *, n: int | None, problems: ProblemOptions | None = None) -> list[str]:
    """Full LightEval names, from short ones ("aime24"), full ones, a comma-separated list, a suite's file, or files of
    one's own problems."""
    if not task:
        raise UserError(f"say which TASK, such as TASK=aime24. There are: {', '.join(sorted(TASKS))}.")
    specs: dict[str, str] = {}
    for text in expand(task):
        address, sign, options = text.partition("@")
        if problems is not None and own.is_address(address):
            how = {"columns": problems.columns, "grader": problems.grader, "prompt_file": problems.prompt_file}
            text = own.add(address, **how).name + sign + options
        spec = parse_spec(text)
        samples = spec.n if n is None else n
        if samples < 1:
            raise UserError(f"N={n}: at least one sample per problem is needed.")
        if spec.task.name in specs:
            raise UserError(f"{spec.task.name} is asked for twice, the second time as {text}.")
        specs[spec.task.name] = f"{spec.task.name}@n={samples}|0"
    return list(specs.values())


def check_at_hand(parameters: Mapping, specs: list[str], *, section: ModelSection, findings: Findings) -> None:
    """What can be found without LightEval: devices, local data, a local model. UserError where something is missing."""
    tasks = [parse_spec(spec).task for spec in specs]
    check_confinement(tasks)
    layout_of(parameters).check()
    findings.check_data(task for task in tasks if task.rows is not None or local_file(task) is not None)
    name = str(parameters["model_name"])
    if Path(name).expanduser().is_dir() or name.startswith(("/", ".", "~")):
        revision = str(parameters.get("revision") or "main")
        findings.identity(name, revision=revision, load_format=parameters.get("load_format"))
    section.check(name, parameters=parameters)


def slug(name: str) -> str:
    """A model's name as a folder's name."""
    return re.sub(r"[^\w.-]+", "--", name.strip("/"))


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


def write_configuration(folder: Path, parameters: dict, *, section: ModelSection) -> Path:
    """The model's configuration as LightEval reads it. Named by its content: jobs side by side read each their own."""
    # ASCII, so that no character of a system prompt depends on who reads the file
    text = yaml.safe_dump(configuration(parameters, section.record), sort_keys=False)
    path = folder / f"model-{sha256(text)[:8]}.yaml"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(text, encoding="ascii")
    draft.replace(path)
    return path
