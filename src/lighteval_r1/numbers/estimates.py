"""From scores to estimates: pass@1 with two standard errors, intervals, pass@k, majority votes.

Two standard errors, by name. `se_resampling` is the spread that would be seen if the same problems were sampled again:
compare with it against a number published on the same problems. `se_problems` is the spread over other problems of the
kind: it says whether a model is better at mathematics. It holds the resampling noise too, since new problems bring
new samples.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from lighteval_r1.numbers.intervals import Interval, combined, interval, over_problems
from lighteval_r1.records import Estimate
from lighteval_r1.records.weighed import WeighedScores

Scores = Sequence[np.ndarray] | np.ndarray  # [n_problems][n_samples of the problem], each 0.0 or 1.0


def estimate(scores: Scores) -> Estimate:
    """Mean accuracy over problems with its standard errors and 95 % intervals.

    scores: [n_problems][n_samples of the problem], each 0.0 or 1.0; the numbers of samples may differ.
    Raises ValueError without problems or where a problem has no sample: a gap is not a zero.
    Source: Miller 2024, "Adding Error Bars to Evals", https://arxiv.org/abs/2411.00640, sections 2 and 3.
    """
    plain, (right, sizes) = spread(scores), counts(scores)
    return replace(
        plain,
        same_problems=over_samples(plain, right, sizes),
        other_problems=over_problems(right, sizes) if plain.n_problems > 1 else None,
    )


def spread(scores: Scores) -> Estimate:
    """The same without its intervals, which take longest; scores may be of any range."""
    means, variances, sizes = moments(scores)
    n_problems = len(means)
    se_resampling = None
    if sizes.min() > 1:
        se_resampling = float(np.sqrt(np.sum(variances / sizes)) / n_problems)
    return Estimate(
        value=float(means.mean()),
        se_resampling=se_resampling,
        se_problems=float(means.std(ddof=1) / np.sqrt(n_problems)) if n_problems > 1 else None,
        n_problems=n_problems,
        n_samples=sum(map(len, scores)),
    )


def over_samples(plain: Estimate, right: np.ndarray, sizes: np.ndarray) -> Interval | None:
    """95 % interval over new samples of the same problems; None with one sample of a problem.

    Where no problem's samples differ: as far as 0 of n may be above 0, and n of n below 1.
    """
    if plain.se_resampling is None:
        return None
    if plain.se_resampling:
        return interval(plain.value, plain.se_resampling, n_least=plain.n_samples)
    of_score = [(score, sizes[right == score * sizes]) for score in (0.0, 1.0)]
    return combined(
        [
            (len(alike) / len(sizes), score, interval(score, 0.0, n_least=max(1, int(alike.sum()))))
            for score, alike in of_score
        ]
    )


def counts(scores: Scores) -> tuple[np.ndarray, np.ndarray]:
    """Of each problem how many samples are right, of weighed ones as their mean has it, and how many there are."""
    right = [
        len(row) * float(np.asarray(row.weighing.weights) @ np.asarray(row))
        if isinstance(row, WeighedScores)
        else np.sum(row)
        for row in scores
    ]
    return np.array([round(float(n)) for n in right]), np.array([len(row) for row in scores])


def moments(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each problem the mean of its scores, their variance (0 of one score: no spread is known) and their number.

    Where they do not weigh the same: their weighted mean, the number that had its error at equal weights, and with it
    the variance.
    Raises ValueError without problems or where a problem has no sample.
    """
    if not len(scores):
        raise ValueError("no problems, so nothing to estimate")
    sizes = np.array([len(row) for row in scores])
    if not sizes.all():
        raise ValueError(f"problem number {int(np.argmin(sizes))} has no sample, so there is no mean over problems")
    # All problems' scores in a row, and where each begins: one pass, however many problems and whatever their sizes.
    flat = np.concatenate([np.asarray(row, dtype=float) for row in scores])
    starts = np.cumsum(sizes) - sizes
    means = np.add.reduceat(flat, starts) / sizes
    squares = np.add.reduceat((flat - np.repeat(means, sizes)) ** 2, starts)
    variances = squares / np.maximum(sizes - 1, 1)
    if weighed := [(at, row) for at, row in enumerate(scores) if isinstance(row, WeighedScores)]:
        sizes = sizes.astype(float)
        for at, row in weighed:
            weights = np.asarray(row.weighing.weights)
            means[at], sizes[at] = float(weights @ np.asarray(row)), 1 / float(weights @ weights)
            variances[at] = row.weighing.squared_error * sizes[at]
    return means, variances, sizes


def pass_at_k(n: int, c: int, k: int) -> float:
    """Probability that one of k samples is right, from n samples of which c are: 1 - C(n-c, k) / C(n, k).

    Raises ValueError where n < k: fewer samples than k do not say.
    Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code", https://arxiv.org/abs/2107.03374.
    """
    if not 0 <= c <= n or k < 1:
        raise ValueError(f"pass@{k} of {c} right among {n} has no meaning")
    if n < k:
        raise ValueError(f"pass@{k} needs at least {k} samples of each problem; there are {n}")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def maj_at_n(labels: Sequence[Hashable | None], *, correct: Hashable) -> float:
    """1.0 where the most frequent label is the correct one; a tie among t labels counts 1/t; None abstains.

    Source: Wang et al. 2022, "Self-Consistency", https://arxiv.org/abs/2203.11171.
    """
    votes = Counter(label for label in labels if label is not None)
    if not votes:
        return 0.0
    most = max(votes.values())
    return 1.0 / sum(count == most for count in votes.values()) if votes.get(correct, 0) == most else 0.0
