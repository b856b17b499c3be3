"""A run as Inspect `.eval` logs, one per task, for Inspect's own viewer: `inspect view` or its static site."""

import datetime
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from inspect_ai import view as inspect_view
from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalPlan,
    EvalPlanStep,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    EvalStats,
    bundle_log_dir,
    write_eval_log,
)
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessageAssistant,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
    GenerateConfig,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.scorer import CORRECT, INCORRECT, NOANSWER, Score
from inspect_ai.viewer import ViewerConfig

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.splitting import parts_of
from lighteval_r1.numbers.estimates import estimate
from lighteval_r1.outside.words import storable
from lighteval_r1.records import Outcome, Run, RunProblem, Sample, TaskRun, UserError, sha256
from lighteval_r1.runs.outputs import writing

SCORER = "pass@1"
# Inspect has no letter for a grader that was stopped; the explanation says so.
LETTERS = {
    Outcome.CORRECT: CORRECT,
    Outcome.WRONG: INCORRECT,
    Outcome.NO_ANSWER: NOANSWER,
    Outcome.UNDECIDED: INCORRECT,
}
EXPLANATIONS = {
    Outcome.CORRECT: "right",
    Outcome.WRONG: "wrong",
    Outcome.NO_ANSWER: "no answer",
    Outcome.UNDECIDED: "undecided: the grader was stopped by its limit; counts as wrong",
}
# Source: the values of ModelOutput.stop_reason in inspect_ai.model.
STOP_REASONS = {"stop": "stop", "length": "max_tokens"}


def view(run: Run, *, logs: Path | None = None, bundle: Path | None = None) -> None:
    """Writes the run's logs, then opens Inspect's viewer on them; with bundle, makes its static site there instead.

    logs: where the logs go; data/inspect/<model> where it is None.
    """
    if bundle is not None and bundle.exists():
        raise UserError(f"{bundle} exists already. Name a new folder for the site: nothing is written over.")
    folder = logs or Path("data") / "inspect" / _file_name(run.model)
    with writing(folder):
        paths = write_logs(run, folder)
    print("\n".join(map(str, paths)))
    if bundle is None:
        inspect_view(log_dir=str(folder))
    else:
        with writing(bundle):
            bundle_log_dir(str(folder), str(bundle))
        # Inspect's site reads parts of its logs; Python's own http.server does not serve parts.
        print(f"{bundle}: a static site for any host that answers range requests (nginx, GitHub Pages, a static Space)")


def write_logs(run: Run, folder: Path) -> list[Path]:
    """One `.eval` log per task. The same run written again replaces its own logs and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for task_run in run.tasks.values():
        log = eval_log(run, task_run)
        path = folder / f"{_file_name(task_run.task)}_{log.eval.task_id}.eval"
        write_eval_log(log, str(path), format="eval")
        paths.append(path)
    return paths


def eval_log(run: Run, task_run: TaskRun) -> EvalLog:
    # However its folder was spelled, a run keeps its logs' names.
    place = str(Path(run.path).resolve()) if Path(run.path).exists() else run.path
    identity = sha256([run.model, place, task_run.task, task_run.prompts_sha256])[:16]
    created = _written(run).isoformat(timespec="seconds")
    problems = [as_it_can_be_stored(problem) for problem in task_run.problems]
    spec = EvalSpec(
        created=created,
        task=task_run.task,
        task_id=identity,
        task_version=task_run.version,
        run_id=identity,
        eval_id=identity,
        dataset=EvalDataset(
            name=task_run.task, samples=len(problems), sample_ids=[problem.title for problem in problems]
        ),
        model=run.model,
        config=EvalConfig(epochs=max(len(problem.samples) for problem in problems), epochs_reducer=["mean"]),
        packages=run.environment.get("versions", {}),
        metadata={"settings": run.settings, "environment": run.environment, "data_sha256": task_run.data_sha256},
        # Replies are hostile: plain text, no media, no links.
        viewer=ViewerConfig(trust_content=False),
    )
    generation = GenerateConfig(
        temperature=run.settings.get("temperature"),
        top_p=run.settings.get("top_p"),
        max_tokens=run.settings.get("max_tokens"),
    )
    samples = [_sample(run.model, problem, sample) for problem in problems for sample in problem.samples]
    return EvalLog(
        status="success",
        eval=spec,
        plan=EvalPlan(steps=[EvalPlanStep(solver="generate", params={})], config=generation),
        results=_results(task_run),
        stats=EvalStats(started_at=created, completed_at=created),
        samples=samples,
    )


def as_it_can_be_stored(problem: RunProblem) -> RunProblem:
    """Inspect's logs are JSON in UTF-8, which holds no half characters."""
    texts = {name: storable(getattr(problem, name)) for name in ("name", "prompt", "gold", "groups")}
    samples = [
        replace(sample, reply=storable(sample.reply), answer=storable(sample.answer)) for sample in problem.samples
    ]
    return replace(problem, samples=samples, **texts)


