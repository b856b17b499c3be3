r"""Whether two expressions mean the same: True, False, or None where it was too much to find out.

Steps, each cheaper than the next; the first that knows decides:
  string      equal in their one spelling (graders.latex)
  units       both name a unit, and not the same
  number      both are exact numbers: integers, decimals, fractions
  text        words, and mathematics between the same words
  parts       lists, tuples, intervals, sets, matrices, equations: part by part
  value       equal values at random points, exact or to 50 digits (graders.arithmetic)
  math-verify symbolic comparison of what the steps above cannot read; the only step that imports sympy
"""

import re
from collections import Counter
from functools import lru_cache

from lighteval_r1.graders import arithmetic
from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.arithmetic import TooLarge, Unreadable
from lighteval_r1.graders.latex import APART, MAX_LENGTH, ROW, Spelling, encloses, outer, spell, split
from lighteval_r1.graders.numerals import (
    DECIMAL,
    INTEGER,
    close,
    compare_bases,
    compare_numbers,
    exact,
    integer_key,
    is_decimal,
    with_point,
)
from lighteval_r1.graders.relations import RELATION, compare_equations, compare_sets, is_name

WORD = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]{2,})*")
SAID = re.compile(r"((?:\\text\{[^{}]*\} ?)+)")
SPOKEN = re.compile(r"\\text\{([^{}]*)\} ?")
NOT_SPOKEN = re.compile(r"\\(?!text)|[=\d<>+*/^_()\[\]|,]")
MATRIX = re.compile(r"\\begin\{([pbB]?matrix|array)\}(.*?)\\end\{\1\}")
SCALED = re.compile(r"(.+?)(\\begin\{[pbB]?matrix\}.*)")
PLUS_MINUS = re.compile(r"\\([pm])[mp](?![a-zA-Z]) ?")
LOGIC = re.compile(r"\\(?:land|lor|cup|cap)(?![a-zA-Z]) ?")
# What math-verify alone can read; and what it reads otherwise than it is meant.
SYMBOLIC = re.compile(r"[<>]|\\(?:leq|geq|neq|sum|prod|int|lim|begin|mod|pmod|Re|Im|arg|det)(?![a-zA-Z])")
RELATING = re.compile(r"[<>=]|\\(?:leq|geq|neq|in|equiv)(?![a-zA-Z])")
NOT_SYMBOLIC = re.compile(
    rf"\\text|{APART}|\\(?:land|lor|neg|dots|to|angle|triangle|pmod|mod|equiv)(?![a-zA-Z])"
    r"|[°?#]|\\\||'|(?<!sum)(?<!prod)(?<!int)(?<!lim)(?<!log)_"
)
SPACED_COMMA = re.compile(r",\s+\d")
# Longer lists are compared by their spelling.
MAX_PARTS = 50


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
    a, g = spell(answer), spell(gold)
    if a.units and g.units and a.units != g.units:
        return False, "units"
    if a.text == g.text:
        return bool(a.text), "string"
    same, step = decide(a.text, g.text, depth=0)
    if same:
        # `2, 5` is a list; only `2,5` may be a number.
        return (False, "number") if "," in a.text and step == "number" and SPACED_COMMA.search(answer) else (True, step)
    for x, y in other_readings(a, g):
        other, other_step = decide(x, y, depth=0)
        if other:
            return other, other_step
    if ("percent" in a.units) != ("percent" in g.units):
        # 20% is 20 where the sign does not decide, and 1/5 where it is read as what it means.
        percent, fraction = (a.text, g.text) if "percent" in a.units else (g.text, a.text)
        x, y = exact(with_point(percent)), exact(with_point(fraction))
        if x is not None and y is not None:
            return x == 100 * y, "number"
    return same, step


def other_readings(a: Spelling, g: Spelling) -> list[tuple[str, str]]:
    """What two expressions may mean besides: a bare `m` as a factor where it is none of the other's units, `100,200` as a list."""
    readings = []
    if bool(a.lettered) != bool(g.lettered) and not (a.units and g.units):
        readings.append((a.lettered or a.text, g.lettered or g.text))
    if bool(a.listed) != bool(g.listed):
        mine, theirs = a.listed or a.text, g.listed or g.text
        if len(split(mine, ",")) == len(split(theirs, ",")):
            # In the order of gold, so that 456,123 is not 123,456.
            readings.append((f"({mine})", f"({theirs})"))
    return readings


