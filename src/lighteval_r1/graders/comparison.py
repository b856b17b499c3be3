r"""Whether two expressions mean the same: True, False, or None where it was too much to find out.

Steps, each cheaper than the next; the first that knows decides:
  string      equal in their one spelling (graders.latex)
  number      both are exact numbers: integers, decimals, fractions
  text        both are words
  parts       lists, tuples, intervals, sets, matrices, equations: part by part
  value       equal values at random points, exact or to 50 digits (graders.arithmetic)
  math-verify symbolic comparison of what the steps above cannot read; the only step that imports sympy
"""

import re
from functools import lru_cache

from lighteval_r1.graders import arithmetic
from lighteval_r1.graders.arithmetic import TooLarge, Unreadable
from lighteval_r1.graders.latex import MAX_LENGTH, ROW, encloses, outer, plain, split
from lighteval_r1.graders.numerals import (
    DECIMAL,
    INTEGER,
    close,
    compare_bases,
    compare_numbers,
    exact,
    integer_key,
    is_decimal,
)

WORD = re.compile(r"[^\W\d_]+(?:[^\W\d_]|['’.,-])*")
MATRIX = re.compile(r"\\begin\{([pbB]?matrix|array)\}(?:\{[lcr|]*\})?(.*?)\\end\{\1\}")
SOLVED = re.compile(
    r"(?:[a-zA-Z]|\\[a-zA-Z]+ ?[a-zA-Z]?)(?:_\w|_\{\w+\})?'?(?:\([a-zA-Z](?:,[a-zA-Z])*\))?|\([a-zA-Z](?:,[a-zA-Z])+\)"
)
RELATION = re.compile(r"\\(?:leq|geq|neq|in|subset|equiv|to|cup|cap|setminus) ?|[<>]")
ORDER = re.compile(r"(\\leq ?|\\geq ?|<|>)")
PLUS_MINUS = re.compile(r"\\([pm])[mp](?![a-zA-Z]) ?")
VARIABLE = re.compile(r"[a-zA-Z]|\\[a-zA-Z]+")


def is_word(s: str) -> bool:
    return WORD.fullmatch(s) is not None and len(s) > 1


def fold(s: str) -> str:
    return re.sub(r"[\W_]+", "", s).casefold()


def compare(answer: str, gold: str) -> tuple[bool | None, str]:
    """Whether two answers as written are equal, and the step that decided. None: too large to compare."""
    if answer.strip() == gold.strip():
        return True, "string"
    if max(len(answer), len(gold)) <= MAX_LENGTH:
        return compare_readable(answer, gold)
    a, g = re.sub(r"[\s,]", "", answer), re.sub(r"[\s,]", "", gold)
    if INTEGER.fullmatch(a) and INTEGER.fullmatch(g):
        return integer_key(a) == integer_key(g), "number"
    return (True, "string") if a == g else (None, f"too long to compare: {max(len(answer), len(gold))} characters")


# Equal pairs are compared once: the samples of a problem mostly give one of a few answers.
@lru_cache(maxsize=16_384)
def compare_readable(answer: str, gold: str) -> tuple[bool | None, str]:
    a, g = plain(answer), plain(gold)
    if a == g:
        return bool(a), "string"
    same = compare_numbers(a, g)
    if same is None:
        return decide(a, g, depth=0)
    if not same and ("%" in answer) != ("%" in gold):
        # 20% is 20 where the sign does not decide, and 1/5 where it is read as what it means.
        x, y = exact(a), exact(g)
        same = x is not None and y is not None and (x == y / 100 if "%" in gold else y == x / 100)
    return same, "number"


def decide(a: str, g: str, *, depth: int) -> tuple[bool | None, str]:
    """The steps behind string and number, for expressions in their one spelling."""
    if a == g:
        return True, "string"
    same = compare_numbers(a, g)
    if same is not None:
        return same, "number"
    if (is_word(a) or is_word(g)) and fold(a) == fold(g):
        return True, "text"
    if not a or not g:
        return False, "string"
    if depth > 8:
        return None, "nested too deeply"
    for step, rule in RULES:
        same = rule(a, g, depth)
        if same is not None:
            return same, step
    try:
        return compare_values(a, g), "value"
    except TooLarge as error:
        return None, f"too large to compute: {error}"
    except Unreadable:
        pass
    if is_word(a) and is_word(g):
        return False, "text"
    return symbolic(a, g)


def symbolic(a: str, g: str) -> tuple[bool | None, str]:
    # Imported here: only few answers need it, and it imports sympy when it goes to work.
    from lighteval_r1.graders import symbolic as last_step

    return last_step.compare(a, g)


