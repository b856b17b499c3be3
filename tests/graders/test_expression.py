"""Mathematical answers are graded under the written policy, and hostile replies cost little."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile import HOSTILE

from lighteval_r1.graders import EXPRESSION, comparison, symbolic
from lighteval_r1.graders.expression import canonical, gold_expression
from lighteval_r1.records import Outcome

HERE = Path(__file__).parent
grade = EXPRESSION.grade_reply
CASES = [json.loads(line) for line in (HERE / "expression_cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}-{case['gold']}"[:60])
def test_a_reply_is_graded_as_the_policy_says(case):
    found = grade(case["reply"], case["gold"])
    assert found.outcome == case["outcome"], found


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_reply_costs_little_and_is_never_correct(name):
    golds = ("204", r"\frac{3}{56}", r"(3,\sqrt{5}]", "1,2")
    # what takes long in a long reply is the search, which is the same whatever the gold
    for gold in golds if len(HOSTILE[name]) < 200_000 else golds[:1]:
        begin = time.process_time()
        found = grade("<think>x</think>" + HOSTILE[name], gold)
        assert found.outcome is not Outcome.CORRECT, found
        assert time.process_time() - begin < 6


def test_a_reply_whose_prompt_opened_the_thinking_has_no_answer_before_the_closing_tag():
    assert grade(r"So \boxed{5}", "5", thinking_opened=True).outcome is Outcome.NO_ANSWER
    assert grade(r"So \boxed{7}</think> \boxed{5}", "5", thinking_opened=True).outcome is Outcome.CORRECT


def test_ordinary_replies_to_aime_never_import_sympy():
    program = (
        "import sys; from lighteval_r1.graders import GRADERS; assert not {'math_verify', 'mpmath'} & set(sys.modules)\n"
        "g = GRADERS['expression'].grade_reply\n"
        "for i in range(300): g(f'<think>\\nwork {i}\\n</think>\\n\\nThe answer is $\\\\boxed{{{i}}}$.', '204')\n"
        "for a in (r'\\frac{408}{2}', '204.0', r'2^2 \\cdot 51', r'\\sqrt{2}', 'm+n=204', '(1,2)'): g(r'\\boxed{%s}' % a, '204')\n"
        "assert 'sympy' not in sys.modules, 'sympy was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_what_math_verify_alone_can_read_is_left_to_it():
    same, step = comparison.compare(r"-x > -1", r"x < 1")
    assert (same, step) == (True, "math-verify")


def test_an_expression_sympy_stumbles_over_is_undecided_and_no_wrong_answer():
    same, step = symbolic.compare(r"\infty0", r"\{1\pm\sqrt{5},-2\}")
    assert same is None and "stumbled" in step


def test_equal_answers_mostly_share_their_canonical_spelling():
    assert canonical(r"\dfrac{6}{112}") == canonical("3/56") == canonical(r"\frac{3}{56}")
    assert canonical("$025$") == canonical("25") != canonical("26")


def test_answers_are_equivalent_different_or_too_much_to_find_out():
    equal = [comparison.compare(answer, gold_expression("102"))[0] for answer in (r"2\cdot 51", "103", "9^{9^{9^{9}}}")]
    assert equal == [True, False, None]
