r"""Measured numbers: is the reply's final answer gold, or within gold's tolerance of it?

What it asks
    Nothing itself: Minerva and OlympiadBench use it, whose golds are rounded results of calculations.
How it is graded
    As graders.expression; what is wrong there is right here where answer and gold are numbers, their units do not
    differ, and they are at most the tolerance apart. gold is an expression, or JSON {"answer": "1.6", "within": 0.016}.
What it gets wrong
    A unit that was converted, and a value rounded more coarsely than the tolerance.
What it could wrongly accept
    Another result that lies within the tolerance by chance.
Source
    graders.expression; the tolerances are the tasks'.
"""

import json
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from lighteval_r1.graders import expression
from lighteval_r1.graders.grader import MALFORMED, Found
from lighteval_r1.records import Grade, Outcome

if TYPE_CHECKING:
    from lighteval_r1.graders.statements import Candidate


def gold_within(answer: str, within: float | str) -> str:
    """A gold for this grader. within: the largest difference that counts as equal."""
    return json.dumps({"answer": answer, "within": str(within)}, ensure_ascii=False)


@lru_cache(maxsize=4096)
def read_gold(gold: str) -> tuple[str, Fraction]:
    """The gold expression and its tolerance, 0 where it has none."""
    if not gold.startswith('{"answer"'):
        return gold, Fraction(0)
    record = json.loads(gold)
    return record["answer"], Fraction(record["within"])


def find(text: str, gold: str) -> Found:
    return expression.find(text, read_gold(gold)[0])


def judge(answer: str, where: str, gold: str) -> Grade:
    expected, within = read_gold(gold)
    grade = expression.judge(answer, where, expected)
    if grade.outcome is Outcome.WRONG and within and apart(answer, expected) <= within:
        return replace(grade, outcome=Outcome.CORRECT, step=f"{where}; within {float(within):.3g}")
    return grade


def apart(answer: str, gold: str) -> Fraction | float:
    """The distance of two numbers; infinity where one of them is none, or their units differ."""
    # Imported here: naming this grader must not cost the arithmetic that it judges with.
    import mpmath

    from lighteval_r1.graders import arithmetic
    from lighteval_r1.graders.latex import spell

    a, g = spell(answer), spell(expression.gold_expression(gold))
    if a.units and g.units and a.units != g.units:
        return float("inf")
    try:
        (x, *_), x_letters = arithmetic.values(a.text)
        (y, *_), y_letters = arithmetic.values(g.text)
    except (arithmetic.Unreadable, arithmetic.TooLarge):
        return float("inf")
    if x_letters or y_letters:
        return float("inf")
    distance = abs(mpmath.mpmathify(x) - mpmath.mpmathify(y))
    return Fraction(mpmath.nstr(distance, 20, min_fixed=-400, max_fixed=400)) if mpmath.isfinite(distance) else distance


def shown_gold(gold: str) -> str:
    """What is expected, and how near is near enough; of what is no gold, as a file of others may hold it, the text."""
    try:
        expected, within = read_gold(gold)
        return f"{expected} ± {float(within):.3g}" if within else str(expected)
    except (*MALFORMED, ArithmeticError):
        return gold


def candidates(thinking: str, *, problem: str, gold: str) -> "list[Candidate]":
    expected, within = read_gold(gold)
    return expression.candidates(thinking, problem=problem, gold=expected, tolerant=bool(within))


def reference(gold: str) -> str:
    return expression.reference(read_gold(gold)[0])


REAL = replace(
    expression.EXPRESSION,
    name="real",
    find=find,
    judge=judge,
    shown_gold=shown_gold,
    candidates=candidates,
    reference=reference,
)
