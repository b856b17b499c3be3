"""The command lighteval-r1. The only module that imports typer; each command is a thin call into its module."""

import sys
from pathlib import Path

import typer

from lighteval_r1 import __version__
from lighteval_r1.network.words import printable
from lighteval_r1.records import EngineError, UserError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure reasoning models: pass@1 from many sampled replies per problem, with its error.",
)


def say(text: str) -> None:
    typer.echo(printable(text))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def evaluate(
    model: str = typer.Option("", help="Hub id, folder, or a recipe (.yaml); the demo model where it is left out."),
    task: str = typer.Option("", help="aime24, r1_math_500@n=8, a comma-separated list, or a suite's file."),
    revision: str = typer.Option("", help="Branch, tag or commit of the model."),
    parallel: str = typer.Option("", help="data, tensor or auto."),
    num_gpus: int | None = typer.Option(None, help="GPUs to use (cores, without GPUs)."),
    n: int | None = typer.Option(None, help="Samples per problem, where the task's own number is not wanted."),
    max_tokens: int | None = typer.Option(None, help="Longest reply, in tokens (32768)."),
    temperature: float | None = typer.Option(None, help="Sampling temperature (0.6)."),
    system_prompt_file: str = typer.Option("", help="A file whose text becomes the system prompt, byte for byte."),
    output_dir: str = typer.Option("", help="Where results and details go (data/evals/MODEL)."),
    upload: str = typer.Option(
        "", metavar="REPO", help="Push the run to this data set repository; checked before sampling."
    ),
    public: bool = typer.Option(False, "--public", help="With --upload: publish."),
    wandb: bool = typer.Option(False, "--wandb", help="LightEval logs the results to Weights & Biases, or Trackio."),
    allow_unsafe_code: bool = typer.Option(
        False, "--allow-unsafe-code", help="Run programs where nothing can confine them."
    ),
    options: Path | None = typer.Option(
        None, help="A JSON file of these options by name; what is said here goes before it."
    ),
) -> None:
    """Evaluate a model with vLLM through LightEval; without options, the demo."""
    said = dict(locals())
    file = said.pop("options")
    import lighteval_r1.cli.evaluate as launch

    launch.run(launch.options_from(file, said))


@app.command()
def tasks() -> None:
    """List the tasks: data set, problems, samples per problem, grader, licence."""
    from lighteval_r1.tasks import TASKS

    for task in TASKS.values():
        n_problems = task.n_problems or "-"
        typer.echo(
            f"{task.name:<28} {task.repo:<36} {n_problems:>5} problems  "
            f"n={task.n:<3} {task.grader.name:<10} {task.licence}"
        )


@app.command()
def runs(cache_dir: str = typer.Option("~/.cache/huggingface/lighteval", help="The cache_dir of the runs.")) -> None:
    """List what the journals hold: per model, task and settings, how many samples are drawn, owed and graded."""
    from lighteval_r1.runs.journals import holdings, holdings_table

    typer.echo(holdings_table(holdings(cache_dir)))


@app.command()
def check(names: list[str] = typer.Argument(help="Tasks, such as r1_aime24.")) -> None:
    """Check tasks: every gold answer must be graded correct by its own grader, an empty reply must be no answer."""
    from lighteval_r1.records import data_sha256
    from lighteval_r1.tasks.specs import check_data, parse_spec
    from lighteval_r1.tasks.task import task_rows

    faults = []
    for name in names:
        task = parse_spec(name).task
        check_data(task)
        problems = [task.problem(row) for row in task_rows(task)]
        found = task.check(problems)
        faults += [f"{task.name}: {fault}" for fault in found]
        typer.echo(f"{task.name}: {len(problems)} problems, {len(found)} faults, SHA-256 {data_sha256(problems)}")
    if faults:
        raise UserError("\n".join(faults[:20]))


