r"""Equations: `x=5` answers 5, 5 answers `\angle ABC=5`, and equations are equal where one is a multiple of the other.

What this could wrongly accept: an equation as its right side. A left side that only names (`x`, `f(2)`, `\angle ABC`,
`m+n`) is no part of the answer; `x^2=4`, `2x=10` and `7=6` answer nothing but themselves. Two names are one only where
they are spelt alike: x_1 is not x_2.
"""

import re

from lighteval_r1.graders import arithmetic
from lighteval_r1.graders.brackets import Decide, all_equal, outer, split
from lighteval_r1.graders.operations import TooLarge, Unreadable
from lighteval_r1.graders.points import Letters

GREEK = "|".join(sorted(arithmetic.GREEK))
ACCENTED = r"\\(?:hat|bar|vec|tilde|dot|ddot|overline|widehat|mathbb|overrightarrow)\ ?(?:\{[^{}=]{1,20}\}|[a-zA-Z])"
INDEX = r"(?:_(?:\\?\w+\ ?|\{[^{}=]{1,30}(?:\{[^{}=]{1,20}\})?\}))"
SYMBOL = rf"(?:{ACCENTED}|[a-zA-Z]|\\(?:{GREEK})\ ?){INDEX}?'*{INDEX}?"
POINTS = r"(?:[A-Z]'*(?:_\w)?){2,5}"
NAME = re.compile(
    rf"""{SYMBOL}(?:\([^()=<>]{{1,60}}\))?                       # x, x_1, f(2), I_{{\max}}
    |\((?:{SYMBOL},)+{SYMBOL}\)                                  # (x,y)
    |m?\\(?:angle|measuredangle|triangle)\ ?(?:{POINTS}|\w|\\\w+)  # \angle ABC
    |{POINTS}|\|[A-Z]\||\|{POINTS}\||\[{POINTS}\]                          # AB, |AB|, [ABC]
    |\|?\\overline\ ?\{{{POINTS}\}}\|?
    |(?:P|E|Pr|Var|Cov|\\Pr\ ?|\\mathbb\{{[PE]\}})(?:\(.{{1,80}}\)|\[.{{1,80}}\]|\{{.{{1,80}}\}})  # P(X=1)
    |\\(?:gcd|lcm|max|min|deg|det|dim|lim|sup|inf)(?![a-zA-Z]).{{0,80}}
    |\\(?:sin|cos|tan|cot|sec|csc)\ ?\(?(?:\\angle\ ?)?(?:[A-Z]{{1,3}}|\\(?:theta|alpha|beta|gamma|phi)\ ?)\)?
    |\#|(?:\\text\{{[^{{}}]*\}}\ ?)+(?:{SYMBOL})?                   # \text{{Area}}
    |{SYMBOL}:{SYMBOL}|{POINTS}:{POINTS}""",
    re.VERBOSE,
)
# f(x)=x: what stands left of it is a function, whatever stands right
CALLED = re.compile(r"[a-zA-Z]\([a-zA-Z]\)")
CONSTANT = re.compile(r"\\(?:pi|infty|emptyset|mathbb\{[A-Z]\})")
# m+n, m-n, \frac{m}{n}: quantities of two letters or more, with nothing to solve.
COMPOUND = re.compile(rf"{SYMBOL}(?:[-+*/]?{SYMBOL})+|\\frac\{{[a-zA-Z]+\}}\{{[a-zA-Z]+\}}", re.VERBOSE)
RELATION = re.compile(
    r"\\(?:leq|geq|neq|in|notin|subset|subseteq|equiv|to|cup|cap|setminus|land|lor)(?![a-zA-Z]) ?|[<>]"
)
WITHIN = re.compile(r"\([^()]*\)|_\{[^{}]*\}")
COMMAND = re.compile(r"\\[a-zA-Z]+")
# All but e and i, which are numbers.
A_LETTER = re.compile(r"[a-df-hj-zA-Z]")


def is_name(side: str) -> bool:
    return NAME.fullmatch(side) is not None and CONSTANT.fullmatch(side) is None


def is_quantity(side: str) -> bool:
    """A name, or letters put together without a number: what `=` assigns a value to."""
    return is_name(side) or (COMPOUND.fullmatch(side) is not None and len(set(re.findall(r"[a-zA-Z]", side))) > 1)


