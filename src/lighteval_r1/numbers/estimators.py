"""The field's other estimators, each unbiased from n samples a problem for any k up to n: pass@k, pass^k, G-Pass@k,
mG-Pass@k, maj@k, and what others call pass@1 and maj@k. Asked for by name: `--also pass@8,maj@16,g-pass@16:0.5`."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from lighteval_r1.numbers.estimates import Scores, estimate, pass_at_k
from lighteval_r1.numbers.intervals import Interval, interval
from lighteval_r1.numbers.scores import vote_labels
from lighteval_r1.numbers.tables import INTERVAL_HEADERS, columns, intervals, percent
from lighteval_r1.records import Estimate, TaskRun, UserError

KNOWN = "pass@8, pass^8, g-pass@16:0.5, mg-pass@16, maj@16, cons@64 (maj@64), avg@16 (pass@1)"
NAME = re.compile(
    r"(?P<kind>pass|pass\^|g-pass|mg-pass|maj|cons|avg|mean)(?:@|(?<=\^))(?P<k>\d+)(?:[:_(](?P<share>[\d.]+)\)?)?"
)
Votes = tuple[int, tuple[int, ...], int]  # how many samples are right, have each wrong answer, and abstain


@dataclass(frozen=True)
class Estimator:
    """value: of a problem, from its samples by vote; by_answers: wrong answers must be told apart."""

    name: str
    k: int
    value: Callable[[Votes], float]
    by_answers: bool = False


def named(text: str) -> list[Estimator]:
    """ "pass@8,maj@16" -> these. UserError for what is none."""
    return [estimator(word.strip().lower()) for word in text.split(",") if word.strip()]


def estimator(name: str) -> Estimator:
    match = NAME.fullmatch(name)
    k = int(match["k"]) if match else 0
    share = float(match["share"]) if match and match["share"] and match["share"].count(".") < 2 else None
    if match is None or k < 1 or (match["kind"] == "g-pass") != (share is not None and 0 <= share <= 1):
        raise UserError(f"{name!r} is no estimator; there are {KNOWN}.")
    kind = match["kind"]
    if kind in ("maj", "cons"):
        return Estimator(f"maj@{k}", k, lambda votes: maj_at_k(votes, k), by_answers=True)
    if kind in ("avg", "mean"):
        return Estimator("pass@1", 1, lambda votes: votes[0] / n_of(votes))
    least = {"pass": 1, "pass^": k, "mg-pass": 0, "g-pass": at_least(share or 0.0, k)}[kind]
    if kind == "mg-pass":
        return Estimator(name, k, lambda votes: mg_pass(n_of(votes), votes[0], k))
    return Estimator(name, k, lambda votes: g_pass(n_of(votes), votes[0], k, least=least))


def n_of(votes: Votes) -> int:
    return votes[0] + sum(votes[1]) + votes[2]


def at_least(share: float, k: int) -> int:
    """Samples of k that a share of them is, rounded up, but 1 at least. 0.7 of 10 is 7, whatever 0.7 * 10 rounds to."""
    return max(1, math.ceil(share * k - 1e-9))


def g_pass(n: int, right: int, k: int, *, least: int) -> float:
    """Probability that `least` or more of k samples are right, from n of which `right` are.

    G-Pass@k at a share is this with at_least(share, k); with k it is pass^k, with 1 pass@k.
    Source: Liu et al. 2024, "Are Your LLMs Capable of Stable Reasoning?", https://arxiv.org/abs/2412.13147, eq. 3;
    pass^k: Yao et al. 2024, "tau-bench", https://arxiv.org/abs/2406.12045.
    """
    if least == 1:
        return pass_at_k(n, right, k)
    ways = sum(math.comb(right, j) * math.comb(n - right, k - j) for j in range(least, k + 1))
    return ways / math.comb(n, k)


def mg_pass(n: int, right: int, k: int) -> float:
    """mG-Pass@k: twice the mean of G-Pass@k over the shares i/k above a half. Source: as g_pass, eq. 5."""
    return 2 / k * sum(g_pass(n, right, k, least=i) for i in range(math.ceil(k / 2) + 1, k + 1))


@lru_cache(maxsize=4096)
def maj_at_k(votes: Votes, k: int) -> float:
    """Mean of maj@k over all sets of k of a problem's samples; a tie among t answers counts 1/t, abstentions nothing.

    Exact: with j right ones in the set, the others' numbers are coefficients of a product of polynomials, a factor for
    each wrong answer, cut off at j; 1/t is the integral of u^(t - 1), which Gauss and Legendre's rule gives.
    """
    right, wrong, abstain = votes
    n, chance = n_of(votes), k / n_of(votes)
    # Probabilities of how many of a class are in a set that each sample joins by chance keep every number small.
    of_right, total = taken(right, chance), 0.0
    for j in range(1, min(right, k) + 1):
        ties = sum(size >= j for size in wrong)
        nodes, weights = np.polynomial.legendre.leggauss(ties // 2 + 1)
        product = np.zeros((len(nodes), k - j + 1))
        product[:, 0] = 1.0
        for size in wrong:
            factor = np.tile(taken(size, chance)[: min(j, k - j) + 1], (len(nodes), 1))
            if factor.shape[1] > j:
                factor[:, j] *= (nodes + 1) / 2
            product = times_polynomial(product, factor)
        product = times_polynomial(product, taken(abstain, chance)[None, : k - j + 1])
        total += of_right[j] * float(weights / 2 @ product[:, k - j])
    return total / float(taken(n, chance)[k])


def taken(size: int, chance: float) -> np.ndarray:
    """[size + 1]: how probable it is that so many of a class are taken, each with this chance."""
    return np.array([math.comb(size, i) * chance**i * (1 - chance) ** (size - i) for i in range(size + 1)])


def times_polynomial(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Row by row, up to the first's degree."""
    product = np.zeros_like(first)
    for power in range(second.shape[1]):
        product[:, power:] += second[:, power : power + 1] * first[:, : first.shape[1] - power]
    return product


