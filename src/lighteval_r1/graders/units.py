r"""Units by their one name: `\text{square centimeters}`, cm^2 and `cm²` are one, km/h and `kilometers per hour` too.

A thing that is counted is a unit as well: apples, ways, 个苹果. "units" alone is the unit that says nothing.
What this could wrongly accept: a plural in -s that is no thing ("5 tens", "5 eighths"): vocabulary.CHANGES lists those
that count.
"""

import re

from lighteval_r1.graders import vocabulary as known

# Letters that name a unit where they are set upright behind a number.
LETTER_UNITS = {letter: letter.lower() for letter in "mgshlLJKNVWCAF"}
# Names whose first letter decides: MW is no mW.
MEGA_OR_MILLI = frozenset(("mw", "mv", "mpa", "mev", "mhz", "mpc"))
# Words within a unit's name that say nothing of it.
WITHIN = known.listed("of in the each total a old long wide tall high deep apart away")
UPRIGHT = r"\{?\s*\\(?:text|mathrm|mbox|textrm|rm)\s*\{([^{}]*)\}(?:\^\{?(\d)\}?)?\s*\}?"
UNIT_FRACTION = re.compile(rf"\s*{UPRIGHT}\s*{UPRIGHT}")
# `30^\circ` may be of either scale.
DEGREES = ({"degree", "celsius"}, {"degree", "fahrenheit"})
PARTS = re.compile(r"(/|\^-?\d)")


def unit_of(names: list[str], *, ordinal: bool = False) -> str | None:
    """The one name of a unit, "h^-1*km" or "m^3"; "" for one that says nothing ("units"); None where it is none."""
    powers: dict[str, int] = {}
    sign, ahead, last = 1, 1, ""
    parts = [part for name in names for part in PARTS.split(name) if part]
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        lower = part.casefold()
        inches = lower == "in" and (ahead > 1 or following[:1] == "^")
        if part == "/" or lower == "per":
            sign = -1
        elif part == "*" or lower in known.ADJECTIVES or (lower in WITHIN and len(names) > 1 and not inches):
            continue
        elif lower in ("square", "sq", "cubic", "cu"):
            ahead = 2 if lower[0] == "s" else 3
        elif part[0] == "^" or lower in ("squared", "cubed"):
            digits = {"squared": "2", "cubed": "3"}.get(lower) or part[1:].strip("{}")
            if not last or not re.fullmatch(r"-?\d", digits):
                return None
            powers[last] *= int(digits)
        else:
            last = unit_name(part, ordinal=ordinal) or ""
            if not last or last in powers:
                return None
            above, _, below = last.partition("/")
            powers[above] = sign * ahead
            powers |= {below: -sign} if below else {}
            last, ahead = above, 1
    if not last:
        return None
    if powers.keys() & {"celsius", "fahrenheit"}:
        powers.pop("degree", None)
    named = sorted((name, power) for name, power in powers.items() if name != "unit" or power > 1)
    return "*".join(name if power == 1 else f"{name}^{power}" for name, power in named)


def differ(mine: set[str] | frozenset[str], theirs: set[str] | frozenset[str]) -> bool:
    """Whether both sides name units, and not the same; "square units" may be square centimetres, never cubic units."""
    if not mine or not theirs or mine == theirs or (mine | theirs) in DEGREES:
        return False
    unnamed = [names <= {"unit^2", "unit^3"} for names in (mine, theirs)]
    return unnamed[0] == unnamed[1] or {name[-2:] for name in mine} != {name[-2:] for name in theirs}


def unit_name(word: str, *, ordinal: bool = False) -> str | None:
    """The one name of a word that is a unit; None where it is none. ordinal: behind "12th" any word may be counted."""
    if len(word) == 1 and word.isascii():
        return LETTER_UNITS.get(word)
    if not re.match(r"[a-zA-Z\u00c0-\u024f\u0400-\u04ff]", word):
        return counter(word)
    lower = word.casefold()
    if lower in MEGA_OR_MILLI:
        return word[0] + lower[1:]
    name = known.UNITS.get(lower) or known.COUNTED.get(lower)
    if name or lower in known.CHANGES or not lower.isalpha():
        return name
    plural = len(lower) > 3 and lower.endswith("s") and not lower.endswith(("ss", "us", "is", "ths"))
    if plural and not word.isupper():
        return re.sub(r"ies$", "y", lower).removesuffix("s")
    return lower if ordinal and word.islower() else None


def counter(word: str) -> str | None:
    """What counts things in Chinese, Japanese or Korean, with their name: 个苹果."""
    longest = max((c for c in known.COUNTERS if word.startswith(c)), key=len, default="")
    rest = re.sub("^不同的?", "", word[len(longest) :])
    if not longest or len(rest) > 6 or known.CHANGES_CJK & set(rest):
        return None
    return "unit" if longest in known.COPULAS_CJK else longest + rest


def unit_of_fraction(raw: str) -> str:
    r"""The unit that `{\text{km}}{\text{h}}` is; "" where it is none."""
    match = UNIT_FRACTION.fullmatch(raw)
    if match is None or not unit_name(match[1].strip()) or not unit_name(match[3].strip()):
        return ""
    above, below = (f"{match[i].strip()}{f'^{match[i + 1]}' if match[i + 1] else ''}" for i in (1, 3))
    return f"{above}/{below}"
