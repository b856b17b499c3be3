r"""The value of a LaTeX expression at given values of its letters: exact where it is rational, else to 50 digits.

Two expressions that agree to 40 digits at three random points are equal; those that differ at one are not. This
replaces symbolic algebra for nearly all answers, and needs mpmath alone. Where floors, ceilings, divisors or finite
sums stand, letters are whole numbers, and 24 points decide.

What it refuses: Unreadable (a form not known here) and TooLarge (a power or factorial nobody should compute).
What it could wrongly accept: a product where a function is meant. u(t), I(0) and f(…) are functions, n(n+1) is a
product, and `\log` without its base is no other logarithm. Source of the method: Schwartz 1980, "Fast probabilistic
algorithms for verification of polynomial identities".
"""

import re
from fractions import Fraction
from functools import lru_cache

import mpmath

from lighteval_r1.graders import operations
from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.operations import (
    DIGITS,
    TooLarge,
    Unreadable,
    add,
    binomial,
    common,
    divide,
    factorial,
    multiply,
    number,
    power,
    real,
    root,
    same,
    whole,
)
from lighteval_r1.graders.points import N_POINTS, Letters, Point

# Nesting and length of expressions.
MAX_DEPTH = 60
MAX_LENGTH = 2_000
# More terms of sums are not read.
MAX_TERMS = 2_000

GREEK = frozenset((*known.GREEK, "ell", "hbar", "mho")) - {"pi"}
LETTERS = frozenset("\\" + name for name in GREEK)
# Signs over or under a letter, which make it another letter.
ACCENTS = frozenset(
    "\\" + name for name in "hat bar vec tilde dot ddot overline widehat widetilde overrightarrow".split()
)
FUNCTION_NAMES = frozenset(
    ("f", "g", "h", "F", "G", "H", "\\Gamma", "\\zeta", "\\phi", "\\sigma", "\\Phi", "\\mho", "\\delta")
)
FUNCTIONS = {
    f"\\{name}": getattr(mpmath, name.replace("arc", "a"))
    for name in "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth exp".split()
}
# A logarithm of no base in particular is equal to itself, and in a quotient of logarithms to any.
FUNCTIONS |= {"\\ln": mpmath.log, "\\log": lambda x: mpmath.log(x) / 7, "\\cis": mpmath.expj}
INVERSES = {f"\\{name}": FUNCTIONS[f"\\arc{name}"] for name in ("sin", "cos", "tan", "cot")}
OF_SEVERAL = frozenset(("\\gcd", "\\lcm", "\\max", "\\min"))
ROUNDED = {"\\lfloor": ("\\rfloor", False), "\\lceil": ("\\rceil", True)}
CLOSING = {"(": ")", "{": "}", "[": "]"}
ENDS_PRODUCT = frozenset((*")]}|+-,;=<>:&", "\\}", "\\rangle", "\\rfloor", "\\rceil"))
TOKEN = re.compile(r"\d+\.\d+|\d+\.?(?![\d.])|\.\d+|\\[a-zA-Z]+|\\[{}]|[a-zA-Z]|\S")
MIXED = re.compile(r"\\frac\{(\d{1,30})\}\{(\d{1,30})\}")
# dx/dt is no x/t: the two letters are one name.
DIFFERENTIAL = re.compile(r"(?<=\\frac\{)d(\^2)? ?(\\?[a-zA-Z]+(?:_\w)?)\}\{d ?(\\?[a-zA-Z])(\^2)?(?=\})")


