"""`make evaluate` and `lighteval-r1 evaluate`: the options as LightEval's own command, then that command itself."""

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from lighteval_r1.engines.environment import gpu_memory_gb
from lighteval_r1.engines.layouts import ClusterLayout, automatic
from lighteval_r1.engines.model_files import check_device_count, device, identify, n_gpus
from lighteval_r1.engines.vllm import hand_down, layout_of, start_replicas
from lighteval_r1.graders.confined.connection import allow_unsafe
from lighteval_r1.records import UserError, sha256
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.specs import check_confinement, check_data, expand, parse_spec
from lighteval_r1.tasks.task import local_file

DEMO_MODEL = Path(__file__).parents[1] / "demo" / "model"
DEMO_TASKS = ("demo_sums", "demo_choices", "demo_programs")
# The demo's replies are short; a context of this size starts fast.
DEMO_PARAMETERS = {
    "max_model_length": 1024,
    "dtype": "float32",
    "generation_parameters": {"max_new_tokens": 512, "temperature": 0.6, "top_p": 0.95},
}


@dataclass(frozen=True)
class Options:
    """What a user says; "" and None mean not said."""

    model: str = ""
    task: str = ""
    revision: str = ""
    parallel: str = ""
    num_gpus: int | None = None
    n: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    system_prompt_file: str = ""
    output_dir: str = ""
    upload: str = ""
    public: bool = False
    wandb: bool = False
    allow_unsafe_code: bool = False


def options_from(file: Path | None, said: dict) -> Options:
    """What the user says, over what a file of options says by name (JSON). UserError where the file holds something else."""
    known = {}
    if file is not None:
        try:
            known = json.loads(file.read_text(encoding="utf-8"))
            Options(**known)
        except OSError as error:
            raise UserError(f"cannot read the options {file}: {error.strerror}.") from None
        except (ValueError, TypeError) as error:
            names = ", ".join(Options.__dataclass_fields__)
            raise UserError(f"{file} is not a JSON object of options ({error}). It may hold: {names}.") from None
    # a number that was said counts, 0 too
    given = {name: value for name, value in said.items() if value is not None and value is not False and value != ""}
    return Options(**known | given)


def model_parameters(options: Options) -> dict:
    """LightEval's model_parameters: from the recipe (a .yaml file) or the model's name, with the options put over."""
    if not options.model:
        parameters = {"model_name": str(DEMO_MODEL), **DEMO_PARAMETERS}
    elif options.model.endswith((".yaml", ".yml")):
        parameters = read_recipe(Path(options.model))
    else:
        parameters = {"model_name": options.model}
    generation = dict(parameters.get("generation_parameters") or {})
    if options.max_tokens is not None:
        generation["max_new_tokens"] = options.max_tokens
    if options.temperature is not None:
        generation["temperature"] = options.temperature
    if generation:
        parameters["generation_parameters"] = generation
    if options.revision:
        parameters["revision"] = options.revision
    if options.system_prompt_file:
        parameters["system_prompt"] = read_system_prompt(options.system_prompt_file)
    return {**parameters, **parallel_parameters(options, model=str(parameters["model_name"]))}


def read_system_prompt(file: str) -> str:
    try:
        # newline="": the model gets the file's text byte for byte
        with open(file, encoding="utf-8", newline="") as text:
            return text.read()
    except OSError as error:
        raise UserError(f"cannot read SYSTEM_PROMPT_FILE {file}: {error.strerror}.") from None


def read_recipe(path: Path) -> dict:
    try:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        return dict(recipe["model_parameters"])
    except OSError as error:
        raise UserError(f"cannot read the recipe {path}: {error.strerror}.") from None
    except (yaml.YAMLError, KeyError, TypeError, ValueError):
        raise UserError(f"{path} is not a model configuration: it needs a mapping named model_parameters.") from None


def parallel_parameters(options: Options, *, model: str) -> dict:
    if options.parallel not in ("", "data", "tensor", "auto"):
        raise UserError(f"PARALLEL={options.parallel} is neither data nor tensor nor auto.")
    if options.num_gpus is not None and options.num_gpus < 1:
        raise UserError(f"NUM_GPUS={options.num_gpus}: at least 1 is needed.")
    if options.parallel in ("data", "tensor") and options.num_gpus is None:
        raise UserError(f"PARALLEL={options.parallel} needs NUM_GPUS=k.")
    if options.num_gpus is not None:
        check_device_count(replicas=options.num_gpus, gpus_each=1)
    if options.parallel == "auto":
        return automatic_parameters(model, revision=options.revision or "main", num_gpus=options.num_gpus)
    if options.num_gpus is None:
        return {}
    if options.parallel == "tensor":
        return {"tensor_parallel_size": options.num_gpus, "data_parallel_size": 1}
    return {"data_parallel_size": options.num_gpus, "tensor_parallel_size": 1}


