r"""One spelling for what is written in many: `\dfrac12`, `1/2 \text{ cm}` and `$\frac{1}{2}$` become `\frac{1}{2}`.

plain() takes away what does not decide (dollar, percent and degree signs, units, thousands separators, spacing,
sizes of brackets); split() cuts at commas outside brackets. Linear in the length; callers bound it.
"""

import re

# A longer answer is compared as it is written, never read.
MAX_LENGTH = 2_000

UNICODE = {
    "−": "-", "–": "-", "—": "-", "×": "*", "·": "*", "⋅": "*", "÷": "/", "≤": "\\leq ", "≥": "\\geq ", "≠": "\\neq ",
    "∞": "\\infty ", "π": "\\pi ", "°": "", "％": "%", "²": "^{2}", "³": "^{3}", "∪": "\\cup ", "∈": "\\in ",
    "±": "\\pm ",
    "（": "(", "）": ")", "，": ",", "：": ":", "。": "", "½": "\\frac{1}{2}", "θ": "\\theta ", "α": "\\alpha ",
    "β": "\\beta ", "λ": "\\lambda ", "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\x00": "",
}  # fmt: skip
UNICODE_TABLE = str.maketrans({**dict.fromkeys(range(9), ""), **UNICODE})
RENAMED = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "le": "leq", "ge": "geq", "leqslant": "leq", "geqslant": "geq",
    "ne": "neq", "lt": "<", "gt": ">", "cdot": "*", "times": "*", "ast": "*", "div": "/", "lbrace": "\\{",
    "rbrace": "\\}",
    "dbinom": "binom", "tbinom": "binom", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|", "lbrack": "[",
    "rbrack": "]",
    "langle": "(", "rangle": ")", "varnothing": "emptyset", "imath": "i", "colon": ":", "land": ",", "lor": ",",
    "wedge": ",", "vee": ",", "reals": "mathbb{R}", "percent": "", "degree": "", "circ": "", "sp": "^", "tg": "tan",
    "ctg": "cot", "ldots": "dots",
    "cdots": "dots", "dotsc": "dots", "dotsb": "dots", "iff": "=", "implies": "=", "euro": "", "pounds": "",
}  # fmt: skip
DROPPED = frozenset(
    (
        "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle "
        "scriptstyle limits nolimits hspace vspace phantom hfill normalsize large Large small color middle "
        "boldsymbol bf rm it mathstrut therefore because displaylimits enspace thinspace"
    ).split()
)
# Marks of this module, which no answer keeps: plain() takes control characters out first.
ROW, KEPT = "\x04", "\x03"
SPACES = re.compile(r"\\q?quad(?![a-zA-Z])|\\[,;:!> ]|~|[\t\r\n]")
ESSENTIAL_SPACE = re.compile(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])")
COMMAND = re.compile(r"\\([a-zA-Z]+) ?")
TEXT = re.compile(
    r"\\(text(?:bf|it|rm|tt)?|[mh]box|math(?:rm|bf|it|sf|tt|cal)|operatorname|bf|rm|bold|emph|underline)\s*\{([^{}]*)\}"
)
# `\cotx`, `\quadx`: data sets from which the spaces were taken.
GLUED = re.compile(
    r"\\(arc(?:sin|cos|tan)|(?:sin|cos|tan)h|(?:sin|cos|tan)(?!h)|cot|sec|csc|ln|log|pi|quad)(?=[a-zA-Z])"
)
# 11,\! 111,\! 100 · 1{,}000 · 7,425,000 · 1 000 · 1\,000; inside brackets a plain comma separates.
THOUSANDS = re.compile(
    r"(?<![\d.,])(?:[1-9]\d{0,2}(?:(?:,\\! ?|\{,\}|,)\d{3})+|[1-9]\d{0,2}(?:(?:\\[,!;: ]| )\d{3})+)(?![\d,])"
)
THOUSANDS_IN_BRACKETS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:(?:,\\! ?|\{,\})\d{3})+(?!\d)")
BRACKET_FIRST = re.compile(r"\s*(?:\\left\s*)?(?:\(|\[|\\\{)")
MIXED = re.compile(r"(?<![\d.,/^_{])(\d{1,9})\s+(?:and\s+)?(\d{1,9})\s*/\s*(\d{1,9})(?![\d.])")
SCIENTIFIC = re.compile(r"(?<![a-zA-Z\\\d.])(-?(?:\d+\.?\d*|\.\d+))[eE]([+-]?\d{1,4})(?![\d.a-zA-Z])")

