"""Runs against the first of a comparison, on the problems that both have: how far apart, and what that says."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.numbers import distances, estimates
from lighteval_r1.numbers.intervals import ALPHA
from lighteval_r1.numbers.scores import by_question
from lighteval_r1.numbers.tables import percent, span
from lighteval_r1.outside.words import counted
from lighteval_r1.records import RunProblem, TaskRun
from lighteval_r1.runs.pairing import paired_problems, same_task
from lighteval_r1.runs.scored_runs import ScoredRun

NAMES_SHOWN = 8


@dataclass(frozen=True)
class Paired:
    """One task of two runs. old, new: [n_problems][n_samples] of `problems`, which both have; found None: of none."""

    first: ScoredRun
    second: ScoredRun
    before: TaskRun
    after: TaskRun
    problems: list[RunProblem]
    old: list[np.ndarray]
    new: list[np.ndarray]
    found: distances.Difference | None


@dataclass(frozen=True)
class Corrected:
    """Holm's p, for the same problems and for others, of a difference that is looked at beside n - 1 more."""

    same: float
    beyond: float | None
    n: int = 1


def common_tasks(first: ScoredRun, second: ScoredRun) -> list[tuple[TaskRun, TaskRun]]:
    return [
        (task, other) for name, task in first.run.tasks.items() if (other := same_task(name, second.run)) is not None
    ]


def paired(first: ScoredRun, second: ScoredRun, before: TaskRun, after: TaskRun) -> Paired:
    places = paired_problems(before, after)
    old = [first.scores[before.task][place] for place, _ in places]
    new = [second.scores[after.task][place] for _, place in places]
    problems = [before.problems[place] for place, _ in places]
    found = distances.difference(by_question(problems, old), by_question(problems, new)) if places else None
    return Paired(first, second, before, after, problems, old, new, found)


def all_paired(told: Sequence[ScoredRun]) -> list[tuple[Paired, Corrected]]:
    """Each run after the first against it, task by task, with Holm's p for all of them."""
    first, *others = told
    pairs = [paired(first, other, *tasks) for other in others for tasks in common_tasks(first, other)]
    compared = [pair.found for pair in pairs if pair.found]
    same = iter(distances.holm([found.p_resampling for found in compared]))
    beyond = iter(distances.holm([found.p_problems for found in compared if found.p_problems is not None]))
    return [
        (
            pair,
            Corrected(
                next(same) if pair.found else 1.0,
                next(beyond) if pair.found and pair.found.p_problems is not None else None,
                n=len(compared),
            ),
        )
        for pair in pairs
    ]


def against_first(told: Sequence[ScoredRun]) -> list[str]:
    """Per run after the first, and task: the difference, what it says, and the problems gained and lost."""
    first, *others = told
    parts = {other.letter: [f"{other.letter} - {first.letter}"] for other in others}
    n = 0
    for pair, corrected in all_paired(told):
        parts[pair.second.letter] += pair_lines(pair, corrected)
        n = corrected.n
    told_of = f"{n} comparisons: the second of two p is Holm's, for all of them; what is said goes by it."
    return ["\n".join(lines) for lines in parts.values()] + ([told_of] if n > 1 else [])


def on_the_page(told: Sequence[ScoredRun]) -> list[dict]:
    """The same as the report's table has it: a line per run after the first, and task. value None: of no problem."""
    lines = []
    for pair, corrected in all_paired(told):
        found, (gained, lost) = pair.found, gained_and_lost(pair)
        letters = {"first": pair.first.letter, "run": pair.second.letter}
        line = letters | {"task": pair.before.task, "partial": is_partial(pair), "value": None}
        if found is not None:
            several = corrected.n > 1
            p = both_p(found.p_resampling, corrected.same if several else None)
            beyond = (
                "–" if found.p_problems is None else both_p(found.p_problems, corrected.beyond if several else None)
            )
            spans = [span(ends, sign="+") for ends in (found.same_problems, found.other_problems)]
            says = meaning(found, corrected, pair.first.letter, pair.second.letter) + where(pair)
            line |= {"value": found.value, "cells": [spans[0], p, spans[1], beyond], "says": says}
        lines.append(line | {"gained": gained, "lost": lost})
    return lines


def is_partial(pair: Paired) -> bool:
    return bool(pair.first.partial[pair.before.task] or pair.second.partial[pair.after.task])


