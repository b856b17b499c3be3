"""From graded samples to the figures of a run: per problem for LightEval's metrics, per task for the table."""

from collections.abc import Callable

import numpy as np

from lighteval_r1.graders import Grader
from lighteval_r1.numbers.estimates import estimate, maj_at_n, pass_at_k
from lighteval_r1.numbers.tables import Row
from lighteval_r1.records import Outcome


def powers_of_two(n: int) -> list[int]:
    """2, 4, … up to n."""
    return [2**i for i in range(1, n.bit_length()) if 2**i <= n]


def scores(outcomes: list[str]) -> np.ndarray:
    """[n_samples], 1.0 where the outcome is correct."""
    return np.array([Outcome(outcome).score for outcome in outcomes])


def vote_labels(outcomes: list[str], answers: list[str], *, label: Callable[[str], str]) -> list[str | None]:
    """One label per sample for the majority: correct answers are one class, others are told apart by their normal form.

    label: the grader's. None where there is no answer or the grader was stopped: such samples abstain.
    """
    labels = []
    for outcome, answer in zip(outcomes, answers, strict=True):
        if outcome in (Outcome.NO_ANSWER, Outcome.UNDECIDED):
            labels.append(None)
        else:
            labels.append("correct" if outcome == Outcome.CORRECT else f"wrong {label(answer)}")
    return labels


def problem_figures(sampled: dict, *, grader: Grader, groups: dict[str, str]) -> dict[str, float]:
    """LightEval's per-document metrics of one problem.

    sampled: parallel lists outcomes, answers, finish_reasons, n_tokens.
    """
    outcomes = sampled["outcomes"]
    n, right = len(outcomes), sum(outcome == Outcome.CORRECT for outcome in outcomes)
    figures = {f"pass@{k}": pass_at_k(n, right, k) for k in powers_of_two(n)}
    if grader.label is not None:
        labels = vote_labels(outcomes, sampled["answers"], label=grader.label)
        figures["maj@n"] = maj_at_n(labels, correct="correct")
    figures["truncated"] = float(np.mean([reason == "length" for reason in sampled["finish_reasons"]]))
    figures["no_answer"] = float(np.mean([outcome == Outcome.NO_ANSWER for outcome in outcomes]))
    figures["undecided"] = float(np.mean([outcome == Outcome.UNDECIDED for outcome in outcomes]))
    if sampled["n_tokens"]:
        figures["output_tokens"] = float(np.mean(sampled["n_tokens"]))
    for name, value in groups.items():
        figures[f"pass@1 {name}={value}"] = right / n
    return figures


def task_row(task: str, sampled: list[dict]) -> Row:
    """The task's line in the table of estimates."""
    outcomes = [problem["outcomes"] for problem in sampled]
    flat = [outcome for row in outcomes for outcome in row]
    reasons = [reason for problem in sampled for reason in problem["finish_reasons"]]
    tokens = [n for problem in sampled for n in problem["n_tokens"]]
    return Row(
        task=task,
        pass_at_1=estimate([scores(row) for row in outcomes]),
        truncated=sum(reason == "length" for reason in reasons),
        no_answer=flat.count(Outcome.NO_ANSWER),
        undecided=flat.count(Outcome.UNDECIDED),
        mean_tokens=float(np.mean(tokens)) if tokens else None,
    )
