"""95 % intervals that never collapse: of a fraction over new samples or other problems, of sums and of differences."""

import functools
import math
from collections.abc import Sequence

import numpy as np

# Where two numbers count as different, and the intervals' other side: the convention of the field.
ALPHA = 0.05
Interval = tuple[float, float]


@functools.lru_cache
def t_quantile(df: float) -> float:
    """What chance exceeds, either way, with probability ALPHA: 1.96 for many degrees, 2.05 for 29, 12.7 for 1."""
    # Imported here: it takes most of a second, and most commands have no use for it.
    from scipy.special import stdtrit

    return float(stdtrit(df, 1 - ALPHA / 2))


def interval(value: float, se: float, *, n_least: int) -> Interval:
    """95 % interval of a fraction from its standard error, inside [0, 1], also where no spread was seen.

    n_least: samples, for se_resampling; problems, for se_problems. Wilson's interval with the sample size that a
    binomial of this error would have had (n_least where all scores are equal, so se is 0) and Student's quantile for
    n_least - 1. Simulated coverage for se_resampling with 30 problems of seven kinds and 16 samples: 93.4 to 96.1 %;
    where few problems are sometimes right and sometimes wrong, and only 4 or 2 samples were drawn, 91 and 85 %.
    For se_problems of scores see over_problems.
    Source: Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953; effective size and Student's quantile as in
    Korn and Graubard 1998, Survey Methodology 24, 193-201.
    """
    size = max(1.0, value * (1 - value) / se**2) if se > 1e-9 and 0 < value < 1 else n_least
    quantile = t_quantile(max(1, n_least - 1))
    centre = (value + quantile**2 / (2 * size)) / (1 + quantile**2 / size)
    half = quantile / (1 + quantile**2 / size) * math.sqrt(value * (1 - value) / size + quantile**2 / (4 * size**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def over_problems(right: np.ndarray, sizes: np.ndarray) -> Interval:
    """95 % interval of pass@1 over other problems of the kind.

    right, sizes: per problem its right samples, and all; sizes may differ. Two problems at least.
    Wilson's, as `interval` has it, misses on one side where few problems carry the mean: those that were not drawn are
    not in the spread either. There its end towards the middle is moved out to the one that beta_binomial_end gives, in
    full below 25 and above 75 %, less the nearer the mean is to 50 %. It is never moved in: that would bring what is
    above 97 % to 94 to 96, and Beta(0.05, 1) of 30 x 4 to 91.7.
    Simulated, 1,000 runs of each (`make soak SOAK=coverage`): p ~ Beta(a, b) with (a, b) = (0.7, 0.6), (1, 1), (2, 2),
    (0.2, 0.2), (0.2, 1), (1, 0.2), (0.2, 2), (0.5, 3), (3, 0.5), (5, 0.4), (0.05, 1), (3, 0.1); 45 % never, 45 %
    always, 10 % half of the time; all 0.5, all 0.97, all 0.02; 70 % at 0.2 and 30 % at 0.9; Beta(1, 5) with Beta(8, 2).
    Problems x samples: 12 x 64, 30 x 4, 16, 64 and 2 to 64, 60 x 16, 198 x 8, 500 x 4 and 2 to 16. Covered 92.5 to
    98.8 %, 148 of the 162 within 93 to 97 (chance: 0.7); highest where all are alike near 0 or 1. Of 6 problems, 12 x 4
    and one sample each, where the mean has few values: 87.5 to 99.1 %. No interval can cover where problems that carry
    the mean are so rare that often none is drawn (of 30 problems with 64 samples 1 in 20 at 0.6, the others at 0.02:
    76 %).
    """
    means = right / sizes
    value, n = float(means.mean()), len(means)
    low, high = interval(value, float(means.std(ddof=1)) / math.sqrt(n), n_least=n)
    if value > 0.5:
        return tuple(1 - end for end in reversed(over_problems(sizes - right, sizes)))  # type: ignore[return-value]
    moved = min(1.0, 4 * (0.5 - value)) * max(0.0, beta_binomial_end(right, sizes, low, high) - high)
    return low, min(1.0, high + moved)


def beta_binomial_end(right: np.ndarray, sizes: np.ndarray, low: float, high: float) -> float:
    """The 97.5 % point of the mean where problems' rates are Beta distributed, given how many samples are right.

    Prior: Jeffreys' for the mean; a + b alike over its logarithm, from 0.02 (always or never) to 1e5 (all alike).
    low, high: an interval about which, and well beyond, the mean is looked for.
    """
    ends = [2 / math.pi * math.asin(math.sqrt(end)) for end in (low, high)]
    width = ends[1] - ends[0]
    # Of equal steps in the arcsine each has the same weight by Jeffreys' prior.
    edges = np.sin(np.linspace(max(0.0, ends[0] - width), min(1.0, ends[1] + 4 * width), 81) * math.pi / 2) ** 2
    mean = ((edges[1:] + edges[:-1]) / 2)[:, None, None]
    total = np.exp(np.linspace(math.log(0.02), math.log(1e5), 37))[:, None]
    # A problem's likelihood is a product over its samples, so it is counted how many problems have an i-th one.
    i = np.arange(sizes.max())
    n_right, n_wrong, n_all = ((counts[:, None] > i).sum(axis=0) for counts in (right, sizes - right, sizes))
    logs = np.log(mean * total + i) @ n_right + np.log((1 - mean) * total + i) @ n_wrong - np.log(total + i) @ n_all
    weights = np.exp(logs - logs.max()).sum(axis=1)
    return float(np.interp(1 - ALPHA / 2, np.cumsum([0, *weights / weights.sum()]), edges))


def combined(parts: Sequence[tuple[float, float, Interval | None]]) -> Interval | None:
    """Interval of a sum of weight times value; None where a part has none. parts: (weight, value, its interval).

    The parts are independent; each is as far off as its own interval's nearer end says, and the squares add.
    Source: Zou and Donner 2008, https://doi.org/10.1002/sim.3095.
    """
    value = sum(weight * part for weight, part, _ in parts)
    below = above = 0.0
    for weight, part, of_part in parts:
        if of_part is None:
            return None
        ends = sorted(weight * (end - part) for end in of_part)
        below, above = math.hypot(below, min(0.0, ends[0])), math.hypot(above, max(0.0, ends[1]))
    return value - below, value + above
