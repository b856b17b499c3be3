"""Every formula against a case worked by hand and against a second, independent way to the number."""

import itertools
import math

import numpy as np
import pytest
import soak
from hypothesis import given, settings
from hypothesis import strategies as st

from lighteval_r1.numbers import distances
from lighteval_r1.numbers.distances import difference
from lighteval_r1.numbers.estimates import estimate, interval, maj_at_n, pass_at_k
from lighteval_r1.numbers.intervals import beta_binomial, combined, degrees_of_freedom, over_problems, t_quantile
from lighteval_r1.numbers.means import suite_means
from lighteval_r1.numbers.plans import samples_needed
from lighteval_r1.numbers.tables import intervals, span
from lighteval_r1.records import Estimate

N_RUNS, N_PROBLEMS, N_SAMPLES = 2000, 30, 16

# How often each problem is solved: a middling model, one for which most are easy, one for which most are hard, a mixture of
# always and never, and one where all problems are alike.
KINDS = {
    "middling": lambda rng, n: rng.beta(0.7, 0.6, n),
    "uniform": lambda rng, n: rng.random(n),
    "easy": lambda rng, n: rng.beta(5, 0.4, n),
    "hard": lambda rng, n: rng.beta(0.2, 2, n),
    "always or never": lambda rng, n: rng.choice([0, 1, 0.5], n, p=[0.45, 0.45, 0.1]),
    "alike": lambda rng, n: np.full(n, 0.5),
    "alike and easy": lambda rng, n: np.full(n, 0.97),
}


def drawn(rng, p, n=N_SAMPLES):
    return (rng.random((len(p), n)) < p[:, None]).astype(float)


def many_drawn(rng, p, n=N_SAMPLES):
    """[n_runs, n_problems, n]: scores of runs, a row of p each."""
    return (rng.random((*p.shape, n)) < p[..., None]).astype(float)


def every_hundredth(n_runs: int) -> range:
    return range(0, n_runs, 100)


