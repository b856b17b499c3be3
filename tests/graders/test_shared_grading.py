"""Agreement with replies whose verdicts are known; disagreements.jsonl says why each exception is right.

The replies are not part of the project: the tests look for them in LIGHTEVAL_R1_SHARED or ../shared/grading and data.
"""

import json
import os
from pathlib import Path

import pytest

from lighteval_r1.graders import CHOICE, EXPRESSION, comparison, expression
from lighteval_r1.graders import answers as reply
from lighteval_r1.records import Outcome

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("LIGHTEVAL_R1_SHARED") or HERE.parents[2] / "shared")
DISAGREEMENTS = [json.loads(line) for line in (HERE / "disagreements.jsonl").read_text(encoding="utf-8").splitlines()]

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no replies with known verdicts: {SHARED} is no folder")


def equivalent(answer: str, gold: str) -> bool | None:
    return comparison.compare(answer, expression.gold_expression(gold))[0]


def rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (SHARED / name).read_text(encoding="utf-8").splitlines()]


def listed(name: str) -> dict[str, str]:
    return {row["uid"]: row["outcome"] for row in DISAGREEMENTS if row["file"] == name}


def test_replies_of_r1_style_models_agree_with_three_graders_but_for_listed_ones():
    name = "r1_style_replies_dev.jsonl"
    exceptions, n_strict, n_agree = {}, 0, 0
    for row in rows(f"grading/{name}"):
        outcome = EXPRESSION.grade_reply(row["output"], row["gold"]).outcome
        correct = outcome is Outcome.CORRECT
        if row["consensus_strict"] is not None:
            n_strict += 1
            n_agree += correct == row["consensus_strict"]
        if row["consensus"] is not None and correct != row["consensus"]:
            exceptions[row["uid"]] = outcome
    assert n_agree / n_strict >= 0.995
    assert exceptions == listed(name)


def test_pairs_from_other_suites_agree_but_for_those_that_contradict_the_policy():
    name = "equivalence_dev.jsonl"
    exceptions = {}
    for i, row in enumerate(rows(f"grading/{name}")):
        answer = reply.last_box(row["pred"]) or reply.announced(row["pred"]) or row["pred"]
        equal = equivalent(answer, row["gold"])
        if bool(equal) != bool(row["expected"]):
            exceptions[str(i)] = expression.OUTCOMES[equal]
    assert exceptions == listed(name)


def test_multiple_choice_replies_agree_with_the_benchmarks_script_but_for_listed_ones():
    name = "multiple_choice_replies_dev.jsonl"
    exceptions = {}
    found = rows(f"grading/{name}")
    for row in found:
        outcome = CHOICE.grade_reply(row["output"], row["gold"]).outcome
        if (outcome is Outcome.CORRECT) != row["verdict"]:
            exceptions[row["uid"]] = outcome
    assert exceptions == listed(name)
    assert 1 - len(exceptions) / len(found) >= 0.99


@pytest.mark.parametrize("name", ["math_500", "aime_2024", "aime_2025"])
def test_every_gold_is_graded_correct_by_its_own_grader(name):
    for row in rows(f"data/{name}.jsonl"):
        gold = str(row["answer"])
        for text in (f"\\boxed{{{gold}}}", f"The final answer is ${gold}$."):
            found = EXPRESSION.grade_reply(f"<think>\nhm\n</think>\n\n{text}", gold)
            assert found.outcome is Outcome.CORRECT, (text, gold, found)
        assert EXPRESSION.grade_reply("", gold).outcome is Outcome.NO_ANSWER


def test_no_gold_of_math_500_is_taken_for_another():
    # Each with the twelve that are spelt most like it.
    golds = sorted({row["answer"] for row in rows("data/math_500.jsonl")})
    equal = {
        (a, b)
        for i, a in enumerate(golds)
        for b in golds[i + 1 : i + 13]
        if expression.canonical(a) != expression.canonical(b) and equivalent(a, b)
    }
    assert not equal
