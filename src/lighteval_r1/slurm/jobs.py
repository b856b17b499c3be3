"""Slurm jobs: a folder per job that holds everything the job reads, a template that reads it, and their submission.

    data/jobs/<date>-<model>/<job>/
        model.yaml      the model's configuration as LightEval reads it, with the system prompt
        options.json    options of `lighteval-r1 evaluate`, by name
        setup.sh        the cluster's set-up commands
        evaluate.slurm  the template as it was submitted
        jobs.log        one line when a job begins, ends, is stopped or fails

Nothing passes through a shell on its way: a system prompt with quotes, newlines or `$(…)` is text in a file.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_section import recipe_text
from lighteval_r1.outside import variables
from lighteval_r1.outside.decoding import described
from lighteval_r1.outside.shipped import shipped
from lighteval_r1.outside.user_files import read_yaml
from lighteval_r1.outside.words import one_line
from lighteval_r1.records import Count, Positive, UserError

# Before the time limit, so that the evaluation can stop and the job ask to be queued again.
SIGNAL = "B:USR1@120"
# In a job's folder: the number of each job that was submitted from it, a line each.
JOB_IDS = "ids"


@dataclass(frozen=True)
class Cluster:
    """What the user's file says of the cluster; see slurm/cluster-example.yaml."""

    gpus_per_node: Count = 8
    gpu_memory_gb: Positive = 80
    sbatch: dict[str, object] = field(default_factory=dict)
    sbatch_report: dict[str, object] = field(default_factory=dict)
    setup: str = ""


@dataclass(frozen=True)
class Submission:
    """What is to be submitted, and how it lies on the cluster.

    name: the model's, as a folder's name. parameters: LightEval's model parameters, the layout in them. specs: tasks as
    LightEval names them. section: of the recipe, ours. options, upload: further options of `lighteval-r1 evaluate`;
    upload's for jobs that report.
    """

    name: str
    parameters: dict
    specs: list[str]
    output: str
    layout: Layout
    cluster: Cluster
    section: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    upload: dict = field(default_factory=dict)
    nodes: int = 1
    array: int = 0
    sbatch_args: tuple[str, ...] = ()
    folder: str = ""
    serve: bool = False


@dataclass(frozen=True)
class Job:
    """One call of sbatch. after: the job in whose wake this one runs, by its place in the list."""

    folder: Path
    template: str
    options: list[str]
    arguments: list[str]
    after: int | None = None

    def command(self, *, after_id: str = "") -> list[str]:
        depends = [f"--dependency=afterany:{after_id}"] if after_id else []
        return ["sbatch", "--parsable", *depends, *self.options, str(self.folder / self.template), *self.arguments]


def read_cluster(path: str) -> Cluster:
    """The user's file; the defaults where none is named (--cluster, or its variable)."""
    path = path or variables.CLUSTER.value()
    if not path:
        return Cluster()
    return described(Cluster, read_yaml(Path(path).expanduser(), what="the cluster's file") or {}, where=path)


def home_of(submission: Submission) -> Path:
    return Path(submission.folder or f"data/jobs/{time.strftime('%Y%m%d-%H%M%S')}-{submission.name}").absolute()


def prepare(submission: Submission) -> list[Job]:
    """Writes the jobs' folders. UserError where they are there already."""
    home = home_of(submission)
    if home.exists():
        raise UserError(f"{home} is there already. Name another --job-folder.")
    if submission.serve:
        return [serving_job(submission, home)]
    if submission.array:
        return array_jobs(submission, home)
    jobs = []
    for spec in submission.specs:
        short = Path(spec.split("@")[0]).stem  # of a file of problems, its name
        folder = home / short
        write_folder(folder, submission, template="evaluate.slurm")
        write_options(folder / "options.json", submission, task=spec, more=submission.upload)
        options = sbatch_options(submission, folder=folder, name=f"{short}-{submission.name}")
        jobs.append(Job(folder, "evaluate.slurm", options, [str(folder), sys.executable]))
    return jobs


