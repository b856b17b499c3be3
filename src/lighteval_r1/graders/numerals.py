r"""Numbers as they are written: exact values, decimals that round, thousands of digits, other bases."""

import re
from fractions import Fraction

NUMBER = re.compile(r"([+-]?)(?:(\d+)(?:\.(\d*))?(?:/(\d+))?|(\d*)\\frac\{([+-]?\d+)\}\{(\d+)\})")
INTEGER = re.compile(r"[+-]?[0-9]+")
DECIMAL = re.compile(r"[+-]?\d+\.\d+")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d{2,}")
NUMERAL = re.compile(r"([0-9A-Fa-f]{1,200})_(?:\{(\d{1,2})\}|(\d))")
# int() is quadratic in the digits; a longer integer is compared as its digits.
MAX_DIGITS = 4_000


def exact(s: str) -> Fraction | None:
    """The number that s writes: 7, -0.25, 3/4, 1\\frac{4}{5}; None where it is anything else."""
    match = NUMBER.fullmatch(s)
    if match is None or len(s) > MAX_DIGITS:
        return None
    sign, whole, decimals, below, mixed, top, bottom = match.groups()
    if whole is not None:
        value = Fraction(int(whole + (decimals or "")), 10 ** len(decimals or ""))
        value = value / int(below) if below and int(below) else value if not below else None
    else:
        value = Fraction(int(top), int(bottom)) if int(bottom) else None
        if value is not None and mixed:
            value += int(mixed)
    return None if value is None else -value if sign == "-" else value


def rounds_to(value: Fraction, gold: str) -> bool:
    """Whether gold is a decimal and value, rounded to gold's digits (halves either way), is gold."""
    if not DECIMAL.fullmatch(gold):
        return False
    return abs(value - Fraction(gold)) * 2 <= Fraction(1, 10 ** len(gold.partition(".")[2]))


def is_decimal(s: str) -> bool:
    return "." in s


def compare_numbers(answer: str, gold: str) -> bool | None:
    """Two exact numbers; None where one of them is no number."""
    if INTEGER.fullmatch(answer) and INTEGER.fullmatch(gold):
        return integer_key(answer) == integer_key(gold)
    if "." in gold and DECIMAL_COMMA.fullmatch(answer):
        answer = answer.replace(",", ".")
    if "." in answer and DECIMAL_COMMA.fullmatch(gold):
        gold = gold.replace(",", ".")
    a, g = exact(answer), exact(gold)
    if a is None or g is None:
        return None
    # A decimal answer says a number of its own; only a fraction or integer is "the exact value" that gold rounds.
    return a == g or (not is_decimal(answer) and rounds_to(a, gold))


def integer_key(digits: str) -> tuple[bool, str]:
    stripped = digits.lstrip("+-").lstrip("0")
    return digits.startswith("-") and stripped != "", stripped


def close(value: object, gold: str) -> bool:
    """Whether a value without letters, rounded to the digits of a decimal gold, is gold."""
    import mpmath

    if isinstance(value, Fraction):
        return rounds_to(value, gold)
    if isinstance(value, mpmath.mpc) and value.imag != 0:
        return False
    digits = mpmath.nstr(mpmath.re(value), 30, min_fixed=-40, max_fixed=40)
    return rounds_to(Fraction(digits), gold) if re.fullmatch(r"-?\d+\.\d*", digits) else False


def compare_bases(a: str, g: str) -> bool | None:
    """Numerals with their base: 52_8 is 42_{10}, and no other numeral without a base."""
    mine, theirs = NUMERAL.fullmatch(a), NUMERAL.fullmatch(g)
    if mine is None and theirs is None:
        return None
    if mine is None or theirs is None:
        return False if exact(a if mine is None else g) is not None else None
    try:
        return int(mine[1], int(mine[2] or mine[3])) == int(theirs[1], int(theirs[2] or theirs[3]))
    except ValueError:
        return False
