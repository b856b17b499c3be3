r"""Answers of several parts, part by part: lists, sets, tuples, intervals, matrices, ratios, statements of logic,
cases, residues.

What this could wrongly accept: another order, and parts that stand twice. Order matters in tuples and intervals; a list
is the same list where each part has one of its own in the other, so 1,1,2 is not 1,2,2. `x=1, y=2` is (1,2) by its
names.
"""

import re
from collections import Counter
from fractions import Fraction

from lighteval_r1.graders.brackets import Decide, all_equal, encloses, outer, split
from lighteval_r1.graders.equations import RELATION, SYMBOL, is_name
from lighteval_r1.graders.numerals import compare_numbers, exact
from lighteval_r1.graders.wording import meaning
from lighteval_r1.graders.words import ROW

MATRIX = re.compile(r"\\begin\{([pbB]?matrix|array)\}(.*?)\\end\{\1\}")
SCALED = re.compile(r"(.+?)(\\begin\{[pbB]?matrix\}.*)")
PLUS_MINUS = re.compile(r"\\([pm])[mp](?![a-zA-Z]) ?")
LOGIC = re.compile(r"\\(?:land|lor|cup|cap)(?![a-zA-Z]) ?")
# The coordinates whose order is not that of their letters.
ORDER = {"\\rho": "r", "\\theta": "s", "\\phi": "t"}
# `(x,y)=`, before one tuple or several
NAMES = re.compile(rf"\((?:{SYMBOL},)+{SYMBOL}\)(?:=|\\in\ ?)", re.VERBOSE)
# The name of a point before its coordinates
POINT_NAME = re.compile(r"^[A-Z]'?(?=\()")
# A column that is written as a row
TRANSPOSED = re.compile(r"[(\[](.+)[)\]]\^(?:T|\\top ?)")
# \\mathbf{i}, \\vec{j}: what latex spells as \\hat
BASIS = re.compile(r"\\hat ?([ijk])(?! ?\\hat)")
# 3 \text{ to } 4, "3 to 4"
TO = re.compile(r"\\text\{to\}|(?<=\d)to(?=\d)")
CLOCK = re.compile(r"\d{1,2}:[0-5]\d")
NESTED = re.compile(r"\[(\[.*\])\]")
CASES = re.compile(r"(?:([a-zA-Z](?:\([a-zA-Z]\))?)=)?\\begin\{cases\}(.*)\\end\{cases\}")
CONDITIONAL = re.compile(r",?&(?:\\text\{(?:if|for|when|where)\} ?)?|,?\\text\{(?:if|for|when)\} ?")
# n\equiv 3\pmod 7, 17 \bmod 23, n=7k+3
RESIDUE = re.compile(
    r"(?:(?P<name>[a-zA-Z])(?:\\equiv|=) ?)?(?:(?P<values>(?:-|\\pm ?)?\d{1,9}(?:,(?:-|\\pm ?)?\d{1,9}){0,9})"
    r"\\mod(?P<modulus>\d{1,9})"
    r"|(?:(?P<first>\d{1,9})\+)?(?P<times>\d{1,9})\*?(?!(?P=name)|[ei])[a-z](?P<rest>[+-]\d{1,9})?"
    r"(?:,[a-z]\\in ?\\mathbb\{Z\})?)"
)
MAX_SIGNS = 4
# Longer lists are compared by their spelling.
MAX_PARTS = 50


# ---- lists


def signs(s: str, *, each: bool = False) -> list[str]:
    r"""1 \pm 2 -> [1+2, 1-2]; others as they are. each: every sign is of its own, (\pm1,\pm2) is four pairs."""
    if not PLUS_MINUS.search(s):
        return [s]
    if each and 1 < len(PLUS_MINUS.findall(s)) <= MAX_SIGNS:
        return [whole for sign in "+-" for whole in signs(PLUS_MINUS.sub(sign, s, count=1), each=True)]
    plus = PLUS_MINUS.sub(lambda match: "+" if match[1] == "p" else "-", s)
    minus = PLUS_MINUS.sub(lambda match: "-" if match[1] == "p" else "+", s)
    return [plus.removeprefix("+"), minus.removeprefix("+")]