@app.command()
def score(
    files: list[str] = typer.Argument(
        ...,
        help="LightEval details (.parquet), JSONL with problem, answer and gen, or hf://datasets/REPO of published details.",
    ),
    task: str = typer.Option(..., help="Whose grader grades: r1_math_500, r1_gpqa_diamond, …"),
    explain: str = typer.Option("", metavar="UID", help="Show how this one reply is graded, and grade no other."),
    thinking_opened: bool | None = typer.Option(None, help="Whether the prompts ended in <think>; else the file says."),
    allow_unsafe_code: bool = typer.Option(
        False, "--allow-unsafe-code", help="Run programs where nothing can confine them."
    ),
) -> None:
    """Grade replies that were drawn elsewhere; the grades are written beside each file."""
    from lighteval_r1.runs import grading as scoring

    said = {"explain": explain, "thinking_opened": thinking_opened, "allow_unsafe_code": allow_unsafe_code}
    say(scoring.run(files, task=task, **said))


@app.command()
def results(
    run: str = typer.Argument(help="A run: output folder, journal, graded file, details file, or Hub data set."),
) -> None:
    """Print a run's table, also while the run is under way."""
    from lighteval_r1.cli.run_results import table_of

    say(table_of(run))


@app.command()
def report(
    runs: list[str] = typer.Argument(help="Runs: output folders, details files, or Hub data sets of details."),
    output: Path = typer.Option(
        Path("report.html"), "--output", "-o", help="The page; full replies go to a folder beside it."
    ),
    figures: Path | None = typer.Option(None, help="A folder for the pictures, as PNG and SVG."),
    baselines: Path | None = typer.Option(None, help="A TOML file with further published numbers."),
    tokenizer: str = typer.Option("", help="Folder or Hub id of the tokenizer, where a run's model is not at hand."),
    thinking: bool = typer.Option(True, help="Measure how the replies think, too."),
    partial: bool = typer.Option(False, "--partial", help="Report what there is while samples are owed or ungraded."),
) -> None:
    """Write a page to look at: scores with intervals, a grid of problems and samples, every reply."""
    from lighteval_r1.numbers.baselines import published_numbers
    from lighteval_r1.report.contents import run_labels, write_report
    from lighteval_r1.runs.outputs import check_page
    from lighteval_r1.runs.reading import read_run

    check_page(output)
    numbers = published_numbers(baselines)
    told, read = None, [read_run(run) for run in runs]
    if thinking:
        from lighteval_r1.thinking.measure_runs import LONG_WAIT, for_report, n_characters

        if n_characters(read) > LONG_WAIT:
            typer.echo("measuring how the replies think, a minute or more; --no-thinking leaves it out", err=True)
        told = for_report(run_labels(read), read, tokenizer=tokenizer, partial=partial)
    write_report(read, out=output, published=numbers, partial=partial, figures=figures, thinking=told)
    typer.echo(output)


@app.command()
def view(
    run: str = typer.Argument(help="A run: output folder, details file, or Hub data set of details."),
    bundle: Path | None = typer.Option(
        None, help="Make Inspect's static site in this folder instead of opening a viewer."
    ),
    logs: Path | None = typer.Option(None, help="Where the .eval logs go (data/inspect/MODEL)."),
) -> None:
    """Look at a run's samples in Inspect's viewer."""
    from lighteval_r1.report.inspect_logs import view as view_run
    from lighteval_r1.runs.reading import read_run

    view_run(read_run(run), logs=logs, bundle=bundle)


@app.command()
def compare(
    runs: list[str] = typer.Argument(help="Runs, and names of published models such as deepseek-r1."),
    pool: bool = typer.Option(False, "--pool", help="Join runs of one model: more samples of the same problems."),
    checkpoints: bool = typer.Option(
        False, "--checkpoints", help="Runs are checkpoints of one training: a table over its steps."
    ),
    partial: bool = typer.Option(False, "--partial", help="Compare what there is while samples are owed or ungraded."),
    baselines: Path | None = typer.Option(None, help="A TOML file with further published numbers."),
    figures: Path | None = typer.Option(None, help="With --checkpoints: a folder for the curve, as PNG and SVG."),
) -> None:
    """Compare runs with each other on the same problems, and with published numbers."""
    from lighteval_r1.report import comparison as comparing

    options = {"pool": pool, "partial": partial, "baselines": baselines, "checkpoints": checkpoints, "figures": figures}
    say(comparing.compare(runs, **options))


