"""Tasks, metrics and engine as LightEval 0.13 sees them: `lighteval vllm … --custom-tasks lighteval_r1.plugin`.

LightEval imports this module while it builds its registry, before it creates the model, and looks the model's class up
as a global of lighteval.models.model_loader. put_in_place puts ours there; nothing else of LightEval is changed.
"""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import typer
from lighteval import main_vllm
from lighteval.models import model_loader
from lighteval.models.vllm.vllm_model import VLLMModelConfig
from lighteval.tasks.registry import Registry

from lighteval_r1.engines.layouts import layout_of
from lighteval_r1.engines.model_files import ModelIdentity, check_weights, identify
from lighteval_r1.engines.model_parameters import check_parameters
from lighteval_r1.engines.model_section import NOTHING, ModelSection, said_by_hand
from lighteval_r1.engines.vllm import ReplicaProcess, start_replicas
from lighteval_r1.outside import variables
from lighteval_r1.outside.hub_files import out_of_reach, token
from lighteval_r1.outside.words import plain_errors, tell
from lighteval_r1.plugin.documents import stage, task_config
from lighteval_r1.plugin.model import R1Model
from lighteval_r1.plugin.vllm_arguments import R1Config, make_engine, read_config
from lighteval_r1.records import UserError
from lighteval_r1.tasks import TASKS, Task
from lighteval_r1.tasks.specs import check_data, expand, parse_spec, say_confinement


@plain_errors
def vllm_model(
    config: VLLMModelConfig,
    *,
    identity: ModelIdentity | None = None,
    processes: list[ReplicaProcess],
    output_dir: str,
    section: ModelSection = NOTHING,
) -> R1Model:
    """identity, processes: where they were found and started before."""
    identity = identity or identify(config.model_dump())
    engine = make_engine(config, identity=identity, section=section, processes=processes)
    return R1Model(R1Config(**config.model_dump(exclude_unset=True)), engine=engine, output_dir=output_dir)


def command_line() -> dict | None:
    """What `lighteval vllm …` was asked, as LightEval reads it; None where another program imports this module."""
    if Path(sys.argv[0]).name not in ("lighteval", "__main__.py") or sys.argv[1:2] != ["vllm"]:
        return None
    theirs = typer.Typer()
    theirs.command()(main_vllm.vllm)
    return typer.main.get_command(theirs).make_context("vllm", sys.argv[2:]).params


@plain_errors
def tasks_named(tasks: str) -> dict[str, Task]:
    """The tasks of ours that a command names. Exits with one line where it names what nobody knows."""
    if not tasks:
        return {}
    if tasks.startswith("suite:") or tasks.endswith((".yaml", ".yml")):
        raise UserError(f"{tasks}: LightEval reads no suite; lighteval-r1 evaluate --task {tasks} does.")
    builtin = Registry.load_all_task_configs()
    specs = {text: parse_spec(text, builtin=builtin) for text in expand(tasks)}
    if theirs := [text for text, spec in specs.items() if spec is None]:
        tell(f"{', '.join(theirs)}: LightEval's own task, asked and counted by its protocol.")
    return {spec.task.name: spec.task for spec in specs.values() if spec}


@plain_errors
def check_theirs(command: Mapping) -> None:
    """Exits with one line for options of LightEval's that would end in a traceback, some after hours."""
    if command["load_responses_from_details_date_id"]:
        raise UserError(
            "--load-responses-from-details-date-id reads another engine's details. Leave it out: replies are kept in "
            "the journal, and the same command draws none twice."
        )
    if command["push_to_hub"] and (out_of_reach() or token() is None):
        why = "there is no Hugging Face token" if not out_of_reach() else "the Hub is out of reach"
        raise UserError(f"--push-to-hub: {why}. Leave it out: `lighteval-r1 upload` pushes the run at any time.")


@plain_errors
def section_of(model_args: str) -> ModelSection:
    """What is said beside the model arguments: in their file, over it in a variable."""
    section = ModelSection.in_recipe(model_args) if model_args.endswith(".yaml") else NOTHING
    return section.under(said_by_hand()) if variables.MODEL.value() else section


@plain_errors
def check_command(
    model_args: str, tasks: dict[str, Task], *, section: ModelSection = NOTHING
) -> tuple[ModelIdentity, list[ReplicaProcess]]:
    """Which model it is, and its replicas, which import vLLM meanwhile. Exits with one line where it cannot run."""
    say_confinement(tasks.values())
    for task in tasks.values():
        check_data(task)
    config = read_config(model_args)
    check_parameters(config.model_dump(exclude_unset=True))
    layout = layout_of(config.model_dump())
    layout.check()
    identity = identify(config.model_dump())
    check_weights(config.model_name, config.model_dump())
    if section != NOTHING:
        section.check(config.model_name, parameters=config.model_dump())
    return identity, start_replicas(layout)


def staged(task: Task) -> str | None:
    """Folder of the task's local rows; a task whose file is missing keeps its Hub address (check_command tells)."""
    try:
        return stage(task)
    except UserError:
        return None


def put_in_place(*, output_dir: str = "", **known: object) -> None:
    """The one change made to LightEval: its loader creates our model where it would create its own.

    known: as vllm_model has it.
    """
    model_loader.VLLMModel = model_loader.AsyncVLLMModel = partial(vllm_model, output_dir=output_dir, **known)


_command = command_line()
# Of a command only the tasks that it names are told to LightEval, of another program's import all whose rows are the
# data set's own.
_asked = tasks_named(_command["tasks"] if _command else variables.ASKED.value())
_asked = _asked or {name: task for name, task in TASKS.items() if not task.is_remade}
if _command:
    check_theirs(_command)
    _section = section_of(_command["model_args"])
    _identity, _processes = check_command(_command["model_args"], _asked, section=_section)
    put_in_place(
        section=_section, identity=_identity, processes=_processes, output_dir=str(_command["output_dir"] or "")
    )
else:
    put_in_place(processes=[])
TASKS_TABLE = [task_config(task, staged(task)) for task in _asked.values()]