def estimates_of(runs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, se_resampling and se_problems of each run by formulas over all runs at once; estimate() agrees on every hundredth."""
    _, n_problems, n = runs.shape
    means = runs.mean(axis=2)
    found = np.stack(
        [
            means.mean(axis=1),
            np.sqrt((runs.var(axis=2, ddof=1) / n).sum(axis=1)) / n_problems,
            means.std(axis=1, ddof=1) / math.sqrt(n_problems),
        ]
    )
    for at in every_hundredth(len(runs)):
        ours = estimate(runs[at])
        assert found[:, at] == pytest.approx([ours.value, ours.se_resampling, ours.se_problems], abs=1e-12)
    return found


def coverage(values, errors, truth: float, *, n_least: int) -> float:
    # equal runs have equal intervals
    bounds = {pair: interval(*pair, n_least=n_least) for pair in set(zip(values, errors, strict=True))}
    return np.mean([bounds[pair][0] <= truth <= bounds[pair][1] for pair in zip(values, errors, strict=True)])


def test_mean_and_both_errors_of_a_case_worked_by_hand():
    # Means 1/2 and 1: 3/4. Variances 1/3 and 0, four samples each: sqrt(1/12 + 0) / 2. Spread of the means
    # sqrt(2 * (1/4)**2 / 1) = sqrt(1/8), over sqrt(2).
    found = estimate([[1, 1, 0, 0], [1, 1, 1, 1]])
    assert (found.value, found.n_problems, found.n_samples) == (0.75, 2, 8)
    assert (found.se_resampling, found.se_problems) == (pytest.approx(math.sqrt(1 / 12) / 2), pytest.approx(0.25))


def test_problems_weigh_the_same_whatever_their_number_of_samples():
    # Means 1/4 and 1; variances 1/4 and 0: sqrt(1/4 / 4) / 2.
    found = estimate([np.array([1, 0, 0, 0]), np.array([1, 1])])
    assert (found.value, found.se_resampling, found.n_samples) == (0.625, pytest.approx(0.125), 6)


def test_one_sample_a_problem_leaves_the_error_of_resampling_unknown():
    found = estimate([[1], [0], [1]])
    assert found.se_resampling is None and found.se_problems == pytest.approx(math.sqrt(1 / 3 / 3))


def test_one_problem_leaves_the_error_of_problems_unknown():
    assert estimate([[1, 0]]).se_problems is None


@pytest.mark.parametrize("scores", [[], [[1.0], []]])
def test_a_gap_is_not_a_zero(scores):
    with pytest.raises(ValueError, match=r"no problems|problem number 1 has no sample"):
        estimate(scores)


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_resampling_is_the_true_spread_and_its_interval_covers(kind):
    rng = np.random.default_rng(11)
    p = KINDS[kind](rng, N_PROBLEMS)
    # The true spread: a sum of independent binomials.
    spread = math.sqrt(np.sum(p * (1 - p)) / N_SAMPLES) / N_PROBLEMS
    values, errors, _ = estimates_of(many_drawn(rng, np.tile(p, (N_RUNS, 1))))
    assert np.mean(errors) == pytest.approx(spread, rel=0.05)
    assert np.std(values) == pytest.approx(spread, rel=0.05)
    assert 0.93 <= coverage(values, errors, p.mean(), n_least=N_PROBLEMS * N_SAMPLES) <= 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_of_problems_is_the_true_spread_and_its_interval_covers(kind):
    rng = np.random.default_rng(5)
    many = KINDS[kind](rng, 1_000_000)
    spread = math.sqrt((many.var() + np.mean(many * (1 - many)) / N_SAMPLES) / N_PROBLEMS)
    # Coverage of the skewed kinds lies near 93.5 %: 2,000 runs alone would not tell it from 93.
    n_runs = N_RUNS * (4 if kind in ("easy", "hard") else 1)
    p = KINDS[kind](rng, n_runs * N_PROBLEMS).reshape(n_runs, N_PROBLEMS)
    values, _, errors = estimates_of(many_drawn(rng, p))
    assert np.mean(errors) == pytest.approx(spread, rel=0.05)
    assert 0.93 <= coverage(values, errors, many.mean(), n_least=N_PROBLEMS) <= 0.97


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_interval_at_the_edge_is_wilsons_and_stays_inside(value):
    # Wilson at 0 of n: upper bound z**2 / (n + z**2); 480 samples: 1.965**2 / 483.86 = 0.0080.
    low, high = interval(value, 0.0, n_least=480)
    assert (low if value == 0 else 1 - high) == pytest.approx(0, abs=1e-12)
    assert high - low == pytest.approx(0.0080, abs=1e-4)


def test_an_interval_without_any_spread_in_the_middle_is_that_of_as_many_coin_flips():
    low, high = interval(0.5, 0.0, n_least=100)
    assert (low, high) == (pytest.approx(1 - high), pytest.approx(0.597, abs=2e-3))


@given(
    value=st.floats(0, 1),
    se=st.floats(0, 0.5),
    n_least=st.integers(1, 10_000),
)
def test_an_interval_holds_its_value_and_stays_between_0_and_1(value, se, n_least):
    low, high = interval(value, se, n_least=n_least)
    assert 0 <= low <= value + 1e-9 and value - 1e-9 <= high <= 1


GAUSS_LEGENDRE = np.polynomial.legendre.leggauss(200)


# Student's two-sided 5 % points, from the tables of Abramowitz and Stegun 1964, table 26.10.
@pytest.mark.parametrize(
    ("df", "point"), [(1, 12.706), (2, 4.303), (5, 2.571), (29, 2.045), (120, 1.980), (math.inf, 1.960)]
)
def test_students_quantiles_are_those_of_the_tables(df, point):
    assert t_quantile(df) == pytest.approx(point, abs=6e-4)


@settings(deadline=None)
@given(ratio=st.floats(0, 8), df=st.integers(1, 4000))
def test_students_p_is_the_integral_of_its_density(ratio, df):
    # With t = sqrt(df) tan(angle) the density is proportional to cos(angle) ** (df - 1), up to a right angle.
    begin = math.atan(ratio / math.sqrt(df))
    half = (math.pi / 2 - begin) / 2
    nodes, weights = GAUSS_LEGENDRE
    tail = half * np.sum(weights * np.cos(begin + half * (nodes + 1)) ** (df - 1))
    whole = math.sqrt(math.pi) / 2 * math.exp(math.lgamma(df / 2) - math.lgamma((df + 1) / 2))
    assert distances.p_value(ratio, df=df) == pytest.approx(tail / whole, rel=1e-6, abs=1e-12)


def test_pass_at_k_of_a_case_worked_by_hand():
    # 2 of 4 right: of the 6 pairs only one is wrong twice.
    assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)


@pytest.mark.parametrize("n", range(1, 9))
def test_pass_at_k_is_the_fraction_of_subsets_with_a_right_sample_and_the_products_formula(n):
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        scores = [1] * c + [0] * (n - c)
        subsets = list(itertools.combinations(scores, k))
        product = 1.0 if n - c < k else 1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1))
        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets)) == pytest.approx(product)


def test_pass_at_k_is_not_reported_with_fewer_than_k_samples_and_says_why():
    with pytest.raises(ValueError, match="needs at least 3 samples"):
        pass_at_k(2, 1, 3)


def brute_majority(labels, correct):
    """The mean over all orders of the votes, the first label to reach the most votes winning."""
    won = []
    for order in itertools.permutations([label for label in labels if label is not None]):
        most = max(map(order.count, order), default=0)
        won.append(next((label for label in order if order.count(label) == most), None) == correct)
    return np.mean(won)


@given(st.lists(st.sampled_from(["right", "a", "b", None]), min_size=1, max_size=6))
def test_a_majority_is_the_mean_over_all_orders_of_the_votes(labels):
    assert maj_at_n(labels, correct="right") == pytest.approx(brute_majority(labels, "right"))


def test_blanks_abstain():
    assert maj_at_n([None, None, None, "right"], correct="right") == 1.0
    assert maj_at_n([None, None], correct="right") == 0.0
    assert maj_at_n(["right", "right", "a", "a", None], correct="right") == 0.5


def test_samples_needed_gives_the_error_that_was_asked_for():
    rng = np.random.default_rng(3)
    p = rng.random(N_PROBLEMS)
    scores = drawn(rng, p, 400)
    n = samples_needed(scores, error=0.02)
    assert estimate(drawn(rng, p, n)).se_resampling == pytest.approx(0.02, rel=0.1)
    # Variances 1/3 and 0: sqrt(1/3 / n) / 2 = 0.1 at n = 25/3.
    assert samples_needed([[1, 1, 0, 0], [1, 1, 1, 1]], error=0.1) == 9
    with pytest.raises(ValueError, match="at least 2 samples"):
        samples_needed([[1], [0, 1]], error=0.1)


def test_a_difference_of_a_case_worked_by_hand():
    # Means 1/2, 1 and 1, 1: moved 1/2 and 0. Both errors: sqrt(1/3/4)/2 and 0; (1/2) / sqrt(2) / sqrt(2) = 1/4.
    # Welch: ratio 0.25 / 0.144 = 1.732; only one row of four samples varies, so 3 degrees: p 0.1817 in the tables.
    found = difference([[1, 1, 0, 0], [1, 1, 1, 1]], [[1, 1, 1, 1], [1, 1, 1, 1]])
    assert (found.value, found.se_resampling, found.se_problems) == (0.25, pytest.approx(0.144338, abs=1e-6), 0.25)
    assert found.p_resampling == pytest.approx(0.1817, abs=1e-4)
    # Student with one degree at ratio 1: half of all.
    assert found.p_problems == pytest.approx(0.5)


def test_with_one_sample_each_the_test_is_mcnemars():
    # 9 gained, 2 lost: chi-squared 7**2 / 11 = 4.4545, p 0.03481.
    first, second = [[0]] * 9 + [[1]] * 2 + [[1]] * 5, [[1]] * 9 + [[0]] * 2 + [[1]] * 5
    found = difference(first, second)
    assert found.se_resampling is None and found.p_resampling == pytest.approx(0.03481, abs=1e-5)


def test_the_exchange_test_is_a_permutation_test_in_the_limit():
    rng = np.random.default_rng(8)
    p = rng.random(N_PROBLEMS)
    first, second = drawn(rng, p, 32), drawn(rng, np.clip(p + 0.02, 0, 1), 24)
    both = np.concatenate([first, second], axis=1)
    dealt = [rng.permuted(both, axis=1) for _ in range(4000)]
    moved = np.abs([(each[:, 32:].mean(1) - each[:, :32].mean(1)).sum() for each in dealt])
    as_far = np.mean(moved >= abs((second.mean(1) - first.mean(1)).sum()) - 1e-12)
    assert 0.02 < as_far < 0.9
    assert distances.exchange_p(first, second) == pytest.approx(as_far, abs=0.03)


def test_welchs_p_agrees_with_scipy_on_a_single_problem():
    stats = pytest.importorskip("scipy.stats")
    first, second = np.array([1, 1, 0, 0, 0, 0]), np.array([1, 1, 1, 0])
    expected = stats.ttest_ind(second, first, equal_var=False).pvalue
    assert difference([first], [second]).p_resampling == pytest.approx(expected)


def test_equal_means_are_told_apart_from_equal_problems():
    # One problem won, one lost, both surely; a third moved: the mean has moved for certain.
    first, second = [[0] * 16, [1] * 16, [0, 1] * 8], [[1] * 16, [0] * 16, [1] * 16]
    assert difference(first, second).p_resampling < 0.01
    assert distances.exchange_p(*([np.array(row) for row in run] for run in (first, second))) > 0.05


def test_no_difference_without_any_spread_is_not_certainty():
    assert difference([[0, 0]], [[1, 1]]).p_resampling > 0.05
    assert difference([[1, 1]], [[1, 1]]).p_resampling == 1.0
    assert difference([[0]] * 3, [[1]] * 3).p_problems == 0.25


def test_runs_of_other_problems_cannot_be_paired():
    with pytest.raises(ValueError, match="1 problems cannot be paired with 2"):
        difference([[1]], [[1], [0]])


def students_p(ratio, df):
    from scipy.special import stdtr

    return 2 * stdtr(df, -np.abs(ratio))


def differences_of(first, second) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, se_problems, p_resampling and p_problems of each pair of runs; difference() agrees on every hundredth.

    Where no problem's samples differ, so that Welch's test says nothing, difference() itself answers.
    """
    n_runs, n_problems, n = first.shape
    moved = second.mean(axis=2) - first.mean(axis=2)
    value, se_problems = moved.mean(axis=1), moved.std(axis=1, ddof=1) / math.sqrt(n_problems)
    parts = np.concatenate([first.var(axis=2, ddof=1), second.var(axis=2, ddof=1)], axis=1) / n
    known = parts.any(axis=1)
    p_resampling = np.full(n_runs, np.nan)
    ratio = value[known] / (np.sqrt(parts[known].sum(axis=1)) / n_problems)
    p_resampling[known] = students_p(ratio, parts[known].sum(axis=1) ** 2 / (parts[known] ** 2 / (n - 1)).sum(axis=1))
    for at in np.flatnonzero(~known):
        p_resampling[at] = difference(first[at], second[at]).p_resampling
    with np.errstate(divide="ignore", invalid="ignore"):
        p_problems = students_p(value / se_problems, n_problems - 1)
    for at in every_hundredth(n_runs):
        ours = difference(first[at], second[at])
        assert (value[at], p_resampling[at]) == pytest.approx((ours.value, ours.p_resampling), abs=1e-9)
        if ours.se_problems > 1e-9:
            assert (se_problems[at], p_problems[at]) == pytest.approx((ours.se_problems, ours.p_problems), abs=1e-9)
    return value, se_problems, p_resampling, p_problems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [N_SAMPLES, 4])
