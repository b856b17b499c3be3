"""What two runs have in common: tasks, problems, and what differs between them; and several runs of one model as
one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from lighteval_r1.numbers.baselines import benchmark_of
from lighteval_r1.outside.words import counted
from lighteval_r1.records import ADDED, Run, RunProblem, TaskRun, UserError, in_words

# LightEval's own metrics that are the mean of a problem's 0-or-1 scores, with the number of samples they were declared
# for.
# Source: lighteval 0.13.0, metrics/metrics.py; codegen_pass@1:16 is a name, and draws one sample.
MEANS = re.compile(
    r"(?:\w+_)?(?:avg@n(?::n=(?P<n>\d+))?|pass@k:k=1(?:&n=(?P<of>\d+))?|pass@1(?::\d+)?)|extractive_match"
)
STEP = re.compile(r"(?:^|[^a-z])(?:checkpoint|ckpt|global_?step|step|iter|epoch)[-_=]?(\d+)", re.IGNORECASE)


def metric_scores(task: TaskRun) -> tuple[str, list[np.ndarray]] | None:
    """The metric and [n_problems][n_samples] scores that LightEval's own grading implies; None where they are not
    certain.

    Of a problem with n replies and mean m, m * n were right: which ones does not matter to any estimate. Metrics that
    do not give whole numbers, were declared for another n, or disagree with each other say nothing certain.
    """
    names = [name for name in task.problems[0].metric if MEANS.fullmatch(name)]
    implied = {name: rows for name in names if (rows := implied_scores(task, name)) is not None}
    if not names or len(implied) < len(names):
        return None
    first, *others = implied.values()
    if any(a.sum() != b.sum() for rows in others for a, b in zip(first, rows, strict=True)):
        return None
    return names[0], first


def implied_scores(task: TaskRun, name: str) -> list[np.ndarray] | None:
    match = MEANS.fullmatch(name)
    declared = match and (match["n"] or match["of"])
    rows = []
    for problem in task.problems:
        n = len(problem.samples)
        right = problem.metric.get(name, -1.0) * n
        if (
            n == 0
            or (declared and int(declared) != n)
            or not -1e-6 < right < n + 1e-6
            or abs(right - round(right)) > 1e-6
        ):
            return None
        rows.append(np.array([1.0] * round(right) + [0.0] * (n - round(right))))
    return rows


def same_task(name: str, run: Run) -> TaskRun | None:
    """The run's task of this name, else its only task that asks the same benchmark's problems."""
    if name in run.tasks:
        return run.tasks[name]
    known = benchmark_of(name)
    others = [task for other, task in run.tasks.items() if known is not None and benchmark_of(other) == known]
    return others[0] if len(others) == 1 else None


def tasks_of_all(runs: Sequence[Run]) -> list[list[TaskRun]]:
    """The tasks that every run has, the first run's order: of each what it is in each run."""
    found = [[same_task(name, run) for run in runs] for name in runs[0].tasks]
    return [whole for tasks in found if len(whole := [task for task in tasks if task is not None]) == len(runs)]


def common_weights(tasks: Sequence[Sequence[TaskRun]]) -> list[float | None]:
    """Of each task the weight that all runs give it; None where they differ or give none."""
    return [task[0].weight if len({of_run.weight for of_run in task}) == 1 else None for task in tasks]


def paired_problems(first: TaskRun, second: TaskRun) -> list[tuple[int, int]]:
    """Places of the same problem in both: by id, else by the question without what all prompts of a task begin and end
    with."""
    by_id = {problem.id: place for place, problem in enumerate(second.problems)}
    pairs = [(place, by_id[problem.id]) for place, problem in enumerate(first.problems) if problem.id in by_id]
    if pairs:
        return pairs
    questions = {question: place for place, question in enumerate(cores(second))}
    if len(questions) < len(second.problems) or "" in questions:
        return []
    return [(place, questions[question]) for place, question in enumerate(cores(first)) if question in questions]


def cores(task: TaskRun) -> list[str]:
    """Each prompt without the beginning and end that all prompts of the task share: the template, whatever it is."""
    prompts = [problem.prompt for problem in task.problems]
    start = shared_beginning(prompts)
    end = shared_beginning([prompt[start:][::-1] for prompt in prompts])
    return [prompt[start : len(prompt) - end].strip() for prompt in prompts]