def serving_job(submission: Submission, home: Path) -> Job:
    write_folder(home, submission, template="serve.slurm")
    parameters, layout = submission.parameters, submission.layout
    arguments = ["--model", str(parameters["model_name"]), "--tensor-parallel-size", str(layout.tensor)]
    names = {"revision": "--revision", "dtype": "--dtype", "max_model_length": "--max-model-len"}
    for name, option in names.items():
        if parameters.get(name):
            arguments += [option, str(parameters[name])]
    arguments += section_arguments(submission.section)
    if layout.replicas > 1:
        arguments += ["--data-parallel-size", str(layout.replicas)]
    key = home / "api-key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_urlsafe(32))
    (home / "serve.args").write_bytes(b"".join(argument.encode() + b"\0" for argument in arguments))
    options = sbatch_options(submission, folder=home, name=f"serve-{home.name}")
    return Job(home, "serve.slurm", options, [str(home), sys.executable])


def section_arguments(section: dict) -> list[str]:
    """A recipe's section as vLLM's server takes it; effort and budget come in requests."""
    named = dict(section.get("vllm", {}))
    if section.get("template_args"):
        named["default_chat_template_kwargs"] = section["template_args"]
    if section.get("reasoning_parser", "none") not in ("auto", "none"):
        named["reasoning_parser"] = section["reasoning_parser"]
    if section.get("lora"):
        named |= {"enable_lora": True, "lora_modules": f"adapter={section['lora']}"}
    arguments = []
    for name, value in named.items():
        option = name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(f"--{option}" if value else f"--no-{option}")
        else:
            arguments += [f"--{option}", value if isinstance(value, str) else json.dumps(value)]
    return arguments


def array_jobs(submission: Submission, home: Path) -> list[Job]:
    """An array of shards that fill one journal, and the job that grades, reports and uploads after them."""
    write_folder(home, submission, template="evaluate.slurm")
    task = ",".join(submission.specs)
    write_options(home / "options.json", submission, task=task)
    copy_template("report.slurm", home)
    # The report draws nothing: one process without GPUs, whatever the shards' layout is.
    single = Layout("cpu")
    parameters = submission.parameters | single.parameters
    write_model(home / "report-model.yaml", parameters, section=submission.section)
    write_options(home / "report.json", submission, task=task, model="report-model.yaml", more=submission.upload)
    options = sbatch_options(submission, folder=home, name=home.name)
    shards = [*options, f"--array=1-{submission.array}"]
    report = replace(submission, cluster=replace(submission.cluster, gpus_per_node=0), layout=single, nodes=1, array=0)
    report_options = sbatch_options(
        report, folder=home, name=f"report-{home.name}", more=submission.cluster.sbatch_report
    )
    arguments = [str(home), sys.executable, str(submission.array)]
    return [
        Job(home, "evaluate.slurm", shards, arguments),
        Job(home, "report.slurm", report_options, arguments, after=0),
    ]


def write_folder(folder: Path, submission: Submission, *, template: str) -> None:
    folder.mkdir(parents=True)
    write_model(folder / "model.yaml", submission.parameters, section=submission.section)
    (folder / "setup.sh").write_text(submission.cluster.setup or ":\n", encoding="utf-8")
    (folder / "output").write_text(submission.output + "\n", encoding="utf-8")
    copy_template(template, folder)


def write_model(path: Path, parameters: dict, *, section: dict) -> None:
    path.write_text(recipe_text(parameters, section), encoding="ascii")


def write_options(
    path: Path, submission: Submission, *, task: str, model: str = "model.yaml", more: dict | None = None
) -> None:
    options = {"model": str(path.with_name(model)), "task": task, "output_dir": submission.output}
    path.write_text(json.dumps(options | submission.options | (more or {}), indent=2))


def copy_template(name: str, folder: Path) -> None:
    shutil.copyfile(shipped("slurm") / name, folder / name)


def sbatch_options(
    submission: Submission, *, folder: Path, name: str, more: dict[str, object] | None = None
) -> list[str]:
    """sbatch's options: ours, then the cluster's file, then what the user said, of which the last counts."""
    n_gpus = submission.layout.tensor * submission.layout.replicas if submission.cluster.gpus_per_node else 0
    log = folder / ("%x-%A_%a.log" if submission.array else "%x-%j.log")
    ours: dict[str, object] = {
        "job-name": re.sub(r"[^\w.-]+", "-", name)[:60],
        "output": log,
        "open-mode": "append",
        "signal": SIGNAL,
        "nodes": submission.nodes,
        "ntasks-per-node": 1,
    }
    if n_gpus:
        ours["gpus-per-node"] = n_gpus
    ours |= submission.cluster.sbatch | (more or {})
    return [*(f"--{key}={value}" for key, value in ours.items()), "--requeue", *submission.sbatch_args]


