"""From graded samples to the figures of a run: per problem for LightEval's metrics, per task for every table."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.answers import FINISHED_EARLY, IN_THINKING, NoAnswer, reason_of
from lighteval_r1.numbers.estimates import estimate, maj_at_n, pass_at_k
from lighteval_r1.numbers.tables import Row, percent, results_table, span
from lighteval_r1.records import QUESTION, Outcome, RunProblem, Sample, TaskRun

LOOP = "repetition"  # the finish reason of vLLM's repetition detection
GROUPS_MOST = 40  # values of a group beyond which it is a name, not a group


def powers_of_two(n: int) -> list[int]:
    """2, 4, … up to n."""
    return [2**i for i in range(1, n.bit_length()) if 2**i <= n]


def majority(problem: RunProblem) -> float | None:
    """maj@n of the graded samples; None where a vote has no meaning."""
    labels = vote_labels(problem)
    return None if labels is None else maj_at_n(labels, correct="correct")


def vote_labels(problem: RunProblem) -> list[str | None] | None:
    """What each graded sample votes for; None where a vote has no meaning: programs, or answers that were not kept.

    Correct answers are one class, others go by their normal form; a sample without an answer or verdict abstains.
    """
    label = grader_named(problem.grader).label
    samples = problem.graded
    if label is None or not samples:
        return None
    labels: list[str | None] = []
    for sample in samples:
        if sample.answer is None:
            return None
        if sample.outcome in (Outcome.NO_ANSWER, Outcome.UNDECIDED):
            labels.append(None)
        else:
            labels.append("correct" if sample.outcome is Outcome.CORRECT else f"wrong {label(sample.answer)}")
    return labels


def no_answer_reasons(samples: Iterable[Sample]) -> dict[str, int]:
    """Why samples have no answer: how many by reason, those that there are."""
    counts = Counter(reason_of(sample.step or "") for sample in samples if sample.outcome is Outcome.NO_ANSWER)
    return {str(reason): counts[reason] for reason in NoAnswer if counts[reason]}


def ended_early(samples: Iterable[Sample]) -> tuple[dict[str, int], int]:
    """Samples that did not end by themselves: how many by reason, and how many of them are not right."""
    early = [sample for sample in samples if sample.finish_reason in FINISHED_EARLY]
    counts = Counter(str(FINISHED_EARLY[sample.finish_reason or ""]) for sample in early)
    return dict(counts), sum(sample.outcome is not Outcome.CORRECT for sample in early)


def from_thinking(sample: Sample) -> bool:
    """Whether its answer was taken from the thinking, as nothing stood behind it."""
    return (sample.step or "").startswith(IN_THINKING)


def share(samples: Sequence[Sample], holds: Callable[[Sample], bool]) -> float:
    return float(np.mean([holds(sample) for sample in samples]))


def mean_tokens(samples: Sequence[Sample]) -> float | None:
    """None where a sample does not say its tokens."""
    tokens = [sample.n_tokens for sample in samples if sample.n_tokens is not None]
    return float(np.mean(tokens)) if tokens and len(tokens) == len(samples) else None


def problem_figures(problem: RunProblem) -> dict[str, float]:
    """LightEval's per-document metrics of one problem, all of whose samples are graded.

    Of an adaptive run no pass@k and maj@n: a problem's n depends on its replies.
    """
    samples = problem.samples
    n, right = len(samples), int(problem.scores.sum())
    if problem.weighing is None:
        figures = {"pass@1": right / n} | {f"pass@{k}": pass_at_k(n, right, k) for k in powers_of_two(n)}
        if (vote := majority(problem)) is not None:
            figures["maj@n"] = vote
    else:
        figures = {"pass@1": float(np.asarray(problem.weighing.weights) @ np.asarray(problem.scores))}
    if None not in (reasons := [sample.finish_reason for sample in samples]):
        figures |= {"truncated": reasons.count("length") / n, "looping": reasons.count(LOOP) / n}
    figures["no_answer"] = share(samples, lambda sample: sample.outcome is Outcome.NO_ANSWER)
    why = no_answer_reasons(samples)
    figures |= {f"no_answer {reason}": why.get(reason, 0) / n for reason in NoAnswer}
    figures["answer in the thinking"] = share(samples, from_thinking)
    figures["undecided"] = share(samples, lambda sample: sample.outcome is Outcome.UNDECIDED)
    if (tokens := mean_tokens(samples)) is not None:
        figures["output_tokens"] = tokens
    thought = [sample.n_thinking_tokens for sample in samples if sample.n_thinking_tokens is not None]
    if len(thought) == n:
        figures["thinking_tokens"] = float(np.mean(thought))
    for name, value in problem.groups.items():
        figures[f"pass@1 {name}={value}"] = figures["pass@1"]
    return figures


def by_question(problems: Sequence[RunProblem], scores: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    """The scores by question, what errors are made of: problems that are one question asked otherwise are one row."""
    if not any(QUESTION in problem.groups for problem in problems):
        return scores
    rows: dict[str, list[np.ndarray]] = {}
    for problem, row in zip(problems, scores, strict=True):
        rows.setdefault(problem.groups.get(QUESTION, problem.id), []).append(row)
    return [np.concatenate(of_question) for of_question in rows.values()]


def task_row(
    task_run: TaskRun, *, name: str = "", scores: Sequence[np.ndarray] | None = None, partial: bool = False
) -> Row:
    """The task's line in a table. scores: [n_problems][n_samples] where they are known otherwise than by grades.

    What the run does not say of any sample is None in it. ValueError where nothing is graded.
    """
    samples = task_run.samples
    outcomes = [sample.outcome for sample in samples]
    reasons = [sample.finish_reason for sample in samples]
    problems = task_run.problems
    if scores is None:
        problems = [problem for problem in problems if problem.graded]
        scores = [problem.scores for problem in problems]
    early, unfinished = ended_early(samples)
    return Row(
        task=(name or task_run.task)
        + (f" ({task_run.part})" if task_run.part else "")
        + (" (adaptive)" if task_run.adaptive else ""),
        pass_at_1=estimate(by_question(problems, scores)),
        truncated=None if None in reasons else reasons.count("length"),
        no_answer=outcomes.count(Outcome.NO_ANSWER) if any(outcomes) else None,
        reasons=no_answer_reasons(samples),
        in_thinking=sum(map(from_thinking, samples)),
        undecided=outcomes.count(Outcome.UNDECIDED) if any(outcomes) else None,
        mean_tokens=mean_tokens(samples),
        partial=partial,
        note=note_of(task_run),
        early=early,
        unfinished=unfinished,
    )


def run_table(
    task_runs: Sequence[TaskRun], rows: Sequence[Row], *, scores: Sequence[Sequence[np.ndarray]] | None = None
) -> str:
    """A run's own table: its tasks, their groups with the number of problems in each, and last the means over tasks.

    scores: as task_row takes them.
    """
    lines = [results_table(list(rows))]
    of_tasks = scores or [[problem.scores for problem in task_run.problems] for task_run in task_runs]
    for task_run, row, of_task in zip(task_runs, rows, of_tasks, strict=True):
        lines += group_lines(row.task, task_run, of_task)
    if len(rows) > 1:
        from lighteval_r1.numbers.means import means_table, suite_means

        weights = [task_run.weight for task_run in task_runs]
        partial = " (partial)" if any(row.partial for row in rows) else ""
        means = suite_means([row.pass_at_1 for row in rows], weights)
        lines.append("\n" + means_table([(name + partial, mean) for name, mean in means]))
    return "\n".join(lines)


def group_lines(name: str, task_run: TaskRun, scores: Sequence[np.ndarray]) -> list[str]:
    """A line per group: "r1_math_500 by level (95 % same problems; problems): 1: 97.7 (95.1 to 99.0; 43)"."""
    members: dict[str, dict[str, list[tuple[RunProblem, np.ndarray]]]] = {}
    for problem, row in zip(task_run.problems, scores, strict=True):
        for group, value in problem.groups.items() if row.size else ():
            members.setdefault(group, {}).setdefault(value, []).append((problem, row))
    lines = []
    for group, values in members.items():
        if group == QUESTION or not 1 < len(values) <= GROUPS_MOST:
            continue
        found = [
            (value, estimate(by_question(*zip(*values[value], strict=True))))
            for value in sorted(values, key=group_order)
        ]
        told = [f"{value}: {percent(e.value)} ({span(e.same_problems)}; {e.n_problems})" for value, e in found]
        lines.append(f"{name} by {group} (95 % same problems; problems): {', '.join(told)}.")
    return lines


def note_of(task_run: TaskRun) -> str:
    """What must be said beside the task's score; "" where nothing must."""
    words = ""
    if task_run.adaptive:
        from lighteval_r1.numbers.allocation import adaptive_note

        words = adaptive_note(task_run)
    note = grader_named(task_run.problems[0].grader).note if task_run.problems else None
    return " ".join(filter(None, [words, note(task_run.task) if note else ""]))


def group_order(value: str) -> tuple[int, float, str]:
    """Numbers by size, before words."""
    return (0, float(value), "") if value.replace(".", "", 1).isdecimal() else (1, 0.0, value)