def shared_beginning(texts: Sequence[str]) -> int:
    """Characters that all texts begin with."""
    first, last = min(texts, default=""), max(texts, default="")
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def n_of(task: TaskRun) -> str:
    """Samples per problem: "16", or "12 to 16" where they differ."""
    counts = {len(problem.samples) for problem in task.problems}
    return str(min(counts)) if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def differences(
    first: Run, second: Run, tasks: Sequence[tuple[TaskRun, TaskRun]], *, apart: Sequence[str] = ()
) -> Iterator[str]:
    """What differs in how two runs were asked and sampled, in words. apart: settings that are meant to differ."""
    # a run of before a setting was added was drawn with its default
    mine, theirs = (run.settings and ADDED | run.settings for run in (first, second))
    for name in (name for name in mine if name in theirs and name not in ("model", *apart)):
        before, after = mine[name], theirs[name]
        if before != after and not (name == "revision" and first.settings.get("model") != second.settings.get("model")):
            yield f"{name.replace('_', ' ')} {shortened(before)} -> {shortened(after)}"
    if bool(first.settings) != bool(second.settings):
        yield "one of them does not say its settings"
    same_model = first.settings.get("model") == second.settings.get("model")
    for before, after in tasks:
        for what, one, other in (
            ("marks of thinking", *((marks_of(before), marks_of(after)) if same_model else ("", ""))),
            ("task version", str(before.version or ""), str(after.version or "")),
            ("n", n_of(before), n_of(after)),
            ("prompts", before.prompts_sha256, after.prompts_sha256),
            ("data hash", before.data_sha256, after.data_sha256),
            ("problems", str(len(before.problems)), str(len(after.problems))),
        ):
            if one and other and one != other:
                yield f"{before.task}: {what} {shortened(one)} -> {shortened(other)}"
        if shared := shared_samples(before, after):
            stand = f"{counted(shared, 'sample')} {'stands' if shared == 1 else 'stand'} in both"
            yield f"{before.task}: {stand}, so the errors of their difference are too wide"


def marks_of(task_run: TaskRun) -> str:
    """By which thinking was told from answer; "" where all families' marks were looked for."""
    return ", ".join(sorted({sample.marks for sample in task_run.samples if sample.marks}))


def shared_samples(first: TaskRun, second: TaskRun) -> int:
    """How many samples stand in both: the same problem, seed and reply, as after a run was continued with a larger
    n."""

    def keys(problem: RunProblem) -> set[tuple[int | None, str]]:
        return {(sample.seed, sample.reply) for sample in problem.samples if sample.seed is not None}

    return sum(len(keys(first.problems[a]) & keys(second.problems[b])) for a, b in paired_problems(first, second))


def shortened(value: object) -> str:
    """Hashes by their beginning, long texts by theirs."""
    text = in_words(value) if isinstance(value, dict) else str(value)
    if re.fullmatch(r"(sha256:)?[0-9a-f]{16,}", text):
        return f"{text[:12]}…"
    return text if len(text) <= 60 else f"{text[:60]!r}…"


def step_of(run: Run) -> int | None:
    """The training step that the revision, else the model's name, else the run's path tells; None where none does."""
    for text in (str(run.settings.get("revision", "")), run.model, run.path):
        if found := STEP.findall(text):
            return int(found[-1])
    return None


def pooled(runs: Sequence[Run]) -> list[Run]:
    """Runs of one model and revision joined into one, as more samples of the same problems. UserError where they are
    not.

    The order of the models stays. Refused: other settings than the seed, other problems, and samples that stand in two.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        key = (str(run.settings.get("model") or run.model), str(run.settings.get("revision", "")))
        groups.setdefault(key, []).append(run)
    if len(runs) == 1:
        raise UserError("--pool joins several runs of one model; there is one run. Name the others, too.")
    if all(len(members) == 1 for members in groups.values()):
        raise UserError("--pool joins several runs of one model; these runs are all of different models or revisions.")
    return [joined(members) for members in groups.values()]


def joined(runs: Sequence[Run]) -> Run:
    first, *others = runs
    for other in others:
        if set(other.tasks) != set(first.tasks):
            raise UserError(
                f"{first.path} and {other.path} cannot be pooled: one is of {', '.join(first.tasks)}, the other of "
                f"{', '.join(other.tasks)}."
            )
        tasks = [(first.tasks[name], other.tasks[name]) for name in first.tasks]
        apart = [
            words
            for words in differences(first, other, tasks, apart=("seed",))
            if not re.search(r": n |stands? in both", words)
        ]
        if apart:
            raise UserError(f"{first.path} and {other.path} cannot be pooled, they differ: {'; '.join(apart)}.")
        more = {
            name: with_more(before, after, other.path) for name, (before, after) in zip(first.tasks, tasks, strict=True)
        }
        first = replace(first, path=f"{first.path} + {other.path}", tasks=more)
    return first


def with_more(first: TaskRun, second: TaskRun, path: str) -> TaskRun:
    """The first task's problems with the second's samples after their own."""
    if first.adaptive or second.adaptive:
        raise UserError(
            f"{first.task} of {path}: samples of an adaptive run cannot be pooled; draw on with a smaller ERROR."
        )
    places = dict(paired_problems(first, second))
    if len(places) < len(first.problems):
        raise UserError(f"{first.task} of {path} asks other problems, so it cannot be pooled.")
    if all(texts(problem) == texts(second.problems[places[place]]) for place, problem in enumerate(first.problems)):
        raise UserError(f"{first.task} of {path} holds the same replies once more: pooling would count them twice.")
    problems = []
    for place, problem in enumerate(first.problems):
        more = second.problems[places[place]].samples
        seeds = {s.seed for s in problem.samples if s.seed is not None} & {s.seed for s in more}
        if seeds:
            raise UserError(
                f"{first.task} of {path}: {problem.title} has samples of seed {min(seeds)} in both runs: "
                "they are the same samples, and pooling would count them twice."
            )
        start = max((first.n, *(sample.index + 1 for sample in problem.samples)))
        problems.append(
            replace(problem, samples=[*problem.samples, *(replace(s, index=start + s.index) for s in more)])
        )
    return replace(first, problems=problems, n=first.n + second.n)


def texts(problem: RunProblem) -> list[str]:
    return [sample.reply for sample in problem.samples]