def elements(s: str, *, each: bool = False) -> list[str] | None:
    r"""The elements of a list or set written 1,2 · {1,2} · \{1,2\} · 1 \pm 2; None where s is none. each: see signs."""
    braces = re.fullmatch(r"\\\{(.*)\\\}", s) or (re.fullmatch(r"\{(.*)\}", s) if encloses(s) else None)
    inner = braces.group(1) if braces else s
    parts = [part for piece in split(inner, ",;") for part in signs(piece, each=each) if part]
    return parts if braces or len(parts) > 1 else None


def compare_lists(a: str, g: str, decide: Decide) -> bool | None:
    if NAMES.match(a) is None or NAMES.match(g) is None:
        a, g = NAMES.sub("", a), NAMES.sub("", g)
    mine, theirs = elements(a), elements(g)
    if mine is None and theirs is None:
        return None
    if mine is None or theirs is None:
        return list_or_not(a, g, mine, theirs, decide)
    if all("=" in x for x in mine) != all("=" in x for x in theirs):
        mine, theirs = in_turn(mine), in_turn(theirs)
    if all("=" in x for x in mine) != all("=" in x for x in theirs):
        named = mine if "=" in mine[0] else theirs
        mine, theirs = by_name(mine), by_name(theirs, as_written=True)
        if len({part.partition("=")[0] for part in named}) > 1:
            return all_equal(zip(mine, theirs, strict=True), decide) if len(mine) == len(theirs) else False
    if len(mine) < len(theirs) and "\\mp" not in a:
        mine = elements(a, each=True) or mine
    if a[:2] == g[:2] == "\\{":
        # A set written with braces holds each element once.
        mine, theirs = list(dict.fromkeys(mine)), list(dict.fromkeys(theirs))
    # {5} is what 5 says, but no element of a list that holds 5.
    sets = [sum(part[:2] == "\\{" for part in parts) for parts in (mine, theirs)]
    return same_elements(mine, theirs, decide) if sets[0] == sets[1] else False


def list_or_not(a: str, g: str, mine: list[str] | None, theirs: list[str] | None, decide: Decide) -> bool | None:
    # A tuple without its brackets is read in its order; a list in brackets of a tuple likewise; a set is no tuple.
    listed, other = (a, g) if theirs is None else (g, a)
    parts = mine or theirs or []
    pair = bracketed(other)
    if pair and pair[0] + pair[2] == "()" and len(pair[1]) == len(parts) and listed[:2] != "\\{":
        ordered = by_name(parts, as_written=theirs is not None)
        pairs = zip(ordered, pair[1], strict=True) if theirs is None else zip(pair[1], ordered, strict=True)
        return all_equal(pairs, decide)
    if len(parts) == 1:
        # The set that holds the empty set holds something.
        return False if meaning(parts[0]) == "none" else decide(*((parts[0], g) if theirs is None else (a, parts[0])))
    # `x=2,5` may be a decimal comma.
    name, _, value = listed.partition("=")
    if theirs is None and is_name(name) and compare_numbers(value, g):
        return True
    return None if "\\begin" in other or RELATION.search(other) or RELATION.search(listed) else False


