"""`make evaluate EFFORT=low,medium,high` or `BUDGET=2048,8192`: a run each, on replicas that start once; one table."""

import atexit
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from lighteval_r1.cli.lighteval_run import WITH_VLLM, lighteval_run, vllm_engine
from lighteval_r1.cli.options import RunOptions
from lighteval_r1.engines import CACHE_DIR
from lighteval_r1.engines.layouts import layout_of
from lighteval_r1.engines.model_files import ModelIdentity
from lighteval_r1.engines.model_section import ModelSection
from lighteval_r1.engines.vllm import ReplicaProcess, start_replicas
from lighteval_r1.numbers.scores import task_row
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, Row, cells, columns
from lighteval_r1.outside import variables
from lighteval_r1.outside.words import say, tell
from lighteval_r1.records import UserError
from lighteval_r1.runs.outputs import writing
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks.specs import TaskSpec


@dataclass(frozen=True)
class Sweep:
    """name: of the setting that varies, effort or thinking_budget. sections: by its value, in the order of the runs."""

    name: str
    sections: dict[str, ModelSection]

    @classmethod
    def of(cls, section: ModelSection, *, budgets: str) -> "Sweep | None":
        """None where one run is asked for. UserError for two sweeps at once, or a value twice."""
        efforts = [part.strip() for part in section.effort.split(",")]
        if budgets and (len(efforts) > 1 or section.thinking_budget is not None):
            raise UserError("budgets are a run each: say one effort, and no --thinking-budget, beside them.")
        if budgets:
            values = [part.strip() for part in budgets.split(",")]
            wrong = next((value for value in values if not (value.isascii() and value.isdigit())), None)
            if wrong is not None:
                raise UserError(f"budgets {budgets}: {wrong!r} is not a number of tokens.")
            kinds = [replace(section, thinking_budget=int(value)) for value in values]
            name = "thinking_budget"
        elif len(efforts) > 1:
            values, name = efforts, "effort"
            kinds = [replace(section, effort=value) for value in values]
        else:
            return None
        if len(set(values)) < len(values) or "" in values:
            raise UserError(f"{name} {','.join(values)}: each value once, and none empty.")
        return cls(name, dict(zip(values, kinds, strict=True)))


def run_sweep(
    sweep: Sweep,
    options: RunOptions,
    parameters: dict,
    specs: Sequence[TaskSpec],
    *,
    identity: ModelIdentity,
    output_dir: Path,
    repo: str,
) -> None:
    """Each run has its folder below the output's; all draw into journals of one cache folder. repo: "" for no push."""
    # the plugin registers them while it is imported
    asked = ",".join(map(str, specs))
    variables.ASKED.set(asked)
    folders = {value: output_dir / f"{sweep.name}-{value}" for value in sweep.sections}
    with writing(output_dir):
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
    done: list[tuple[str, Row]] = []
    # Printed behind the runs' own tables, which come when this process ends.
    atexit.register(lambda: print(sweep_table(sweep.name, done)) if done else None)
    with lighteval_run(output_dir, loading=WITH_VLLM, verbose=options.verbose), ExitStack() as started:
        processes = start_replicas(layout_of(parameters))
        for process in processes:
            started.callback(process.stop)
        for value, section in sweep.sections.items():
            tell(f"{sweep.name} {value}:")
            run_one(section, options, parameters, asked, identity=identity, processes=processes, folder=folders[value])
            if repo:
                from lighteval_r1.hub import push

                say(push.upload(folders[value], repo, public=options.public))
            tasks = read_run(str(folders[value])).tasks.values()
            done += [(value, task_row(task_run)) for task_run in tasks]
    from lighteval_r1.report.pictures import write_sweep

    with writing(output_dir):
        paths = write_sweep(sweep.name, done, output_dir)
    tell(f"Pictures: {', '.join(str(path) for path in paths if path.suffix == '.png')}")


def run_one(
    section: ModelSection,
    options: RunOptions,
    parameters: dict,
    tasks: str,
    *,
    identity: ModelIdentity,
    processes: list[ReplicaProcess],
    folder: Path,
) -> None:
    engine = vllm_engine(parameters, section=section, identity=identity, processes=processes)
    engine.keeps_replicas = True
    from lighteval_r1.plugin import pipeline

    pipeline.run(
        engine,
        tasks,
        output_dir=str(folder),
        cache_dir=options.cache_dir or str(parameters.get("cache_dir") or CACHE_DIR),
        wandb=options.wandb,
    )


def sweep_table(name: str, rows: Sequence[tuple[str, Row]]) -> str:
    """Task by task, in the order of the runs."""
    head = ["task", name.replace("_", " "), "pass@1", *INTERVAL_HEADERS, "samples", "truncated", "mean tokens"]
    tasks = dict.fromkeys(row.task for _, row in rows)
    lines = []
    for value, row in sorted(rows, key=lambda pair: list(tasks).index(pair[1].task)):
        task, score, same, others, _, samples, truncated, _, tokens = cells(row)
        lines.append([task, value, score, same, others, samples, truncated, tokens])
    return columns([head, *lines])
