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
from dataclasses import replace
from functools import lru_cache

from lighteval_r1.graders import arithmetic, parts
from lighteval_r1.graders.brackets import Decide, outer
from lighteval_r1.graders.equations import compare_equations
from lighteval_r1.graders.latex import MAX_LENGTH, Spelling, spell
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
from lighteval_r1.graders.operations import TooLarge, Unreadable
from lighteval_r1.graders.points import Letters, letters_of
from lighteval_r1.graders.readings import other_forms, other_readings, said_in_forms
from lighteval_r1.graders.sets import compare_sets
from lighteval_r1.graders.units import differ
from lighteval_r1.graders.wording import compare_words
from lighteval_r1.graders.words import APART

# What math-verify alone can read; and what it reads otherwise than it is meant.
SYMBOLIC = re.compile(r"[<>]|\\(?:leq|geq|neq|sum|prod|int|lim|begin|mod|pmod|Re|Im|arg|det)(?![a-zA-Z])")
RELATING = re.compile(r"[<>=]|\\(?:leq|geq|neq|in|equiv)(?![a-zA-Z])")
NOT_SYMBOLIC = re.compile(
    rf"\\text|{APART}|\\(?:land|lor|neg|dots|to|angle|triangle|pmod|mod|equiv)(?![a-zA-Z])"
    r"|[°?#]|\\\||'|(?<!sum)(?<!prod)(?<!int)(?<!lim)(?<!log)_"
)
BOUNDS_OF_SUM = re.compile(r"_\{[^{}]*\}")
# "2, 5" and "2 or 5" are lists; only `2,5` may be a number.
WRITTEN_COMMA = re.compile(r"\d(?:,|\{,\})\d")
TEXT_MARKS, AND = re.compile(r"\\text\s*\{|[{}]|\\[ ,;:]|~"), re.compile(r",\s*and\b|,|;|&|\band\b")
PI = re.compile(r"\\pi(?![a-zA-Z]) ?")
MAX_DEPTH = 8


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
    same, step = compare_as_written(answer, gold)
    if same:
        return same, step
    for form in other_forms(answer, gold):
        other, other_step = compare_readable(form, gold)
        if other:
            return True, other_step
    forms = said_in_forms(answer)
    if forms and len(set(forms)) == len(forms) and all(compare_readable(form, gold)[0] for form in forms):
        return True, "forms"
    return same, step


def compare_as_written(answer: str, gold: str) -> tuple[bool | None, str]:
    """The comparison of two expressions by their spelling, and by what that may mean besides."""
    a, g = spell(answer), spell(gold)
    a, g = in_degrees(a, g), in_degrees(g, a)
    if differ(a.units, g.units):
        return False, "units"
    if "percent" in a.units and "percent" not in g.units and is_share(g.text):
        return bool(is_hundredfold(a.text, g.text)), "number"
    if len(a.units) > 1 or len(g.units) > 1:
        mine, theirs = in_order_of_units(answer, gold)
        return decide(mine or a.text, theirs or g.text, depth=0)
    if a.text == g.text:
        return bool(a.text), "string"
    same, step = decide(a.text, g.text, depth=0)
    if same:
        number = step == "number" or (exact(g.text) is not None and "=" in a.text)
        listed = number and "," in a.text and not WRITTEN_COMMA.search(answer)
        return (False, step) if listed else (True, step)
    for x, y in other_readings(a, g):
        other, other_step = decide(x, y, depth=0)
        if other:
            return other, other_step
    if ("percent" in a.units) != ("percent" in g.units):
        # 20% is 20 where the sign does not decide, and 1/5 where it is read as what it means.
        percent, fraction = (a.text, g.text) if "percent" in a.units else (g.text, a.text)
        hundredfold = is_hundredfold(percent, fraction)
        if hundredfold is not None:
            return hundredfold, "number"
    return same, step


