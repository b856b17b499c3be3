"""Measured numbers: right within the gold's tolerance, by value and unit, and not a hair beyond it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighteval_r1.graders import REAL
from lighteval_r1.graders.real import gold_within
from lighteval_r1.records import Outcome
from lighteval_r1.tasks.minerva import gold_of


def outcome(answer: str, gold: str) -> Outcome:
    return REAL.grade_reply(f"</think>So it is $\\boxed{{{answer}}}$.", gold).outcome


@pytest.mark.parametrize(
    ("answer", "gold", "right"),
    [
        ("1.62", "1.6", True),
        ("1.58 \\text{ cm}", "1.6", True),
        ("1.7", "1.6", False),
        ("4.47\\times 10^{33}", "4.5e33", True),
        ("4.5\\times 10^{32}", "4.5e33", False),
        ("-4.5\\times 10^{33}", "4.5e33", False),
        ("0.0059", "0.006", True),
        ("0.0052", "0.006", False),
        ("1e-5", "1e-5", True),
        ("20.5", "20.39", True),
        ("20.7", "20.39", False),
        ("\\arcsin(10/13)", "np.arcsin(10/13)", True),
        ("-1.5", "-3./2", True),
        # an integer below 1,000 may count something
        ("16.1", "16", False),
        ("6650", "6630", True),
        ("2 \\text{ or } 1.6", "1.6", False),
        ("3i", "3.0", False),
        ("x", "3.0", False),
    ],
)
def test_a_number_is_right_within_what_its_gold_says(answer, gold, right):
    assert (outcome(answer, gold_of(gold)) is Outcome.CORRECT) == right


def test_units_must_not_differ_and_a_gold_shows_its_tolerance():
    gold = gold_within(r"1.6 \text{ m}", 0.05)
    assert outcome(r"1.62 \text{ m}", gold) is outcome("1.62", gold) is Outcome.CORRECT
    assert outcome(r"1.62 \text{ km}", gold) is Outcome.WRONG
    assert REAL.shown_gold(gold) == r"1.6 \text{ m} ± 0.05" and REAL.shown_gold("x^2") == "x^2"


def test_what_has_no_tolerance_is_graded_as_an_expression():
    assert outcome("2, 1", "1, 2") is Outcome.CORRECT
    assert outcome("1.01", "1") is outcome("x+1", "x") is Outcome.WRONG


@given(st.decimals("-1000", "1000", places=3), st.decimals("0.01", "5", places=2), st.decimals("-3", "3", places=2))
def test_the_tolerance_is_where_right_ends(gold, within, part):
    """Answers at a known part of the tolerance from gold; at its very edge rounding may decide."""
    answer = gold + within * part
    if abs(abs(part) - 1) > 0 or part == 0:
        assert (outcome(f"{answer:f}", gold_within(str(gold), str(within))) is Outcome.CORRECT) == (abs(part) < 1)
