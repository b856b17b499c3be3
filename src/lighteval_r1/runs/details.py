"""Reads a run back: what LightEval 0.13 wrote, with this package's engine or any other.

What a run does not say is None in its samples, and is named in Run.missing.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from lighteval_r1.records import UserError
from lighteval_r1.runs.details_file import LIGHTEVAL, task_run
from lighteval_r1.runs.locate import HUB, Found, RunFiles, find, run_files
from lighteval_r1.runs.run import Run, RunProblem, RunSample, TaskRun, owed

__all__ = ["HUB", "Run", "RunFiles", "RunProblem", "RunSample", "TaskRun", "owed", "read_run", "run_files"]

MISSING = {
    "outcome": "grades",
    "answer": "extracted answers",
    "finish_reason": "finish reasons",
    "n_tokens": "token counts",
    "seed": "seeds",
}


def read_run(source: str | Path) -> Run:
    """The run that source names (see locate.py): the newest of a folder, a results or details file, or one on the Hub."""
    found = find(source)
    results = read_results(found.results) if found.results else {}
    config = results.get("config_general", {}).get("model_config") or {}
    ours = config.get("lighteval_r1") or {}
    check_version(found, ours)
    settings = ours.get("settings") or plain_settings(config)
    tasks: dict[str, TaskRun] = {}
    for full_name, path in found.details.items():
        said = (ours.get("tasks") or {}).get(full_name) or {}
        version = (results.get("config_tasks", {}).get(full_name) or {}).get("version") or said.get("version") or 0
        name = short_name(full_name) if short_name(full_name) not in tasks else full_name
        tasks[name] = task_run(name, path, said=said, version=int(version))
    model = config.get("model_name") or results.get("config_general", {}).get("model_name") or model_in_path(found)
    return Run(
        model=str(model),
        path=str(found.results or source),
        settings=settings,
        environment=ours.get("environment") or {},
        tasks=tasks,
        missing=tuple(what_is_missing(tasks, settings=settings)),
        n_runs=found.n_runs,
    )


def read_results(path: Path) -> dict:
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None
    if not isinstance(results, dict) or not isinstance(results.get("config_general"), dict):
        raise UserError(f"{path} is not a results file of LightEval {LIGHTEVAL}: it has no config_general.")
    return results


def check_version(found: Found, ours: dict) -> None:
    version = ((ours.get("environment") or {}).get("versions") or {}).get("lighteval", LIGHTEVAL)
    if version != LIGHTEVAL and not version.startswith(f"{LIGHTEVAL}."):
        raise UserError(f"{found.results} was written by LightEval {version}; lighteval-r1 reads those of {LIGHTEVAL}.")


def short_name(full_name: str) -> str:
    """ "r1_aime24@n=4|0" -> "r1_aime24": zero-shot needs no saying."""
    name, _, shots = full_name.partition("|")
    return name.split("@")[0] + (f"|{shots}" if shots not in ("", "0") else "")


def model_in_path(found: Found) -> str:
    """The model as details/<model>/<date>/ names it, else the file's folder."""
    path = next(iter(found.details.values()))
    for parent in path.parents:
        if parent.name == "details":
            return str(path.parent.parent.relative_to(parent))
    return path.parent.name or "unknown model"


def plain_settings(config: dict) -> dict:
    """Settings of a run of LightEval's own engines, as far as its configuration says them, under our names."""
    names = {"model_name": "model", "max_model_length": "max_model_length"}
    names |= {name: name for name in ("revision", "system_prompt", "dtype", "quantization", "seed")}
    generation = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k", "max_new_tokens": "max_tokens"}
    generation["seed"] = "seed"
    parameters = config.get("generation_parameters") or {}
    found = {ours: config[theirs] for theirs, ours in names.items() if config.get(theirs) is not None}
    return found | {
        ours: parameters[theirs] for theirs, ours in generation.items() if parameters.get(theirs) is not None
    }


def what_is_missing(tasks: dict[str, TaskRun], *, settings: dict) -> Iterator[str]:
    if not settings:
        yield "settings"
    if not all(task.data_sha256 for task in tasks.values()):
        yield "data hash"
    samples = [sample for task in tasks.values() for problem in task.problems for sample in problem.samples]
    for name, words in MISSING.items():
        if any(getattr(sample, name) is None for sample in samples):
            yield words
