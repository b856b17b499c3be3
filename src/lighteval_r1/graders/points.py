"""What the letters of an expression stand for where its value is computed, and the points at which it is."""

import re
import zlib
from enum import Enum
from fractions import Fraction

ROUNDS = re.compile(r"\\(?:lfloor|lceil|gcd|lcm)(?![a-zA-Z])")
# What has a value for small whole numbers only
SERIES = re.compile(r"\\(?:sum|prod)(?![a-zA-Z])|!!")
# \lfloor x\rfloor is of any number.
ROUNDED_LETTER = re.compile(r"\\l(?:floor|ceil) ?[a-zA-Z]\\r(?:floor|ceil)")


class Letters(Enum):
    """What letters stand for: positive numbers, numbers of either sign, whole numbers, small ones, or fractions of
    some size."""

    POSITIVE, SIGNED, WHOLE, SMALL, BROKEN = range(5)


class Point:
    """Values of letters: rationals that look irrational and depend on the letter and the point's number."""

    def __init__(self, index: int, letters: Letters = Letters.POSITIVE):
        self.index = index
        self.letters = letters
        self.names: set[str] = set()

    def value(self, name: str, *, letter: str = "") -> Fraction:
        self.names.add(letter or name)
        seed = zlib.crc32(f"{name} {self.index}".encode())
        if self.letters is Letters.WHOLE:
            return Fraction(seed % (12 if self.index < 12 else 1000) + 1)
        if self.letters is Letters.SMALL:
            return Fraction(seed % 24 + 1)
        if self.letters is Letters.BROKEN:
            return Fraction(seed % 9973, 7)
        value = Fraction(seed % 999_983 + 1, 860_281) + Fraction(1, 3)
        if self.letters is Letters.SIGNED and zlib.crc32(name.encode()) >> (4 * self.index) & 1:
            return -value
        return value


def letters_of(*expressions: str) -> Letters:
    """What letters stand for where some of these expressions round or sum: `\\lfloor n/2\\rfloor` is of whole
    numbers."""
    if any(SERIES.search(expression) for expression in expressions):
        return Letters.SMALL
    if any(ROUNDED_LETTER.search(expression) for expression in expressions):
        return Letters.BROKEN
    return Letters.WHOLE if any(ROUNDS.search(expression) for expression in expressions) else Letters.POSITIVE


N_POINTS = {Letters.POSITIVE: 3, Letters.SIGNED: 8, Letters.WHOLE: 24, Letters.SMALL: 24, Letters.BROKEN: 24}