REPEATING = re.compile(r"(?<![\d.])(\d{0,50})\.(\d{0,50})\\overline\s*\{(\d{1,50})\}")

UNIT_WORDS = frozenset(
    (
        "percent percentage pct degree degrees deg radian radians rad dollar dollars usd cent cents yuan euro "
        "euros pound pounds unit units square sq cubic cu inch inches in foot feet ft yard yards yd mile miles mi "
        "mph mm cm dm m km meter meters metre metres centimeter centimeters kilometer kilometers millimeter "
        "millimeters gram grams g kg mg kilogram kilograms ounce ounces oz lb lbs ton tons liter liters litre "
        "litres l ml second seconds s sec ms minute minutes min mins hour hours hr hrs h day days week weeks "
        "month months year years way ways people person persons student students ball balls apple apples point "
        "points coin coins times time number numbers digit digits per a each of the solutions solution joule "
        "joules j kj ev kev mev gev k kelvin newton newtons n pa kpa hz khz mhz ghz volt volts v watt watts w mol "
        "moles amp amps coulomb erg angstrom angstroms molar molarity photons atoms bits side sides edge edges"
    ).split()
)
UNIT_POWER = r"(?:\s*\^\s*(?:\{-?\d\}|-?\d))?"
FORMULA = re.compile(r"\$\$?((?:[^$\\]|\\.)+)\$\$?|\\\((.+?)\\\)")
# Units written outside \text: only known words, never single letters but "m" set apart.
UNIT = r"[a-zA-Z]{2,20}\.?" + UNIT_POWER
TRAILING_WORDS = re.compile(
    rf"(?<=[\d}})])(?:\s*{UNIT}(?:[\s/]+[a-zA-Z]{{1,20}}{UNIT_POWER}){{0,3}}|\s+m(?:/s)?{UNIT_POWER})\s*$"
)


def text_content(match: re.Match) -> str:
    r"""What a \text{…} contributes: a separator, a letter in another font, or words, marked as such."""
    command, content = match.groups()
    word = content.replace("~", " ").strip()
    bare = word.casefold().strip(" .,")
    if bare in ("and", "or"):
        return " , "
    symbol = len(bare) == 1 and (bare in "ei" or (command.startswith("math") and not content.startswith("~")))
    if symbol and not (command == "mathrm" and word in "mgsJKNVWCLhF"):
        return f" {word} "
    return f"\x01{word}\x02"


def resolve_text(expression: str) -> str:
    """Words set as text: kept where nothing else stands, dropped (as units and remarks) beside mathematics."""
    around = re.sub(r"\x01[^\x02]*\x02", "", expression)
    if re.search(r"[0-9]|\\(?:frac|sqrt|pi|infty|begin)", around) or re.search(r"[a-zA-Z]", around):
        around = re.sub(r"\x01[^\x02]*\x02" + UNIT_POWER, " ", expression)
        return re.sub(r"\\frac\s*\{\s*\}\s*\{\s*\}", " ", around)
    return re.sub(r"[\x01\x02]", " ", expression)


def about(s: str) -> str:
    r"""`\sqrt{51} \approx 7.14` says \sqrt{51}; `x \approx 11` says 11."""
    left, sign, right = re.sub(r"≈", r"\\approx ", s).partition("\\approx")
    if not sign:
        return s
    return right if re.fullmatch(r"\s*(?:\\?[a-zA-Z]+(?:_\w)?)?\s*", left) else left


def repeating(match: re.Match) -> str:
    r"""0.1\overline{6} as the fraction it is."""
    whole, once, again = match.groups()
    below = (10 ** len(again) - 1) * 10 ** len(once)
    return f"\\frac{{{int((whole or '0') + once + again) - int((whole or '0') + once)}}}{{{below}}}"


def rename(match: re.Match) -> str:
    name = match.group(1)
    if name in DROPPED:
        return ""
    new = RENAMED.get(name, name)
    return f"\\{new} " if new.isalpha() else new


def formula_in_words(expression: str) -> str:
    """The formula of a sentence that holds exactly one (`Thus $x = 2$ is it`); others as they are."""
    if "$" not in expression and "\\(" not in expression:
        return expression
    found = [
        match for match in FORMULA.finditer(expression) if re.search(r"[^\W_]|\\", match.group(1) or match.group(2))
    ]
    if len(found) != 1:
        return expression
    around = expression[: found[0].start()] + " " + expression[found[0].end() :]
    words = re.findall(r"[^\W\d_]+", around)
    if len(words) < 2 or re.search(r"\d|\\", around) or "not" in words:
        return expression
    return found[0].group(1) or found[0].group(2)