def has_letters(side: str) -> bool:
    return A_LETTER.search(COMMAND.sub(" ", side)) is not None


def relates(s: str) -> bool:
    """Whether it says an inequality or a set; P(X>1) says none."""
    return RELATION.search(WITHIN.sub("", s)) is not None


def compare_equations(a: str, g: str, decide: Decide) -> bool | None:
    """None where neither side is an equation, or they are not read."""
    if ("=" not in a and "=" not in g) or relates(a) or relates(g):
        return None
    mine, theirs = [outer(side) for side in split(a, "=")], [outer(side) for side in split(g, "=")]
    if len(mine) == len(theirs) == 1 or "" in mine or "" in theirs:
        return None
    if len(theirs) == 1:
        return answers(mine, g, decide)
    if len(mine) == 1:
        return answered_by_value(a, theirs, decide)
    return both_equations(mine, theirs, decide)


def answers(sides: list[str], gold: str, decide: Decide) -> bool | None:
    """Whether `name = formula = value` answers gold: what does not name must be equal, but for formulas behind a
    name."""
    value = sides[0] if is_name(sides[-1]) and not is_name(sides[0]) else sides[-1]
    same = decide(value, gold)
    if not same:
        return same
    others = sides[1:] if value is sides[0] else sides[:-1]
    if value is sides[-1] and is_quantity(sides[0]):
        others = [side for side in others[1:] if not has_letters(side)]
    return all_equal(((side, gold) for side in others if not is_quantity(side)), decide)


def answered_by_value(answer: str, sides: list[str], decide: Decide) -> bool | None:
    r"""Whether a value answers a gold that names it: `\angle ABC=45`, I_{\max}=7."""
    called = CALLED.fullmatch(sides[0]) is not None
    if not is_quantity(sides[0]) or (is_name(sides[-1]) and len(sides[0]) > 1 and not called):
        return False
    return decide(answer, sides[-1])


def both_equations(mine: list[str], theirs: list[str], decide: Decide) -> bool | None:
    called = CALLED.fullmatch(mine[0]) and CALLED.fullmatch(theirs[0])
    if is_name(mine[0]) and is_name(theirs[0]) and (called or not (is_name(mine[-1]) and is_name(theirs[-1]))):
        value = named_alike(mine[0], theirs[0], mine[-1])
        return decide(value, theirs[-1]) if value is not None else False
    if len(mine) > 2 or len(theirs) > 2:
        return all_equal(zip(mine, theirs, strict=True), decide) if len(mine) == len(theirs) else None
    return multiples(mine, theirs)


def named_alike(mine: str, theirs: str, value: str) -> str | None:
    """The value under the name that gold has; None where the names differ. f(t)=t is f(x)=x, and f=… is f(x)=…."""
    if mine == theirs or ("y" in (mine, theirs) and (CALLED.fullmatch(mine) or CALLED.fullmatch(theirs))):
        return value
    (head, _, letter), (other_head, _, other) = mine.partition("("), theirs.partition("(")
    if head != other_head or not head:
        return None
    if not letter or not other:
        return value
    argument = re.compile(r"[a-zA-Z]\)")
    if not argument.fullmatch(letter) or not argument.fullmatch(other) or other[0] in COMMAND.sub(" ", value):
        return None
    return re.sub(rf"(\\[a-zA-Z]+)|{letter[0]}", lambda match: match[1] or other[0], value)


def multiples(mine: list[str], theirs: list[str]) -> bool | None:
    """Whether one equation is a multiple of the other."""
    # |x|=12 is not x=12.
    sizes = "|" in "".join(mine + theirs)
    stand_for = Letters.SIGNED if sizes else Letters.POSITIVE
    try:
        x, letters = arithmetic.values(f"({mine[0]})-({mine[1]})", stand_for)
        y, gold_letters = arithmetic.values(f"({theirs[0]})-({theirs[1]})", stand_for)
        if letters != gold_letters or not letters or 0 in y or 0 in x:
            return False
        ratios = [arithmetic.divide(p, q) for p, q in zip(x, y, strict=True)]
    except (Unreadable, TooLarge):
        return None
    return all(arithmetic.same(ratios[0], ratio) for ratio in ratios[1:])