def decide(a: str, g: str, *, depth: int) -> tuple[bool | None, str]:
    """The steps behind the units, for expressions in their one spelling."""
    if a == g:
        return True, "string"
    same = compare_numbers(a, g)
    if same is not None:
        return same, "number"
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
    if NOT_SYMBOLIC.search(a) or NOT_SYMBOLIC.search(g) or relates(a) != relates(g):
        return False, "unlike"
    if not SYMBOLIC.search(a) and not SYMBOLIC.search(g):
        return False, "unlike"
    return symbolic(a, g)


def relates(s: str) -> bool:
    """Whether it says an equation or inequality; the bounds of a sum are none."""
    return RELATING.search(re.sub(r"_\{[^{}]*\}", "", s)) is not None


def within(depth: int):
    """decide() for parts: True, False or None."""
    return lambda x, y: decide(outer(x), outer(y), depth=depth + 1)[0]


def symbolic(a: str, g: str) -> tuple[bool | None, str]:
    # Imported here: only few answers need it, and it imports sympy when it goes to work.
    from lighteval_r1.graders import symbolic as last_step

    return last_step.compare(a, g)


def compare_values(a: str, g: str) -> bool:
    """Equal values at random points, under the policy for decimals. Raises Unreadable or TooLarge."""
    mine, letters = arithmetic.values(a)
    theirs, gold_letters = arithmetic.values(g)
    if len(mine) > 3 or len(theirs) > 3:
        mine, theirs = arithmetic.values_at_whole_numbers(a), arithmetic.values_at_whole_numbers(g)
    elif letters != gold_letters:
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


# ---- words


def compare_words(a: str, g: str, depth: int) -> bool | None:
    """The same words, without case and spacing; with mathematics between them that is the same part by part."""
    spoken = "\\text{" in a or "\\text{" in g
    if not spoken and not (WORD.fullmatch(a) and WORD.fullmatch(g)):
        return True if meaning(a) == meaning(g) != "" else None
    if meaning(a) == meaning(g) != "":
        return True
    if fold(a) == fold(g) and (spoken or " " in a + g or is_written_word(a, g)):
        return True
    mine, theirs = SAID.split(a), SAID.split(g)
    if len(mine) != len(theirs) or len(mine) == 1:
        return None
    if any(fold(x) != fold(y) for x, y in zip(mine[1::2], theirs[1::2], strict=True)):
        return False
    return all_equal(((x, y) for x, y in zip(mine[::2], theirs[::2], strict=True) if x or y), depth)


def fold(s: str) -> str:
    """Words without case and marks; single letters keep their case: they are names."""
    s = SPOKEN.sub(r"\1 ", s)
    return re.sub(
        r"[\s'.\"-]" if WORD.search(s) and not re.search(r"\d", s) else r"\s",
        "",
        WORD.sub(lambda m: m[0].casefold(), s),
    )


def is_written_word(a: str, g: str) -> bool:
    """Whether letters side by side that differ by their case are a word, and no product: one of them is Title, or a long word."""
    short = a.casefold() in ("no", "yes")
    title = len(a) > 2 and (a.istitle() or g.istitle())
    return short or title or (len(a) > 3 and len(re.findall("[aeiouy]", a.casefold())) > 1)


def meaning(s: str) -> str:
    """One name for words and signs that say the same of an answer: that there is none, that it is every number."""
    if s in ("\\emptyset", "\\{\\}"):
        return "none"
    said = re.sub(r"[^a-z]", "", SPOKEN.sub(r"\1", s).casefold()) if len(s) < 120 and not NOT_SPOKEN.search(s) else ""
    if said in known.NONE:
        return "none"
    if said in known.NOT_THERE:
        return "not there"
    return "reals" if s in ("\\mathbb{R}", "(-\\infty,\\infty)") or said in known.REALS else ""


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
        return list_or_not(a, g, mine, theirs, depth)
    if all("=" in x for x in mine) != all("=" in x for x in theirs):
        named = mine if "=" in mine[0] else theirs
        mine, theirs = by_name(mine), by_name(theirs, as_written=True)
        if len({part.partition("=")[0] for part in named}) > 1:
            return all_equal(zip(mine, theirs, strict=True), depth) if len(mine) == len(theirs) else False
    if a[0] == g[0] == "\\":
        # A set written with braces holds each element once.
        mine, theirs = list(dict.fromkeys(mine)), list(dict.fromkeys(theirs))
    return same_elements(mine, theirs, depth)


