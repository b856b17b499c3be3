r"""The value of a LaTeX expression at given values of its letters: exact where it is rational, else to 50 digits.

Two expressions that agree to 40 digits at three random points are equal; those that differ at one are not. This
replaces symbolic algebra for nearly all answers, and needs mpmath alone.

What it refuses: Unreadable (a form not known here) and TooLarge (a power or factorial nobody should compute).
Source of the method: Schwartz 1980, "Fast probabilistic algorithms for verification of polynomial identities".
"""

import re
from fractions import Fraction
from functools import lru_cache

import mpmath

# Bounds on what is computed: digits of an exact power, arguments of factorials, nesting and length of expressions.
MAX_BITS = 20_000
MAX_FACTORIAL = 1_000
MAX_DEPTH = 60
MAX_LENGTH = 2_000
DIGITS = 50

GREEK = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma "
    "tau phi varphi chi psi omega Gamma Delta Theta Lambda Sigma Phi Psi Omega ell infty hbar"
)
LETTERS = frozenset("\\" + name for name in GREEK.split())
FUNCTION_NAMES = frozenset(("f", "g", "h", "\\Gamma", "\\zeta", "\\phi", "\\sigma", "\\Phi"))
FUNCTIONS = {
    "\\sin": mpmath.sin, "\\cos": mpmath.cos, "\\tan": mpmath.tan, "\\cot": mpmath.cot, "\\sec": mpmath.sec,
    "\\csc": mpmath.csc, "\\arcsin": mpmath.asin, "\\arccos": mpmath.acos, "\\arctan": mpmath.atan,
    "\\sinh": mpmath.sinh, "\\cosh": mpmath.cosh, "\\tanh": mpmath.tanh, "\\ln": mpmath.log, "\\exp": mpmath.exp,
    "\\log": mpmath.log,
}  # fmt: skip
TOKEN = re.compile(r"\d+\.\d+|\d+\.?(?![\d.])|\.\d+|\\[a-zA-Z]+|\\[{}]|[a-zA-Z]|\S")
SUBSCRIPT = re.compile(r"_(?:\{([a-zA-Z0-9]{1,10})\}|([a-zA-Z0-9]))")
MIXED = re.compile(r"\\frac\{(\d{1,30})\}\{(\d{1,30})\}")


class Unreadable(Exception):
    """A form that is not read here."""


class TooLarge(Exception):
    """A value that is not computed: it would take too long or too much memory."""


class Reader:
    """One pass over the tokens of an expression, computing its value at a point.

    Juxtaposition is a product; `1\frac{4}{5}` is a mixed number; f(x), g(x), h(x) are unreadable, as no product is
    meant.
    """

    def __init__(self, tokens: list[str], point: "Point"):
        self.tokens = tokens
        self.at = 0
        self.point = point
        self.depth = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.next
        if not token or (expected and token != expected):
            raise Unreadable(f"{token or 'end'} where {expected or 'more'} is needed")
        self.at += 1
        return token

    def sum(self):
        value = self.product()
        while self.next in ("+", "-"):
            sign = self.take()
            term = self.product()
            value = add(value, term if sign == "+" else -term)
        return value

    def product(self):
        negative = False
        while self.next in ("+", "-"):
            negative ^= self.take() == "-"
        value = -self.power() if negative else self.power()
        while True:
            if self.next in ("*", "/"):
                operator = self.take()
                sign = -1 if self.next == "-" else 1
                if self.next in ("+", "-"):
                    self.take()
                factor = sign * self.power()
                value = multiply(value, factor) if operator == "*" else divide(value, factor)
            elif self.next and self.next not in ")]}|+-,;=<>:&" and self.next not in ("\\}", "\\rangle"):
                value = multiply(value, self.power())
            else:
                return value

    def power(self):
        integer = self.next.isdigit()
        value = self.atom()
        if integer and self.next == "\\frac":
            mixed = MIXED.match("".join(self.tokens[self.at : self.at + 7]))
            if mixed:
                self.at += 7
                return add(value, divide(Fraction(int(mixed[1])), Fraction(int(mixed[2]))))
        while self.next in ("!", "^"):
            value = factorial(value) if self.take() == "!" else power(value, self.argument(signed=True))
        return value

    def argument(self, *, signed: bool = False):
        """A group in braces, or the one token that TeX would take."""
        if self.next == "{":
            return self.group("{", "}")
        if signed and self.next == "-":
            self.take()
            return -self.argument()
        if self.next.isdigit() and len(self.next) > 1 and not signed:
            # TeX: \frac12 takes one digit each.
            digits = self.tokens[self.at]
            self.tokens[self.at : self.at + 1] = [digits[0], digits[1:]]
        return self.atom()

    def group(self, opening: str, closing: str):
        self.take(opening)
        value = self.sum()
        self.take(closing)
        return value

    def atom(self):
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooLarge(f"more than {MAX_DEPTH} levels")
        value = self.read_atom(self.take())
        self.depth -= 1
        return value

    def read_atom(self, token: str):
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return number(token)
        if token in ("(", "{", "["):
            self.at -= 1
            return self.group(token, {"(": ")", "{": "}", "[": "]"}[token])
        if token == "|":
            value = self.sum()
            self.take("|")
            return abs(value)
        if token in FUNCTIONS:
            return self.function(token)
        if token == "\\frac":
            top = self.argument()
            return divide(top, self.argument())
        if token == "\\sqrt":
            return self.root()
        if token == "\\binom":
            top = self.argument()
            return binomial(top, self.argument())
        if token == "\\pi":
            return +mpmath.pi
        if token == "e":
            return +mpmath.e
        if token == "i":
            return mpmath.mpc(0, 1)
        if (len(token) == 1 and token.isascii() and token.isalpha()) or token in LETTERS:
            return self.letter(token)
        raise Unreadable(token)

    def letter(self, token: str):
        if token in FUNCTION_NAMES and self.next == "(":
            raise Unreadable(f"{token}( may be a function")
        name = token
        if self.next == "_":
            subscript = SUBSCRIPT.match("".join(self.tokens[self.at : self.at + 8]))
            if not subscript:
                raise Unreadable("subscript")
            self.take()
            if self.next == "{":
                while self.take() != "}":
                    pass
            else:
                self.take()
            name += "_" + (subscript[1] or subscript[2])
        return self.point.value(name)

    def root(self):
        degree = Fraction(2)
        if self.next == "[":
            degree = self.group("[", "]")
        return power(self.argument(), divide(Fraction(1), degree))

    def function(self, token: str):
        exponent = base = None
        if token == "\\log" and self.next == "_":
            self.take()
            base = self.argument()
        if self.next == "^":
            self.take()
            exponent = self.argument(signed=True)
        if self.next in ("(", "{", "["):
            value = self.power_of_group()
        else:
            value = self.power()
            while self.next and (self.next.isalnum() or self.next in LETTERS or self.next in ("\\pi", "\\frac")):
                value = multiply(value, self.power())
        result = mpmath.log(real(value)) / mpmath.log(real(base)) if base is not None else FUNCTIONS[token](real(value))
        if exponent == -1 and token in ("\\sin", "\\cos", "\\tan"):
            return {"\\sin": mpmath.asin, "\\cos": mpmath.acos, "\\tan": mpmath.atan}[token](real(value))
        return result if exponent is None else power(result, exponent)

    def power_of_group(self):
        opening = self.next
        return self.group(opening, {"(": ")", "{": "}", "[": "]"}[opening])


