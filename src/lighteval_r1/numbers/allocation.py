"""Adaptive runs: how many samples each problem gets until the error is small enough, and what each of them weighs.

A pilot of every problem says how far its replies differ and how long they are; what is drawn then goes where it lowers
the error most per token. Everything follows from the samples alone, in the order of their indexes: drawn anew, resumed
or read years later, the same samples give the same numbers.

The mean of a problem whose number of samples depends on its own replies is biased: where most problems are hard, a
lucky pilot is diluted and an unlucky one stays. So a pilot's sample weighs what the *other* samples of its problem, and
the other problems, make of the plan; what is drawn after the pilot shares the rest. A weight that does not know its
sample leaves the sample's chance of being right as it is, whatever the rates. Left to bias are the traces that a sample
leaves in what all problems share: the prior, the plan's scale, when sampling ends (measured: benchmarks/adaptive.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from lighteval_r1.numbers.estimates import Scores, estimate, spread
from lighteval_r1.records import Adaptive, Outcome, RunProblem, Sample, TaskRun, Weighing

# Samples of a problem at most, where nothing else is said.
MOST = 256
# Rates of a task's problems are taken as Beta distributed; which Beta is weighed by what all problems' samples say.
PRIOR_MEANS = np.array([0.01, 0.03, 0.07, 0.15, 0.3, 0.5, 0.7, 0.85, 0.93, 0.97, 0.99])
PRIOR_SIZES = np.array([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 8.0, 30.0, 100.0])
ALPHAS = np.outer(PRIOR_MEANS, PRIOR_SIZES).ravel()
BETAS = np.outer(1 - PRIOR_MEANS, PRIOR_SIZES).ravel()
# Spread p (1 - p) of the problem that stands in for the one left out, so that a plan can be made of no others.
USUAL_SPREAD = 0.08
# The pilot's part of the samples that the error would need were every problem right half of the time: what problems
# need is a third of these (published run lists), so the pilot is about a quarter of a run of fixed n.
PILOT_PART, PILOT_LEAST, PILOT_MOST = 10, 4, 32
# How often a plan that did not reach the error is scaled, and by how much at most.
SCALINGS, SCALED_LEAST, SCALED_MOST = 16, 1.05, 2.0
# Who looks several times and stops at the first error that is small enough, stops where it is estimated too small:
# by that much, simulated.
STOPPED = 1.02


@dataclass(frozen=True)
class Allocation:
    """sizes: samples that each problem needs by now. weights: of each problem's samples so far; their sum is 1.

    errors: squared error of each problem's weighted mean. owed: samples of `sizes` are missing, so weights are equal
    ones. reached: whether the error is as small as was asked.
    """

    sizes: np.ndarray
    weights: tuple[np.ndarray, ...]
    errors: np.ndarray
    owed: bool
    reached: bool = False

    @property
    def se(self) -> float:
        return float(np.sqrt(self.errors.sum()) / len(self.errors))


@dataclass(frozen=True)
class _Pilot:
    """right, tokens: [n_problems][size] of the first samples. needs: samples of each problem that the plan would draw.

    needs_without: [n_problems][size], the same as it would be planned without that sample and with no say of its own
    problem in the plan's scale.
    """

    size: int
    right: np.ndarray
    needs: np.ndarray
    needs_without: np.ndarray


def pilot_size(n_problems: int, *, error: float, most: int) -> int:
    if_even = 0.25 / (n_problems * error**2)
    return int(min(most, max(PILOT_LEAST, min(PILOT_MOST, round(if_even / PILOT_PART)))))


def allocate(scores: Scores, lengths: Scores, *, error: float, most: int = MOST) -> Allocation:
    """What the samples say is still to be drawn, or that nothing is.

    scores, lengths: [n_problems][samples so far, by index], 0.0 or 1.0, and tokens. error: se_resampling that is
    wanted, a fraction. Samples beyond an index that is missing must be left out; those beyond `sizes` are not used.
    """
    size = pilot_size(len(scores), error=error, most=most)
    allocation = equal_weights(scores, np.full(len(scores), size))
    if allocation.owed or allocation.se <= error or size == most:
        return replace(allocation, reached=not allocation.owed and allocation.se <= error)
    pilot = planned(scores, lengths, size=size, error=error, most=most)
    scale = 1.0
    for _ in range(SCALINGS):
        allocation = scaled(pilot, scores, scale=scale, most=most)
        if allocation.owed or allocation.se <= error or allocation.sizes.min() >= most:
            break
        scale *= float(np.clip((allocation.se / error) ** 2, SCALED_LEAST, SCALED_MOST))
    return replace(allocation, reached=not allocation.owed and allocation.se <= error)


def equal_weights(scores: Scores, sizes: np.ndarray) -> Allocation:
    owed = any(len(row) < size for row, size in zip(scores, sizes, strict=True))
    rows = [np.asarray(row[:size], dtype=float) for row, size in zip(scores, sizes, strict=True)]
    weights = tuple(np.full(len(row), 1 / max(len(row), 1)) for row in rows)
    return Allocation(sizes, weights, squared_errors(rows, weights), owed)


def scaled(pilot: _Pilot, scores: Scores, *, scale: float, most: int) -> Allocation:
    """The plan with `scale` times its samples, and what the samples say under it."""
    own = 1 / np.clip(scale * pilot.needs_without, pilot.size, most)
    left = 1 - own.sum(axis=1)
    left[left < 1e-9] = 0.0
    more = np.clip(np.ceil(scale * pilot.needs - pilot.size - 0.5), 1, max(1, most - pilot.size))
    more = np.where(left > 0, more, 0).astype(int)
    sizes = pilot.size + more
    if (allocation := equal_weights(scores, sizes)).owed:
        return allocation
    weights = tuple(
        np.concatenate([row, np.full(n, rest / n)]) if n else row / row.sum()
        for row, rest, n in zip(own, left, more, strict=True)
    )
    rows = [np.asarray(row[:size], dtype=float) for row, size in zip(scores, sizes, strict=True)]
    return replace(allocation, weights=weights, errors=STOPPED**2 * squared_errors(rows, weights))


def planned(scores: Scores, lengths: Scores, *, size: int, error: float, most: int) -> _Pilot:
    """Samples of each problem in proportion to spread over the square root of cost (Neyman 1934), as many as the error
    needs.

    Source: Neyman 1934, https://doi.org/10.2307/2342192; with costs, Cochran 1977, Sampling Techniques, section 5.5.
    """
    right = np.stack([row[:size] for row in scores])
    tokens = np.stack([row[:size] for row in lengths])
    n_problems, of_problem = len(right), tokens.sum(axis=1)
    wins = right.sum(axis=1)
    sizes = np.full(n_problems, size)
    said = log_likelihoods(wins, sizes)
    prior, prior_without = normal(said.sum(axis=0)), normal(said.sum(axis=0) - said)
    spread = spreads(prior, wins, sizes)
    cost = (of_problem + of_problem.mean() / size) / (size + 1)
    shape = np.sqrt(spread / cost)
    scale = scale_for(shape, spread, error=error, least=size, most=most)
    # Problems that the plan sends beyond the pilot, and what the others add to the error, without each in turn.
    sent = (scale * shape > size) & (scale * shape < most)
    drive = np.where(sent, np.sqrt(spread * cost), 0.0)
    rest = np.where(sent, 0.0, spread / np.clip(scale * shape, size, most))
    others_cost = (of_problem.sum() - of_problem) / max(1, size * (n_problems - 1)) if n_problems > 1 else cost
    others_drive = drive.sum() - drive + np.sqrt(USUAL_SPREAD * others_cost)
    room = (n_problems * error) ** 2
    scale_without = others_drive / np.maximum(room - (rest.sum() - rest), room / 100)
    cost_without = (of_problem[:, None] - tokens + others_cost[:, None]) / size
    spread_without = np.where(
        right > 0.5,
        spreads(prior_without, np.maximum(wins - 1, 0), sizes - 1)[:, None],
        spreads(prior_without, np.minimum(wins, size - 1), sizes - 1)[:, None],
    )
    needs_without = scale_without[:, None] * np.sqrt(spread_without / cost_without)
    return _Pilot(size, right, scale * shape, needs_without)


def scale_for(shape: np.ndarray, spread: np.ndarray, *, error: float, least: int, most: int) -> float:
    """By which the shape is to be multiplied so that as many samples, least to most, have the error."""
    low, high = 1e-6, 1e9
    for _ in range(60):
        middle = np.sqrt(low * high)
        too_few = (spread / np.clip(middle * shape, least, most)).sum() > (len(shape) * error) ** 2
        low, high = (middle, high) if too_few else (low, middle)
    return float(high)


def log_likelihoods(wins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """[n_problems][priors]: of so many right samples under each of the priors."""
    from scipy.special import betaln

    return betaln(ALPHAS + wins[:, None], BETAS + (sizes - wins)[:, None]) - betaln(ALPHAS, BETAS)


def normal(log_weights: np.ndarray) -> np.ndarray:
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def spreads(prior: np.ndarray, wins: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Expected p (1 - p) of each problem, given its samples: 0 of 4 keeps what the prior leaves open."""
    a, b = ALPHAS + wins[:, None], BETAS + (sizes - wins)[:, None]
    return (prior * a * b / ((a + b) * (a + b + 1))).sum(axis=-1)