def test_two_equal_models_are_found_equal_in_95_of_100_pairs(kind, n):
    rng = np.random.default_rng(2)
    p = np.tile(KINDS[kind](rng, N_PROBLEMS), (N_RUNS, 1))
    _, _, p_resampling, _ = differences_of(many_drawn(rng, p, n), many_drawn(rng, p, n))
    # Whole numbers of right samples make steps, which show where few problems vary.
    highest = 0.97 if n == N_SAMPLES else 0.98
    assert 0.93 <= np.mean(p_resampling >= 0.05) <= highest


@pytest.mark.parametrize("kind", ["middling", "uniform", "alike"])
def test_two_models_equally_good_at_the_kind_are_found_so_in_95_of_100_pairs(kind):
    rng = np.random.default_rng(4)
    first, second = (KINDS[kind](rng, N_RUNS * N_PROBLEMS).reshape(N_RUNS, N_PROBLEMS) for _ in range(2))
    value, se_problems, _, p_problems = differences_of(many_drawn(rng, first), many_drawn(rng, second))
    assert 0.93 <= np.mean(p_problems >= 0.05) <= 0.97
    assert np.mean(se_problems) == pytest.approx(np.std(value), rel=0.05)


def test_distance_from_a_published_number_counts_its_error_where_its_n_is_known():
    ours = Estimate(0.508, 0.02, 0.08, 30, 480)
    assert distances.standard_errors(ours, 0.555) == pytest.approx(-2.35)
    # 16 samples of ours and 64 of theirs: the error grows by sqrt(1 + 16/64).
    assert distances.standard_errors(ours, 0.555, n=64) == pytest.approx(-2.35 / math.sqrt(1.25))
    assert (
        distances.in_words(-2.35) == "2.4 standard errors below"
        or distances.in_words(-2.35) == "2.3 standard errors below"
    )
    assert distances.in_words(2.4) == "2.4 standard errors above"
    assert distances.in_words(-1106.3) == "more than 10 standard errors below"
    assert distances.in_words(-0.9) == "within 1 standard error"


