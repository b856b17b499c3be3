"""Tasks, metrics and engine as LightEval 0.13 sees them: `lighteval vllm … --custom-tasks lighteval_r1.plugin`.

LightEval imports this module while it builds its registry, before it creates the model, and looks the model's class up
as a global of lighteval.models.model_loader. The assignment at the end of this file puts ours there; nothing else of
LightEval is changed.
"""

import inspect
import sys
from functools import partial
from pathlib import Path

from lighteval import main_vllm
from lighteval.models import model_loader
from lighteval.models.vllm.vllm_model import VLLMModelConfig
from lighteval.tasks.registry import Registry

from lighteval_r1.engines.model_files import check_device_count, device, identify
from lighteval_r1.engines.vllm import ReplicaProcess, layout_of, start_replicas
from lighteval_r1.plugin.documents import stage, task_config
from lighteval_r1.plugin.errors import plain_errors
from lighteval_r1.plugin.model import R1Model
from lighteval_r1.plugin.vllm_arguments import R1Config, make_engine, read_config
from lighteval_r1.records import UserError
from lighteval_r1.tasks import TASKS
from lighteval_r1.tasks.specs import check_data, expand, parse_spec, positionals, say_confinement


@plain_errors
def vllm_model(config: VLLMModelConfig, *, processes: list[ReplicaProcess] | None = None) -> R1Model:
    engine = make_engine(config, processes=processes or [])
    gives_way = engine.layout.device == "cpu"
    return R1Model(R1Config(**config.model_dump(exclude_unset=True)), engine=engine, gives_way=gives_way)


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
    names = {spec.task.name for text in expand(tasks) if (spec := parse_spec(text, builtin=builtin))}
    say_confinement(TASKS[name] for name in names)
    for name in names:
        check_data(TASKS[name])
    config = read_config(model_args)
    layout = layout_of(config.model_dump(), device=device())
    check_device_count(replicas=layout.replicas, gpus_each=layout.gpus_each)
    identify(config.model_name, revision=config.revision, load_format=config.load_format)
    return start_replicas(layout)


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
