r"""One spelling for what is written in many: `\dfrac12`, `1/2 \text{ cm}` and `$\frac{1}{2}$` become `\frac{1}{2}`.

spell() takes away what does not decide: delimiters, spacing, sizes, colours, thousands separators (graders.speller),
and units and remarks (graders.words). Words that may decide stay, as `\text{not}`. plain() is its text alone.
Linear in the length; callers bound it.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.brackets import outer
from lighteval_r1.graders.speller import Speller, TooDeep
from lighteval_r1.graders.words import APART, ROW

# A longer answer is compared as it is written, never read.
MAX_LENGTH = 2_000

RAISED = re.compile(f"[{''.join(known.RAISED)}]+")
LOWERED = re.compile(f"[{''.join(known.LOWERED)}]+")
FACE = r"\\(?:text|mathrm|rm)\s*\{\s*"
ROW_END = re.compile(r"\\\\(?:\[[^\]\\]{0,20}\])?")
# {10 \choose 3} without its braces
INFIX = re.compile(r"\\(?:choose|over)(?![a-zA-Z])")
IN_STARS = re.compile(r"(\*{1,2})([^*]+)\1")
QUICK = re.compile(r"\s*(-?(?:0|[1-9]\d*)(?:\.\d+)?)\s*")
OF_ANGLES = re.compile(r"\\(?:arc)?(?:sin|cos|tan|cot|sec|csc)|\\cis")
# 15°30' is not 1530'.
BETWEEN_DIGITS = re.compile(r"°(?=\d)")
RELATING = re.compile(r"[=<>]|\\(?:leq|geq|neq|in)(?![a-zA-Z])")
INEQUALITY = re.compile(r"[<>]|\\(?:leq|geq|neq)(?![a-zA-Z])")
FOLLOWS = re.compile(r"\\(?:implies|iff)(?![a-zA-Z])")
NAME_ABOUT = re.compile(r"(?:\\text\{[^{}]*\})*(?:(?!\\pi|e$|i$|\\infty)\\?[a-zA-Z]+(?:_(?:\w|\{\w+\}))?)?")


def chosen(match: re.Match) -> str:
    """C_n^k as a binomial coefficient; C_1^2 is a square."""
    n, k = match[1] or match[2], match[3] or match[4]
    square = n.isdigit() and k.isdigit() and int(n) < int(k)
    return match[0] if square else f"\\binom{{{n}}}{{{k}}}"


# What must stand in an expression, a pattern, and what is written for it.
Rewriting = tuple[str, re.Pattern, str | Callable[[re.Match], str]]
UNIT_C = r"(?:\{(\d+|[a-z])\}|([\da-z]))"
UPRIGHT_E = re.compile(rf"(?<=\d)\s*(?:\\[,;: ])?{FACE}[eE]\s*\}}\s*(?=[+-]?\d)")
VECTOR = re.compile(
    r"\\(?:mathbf|boldsymbol|bm|textbf|vec|overrightarrow)(?:\s*\{\s*\\?([ijk])(?:math)?\s*\}|\s([ijk])(?![a-zA-Z]))"
)
TYPED: tuple[Rewriting, ...] = (
    # {}_nC_k; x^2C_1 is a product. C_n^k, as it is written in French, Russian and Chinese
    ("C_", re.compile(r"(?<![\w})\]])(?:\{\})?[_^](?:\{(\w+)\}|(\w)) ?C_(?:\{(\w+)\}|(\w))"), r"\\binom{\1\2}{\3\4}"),
    ("C_", re.compile(rf"(?<![a-zA-Z\\])C_{UNIT_C}\^{UNIT_C}"), chosen),
    # np.arcsin(10/13), in Minerva's golds; a.m.
    (".", re.compile(r"(?<![a-zA-Z])(?:np|numpy|math)\.(?=[a-z])"), ""),
    (".", re.compile(r"(?<![a-zA-Z])([apAP])\.\s?[mM](?![a-zA-Z])\.?"), r"\1m"),
    # `\cotx`, `\quadx`: data sets from which the spaces were taken
    ("\\", re.compile(
        r"\\(arc(?:sin|cos|tan)|(?:sin|cos|tan)h|(?:sin|cos|tan)(?!h)|cot|sec|csc|ln(?!ot)|log|pi|quad)(?=[a-zA-Z])"
    ), r"\\\1 "),
    # 5\,\Omega, 2\ \mathrm{k}\Omega, 5\,\mu\text{m}, 25 per cent: units as they are set
    ("\\Omega", re.compile(
        rf"(?<=[\d.}}])(?:\\[,;: ]|\s|~)+(?:{FACE}(k)\s*\}}\s*|(k)\s*)?\\Omega\s*(?=\$?$)"
    ), r"\\text{ \1\2ohm}"),
    ("\\mu", re.compile(rf"\\mu\s*({FACE})(?=[a-zA-Z]{{1,2}}\s*\}})"), r"\1u"),
    ("cent", re.compile(r"\bper\s+cent\b", re.IGNORECASE), "percent"),
    # 4.46\mathrm{e}19; the vectors \mathbf{i}, \vec{j}, \hat{\imath}; m\angle A; US$
    *((sign, UPRIGHT_E, "e") for sign in ("e}", "E}")),
    *((sign, VECTOR, r"\\hat{\1\2}") for sign in ("bf", "\\bm", "\\boldsymbol", "\\vec", "\\overrightarrow")),
    ("\\angle", re.compile(r"(?<![a-zA-Z\\])m\s*(?=\\angle)"), ""),
    ("US", re.compile(r"(?<![a-zA-Z])US\s*(?=\\?\$)"), ""),
    # 6.02 x 10^23; (-inf, 2) U (3, 4] as it is typed
    ("10", re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s?\^)"), "*"),
    ("U", re.compile(r"(?<=[\])])\s*U\s*(?=[\[(])"), r"\\cup "),
    ("inf", re.compile(r"(?<![a-zA-Z\\])inf(?=\s*[,)\]])"), r"\\infty"),
)  # fmt: skip
OF_THE_WHOLE: tuple[Rewriting, ...] = (
    # ]2,3] is (2,3], as it is written in French and German.
    ("]", re.compile(r"(?<![\w)}])\]([^\[\]()]*[,;][^\[\]()]*)(?=[\[\]])"), r"(\1"),
    ("[", re.compile(r"([(\[][^\[\]()]*[,;][^\[\]()]*)\["), r"\1)"),
)
FINISHED: tuple[Rewriting, ...] = (
    ("\\mod", re.compile(r"\(\\mod ?(\w+)\)"), r"\\mod \1"),
    ("\\mod ", re.compile(r"\\mod +(?=\d)"), r"\\mod"),
    # f:x\mapsto 0 is f(x)=0.
    ("\\mapsto", re.compile(r"^(?:([a-zA-Z]):)?([a-zA-Z])\\mapsto ?"), lambda m: f"{m[1]}({m[2]})=" if m[1] else ""),
    # A system without conditions is a list.
    ("{cases}", re.compile(r"\\begin\{cases\}((?:(?!\\text)[^&])*?)\\end\{cases\}"), lambda m: m[1].replace(ROW, ",")),
    # (0,5;1,5): where a semicolon separates, commas are decimal.
    (";", re.compile(r"(?<=[(\[])-?\d+(?:,\d+)?;-?\d+(?:,\d+)?(?=[)\]])"), lambda m: m[0].replace(",", ".")),
    # "7, if n is even"; "for x \neq 2" is a condition as a comma says it; [0,\infty)-\{1\}
    (",\\text", re.compile(r",(?=\\text\{(?:if|when|unless)\})"), ""),
    ("\\neq", re.compile(r",?\\text\{(?:for|where|with|if)\} ?(?=[a-zA-Z]\\neq)"), ","),
    ("-\\{", re.compile(r"(?<=[)\]}])-(?=\\\{)"), r"\\setminus"),
)
NO_UNITS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Spelling:
    """An expression in its one spelling, without its units.

    lettered: the same where letters set apart at its end (`5 m`) are factors and no unit, "" where there are none.
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
        text = finished(speller.text(), speller.units)
        lettered = finished(speller.lettered, set()) if speller.lettered else ""
        listed = finished(Speller(s, counted=False).text(), set()) if speller.by_comma else ""
    except TooDeep:
        return Spelling(re.sub(r"\s+", "", s))
    return Spelling(text, frozenset(speller.units), lettered, listed)


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
    s = ROW_END.sub(ROW, s) if "\\begin" in s else s.replace("\\\\", "\\")
    s = rewritten(s, TYPED)
    s = f"{{{s}}}" if ("\\choose" in s or "\\over" in s) and INFIX.search(s) else s
    starred = IN_STARS.fullmatch(s.strip()) if s.strip()[:1] == "*" else None
    s = starred[2] if starred else s
    return s.replace("**", "^").replace("<=", "\\leq ").replace(">=", "\\geq ").replace("!=", "\\neq ").strip()