def test_distance_from_a_published_number_is_finite_without_any_spread():
    everything_right = Estimate(1.0, 0.0, 0.0, 30, 480)
    assert 2 < distances.standard_errors(everything_right, 0.97) < 20
    assert abs(distances.standard_errors(Estimate(0.5, None, 0.1, 30, 30), 0.55)) < 1


HALVES = estimate(np.array([[1, 1, 0, 0]] * 30))
NINETIES = estimate(np.array([[1] * 9 + [0]] * 90))


def test_a_suite_has_two_means_by_name_and_a_third_where_it_has_weights():
    # 30 problems at 0.5 and 90 at 0.9.
    (tasks, over_tasks), (problems, over_problems) = suite_means([HALVES, NINETIES], [None, 2.0])
    assert (tasks, problems) == ("over 2 tasks", "over 120 problems")
    assert (over_tasks.value, over_problems.value) == (pytest.approx(0.7), pytest.approx(0.8))
    assert (over_tasks.n_problems, over_tasks.n_samples) == (120, 1020)
    one_sample = estimate([[1], [0]])
    assert suite_means([one_sample, HALVES], [None, None])[0][1].se_resampling is None
    assert suite_means([HALVES], [1.0]) == []


def test_a_weighted_mean_its_errors_and_its_interval_worked_by_hand():
    # Weights 3 and 1, so shares 3/4 and 1/4.
    # mean          3/4 * 0.5 + 1/4 * 0.9 = 0.6
    # ± resampling  of the first sqrt(30 * (1/3) / 4) / 30 = 0.0527046, of the second sqrt(90 * 0.1 / 10) / 90 = 0.0105409:
    #               sqrt((3/4 * 0.0527046)**2 + (1/4 * 0.0105409)**2) = sqrt(0.00156250 + 0.00000694) = 0.0396162
    first = Estimate(0.5, 0.03, 0.08, 30, 480, same_problems=(0.44, 0.56), other_problems=(0.34, 0.66))
    second = Estimate(0.9, 0.01, 0.02, 90, 360, same_problems=(0.87, 0.92), other_problems=(0.84, 0.94))
    name, mean = suite_means([HALVES, NINETIES], [3.0, 1.0])[-1]
    assert name == "weighted 3 : 1" and mean.value == pytest.approx(0.6)
    assert mean.se_resampling == pytest.approx(0.0396162, abs=1e-6)
    # ± problems    sqrt((3/4 * 0.08)**2 + (1/4 * 0.02)**2) = sqrt(0.0036 + 0.000025) = 0.060208
    # interval      below sqrt((3/4 * 0.16)**2 + (1/4 * 0.06)**2) = sqrt(0.0144 + 0.000225) = 0.120934,
    #               above sqrt((3/4 * 0.16)**2 + (1/4 * 0.04)**2) = sqrt(0.0144 + 0.0001)   = 0.120416
    _, mean = suite_means([first, second], [3.0, 1.0])[-1]
    assert mean.se_problems == pytest.approx(0.060208, abs=1e-6)
    assert mean.other_problems == (pytest.approx(0.6 - 0.120934, abs=1e-6), pytest.approx(0.6 + 0.120416, abs=1e-6))


