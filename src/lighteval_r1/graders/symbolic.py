"""The last step of a comparison: math-verify on the two expressions alone. sympy is imported when it is called.

latex2sympy and sympy_expr_eq are what math_verify.parse and verify call. They are called directly, because parse and
verify set SIGALRM, which works on the main thread only and does not stop big-integer arithmetic: the pool ends the
process instead.
"""

import re

from lighteval_r1.graders.words import ROW

MAX_LENGTH = 500
MAX_DEPTH = 30
# Digits after which Float and exact are the same: math-verify's 6 make 0.00006712 and 0.0000672 equal.
PRECISION = 15
# What sympy would compute and never finish: towers of powers, large exponents, factorials, sums with many terms.
EXPLOSIVE = re.compile(r"\^\{?[^{}]{0,20}\^|\^\{?\d{4,}|\d{4,}!|!!|\)!|\}!|\\binom[^a-zA-Z]*\d{4,}")
MANY_TERMS = re.compile(r"\\(?:sum|prod|int|lim)")
LARGE = re.compile(r"\d{5,}|10\^")
REFUSED = (ValueError, TypeError, AttributeError, ArithmeticError, LookupError, RecursionError, NotImplementedError)


def depth(s: str) -> int:
    deepest = now = 0
    for character in s:
        now += (character in "{([") - (character in "})]")
        deepest = max(deepest, now)
    return deepest


def compare(answer: str, gold: str) -> tuple[bool | None, str]:
    """Whether math-verify finds the two equal; None where sympy had better not try."""
    for s in (answer, gold):
        if (
            len(s) > MAX_LENGTH
            or depth(s) > MAX_DEPTH
            or EXPLOSIVE.search(s)
            or (MANY_TERMS.search(s) and LARGE.search(s))
        ):
            return None, "too large for sympy"
    # 2 s and 150 MB, which most runs never need.
    from math_verify.grader import sympy_expr_eq

    mine, theirs = read(answer), read(gold)
    if mine is None or theirs is None:
        return False, "unreadable, and not equal as strings"
    try:
        return bool(sympy_expr_eq(theirs, mine, PRECISION, True)), "math-verify"
    except REFUSED as error:
        # An expression that sympy itself stumbles over says nothing about equality.
        return None, f"math-verify stumbled: {type(error).__name__}: {str(error)[:80]}"


def read(s: str) -> object | None:
    """What latex2sympy makes of an expression in its one spelling, a sympy object; None where it makes nothing of
    it."""
    from latex2sympy2_extended import latex2sympy
    from sympy import Basic
    from sympy.matrices import MatrixBase

    latex = s.replace(ROW, "\\\\ ").replace("*", " \\cdot ")
    try:
        is_real = not re.search(r"(?<![a-zA-Z])i(?![a-zA-Z])", latex)
        found = latex2sympy(latex, is_real=is_real, convert_degrees=False, normalization_config=None)
    except REFUSED:
        return None
    except Exception as error:
        # Its syntax errors are plain Exceptions, of no class of their own; anything else is a fault and goes on.
        if type(error) is not Exception:
            raise
        return None
    return found if isinstance(found, (Basic, MatrixBase)) else None