def jackknife(of: Estimator, votes: Votes) -> float | None:
    """Variance of a problem's value over new samples, from leaving out one at a time; None where k or 1 are all."""
    right, wrong, abstain = votes
    n = n_of(votes)
    if n <= of.k or n < 2:
        return None
    left = [(right, (right - 1, wrong, abstain))] if right else []
    left += [(abstain, (right, wrong, abstain - 1))] if abstain else []
    for size, times in Counter(wrong).items():
        place = wrong.index(size)
        fewer = (*wrong[:place], *([size - 1] if size > 1 else []), *wrong[place + 1 :])
        left.append((size * times, (right, tuple(sorted(fewer)), abstain)))
    weights = np.array([times for times, _ in left]) / n
    values = np.array([of.value(rest) for _, rest in left])
    return float((n - 1) * weights @ (values - weights @ values) ** 2)


def task_estimate(of: Estimator, problems: Sequence[Votes]) -> Estimate:
    """The mean over problems with its intervals. UserError where a problem has fewer than k samples.

    se_resampling None: some problem has no sample more than k, so what new ones would change is not known.
    """
    fewest = min(map(n_of, problems))
    if fewest < of.k:
        raise UserError(f"{of.name} needs {of.k} samples of each problem; one has {fewest}.")
    if of.k == 1:
        return estimate([np.arange(n_of(votes)) < votes[0] for votes in problems])
    values = np.array([of.value(votes) for votes in problems])
    n, value = len(values), float(values.mean())
    variances = [jackknife(of, votes) for votes in problems]
    known = [variance for variance in variances if variance is not None]
    se_resampling = math.sqrt(sum(known)) / n if len(known) == n else None
    se_problems = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else None
    sets = sum(n_of(votes) // of.k for votes in problems)
    return Estimate(
        value=value,
        se_resampling=se_resampling,
        se_problems=se_problems,
        n_problems=n,
        n_samples=sum(map(n_of, problems)),
        same_problems=None if se_resampling is None else bounded(value, se_resampling, n_least=sets),
        other_problems=None if se_problems is None else bounded(value, se_problems, n_least=n),
    )


def bounded(value: float, se: float, *, n_least: int) -> Interval:
    # A value of a few ulps beyond the ends has no root of its variance.
    return interval(min(1.0, max(0.0, value)), se, n_least=n_least)


def votes_of(task_run: TaskRun, scores: Scores, *, by_answers: bool) -> list[Votes] | None:
    """Per problem; None where wrong answers cannot be told apart (programs, answers that were not kept)."""
    if not by_answers:
        return [(round(float(sum(row))), (), len(row) - round(float(sum(row)))) for row in scores]
    problems: list[Votes] = []
    for problem in task_run.problems:
        labels = vote_labels(problem)
        if labels is None:
            return None
        counts = Counter(labels)
        right, abstain = counts.pop("correct", 0), counts.pop(None, 0)
        problems.append((right, tuple(sorted(counts.values())), abstain))
    return problems


def estimated(also: Sequence[Estimator], task_run: TaskRun, scores: Scores) -> dict[str, Estimate | None]:
    """Each by its name; None where a vote has no meaning. scores: [n_problems][n_samples], of what is graded."""
    graded = replace(task_run, problems=[problem for problem in task_run.problems if problem.graded])
    votes = {of: votes_of(graded, scores, by_answers=of.by_answers) for of in also}
    return {of.name: task_estimate(of, known) if known else None for of, known in votes.items()}


def also_lines(also: Sequence[Estimator], tasks: Mapping[str, TaskRun], scores: Mapping[str, Scores]) -> list[str]:
    """A table with a line per task and estimator; [] where none is asked for."""
    lines = [["task", "estimator", "value", *INTERVAL_HEADERS]]
    for task, task_run in tasks.items():
        for name, found in estimated(also, task_run, scores[task]).items():
            lines.append([task, name, *([percent(found.value), *intervals(found)] if found else ["–"] * 3)])
    return ["", columns(lines, left=2)] if also else []