def test_a_task_without_any_spread_leaves_a_mean_uncertain():
    hopeless = estimate(np.zeros((30, 16)))
    mean = suite_means([hopeless, NINETIES], [None, None])[0][1]
    assert mean.other_problems[1] - mean.value >= hopeless.other_problems[1] / 2 > 0.03


def test_a_suites_mean_over_problems_is_the_estimate_of_all_its_problems():
    rng = np.random.default_rng(6)
    first, second = drawn(rng, rng.random(30)), drawn(rng, rng.random(50))
    whole, parts = estimate([*first, *second]), suite_means([estimate(first), estimate(second)], [None, None])[1][1]
    assert (parts.value, parts.se_resampling) == (pytest.approx(whole.value), pytest.approx(whole.se_resampling))


SUITES = {
    # kinds of problems, (problems, samples) of each task, weights
    "the mix of 728": (("easy", "middling", "uniform"), ((500, 4), (198, 8), (30, 16)), (1, 1, 1)),
    "a heavy small task": (("easy", "middling", "hard"), ((100, 4), (40, 8), (30, 16)), (1, 2, 5)),
    "few samples": (("middling", "easy"), ((30, 2), (40, 4)), (2, 1)),
}


@pytest.mark.soak("suites")
@pytest.mark.parametrize("suite", SUITES)
def test_the_intervals_of_a_weighted_mean_cover(suite):
    """Both of them, of 93 to 97 % of the runs; a short count adds what chance does to it, three standard errors."""
    kinds, sizes, weights = SUITES[suite]
    n_runs = soak.count("suites")
    rng = np.random.default_rng(3)
    of_kind = {kind: KINDS[kind](rng, 200_000).mean() for kind in kinds}
    shares = np.array(weights) / sum(weights)
    hits = np.zeros(2)
    for _ in range(n_runs):
        chances = [KINDS[kind](rng, n) for kind, (n, _) in zip(kinds, sizes, strict=True)]
        drawn_tasks = [
            estimate((rng.random((len(p), n)) < p[:, None]).astype(float))
            for p, (_, n) in zip(chances, sizes, strict=True)
        ]
        _, mean = suite_means(drawn_tasks, weights)[-1]
        truths = (shares @ [p.mean() for p in chances], shares @ list(of_kind.values()))
        hits += [
            low <= truth <= high
            for (low, high), truth in zip((mean.same_problems, mean.other_problems), truths, strict=True)
        ]
    slack = 3 * math.sqrt(0.95 * 0.05 / n_runs)
    assert all(0.93 - slack <= share <= 0.97 + slack for share in hits / n_runs), hits / n_runs