def squared_errors(rows: Sequence[np.ndarray], weights: Sequence[np.ndarray]) -> np.ndarray:
    """Expected squared distance of each problem's weighted mean from its rate, given the samples.

    It needs no spread among the samples, and holds however their number was decided: what is known of the rate does not
    depend on why sampling ended.
    """
    wins, sizes = np.array([row.sum() for row in rows]), np.array([len(row) for row in rows])
    means = np.array([row @ weight for row, weight in zip(rows, weights, strict=True)])
    prior = normal(log_likelihoods(wins, sizes).sum(axis=0))
    a, b = ALPHAS + wins[:, None], BETAS + (sizes - wins)[:, None]
    rate = (prior * a / (a + b)).sum(axis=-1)
    square = (prior * a * (a + 1) / ((a + b) * (a + b + 1))).sum(axis=-1)
    return square - 2 * means * rate + means**2


def weighed(task_run: TaskRun, *, error: float, most: int) -> TaskRun:
    """The task as an adaptive run of this error reads its samples: which count, what they weigh, which are owed."""
    drawn = [in_a_row(problem) for problem in task_run.problems]
    tokens = [[sample.n_tokens or 0 for sample in row] for row in drawn]
    if not all(map(all, tokens)):
        # not every reply says its length: all cost the same
        tokens = [[1] * len(row) for row in drawn]
    allocation = allocate(
        [np.array([float(sample.outcome is Outcome.CORRECT) for sample in row]) for row in drawn],
        [np.array(row, dtype=float) for row in tokens],
        error=error,
        most=most,
    )
    problems = [
        replace(
            problem,
            samples=[sample for sample in problem.samples if sample.index < size],
            weighing=None if allocation.owed else Weighing(weights.tolist(), float(squared_error)),
        )
        for problem, size, weights, squared_error in zip(
            task_run.problems, allocation.sizes, allocation.weights, allocation.errors, strict=True
        )
    ]
    sizes = {problem.id: int(size) for problem, size in zip(problems, allocation.sizes, strict=True)}
    adaptive = Adaptive(error, most, sizes, allocation.reached)
    return replace(task_run, problems=problems, n=max(sizes.values()), adaptive=adaptive)