def compare_values(a: str, g: str) -> bool:
    """Equal values at random points, under the policy for decimals. Raises Unreadable or TooLarge."""
    mine, letters = arithmetic.values(a)
    theirs, gold_letters = arithmetic.values(g)
    if letters != gold_letters:
        # Letters that cancel (x - x + 1) are tried at all points all the same.
        mine, theirs = mine * (3 // len(mine)), theirs * (3 // len(theirs))
    if all(arithmetic.same(x, y) for x, y in zip(mine, theirs, strict=True)):
        # Letters stand for positive numbers, as in a gold like x\sqrt{x}, but where one side says |x|.
        return ("|" in a) == ("|" in g) or not letters or arithmetic.same_below_zero(a, g)
    return (
        not letters
        and not gold_letters
        and not is_decimal(a)
        and DECIMAL.fullmatch(g) is not None
        and close(mine[0], g)
    )


# ---- parts


def all_equal(pairs, depth: int) -> bool | None:
    """True if all pairs are equal, False if one is not, None if one could not be decided and none is unequal."""
    found = [decide(outer(x), outer(y), depth=depth + 1)[0] for x, y in pairs]
    return False if False in found else None if None in found else True


def signs(s: str) -> list[str]:
    r"""1 \pm 2 -> [1+2, 1-2]; others as they are."""
    if not PLUS_MINUS.search(s):
        return [s]
    plus = PLUS_MINUS.sub(lambda match: "+" if match[1] == "p" else "-", s)
    minus = PLUS_MINUS.sub(lambda match: "-" if match[1] == "p" else "+", s)
    return [plus.removeprefix("+"), minus.removeprefix("+")]


def elements(s: str) -> list[str] | None:
    r"""The elements of a list or set written 1,2 · {1,2} · \{1,2\} · 1 \pm 2; None where s is none."""
    braces = re.fullmatch(r"\\\{(.*)\\\}", s) or (re.fullmatch(r"\{(.*)\}", s) if encloses(s) else None)
    inner = braces.group(1) if braces else s
    parts = [part for piece in split(inner, ",;") for part in signs(piece) if part]
    return parts if braces or len(parts) > 1 else None


def compare_lists(a: str, g: str, depth: int) -> bool | None:
    mine, theirs = elements(a), elements(g)
    if mine is None and theirs is None:
        return None
    if mine is None or theirs is None:
        # A tuple without its brackets is read in its order; a list in brackets of a tuple likewise.
        pair, other = (bracketed(a), theirs) if mine is None else (bracketed(g), mine)
        if pair and pair[0] + pair[2] == "()" and len(pair[1]) == len(other):
            return all_equal(zip(pair[1], other, strict=True), depth)
        if mine is None and len(theirs) == 1:
            return decide(a, outer(theirs[0]), depth=depth + 1)[0]
        if theirs is None and len(mine) == 1:
            return decide(outer(mine[0]), g, depth=depth + 1)[0]
        single = a if mine is None else g
        return None if "\\cup" in single or "\\begin" in single or RELATION.search(single) else False
    if all("=" in x for x in mine) != all("=" in x for x in theirs):
        return (
            all_equal(zip(map(right_side, mine), map(right_side, theirs), strict=False), depth)
            if len(mine) == len(theirs)
            else False
        )
    return same_set(mine, theirs, depth)


def same_set(mine: list[str], theirs: list[str], depth: int) -> bool | None:
    """Each element of one has an equal in the other."""
    if len(mine) > 50 or len(theirs) > 50:
        return set(mine) == set(theirs)
    unknown = False
    for one, other in ((mine, theirs), (theirs, mine)):
        for x in one:
            found = [decide(outer(x), outer(y), depth=depth + 1)[0] for y in other] if x not in other else [True]
            if True not in found:
                if None not in found:
                    return False
                unknown = True
    return None if unknown else True


def bracketed(s: str) -> tuple[str, list[str], str] | None:
    """(opening, parts, closing) of a tuple or interval; None where s is none."""
    if len(s) < 3 or s[0] not in "([" or s[-1] not in ")]" or not encloses(s):
        return None
    parts = split(s[1:-1], ",;")
    return (s[0], parts, s[-1]) if len(parts) > 1 else None


def compare_tuples(a: str, g: str, depth: int) -> bool | None:
    """Tuples and intervals: order and, for two parts, brackets matter. Column vectors are tuples."""
    mine, theirs = bracketed(a) or column(a), bracketed(g) or column(g)
    if mine is None or theirs is None:
        number = exact(a if mine is None else g)
        return False if number is not None and (mine or theirs) else None
    if len(mine[1]) != len(theirs[1]):
        return False
    if len(mine[1]) == 2 and (mine[0], mine[2]) != (theirs[0], theirs[2]):
        return False
    return all_equal(zip(mine[1], theirs[1], strict=True), depth)


def column(s: str) -> tuple[str, list[str], str] | None:
    rows = matrix(s)
    if rows and len(rows) > 1 and all(len(row) == 1 for row in rows):
        return "(", [row[0] for row in rows], ")"
    return None


def matrix(s: str) -> list[list[str]] | None:
    match = MATRIX.fullmatch(s.strip("[]()|"))
    if match is None or "\\begin" in match.group(2):
        return None
    rows = [row.split("&") for row in match.group(2).split(ROW)]
    return rows if rows[-1] != [""] else rows[:-1]


def compare_matrices(a: str, g: str, depth: int) -> bool | None:
    mine, theirs = matrix(a), matrix(g)
    if mine is None or theirs is None:
        return None
    if [len(row) for row in mine] != [len(row) for row in theirs]:
        return False
    return all_equal([pair for x, y in zip(mine, theirs, strict=True) for pair in zip(x, y, strict=True)], depth)


def right_side(s: str) -> str:
    return outer(split(s, "=")[-1])


def compare_equations(a: str, g: str, depth: int) -> bool | None:
    """`x=5` answers 5; equations are equal where one is a multiple of the other."""
    mine, theirs = split(a, "="), split(g, "=")
    if len(mine) == len(theirs) == 1 or RELATION.search(a) or RELATION.search(g):
        return None
    if len(theirs) == 1:
        return decide(outer(mine[-1]), g, depth=depth + 1)[0]
    if len(mine) == 1:
        solved = SOLVED.fullmatch(theirs[0]) or len(theirs) > 2 or ":" in theirs[0]
        return decide(a, outer(theirs[-1]), depth=depth + 1)[0] if solved else False
    if SOLVED.fullmatch(mine[0]) and SOLVED.fullmatch(theirs[0]) and mine[0][0] == theirs[0][0]:
        return decide(outer(mine[-1]), outer(theirs[-1]), depth=depth + 1)[0]
    if len(mine) > 2 or len(theirs) > 2:
        return all_equal(zip(mine, theirs, strict=False), depth) if len(mine) == len(theirs) else None
    try:
        x, _ = arithmetic.values(f"({mine[0]})-({mine[1]})")
        y, _ = arithmetic.values(f"({theirs[0]})-({theirs[1]})")
        if len(x) != len(y) or 0 in y or 0 in x:
            return False
        ratios = [arithmetic.divide(p, q) for p, q in zip(x, y, strict=True)]
    except Unreadable:
        return None
    except TooLarge:
        return None
    return len(ratios) > 1 and all(arithmetic.same(ratios[0], ratio) for ratio in ratios[1:])


def interval(s: str) -> tuple[str, str] | None:
    """(letter, interval) of an inequality in one letter: x>=5 -> x, [5,\\infty); of `x \\in S` -> x, S; else None."""
    member = re.fullmatch(r"([^=<>,]+?)\\in ?(.+)", s)
    if member:
        return member.group(1), member.group(2)
    tokens = ORDER.split(s)
    if len(tokens) not in (3, 5):
        return None
    sides, marks = tokens[::2], [token.strip() for token in tokens[1::2]]
    if marks[0] in (">", "\\geq"):
        sides, marks = sides[::-1], [{">": "<", "\\geq": "\\leq"}.get(mark, "?") for mark in reversed(marks)]
    if not set(marks) <= {"<", "\\leq"}:
        return None
    if len(sides) == 2 and VARIABLE.fullmatch(sides[0]):
        sides, marks = ["-\\infty", *sides], ["<", *marks]
    elif len(sides) == 2 and VARIABLE.fullmatch(sides[1]):
        sides, marks = [*sides, "\\infty"], [*marks, "<"]
    if len(sides) != 3 or not VARIABLE.fullmatch(sides[1]) or sides[1] == "\\infty":
        return None
    return sides[1], f"{'(' if marks[0] == '<' else '['}{sides[0]},{sides[2]}{')' if marks[1] == '<' else ']'}"


def union(s: str) -> str:
    """`x<1, x>3` (from "x < 1 or x > 3") as a union of intervals; others as they are."""
    found = [interval(part) for part in split(s, ",;")] if ORDER.search(s) else []
    alike = len(found) > 1 and all(found) and len({letter for letter, _ in found}) == 1
    return "\\cup".join(part for _, part in found) if alike else s


def compare_intervals(a: str, g: str, depth: int) -> bool | None:
    """Inequalities in one letter as intervals; unions in any order."""
    a, g = union(a), union(g)
    x, y = interval(a), interval(g)
    if x and y:
        return decide(x[1], y[1], depth=depth + 1)[0] if x[0] == y[0] else None
    if x or y:
        mine, theirs = x[1] if x else a, y[1] if y else g
        return (
            decide(mine, theirs, depth=depth + 1)[0]
            if (bracketed(mine) and bracketed(theirs)) or "\\in" in (a + g)
            else None
        )
    mine, theirs = a.replace("\\cup ", "\\cup").split("\\cup"), g.replace("\\cup ", "\\cup").split("\\cup")
    if len(mine) == len(theirs) == 1 or not all(bracketed(part) or elements(part) for part in mine + theirs):
        return None
    return same_set(mine, theirs, depth) if len(mine) == len(theirs) else None


def compare_ratios(a: str, g: str, depth: int) -> bool | None:
    mine, theirs = split(a, ":"), split(g, ":")
    if len(mine) == len(theirs) == 1 or "=" in a or "=" in g:
        return None
    return all_equal(zip(mine, theirs, strict=True), depth) if len(mine) == len(theirs) else False


RULES = (
    ("matrices, entry by entry", compare_matrices),
    ("tuples, part by part", compare_tuples),
    ("intervals", compare_intervals),
    ("lists, as sets", compare_lists),
    ("equations", compare_equations),
    ("bases", lambda a, g, depth: compare_bases(a, g)),
    ("ratios", compare_ratios),
)
