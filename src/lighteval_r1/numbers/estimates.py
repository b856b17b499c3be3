"""From scores to estimates: pass@1 with two standard errors, intervals, pass@k, majority votes.

Two standard errors, by name. `se_resampling` is the spread that would be seen if the same problems were sampled again:
compare with it against a number published on the same problems. `se_problems` is the spread over other problems of the
kind: it says whether a model is better at mathematics. It holds the resampling noise too, since new problems bring
new samples.
"""

import functools
import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.records import Estimate

Scores = Sequence[np.ndarray] | np.ndarray  # [n_problems][n_samples of the problem], each 0.0 or 1.0

# Where two numbers count as different, and the intervals' other side: the convention of the field.
ALPHA = 0.05


@dataclass(frozen=True)
class Difference:
    """Second run minus first on the same problems, with what its errors say.

    p_resampling: how often two runs whose true means on these problems are equal would differ this much or more.
    p_problems: the same for two models that are equally good at problems of the kind; None with one problem.
    se_resampling None: one sample per problem.
    """

    value: float
    se_resampling: float | None
    se_problems: float | None
    p_resampling: float
    p_problems: float | None
    n_problems: int


def estimate(scores: Scores) -> Estimate:
    """Mean accuracy over problems with its standard errors.

    scores: [n_problems][n_samples of the problem], each 0.0 or 1.0; the numbers of samples may differ.
    Raises ValueError without problems or where a problem has no sample: a gap is not a zero.
    Source: Miller 2024, "Adding Error Bars to Evals", https://arxiv.org/abs/2411.00640, sections 2 and 3.
    """
    means, variances, sizes = moments(scores)
    n_problems = len(means)
    se_resampling = None
    if sizes.min() > 1:
        se_resampling = float(np.sqrt(np.sum(variances / sizes)) / n_problems)
    se_problems = float(means.std(ddof=1) / np.sqrt(n_problems)) if n_problems > 1 else None
    return Estimate(
        value=float(means.mean()),
        se_resampling=se_resampling,
        se_problems=se_problems,
        n_problems=n_problems,
        n_samples=int(sizes.sum()),
    )


