"""Proposes a run's scores to the model's own repository, as a pull request that its owners accept or not.

Benchmarks that the Hub registers become entries in `.eval_results/`, which their leaderboards read; others, where asked
for, lines of the model card's `model-index`.
Source: https://huggingface.co/docs/hub/eval-results (read November 2026).
"""

from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import EvalResult, EvalResultEntry, HfApi, constants, eval_result_entries_to_yaml
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.repocard_data import eval_results_to_model_index

from lighteval_r1.hub.card import read_card
from lighteval_r1.hub.published import pass_at_1, settings_in_words, without_texts
from lighteval_r1.hub.push import additions, retried, text_at
from lighteval_r1.records import Estimate, OwedError, Run, TaskRun, UserError
from lighteval_r1.runs.locate import run_files, task_name
from lighteval_r1.runs.reading import read_run
from lighteval_r1.tasks import TASKS

# Our task -> (data set, task) as its eval.yaml and the entries that were merged name them (read November 2026).
REGISTERED = {
    "r1_gpqa_diamond": ("Idavidrein/gpqa", "diamond"),
    "r1_aime26": ("MathArena/aime_2026", "MathArena/aime_2026"),
    "r1_hmmt_feb26": ("MathArena/hmmt_feb_2026", "MathArena/hmmt_feb_2026"),
    "matharena_aime26": ("MathArena/aime_2026", "MathArena/aime_2026"),
    "matharena_hmmt_feb26": ("MathArena/hmmt_feb_2026", "MathArena/hmmt_feb_2026"),
}
# Who measured: an entry of this name is ours, and the next proposal replaces it.
SOURCE_NAME = "lighteval-r1"


@dataclass(frozen=True)
class Proposal:
    """What is to be proposed. scores: pass@1 by task. details_repo: where the details lie, "" where nowhere."""

    run: Run
    date: str
    scores: dict[str, Estimate]
    details_repo: str

    @property
    def title(self) -> str:
        return f"Add evaluation results of lighteval-r1, {self.date}"

    @property
    def details_url(self) -> str | None:
        return f"{constants.ENDPOINT}/datasets/{self.details_repo}" if self.details_repo else None

    def percent(self, task: str) -> float:
        """The estimate, with as many digits as one sample of thousands moves."""
        return round(100 * self.scores[task].value, 2)

    def notes(self, task: str) -> str:
        score = self.scores[task]
        return (
            f"{task}: pass@1, mean over {score.n_samples} samples of {score.n_problems} problems; "
            f"{settings_in_words(self.run)}; lighteval-r1"
        )


def propose(source: Path, model: str, *, details_repo: str = "", model_index: bool = False) -> str:
    """Opens the pull request; what was done, in words. UserError where nothing of the run can be proposed.

    model_index: whether tasks that are no registered benchmark are proposed too.
    """
    if constants.is_offline_mode():
        raise UserError("HF_HUB_OFFLINE is set, so no pull request can be opened. Unset it.")
    files = run_files(source)
    run = read_run(files.results, keep=without_texts)
    scores = scores_of(run, model_index=model_index)
    proposal = Proposal(run, files.date, scores, details_repo)
    try:
        return retried(lambda: open_request(HfApi(), model, proposal), what=f"open a pull request on {model}")
    except RepositoryNotFoundError:
        raise UserError(f"there is no model {model} on the Hub, or the token may not see it.") from None


def scores_of(run: Run, *, model_index: bool) -> dict[str, Estimate]:
    """pass@1 by task, of those that can be proposed. OwedError where samples of one are missing.

    UserError for a part of a benchmark: the Hub's boards show a score as one of all its problems.
    """
    scores = {}
    for full_name, task in sorted(run.tasks.items()):
        name = task_name(full_name)
        if name in REGISTERED or (model_index and name in TASKS):
            score = pass_at_1(task)
            if score is None:
                raise OwedError(
                    f"{name} has samples that are owed or without a grade, so there is no score to propose. "
                    "Draw and grade them first."
                )
            check_whole(name, task)
            scores[name] = score
    if not scores:
        raise UserError(
            f"{', '.join(run.tasks)}: none is a benchmark that the Hub registers ({', '.join(REGISTERED)}). "
            "--model-index proposes the others for the model card."
        )
    registered = [REGISTERED[name] for name in scores if name in REGISTERED]
    if len(set(registered)) < len(registered):
        raise UserError(f"of {', '.join(scores)} two are one benchmark of the Hub: propose a run of one of them.")
    return scores