@app.command()
def upload(
    run: str = typer.Argument(
        ..., help="A run's output folder (its newest run), one results_….json, or the MODEL of make evaluate."
    ),
    repo: str = typer.Argument("", help="Data set repository, NAMESPACE/NAME; made private where it does not exist."),
    public: bool = typer.Option(
        False, "--public", help="Publish: make the repository public, or push to a public one."
    ),
    include_gated: bool = typer.Option(
        False, "--include-gated", help="Push GPQA's questions and replies in clear, too."
    ),
    results_to_model: str = typer.Option(
        "", metavar="MODEL", help="Open a pull request with the scores on this model."
    ),
    model_index: bool = typer.Option(
        False, "--model-index", help="In that, tasks that are no benchmark of the Hub, too."
    ),
) -> None:
    """Push a run's results, details and a card to the Hub, in one commit; the same push again makes none."""
    if not repo and not results_to_model:
        raise UserError("say where to: a data set REPO, --results-to-model MODEL, or both.")
    if model_index and not results_to_model:
        raise UserError("--model-index needs --results-to-model MODEL.")
    import lighteval_r1.cli.evaluate as launch
    from lighteval_r1.hub import proposals as model_results
    from lighteval_r1.hub import push as hub

    source = launch.run_folder(run)
    if repo:
        typer.echo(hub.upload(source, repo, public=public, include_gated=include_gated))
    if results_to_model:
        typer.echo(model_results.propose(source, results_to_model, details_repo=repo, model_index=model_index))


