"""Proposes a run's scores to the model's own repository, as a pull request that its owners accept or not.

Benchmarks that the Hub registers become entries in `.eval_results/`, which their leaderboards read; others, where asked for,
lines of the model card's `model-index`.
Source: https://huggingface.co/docs/hub/eval-results (read November 2026).
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import CommitOperationAdd, EvalResultEntry, HfApi, constants, eval_result_entries_to_yaml
from huggingface_hub.errors import RepositoryNotFoundError

from lighteval_r1.hub.card import read_card
from lighteval_r1.hub.push import retried, text_at
from lighteval_r1.hub.rows import figures
from lighteval_r1.records import Run, TaskRun, UserError
from lighteval_r1.runs.locate import run_files
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks import TASKS

# Our task -> (data set, task) as the Hub registers them.
REGISTERED = {"r1_gpqa_diamond": ("Idavidrein/gpqa", "gpqa_diamond")}


@dataclass(frozen=True)
class Proposal:
    """What is to be proposed: the registered tasks, the others, and where the details lie ("" where nowhere)."""

    run: Run
    date: str
    registered: dict[str, TaskRun]
    others: dict[str, TaskRun]
    details_repo: str

    @property
    def title(self) -> str:
        return f"Add evaluation results of lighteval-r1, {self.date}"

    @property
    def details_url(self) -> str | None:
        return f"{constants.ENDPOINT}/datasets/{self.details_repo}" if self.details_repo else None


def propose(source: Path, model: str, *, details_repo: str = "", model_index: bool = False) -> str:
    """Opens the pull request; what was done, in words. UserError where nothing of the run can be proposed."""
    if constants.is_offline_mode():
        raise UserError("HF_HUB_OFFLINE is set, so no pull request can be opened. Unset it.")
    files = run_files(source)
    run = read_run(files.results)
    tasks = {name.split("|")[0].split("@")[0]: task for name, task in run.tasks.items()}
    registered = {name: task for name, task in tasks.items() if name in REGISTERED}
    others = {name: task for name, task in tasks.items() if name in TASKS and name not in REGISTERED and model_index}
    if not registered and not others:
        raise UserError(
            f"{', '.join(run.tasks)}: none is a benchmark that the Hub registers ({', '.join(REGISTERED)}). "
            "--model-index proposes the others for the model card."
        )
    for name, task in (registered | others).items():
        if pass_at_1(run, task) is None:
            raise UserError(f"{name} has samples without a grade, so there is no score to propose. Grade it first.")
    proposal = Proposal(run, files.date, registered, others, details_repo)
    try:
        return retried(lambda: open_request(HfApi(), model, proposal), what=f"open a pull request on {model}")
    except RepositoryNotFoundError:
        raise UserError(f"there is no model {model} on the Hub, or the token may not see it.") from None


def open_request(api: HfApi, model: str, proposal: Proposal) -> str:
    """One pull request; none where an open one has the same title: it is from the same run."""
    for one in api.get_repo_discussions(model, discussion_type="pull_request", discussion_status="open"):
        if one.title == proposal.title:
            return f"{model} already has this pull request: {one.url}"
    head = api.repo_info(model, repo_type="model").sha
    wanted = {}
    if proposal.registered:
        wanted[".eval_results/lighteval_r1.yaml"] = eval_results(proposal)
    if proposal.others:
        readme = text_at(api, model, repo_type="model", path="README.md", revision=head)
        wanted["README.md"] = with_model_index(readme or "", proposal, model=model)
    done = api.create_commit(
        model,
        [CommitOperationAdd(path, text.encode()) for path, text in wanted.items()],
        repo_type="model",
        create_pr=True,
        parent_commit=head,
        commit_message=proposal.title,
        commit_description="\n".join(notes(task, proposal.run) for task in proposal.run.tasks.values()),
    )
    return f"Opened {done.pr_url}"


def pass_at_1(run: Run, task: TaskRun) -> float | None:
    """In percent, one decimal; None while a sample has no grade."""
    text = figures(run, task)[3]
    return None if text == "–" else float(text)


def notes(task: TaskRun, run: Run) -> str:
    _, n_problems, n_samples, _, settings = figures(run, task)
    return f"{task.task}: pass@1, mean over {n_samples} samples of {n_problems} problems; {settings}; lighteval-r1"


def eval_results(proposal: Proposal) -> str:
    """The content of .eval_results/lighteval_r1.yaml. The Hub shows values in percent."""
    entries = [
        EvalResultEntry(
            dataset_id=REGISTERED[name][0],
            task_id=REGISTERED[name][1],
            value=pass_at_1(proposal.run, task),
            date=proposal.date[:10],
            source_url=proposal.details_url,
            source_name="lighteval-r1 details" if proposal.details_url else None,
            notes=notes(task, proposal.run),
        )
        for name, task in sorted(proposal.registered.items())
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)


def with_model_index(readme: str, proposal: Proposal, *, model: str) -> str:
    """The model card with the scores in its model-index; lines of other tools stay."""
    head, body = read_card(readme)
    name = model.rpartition("/")[2]
    index = head.get("model-index") or [{"name": name, "results": []}]
    ours = [index_entry(task_name, task, proposal) for task_name, task in sorted(proposal.others.items())]
    replaced = {entry["dataset"]["config"] for entry in ours}
    kept = [
        result
        for result in index[0].get("results") or []
        if (result.get("source") or {}).get("name") != "lighteval-r1" or result["dataset"].get("config") not in replaced
    ]
    index[0]["results"] = kept + ours
    front = yaml.safe_dump({**head, "model-index": index}, sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{body}\n"


def index_entry(task_name: str, task: TaskRun, proposal: Proposal) -> dict:
    ours = TASKS[task_name]
    return {
        "task": {"type": "text-generation"},
        "dataset": {"type": ours.repo, "name": task_name, "config": task_name, "split": ours.split},
        "metrics": [{"type": "pass@1", "name": notes(task, proposal.run), "value": pass_at_1(proposal.run, task)}],
        "source": {
            "name": "lighteval-r1",
            "url": proposal.details_url or "https://huggingface.co/docs/lighteval",
        },
    }