def automatic_parameters(model: str, *, revision: str, num_gpus: int | None) -> dict:
    if device() == "cpu":
        # replicas on a CPU would only share its cores
        layout = ClusterLayout(tensor=1, pipeline=1, replicas=num_gpus or 1)
    else:
        layout = automatic(model, revision=revision, n_gpus=num_gpus or n_gpus(), gpu_memory_gb=gpu_memory_gb())
    print(f"PARALLEL=auto: {layout.replicas} replicas of {layout.tensor} devices each.", file=sys.stderr)
    return {"tensor_parallel_size": layout.tensor, "data_parallel_size": layout.replicas}


def task_specs(options: Options) -> list[str]:
    """Full LightEval names, from short ones ("aime24"), full ones, a comma-separated list or a suite's file."""
    if not options.task:
        if options.model:
            raise UserError(f"say which TASK, such as TASK=aime24. There are: {', '.join(sorted(TASKS))}.")
        named = list(DEMO_TASKS)
    else:
        named = expand(options.task)
    specs = []
    for text in named:
        name = text.split("|")[0].split("@")[0]
        full = text if name in TASKS or f"r1_{name}" not in TASKS else f"r1_{text}"
        spec = parse_spec(full)
        n = spec.n if options.n is None else options.n
        if n < 1:
            raise UserError(f"N={n}: at least one sample per problem is needed.")
        specs.append(f"{spec.task.name}@n={n}|0")
    return specs


def check_at_hand(parameters: dict, specs: list[str]) -> None:
    """What can be checked without LightEval: local data and a local model. UserError where something is missing."""
    tasks = [parse_spec(spec).task for spec in specs]
    check_confinement(tasks)
    for task in tasks:
        if task.rows is not None or local_file(task) is not None:
            check_data(task)
    name = str(parameters.get("model_name", ""))
    if Path(name).expanduser().is_dir() or name.startswith(("/", ".", "~")):
        identify(name, revision="", load_format=parameters.get("load_format"))


def model_slug(options: Options, parameters: dict) -> str:
    """The model's name as a folder's name."""
    name = "demo" if not options.model else str(parameters["model_name"]).strip("/")
    return re.sub(r"[^\w.-]+", "--", name)


def output_folder(options: Options) -> Path:
    """Where results and details of these options go."""
    return Path(options.output_dir or f"data/evals/{model_slug(options, model_parameters(options))}")


def run_folder(named: str) -> Path:
    """A run as people name it: its output folder or results file, or the model whose runs lie under data/evals."""
    path = Path(named).expanduser()
    if path.exists() and path.suffix not in (".yaml", ".yml") and not (path / "config.json").is_file():
        return path
    usual = output_folder(Options(model=named))
    return usual if usual.is_dir() else path


def write_configuration(folder: Path, parameters: dict) -> Path:
    """The model's configuration as LightEval reads it. Named by its content: jobs side by side read each their own."""
    # ASCII, so that no character of a system prompt depends on who reads the file
    text = yaml.safe_dump({"model_parameters": parameters}, sort_keys=False)
    path = folder / f"model-{sha256(text)[:8]}.yaml"
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(text, encoding="ascii")
    draft.replace(path)
    return path


def run(options: Options) -> None:
    """Becomes `lighteval vllm …`; with upload, waits for it and pushes the run. UserError for what cannot run."""
    if options.allow_unsafe_code:
        allow_unsafe()
    parameters = model_parameters(options)
    specs = task_specs(options)
    check_at_hand(parameters, specs)
    output_dir = output_folder(options)
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
        configuration = write_configuration(output_dir, parameters)
    except OSError as error:
        raise UserError(f"cannot write to {output_dir}: {error.strerror}. Choose another OUT.") from None
    lighteval = Path(sys.executable).parent / "lighteval"
    command = [str(lighteval), "vllm", str(configuration), ",".join(specs), "--custom-tasks", "lighteval_r1.plugin"]
    command += ["--save-details", "--output-dir", str(output_dir), *(["--wandb"] if options.wandb else [])]
    print("+ " + " ".join(command), file=sys.stderr, flush=True)
    if options.upload:
        evaluate_and_upload(options, command, output_dir=output_dir)
        return
    # vLLM takes as long to import as LightEval: both at once.
    hand_down(start_replicas(layout_of(parameters, device=device())))
    os.execv(command[0], command)


def evaluate_and_upload(options: Options, command: list[str], *, output_dir: Path) -> None:
    """Whether the upload can be is found out first: nothing is sampled for a push that the Hub would refuse."""
    from lighteval_r1.hub import push as hub

    repo = hub.check_can_write(options.upload, public=options.public)
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    status = child.wait()
    if status:
        sys.exit(status if status > 0 else 128 - status)
    if os.environ.get("LIGHTEVAL_R1_SHARD"):
        return
    print(hub.upload(output_dir, repo, public=options.public))