class Point:
    """Values of letters: irrational-looking rationals that depend on the letter and the point's number; positive, or
    all negative."""

    def __init__(self, index: int, *, negative: bool = False):
        self.index = index
        self.sign = -1 if negative else 1
        self.names: set[str] = set()

    def value(self, name: str) -> Fraction:
        self.names.add(name)
        seed = sum((i + 1) * ord(c) for i, c in enumerate(name))
        return self.sign * (Fraction((seed * 7919 + self.index * 104729) % 99991 + 1, 86028) + Fraction(1, 3))


def real(value):
    """The value as mpmath's number."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return value


def number(token: str) -> Fraction:
    if len(token) > MAX_LENGTH:
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


def factorial(value) -> Fraction:
    if not isinstance(value, Fraction) or value.denominator != 1 or value < 0:
        raise Unreadable("factorial of a value that is no natural number")
    if value > MAX_FACTORIAL:
        # 2004! is beyond what answers need as a number; kept out of exact arithmetic.
        raise TooLarge("factorial")
    result = 1
    for factor in range(2, value.numerator + 1):
        result *= factor
    return Fraction(result)


def binomial(n, k) -> Fraction:
    if not (isinstance(n, Fraction) and isinstance(k, Fraction) and n.denominator == k.denominator == 1):
        raise Unreadable("binomial of letters")
    if n < 0 or k < 0 or n > MAX_FACTORIAL:
        raise TooLarge("binomial")
    if k > n:
        return Fraction(0)
    result = Fraction(1)
    for i in range(k.numerator):
        result = result * (n - i) / (i + 1)
    return result


def evaluate(expression: str, point: Point):
    """The expression's value at the point: a Fraction, or mpmath's real or complex number."""
    if len(expression) > MAX_LENGTH:
        raise TooLarge(f"an expression of {len(expression)} characters")
    reader = Reader(TOKEN.findall(expression), point)
    try:
        value = reader.sum()
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise Unreadable(str(error)[:100]) from error
    if reader.next:
        raise Unreadable(reader.next)
    if not isinstance(value, Fraction) and not mpmath.isfinite(value):
        raise Unreadable("no finite value")
    return value


@lru_cache(maxsize=4096)
def values(expression: str) -> tuple[tuple, frozenset[str]]:
    """Values at three points (one where it has no letters), and its letters. Raises Unreadable or TooLarge."""
    with mpmath.workdps(DIGITS):
        point = Point(0)
        first = evaluate(expression, point)
        if not point.names:
            return (first,), frozenset()
        return (first, evaluate(expression, Point(1)), evaluate(expression, Point(2))), frozenset(point.names)


def same_below_zero(a: str, b: str) -> bool:
    """Equal also where all letters are negative, which tells |x| from x. Raises Unreadable or TooLarge."""
    with mpmath.workdps(DIGITS):
        return same(evaluate(a, Point(0, negative=True)), evaluate(b, Point(0, negative=True)))


def same(a, b) -> bool:
    """Equal: exactly where both are rational, else to 40 digits of the larger."""
    if isinstance(a, Fraction) and isinstance(b, Fraction):
        return a == b
    with mpmath.workdps(DIGITS):
        a, b = real(a), real(b)
        size = max(abs(a), abs(b))
        if size < mpmath.mpf(10) ** -42 and 0 in (a, b):
            # What rounding left of a difference that is zero.
            return True
        return bool(abs(a - b) <= size * mpmath.mpf(10) ** -40)
