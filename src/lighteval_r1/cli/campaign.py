"""`lighteval-r1 campaign`: a YAML of models and tasks, a run of each with each, here or as Slurm jobs; one table.

The same command goes on where it stopped: what is done stays, jobs that are queued or running are waited for.
"""

import difflib
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import get_type_hints

from lighteval_r1.cli import evaluate
from lighteval_r1.cli.jobs import last_line
from lighteval_r1.cli.options import argument, typed
from lighteval_r1.cli.report import ReportOptions, is_folder_of_runs, report_command
from lighteval_r1.cli.submit import SubmitOptions, submission_of
from lighteval_r1.cli.sweep import Sweep, sweep_table
from lighteval_r1.engines.model_files import identify
from lighteval_r1.outside.decoding import decoded, read_json
from lighteval_r1.outside.user_files import read_yaml
from lighteval_r1.outside.words import printable, say, tell
from lighteval_r1.records import AGAIN, MEND, Failure, OwedError, UserError
from lighteval_r1.runs.outputs import writing
from lighteval_r1.sampling.journal import write_whole
from lighteval_r1.slurm.jobs import JOB_IDS, check_sbatch, states, submit

# What the campaign itself says of each run, and what makes no run.
NOT_HERE = {"model", "task", "output_dir", "job_folder", "serve", "dry_run", "list_tasks"}
POLL_S = 10.0
# Slurm may not answer for a while.
MOST_SILENT = 30
EXIT_CODE = re.compile(r"exit code (\d+)")


@dataclass(frozen=True, kw_only=True)
class CampaignOptions:
    file: Path = argument("A YAML file: models, tasks, and options of evaluate for all or some of them.")


@dataclass(frozen=True)
class Noted:
    """What was asked of a run of a campaign, and the results files that lay there before."""

    options: dict | None = None
    before: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cell:
    """One run of a campaign. options: of `evaluate`, or of `submit` where it is a job."""

    model: str
    task: str
    options: dict
    folder: Path

    def __str__(self) -> str:
        return f"{self.model} x {self.task}"

    @property
    def asked(self) -> Path:
        return self.folder / "campaign.json"

    def results(self) -> set[str]:
        return {path.name for path in self.folder.rglob("results_*.json")}

    def begin(self) -> None:
        """Notes what is asked, and which results are of something else that was asked before."""
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.noted().options != self.options:
                self.note(before=sorted(self.results()))

    def note(self, *, before: list[str]) -> None:
        write_whole(self.asked, json.dumps(asdict(Noted(self.options, before)), indent=2).encode())

    def noted(self) -> "Noted":
        """Nothing where it has not begun, or what was noted is damaged: what is drawn stands in the journal."""
        try:
            return decoded(Noted, read_json(self.asked), where=self.asked)
        except UserError:
            return Noted()

    @property
    def done(self) -> bool:
        """Whether results of these options are there."""
        noted = self.noted()
        return noted.options == self.options and bool(self.results() - set(noted.before))


@dataclass(frozen=True)
class Campaign:
    """cells: in the order of the file. slurm: whether they are jobs."""

    folder: Path
    cells: list[Cell]
    slurm: bool


def campaign_command(options: CampaignOptions) -> None:
    """Evaluate several models on several tasks. Here or by Slurm; the same command goes on; one table at the end."""
    campaign = read_campaign(options.file)
    failed = run_jobs(campaign) if campaign.slurm else run_here(campaign)
    say(table_of(campaign))
    if is_folder_of_runs([str(campaign.folder)]):
        report_command(ReportOptions(runs=[str(campaign.folder)], output=campaign.folder / "index.html"))
    if failed:
        progress("\n".join(f"{name}: {why}" for name, why in failed.items()))
        codes = {int(code[1]) for reason in failed.values() if (code := EXIT_CODE.search(reason))}
        kind: type[Failure] = UserError if MEND in codes else OwedError
        raise kind(
            f"{len(failed)} of {len(campaign.cells)} runs did not end. The same command again goes on with these alone."
        )


# -- the file