def _sample(model: str, problem: RunProblem, sample: Sample) -> EvalSample:
    thinking, answer = parts_of(sample)
    content = [ContentReasoning(reasoning=thinking)] if thinking else []
    message = ChatMessageAssistant(content=[*content, ContentText(text=answer or "")], model=model, source="generate")
    stop_reason = STOP_REASONS.get(sample.finish_reason or "", "unknown")
    usage = None if sample.n_tokens is None else ModelUsage(output_tokens=sample.n_tokens, total_tokens=sample.n_tokens)
    question = ChatMessageUser(content=problem.prompt)
    return EvalSample(
        id=problem.title,
        epoch=sample.index + 1,
        input=problem.prompt,
        target=grader_named(problem.grader).shown_gold(problem.gold),
        messages=[question, message],
        output=ModelOutput(
            model=model, choices=[ChatCompletionChoice(message=message, stop_reason=stop_reason)], usage=usage
        ),
        scores=None if sample.outcome is None else {SCORER: _score(sample)},
        metadata={
            "seed": sample.seed,
            "finish_reason": sample.finish_reason,
            "problem_id": problem.id,
            **problem.groups,
        },
        model_usage={} if usage is None else {model: usage},
    )


def _score(sample: Sample) -> Score:
    outcome = Outcome(sample.outcome)
    return Score(value=LETTERS[outcome], answer=sample.answer or None, explanation=EXPLANATIONS[outcome])


def _results(task_run: TaskRun) -> EvalResults:
    """The score with its two standard errors and 95 % intervals; without a score while samples are ungraded."""
    outcomes: list[Sequence[str | None]] = [
        [sample.outcome for sample in problem.samples] for problem in task_run.problems
    ]
    n_samples = sum(len(row) for row in outcomes)
    if not all(row and all(row) for row in outcomes):
        return EvalResults(total_samples=n_samples, completed_samples=n_samples)
    found = estimate([[Outcome(outcome).score for outcome in row] for row in outcomes])
    numbers = {SCORER: found.value, "se_resampling": found.se_resampling, "se_problems": found.se_problems}
    for problems, ends in (("same_problems", found.same_problems), ("other_problems", found.other_problems)):
        numbers |= {f"{end}_{problems}": value for end, value in zip(("low", "high"), ends or (), strict=False)}
    metrics = {name: EvalMetric(name=name, value=value) for name, value in numbers.items() if value is not None}
    score = EvalScore(name=SCORER, scorer=SCORER, reducer="mean", scored_samples=found.n_problems, metrics=metrics)
    return EvalResults(total_samples=n_samples, completed_samples=n_samples, scores=[score])


def _written(run: Run) -> datetime.datetime:
    """When the run's files were last changed."""
    path = Path(run.path)
    if path.exists():
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC)
    return datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def _file_name(text: str) -> str:
    """Inspect takes names apart at "_"."""
    return re.sub(r"[^\w.-]+|_", "-", text).strip("-.")
