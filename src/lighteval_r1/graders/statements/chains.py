"""Formulas as chains of sides between their signs: what stands before an equals sign, and where its step ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lighteval_r1.graders.statements.phrases import GAP
from lighteval_r1.graders.statements.sentences import squeezed
from lighteval_r1.graders.vocabulary import any_of

# Answers as they are stated are short; a longer one is a formula on the way.
LONGEST_ANSWER = 250
# No further back is looked for the beginning of a chain; most begin near.
LOOKED_BACK, NEAR, MOST_LINES = 300, 80, 8

# Begins with plain characters, as a search for these is fast.
EQUALS = re.compile(r"=(?<![<>!:=≠]=)(?![=>])|\\(?:approx|equiv)(?![a-zA-Z])|≈|≡")
INEQUALITY = re.compile(r"[<>≤≥]|\\(?:leq?|geq?|leqslant|geqslant|lt|gt)(?![a-zA-Z])")
RELATION = re.compile(any_of(EQUALS.pattern, INEQUALITY.pattern))
STEP_TOKEN = re.compile(
    any_of(
        r"\\\\",
        r"\\[()\[\]{}]",
        r"\\[,;:! %$&#]",
        r"\\(?:implies|Rightarrow|quad|qquad|end|tag|pmod|bmod|mod)(?![a-zA-Z])",
        r"\s\(mod\b",
        r"[{}()\[\]$\n=;<>]",
        r",(?=\s|$)",
        r"[.!?](?=[\s*\"')]|$)",
        "[。，；！？]",
        "⇒",
        "→",
    )
)
OPENING, CLOSING = {"{", "(", "["}, {"}", ")", "]"}

# Words of prose before a formula; names like xyz stand at a sign, functions behind a backslash.
SHORT_WORDS = (
    "the and for but has get are was let see not now yes our its can all so is we if of to in or as by on be it"
)
PROSE = (
    rf"(?<![\\a-zA-Z{{])(?i:[a-z]{{4,20}}|{any_of(*SHORT_WORDS.split())}){GAP}(?=\S)"
    r"(?![=<>≤≥≈≡]|\\(?:approx|equiv|[lg]eq?))"
)
CHAIN_START = re.compile(
    any_of(
        r"\n|\\\\",
        r"[$]",
        r"\\[()\[\]]",
        r"[;:,.?!]\s|[。，；：！？]",
        "[⇒→]",
        r"\\(?:implies|Rightarrow|Longrightarrow|iff|quad|qquad|to)(?![a-zA-Z])",
        r"\\text\{[^{}]{1,20}\}(?!\s*=)",
        PROSE,
    )
)


@dataclass(frozen=True)
class Chain:
    """The sides before an equals sign: the first of its chain, the last. bound: an inequality is among the signs."""

    first: str
    last: str
    bound: bool


def chain_before(text: str, sign: int) -> Chain:
    """What stands before an equals sign; a line that begins with a sign goes on with the line before it."""
    for back in (NEAR, LOOKED_BACK):
        formula = text[max(0, sign - back) : sign]
        start, too_far = formula_start(formula)
        if start or too_far:
            break
    sides = RELATION.split(formula[start:].replace("&", ""))
    first = next((side for side in sides if side.strip()), "")
    return Chain(squeezed(first), squeezed(sides[-1]), INEQUALITY.search(formula, start) is not None)


def formula_start(text: str) -> tuple[int, bool]:
    """Where the formula that a text ends in begins, 0 where that is not seen; and whether it is too many lines ago."""
    tokens = [*CHAIN_START.finditer(text)]
    for token in tokens[: -MOST_LINES - 1 : -1]:
        formula = text[token.end() :]
        begun = formula.strip(" \t\n&$")
        # A comma within brackets ends nothing: f(1, 2).
        inside = token[0].startswith(",") and formula.count(")") > formula.count("(")
        if begun and not inside and not RELATION.match(begun):
            return token.end(), False
    return 0, len(tokens) > MOST_LINES


def equations(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of sides that a text says to be equal, each also the other way round."""
    for sign in EQUALS.finditer(text):
        chain = chain_before(text, sign.start())
        end, _ = step_end(text, sign.end(), lists=False)
        right = side(text[sign.end() : end])
        for left in (chain.first, chain.last):
            if left and right:
                yield left, right
                yield right, left


def side(formula: str) -> str:
    """A side of an equation, to be compared with others."""
    return squeezed(formula).strip("&").rstrip("^.,?")


def step_end(text: str, at: int, *, lists: bool) -> tuple[int, str]:
    """Where the step that goes on at `at` ends, and the token that ends it ("" at the end or far away)."""
    depth = 0
    limit = min(len(text), at + LONGEST_ANSWER + 1)
    for token in STEP_TOKEN.finditer(text, at, limit):
        mark = token.group()
        if len(mark) == 2 and mark[0] == "\\" and mark[1] in ",;:! %$&#":
            continue
        if mark in OPENING or mark == "\\{":
            depth += 1
        elif mark in CLOSING or mark == "\\}":
            depth -= 1
            if depth < 0:
                return token.start(), mark
        elif mark in ("\\(", "\\["):
            return token.start(), "("
        elif (depth and mark in (",", ".", "<", ">", ";", "=")) or (mark == "," and lists):
            continue
        else:
            return token.start(), mark
    return limit, ""
