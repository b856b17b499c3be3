"""The letter a multiple-choice reply settles on."""

import json
from pathlib import Path

import pytest

from lighteval_r1.graders import CHOICE

HERE = Path(__file__).parent
grade = CHOICE.grade_reply
CASES = [json.loads(line) for line in (HERE / "choice_cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}-{case['reply'][-40:]}")
def test_the_letter_is_the_one_the_reply_settles_on(case):
    found = grade(case["reply"], case["gold"])
    assert found.outcome == case["outcome"], found


def test_a_gold_that_is_no_letter_is_an_error_and_no_score():
    with pytest.raises(ValueError, match="no letter from A to J"):
        grade("Answer: B", "10 m/s")


@pytest.mark.parametrize(
    "reply", ["answer is " * 100_000, "answer" + " " * 1_000_000, "**(B)" * 200_000, "A\n" * 500_000]
)
def test_a_hostile_reply_is_graded_in_seconds(reply):
    grade(reply, "B")
