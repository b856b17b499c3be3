"""What a run will take and say, before it: tokens, the error at n, the n for an error, what it takes to tell two models
apart. From samples of the same model where there are any, else from what is usual.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lighteval_r1.numbers.allocation import log_likelihoods, normal, pilot_size, spreads
from lighteval_r1.numbers.intervals import t_quantile

# Of p (1 - p), the part that is spread within problems: the middle of 0.22 to 0.53 in published lists of ten runs each
# of AIME and AMC.
USUAL_PART = 0.35
# How two models' rates on the same problem go together: an assumption, said beside what follows from it.
USUAL_CORRELATION = 0.8
POWER_QUANTILE = 0.8416  # of the normal distribution: four of five such differences are seen
# The usual spread between problems' rates, where nothing is known of them: that of rates spread evenly.
EVEN_SPREAD = 1 / 12


@dataclass(frozen=True)
class Known:
    """What is known of one task's problems. spread: p (1 - p), and tokens: of a reply, both [n_problems].

    between: variance of the problems' rates. source: where both are from, in words.
    """

    spread: np.ndarray
    tokens: np.ndarray
    between: float
    source: str

    @property
    def n_problems(self) -> int:
        return len(self.spread)

    def n_tokens(self, n: int) -> int:
        return round(n * float(self.tokens.sum()))

    def error_at(self, n: int) -> float:
        return math.sqrt(float(self.spread.sum()) / n) / self.n_problems

    def n_for(self, error: float) -> int:
        return max(1, math.ceil(float(self.spread.sum()) / (self.n_problems * error) ** 2 - 1e-9))

    def adaptive_tokens(self, error: float, *, most: int) -> int:
        """A pilot and the best allocation, which an adaptive run comes near to; never more than a fixed n takes."""
        pilot = pilot_size(self.n_problems, error=error, most=most)
        best = float(np.sqrt(self.spread * self.tokens).sum()) ** 2 / (self.n_problems * error) ** 2
        return min(self.n_tokens(self.n_for(error)), round(pilot * float(self.tokens.sum()) + best))

    def n_to_see(self, difference: float) -> int:
        """Of both models, on these problems: Miller 2024, section 5, https://arxiv.org/abs/2411.00640."""
        return self.n_for(difference / (t_quantile(math.inf) + POWER_QUANTILE) / math.sqrt(2))

    def problems_to_see(self, difference: float, *, n: int) -> int:
        """Of the kind, with n samples of each from both models; the same source."""
        variance = 2 * self.between * (1 - USUAL_CORRELATION) + 2 * float(self.spread.mean()) / n
        return math.ceil(variance * ((t_quantile(math.inf) + POWER_QUANTILE) / difference) ** 2)


def known_from(scores: Sequence[np.ndarray], lengths: Sequence[np.ndarray], *, source: str) -> Known:
    """scores, lengths: [n_problems][samples so far], of problems without one empty."""
    wins, sizes = np.array([row.sum() for row in scores]), np.array([len(row) for row in scores])
    prior = normal(log_likelihoods(wins, sizes).sum(axis=0))
    usual = float(np.concatenate(lengths).mean())
    tokens = np.array([float(row.mean()) if len(row) else usual for row in lengths])
    spread = spreads(prior, wins, sizes)
    rate = float(wins.sum() / max(1, sizes.sum()))
    return Known(spread, tokens, max(0.0, rate * (1 - rate) - float(spread.mean())), source)


def known_usual(n_problems: int, *, tokens: float, rate: float | None, source: str) -> Known:
    """rate: a published pass@1 of the model."""
    spread = 0.25 - EVEN_SPREAD if rate is None else USUAL_PART * rate * (1 - rate)
    between = EVEN_SPREAD if rate is None else (1 - USUAL_PART) * rate * (1 - rate)
    return Known(np.full(n_problems, spread), np.full(n_problems, tokens), between, source)
