r"""A number as it stands in an expression: its digits, thousands separators, decimals, power of ten, mixed fraction.

What this could wrongly accept: digits that only stand side by side. Groups of three behind a separator are one number;
a plain comma separates thousands only outside brackets, where no list has begun.
"""

import re
from typing import NamedTuple

DIGITS = re.compile(r"\d+")
# 11,\! 111,\! 100 · 1{,}000 · 1 000 · 1\,000 · 1.000.000 · 1'000'000 · 1_000_000
THOUSANDS = re.compile(
    r"""[1-9]\d{0,2}
        (?: (?:(?:,\\!\ ?|\{,\})\d{3})+
          | (?P<gap>\\[,;:!\ ]|~|\ )\d{3}(?:(?P=gap)\d{3})*(?!(?P=gap)\d)
          | (?:(?:\.|\{\.\})\d{3}){2,}(?!\.)
          | (?:'\d{3})+(?!['\d]) | (?:\\?_\d{3}){2,}
        )(?!\d)""",
    re.VERBOSE,
)
# 7,425,000
BY_COMMA = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
DECIMALS = re.compile(r"(?:\.|\{,\})(\d+)")
REPEATING = re.compile(
    r"""\.(\d{0,50})
        (?: \\(?:overline|bar)\s*\{(\d{1,50})\}
          | \\dot\{?(\d)\}?(?:(\d{0,50})\\dot\{?(\d)\}?)?
        )""",
    re.VERBOSE,
)
# 0.333…, 0.1818…: digits that stand often enough to say how they go on
GOING_ON = re.compile(r"\.(\d{0,50}?)(?:(\d)\2{2,49}|(\d{2,9}?)\3{1,9})(?:\.\.\.|\\[lc]?dots(?![a-zA-Z]))")
SCIENTIFIC = re.compile(r"[eE]([+-]?)(\d{1,4})(?![\da-zA-Z]|\.\d)")
MIXED = re.compile(r"\s+(\d{1,9})\s*/\s*(\d{1,9})(?![\d.])")


class Number(NamedTuple):
    """texts: the pieces that it is spelt with. end: where it ends. by_comma: plain commas separated its thousands."""

    texts: list[str]
    end: int
    by_comma: bool


def read_number(s: str, at: int, *, before: str, commas: bool, counted: bool) -> Number:
    """The number that begins there. before: the character before it. commas: plain commas may separate thousands.

    counted: where they do, they count as separators of thousands, else of a list.
    """
    match = THOUSANDS.match(s, at)
    by_comma = False
    # `1,10,100` is a list, and so is what commas without gaps have begun.
    if match is None and commas and before != ",":
        match = BY_COMMA.match(s, at)
        by_comma = match is not None
        match = match if counted else None
    match = match or DIGITS.match(s, at)
    whole, at = (re.sub(r"\D", "", match[0]), match.end()) if match else ("", at)
    repeating = REPEATING.match(s, at) or (GOING_ON.match(s, at) if "..." in s or "dots" in s else None)
    if repeating:
        once, again = repeating[1], "".join(group or "" for group in repeating.groups()[1:])
        below = (10 ** len(again) - 1) * 10 ** len(once)
        above = int((whole or "0") + once + again) - int((whole or "0") + once)
        return Number([f"\\frac{{{above}}}{{{below}}}"], repeating.end(), by_comma)
    decimals = DECIMALS.match(s, at)
    texts = [f"{whole or '0'}.{decimals[1]}" if decimals else whole or "0"]
    at = decimals.end() if decimals else at
    power, mixed = SCIENTIFIC.match(s, at), MIXED.match(s, at)
    if power:
        exponent = ("-" if power[1] == "-" else "") + power[2]
        texts += ["*", "10", f"^{exponent}" if len(exponent) == 1 else f"^{{{exponent}}}"]
        at = power.end()
    elif mixed and not decimals and before not in ("/", "^", "_"):
        texts.append(f"\\frac{{{mixed[1]}}}{{{mixed[2]}}}")
        at = mixed.end()
    return Number(texts, at, by_comma)