def in_degrees(s: Spelling, other: Spelling) -> Spelling:
    r"""An angle in radians, which \pi tells, in degrees where the other side is one in degrees: \frac{\pi}{3} as 60."""
    if other.units != {"degree"} or not s.units <= {"rad"} or "\\pi" not in s.text or "\\pi" in other.text:
        return s
    return replace(s, text=PI.sub("(180)", s.text), units=other.units)


def in_order_of_units(answer: str, gold: str) -> tuple[str, str]:
    """`4 men and 6 women` as (4,6), in the order of the units where both sides name them; "" of what lists none such.

    So 6 men and 4 women are others, and 4,6 are the same.
    """
    mine, theirs = quantities(answer), quantities(gold)
    if mine and theirs:
        mine, theirs = sorted(mine), sorted(theirs)
    return tuple(f"({','.join(value for _, value in found)})" if found else "" for found in (mine, theirs))


def quantities(s: str) -> list[tuple[str, str]]:
    """(unit, value) of each part of a list, where all name a unit of their own; else []."""
    named = [spell(f"\\text{{{part}}}") for part in AND.split(TEXT_MARKS.sub(" ", s))]
    units = {unit for part in named for unit in part.units}
    if len(units) != len(named) or any(len(part.units) != 1 for part in named):
        return []
    return [(*part.units, part.text) for part in named]


def is_share(gold: str) -> bool:
    """Whether a gold without a percent sign lies between 0 and 1: a percent sign then says what it means."""
    value = exact(gold)
    return value is not None and 0 < abs(value) < 1


def is_hundredfold(percent: str, fraction: str) -> bool | None:
    """Whether one number is a hundred times the other; None where they are no numbers."""
    x, y = exact(with_point(percent)), exact(with_point(fraction))
    return None if x is None or y is None else x == 100 * y


def decide(a: str, g: str, *, depth: int) -> tuple[bool | None, str]:
    """The steps behind the units, for expressions in their one spelling."""
    if a == g:
        return True, "string"
    same = compare_numbers(a, g)
    if same is not None:
        return same, "number"
    if not a or not g:
        return False, "string"
    if depth > MAX_DEPTH:
        return None, "nested too deeply"
    for step, rule in RULES:
        same = rule(a, g, within(depth))
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
    # Imported here: only few answers need it, and it imports sympy when it goes to work.
    from lighteval_r1.graders import symbolic

    return symbolic.compare(a, g)


def within(depth: int) -> Decide:
    """decide() for the parts of what is compared: True, False or None."""
    return lambda x, y: decide(outer(x), outer(y), depth=depth + 1)[0]


def relates(s: str) -> bool:
    """Whether it says an equation or inequality; the bounds of a sum are none."""
    return RELATING.search(BOUNDS_OF_SUM.sub("", s)) is not None


def compare_values(a: str, g: str) -> bool:
    """Equal values at random points, under the policy for decimals. Raises Unreadable or TooLarge."""
    letters = letters_of(a, g)
    if arithmetic.equal_everywhere(a, g, letters):
        # Letters stand for positive numbers, as in a gold like x\sqrt{x}, but where one side says |x|.
        return letters is Letters.SMALL or "|" not in a + g or arithmetic.equal_everywhere(a, g, Letters.SIGNED)
    (value, *_), names = arithmetic.values(a, letters)
    exact_value = not names and not arithmetic.values(g, letters)[1] and not is_decimal(a)
    return exact_value and DECIMAL.fullmatch(g) is not None and close(value, g)


RULES = (
    ("cases, row by row", parts.compare_cases),
    ("residues", parts.compare_residues),
    ("text", compare_words),
    ("matrices, entry by entry", parts.compare_matrices),
    ("tuples, part by part", parts.compare_tuples),
    ("sets", compare_sets),
    ("logic", parts.compare_logic),
    ("lists, as sets", parts.compare_lists),
    ("equations", compare_equations),
    ("bases", lambda a, g, decide: compare_bases(a, g)),
    ("ratios", parts.compare_ratios),
)
