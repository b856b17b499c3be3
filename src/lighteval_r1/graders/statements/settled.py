"""Whether a stated expression is the gold, from a cheap look at its spelling; most statements are not graded at all.

Plain numbers are settled, and so is what cannot be the gold (an unfinished sum where gold is a number).
"""

import re
from functools import lru_cache

from lighteval_r1.graders.brackets import split
from lighteval_r1.graders.expression import gold_expression
from lighteval_r1.graders.latex import QUICK, plain
from lighteval_r1.graders.numerals import DECIMAL, INTEGER, compare_numbers, exact, integer_key
from lighteval_r1.graders.statements import Statement

# What remains to be done in an expression that is not yet an answer.
UNFINISHED = re.compile(
    r"\*|!|\^|\\(?:binom|sum|prod|int|lim|gcd|lcm|max|min|lfloor|lceil|pmod|bmod|mod|sin|cos|tan|log|ln)(?![a-zA-Z])"
)
DIVISION_OF_DECIMALS = re.compile(r"\\frac\{\d*\.\d+\}|\\frac\{\d+\}\{\d*\.\d+\}|\d\.\d+/\d|\d/\d*\.\d")
DIGIT = re.compile(r"\d")
NO_DIGIT = re.compile(r"\D+")
# With these a number may have other digits than are written: fractions of it, powers, numerals of other bases, words.
MAKES_NUMBERS = re.compile(r"[.,^_]|times|text|mathrm|mbox")
# Units that graders read in an answer's own box are many; here a number with text behind it is the number.
NUMBER_WITH_UNIT = re.compile(r"\s*([-+]?\\?\$?\d[\d,]*(?:\.\d+)?)\s*(?:\\[,;: ]|~|\s)*\\(?:text|mathrm|mbox|rm)\b")
LETTER = re.compile(r"[a-zA-Z]")
NAME = re.compile(r"\\[a-zA-Z]+|[a-zA-Z]")
NUMBERS = frozenset(("\\frac", "\\sqrt", "\\pi", "\\infty", "\\pm", "\\approx", "e", "i", "\\cup", "\\in"))
COMMANDS = re.compile(r"\\(?:frac|sqrt|pi|infty|pm|text|mathrm|left|right|approx)(?![a-zA-Z])")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
IN_A_BASE = re.compile(r"\d+_(?:\{\d{1,2}\}|\d)")
# Up to here a number is often another quantity's value by chance, so an "= 3" alone is not taken for the answer.
SMALL, SMALL_PART = 20, 5


def settled(statement: Statement, *, gold: str, tolerant: bool) -> bool | None:
    """Whether a statement is the gold; None where its grader must say. tolerant: it takes a number near by, too."""
    if not tolerant and (same := numbers_settled(statement.answer, gold)) is not None:
        return same
    if statement.answer.count("{") != statement.answer.count("}"):
        return False
    if statement.form in ("equals", "said"):
        return settled_cheaply(statement.answer, gold)
    # What is put in a box, or announced, is meant as the answer, whatever is left to compute in it.
    return True if statement.answer == gold and INTEGER.fullmatch(gold) else None


def numbers_settled(answer: str, gold: str) -> bool | None:
    """As the grader compares two plain numbers; None where one of them is none."""
    a = QUICK.fullmatch(answer)
    g = a and QUICK.fullmatch(gold_expression(gold))
    return compare_numbers(a[1], g[1]) if a and g else None


@lru_cache(maxsize=200_000)
def settled_cheaply(answer: str, gold: str) -> bool | None:
    """Whether an expression is the gold; None where its grader must say."""
    g = spelled_gold(gold)
    if INTEGER.fullmatch(g) and has_other_digits(answer, g):
        return False
    counted = NUMBER_WITH_UNIT.match(answer)
    a = plain(counted[1] if counted else answer)
    if not a or a == g:
        return bool(a)
    if INTEGER.fullmatch(a) and INTEGER.fullmatch(g):
        return integer_key(a) == integer_key(g)
    if INTEGER.fullmatch(g):
        # 26970/6 is on the way to 4495, not the answer. Whether 40_9 is 40, the grader knows.
        return None if DECIMAL.fullmatch(a) or IN_A_BASE.fullmatch(a) else False
    value = exact(g)
    if value is not None and "." not in a + g and exact(a) is not None:
        return exact(a) == value
    if value is not None and (not DIGIT.search(a) or LETTER.search(COMMANDS.sub("", a))):
        return False
    if "=" not in g and letters_of(a) != letters_of(g):
        return False
    if DIVISION_OF_DECIMALS.search(a):
        return False
    left = set(UNFINISHED.findall(a)) - set(UNFINISHED.findall(g))
    return False if left or n_terms(a) > n_terms(g) else None


@lru_cache(maxsize=4096)
def spelled_gold(gold: str) -> str:
    return plain(gold_expression(gold))


def has_other_digits(answer: str, number: str) -> bool:
    """Whether an answer's digits cannot be a whole number's, however it is spelled; most need not be spelled then."""
    if not answer.isascii() or MAKES_NUMBERS.search(answer):
        return False
    digits = NO_DIGIT.sub("", answer)
    return digits != "" and number.lstrip("+-0") not in digits


def letters_of(expression: str) -> frozenset[str]:
    """Letters and Greek letters; without those that stand for numbers, which other spellings may lack."""
    return frozenset(found.casefold() for found in NAME.findall(expression)) - NUMBERS


def n_terms(expression: str) -> int:
    """Terms outside all brackets: b(a+5)+2(a+5) has two, (a+5)(b+2) has one."""
    return sum(1 for term in split(expression, "+-") if term)


@lru_cache(maxsize=4096)
def is_common(gold: str, *, problem: str) -> bool:
    """Whether other quantities often have gold's value: a small number, or a number of the problem."""
    value = exact(plain(gold_expression(gold)))
    if value is None:
        return False
    if (value.denominator == 1 and abs(value) <= SMALL) or max(abs(value.numerator), value.denominator) <= SMALL_PART:
        return True
    return any(exact(plain(number)) == abs(value) for number in NUMBER.findall(problem))