def check_whole(name: str, task: TaskRun) -> None:
    """UserError unless all problems of the benchmark, and no others, were asked."""
    known = TASKS[name]
    if task.part:
        raise UserError(f"{name}: only {task.part} was asked, and a part of a benchmark is not proposed.")
    if task.adaptive:
        raise UserError(
            f"{name}: the run is adaptive, and boards show pass@1 of n samples a problem. Evaluate with n "
            "(what was drawn counts)."
        )
    if known.n_problems and len(task.problems) != known.n_problems:
        raise UserError(
            f"{name}: the run has {len(task.problems)} of its {known.n_problems} problems, and a part of a "
            "benchmark is not proposed. Evaluate all of them."
        )
    if known.known_data and task.data_sha256 and task.data_sha256 != known.known_data:
        raise UserError(
            f"{name}: the run's problems have the SHA-256 {task.data_sha256[:12]}…, the benchmark's "
            f"{known.known_data[:12]}…; other problems are not proposed as its own."
        )


def open_request(api: HfApi, model: str, proposal: Proposal) -> str:
    """One pull request; none where an open one has the same title: it is from the same run."""
    for request in api.get_repo_discussions(model, discussion_type="pull_request", discussion_status="open"):
        if request.title == proposal.title:
            return f"{model} already has this pull request: {request.url}"
    head = api.repo_info(model, repo_type="model").sha
    files = {}
    if registered := [task for task in proposal.scores if task in REGISTERED]:
        files[".eval_results/lighteval_r1.yaml"] = eval_results(registered, proposal).encode()
    if others := [task for task in proposal.scores if task not in REGISTERED]:
        readme = text_at(api, model, repo_type="model", path="README.md", revision=head)
        files["README.md"] = with_model_index(readme, others, proposal, model=model).encode()
    commit = api.create_commit(
        model,
        additions(files),
        repo_type="model",
        create_pr=True,
        parent_commit=head,
        commit_message=proposal.title,
        commit_description="\n".join(map(proposal.notes, proposal.scores)),
    )
    if commit.pr_url is None:
        return f"{model} already shows these results; no pull request was opened."
    return f"Opened {commit.pr_url}"


def eval_results(tasks: list[str], proposal: Proposal) -> str:
    """The content of .eval_results/lighteval_r1.yaml."""
    entries = [
        EvalResultEntry(
            dataset_id=REGISTERED[task][0],
            task_id=REGISTERED[task][1],
            value=proposal.percent(task),
            date=proposal.date[:10],
            source_url=proposal.details_url,
            source_name=f"{SOURCE_NAME} details" if proposal.details_url else None,
            notes=proposal.notes(task),
        )
        for task in tasks
    ]
    return yaml.safe_dump(eval_result_entries_to_yaml(entries), sort_keys=False, allow_unicode=True)


def with_model_index(readme: str | None, tasks: list[str], proposal: Proposal, *, model: str) -> str:
    """The model card with the scores in its model-index; lines of other tools stay."""
    card = read_card(readme)
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=TASKS[task].repo,
            dataset_name=task,
            dataset_config=task,
            dataset_split=TASKS[task].split,
            metric_type="pass@1",
            metric_name=proposal.notes(task),
            metric_value=proposal.percent(task),
            source_name=SOURCE_NAME,
            source_url=proposal.details_url or "https://huggingface.co/docs/lighteval",
        )
        for task in tasks
    ]
    (ours,) = eval_results_to_model_index(model.rpartition("/")[2], results)
    index = card.data.get("model-index") or [{**ours, "results": []}]
    kept = [result for result in index[0].get("results") or [] if not is_ours(result, tasks)]
    card.data["model-index"] = [{**index[0], "results": kept + ours["results"]}, *index[1:]]
    return str(card)


def is_ours(result: dict, tasks: list[str]) -> bool:
    return (result.get("source") or {}).get("name") == SOURCE_NAME and result["dataset"].get("config") in tasks