@app.command()
def submit(
    model: str = typer.Argument("", help="Hub id, folder, or a recipe (.yaml)."),
    tasks: str = typer.Option("", help="aime24,math_500, or a suite's file."),
    revision: str = typer.Option("", help="Branch, tag or commit of the model."),
    n: int | None = typer.Option(None, help="Samples per problem, where the task's own number is not wanted."),
    max_tokens: int | None = typer.Option(None, help="Longest reply, in tokens (32768)."),
    temperature: float | None = typer.Option(None, help="Sampling temperature (0.6)."),
    system_prompt_file: str = typer.Option("", help="A file whose text becomes the system prompt, byte for byte."),
    output_dir: str = typer.Option("", help="Where results and details go (data/evals/MODEL)."),
    upload: str = typer.Option(
        "", metavar="REPO", help="Push the run to this data set repository; checked before submitting."
    ),
    public: bool = typer.Option(False, "--public", help="With --upload: publish."),
    nodes: int = typer.Option(1, help="Nodes per job; more than one run vLLM's Ray back end."),
    tensor_parallel: str = typer.Option("auto", help="GPUs per replica, or auto: by the model's size."),
    array: int = typer.Option(0, metavar="K", help="K jobs that fill one journal, and one that grades and reports."),
    cluster: str = typer.Option("", help="A file that describes the cluster (slurm/cluster-example.yaml)."),
    partition: str = typer.Option("", help="For sbatch."),
    account: str = typer.Option("", help="For sbatch."),
    time: str = typer.Option("", help="For sbatch: the time limit; near it a job stops and is queued again."),
    sbatch_arg: list[str] = typer.Option([], help="Any other option for sbatch, as it is: --sbatch-arg=--qos=high."),
    job_folder: str = typer.Option("", help="Where the jobs' files and logs go (data/jobs/DATE-MODEL)."),
    serve: bool = typer.Option(False, "--serve", help="Serve the model with vLLM's server instead of evaluating it."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Submit nothing; print the exact commands and scripts."),
    list_tasks: bool = typer.Option(False, "--list", help="List the tasks."),
) -> None:
    """Submit evaluations to Slurm: one job per task, or an array that shares the work."""
    if list_tasks:
        from lighteval_r1.tasks import TASKS

        typer.echo("\n".join(f"{task.name:<28} {task.repo}" for task in TASKS.values()))
        return
    if not model:
        raise UserError("say which MODEL to submit.")
    said = dict(locals())
    import lighteval_r1.cli.evaluate as launch
    from lighteval_r1.slurm import jobs as slurm

    shared = {name: said[name] for name in launch.Options.__dataclass_fields__ if name in said}
    asked = {"partition": partition, "account": account, "time": time}
    submission = slurm.Submission(
        options=launch.Options(**shared, task=tasks),
        cluster=slurm.read_cluster(cluster),
        nodes=nodes,
        tensor_parallel=tensor_parallel,
        array=array,
        sbatch_args=(*(f"--{name}={value}" for name, value in asked.items() if value), *sbatch_arg),
        folder=job_folder,
        serve=serve,
    )
    typer.echo(slurm.submit(submission, dry_run=dry_run))


@app.command()
def think(
    runs: list[str] = typer.Argument(help="Runs: output folders, details files, or Hub data sets of details."),
    output: Path | None = typer.Option(
        None, "--output", "-o", help="A page with the tables and the picture (think.html)."
    ),
    figures: Path | None = typer.Option(None, help="A folder for the picture, as PNG and SVG."),
    tokenizer: str = typer.Option("", help="Folder or Hub id of the tokenizer, where a run's model is not at hand."),
    max_tokens: int = typer.Option(0, min=0, help="Leave out replies that think longer than this, for a judge's cost."),
    per_level: int = typer.Option(0, min=0, help="Only the first so many problems of each level, for a judge's cost."),
    judge: str = typer.Option(
        "", metavar="URL", help="An OpenAI-compatible server that is asked for the first correct step."
    ),
    judge_model: str = typer.Option("", metavar="NAME", help="The model there."),
    judge_journal: Path | None = typer.Option(None, help="Where judgements are kept (data/judge/NAME)."),
    agree: bool = typer.Option(False, "--agree", help="With --judge: how far rule and judge agree."),
    partial: bool = typer.Option(False, "--partial", help="Measure what there is while samples are owed or ungraded."),
) -> None:
    """Measure how replies think: tokens, first correct answer, efficiency, changes of approach."""
    import lighteval_r1.cli.think as command

    asked = command.Judging(judge, judge_model, judge_journal, agree)
    limits = {"tokenizer": tokenizer, "max_tokens": max_tokens, "per_level": per_level, "partial": partial}
    say(command.think(runs, judging=asked, output=output, figures=figures, **limits))


@app.command()
def endpoint(
    tasks: list[str] = typer.Argument(help="aime24, r1_math_500@n=8, or a suite's file."),
    base_url: str = typer.Option(..., help="The server, such as http://127.0.0.1:8000/v1."),
    model: str = typer.Option(..., help="The model's name as the server lists it."),
    n: int | None = typer.Option(None, help="Samples per problem, where the task's own number is not wanted."),
    max_tokens: int = typer.Option(32768, help="Longest reply, in tokens."),
    temperature: float = typer.Option(0.6, help="Sampling temperature."),
    top_p: float = typer.Option(0.95, help="Nucleus sampling."),
    system_prompt_file: str = typer.Option("", help="A file whose text becomes the system prompt, byte for byte."),
    extra_body: str = typer.Option(
        "", metavar="JSON", help="Further fields of each request; null takes one of ours out."
    ),
    revision: str = typer.Option(
        "", help="Which weights the server runs; another word draws anew. Else what the server says."
    ),
    api_key_env: str = typer.Option("", metavar="NAME", help="The variable that holds the key (OPENAI_API_KEY)."),
    tokenizer: str = typer.Option("", metavar="MODEL", help="Counts tokens where the server does not."),
    thinking_opened: bool | None = typer.Option(
        None, help="Whether the server's prompts end in <think>; else it is found out."
    ),
    concurrency: int = typer.Option(64, help="Requests under way at once."),
    stall_timeout_s: float = typer.Option(
        120.0, "--stall-timeout", help="Seconds a reply may stand still before it is tried again."
    ),
    give_up_after_s: float | None = typer.Option(
        None, "--give-up-after", help="Seconds one request may fail; never where not said."
    ),
    output_dir: str = typer.Option("", help="Where results and details go (data/evals/MODEL)."),
    cache_dir: str = typer.Option("~/.cache/huggingface/lighteval", help="Where the journal is kept."),
    upload: str = typer.Option(
        "", metavar="REPO", help="Push the run to this data set repository; checked before sampling."
    ),
    public: bool = typer.Option(False, "--public", help="With --upload: publish."),
    wandb: bool = typer.Option(False, "--wandb", help="LightEval logs the results to Weights & Biases, or Trackio."),
    allow_unsafe_code: bool = typer.Option(
        False, "--allow-unsafe-code", help="Run programs where nothing can confine them."
    ),
) -> None:
    """Evaluate a model that an OpenAI-compatible server runs, through LightEval."""
    said = dict(locals())
    import lighteval_r1.cli.endpoint as evaluating

    evaluating.run(evaluating.Options(**{**said, "tasks": tuple(tasks)}))


@app.command()
def ask(
    model: str = typer.Argument(help="A model (Hub id, folder, recipe, or demo), or a server's base URL."),
    question: str = typer.Argument(help="What the user turn says, as it is."),
    served: str = typer.Option("", "--model", metavar="NAME", help="With a base URL: which of its models (the first)."),
    max_tokens: int | None = typer.Option(None, help="Longest reply, in tokens (32768; a server's own limit)."),
    temperature: float = typer.Option(0.6, help="Sampling temperature."),
    system_prompt_file: str = typer.Option("", help="A file whose text becomes the system prompt, byte for byte."),
    seed: int = typer.Option(0, help="Another seed draws another reply."),
    api_key_env: str = typer.Option("", metavar="NAME", help="The variable that holds the key (OPENAI_API_KEY)."),
) -> None:
    """Sample one reply and show it as it comes, its thinking dimmed, then its answer."""
    import lighteval_r1.cli.ask as asking

    more = {"system_prompt_file": system_prompt_file, "temperature": temperature, "max_tokens": max_tokens}
    asking.run(model, question, served=served, seed=seed, api_key_env=api_key_env, sampling=more)


@app.command()
def bench(
    base_url: str = typer.Option(..., help="The server, such as http://127.0.0.1:8000/v1."),
    task: str = typer.Option(..., help="Whose prompts are sent: r1_aime24."),
    model: str = typer.Option("", help="The model's name as the server lists it (its first)."),
    tokenizer: str = typer.Option("", metavar="MODEL", help="Counts prompt tokens (the model)."),
    n_prompts: int = typer.Option(0, help="Requests; prompts repeat where there are fewer (each once)."),
    concurrency: int = typer.Option(64, help="Requests under way at once."),
    max_tokens: int = typer.Option(1024, help="Longest reply, in tokens."),
    save: Path | None = typer.Option(None, metavar="FILE", help="Keep vLLM's figures as JSON."),
    api_key_env: str = typer.Option("", metavar="NAME", help="The variable that holds the key (OPENAI_API_KEY)."),
) -> None:
    """Load a server with a task's prompts by vLLM's own `bench serve`: throughput, TTFT, TPOT and their percentiles."""
    import lighteval_r1.cli.bench as benching

    load = benching.Load(n_prompts=n_prompts, concurrency=concurrency, max_tokens=max_tokens)
    benching.run(base_url, task, model=model, tokenizer=tokenizer, load=load, save=save, api_key_env=api_key_env)


def main() -> None:
    """Run the command; a user's mistake is one line on stderr and exit code 2, never a traceback."""
    try:
        app()
    except (UserError, EngineError) as error:
        print(printable(f"lighteval-r1: {error}"), file=sys.stderr)
        sys.exit(2)
