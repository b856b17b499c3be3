"""The first place where a thinking states an answer that the task's own grader accepts as the gold.

Equal pairs of a candidate and a gold are graded once, and most are not graded at all: a cheap look at their one spelling
settles plain numbers, and what cannot be the gold (an unfinished sum where gold is a number). What is left goes
through grading processes with their limit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lighteval_r1.graders.expression import gold_expression
from lighteval_r1.graders.latex import plain, split
from lighteval_r1.graders.numerals import DECIMAL, INTEGER, exact, integer_key
from lighteval_r1.records import GraderDied, Outcome, UserError
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.thinking.places import Candidate

# What remains to be done in an expression that is not yet an answer.
UNFINISHED = re.compile(
    r"\*|!|\^|\\(?:binom|sum|prod|int|lim|gcd|lcm|max|min|lfloor|lceil|pmod|bmod|mod|sin|cos|tan|log|ln)(?![a-zA-Z])"
)
DIVISION_OF_DECIMALS = re.compile(r"\\frac\{\d*\.\d+\}|\\frac\{\d+\}\{\d*\.\d+\}|\d\.\d+/\d|\d/\d*\.\d")
DIGIT = re.compile(r"\d")
# Units that graders read in an answer's own box are many; here a number with text behind it is the number.
NUMBER_WITH_UNIT = re.compile(r"\s*([-+]?\\?\$?\d[\d,]*(?:\.\d+)?)\s*(?:\\[,;: ]|~|\s)*\\(?:text|mathrm|mbox|rm)\b")
LETTER = re.compile(r"[a-zA-Z]")
NAME = re.compile(r"\\[a-zA-Z]+|[a-zA-Z]")
NUMBERS = frozenset(("\\frac", "\\sqrt", "\\pi", "\\infty", "\\pm", "\\approx", "e", "i", "\\cup", "\\in"))
COMMANDS = re.compile(r"\\(?:frac|sqrt|pi|infty|pm|text|mathrm|left|right|approx)(?![a-zA-Z])")


# Up to here a number is often another quantity's value by chance, so an "= 3" alone is not taken for the answer.
SMALL = 20


@dataclass(frozen=True)
class Stated:
    """The candidates of one reply's thinking, with what they are to be graded by."""

    grader: str
    gold: str
    candidates: Sequence[Candidate]


@lru_cache(maxsize=200_000)
def settled_cheaply(answer: str, gold: str) -> bool | None:
    """Whether an expression is the gold; None where its grader must say."""
    a, g = plain(answer), plain(gold_expression(gold))
    if NUMBER_WITH_UNIT.match(answer):
        a = plain(NUMBER_WITH_UNIT.match(answer).group(1))
    if not a or a == g:
        return bool(a)
    if INTEGER.fullmatch(a) and INTEGER.fullmatch(g):
        return integer_key(a) == integer_key(g)
    if INTEGER.fullmatch(g):
        # 26970/6 is on the way to 4495, not the answer.
        return None if DECIMAL.fullmatch(a) else False
    if exact(g) is not None and (not DIGIT.search(a) or LETTER.search(COMMANDS.sub("", a))):
        return False
    if "=" not in g and letters_of(a) != letters_of(g):
        return False
    if DIVISION_OF_DECIMALS.search(a):
        return False
    left = set(UNFINISHED.findall(a)) - set(UNFINISHED.findall(g))
    return False if left or n_terms(a) > n_terms(g) else None


def letters_of(expression: str) -> frozenset[str]:
    """Letters and Greek letters; without those that stand for numbers, which other spellings may lack."""
    return frozenset(found.casefold() for found in NAME.findall(expression)) - NUMBERS


def n_terms(expression: str) -> int:
    """Terms outside all brackets: b(a+5)+2(a+5) has two, (a+5)(b+2) has one."""
    return sum(1 for term in split(expression, "+-") if term)


def cheaply(one: Candidate, *, grader: str, gold: str) -> bool | None:
    if one.answer.count("{") != one.answer.count("}"):
        return False
    # What is put in a box, or announced, is meant as the answer, whatever is left to compute in it.
    return settled_cheaply(one.answer, gold) if grader == "expression" and one.form in ("equals", "said") else None


def first_correct(stated: Sequence[Stated], *, pool: Pool) -> tuple[list[Candidate | None], int]:
    """Per reply its first accepted candidate, None where there is none; and how many candidates the grader's limit stopped."""
    questions: dict[tuple[str, str, str], int] = {}
    for of in stated:
        for one in of.candidates:
            said = cheaply(one, grader=of.grader, gold=of.gold)
            if said is None:
                questions.setdefault((of.grader, one.answer, of.gold), len(questions))
    grades = pool.grade_many((grader, f"\\boxed{{{answer}}}", gold, False) for grader, answer, gold in questions)
    accepted, stopped = {}, 0
    for (grader, answer, gold), grade in zip(questions, grades, strict=True):
        if isinstance(grade, GraderDied):
            raise UserError(
                f"an answer stated in a thinking has no grade ({answer[:80]!a} for gold {gold[:80]!a}): {grade}. Run again."
            )
        accepted[grader, answer, gold] = grade.outcome is Outcome.CORRECT
        stopped += grade.outcome is Outcome.UNDECIDED
    return [first(of, accepted) for of in stated], stopped


def first(of: Stated, accepted: dict[tuple[str, str, str], bool]) -> Candidate | None:
    right = []
    for one in of.candidates:
        said = cheaply(one, grader=of.grader, gold=of.gold)
        right.append(accepted[of.grader, one.answer, of.gold] if said is None else said)
    by_chance = of.grader == "expression" and is_small(of.gold)
    for place, one in enumerate(of.candidates):
        if right[place] and (one.strong or one.linked or not by_chance or taken_up(of.candidates, right, place=place)):
            return one
    return None


@lru_cache(maxsize=4096)
def is_small(gold: str) -> bool:
    value = exact(plain(gold_expression(gold)))
    return value is not None and value.denominator == 1 and abs(value) <= SMALL


def taken_up(found: Sequence[Candidate], right: Sequence[bool], *, place: int) -> bool:
    """Whether a strong statement of the gold, or the end, follows with at most one other result between."""
    others = 0
    for one, is_gold in zip(found[place + 1 :], right[place + 1 :], strict=True):
        if is_gold and one.strong:
            return True
        others += not is_gold
        if others > 1:
            return False
    return True