def rewritten(s: str, table: tuple[Rewriting, ...]) -> str:
    for sign, pattern, new in table:
        if sign in s:
            s = pattern.sub(new, s)
    return s


def finished(text: str, units: set[str]) -> str:
    """The whole expression's spelling: connectives, degrees, what is only about equal, what follows from what."""
    if "\\and" in text or "\\or" in text or "\\l" in text:
        text = connected(text)
    if "°" in text and not OF_ANGLES.search(text):
        scale = text[-1] if re.search(r"°[CF]$", text) else ""
        # C and F alone are the units of charge and of capacity.
        named = {scale.casefold()} | units & {"c", "f"}
        units -= named
        units.add("celsius" if "c" in named else "fahrenheit" if "f" in named else "degree")
        text = BETWEEN_DIGITS.sub(APART, text.removesuffix(scale)).replace("°", "")
    if "\\approx" in text:
        text = about(text)
    if text.count("[") != text.count("]") or "]" in text.partition("[")[0]:
        text = rewritten(text, OF_THE_WHOLE)
    if "\\implies" in text or "\\iff" in text:
        # What follows from an equation is the answer; p \implies q is a statement.
        parts = FOLLOWS.split(text)
        text = parts[-1].strip() if all(RELATING.search(part) for part in parts[:-1]) else text
    if "\\equiv" in text and "mod" not in text:
        # f(x)\\equiv 0 is f(x)=0.
        text = re.sub(r"\\equiv(?![a-zA-Z]) ?", "=", text)
    text = rewritten(text, FINISHED)
    return outer(text.rstrip(" ,;:\\").lstrip(" ,;="))


def connected(text: str) -> str:
    r"""Lists have commas: `x=1 \or x=2`. Between inequalities "and" and "or" mean sets, between others nothing
    known."""
    among_inequalities = INEQUALITY.search(text) is not None
    for word in ("and", "or"):
        text = re.sub(rf"[,;]?\\{word}(?![a-zA-Z]) ?[,;]?", rf"\\l{word} " if among_inequalities else ",", text)
        if not among_inequalities and "=" in text:
            text = re.sub(rf"\\l{word}(?![a-zA-Z]) ?", ",", text)
    return re.sub(r" (?![a-zA-Z])", "", text)


def about(text: str) -> str:
    r"""`\sqrt{51}\approx 7.14` says \sqrt{51}; `x\approx 11` says 11."""
    left, _, right = text.partition("\\approx")
    return right.strip() if NAME_ABOUT.fullmatch(left) else left