def read_campaign(path: Path) -> Campaign:
    """UserError, before anything starts, for whatever of it cannot run."""
    said = read_yaml(path, what="the campaign")
    if not isinstance(said, dict):
        raise UserError(f"{path} is not a mapping with models and tasks.")
    jobs = said.pop("slurm", None)
    if not isinstance(jobs, dict | None):
        raise UserError(f"{path}: slurm holds options of submit by name, such as cluster: cluster.yaml.")
    kind: type = evaluate.EvaluateOptions if jobs is None else SubmitOptions
    models, tasks = (items(said.pop(name, None), name=name, where=path) for name in ("models", "tasks"))
    folder = Path(str(said.pop("output_dir", "") or f"data/campaigns/{path.stem}"))
    for_all = checked(said, kind, where=str(path)) | checked(jobs or {}, kind, where=f"{path}, slurm")
    campaign = Campaign(folder, list(cells(models, tasks, for_all, kind, folder=folder)), slurm=jobs is not None)
    places = [cell.folder for cell in campaign.cells]
    if twice := next((cell for cell in campaign.cells if places.count(cell.folder) > 1), None):
        raise UserError(f"{path}: {twice} is there twice; give the models a name: of their own.")
    check(campaign, kind)
    return campaign


def cells(models: list[dict], tasks: list[dict], for_all: dict, kind: type, *, folder: Path) -> Iterator[Cell]:
    """Each model with each task. What is said of a task goes before what is said of a model, that before the rest."""
    for model in models:
        name = str(model.get("name") or usual_name(model["model"]))
        for task in tasks:
            of_model = checked(model, kind, where=name, besides={"model", "name"})
            of_task = checked(task, kind, where=task["task"], besides={"task"})
            place = folder / evaluate.slug(name) / evaluate.slug(task["task"])
            asked = {"model": model["model"], "task": task["task"], "output_dir": str(place)}
            yield Cell(name, task["task"], for_all | of_model | of_task | asked, place)


def items(said: object, *, name: str, where: Path) -> list[dict]:
    """Models or tasks: words, or mappings of options with the word under its name."""
    word = name.removesuffix("s")
    if not isinstance(said, list) or not said:
        raise UserError(f"{where} needs a list of {name}.")
    named = [item if isinstance(item, dict) else {word: item} for item in said]
    for item in named:
        if not isinstance(item.get(word), str) or not item[word]:
            raise UserError(f"{where}: of its {name} each is a word, or a mapping that holds {word}; not {item}.")
    return [dict(item) for item in named]


def checked(said: Mapping, kind: type, *, where: str, besides: frozenset[str] | set[str] = frozenset()) -> dict:
    """The options with their types. UserError for what is none. besides: what else stands there."""
    known = [field.name for field in fields(kind) if field.name not in NOT_HERE]
    hints, values = get_type_hints(kind), {}
    for name, value in said.items():
        if name in besides:
            continue
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.0)
            raise UserError(f"{where}: there is no option {name}. Nearest: {near[0]}. All: {', '.join(known)}.")
        try:
            values[name] = typed(value, hints[name], name=str(name))
        except ValueError as error:
            raise UserError(f"{where}: {error}.") from None
    return values


def usual_name(model: str) -> str:
    """A folder's or recipe's name; of a model on the Hub its id."""
    path = Path(model)
    return path.stem if evaluate.is_recipe(model) else path.name if path.expanduser().is_dir() else model


def check(campaign: Campaign, kind: type) -> None:
    """What each run's own command would refuse, before the first begins. UserError names the run."""
    uploads, checked = {}, set()
    for cell in campaign.cells:
        try:
            options = kind(**cell.options)
            uploads[options.upload] = options
            parameters = submission_of(options).parameters if campaign.slurm else check_here(options, checked)
            names = ("model_name", "revision", "load_format")
            once(checked, identify, {name: parameters[name] for name in names if name in parameters})
        except UserError as error:
            raise UserError(f"{cell}: {error}") from None
    for options in uploads.values():
        evaluate.checked_upload(options)


def once(checked: set[str], check: Callable, *asked: object) -> None:
    """Checks what was not checked before: models are hashed and data is read."""
    if (key := f"{check.__name__} {asked}") not in checked:
        check(*asked)
        checked.add(key)


def check_here(options: evaluate.EvaluateOptions, checked: set[str]) -> dict:
    """What `evaluate` checks; the model's parameters."""
    parameters, section = evaluate.model_parameters(options), evaluate.model_section(options)
    parameters |= evaluate.layout_parameters(options, parameters)
    if Sweep.of(section, budgets=options.budgets):
        raise UserError("several efforts or budgets: write each as a model with a name: of its own.")
    specs = evaluate.task_specs(options.task, n=options.n, problems=options)
    evaluate.check_model(parameters, [section])
    for task in evaluate.check_several(specs, temperature=evaluate.drawn_at(parameters)):
        once(checked, evaluate.check_task, task)
    return parameters


# -- here