def in_turn(parts: list[str]) -> list[str]:
    """`x=1,y=2,x=2,y=1` as tuples; others as they are."""
    names = [part.partition("=")[0] for part in parts]
    n = len(set(names))
    if n < 2 or n == len(names) or names != names[:n] * (len(names) // n):
        return parts
    return [f"({','.join(by_name(parts[at : at + n]))})" for at in range(0, len(parts), n)]


def by_name(parts: list[str], *, as_written: bool = False) -> list[str]:
    """The values of `x=1`, `y=2` in the order of their names; parts that are no equations as they stand."""
    sides = [split(part, "=") for part in parts]
    if not all(len(pair) == 2 and is_name(pair[0]) for pair in sides):
        return parts
    in_order = sides if as_written else sorted(sides, key=lambda pair: ORDER.get(pair[0], pair[0]))
    return [outer(value) for _, value in in_order]


def same_elements(mine: list[str], theirs: list[str], decide: Decide) -> bool | None:
    """Each element of one has one of its own in the other."""
    if len(mine) != len(theirs):
        return False
    if len(mine) > MAX_PARTS:
        return Counter(mine) == Counter(theirs) or None
    left, unknown = list(theirs), False
    for x in sorted(mine, key=lambda x: x not in left):
        found = [True] if x in left else [decide(x, y) for y in left]
        place = left.index(x) if x in left else found.index(True) if True in found else None
        if place is not None:
            left.pop(place)
        elif None in found:
            unknown = True
        else:
            return False
    return None if unknown else True


# ---- tuples


def bracketed(s: str) -> tuple[str, list[str], str] | None:
    """(opening, parts, closing) of a tuple or interval; None where s is none."""
    if len(s) < 3 or s[0] not in "([" or s[-1] not in ")]" or not encloses(s):
        return None
    parts = split(s[1:-1], ",;")
    return (s[0], parts, s[-1]) if len(parts) > 1 else None


def as_tuple(s: str) -> str:
    """A point without its name, a transposed row in the brackets of a tuple."""
    return POINT_NAME.sub("", TRANSPOSED.sub(r"(\1)", s))


def components(s: str, n: int, decide: Decide) -> tuple[str, list[str], str] | None:
    r"""2\mathbf{i}-\mathbf{j} as (2,-1,0); None where it is no sum of multiples of two or three such vectors."""
    if not BASIS.search(s) or not 2 <= n <= 3 or (n == 2 and "\\hat k" in s):
        return None

    def part(of: str) -> str:
        return BASIS.sub(lambda match: f"({int(match[1] == of)})", s)

    zero = part("")
    return ("(", [part(of) for of in "ijk"[:n]], ")") if "\\hat" not in zero and decide(zero, "0") else None


def compare_tuples(a: str, g: str, decide: Decide) -> bool | None:
    """Tuples and intervals: order and, for two parts, brackets matter. Column vectors are tuples."""
    mine, theirs = bracketed(a) or column(a), bracketed(g) or column(g)
    if mine is None and theirs is not None:
        mine = bracketed(as_tuple(a)) or components(a, len(theirs[1]), decide)
    if mine is None or theirs is None:
        number = exact(a if mine is None else g)
        return False if number is not None and (mine or theirs) else None
    if len(mine[1]) != len(theirs[1]):
        return False
    if len(mine[1]) == 2 and (mine[0], mine[2]) != (theirs[0], theirs[2]):
        return False
    return all_equal(zip(mine[1], theirs[1], strict=True), decide)


# ---- matrices


def column(s: str) -> tuple[str, list[str], str] | None:
    rows = matrix(s)
    if rows and len(rows) > 1 and all(len(row) == 1 for row in rows):
        return "(", [row[0] for row in rows], ")"
    return None


def matrix(s: str) -> list[list[str]] | None:
    r"""Rows of entries; of a matrix with a factor before it, with the factor before each entry."""
    nested = NESTED.fullmatch(s)
    if nested:
        rows = [split(row[1:-1], ",") for row in split(nested[1], ",") if encloses(row)]
        return rows if len(rows) == len(split(nested[1], ",")) else None
    if "\\begin" not in s:
        return None
    s = s[1:-1] if len(s) > 2 and s[0] + s[-1] in ("[]", "()") and encloses(s) else s
    match = MATRIX.fullmatch(s)
    if match is None or "\\begin" in match.group(2):
        scaled = SCALED.fullmatch(s)
        rows = matrix(scaled[2]) if scaled and scaled[1][-1] not in "+-=(,|" and "\\begin" not in scaled[1] else None
        return rows and [[f"({scaled[1]})*({entry})" for entry in row] for row in rows]
    rows = [row.split("&") for row in match.group(2).split(ROW)]
    return rows if rows[-1] != [""] else rows[:-1]


def compare_matrices(a: str, g: str, decide: Decide) -> bool | None:
    mine, theirs = matrix(a), matrix(g)
    if mine is None or theirs is None:
        # Sums and products of matrices are left to math-verify; a tuple may be a column.
        other = a if mine is None else g
        plain = (
            "\\begin" not in other and "=" not in other and bracketed(as_tuple(other)) is None and "\\hat" not in other
        )
        return False if (mine or theirs) and plain else None
    if [len(row) for row in mine] != [len(row) for row in theirs]:
        return False
    return all_equal([pair for x, y in zip(mine, theirs, strict=True) for pair in zip(x, y, strict=True)], decide)


# ---- ratios, logic


def compare_ratios(a: str, g: str, decide: Decide) -> bool | None:
    mine, theirs = (split(TO.sub(":", s), ":") for s in (a, g))
    if len(mine) == len(theirs) == 1 or "=" in a or "=" in g:
        return None
    same = all_equal(zip(mine, theirs, strict=True), decide) if len(mine) == len(theirs) else False
    # 6:8 is 3:4 and \frac{3}{4}, 4:6:10 is 2:3:5; the times 2:20 and 1:10 are not one, and "3 to 4" may be a range.
    if same is False and ":" in a + g and not (CLOCK.fullmatch(a) and CLOCK.fullmatch(g)):
        x, y = terms(mine), terms(theirs)
        return len(x) == len(y) > 1 and 0 not in (*x, *y) and len({p / q for p, q in zip(x, y, strict=True)}) == 1
    return same


def terms(parts: list[str]) -> list[Fraction]:
    """The numbers of a ratio, also of a fraction that may say it; [] of all else."""
    values = [exact(outer(part)) for part in parts]
    if None in values:
        return []
    return (
        [Fraction(n) for n in values[0].as_integer_ratio()]
        if len(values) == 1 and values[0].denominator > 1
        else values
    )


def compare_logic(a: str, g: str, decide: Decide) -> bool | None:
    r"""p \land q and A \cup B in any order; `and` is not `or`."""
    if not LOGIC.search(a) and not LOGIC.search(g):
        return None
    mine, theirs = (sorted(set(map(str.strip, LOGIC.findall(s)))) for s in (a, g))
    if mine != theirs or len(mine) != 1:
        return False if len(mine) == len(theirs) == 1 else None
    x, y = LOGIC.split(a), LOGIC.split(g)
    if sorted(part[:1] for part in x) != sorted(part[:1] for part in y):
        # (1) is no set, \{1\} is.
        return False
    return same_elements(x, y, decide)


# ---- cases, residues


def rows_of_cases(s: str) -> tuple[str, list[str]] | None:
    """What stands before the brace, and `value&condition` of each row; None where s says no cases."""
    match = CASES.fullmatch(s)
    rows = [CONDITIONAL.sub("&", row.rstrip(",.;")) for row in match[2].split(ROW) if row] if match else []
    return (match[1], rows) if match and all(row.count("&") == 1 for row in rows) else None


def compare_cases(a: str, g: str, decide: Decide) -> bool | None:
    r"""The rows of a function by cases, in any order; "otherwise" says the same on both sides."""
    mine, theirs = (rows_of_cases(s) if "{cases}" in s else None for s in (a, g))
    if mine is None or theirs is None:
        return None
    if mine[0] and theirs[0] and mine[0] != theirs[0]:
        return False

    def alike(x: str, y: str) -> bool | None:
        return all_equal(zip(x.split("&"), y.split("&"), strict=True), decide)

    return same_elements(mine[1], theirs[1], alike)


def residues(s: str) -> tuple[str, int, frozenset[int]] | None:
    r"""(name or "", modulus, residues) of n\equiv 3,5\pmod 7, 3\bmod 7, n=7k+3; None where s says none."""
    match = RESIDUE.fullmatch(s)
    if match is None:
        return None
    name, first, values, modulus = match["name"] or "", match["first"], match["values"], match["modulus"]
    numbers = (
        [int(value) for value in elements(f"{{{values}}}") or []] if values else [int(match["rest"] or first or 0)]
    )
    modulus = int(modulus or match["times"])
    return (name, modulus, frozenset(number % modulus for number in numbers)) if modulus else None


def compare_residues(a: str, g: str, decide: Decide) -> bool | None:
    """n\\equiv10\\pmod 7 is 3\\pmod 7, and 3 says it; 10 does not."""
    if "mod" not in a + g:
        return None
    mine, theirs = residues(a), residues(g)
    if mine and theirs:
        return mine[1:] == theirs[1:] and (not mine[0] or not theirs[0] or mine[0] == theirs[0])
    known, other = mine or theirs, exact(g if mine else a)
    return None if known is None or other is None else not known[0] and known[2] == {other}