class Reader:
    """One pass over the tokens of an expression, computing its value at a point.

    Juxtaposition is a product; `1\frac{4}{5}` is a mixed number.
    """

    def __init__(self, tokens: list[str], point: Point):
        self.tokens = tokens
        self.at = 0
        self.point = point
        self.depth = 0
        self.n_terms = 0
        # What the index of a sum stands for within it.
        self.indices: dict[str, Fraction] = {}

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
            elif self.next and self.next not in ENDS_PRODUCT:
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
        while self.next in ("!", "^", "°"):
            mark = self.take()
            if mark == "°":
                value = multiply(value, mpmath.pi / 180)
            else:
                twice = mark == "!" == self.next and self.take()
                value = factorial(value, step=2 if twice else 1) if mark == "!" else power(value, self.argument())
        return value

    def argument(self):
        """A group in braces, or a single token."""
        return self.group() if self.next == "{" else self.atom()

    def group(self):
        closing = CLOSING[self.take()]
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
        if token in self.indices and self.next != "_":
            return self.indices[token]
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return number(token)
        if token in CLOSING:
            self.at -= 1
            return self.group()
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
        if token == "e" and self.next != "_":
            return +mpmath.e
        if token == "i" and self.next != "_":
            return mpmath.mpc(0, 1)
        if token in ROUNDED:
            closing, up = ROUNDED[token]
            value = self.sum()
            self.take(closing)
            return whole(value, up=up)
        if token in OF_SEVERAL:
            return self.of_several(token)
        if token in ("\\sum", "\\prod"):
            return self.series(token)
        if (len(token) == 1 and token.isascii() and token.isalpha()) or token in LETTERS or token in ACCENTS:
            return self.letter(token)
        raise Unreadable(token)

    def letter(self, token: str):
        """A letter with its accent, subscripts and primes; with an argument, some value of a function of that name."""
        name = token + (self.raw_group() if token in ACCENTS else "")
        while self.next in ("_", "'"):
            name += self.take()
            if name[-1] == "_":
                name += self.raw_group()
        begin = self.at
        if name == "C" and self.next == "(":
            values = self.values("(", ")")
            if len(values) == 2:
                return binomial(*values)
            self.at = begin
        if self.next == "(":
            short = self.at + 2 < len(self.tokens) and self.tokens[self.at + 2] == ")"
            if token in FUNCTION_NAMES or (short and not name.startswith("\\pi")):
                values = self.values("(", ")")
                return self.point.value(name + "".join(f"({mpmath.nstr(real(v), 30)})" for v in values), letter=name)
        return self.point.value(name)

    def values(self, opening: str, closing: str) -> list:
        """Values between commas, in brackets."""
        self.take(opening)
        values = [self.sum()]
        while self.next == ",":
            self.take()
            values.append(self.sum())
        self.take(closing)
        return values

    def raw_group(self) -> str:
        """The tokens of a group in braces, or the next token, as they stand but for the indices of sums."""
        if self.next != "{":
            token = self.take()
            return str(self.indices.get(token, token))
        depth, begin = 0, self.at
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            if not depth:
                inner = "".join(str(self.indices.get(part, part)) for part in self.tokens[begin + 1 : self.at - 1])
                return inner if len(inner) == 1 else f"{{{inner}}}"

    def root(self):
        degree = Fraction(2)
        if self.next == "[":
            degree = self.group()
        return root(self.argument(), degree)

    def of_several(self, token: str):
        values = self.values("\\{", "\\}") if self.next == "\\{" else self.values("(", ")")
        if token in ("\\max", "\\min"):
            if any(isinstance(value, mpmath.mpc) for value in values):
                raise Unreadable("order of complex numbers")
            return (max if token == "\\max" else min)(values, key=real)
        return common(values, multiple=token == "\\lcm")

    def series(self, token: str):
        """A finite sum or product; what stands behind a plus is no part of it."""
        self.take("_")
        self.take("{")
        index = self.take()
        self.take("=")
        first = self.sum()
        self.take("}")
        self.take("^")
        last = self.argument()
        if (
            not (operations.is_whole(first) and operations.is_whole(last) and first <= last + 1)
            or index in self.indices
        ):
            raise Unreadable("bounds of a sum")
        if self.next == "*":
            self.take()
        begin, value = self.at, Fraction(token == "\\prod")
        for at in range(int(first), int(max(first, last)) + 1):
            self.n_terms += 1
            if self.n_terms > MAX_TERMS:
                raise Unreadable(f"more than {MAX_TERMS} terms")
            self.at, self.indices[index] = begin, Fraction(at)
            term = self.product()
            # Of an empty sum the term is read, and no part of it.
            if at <= last:
                value = multiply(value, term) if token == "\\prod" else add(value, term)
        del self.indices[index]
        return value

    def function(self, token: str):
        exponent = base = None
        if token == "\\log" and self.next == "_":
            self.take()
            base = self.argument()
        if self.next == "^":
            self.take()
            exponent = self.argument()
        if self.next in CLOSING:
            value = self.group()
        else:
            value = self.power()
            while self.next and (self.next.isalnum() or self.next in LETTERS or self.next in ("\\pi", "\\frac")):
                value = multiply(value, self.power())
        result = mpmath.log(real(value)) / mpmath.log(real(base)) if base is not None else FUNCTIONS[token](real(value))
        if exponent == -1 and token in INVERSES:
            return INVERSES[token](real(value))
        return result if exponent is None else power(result, exponent)


def evaluate(expression: str, point: Point):
    """The expression's value at the point: a Fraction, or mpmath's real or complex number."""
    if len(expression) > MAX_LENGTH:
        raise TooLarge(f"an expression of {len(expression)} characters")
    if "\\frac{d" in expression:
        expression = DIFFERENTIAL.sub(r"d_{\1\2}}{d_{\3\4}", expression)
    reader = Reader(TOKEN.findall(expression), point)
    try:
        value = reader.sum()
    except (ValueError, OverflowError, ZeroDivisionError, TypeError) as error:
        raise Unreadable(str(error)[:100]) from error
    if reader.next:
        raise Unreadable(reader.next)
    if not isinstance(value, Fraction) and not mpmath.isfinite(value):
        raise Unreadable("no finite value")
    return value


@lru_cache(maxsize=4096)
def values(expression: str, letters: Letters = Letters.POSITIVE) -> tuple[tuple, frozenset[str]]:
    """Values at as many points as what letters stand for asks, and the letters. Raises Unreadable or TooLarge."""
    with mpmath.workdps(DIGITS):
        point = Point(0, letters)
        first = evaluate(expression, point)
        if not point.names:
            return (first,) * N_POINTS[letters], frozenset()
        others = (evaluate(expression, Point(i, letters)) for i in range(1, N_POINTS[letters]))
        return (first, *others), frozenset(point.names)


def equal_everywhere(a: str, b: str, letters: Letters) -> bool:
    """Whether two expressions have the same value at every point. Raises Unreadable or TooLarge."""
    return all(same(x, y) for x, y in zip(values(a, letters)[0], values(b, letters)[0], strict=True))
