r"""What an expression may mean besides: readings that are tried where its first one is not equal to gold's.

    label      `\textbf{(C)}\ 42` answers 42, its option's value
    forms      "3/8 or 0.375" and `\frac38 = 37.5\%` are 3/8: each of the forms must be gold
    place      `9 \text{ at } x=3` is 9
    prose      "3/4 of a cup" is read as words, though no \text{} says so
    condition  `2k\pi, k\in\mathbb{Z}` answers 2k\pi
    factors    a bare `m` behind its number as a letter, where the other side has no unit
    list       `100,200` as two numbers; 12,34,567 as one, as it is written in India
    chance     `1 in 6` and "1 out of 6" are 1/6
    logarithm  `\log_{10}2` is \log2, where only one side names the base
    index      R1+R2 is R_1+R_2
    constant   x^2+c is x^2+C, \frac{\pi}{4}+n\pi is \frac{\pi}{4}+k\pi
    no value   \frac{1}{x}, x\neq0 is \frac{1}{x}
    in words   "forty-two (42)" is 42
    product    g(h+1) is g times it, where the other side has no function g
    slash      t/RC is t/(RC)
    clock      16:30 is 4:30 p.m.
    comma      1,5\cdot 10^8 is 1.5\cdot 10^8
    figure     AB is \overline{AB}, and ABC is \triangle ABC, where only one side says what the points are
What this could wrongly accept: an answer that is right only as nobody means it. Each reading asks for signs on one side
that the other lacks.
"""

import re
from collections.abc import Iterator

from lighteval_r1.graders.brackets import split
from lighteval_r1.graders.equations import COMMAND, SYMBOL
from lighteval_r1.graders.latex import Spelling, spell
from lighteval_r1.graders.numerals import exact
from lighteval_r1.graders.wording import fold, in_figures

# `2k\pi, k\in\mathbb{Z}`, "f(x)=x for all x", `n\pi (n\in\mathbb{Z})`: for what letters an answer holds.
OF_LETTERS = (
    "all any every each some a an is are be real integer integers constant constants arbitrary fixed number numbers "
    "positive nonnegative natural complex rational"
)
WORDS = rf"(?:\\text\{{(?:{OF_LETTERS.replace(' ', '|')})\}}\ ?)"
MEMBERS = r"\\in\ ?\\mathbb\{[A-Z]\}(?:[_^](?:\W|0|\{[^{}]{1,9}\}))?"
CONDITION = re.compile(
    rf"""(?P<said>.+?)
    (?:[,;(](?:\\text\{{(?:where|for|with)\}}\ ?)?|\\text\{{(?:where|for|with)\}}\ ?|\(?\\forall\ ?)
    (?:{WORDS}*(?P<letter>{SYMBOL})(?:,{SYMBOL})*(?:{MEMBERS}|{WORDS}+)|{WORDS}+(?P<last>{SYMBOL})(?:,{SYMBOL})*)\)?""",
    re.VERBOSE,
)
# \frac{x+1}{x-2}, x\neq2: where a formula has no value
UNEQUAL = re.compile(rf"(?P<said>[^=<>]+?)[,(](?P<letter>{SYMBOL})\\neq[^,]+?\)?", re.VERBOSE)
# A constant behind a plus, and the number of periods beside a \pi
OF_INTEGRATION = re.compile(r"(?<=\+)([CcKk])(?![^+)}-])|(?<![^({=])([CcKk])(?=\+)")
OF_PERIODS = re.compile(r"(?<=\\pi)() ?([kmn])(?![a-zA-Z])|(?<![a-zA-Z\\])([kmn])(?=\\pi(?![a-zA-Z]))")
LETTER = re.compile(r"[a-zA-Z]")
FACE = r"\\(?:text|textbf|mathbf|mathrm|textrm|bf)\s*\{\s*"
GAP = r"(?:\s|~|\\[\ ,;:!]|\\q?quad)+"
LABELLED = re.compile(
    rf"""\$?\s*(?:\([A-J]\){GAP} | {FACE}\([A-J]\)\s*\}}(?:{GAP})?
    | {FACE}\([A-J]\){GAP}(?P<inner>[^{{}}]+)\}})(?P<rest>.*)""",
    re.DOTALL | re.VERBOSE,
)
INDIAN = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}")
CHANCE = re.compile(r"(?<=\d)\\text\{(?:in|out\} ?\\text\{of)\} ?(?=\d)")
COMMON_LOGARITHM = re.compile(r"\\log_\{?10\}?")
BARE_LOGARITHM = re.compile(r"\\log(?![a-zA-Z_])")
BELOW_SLASH = re.compile(r"(?<=/)([a-zA-Z]{2,})(?![a-zA-Z(^_])")
GLUED_INDEX = re.compile(r"(?<![\w^\\'])([a-zA-Z])(\d)(?![\w.^!])")
FACTOR = re.compile(r"(\\[a-zA-Z]+)|([gh])(?=\([^()]*[+-])")
OR = re.compile(r"\\text\s*\{\s*,?\s*or(?:,? equivalently)?,?\s*\}|\s+or\s+(?:equivalently,?\s+)?")
# "forty-two (42)", `5 \text{ (five)}`
IN_WORDS_TOO = re.compile(r"(?:\\text\s*\{)?([^(){}]+?)\s*\}?\s*(?:\\text\s*\{)?\s*\(([^(){}]+)\)\}?")
ATTAINED = re.compile(r"([^=]+?),?\s*\\text\s*\{\s*,?\s*(?:attained |reached |achieved )?at\s*\}[^=]+=[^=]+")
PROSE = re.compile(r"(?=.*[a-zA-Z]{3}|\d+ in \d+$)[^\\${}^_=<>]{1,80}")
# No element of a list: the 000 of 100,000
ZEROS = re.compile(r",0\d")
# 1,5\cdot 10^8, but 1, 5\pi is a list
COMMA_IN_FACTOR = re.compile(r"\s*-?\d+,\d+\s*(?:[*·×]|\\(?:cdot|times|pi|sqrt|frac)(?![a-zA-Z]))[^,]*")
CLOCK = re.compile(r"(\d\d):(\d\d)")
FIGURE = re.compile(
    r"\\(?:text\{)?(?P<kind>overline|overrightarrow|overleftrightarrow|triangle|angle|segment|line)\}? ?"
    r"\{?(?P<points>(?:[A-Z]'*){2,5})\}?"
)