def in_a_row(problem: RunProblem) -> list[Sample]:
    """The problem's graded samples from index 0 on, as far as none is missing."""
    by_index = sorted(problem.samples, key=lambda sample: sample.index)
    known = takewhile(lambda pair: pair[1].index == pair[0] and pair[1].outcome is not None, enumerate(by_index))
    return [sample for _, sample in known]


def adaptive_note(task_run: TaskRun) -> str:
    """How the samples of an adaptive run were dealt out, and the error that they reached."""
    sizes, how = [len(problem.samples) for problem in task_run.problems], task_run.adaptive
    words = f"{task_run.task}: adaptive, {min(sizes)} to {max(sizes)} samples a problem, weighed"
    if how is None or task_run.owed:
        return f"{words}; the error that was asked for is not reached yet."
    score = estimate([problem.scores for problem in task_run.problems])
    low, high = score.same_problems or (0.0, 1.0)
    more = "" if how.reached else f"; {how.most} samples of a problem were the most: raise N"
    return f"{words}; {error_in_words(task_run)}, 95 % within ± {50 * (high - low):.1f}{more}."


def error_in_words(task_run: TaskRun) -> str:
    """ "± 1.93 of 1.5": the error so far, and that which was asked for; "" before every problem has two samples."""
    scores = [problem.scores for problem in task_run.problems]
    if not task_run.adaptive or min(map(len, scores)) < 2:
        return ""
    return f"± {100 * (spread(scores).se_resampling or 0.0):.2f} of {100 * task_run.adaptive.error:g}"
