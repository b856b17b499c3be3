"""Operations on exact and 50-digit numbers that stay small: what nobody should compute is refused.

A value is a Fraction where it is rational, else mpmath's real or complex number. Raised are Unreadable (no such value)
and TooLarge (a value that would take too long or too much memory).
"""

import math
from fractions import Fraction

import mpmath

# Digits to which what is not rational is computed.
DIGITS = 50
# Bounds on what is computed: digits of an exact power, arguments of factorials, digits of a number.
MAX_BITS = 20_000
MAX_FACTORIAL = 1_000
MAX_DIGITS = 2_000


class Unreadable(Exception):
    """A form that is not read here."""


class TooLarge(Exception):
    """A value that is not computed: it would take too long or too much memory."""


def real(value):
    """The value as mpmath's number."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return value


def number(token: str) -> Fraction:
    if len(token) > MAX_DIGITS:
        raise TooLarge(f"a number of {len(token)} digits")
    return Fraction(token.rstrip(".") or "0")


def add(a, b):
    return a + b if isinstance(a, Fraction) and isinstance(b, Fraction) else real(a) + real(b)


def multiply(a, b):
    return a * b if isinstance(a, Fraction) and isinstance(b, Fraction) else real(a) * real(b)


def divide(a, b):
    if b == 0:
        raise Unreadable("division by zero")
    return a / b if isinstance(a, Fraction) and isinstance(b, Fraction) else real(a) / real(b)


def power(base, exponent):
    if isinstance(exponent, Fraction) and exponent.denominator == 1:
        n = exponent.numerator
        if isinstance(base, Fraction):
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if abs(n) * bits > MAX_BITS and base not in (0, 1, -1):
                raise TooLarge(f"a power of {abs(n) * bits} bits")
            if base == 0 and n < 0:
                raise Unreadable("division by zero")
            return base**n
        if abs(n) > MAX_BITS:
            raise TooLarge(f"exponent {n if abs(n) < 10**12 else 'beyond 10^12'}")
    if abs(real(exponent)) > MAX_BITS:
        raise TooLarge("exponent")
    if base == 0:
        return Fraction(0)
    return mpmath.power(real(base), real(exponent))


def root(value, degree):
    """The real root where there is one: of an odd degree, also of negative numbers."""
    negative = not isinstance(value, mpmath.mpc) and value < 0
    if negative and is_whole(degree) and degree % 2:
        return -power(-value, divide(Fraction(1), degree))
    return power(value, divide(Fraction(1), degree))


def is_whole(value) -> bool:
    return isinstance(value, Fraction) and value.denominator == 1


def is_natural(value) -> bool:
    return is_whole(value) and value >= 0


def factorial(value, *, step: int = 1):
    """Of a natural number, in steps of 2 for !!; of letters, which stand for no whole number, by the gamma function
    that continues it."""
    if step > 1:
        if not is_natural(value) or value > MAX_FACTORIAL:
            raise Unreadable("double factorial of no small natural number")
        return Fraction(math.prod(range(value.numerator, 0, -step)))
    if not is_natural(value):
        if not isinstance(value, Fraction) or is_whole(value):
            raise Unreadable("factorial of a value that is no natural number")
        if abs(value) < MAX_FACTORIAL:
            return mpmath.gamma(real(value) + 1)
    elif value <= MAX_FACTORIAL:
        return Fraction(math.factorial(value.numerator))
    # 2004! is beyond what answers need as a number.
    raise TooLarge("factorial")


def binomial(n, k):
    if not (is_natural(n) and is_natural(k)):
        if not (isinstance(n, Fraction) and isinstance(k, Fraction)) or (n.denominator == 1 and n < 0):
            raise Unreadable("binomial of values that are no natural numbers")
        return mpmath.binomial(real(n), real(k))
    if n > MAX_FACTORIAL:
        raise TooLarge("binomial")
    return Fraction(math.comb(n.numerator, k.numerator))


def whole(value, *, up: bool) -> Fraction:
    """The next integer below or above."""
    if isinstance(value, Fraction):
        return Fraction(-(-value.numerator // value.denominator) if up else value.numerator // value.denominator)
    if isinstance(value, mpmath.mpc) or abs(value) > 10**30:
        raise Unreadable("rounding of a complex or large number")
    nearest = mpmath.nint(value)
    # A root or logarithm that is an integer is one, whatever its last digits.
    if abs(value - nearest) < mpmath.mpf(10) ** -40:
        return Fraction(int(nearest))
    return Fraction(int(mpmath.ceil(value) if up else mpmath.floor(value)))


def common(values: list, *, multiple: bool) -> Fraction:
    """The greatest common divisor or least common multiple of natural numbers."""
    if not all(map(is_natural, values)):
        raise Unreadable("divisors of values that are no natural numbers")
    numbers = [value.numerator for value in values]
    return Fraction(math.lcm(*numbers) if multiple else math.gcd(*numbers))


def same(a, b) -> bool:
    """Equal: exactly where both are rational, else to ten digits less than are computed."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = real(a), real(b)
        size = max(abs(a), abs(b))
        if size < mpmath.mpf(10) ** (8 - DIGITS) and 0 in (a, b):
            # What rounding left of a difference that is zero.
            return True
        return bool(abs(a - b) <= size * mpmath.mpf(10) ** (10 - DIGITS))