def unlabelled(answer: str) -> str:
    """An answer without the label of its option, "" where it has none."""
    match = LABELLED.fullmatch(answer) if "(" in answer[:20] else None
    return f"{match['inner'] or ''}{match['rest']}".strip() if match else ""


def other_forms(answer: str, gold: str) -> Iterator[str]:
    """The answer without the label of its option; as words, where it is a sentence that was not set as such."""
    label = unlabelled(answer)
    if label and not unlabelled(gold):
        yield label
    if PROSE.fullmatch(answer) and answer[0] != "\\":
        yield f"\\text{{{answer}}}"
    if "%" in answer and "\\approx" in answer:
        yield answer.partition("\\approx")[0]
    if "," not in gold and COMMA_IN_FACTOR.fullmatch(answer):
        yield answer.replace(",", ".")
    again = IN_WORDS_TOO.fullmatch(answer) if "(" in answer and answer[-1] in ")}" else None
    if again:
        first, second = (spell(form).text for form in again.groups())
        if (first and first == in_figures(fold(second))) or (second and second == in_figures(fold(first))):
            yield again[1]
    attained = ATTAINED.fullmatch(answer) if "at" in answer else None
    if attained and "=" not in gold:
        yield attained[1]


def said_in_forms(answer: str) -> list[str]:
    r"""What must each be gold in "3/8 or 0.375" and `\frac38 = 37.5\%`; [] where a value is said once."""
    forms = OR.split(answer) if "or" in answer else answer.split("=") if "%" in answer else []
    return forms if 1 < len(forms) < 4 and all(exact(spell(form).text) is not None for form in forms) else []