def where(pair: Paired) -> str:
    """ " on the 12 problems in common", where one of them has others."""
    whole = len(pair.problems) == max(len(pair.before.problems), len(pair.after.problems))
    return "" if whole else f" on the {counted(len(pair.problems), 'problem')} in common"


def gained_and_lost(pair: Paired) -> tuple[list[RunProblem], list[RunProblem]]:
    """Problems that most samples of one run get right and most of the other's do not."""
    both = list(zip(pair.problems, pair.old, pair.new, strict=True))
    gained = [problem for problem, old, new in both if mostly(new) and not mostly(old)]
    return gained, [problem for problem, old, new in both if mostly(old) and not mostly(new)]


def pair_lines(pair: Paired, corrected: Corrected) -> list[str]:
    first, second, found = pair.first, pair.second, pair.found
    parts = dict.fromkeys(task.part or "all" for task in (pair.before, pair.after))
    partial = f" ({' against '.join(parts)})" if parts.keys() - {"all"} else ""
    partial += " (partial)" if is_partial(pair) else ""
    if found is None:
        return [f"{pair.before.task}{partial}: no problem in common."]
    words, says = difference_words(found, corrected), meaning(found, corrected, first.letter, second.letter)
    gained, lost = gained_and_lost(pair)
    share = share_words(found)
    return [
        f"{pair.before.task}{partial}: {words}{where(pair)}: {says}.",
        *([f"  {share}"] if share else []),
        f"  problems gained (most samples right only in {second.letter}): {named(gained)}",
        f"  problems lost (most samples right only in {first.letter}): {named(lost)}",
    ]


def mostly(scores: np.ndarray) -> bool:
    return scores.mean() > 0.5


def named(problems: Sequence[RunProblem]) -> str:
    names = ", ".join(problem.title for problem in problems[:NAMES_SHOWN])
    more = f" and {len(problems) - NAMES_SHOWN} more" if len(problems) > NAMES_SHOWN else ""
    return f"{len(problems)}" + (f" ({names}{more})" if problems else "")


def difference_words(found: distances.Difference, corrected: Corrected) -> str:
    """ "+4.6, 95 % interval +0.9 to +8.3 for the same problems (p 0.016), -0.4 to +9.6 for others (p 0.071)"."""
    ends = "not known" if found.same_problems is None else span(found.same_problems, sign="+")
    p = both_p(found.p_resampling, corrected.same if corrected.n > 1 else None)
    words = f"{100 * found.value:+.1f}, 95 % interval {ends} for the same problems (p {p})"
    if found.other_problems is not None and found.p_problems is not None:
        p = both_p(found.p_problems, corrected.beyond if corrected.n > 1 else None)
        words += f", {span(found.other_problems, sign='+')} for others (p {p})"
    return words


def both_p(p: float, corrected: float | None) -> str:
    """ "0.016", and with the corrected one "0.016, 0.048"."""
    return p_words(p) + ("" if corrected is None else f", {p_words(corrected)}")


def p_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def meaning(found: distances.Difference, corrected: Corrected, first: str, second: str) -> str:
    """What the difference says at the 5 % level, on these problems and beyond."""
    if corrected.same >= ALPHA:
        return "no difference shown"
    better = second if found.value > 0 else first
    if corrected.beyond is not None and corrected.beyond < ALPHA:
        return f"{better} is better on these problems and on problems of the kind"
    return f"{better} is better on these problems; not shown for other problems of the kind"


def share_words(found: distances.Difference) -> str:
    """ "Of its variance over problems 18.0 % is sampling, the rest which problems are asked."; "" where not known."""
    share = distances.sampling_share(found)
    return (
        ""
        if share is None
        else (f"Of its variance over problems {percent(share)} % is sampling, the rest which problems are asked.")
    )


def sampling_words(told: Sequence[ScoredRun]) -> str:
    """ "Of the variance over problems sampling is: r1_aime24 A 12 %, …": what more samples could take away."""
    shares = [
        f"{label(each, name)} {percent(share)} %"
        for name in dict.fromkeys(name for each in told for name in each.run.tasks)
        for each in told
        if name in each.run.tasks
        and (share := distances.sampling_share(estimates.spread(each.scores[name]))) is not None
    ]
    words = ", ".join(shares)
    return (
        f"Of the variance over problems sampling is: {words}; the rest is which problems are asked." if shares else ""
    )


def label(each: ScoredRun, task: str) -> str:
    return f"{each.run.tasks[task].title} {each.letter}" + (" (partial)" if each.partial.get(task) else "")
