"""From scores to estimates: pass@1 with two standard errors, intervals, pass@k, majority votes.

Two standard errors, by name. `se_resampling` is the spread that would be seen if the same problems were sampled again:
compare with it against a number published on the same problems. `se_problems` is the spread over other problems of the
kind: it says whether a model is better at mathematics. It holds the resampling noise too, since new problems bring
new samples.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lighteval_r1.numbers.intervals import Interval, combined, interval, over_problems, t_quantile
from lighteval_r1.records import Estimate, WeighedScores

Scores = Sequence[np.ndarray] | np.ndarray  # [n_problems][n_samples of the problem], each 0.0 or 1.0

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
        len(row) * float(row.weighing.weights @ np.asarray(row)) if isinstance(row, WeighedScores) else np.sum(row)
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
            weights = row.weighing.weights
            means[at], sizes[at] = float(weights @ np.asarray(row)), 1 / float(weights @ weights)
            variances[at] = row.weighing.squared_error * sizes[at]
    return means, variances, sizes


def p_value(ratio: float, *, df: float = math.inf) -> float:
    """How often chance alone exceeds |ratio| standard errors, either way: Student's t with df degrees, or normal."""
    # Imported here: it takes most of a second, and most commands have no use for it.
    from scipy.special import stdtr

    return 2 * float(stdtr(df, -abs(ratio)))


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


def weighted(tasks: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """A mean of tasks; weights add up to 1. Their errors add as squares: the tasks are given, and drawn from apart."""

    def joined(errors: list[float | None]) -> float | None:
        known = [error for error in errors if error is not None]
        return math.hypot(*(w * e for w, e in zip(weights, known, strict=True))) if len(known) == len(errors) else None

    pairs = list(zip(weights, tasks, strict=True))
    return Estimate(
        value=sum(weight * task.value for weight, task in pairs),
        se_resampling=joined([task.se_resampling for task in tasks]),
        se_problems=joined([task.se_problems for task in tasks]),
        n_problems=sum(task.n_problems for task in tasks),
        n_samples=sum(task.n_samples for task in tasks),
        same_problems=combined([(weight, task.value, task.same_problems) for weight, task in pairs]),
        other_problems=combined([(weight, task.value, task.other_problems) for weight, task in pairs]),
    )


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