@pytest.mark.parametrize(
    ("score", "n", "same", "others"),
    [
        (0.0, 4, "0.0 to 3.2", "0.0 to 10.1"),
        (1.0, 4, "96.8 to 100.0", "89.9 to 100.0"),
        (0.0, 64, "0.0 to 0.2", "0.0 to 10.3"),
        (1.0, 64, "99.8 to 100.0", "89.7 to 100.0"),
    ],
)
def test_where_no_spread_was_seen_no_interval_is_a_point(score, n, same, others):
    """0 of 120: Wilson's 95 % interval ends at z²/(n + z²) = 3.1 %, with Student's z of 119 degrees 3.2 %."""
    assert intervals(estimate([[score] * n] * 30)) == [same, others]
    assert intervals(estimate([[0.0], [1.0]]))[0] == "–" and intervals(estimate([[0.0, 1.0]]))[1] == "–"


def test_ends_that_would_be_the_same_number_have_more_digits():
    assert span((0.0, 0.00012)) == "0.00 to 0.01" and span((-0.003, 0.095), sign="+") == "-0.3 to +9.5"


def test_an_interval_over_problems_is_its_mirror_image_and_takes_any_numbers_of_samples():
    sizes = np.array([2, 64, 4, 4, 7, 16])
    right = np.array([0, 3, 1, 0, 2, 16])
    low, high = over_problems(right, sizes)
    assert over_problems(sizes - right, sizes) == pytest.approx((1 - high, 1 - low))
    assert 0 < low < np.mean(right / sizes) < high < 1


def test_the_beta_binomials_ends_are_those_of_a_posterior_computed_by_scipys_distribution():
    stats = pytest.importorskip("scipy.stats")
    right, sizes = np.array([0, 0, 1, 0, 9, 0]), np.array([16, 4, 16, 8, 10, 16])
    means, totals = np.linspace(0.0005, 0.9995, 1000), np.exp(np.linspace(math.log(0.02), math.log(1e5), 37))
    a, b = np.outer(means, totals), np.outer(1 - means, totals)
    likelihood = np.prod([stats.betabinom.pmf(c, n, a, b) for c, n in zip(right, sizes, strict=True)], axis=0)
    weights = likelihood.sum(axis=1)
    points = means[np.searchsorted(np.cumsum(weights) / weights.sum(), [0.025, 0.975])]
    assert beta_binomial(right, sizes, about=(0.05, 0.4)) == pytest.approx(points, abs=0.005)
    # near which it is looked at closely makes no difference
    assert beta_binomial(right, sizes, about=(0.6, 0.61)) == pytest.approx(points, abs=0.01)


