"""How far apart two runs are, or a run and a published number: differences with their errors, and what chance says."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.numbers.estimates import Scores, counts, moments, over_samples, spread
from lighteval_r1.numbers.intervals import Interval, combined, interval, t_quantile
from lighteval_r1.records import Estimate

# Standard errors from which on their number says no more.
FAR = 10


@dataclass(frozen=True)
class Difference:
    """Second run minus first on the same problems, with what its errors say.

    p_resampling: how often two runs whose true means on these problems are equal would differ this much or more.
    p_problems: the same for two models that are equally good at problems of the kind; None with one problem.
    se_resampling, same_problems None: one sample per problem. same_problems, other_problems: 95 % intervals.
    """

    value: float
    se_resampling: float | None
    se_problems: float | None
    p_resampling: float
    p_problems: float | None
    n_problems: int
    same_problems: Interval | None = None
    other_problems: Interval | None = None


def p_value(ratio: float, *, df: float = math.inf) -> float:
    """How often chance alone exceeds |ratio| standard errors, either way: Student's t with df degrees, or normal."""
    # Imported here: it takes most of a second, and most commands have no use for it.
    from scipy.special import stdtr

    return 2 * float(stdtr(df, -abs(ratio)))


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
    runs = [(weight, spread(run), counts(run)) for weight, run in ((1, second), (-1, first))]
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
        same_problems=combined([(weight, run.value, over_samples(run, *of_run)) for weight, run, of_run in runs]),
        other_problems=None if se_problems is None else paired_interval(value, se_problems, n=len(moved)),
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


def paired_interval(value: float, se: float, *, n: int) -> Interval:
    """95 % interval of a mean of n paired differences, inside [-1, 1]: Student's.

    Where every problem moved alike, so many of the kind may move otherwise, to -1 or to 1, as Wilson's interval of
    0 of n allows.
    """
    half = t_quantile(max(1, n - 1)) * se
    below = above = half
    if se <= 1e-12:
        share = interval(0.0, 0.0, n_least=n)[1]
        below, above = share * (1 + value), share * (1 - value)
    return max(-1.0, value - below), min(1.0, value + above)


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p for all of them being looked at: below ALPHA for none that is chance alone, in 95 of 100 such tables.

    Source: Holm 1979, https://www.jstor.org/stable/4615733.
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def sampling_share(found: Estimate | Difference) -> float | None:
    """Of the variance over problems the share that new samples of the same problems have, too; the rest is problems.

    None where either is not known. Source: Wang 2025, "Measuring all the noises of LLM Evals",
    https://arxiv.org/abs/2512.21326.
    """
    if found.se_resampling is None or not found.se_problems:
        return None
    return min(1.0, (found.se_resampling / found.se_problems) ** 2)


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
    """ "within 1 standard error", "2.4 standard errors below", "more than 10 standard errors below"."""
    if abs(ratio) < 1:
        return "within 1 standard error"
    size = f"{abs(ratio):.1f}" if abs(ratio) < FAR else f"more than {FAR}"
    return f"{size} standard errors {'above' if ratio > 0 else 'below'}"
