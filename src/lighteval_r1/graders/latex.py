r"""One spelling for what is written in many: `\dfrac12`, `1/2 \text{ cm}` and `$\frac{1}{2}$` become `\frac{1}{2}`.

spell() takes away what does not decide: delimiters, spacing, sizes, colours, thousands separators, and by graders.words
units and remarks. Words that may decide stay, as `\text{not}`. plain() is its text alone; split(), outer() and encloses()
take spellings apart. Linear in the length; callers bound it.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.speller import Speller, TooDeep
from lighteval_r1.graders.words import APART, ROW, encloses, outer, split

# A longer answer is compared as it is written, never read.
MAX_LENGTH = 2_000

RAISED = re.compile(f"[{''.join(known.RAISED)}]+")
LOWERED = re.compile(f"[{''.join(known.LOWERED)}]+")
# `\cotx`, `\quadx`: data sets from which the spaces were taken.
GLUED = re.compile(
    r"\\(arc(?:sin|cos|tan)|(?:sin|cos|tan)h|(?:sin|cos|tan)(?!h)|cot|sec|csc|ln(?!ot)|log|pi|quad)(?=[a-zA-Z])"
)
# np.arcsin(10/13), in Minerva's golds
MODULE = re.compile(r"(?<![a-zA-Z])(?:np|numpy|math)\.(?=[a-z])")
NOON = re.compile(r"(?<![a-zA-Z])([apAP])\.?\s?[mM]\.(?![a-zA-Z])")
QUICK = re.compile(r"\s*(-?(?:0|[1-9]\d*)(?:\.\d+)?)\s*")
NO_UNITS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spelling:
    """An expression in its one spelling, without its units.

    lettered: the same where a letter set apart at its end (`5 m`) is a factor and no unit, "" where there is none.
    listed: the same where commas that stand like thousands separators (`100,200`) separate, "" where there are none.
    """

    text: str
    units: frozenset[str] = NO_UNITS
    lettered: str = ""
    listed: str = ""


@lru_cache(maxsize=16_384)
def spell(expression: str) -> Spelling:
    """Its spelling; the text is "" where nothing is left."""
    quick = QUICK.fullmatch(expression)
    if quick:
        return Spelling(quick[1])
    s = clean(expression)
    try:
        speller = Speller(s)
        text = speller.text()
        listed = Speller(s, by_comma=False).text() if speller.by_comma_seen else ""
    except TooDeep:
        return Spelling(re.sub(r"\s+", "", s))
    return Spelling(text, frozenset(speller.units), speller.lettered, listed)


def plain(expression: str) -> str:
    """The expression in its one spelling, without units and white space. "" where nothing is left."""
    return spell(expression).text


def clean(expression: str) -> str:
    """The same expression in TeX's own signs: other signs by their commands, one backslash, no stray delimiters."""
    s = expression
    if not s.isascii():
        s = RAISED.sub(lambda m: "^{" + "".join(known.RAISED[c] for c in m[0]) + "}", s)
        s = LOWERED.sub(lambda m: "_{" + "".join(known.LOWERED[c] for c in m[0]) + "}", s)
        s = unicodedata.normalize("NFKC", s.translate(known.SIGN_TABLE)).translate(known.SIGN_TABLE)
    # Rows of matrices are separated by \\; elsewhere a double backslash is an escape too many.
    s = re.sub(r"\\\\(?:\[[^\]\\]{0,20}\])?", ROW, s) if "\\begin" in s else s.replace("\\\\", "\\")
    s = MODULE.sub("", s) if "." in s else s
    s = GLUED.sub(r"\\\1 ", NOON.sub(r"\1m", s))
    return s.replace("**", "^").replace("<=", "\\leq ").replace(">=", "\\geq ").replace("!=", "\\neq ").strip()


__all__ = ["APART", "MAX_LENGTH", "ROW", "Spelling", "encloses", "outer", "plain", "spell", "split"]