def list_or_not(a: str, g: str, mine: list[str] | None, theirs: list[str] | None, depth: int) -> bool | None:
    # A tuple without its brackets is read in its order; a list in brackets of a tuple likewise; a set is no tuple.
    listed, other = (a, g) if theirs is None else (g, a)
    parts = mine or theirs
    pair = bracketed(other)
    if pair and pair[0] + pair[2] == "()" and len(pair[1]) == len(parts) and listed[0] != "\\":
        ordered = by_name(parts, as_written=theirs is not None)
        pairs = zip(ordered, pair[1], strict=True) if theirs is None else zip(pair[1], ordered, strict=True)
        return all_equal(pairs, depth)
    if len(parts) == 1:
        if meaning(parts[0]) == "none":
            # The set that holds the empty set holds something.
            return False
        return decide(*((outer(parts[0]), g) if theirs is None else (a, outer(parts[0]))), depth=depth + 1)[0]
    # `x=2,5` may be a decimal comma.
    name, _, value = listed.partition("=")
    if theirs is None and is_name(name) and compare_numbers(value, g):
        return True
    return None if "\\begin" in other or RELATION.search(other) or RELATION.search(listed) else False


def by_name(parts: list[str], *, as_written: bool = False) -> list[str]:
    """The values of `x=1`, `y=2` in the order of their names; parts that are no equations as they stand."""
    sides = [split(part, "=") for part in parts]
    if not all(len(pair) == 2 and is_name(pair[0]) for pair in sides):
        return parts
    return [outer(value) for _, value in (sides if as_written else sorted(sides, key=lambda pair: pair[0]))]


def same_elements(mine: list[str], theirs: list[str], depth: int) -> bool | None:
    """Each element of one has one of its own in the other."""
    if len(mine) != len(theirs):
        return False
    if len(mine) > MAX_PARTS:
        return Counter(mine) == Counter(theirs) or None
    left, unknown = list(theirs), False
    for x in sorted(mine, key=lambda x: x not in left):
        found = [True] if x in left else [decide(outer(x), outer(y), depth=depth + 1)[0] for y in left]
        place = left.index(x) if x in left else found.index(True) if True in found else None
        if place is not None:
            left.pop(place)
        elif None in found:
            unknown = True
        else:
            return False
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
    s = s[1:-1] if len(s) > 2 and s[0] + s[-1] in ("[]", "()") and encloses(s) else s
    match = MATRIX.fullmatch(s)
    if match is None or "\\begin" in match.group(2):
        scaled = SCALED.fullmatch(s)
        rows = matrix(scaled[2]) if scaled and scaled[1][-1] not in "+-=(,|" and "\\begin" not in scaled[1] else None
        return rows and [[f"({scaled[1]})*({entry})" for entry in row] for row in rows]
    rows = [row.split("&") for row in match.group(2).split(ROW)]
    return rows if rows[-1] != [""] else rows[:-1]


def compare_matrices(a: str, g: str, depth: int) -> bool | None:
    mine, theirs = matrix(a), matrix(g)
    if mine is None or theirs is None:
        # Sums and products of matrices are left to math-verify; a tuple may be a column.
        other = a if mine is None else g
        return False if (mine or theirs) and "\\begin" not in other and bracketed(other) is None else None
    if [len(row) for row in mine] != [len(row) for row in theirs]:
        return False
    return all_equal([pair for x, y in zip(mine, theirs, strict=True) for pair in zip(x, y, strict=True)], depth)


def compare_ratios(a: str, g: str, depth: int) -> bool | None:
    mine, theirs = split(a, ":"), split(g, ":")
    if len(mine) == len(theirs) == 1 or "=" in a or "=" in g:
        return None
    if len(mine) == 1 or len(theirs) == 1:
        # S_{ABC}:S_{DEF}=7:32 names its ratio; a lone ratio is no number.
        return False
    return all_equal(zip(mine, theirs, strict=True), depth) if len(mine) == len(theirs) else False


def compare_logic(a: str, g: str, depth: int) -> bool | None:
    r"""p \land q and A \cup B in any order; `and` is not `or`."""
    if not LOGIC.search(a) and not LOGIC.search(g):
        return None
    mine, theirs = (sorted(set(map(str.strip, LOGIC.findall(s)))) for s in (a, g))
    if mine != theirs or len(mine) != 1:
        return False if len(mine) == len(theirs) == 1 else None
    x, y = LOGIC.split(a), LOGIC.split(g)
    if sorted(part[:1] for part in x) != sorted(part[:1] for part in y) and "cup" in mine[0] + "cap":
        # (1) is no set, \{1\} is.
        return False
    return same_elements(x, y, depth)


RULES = (
    ("text", compare_words),
    ("matrices, entry by entry", compare_matrices),
    ("tuples, part by part", compare_tuples),
    ("sets", lambda a, g, depth: compare_sets(a, g, within(depth))),
    ("logic", compare_logic),
    ("lists, as sets", compare_lists),
    ("equations", lambda a, g, depth: compare_equations(a, g, within(depth))),
    ("bases", lambda a, g, depth: compare_bases(a, g)),
    ("ratios", compare_ratios),
)
