"""Tokens of an adaptive run against a fixed n that has the same error: python benchmarks/adaptive.py [RUNS]

Simulated: 30 problems whose rates are drawn from a Beta, replies of 6,000 tokens where they are right and 26,000 where
they are wrong, the error that n = 64 has. "known rates" is the best that any allocation can do (spread over the square
root of cost). "one by one" is what is left of that where rates must be found out: samples one after another, where the
next lowers the error most, until the error that is known of the plain means is small enough; it is told which Beta the
rates are from, and its means are biased. "adaptive" is what a run draws for the error that it then states, "true" for
the error that it then has.

Tried and left out, for Beta(0.1, 0.1), (0.3, 0.3), (0.2, 1), where "adaptive" is 0.65, 0.81, 0.69 in 3.5 rounds (400
runs each): to look at a problem after 8, 10, 13, 16 … samples, draw on while its counts ask for more, and take the
unbiased mean of such a plan, the share of the ways to its counts that begin with a right sample (Girshick, Mosteller
and Savage 1946). 0.58, 0.78, 0.66 in 7.7 rounds by the error that it states; but its true error is the larger one:
the tokens to the same true error are 0.75, 0.72, 0.69 against 0.75, 0.77, 0.71, where chance is 0.05. With samples
drawn ahead, in 5.5 rounds, 0.60, 0.82, 0.68. Smaller pilots, of 5 eighths of the samples and of 5 twelfths: 0.64,
0.85, 0.71 and 0.62, 0.88, 0.74 (150 runs).
"""

import sys

import numpy as np

from lighteval_r1.numbers.allocation import MOST, allocate
from lighteval_r1.numbers.tables import columns

N_PROBLEMS, N_FIXED = 30, 64
RIGHT, WRONG = 6000.0, 26000.0
KINDS = [(a, a) for a in (0.1, 0.2, 0.3, 0.5)] + [(0.2, 1.0), (1.0, 0.2), (0.5, 3.0), (3.0, 0.5)]


def one_by_one(rng: np.random.Generator, rates: np.ndarray, a: float, b: float, *, error: float) -> np.ndarray:
    """Samples of each problem."""
    sizes = np.full(len(rates), 4)
    wins = rng.binomial(sizes, rates)
    while True:
        alpha, beta = a + wins, b + sizes - wins
        rate = alpha / (alpha + beta)
        spread = rate * beta / (alpha + beta + 1)
        off = spread / (alpha + beta) + (rate - wins / sizes) ** 2
        if off.sum() <= (len(rates) * error) ** 2:
            return sizes
        next_one = np.argmax(spread / sizes**2 / (RIGHT * rate + WRONG * (1 - rate)))
        more = max(1, sizes[next_one] // 8)
        sizes[next_one] += more
        wins[next_one] += rng.binomial(more, rates[next_one])


def run_once(rng: np.random.Generator, a: float, b: float) -> tuple[float, ...]:
    """Shares of a fixed n's tokens: known rates, one by one, drawn; error stated, distance, plain mean's; rounds."""
    rates = rng.beta(a, b, N_PROBLEMS)
    costs, spread = RIGHT * rates + WRONG * (1 - rates), rates * (1 - rates)
    wanted = max(1e-3, float(np.sqrt(spread.sum() / N_FIXED)) / N_PROBLEMS)
    scores = (rng.random((N_PROBLEMS, MOST)) < rates[:, None]).astype(float)
    sizes, rounds = np.zeros(N_PROBLEMS, int), 0
    while True:
        here = [row[:size] for row, size in zip(scores, sizes, strict=True)]
        allocation = allocate(here, [np.where(row > 0, RIGHT, WRONG) for row in here], error=wanted)
        if not allocation.owed:
            break
        sizes, rounds = np.maximum(sizes, allocation.sizes), rounds + 1
    n_same = spread.sum() / (N_PROBLEMS * allocation.se) ** 2
    mean = np.mean([row @ weights for row, weights in zip(here, allocation.weights, strict=True)])
    best = np.sqrt(spread * costs).sum() ** 2 / (spread.sum() * costs.sum())
    plain = np.mean([row.mean() for row in here])
    sequential = one_by_one(rng, rates, a, b, error=wanted)
    return (
        best,
        sequential @ costs / (N_FIXED * costs.sum()),
        sizes @ costs / (n_same * costs.sum()),
        allocation.se,
        mean - rates.mean(),
        plain - rates.mean(),
        rounds,
    )


def main(n_runs: int) -> None:
    table = [
        [
            "rates",
            "known rates",
            "one by one",
            "adaptive",
            "true",
            "bias / error",
            "plain mean's",
            "covered %",
            "rounds",
        ]
    ]
    for a, b in KINDS:
        rng = np.random.default_rng(1)
        best, sequential, drawn, error, off, plain, rounds = np.array([run_once(rng, a, b) for _ in range(n_runs)]).T
        true = drawn.mean() * (off**2).mean() / (error**2).mean()
        shares = [f"{value:.2f}" for value in (best.mean(), sequential.mean(), drawn.mean(), true)]
        biases = [f"{value.mean() / error.mean():+.2f}" for value in (off, plain)]
        covered = f"{100 * np.mean(np.abs(off) < 1.96 * error):.1f}"
        table.append([f"Beta({a:g}, {b:g})", *shares, *biases, covered, f"{rounds.mean():.1f}"])
    print(columns(table))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
