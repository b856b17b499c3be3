"""Numbers as they are written: exact values, decimals that round, thousands of digits, decimal commas, other bases."""

import re
from fractions import Fraction

NUMBER = re.compile(r"([+-]?)(?:(\d+)(?:\.(\d*))?(?:/(\d+))?|(\d*)\\frac\{([+-]?\d+)\}\{(-?\d+)\})")
INTEGER = re.compile(r"[+-]?[0-9]+")
DECIMAL = re.compile(r"[+-]?\d+\.\d+")
# 16,00 and 2,5 and 1.234,56; a list of two numbers has the same form.
DECIMAL_COMMA = re.compile(r"([+-]?\d+|[+-]?\d{1,3}(?:\.\d{3})+),(\d+)")
DIGITS_OF_BASE = re.compile(r"(-?)\(?(-?)([0-9A-Fa-f]{1,200})(?:\.([0-9A-Fa-f]{1,200}))?\)?_(?:\{(\d{1,2})\}|(\d))")
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
    elif mixed and (top[0] == "-" or bottom[0] == "-"):
        value = None
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
    if "," in answer or "," in gold:
        return by_decimal_comma(answer, gold) or None
    a, g = exact(answer), exact(gold)
    if a is None or g is None:
        return None
    # A decimal answer says a number of its own; only a fraction or integer is "the exact value" that gold rounds.
    return a == g or (not is_decimal(answer) and rounds_to(a, gold))


def by_decimal_comma(answer: str, gold: str) -> bool:
    """Whether one side is the other with a decimal comma: 16,00 is 16, 2,5 is 2.5; 5,0 for 5 is rather a list."""
    comma, other = (answer, gold) if "," in answer else (gold, answer)
    match = DECIMAL_COMMA.fullmatch(comma)
    value = exact(other)
    if match is None or value is None:
        return False
    if len(match[2]) == 1 and (value.denominator == 1 or comma is gold):
        return False
    if comma is gold and not is_decimal(other):
        return False
    return exact(with_point(comma)) == value


def with_point(s: str) -> str:
    """A decimal comma as a point; others as they are."""
    match = DECIMAL_COMMA.fullmatch(s)
    return f"{match[1].replace('.', '')}.{match[2]}" if match else s


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


def in_base(s: str) -> tuple[Fraction | None, str] | None:
    """(value, digits with their sign) of a numeral that names its base; None where s is none.

    Value None: no such digits.
    """
    match = DIGITS_OF_BASE.fullmatch(s)
    if match is None:
        return None
    outside, inside, whole, decimals, *bases = match.groups()
    base = int(bases[0] or bases[1])
    # a_{11} and A_3 are names.
    if not whole[0].isdigit() and not any(c.isdigit() for c in whole) and base < 11:
        return None
    sign = "-" if outside or inside else ""
    digits = sign + whole + (f".{decimals}" if decimals else "")
    try:
        value = Fraction(int(whole + (decimals or ""), base), base ** len(decimals or ""))
    except ValueError:
        return None, digits
    return (-value if sign else value), digits


def compare_bases(a: str, g: str) -> bool | None:
    """Numerals with their base: 52_8 is 42_{10}.

    A gold without its base has the digits alone; an answer without is no other's.
    """
    mine, theirs = in_base(a), in_base(g)
    if mine is None and theirs is None:
        return None
    if mine and theirs:
        return mine[0] is not None and mine[0] == theirs[0]
    if mine is None:
        return False if exact(a) is not None else None
    return mine[0] is not None and integer_key(mine[1]) == integer_key(g) if exact(g) is not None else None