def moments(scores: Scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each problem the mean of its scores, their variance (0 of one score: no spread is known) and their number.

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
    return means, squares / np.maximum(sizes - 1, 1), sizes


def interval(value: float, se: float, *, n_least: int) -> tuple[float, float]:
    """95 % interval of a fraction, inside [0, 1], also where no spread was seen.

    n_least: samples, for se_resampling; problems, for se_problems. Wilson's interval with the sample size that a
    binomial of this error would have had (n_least where all scores are equal, so se is 0) and Student's quantile for
    n_least - 1. Simulated coverage with 30 problems of seven kinds and 16 samples: 93.4 to 96.1 % for either error
    (least where most problems are hard); where few problems are sometimes right and sometimes wrong, and only 4 or 2
    samples were drawn, 91 and 85 % for se_resampling.
    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953; effective size and Student's quantile as in
    Korn and Graubard 1998, Survey Methodology 24, 193-201.
    """
    size = max(1.0, value * (1 - value) / se**2) if se > 1e-9 and 0 < value < 1 else n_least
    quantile = t_quantile(max(1, n_least - 1))
    centre = (value + quantile**2 / (2 * size)) / (1 + quantile**2 / size)
    half = quantile / (1 + quantile**2 / size) * math.sqrt(value * (1 - value) / size + quantile**2 / (4 * size**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def p_value(ratio: float, *, df: float = math.inf) -> float:
    """How often chance alone exceeds |ratio| standard errors, either way: Student's t with df degrees, or normal."""
    # Imported here: it takes most of a second, and most commands have no use for it.
    from scipy.special import stdtr

    return 2 * float(stdtr(df, -abs(ratio)))


@functools.lru_cache
def t_quantile(df: float) -> float:
    """What chance exceeds, either way, with probability ALPHA: 1.96 for many degrees, 2.05 for 29, 12.7 for 1."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - ALPHA / 2))


def samples_needed(scores: Scores, *, error: float) -> int:
    """Samples of each problem for which se_resampling would be `error` (a fraction), going by the spread seen so far.

    Raises ValueError with one sample of a problem: no spread is known.
    From se_resampling ** 2 = sum(variance / n) / N ** 2.
    """
    _, variances, sizes = moments(scores)
    if error <= 0 or sizes.min() < 2:
        raise ValueError("needs a wanted error above 0, and at least 2 samples of each problem to know their spread")
    return max(1, math.ceil(variances.sum() / (len(sizes) * error) ** 2 - 1e-9))


def difference(first: Scores, second: Scores) -> Difference:
    """Second minus first, paired by problem.

    first, second: the same problems in the same order. Raises ValueError where their numbers differ.
    p_resampling: Welch's test, a variance for each problem and run; where no spread is known (one sample each) or seen,
    exchange_p. p_problems: Student's test of the paired differences.
    Source: Welch 1947, https://doi.org/10.1093/biomet/34.1-2.28; pairing: Miller 2024, section 4.2.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} problems cannot be paired with {len(second)}")
    (before, *of_first), (after, *of_second) = moments(first), moments(second)
    moved = after - before
    value = float(moved.mean())
    variances, sizes = (np.concatenate(parts) for parts in zip(of_first, of_second, strict=True))
    se_resampling = None
    if sizes.min() > 1:
        se_resampling = float(np.sqrt(np.sum(variances / sizes)) / len(moved))
    se_problems = float(moved.std(ddof=1) / math.sqrt(len(moved))) if len(moved) > 1 else None
    if se_resampling:
        p_resampling = p_value(value / se_resampling, df=welch_df(variances / sizes, sizes))
    else:
        p_resampling = exchange_p(first, second)
    return Difference(
        value=value,
        se_resampling=se_resampling,
        se_problems=se_problems,
        p_resampling=p_resampling,
        p_problems=None if se_problems is None else paired_p(value, se_problems, n=len(moved)),
        n_problems=len(moved),
    )


def welch_df(variances: np.ndarray, sizes: np.ndarray) -> float:
    """Degrees of freedom of the sum of several means' variances, by Welch and Satterthwaite; sizes: of the samples."""
    return float(variances.sum() ** 2 / np.sum(variances**2 / (sizes - 1)))


def exchange_p(first: Scores, second: Scores) -> float:
    """How often the means would differ this much were each problem's scores dealt out between the runs at random.

    Mantel and Haenszel's test with a stratum per problem; with one sample each it is McNemar's. It asks whether every
    problem is solved equally often, which is more than equal means; it needs no spread within a run.
    Source: Mantel and Haenszel 1959, https://doi.org/10.1093/jnci/22.4.719.
    """
    moved = variance = 0.0
    for before, after in zip(first, second, strict=True):
        n, right = len(before) + len(after), sum(before) + sum(after)
        moved += sum(after) / len(after) - sum(before) / len(before)
        variance += right * (n - right) / (len(before) * len(after) * (n - 1))
    return p_value(moved / math.sqrt(variance)) if variance else 1.0


def paired_p(value: float, se: float, *, n: int) -> float:
    if se > 1e-12:
        return p_value(value / se, df=n - 1)
    # Every problem moved alike, so no spread is known: the sign test's p.
    return 1.0 if value == 0 else 2.0 ** (1 - n)


def standard_errors(ours: Estimate, published: float, *, n: int | None = None) -> float:
    """How many standard errors ours is above (or, negative, below) a number published on the same problems.

    n: samples per problem behind the published number; its own error is then counted in, as our spread implies it.
    Where our error is not known or 0, the half-width of the interval stands in for it.
    """
    se = ours.se_resampling
    if not se:
        low, high = interval(ours.value, 0.0, n_least=ours.n_samples)
        se = (high - low) / 2 / t_quantile(math.inf)
    n_ours = ours.n_samples / ours.n_problems
    return (ours.value - published) / (se * math.sqrt(1 + (n_ours / n if n else 0)))


def in_words(ratio: float) -> str:
    """ "within 1 standard error", "2.4 standard errors below"."""
    if abs(ratio) < 1:
        return "within 1 standard error"
    return f"{abs(ratio):.1f} standard errors {'above' if ratio > 0 else 'below'}"


def task_pass_at_k(scores: Scores, k: int) -> float:
    """Mean of pass@k over problems. Raises ValueError, saying which problem, where one has fewer than k samples."""
    rows = [np.asarray(row) for row in scores]
    for number, row in enumerate(rows):
        if row.size < k:
            raise ValueError(f"pass@{k} needs {k} samples of each problem; problem number {number} has {row.size}")
    return float(np.mean([pass_at_k(row.size, int(row.sum()), k) for row in rows]))


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
