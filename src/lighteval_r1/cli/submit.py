"""`lighteval-r1 submit`: an evaluation as Slurm jobs."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.cli import evaluate
from lighteval_r1.cli.options import RunOptions, VllmOptions, argument, option
from lighteval_r1.engines.layouts import Layout
from lighteval_r1.engines.model_sizes import automatic
from lighteval_r1.outside.hub_repositories import check_model
from lighteval_r1.outside.words import say, tell
from lighteval_r1.records import UserError
from lighteval_r1.slurm.jobs import Cluster, Submission, check_sbatch, minutes, read_cluster, submit
from lighteval_r1.tasks import own
from lighteval_r1.tasks.added import all_tasks

# What a server is started with; the rest of an evaluation's options comes in its requests.
VLLM_SAYS = ("model", "revision", "template_args", "reasoning_parser")
# A job with less time may draw nothing.
SHORTEST_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class SubmitOptions(VllmOptions, RunOptions):
    model: str = argument("Hub id, folder, or a recipe (recipe:QwQ-32B, a .yaml).", default="")
    task: str = option("", "aime24,math_500, or suite.yaml.", "--task", "--tasks")
    nodes: int = option(1, "Nodes per job; more than one run vLLM's Ray back end.")
    tensor_parallel: str = option("auto", "GPUs per replica, or auto: as many as leave room for long replies.")
    array: int = option(0, "K jobs that fill one journal, and one that grades and reports.", metavar="K")
    cluster: str = option("", "A file that describes the cluster (slurm/cluster-example.yaml).")
    partition: str = option("", "For sbatch.")
    account: str = option("", "For sbatch.")
    time: str = option("", "For sbatch: the time limit; near it a job stops and is queued again.")
    sbatch_arg: list[str] = option([], "Any other option for sbatch, as it is: --sbatch-arg=--qos=high.")
    job_folder: str = option("", "Where the jobs' files and logs go (data/jobs/DATE-MODEL).")
    serve: bool = option(False, "Serve the model with vLLM's server instead of evaluating it.")
    dry_run: bool = option(False, "Submit nothing; print the exact commands and scripts.")
    list_tasks: bool = option(False, "List the tasks.", "--list")


def submit_command(options: SubmitOptions) -> None:
    """Submit evaluations to Slurm. One job per task, or an array that shares the work."""
    if options.list_tasks:
        say("\n".join(f"{task.name:<28} {task.repo}" for task in all_tasks().values()))
        return
    if not options.model:
        raise UserError("say which MODEL to submit.")
    if not options.dry_run:
        check_sbatch()
    if options.serve:
        check_serves(options)
    submission = submission_of(options)
    if not options.dry_run:
        evaluate.checked_upload(options)
    say(submit(submission, dry_run=options.dry_run))


def check_serves(options: SubmitOptions) -> None:
    """UserError for what only an evaluation does, and a server leaves out without a word."""
    of_runs = [field.name for field in dataclasses.fields(RunOptions) if field.name not in VLLM_SAYS]
    for name in ("task", "array", *of_runs):
        if getattr(options, name) != getattr(SubmitOptions(), name):
            raise UserError(f"--serve asks no task, so --{name.replace('_', '-')} says nothing: `endpoint` takes it.")
    if options.nodes > 1:
        raise UserError(f"--serve --nodes {options.nodes}: a server runs on one node.")


def submission_of(options: SubmitOptions) -> Submission:
    """The jobs' model, tasks and layout; a job reads them from its folder. UserError for what cannot run."""
    limit = minutes(options.time)
    if limit is not None and limit < SHORTEST_MINUTES:
        tell(
            f"--time {options.time}: two minutes before its limit a job is told to stop, and loading a model takes "
            f"minutes. With less than {SHORTEST_MINUTES} minutes little may be drawn."
        )
    if options.array < 0 or options.nodes < 1:
        raise UserError(f"--array {options.array} --nodes {options.nodes}: numbers from 1 are needed.")
    cluster = read_cluster(options.cluster)
    parameters, usual = evaluate.model_parameters(options), evaluate.usual_folder(options.model)
    name = str(parameters["model_name"])
    if not Path(name).expanduser().is_dir():
        check_model(name)
    layout = cluster_layout(options, parameters, cluster=cluster)
    section = evaluate.model_section(options)
    asked = {"partition": options.partition, "account": options.account, "time": options.time}
    if Path(name).expanduser().is_dir():
        # the job runs elsewhere
        parameters["model_name"] = str(Path(name).expanduser().absolute())
    problems = {"n": options.asked_n, "limit": options.limit, "problems": options}
    specs = [] if options.serve else evaluate.task_specs(options.task, **problems)
    return Submission(
        name=usual.name,
        parameters=parameters | layout.parameters,
        section=section.record,
        specs=[own.spelled_out(str(spec)) for spec in specs],
        output=str(Path(options.output_dir or usual).absolute()),
        options=options_of_jobs(options),
        upload={"upload": options.upload, "public": options.public} if options.upload else {},
        layout=layout,
        cluster=cluster,
        nodes=options.nodes,
        array=options.array,
        sbatch_args=(*(f"--{key}={value}" for key, value in asked.items() if value), *options.sbatch_arg),
        folder=options.job_folder,
        serve=options.serve,
    )


def options_of_jobs(options: SubmitOptions) -> dict:
    """What is said to `evaluate` in each job beside model and tasks."""
    if options.error is not None and options.array > 1:
        raise UserError("--error with --array: shards of an adaptive run would wait for each other. Say one of both.")
    said = ("wandb", "verbose", "allow_unsafe_code", "sane", "columns", "grader", "error")
    of_jobs = {name: getattr(options, name) for name in said}
    if options.error is not None:
        of_jobs["n"] = options.asked_n
    if options.prompt_file:
        of_jobs["prompt_file"] = str(Path(options.prompt_file).expanduser().absolute())
    return {name: value for name, value in of_jobs.items() if value}


def cluster_layout(options: SubmitOptions, parameters: dict, *, cluster: Cluster) -> Layout:
    """As it is said, else as a recipe says it, else by the model's size, on the nodes of the cluster."""
    n_gpus, tensor = cluster.gpus_per_node, options.tensor_parallel
    if options.nodes > 1:
        return Layout("gpu", tensor=n_gpus or 1, pipeline=options.nodes)
    if n_gpus == 0:
        return Layout("cpu")
    if tensor == "auto":
        tensor = str(parameters.get("tensor_parallel_size") or "auto")
    if tensor == "auto":
        return automatic(parameters, n_gpus=n_gpus, gpu_memory_gb=cluster.gpu_memory_gb)
    if not tensor.isdigit() or not 1 <= int(tensor) <= n_gpus:
        raise UserError(f"--tensor-parallel {tensor} is neither auto nor a number from 1 to the node's {n_gpus} GPUs.")
    return Layout("gpu", replicas=n_gpus // int(tensor), tensor=int(tensor))