def minutes(text: str) -> float | None:
    """Slurm's time limit in minutes: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; None for what is none of these."""
    days, dash, rest = text.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdigit() for part in [*parts, *([days] if dash else [])]) or len(parts) > 3:
        return None
    numbers = [int(part) for part in parts]
    behind = 3 - len(numbers) if dash else {1: 1, 2: 0, 3: 0}[len(numbers)]
    hours, mins, secs = ([0, 0, 0] + numbers + [0] * behind)[-3:]
    return int(days or 0) * 1440 + hours * 60 + mins + secs / 60


def check_sbatch() -> None:
    if shutil.which("sbatch") is None:
        raise UserError(
            "sbatch was not found: this machine submits no Slurm jobs. --dry-run shows what would be submitted."
        )


class RefusedJob(UserError):
    """Slurm took no job."""


def submit(submission: Submission, *, dry_run: bool = False) -> str:
    """Submits the jobs; what was done, in words. dry_run: submits nothing and tells the exact commands and scripts.

    Where no job reads them, no folders stay.
    """
    home = home_of(submission)
    made = [path for path in (home, *home.parents) if not path.exists()]
    ids: list[str] = []
    try:
        jobs = prepare(replace(submission, folder=str(home)))
        if dry_run:
            said = "\n".join(shown(job) for job in jobs)
            remove(made)
            return said
        for job in jobs:
            ids.append(run_sbatch(job.command(after_id=ids[job.after] if job.after is not None else "")))
            with (job.folder / JOB_IDS).open("a", encoding="utf-8") as file:
                file.write(f"{ids[-1]}\n")
    except RefusedJob as error:
        if ids:
            raise UserError(f"{error} Submitted before it: {', '.join(ids)}, whose folder is {home}.") from None
        remove(made)
        raise
    except OSError as error:
        raise UserError(f"cannot write {error.filename or home}: {error.strerror}.") from None
    return "\n".join(
        f"Submitted job {number} ({job.template}); folder and logs: {job.folder}"
        for number, job in zip(ids, jobs, strict=True)
    )


def remove(made: Sequence[Path]) -> None:
    """A folder that was made with all that is in it, and the folders around it that were made for it."""
    for folder in made[:1]:
        shutil.rmtree(folder)
    for folder in made[1:]:
        # another submission may have come in
        with suppress(OSError):
            folder.rmdir()


def states() -> dict[str, str]:
    """What Slurm says of this user's jobs, by number; of an array the states of its parts. UserError without Slurm."""
    if shutil.which("squeue") is None:
        raise UserError("squeue was not found: this machine knows nothing of Slurm jobs.")
    command = ["squeue", "--me", "--noheader", "--format=%F %T"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise UserError("squeue did not answer within 60 s.") from None
    if asked.returncode:
        raise UserError(f"squeue failed: {one_line(asked.stderr)}")
    parts: dict[str, set[str]] = {}
    for line in asked.stdout.splitlines():
        number, state = line.split()
        parts.setdefault(number, set()).add(state.lower())
    return {number: ", ".join(sorted(found)) for number, found in parts.items()}


def run_sbatch(command: list[str]) -> str:
    """The job's id. RefusedJob with sbatch's own words."""
    try:
        # sbatch takes options from SBATCH_…, and a job submitted from within a job inherits that job's layout
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("SLURM_") or name == "SLURM_CONF"
        }
        asked = subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean)
    except subprocess.TimeoutExpired:
        raise UserError("sbatch did not answer within 120 s; ask `squeue --me` before submitting again.") from None
    if asked.returncode:
        words = one_line(asked.stderr or asked.stdout).rstrip(".")
        raise RefusedJob(f"sbatch refused: {words}. The command was: {shlex.join(command)}.")
    return asked.stdout.strip().split(";")[0]


def shown(job: Job) -> str:
    """The command and everything that it would run, as it lies in the folder."""
    parts = [f"# {shlex.join(job.command(after_id='ID-OF-THE-JOB-ABOVE' if job.after is not None else ''))}"]
    for path in sorted(job.folder.iterdir()):
        if path.is_file() and (path.suffix != ".slurm" or path.name == job.template) and path.name != "api-key":
            parts.append(f"# ---- {path}\n{path.read_text(encoding='utf-8')}")
    return "\n".join(parts)