def plain(expression: str) -> str:
    """The expression in its one spelling, without white space. "" where nothing is left."""
    s = formula_in_words(expression).translate(UNICODE_TABLE).strip()
    # Rows of matrices are separated by \\; elsewhere a double backslash is an escape too many.
    s = s.replace("\\\\", ROW) if "\\begin" in s else s.replace("\\\\", "\\")
    s = s.replace("\\$", "").replace("\\%", "%").replace("$", "").replace("\\#", "#").replace("\\&", "&")
    s = re.sub(r"\\[()\[\]]", " ", s)
    s = re.sub(r"\^\s*(?:\{\s*\\(?:circ|degree)\s*\}|\\(?:circ|degree)(?![a-zA-Z]))", " ", s)
    s = (THOUSANDS_IN_BRACKETS if BRACKET_FIRST.match(s) else THOUSANDS).sub(lambda m: re.sub(r"\D", "", m.group()), s)
    s = GLUED.sub(r"\\\1 ", s)
    s = re.sub(r"\\(?:begin|end)\{(?:align|aligned|equation|gather|split)\*?\}", " ", s)
    s = SPACES.sub(" ", s)
    s = REPEATING.sub(repeating, about(s))
    s = resolve_text(TEXT.sub(text_content, s))
    s = re.sub(r"(?<=[\d)}\s])(?:and|or)(?=[\d(\\\sA-Z])", ",", s)
    s = MIXED.sub(r"\1\\frac{\2}{\3}", s)
    s = SCIENTIFIC.sub(r"\1*10^{\2}", s)
    s = COMMAND.sub(rename, without_units(s))
    s = (
        s.replace("<=", "\\leq ")
        .replace(">=", "\\geq ")
        .replace("!=", "\\neq ")
        .replace("**", "^")
        .replace("...", "\\dots ")
    )
    s = s.replace("%", "").rstrip(" .,;:\\").strip()
    s = ESSENTIAL_SPACE.sub(r"\1" + KEPT, s)
    s = re.sub(r"\s+", "", s).replace(KEPT, " ")
    return outer(braced(s))


def without_units(s: str) -> str:
    match = TRAILING_WORDS.search(s) if len(s) <= MAX_LENGTH else None
    if match is None:
        return s
    words = [word.casefold() for word in re.findall(r"[a-zA-Z]+", match.group())]
    return s[: match.start()] if words and all(word in UNIT_WORDS for word in words) else s


def braced(s: str) -> str:
    r"""\frac12 -> \frac{1}{2}, \sqrt2 -> \sqrt{2}, x^{2} -> x^2, 4210_{5} -> 4210_5, .5 -> 0.5, +\infty -> \infty."""
    s = re.sub(r"\\frac ?([^{\\ ])([^{\\ ])", r"\\frac{\1}{\2}", s)
    s = re.sub(r"\\frac ?([^{\\ ])(?=\{)", r"\\frac{\1}", s)
    s = re.sub(r"(\\frac\{[^{}]*\})([^{\\ ])", r"\1{\2}", s)
    s = re.sub(r"\\sqrt ?([^{\\\[ ])", r"\\sqrt{\1}", s)
    s = s.replace("\\mathbb R", "\\mathbb{R}")
    s = "(-\\infty,\\infty)" if s == "\\mathbb{R}" else s
    s = re.sub(r"([\^_])\{([a-zA-Z0-9])\}", r"\1\2", s)
    s = re.sub(r"(?<![\d.])\.(?=\d)", "0.", s)
    return re.sub(r"(?<![\w)}])\+(?=\\infty)", "", s)


def outer(s: str) -> str:
    """Without braces or parentheses that enclose everything and say nothing: (5) -> 5, {5} -> 5."""
    while len(s) > 2 and (s[0], s[-1]) in (("{", "}"), ("(", ")")) and len(split(s[1:-1], ",;")) == 1 and encloses(s):
        s = s[1:-1]
    return s


def encloses(s: str) -> bool:
    """Whether the bracket at the start closes at the end."""
    depth = 0
    for i, character in enumerate(s):
        if s[i - 1 : i] == "\\" and character in "{}":
            continue
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0:
                return i == len(s) - 1
    return False


def split(s: str, separators: str) -> list[str]:
    """The parts between separators outside all brackets; [s] where there is none."""
    parts, depth, start = [], 0, 0
    for i, character in enumerate(s):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif depth <= 0 and character in separators:
            parts.append(s[start:i])
            start = i + 1
    parts.append(s[start:])
    return parts
