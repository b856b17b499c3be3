r"""Sets of real numbers, however they are said: x>5 is (5,\infty), x\neq1 is \mathbb{R}\setminus\{1\}.

What this could wrongly accept: "and" for "or". x>1 or x<3 is every number, x>1 and x<3 is (1,3); a list of inequalities
is a union only where they are apart. Bounds are compared exactly, and so are brackets.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from lighteval_r1.graders import arithmetic
from lighteval_r1.graders.brackets import Decide, all_equal, encloses, outer, split
from lighteval_r1.graders.equations import RELATION, SYMBOL
from lighteval_r1.graders.operations import TooLarge, Unreadable

ORDER = re.compile(r"(\\leq(?![a-zA-Z]) ?|\\geq(?![a-zA-Z]) ?|\\neq(?![a-zA-Z]) ?|<|>)")
FLIPPED = {">": "<", "\\geq": "\\leq", "<": ">", "\\leq": "\\geq", "\\neq": "\\neq"}
VARIABLE = re.compile(rf"{SYMBOL}|\\text\{{[^{{}}]*\}}", re.VERBOSE)
MEMBER = re.compile(rf"({SYMBOL})\\(not)?in(?![a-zA-Z])\ ?(.+)", re.VERBOSE)
BUILT = re.compile(rf"\\\{{({SYMBOL})(?:\\in\ ?\\mathbb\{{R\}})?[|:](.+)\\\}}", re.VERBOSE)
# "all real numbers except 1"
ALL_BUT = re.compile(r"\\text\{all\} ?\\text\{reals?\} ?(?:\\text\{numbers\} ?)?\\text\{except\} ?(?:[a-z]=)?(.+)")
REALS = "\\mathbb{R}"
# \mathbb{R}^+, \mathbb{R}_{\geq0}, "all positive real numbers"
OF_SIGN = re.compile(
    r"\\mathbb\{R\}[_^]\{?(\+|-|>0|<0|\\[gln]eq0)\}?"
    r"|(?:\\text\{(?:all|the)\} ?)?\\text\{(positive|negative|non(?:\} ?\\text\{)?negative)\} ?"
    r"(?:\\text\{real\} ?)?\\text\{(?:real|number)s\} ?"
)
POSITIVE, NEGATIVE, NOT_NEGATIVE = "(0,\\infty)", "(-\\infty,0)", "[0,\\infty)"
SIGNED = {"+": POSITIVE, ">0": POSITIVE, "positive": POSITIVE, "-": NEGATIVE, "<0": NEGATIVE, "negative": NEGATIVE}
SIGNED |= {"\\leq0": "(-\\infty,0]", "\\neq0": "\\mathbb{R}\\setminus\\{0\\}"}
INFINITE = {"\\infty": 1, "+\\infty": 1, "-\\infty": -1}


@dataclass(frozen=True)
class Bound:
    """An end of an interval as written, and whether it belongs to it; at: its place on the line."""

    text: str
    at: float
    closed: bool


Interval = tuple[Bound, Bound]
LOWEST, HIGHEST = Bound("-\\infty", float("-inf"), False), Bound("\\infty", float("inf"), False)


class NoSet(Exception):
    """Not a set of real numbers that is read here."""


def bound(text: str, *, closed: bool) -> Bound:
    text = outer(text)
    if text in INFINITE:
        return Bound(text.lstrip("+"), INFINITE[text] * float("inf"), False)
    try:
        values, letters = arithmetic.values(text)
    except (Unreadable, TooLarge) as error:
        raise NoSet from error
    if letters or values[0].imag != 0:
        raise NoSet
    return Bound(text, float(values[0].real), closed)


def united(parts: list[Interval]) -> list[Interval]:
    """In order, without those that are empty; those that touch are one."""
    merged: list[Interval] = []
    for low, high in sorted(parts, key=lambda part: (part[0].at, not part[0].closed)):
        if low.at > high.at or (low.at == high.at and not (low.closed and high.closed)):
            continue
        if merged and (
            low.at < merged[-1][1].at or (low.at == merged[-1][1].at and (low.closed or merged[-1][1].closed))
        ):
            last = merged[-1][1]
            later = high if (high.at, high.closed) > (last.at, last.closed) else last
            merged[-1] = (merged[-1][0], later)
        else:
            merged.append((low, high))
    return merged


def complement(parts: list[Interval]) -> list[Interval]:
    found, low = [], LOWEST
    for first, last in united(parts):
        found.append((low, Bound(first.text, first.at, not first.closed and first.at != float("-inf"))))
        low = Bound(last.text, last.at, not last.closed and last.at != float("inf"))
    return united([*found, (low, HIGHEST)])


def intersected(parts: list[Interval], others: list[Interval]) -> list[Interval]:
    return complement(complement(parts) + complement(others))


@lru_cache(maxsize=4096)
def real_set(s: str) -> tuple[str, tuple[Interval, ...]]:
    """(variable or "", intervals in order) that s says. Raises NoSet."""
    s = OF_SIGN.sub(lambda match: SIGNED.get(match[1] or match[2], NOT_NEGATIVE), outer(s))
    s = ALL_BUT.sub(r"\\mathbb{R}\\setminus\\{\1\\}", s)
    member = MEMBER.fullmatch(s)
    built = BUILT.fullmatch(s)
    if member:
        _, parts = real_set(member[3])
        return member[1], tuple(complement(list(parts)) if member[2] else parts)
    if built and "\\}" not in built[2]:
        return "", real_set(built[2])[1]
    for operator, combine in (("\\lor", "or"), ("\\land", "and"), ("\\cup", "or"), ("\\cap", "and"), (",", "list")):
        parts = split_at(s, operator)
        if len(parts) > 1:
            if combine == "list" and not all(ORDER.search(part) or MEMBER.fullmatch(part) for part in parts):
                break
            return combined([real_set(part) for part in parts], combine)
    if ORDER.search(s):
        return by_order(s)
    name, equals, value = s.partition("=")
    if equals and VARIABLE.fullmatch(name):
        point = bound(value, closed=True)
        return name, ((point, point),)
    return "", tuple(united(literal(s)))


def split_at(s: str, operator: str) -> list[str]:
    """The parts between an operator outside all brackets."""
    if operator not in s:
        return [s]
    return split(
        re.sub(rf"{re.escape(operator)}(?![a-zA-Z]) ?", "\x05", s) if operator != "," else s.replace(",", "\x05"),
        "\x05",
    )


def combined(sets: list[tuple[str, tuple[Interval, ...]]], how: str) -> tuple[str, tuple[Interval, ...]]:
    """Their union or intersection. A list of inequalities is a union where they are apart, else all must hold."""
    names = {name for name, _ in sets if name}
    if len(names) > 1:
        raise NoSet
    parts = list(sets[0][1])
    for _, other in sets[1:]:
        common = intersected(parts, list(other))
        parts = common if how == "and" or (how == "list" and common) else united([*parts, *other])
    return (names.pop() if names else ""), tuple(parts)


def by_order(s: str) -> tuple[str, tuple[Interval, ...]]:
    """The set of an inequality in one variable: x>5, 1<x\\leq 3, |x|<2, x\\neq 1."""
    sides, marks = ordered(s)
    if len(marks) == 1 and not is_variable(sides[0]) and is_variable(sides[1]):
        sides, marks = sides[::-1], [FLIPPED[marks[0]]]
    if len(marks) == 1 and is_variable(sides[0]):
        name, size = stripped(sides[0])
        part = one_sided(marks[0], sides[1])
        return name, tuple(of_size(part) if size else part)
    if len(marks) == 2 and set(marks) <= {"<", "\\leq"} and is_variable(sides[1]):
        name, size = stripped(sides[1])
        low, high = bound(sides[0], closed=marks[0] != "<"), bound(sides[2], closed=marks[1] != "<")
        return name, tuple(of_size(united([(low, high)])) if size else united([(low, high)]))
    raise NoSet


def ordered(s: str) -> tuple[list[str], list[str]]:
    """Sides and marks of inequalities, from the smaller to the larger."""
    tokens = ORDER.split(s)
    sides, marks = tokens[::2], [token.strip() for token in tokens[1::2]]
    return (
        (sides[::-1], [FLIPPED[mark] for mark in reversed(marks)])
        if marks[:1] in ([">"], ["\\geq"])
        else (sides, marks)
    )


def is_variable(side: str) -> bool:
    name, _ = stripped(side)
    return VARIABLE.fullmatch(name) is not None


def stripped(side: str) -> tuple[str, bool]:
    """(variable, whether it stands between bars)."""
    return (side[1:-1], True) if len(side) > 2 and side[0] == side[-1] == "|" else (side, False)


def one_sided(mark: str, limit: str) -> list[Interval]:
    end = bound(limit, closed=mark in ("\\leq", "\\geq"))
    if mark == "\\neq":
        return complement([(Bound(end.text, end.at, True), Bound(end.text, end.at, True))])
    return united([(LOWEST, end)] if mark in ("<", "\\leq") else [(end, HIGHEST)])


def of_size(parts: list[Interval]) -> list[Interval]:
    """The numbers whose size lies in the parts."""
    sizes = intersected(parts, [(Bound("0", 0.0, True), HIGHEST)])
    mirrored = [(negated(high), negated(low)) for low, high in sizes]
    return united([*mirrored, *sizes])


def negated(end: Bound) -> Bound:
    text = end.text[1:] if end.text[0] == "-" else end.text if end.at == 0 else "-" + end.text
    return Bound(text, -end.at, end.closed)


def literal(s: str) -> list[Interval]:
    r"""The parts of (1,2], ]1,2], \{1,2\}, \mathbb{R}\setminus\{1\}, \emptyset."""
    whole, _, without = s.partition("\\setminus")
    if without:
        return intersected(list(real_set(whole)[1]), complement(list(real_set(without.strip())[1])))
    if s == REALS:
        return [(LOWEST, HIGHEST)]
    if s in ("\\emptyset", "\\{\\}"):
        return []
    if s[:2] == "\\{" and s[-2:] == "\\}":
        ends = [bound(part, closed=True) for part in split(s[2:-2], ",;")]
        return [(end, end) for end in ends]
    french = len(s) > 2 and s[0] in "[]" and s[-1] in "[]" and (s[0] == "]" or s[-1] == "[")
    if not french and (len(s) < 5 or s[0] not in "([" or s[-1] not in ")]" or not encloses(s)):
        raise NoSet
    parts = split(s[1:-1], ",;")
    if len(parts) != 2:
        raise NoSet
    return [(bound(parts[0], closed=s[0] == "["), bound(parts[1], closed=s[-1] == "]"))]


def compare_sets(a: str, g: str, decide: Decide) -> bool | None:
    """None where neither side says a set by its signs, or they are not read."""
    if not any(RELATION.search(s) or REALS in s or ALL_BUT.search(s) or OF_SIGN.search(s) for s in (a, g)):
        return None
    a, g = united_by_comma(a, g), united_by_comma(g, a)
    try:
        (name, mine), (gold_name, theirs) = real_set(a), real_set(g)
    except NoSet:
        return by_form(a, g, decide)
    if (name and gold_name and name != gold_name) or len(mine) != len(theirs):
        return False
    pairs = [(x, y) for part, other in zip(mine, theirs, strict=True) for x, y in zip(part, other, strict=True)]
    if any(x.closed != y.closed for x, y in pairs):
        return False
    return all_equal(((x.text, y.text) for x, y in pairs), decide)


def united_by_comma(s: str, other: str) -> str:
    r"""Intervals in a list as their union, where the other side says one: (1,2),(3,4) for (1,2)\cup(3,4)."""
    parts = split(s, ",")
    listed = len(parts) > 1 and all(part[:1] in "([" and part[-1:] in ")]" for part in parts)
    return "\\cup".join(parts) if listed and "\\cup" in other else s


def by_form(a: str, g: str, decide: Decide) -> bool | None:
    """Relations that are not read as sets, side by side: chains of inequalities, members of sets with letters."""
    member, gold_member = MEMBER.fullmatch(a), MEMBER.fullmatch(g)
    if member and gold_member:
        return decide(member[3], gold_member[3]) if member.groups()[:2] == gold_member.groups()[:2] else False
    only = member or gold_member
    if only and not only[2] and not RELATION.search(g if member else a):
        return decide(only[3], g) if member else decide(a, only[3])
    mine, theirs = chain(a), chain(g)
    if mine and theirs and mine[1] == theirs[1]:
        found = [decide(x, y) for x, y in zip(mine[0], theirs[0], strict=True)]
        return True if all(found) else None
    return None


def chain(s: str) -> tuple[list[str], list[str]] | None:
    """Sides and marks of a chain of inequalities; None where s is none."""
    if "," in s or not ORDER.search(s) or RELATION.search(ORDER.sub("", s)):
        return None
    return ordered(s)
