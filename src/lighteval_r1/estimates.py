"""From scores to estimates: pass@1 with two standard errors, intervals, pass@k, majority votes. numpy only.

Two standard errors, by name. `se_resampling` is the spread that would be seen if the same problems were sampled again:
compare with it against a number published on the same problems. `se_problems` is the spread over other problems of the
kind: it says whether a model is better at mathematics. It holds the resampling noise too, since new problems bring
new samples.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from lighteval_r1.records import Estimate

Z_95 = 1.959963984540054


def estimate(scores: Sequence[np.ndarray] | np.ndarray) -> Estimate:
    """Mean accuracy over problems with its standard errors.

    scores: [n_problems][n_samples of the problem], each 0.0 or 1.0; the numbers of samples may differ.
    Raises ValueError without problems or where a problem has no sample: a gap is not a zero.
    Source: Miller 2024, "Adding Error Bars to Evals", https://arxiv.org/abs/2411.00640, sections 2 and 3.
    """
    rows = [np.asarray(row, dtype=float) for row in scores]
    if not rows:
        raise ValueError("no problems, so nothing to estimate")
    empty = [i for i, row in enumerate(rows) if row.size == 0]
    if empty:
        raise ValueError(f"problem number {empty[0]} has no sample, so there is no mean over problems")
    means = np.array([row.mean() for row in rows])
    n_problems = len(rows)
    se_resampling = None
    if all(row.size > 1 for row in rows):
        se_resampling = float(np.sqrt(sum(row.var(ddof=1) / row.size for row in rows)) / n_problems)
    se_problems = float(means.std(ddof=1) / np.sqrt(n_problems)) if n_problems > 1 else None
    return Estimate(
        value=float(means.mean()),
        se_resampling=se_resampling,
        se_problems=se_problems,
        n_problems=n_problems,
        n_samples=sum(row.size for row in rows),
    )


def interval(value: float, se: float, *, n_least: int) -> tuple[float, float]:
    """95 % interval of a fraction, inside [0, 1], also where no spread was seen.

    Wilson's interval with the sample size that a binomial of this error would have had; where all scores are equal
    (se 0) the size is n_least: samples for se_resampling, problems for se_problems.
    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953; effective size as in Kish 1965.
    """
    size = value * (1 - value) / se**2 if se > 0 and 0 < value < 1 else n_least
    centre = (value + Z_95**2 / (2 * size)) / (1 + Z_95**2 / size)
    half = Z_95 / (1 + Z_95**2 / size) * math.sqrt(value * (1 - value) / size + Z_95**2 / (4 * size**2))
    return max(0.0, centre - half), min(1.0, centre + half)


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