def run_here(campaign: Campaign) -> dict[str, str]:
    """Run after run; why of each that did not end. What one says stands in its log."""
    failed = {}
    for number, cell in enumerate(campaign.cells, start=1):
        place = f"[{number}/{len(campaign.cells)}] {cell}"
        if cell.done:
            progress(f"{place}: done before")
            continue
        cell.begin()
        begun = time.monotonic()
        progress(f"{place}: begins; its log: {cell.folder / 'log'}")
        status = evaluate_cell(cell)
        if status == 0 and not cell.done:
            # it found nothing owed: the results of before are of this
            cell.note(before=[])
        if status == 0 and cell.done:
            progress(f"{place}: done in {time.monotonic() - begun:.0f} s")
            continue
        failed[str(cell)] = reason(cell.folder / "log", status)
        progress(f"{place}: {failed[str(cell)]}")
    return failed


def evaluate_cell(cell: Cell) -> int:
    """The exit code of its evaluation. Where this command is told to stop, the evaluation is, too, and both end."""
    options = cell.folder / "options.json"
    with writing(cell.folder), (cell.folder / "log").open("ab") as log:
        options.write_text(json.dumps(cell.options, indent=2), encoding="utf-8")
        command = [sys.executable, "-m", "lighteval_r1.cli", "evaluate", "--options", str(options)]
        child = subprocess.Popen(command, stdout=log, stderr=log)
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        child.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    status = child.wait()
    for number, handler in before.items():
        signal.signal(number, handler)
    if stopped:
        progress(f"{cell}: stopped; what was drawn is kept, and the same command goes on from there")
        raise SystemExit(128 + stopped[0])
    return status if status >= 0 else 128 - status


def reason(log: Path, status: int) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    ours = [line for line in lines if line.startswith("lighteval-r1: ")] if status in (MEND, AGAIN) else []
    words = f" ({ours[-1].removeprefix('lighteval-r1: ')})" if ours else ""
    return f"FAILED with exit code {status}{words}; its log: {log}"


# -- as jobs


def run_jobs(campaign: Campaign) -> dict[str, str]:
    """Submits what is neither done nor under way, and waits until no job is; why of each run that did not end."""
    check_sbatch()
    known = states()
    waiting = []
    for cell in campaign.cells:
        if cell.done:
            progress(f"{cell}: done before")
            continue
        if not under_way(cell, known):
            cell.begin()
            jobs = cell.folder / "jobs" / str(1 + len(list(cell.folder.glob("jobs/*"))))
            say(submit(submission_of(SubmitOptions(**job_options(cell, jobs)))))
        waiting.append(cell)
    progress(f"{len(waiting)} runs are jobs now; `lighteval-r1 jobs {campaign.folder}` shows them.")
    failed, silent = {}, 0
    while waiting:
        time.sleep(POLL_S)
        try:
            known, silent = states(), 0
        except UserError as error:
            silent += 1
            if silent == MOST_SILENT:
                raise
            progress(f"{error} Asked again in {POLL_S:.0f} s.")
            continue
        for cell in [cell for cell in waiting if not under_way(cell, known)]:
            waiting.remove(cell)
            if not cell.done:
                failed[str(cell)] = last_line(latest_jobs(cell))
            progress(f"{cell}: {failed.get(str(cell), 'done')}")
    return failed


def job_options(cell: Cell, jobs: Path) -> dict:
    # Jobs of one task each would each leave results of their own; an array leaves one run.
    several = len(evaluate.task_specs(cell.task, n=None)) > 1
    return cell.options | {"job_folder": str(jobs)} | ({"array": cell.options.get("array") or 1} if several else {})


def latest_jobs(cell: Cell) -> Path:
    """The folder of the last job that was submitted of it."""
    newest = max(cell.folder.glob("jobs/*"), key=lambda folder: int(folder.name))
    return next((path.parent for path in newest.rglob(JOB_IDS)), newest)


def under_way(cell: Cell, known: Mapping[str, str]) -> bool:
    ids = (number for path in cell.folder.glob("jobs/**/" + JOB_IDS) for number in path.read_text().split())
    return any(number in known for number in ids)


def progress(line: str) -> None:
    tell(printable(line))


def table_of(campaign: Campaign) -> str:
    """Task by task the scores of the runs that are done."""
    from lighteval_r1.numbers.scores import task_row
    from lighteval_r1.runs.reading import read_run

    done = [cell for cell in campaign.cells if cell.done]
    rows = [(cell.model, task_row(task_run)) for cell in done for task_run in read_run(str(cell.folder)).tasks.values()]
    return sweep_table("model", rows) if rows else "No run has ended yet."
