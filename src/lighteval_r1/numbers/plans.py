"""What a run will take and say, before it: tokens, the error at n, the n for an error, what it takes to tell two models
apart. From samples of the same model where there are any, else from what is usual.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lighteval_r1.numbers.allocation import ALPHAS, BETAS, allocate, log_likelihoods, normal, spreads
from lighteval_r1.numbers.estimates import Scores, moments
from lighteval_r1.numbers.intervals import t_quantile

# Of p (1 - p), the part that is spread within problems: the middle of 0.22 to 0.53 in published lists of ten runs each
# of AIME and AMC.
USUAL_PART = 0.35
# How two models' rates on the same problem go together: an assumption, said beside what follows from it.
USUAL_CORRELATION = 0.8
POWER_QUANTILE = 0.8416  # of the normal distribution: four of five such differences are seen
# Adaptive runs that a forecast simulates.
SIMULATED = 20


@dataclass(frozen=True)
class Known:
    """What is known of one task's problems. spread: p (1 - p), and tokens: of a reply, both [n_problems].

    between: variance of the problems' rates. source: where both are from, in words.
    rates: [n_simulated][n_problems], as they may be by all that is known. right: [n_problems][samples so far].
    by_outcome: [n_problems][2], tokens of a reply that is not right, and of one that is.
    """

    spread: np.ndarray
    tokens: np.ndarray
    between: float
    source: str
    rates: np.ndarray
    right: Sequence[np.ndarray]
    by_outcome: np.ndarray

    @property
    def n_problems(self) -> int:
        return len(self.spread)

    @property
    def undrawn(self) -> "Known":
        """The same, of a run that has none of these samples."""
        return replace(self, right=[np.zeros(0)] * self.n_problems)

    def n_tokens(self, n: int) -> int:
        return round(n * float(self.tokens.sum()))

    def owed_tokens(self, n: int) -> int:
        """Without those of the samples that there are."""
        lacking = np.maximum(0, n - np.array([len(row) for row in self.right]))
        return round(float(lacking @ self.tokens))

    def error_at(self, n: int) -> float:
        return math.sqrt(float(self.spread.sum()) / n) / self.n_problems

    def n_for(self, error: float) -> int:
        return max(1, math.ceil(float(self.spread.sum()) / (self.n_problems * error) ** 2 - 1e-9))

    def adaptive_tokens(self, error: float, *, most: int) -> np.ndarray:
        """[n_simulated][3]: what adaptive runs of this error take in all, what of it is still to be drawn, and whether
        they reach it.

        Each goes on from the samples that there are, with rates that fit these: what a pilot of few samples leaves open
        is in how far the runs differ.
        """
        rng = np.random.default_rng(0)
        return np.array([self.simulated(rng, rates, error=error, most=most) for rates in self.rates])

    def simulated(self, rng: np.random.Generator, rates: np.ndarray, *, error: float, most: int) -> tuple[float, ...]:
        scores = (rng.random((self.n_problems, most)) < rates[:, None]).astype(float)
        for row, seen in zip(scores, self.right, strict=True):
            row[: len(seen)] = seen[:most]
        tokens = np.where(scores > 0, self.by_outcome[:, 1:], self.by_outcome[:, :1])
        dealt = allocate(scores, tokens, error=error, most=most)
        sizes = dealt.sizes
        return (
            sum(float(row[:size].sum()) for row, size in zip(tokens, sizes, strict=True)),
            sum(float(row[len(seen) : size].sum()) for row, seen, size in zip(tokens, self.right, sizes, strict=True)),
            float(dealt.reached),
        )

    def n_to_see(self, difference: float) -> int:
        """Of both models, on these problems: Miller 2024, section 5, https://arxiv.org/abs/2411.00640."""
        return self.n_for(difference / (t_quantile(math.inf) + POWER_QUANTILE) / math.sqrt(2))

    def problems_to_see(self, difference: float, *, n: int) -> int:
        """Of the kind, with n samples of each from both models; the same source."""
        variance = 2 * self.between * (1 - USUAL_CORRELATION) + 2 * float(self.spread.mean()) / n
        return math.ceil(variance * ((t_quantile(math.inf) + POWER_QUANTILE) / difference) ** 2)


def samples_needed(scores: Scores, *, error: float) -> int:
    """Samples of each problem for which se_resampling would be `error` (a fraction), going by the spread seen so far.

    Raises ValueError with one sample of a problem: no spread is known.
    From se_resampling ** 2 = sum(variance / n) / N ** 2.
    """
    _, variances, sizes = moments(scores)
    if error <= 0 or sizes.min() < 2:
        raise ValueError("needs a wanted error above 0, and at least 2 samples of each problem to know their spread")
    return max(1, math.ceil(variances.sum() / (len(sizes) * error) ** 2 - 1e-9))


def known_from(scores: Sequence[np.ndarray], lengths: Sequence[np.ndarray], *, source: str) -> Known:
    """scores, lengths: [n_problems][samples so far], of a problem without one empty."""
    wins, sizes = np.array([row.sum() for row in scores]), np.array([len(row) for row in scores])
    prior = normal(log_likelihoods(wins, sizes).sum(axis=0))
    usual = float(np.concatenate(lengths).mean())
    tokens = np.array([float(row.mean()) if len(row) else usual for row in lengths])
    spread = spreads(prior, wins, sizes)
    rate = float(wins.sum() / max(1, sizes.sum()))
    between = max(0.0, rate * (1 - rate) - float(spread.mean()))
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(prior), p=prior, size=(SIMULATED, 1))
    rates = rng.beta(ALPHAS[chosen] + wins, BETAS[chosen] + sizes - wins)
    return Known(spread, tokens, between, source, rates, scores, lengths_by_outcome(scores, lengths))


def lengths_by_outcome(scores: Sequence[np.ndarray], lengths: Sequence[np.ndarray]) -> np.ndarray:
    """[n_problems][2]: the mean length of each outcome, times how long the problem's replies are for their outcomes."""
    outcomes, tokens = np.concatenate(scores), np.concatenate(lengths)
    usual = float(tokens.mean())
    means = np.array([tokens[outcomes == of].mean() if (outcomes == of).any() else usual for of in (0.0, 1.0)])
    # One usual reply beside the problem's own, so that a single long one does not make the problem a long one.
    longer = [
        (row.sum() + usual) / (means[right.astype(int)].sum() + usual)
        for right, row in zip(scores, lengths, strict=True)
    ]
    return np.outer(longer, means)


def known_usual(n_problems: int, *, tokens: float, rate: float | None, source: str) -> Known:
    """rate: a published pass@1 of the model."""
    # Beta distributed rates; spread evenly where nothing is known of them.
    mean, size = (0.5, 2.0) if rate is None else (rate, USUAL_PART / (1 - USUAL_PART))
    within = size / (size + 1)
    rates = np.random.default_rng(0).beta(max(1e-6, mean * size), max(1e-6, (1 - mean) * size), (SIMULATED, n_problems))
    return Known(
        np.full(n_problems, mean * (1 - mean) * within),
        np.full(n_problems, tokens),
        mean * (1 - mean) * (1 - within),
        source,
        rates,
        [np.zeros(0)] * n_problems,
        np.full((n_problems, 2), tokens),
    )
