"""The field's other estimators against brute force, another package's values, and the truth of many runs."""

import itertools
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runs import Asked, write_run

from lighteval_r1.cli.results import table_of
from lighteval_r1.numbers.estimates import estimate, maj_at_n, pass_at_k
from lighteval_r1.numbers.estimators import at_least, estimator, maj_at_k, named, task_estimate
from lighteval_r1.numbers.intervals import interval
from lighteval_r1.records import UserError

# Values of scorio 0.2.3, written by tests/write_scorio_values.py.
SCORIO = json.loads(Path(__file__).with_name("scorio_values.json").read_text())


def counted(scores) -> list[tuple]:
    return [(int(sum(row)), (), len(row) - int(sum(row))) for row in scores]


def votes_of(labels) -> tuple:
    counts = Counter(labels)
    right, abstain = counts.pop("right", 0), counts.pop(None, 0)
    return right, tuple(sorted(counts.values())), abstain


@pytest.mark.parametrize("case", SCORIO["values"], ids=lambda case: f"{case['name']} {case['scores']}")
def test_the_estimators_are_scorios(case):
    scores = SCORIO["scores"][case["scores"]]
    assert task_estimate(estimator(case["name"]), counted(scores)).value == pytest.approx(case["value"], abs=1e-12)


@pytest.mark.parametrize("case", SCORIO["bayes"], ids=lambda case: case["scores"])
def test_the_interval_over_samples_is_much_as_the_posterior_of_bayes_at_n(case):
    """Bayes@N's prior, one sample right and one wrong of each problem, draws it to 50 %: with n = 64 that is little."""
    found = estimate(SCORIO["scores"][case["scores"]])
    low, high = found.same_problems
    assert (high - low) == pytest.approx(case["high"] - case["low"], rel=0.15)
    assert abs((low + high) / 2 - case["mean"]) < 0.02


@given(st.lists(st.sampled_from(["right", "a", "b", "c", None]), min_size=1, max_size=7), st.integers(1, 7))
@settings(deadline=None, max_examples=60)
def test_a_majority_of_k_is_the_mean_over_all_sets_of_k(labels, k):
    k = min(k, len(labels))
    brute = np.mean([maj_at_n(chosen, correct="right") for chosen in itertools.combinations(labels, k)])
    assert maj_at_k(votes_of(labels), k) == pytest.approx(brute, abs=1e-12)


def test_a_majority_of_many_samples_with_many_answers_is_that_of_sets_drawn_at_random():
    labels = ["right"] * 12 + ["a"] * 11 + ["b"] * 5 + [f"other {i}" for i in range(20)] + [None] * 16
    rng = np.random.default_rng(2)
    drawn = [maj_at_n([labels[i] for i in rng.permutation(64)[:16]], correct="right") for _ in range(4000)]
    assert maj_at_k(votes_of(labels), 16) == pytest.approx(np.mean(drawn), abs=0.025)
    assert maj_at_k(votes_of(labels), 64) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["pass@4", "pass^4", "g-pass@4:0.75", "mg-pass@4"])
def test_values_and_both_errors_are_those_of_many_runs(name):
    rng, of = np.random.default_rng(7), estimator(name)
    p = rng.beta(0.5, 0.5, 30)
    # With all 4 of 4: the truth is the mean over many runs of 4 samples, of which each is unbiased.
    truth = np.mean([task_estimate(of, counted(rng.random((30, 4)) < p[:, None])).value for _ in range(800)])
    found = [task_estimate(of, counted(rng.random((30, 16)) < p[:, None])) for _ in range(120)]
    spread = np.std([each.value for each in found])
    assert np.mean([each.value for each in found]) == pytest.approx(truth, abs=0.006)
    # The jackknife is a little too wide, never too narrow.
    assert 0.9 * spread < np.mean([each.se_resampling for each in found]) < 1.3 * spread
    assert np.mean([each.same_problems[0] <= truth <= each.same_problems[1] for each in found]) > 0.91


def test_names_are_the_fields_own():
    assert [of.name for of in named("avg@64, cons@64,maj@8")] == ["pass@1", "maj@64", "maj@8"]
    assert task_estimate(estimator("avg@2"), [(1, (), 1), (2, (), 2)]) == estimate([[1, 0], [1, 1, 0, 0]])
    assert estimator("g-pass@16(0.5)").value((3, (), 61)) == estimator("g-pass@16:0.5").value((3, (), 61))
    # 0.07 * 100 is 7.000000000000001 in floats.
    assert (at_least(0.07, 100), at_least(0.5, 5), at_least(0.0, 4)) == (7, 3, 1)
    assert estimator("pass@3").value((2, (1,), 1)) == pass_at_k(4, 2, 3)


@pytest.mark.parametrize(
    "name", ["pass", "pass@0", "g-pass@4", "g-pass@4:1.5", "g-pass@4:1.2.3", "pass@8:0.5", "best@4"]
)
def test_what_is_no_estimator_is_refused(name):
    with pytest.raises(UserError, match=r"is no estimator; there are pass@8, pass\^8"):
        named(name)


def test_a_run_says_the_estimators_that_are_asked_for(tmp_path):
    problems = [Asked("p", "ccww"), Asked("q", "cccc"), Asked("r", "wwwwww")]
    said = table_of(str(write_run(tmp_path, {"r1_aime24": problems}, n=4)), also="pass@2,pass^2,maj@3,cons@4")
    lines = {
        words[1]: words[2:]
        for line in said.splitlines()
        if len(words := line.split()) > 2 and words[0] == "r1_aime24" and words[1][0] in "pm"
    }
    # p: pass@2 5/6, pass^2 1/6; of its sets of 3 half have two right ones, half a tie of three answers: 2/3.
    assert [lines[name][0] for name in ("pass@2", "pass^2", "maj@3")] == ["61.1", "38.9", "55.6"]
    # 4 of 4 of the first problems: what other samples would say is not known.
    assert lines["maj@4"][1] == "–"
    with pytest.raises(UserError, match=r"pass@5 needs 5 samples of each problem; one has 4"):
        table_of(str(tmp_path), also="pass@5")


@pytest.mark.parametrize("score", [0, 1])
@pytest.mark.parametrize("name", ["pass@4", "pass^4", "g-pass@4:0.5", "mg-pass@4", "maj@4", "avg@4"])
def test_where_all_samples_agree_no_interval_is_a_point(name, score):
    found = task_estimate(estimator(name), [(16 * score, (), 16 - 16 * score)] * 30)
    assert found.value == score and all(
        0 <= low < high - 0.005 for low, high in (found.same_problems, found.other_problems)
    )
    if name != "avg@4":  # pass@1, whose interval tests/test_coverage.py looks at
        assert found.other_problems == pytest.approx(interval(float(score), 0.0, n_least=30))