def other_readings(a: Spelling, g: Spelling) -> Iterator[tuple[str, str]]:
    """Answer and gold as they may be read besides."""
    mine, theirs = unconditional(a.text), unconditional(g.text)
    if (mine == a.text) != (theirs == g.text):
        yield mine, theirs
    other_name = renamed(mine, theirs, bound_letters(a.text, g.text)) if "+" in mine else ""
    if other_name:
        yield other_name, theirs
    if bool(a.lettered) != bool(g.lettered) and not (a.units and g.units):
        yield a.lettered or a.text, g.lettered or g.text
    if bool(a.listed) != bool(g.listed) and not ZEROS.search(a.listed + g.listed):
        mine, theirs = (re.sub(r"^\(([^()]*)\)$", r"\1", s.listed or s.text) for s in (a, g))
        if len(split(mine, ",")) == len(split(theirs, ",")):
            # In the order of gold, so that 456,123 is not 123,456.
            yield f"({mine})", f"({theirs})"
    if INDIAN.fullmatch(a.text):
        yield a.text.replace(",", ""), g.text
    if CHANCE.search(a.text) and not CHANCE.search(g.text):
        yield CHANCE.sub("/", a.text), g.text
    (kind, mine), (gold_kind, theirs) = figure(a.text), figure(g.text)
    if (kind or gold_kind) and (kind == gold_kind or not (kind and gold_kind)):
        yield mine, theirs
    if "_" in g.text and "_" not in a.text and GLUED_INDEX.search(a.text):
        yield GLUED_INDEX.sub(r"\1_\2", a.text), g.text
    if "\\log" in a.text and "\\log" in g.text:
        yield from one_logarithm(a.text, g.text)
    for text, other in ((a.text, g.text), (g.text, a.text)):
        if "/" in text and BELOW_SLASH.search(text):
            grouped = BELOW_SLASH.sub(r"(\1)", text)
            yield (grouped, other) if text is a.text else (other, grouped)
    for text, other in ((a.text, g.text), (g.text, a.text)):
        if re.search(r"[gh]\(", text) and not re.search(r"[gh]\(", other) and "=" not in text + other:
            product = FACTOR.sub(lambda match: match[1] or f"{match[2]}*", text)
            yield (product, other) if text is a.text else (other, product)
    if "pm" in g.units and not {"am", "pm"} & a.units and CLOCK.fullmatch(a.text):
        hour, minutes = a.text.split(":")
        if int(hour) > 12:
            yield f"{int(hour) - 12}:{minutes}", g.text


def figure(s: str) -> tuple[str, str]:
    r"""("segment", "AB") of \overline{AB} and \text{segment }AB; ("", s) of what names no kind of figure."""
    match = FIGURE.fullmatch(s)
    return (match["kind"].replace("overline", "segment"), match["points"]) if match else ("", s)


def one_logarithm(a: str, g: str) -> Iterator[tuple[str, str]]:
    r"""\log_{10} as \log, where one side writes only the one and the other only the other."""
    common = [COMMON_LOGARITHM.search(s) is not None for s in (a, g)]
    bare = [BARE_LOGARITHM.search(s) is not None for s in (a, g)]
    if common == bare[::-1] and common[0] != common[1]:
        yield COMMON_LOGARITHM.sub(r"\\log ", a), COMMON_LOGARITHM.sub(r"\\log ", g)


def renamed(a: str, g: str, bound: frozenset[str]) -> str:
    r"""The answer with gold's name of the one letter that only one side has, where that is a constant of integration
    (x^2+c for x^2+C), a number of periods (n\pi for k\pi) or bound, as k in k\in\mathbb{Z}; "" where it is none."""
    mine, theirs = ({*LETTER.findall(COMMAND.sub(" ", s.rpartition("=")[2]))} for s in (a, g))
    if len(mine - theirs) != 1 or len(theirs - mine) != 1:
        return ""
    (old,), (new,) = mine - theirs, theirs - mine
    integrated = OF_INTEGRATION.search(a) and OF_INTEGRATION.search(g) and any(map(str.islower, mine - {old}))
    periods = {"".join(found) for found in OF_PERIODS.findall(a + ";" + g)}
    if not ((integrated and {old, new} <= set("CcKk")) or {old, new} <= periods or {old, new} & bound):
        return ""
    return re.sub(rf"(\\[a-zA-Z]+)|{old}", lambda match: match[1] or new, a)


def bound_letters(*texts: str) -> frozenset[str]:
    r"""Letters that stand for every integer: k in `2k\pi, k\in\mathbb{Z}`."""
    matches = [CONDITION.fullmatch(s) if "\\mathbb{Z}" in s else None for s in texts]
    return frozenset(match["letter"] for match in matches if match and match["letter"])


def unconditional(s: str) -> str:
    r"""Without what its letters are: `2k\pi` of `2k\pi, k\in\mathbb{Z}`; `5` says nothing of k."""
    unequal = UNEQUAL.fullmatch(s) if "\\neq" in s else None
    if unequal and unequal["letter"] in COMMAND.sub(" ", unequal["said"]):
        return unequal["said"]
    match = CONDITION.fullmatch(s) if "\\text" in s or "\\in" in s or "\\forall" in s else None
    letter = match and (match["letter"] or match["last"])
    return match["said"] if match and letter in COMMAND.sub(" ", match["said"]) else s