def test_the_interval_over_problems_is_between_wilsons_and_the_posteriors():
    """m = 6 * 0.25 problems are right: 5 / 11.5 of the way."""
    right, sizes = np.array([0, 0, 4, 0, 8, 0]), np.full(6, 8)
    means = right / sizes
    wilson = interval(0.25, float(np.std(means, ddof=1)) / math.sqrt(6), n_least=6, df=degrees_of_freedom(means))
    posterior = beta_binomial(right, sizes, about=wilson)
    between = [a + 5 / 11.5 * (b - a) for a, b in zip(wilson, posterior, strict=True)]
    assert over_problems(right, sizes) == pytest.approx(between)
    assert over_problems(np.zeros(6, int), sizes)[0] == 0.0 and over_problems(sizes, sizes)[1] == 1.0


def test_two_ends_tell_their_spread_better_than_a_normal_sample_of_as_many():
    # kurtosis 1, of two ends: 2n / ((n + 1)/(n - 1) - 1 + 2/(n - 1)) = n (n - 1) / 2
    assert degrees_of_freedom(np.array([0.0, 1.0] * 10)) == pytest.approx(190)
    assert degrees_of_freedom(np.array([0.0, 1.0])) == degrees_of_freedom(np.array([0.4, 0.3])) == pytest.approx(1)
    assert degrees_of_freedom(np.full(8, 0.3)) == 7 and degrees_of_freedom(np.array([0.0] * 9 + [1.0])) == 9


def test_a_sums_interval_is_its_parts_distances_added_as_squares():
    # 0.5 * 0.4 + 0.5 * 0.8: below 0.5 * 0.1 and 0.5 * 0.24, above 0.5 * 0.2 and 0.5 * 0.1.
    low, high = combined([(0.5, 0.4, (0.3, 0.6)), (0.5, 0.8, (0.56, 0.9))])
    assert (low, high) == (pytest.approx(0.6 - 0.13), pytest.approx(0.6 + math.hypot(0.1, 0.05)))
    # A difference: what the second may be above lies below.
    assert combined([(1, 0.4, (0.3, 0.6)), (-1, 0.8, (0.8, 0.8))]) == (pytest.approx(-0.5), pytest.approx(-0.2))
    assert combined([(1, 0.4, None), (1, 0.4, (0.3, 0.5))]) is None


def test_holms_correction_of_a_case_worked_by_hand():
    # 0.01 * 4; 0.02 * 3; 0.03 * 2 is as much; 0.5 * 1.
    assert distances.holm([0.02, 0.5, 0.01, 0.03]) == pytest.approx([0.06, 0.5, 0.04, 0.06])
    assert distances.holm([0.04]) == [0.04] and distances.holm([]) == [] and distances.holm([0.7, 0.9]) == [1.0, 1.0]


def test_the_share_of_sampling_is_the_ratio_of_the_variances():
    rng = np.random.default_rng(12)
    p = rng.random(4000)
    # Of uniform rates: E p(1 - p) / 4 = 1/24 beside a variance of 1/12: a third.
    assert distances.sampling_share(estimate(drawn(rng, p, 4))) == pytest.approx(1 / 3, abs=0.05)
    assert distances.sampling_share(estimate(drawn(rng, p, 1))) is None
    assert distances.sampling_share(estimate([[1.0, 1.0]] * 3)) is None


def test_a_differences_intervals_never_collapse_and_agree_with_its_p():
    never, always = [[0.0] * 4] * 30, [[1.0] * 4] * 30
    for first, second in ((never, never), (never, always), (always, always)):
        found = difference(first, second)
        assert all(low < high for low, high in (found.same_problems, found.other_problems))
    rng = np.random.default_rng(21)
    apart = 0
    for _ in range(100):
        p = rng.beta(0.5, 0.5, 30)
        found = difference(drawn(rng, p, 16), drawn(rng, np.clip(p + rng.choice([0, 0.03]), 0, 1), 8))
        apart += (found.p_resampling < 0.05) != (not found.same_problems[0] <= 0 <= found.same_problems[1])
    assert apart <= 3
