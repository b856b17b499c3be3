r"""Words beside mathematics: units and remarks that do not decide are taken away, all others stay as `\text{…}`.

resolve() turns the pieces of an expression into its spelling. Dropped are
  units       `5 \text{ cm}`, `50 km/h`, `6 apples`, `12th grade`: known units, and things that are counted, by their plural;
              which they were is kept, for where both sides name one they must be the same
  remarks     "The answer is 5", "5 in total", "exactly 5", "The area is 5"
Everything else may decide: "not 5", "5 or more", "at least 5", "5 if n is even".
What this could wrongly accept: a plural in -s that is no thing ("5 tens"): vocabulary.CHANGES lists those that count.
"""

import re
from typing import NamedTuple

from lighteval_r1.graders import vocabulary as known

PLAIN, WORD, BARE = "plain", "word", "bare"


class Piece(NamedTuple):
    """A sign or a group of mathematics (plain), a word of text, or letters that stand side by side (bare)."""

    kind: str
    text: str
    spaced: bool = False


# Marks of these modules, which no answer keeps: the end of a matrix's row, and two numbers with nothing between them.
ROW, APART = "\x04", "␣"
# After these a value may begin; before these one may end.
OPENS = frozenset(("(", "[", "\\{", "+", "-", "*", "/", ROW, "&", "\\pm ", "\\mp ", "|"))
SEPARATES = frozenset((",", ";", "=", "<", ">", ":", "\\leq ", "\\geq ", "\\neq ", "\\approx ", "\\in ", "\\and ", "\\or ",
                       "\\land ", "\\lor ", "\\implies ", "\\cup ", "\\equiv ", "\\to "))  # fmt: skip
CLOSES = frozenset((")", "]", "\\}", "+", "-", ROW, "&", "|"))
COPULAS = frozenset(("is", "are", "be", "equals", "was", "equal", "gives"))
NEGATIONS = frozenset(
    """not no non never none neither nor without except cannot can't isn't aren't doesn't impossible wrong
                         incorrect false than most least unknown undefined""".split()
)
# Letters that name a unit where they are set upright behind a number; a capital is another unit.
LETTER_UNITS = {letter: letter.lower() for letter in "mgshlLJKNVWCAF"}
# Names whose first letter decides: MW is no mW.
MEGA_OR_MILLI = frozenset(("mw", "mv", "mpa", "mev", "mhz", "mpc"))
# Glued to a number these may as well be letters: 5in, 3ms.
AMBIGUOUS = frozenset("in mi ms ev pa pc au ly min bar am pm mv mw hr ns um mol rad deg cal gal cup day t".split())
UNIT_FRACTION = re.compile(
    r"\s*\{?\s*\\(?:text|mathrm|mbox|textrm|rm)\s*\{([^{}]*)\}(?:\^\{?(\d)\}?)?\s*\}?\s*\{?\s*\\(?:text|mathrm|mbox|textrm|rm)\s*\{([^{}]*)\}(?:\^\{?(\d)\}?)?\s*\}?"
)
FUNCTION_SEEN = re.compile(r"\\(?:arc)?(?:sin|cos|tan|cot|sec|csc)")
RELATING = re.compile(r"[=<>]|\\(?:leq|geq|neq|in)(?![a-zA-Z])")
INEQUALITY = re.compile(r"[<>]|\\(?:leq|geq|neq) ?")


def resolve(pieces: list[Piece], units: set[str], *, outermost: bool = False) -> tuple[str, str]:
    """The spelling, and what it is with a bare unit read as letters ("" where there is none). units: grows by those dropped."""
    if all(piece.kind != PLAIN for piece in pieces):
        return joined(pieces), ""
    kept: list[Piece] = []
    lettered = False
    at = 0
    while at < len(pieces):
        if pieces[at].kind == PLAIN:
            kept.append(pieces[at])
            at += 1
            continue
        end = phrase_end(pieces, at)
        following = pieces[end] if end < len(pieces) else None
        phrase = pieces[at:end]
        base = base_of(phrase, kept, pieces[end:])
        if base is not None:
            kept.append(base)
            at = len(pieces)
        elif ends_value(kept[-1] if kept else None):
            left, unit = behind(phrase, kept, following)
            if unit is not None:
                units |= {unit} - {""}
                lettered = lettered or any(piece.kind == BARE for piece in phrase)
            kept += left
            at = end
        elif following is not None and announces(phrase, following):
            at = end + (following.text in ("=", ":"))
        elif following is not None and following.text == ")" and kept and kept[-1].text == "(":
            at = end + in_brackets(phrase, kept, units)
        else:
            kept += phrase
            at = end
    whole = joined(pieces if lettered else kept)
    text = joined(kept) if lettered else whole
    if outermost:
        text, unit = without_metres(kept, text)
        lettered = lettered or bool(unit)
        units |= {unit} - {""}
        return finished(text, units), finished(whole, set()) if lettered else ""
    return text, ""


def phrase_end(pieces: list[Piece], at: int) -> int:
    """Where words end that began there; a power, or a slash between words, belongs to them."""
    end = at + 1
    while end < len(pieces):
        piece = pieces[end]
        behind_slash = pieces[end + 1] if piece.text in ("/", "*") and end + 1 < len(pieces) else None
        goes_on = behind_slash is not None and (behind_slash.kind != PLAIN or behind_slash.text in tuple("hsmgl"))
        if piece.kind == PLAIN and pieces[end - 1].text == "/" and piece.text in tuple("hsmgl"):
            end += 1
            continue
        if piece.kind == PLAIN and not goes_on and piece.text[0] != "^":
            break
        end += 1
    return end


def ends_value(piece: Piece | None) -> bool:
    return piece is not None and piece.kind == PLAIN and piece.text not in OPENS and piece.text not in SEPARATES


def base_of(phrase: list[Piece], kept: list[Piece], rest: list[Piece]) -> Piece | None:
    """`52 in base 8`, `52 (base eight)`, at the end: the base as a subscript."""
    said = "".join(piece.text for piece in [*phrase, *rest]).removeprefix("in").removesuffix(")")
    digits = str(known.BASES.get(said[4:], said[4:]))
    at = -2 if kept and kept[-1].text == "(" else -1
    if said[:4] != "base" or not re.fullmatch(r"\d{1,2}", digits) or len(kept) < -at or not kept[at].text[-1].isdigit():
        return None
    if at == -2:
        kept.pop()
    return Piece(PLAIN, f"_{{{digits}}}" if len(digits) > 1 else f"_{digits}")


def behind(phrase: list[Piece], kept: list[Piece], following: Piece | None) -> tuple[list[Piece], str | None]:
    """What is left of words behind a value, and the unit among them; None where none was dropped."""
    names = [piece.text for piece in phrase]
    ordinal = names[0] in known.ORDINALS and kept[-1].text[-1].isdigit()
    if ordinal:
        names = names[1:]
        if not names:
            return [], ""
    factor = known.MULTIPLIERS.get(names[0].casefold()) or known.MULTIPLIERS.get(names[0][0])
    if factor and kept[-1].text[-1].isdigit():
        kept += [Piece(PLAIN, "*"), Piece(PLAIN, str(factor))]
        names = names[1:] if names[0].casefold() in known.MULTIPLIERS else [names[0][1:], *names[1:]]
        names = [name for name in names if name]
        if not names:
            return [], ""
    closed = following is None or following.text in SEPARATES or following.text in CLOSES
    if closed and glued(phrase[0]) and not ordinal:
        return phrase, None
    if closed and all(name.casefold() in known.SAYS_NOTHING for name in names):
        return [], ""
    unit = unit_of(names, ordinal=ordinal) if closed else None
    return ([], unit) if unit is not None else (phrase, None)


def glued(piece: Piece) -> bool:
    """Letters without a gap behind a number that are rather letters than a unit."""
    name = piece.text.casefold()
    return piece.kind == BARE and not piece.spaced and (name in AMBIGUOUS or name not in known.UNITS)


def announces(phrase: list[Piece], following: Piece) -> bool:
    """Whether words before a value only announce it."""
    names = [piece.text.casefold() for piece in phrase]
    bare = all(piece.kind == BARE for piece in phrase)
    if len(phrase) == 1 and len(names[0]) == 1:
        return False
    if NEGATIONS & set(names) or (bare and len(names) == 1 and names[0] not in ("answer", "result", "total")):
        return False
    if all(name in known.SAYS_NOTHING for name in names):
        return following.text not in CLOSES or following.text in ("+", "-")
    return following.text == ":" or (names[-1] in COPULAS and following.text not in SEPARATES)


def in_brackets(phrase: list[Piece], kept: list[Piece], units: set[str]) -> int:
    """Drops `(cm)` behind a value with its brackets: 1 where the closing one goes too, else 0."""
    unit = unit_of([piece.text for piece in phrase])
    if (
        unit is None
        or all(len(piece.text) == 1 for piece in phrase)
        or not ends_value(kept[-2] if len(kept) > 1 else None)
    ):
        kept += phrase
        return 0
    kept.pop()
    units |= {unit} - {""}
    return 1


def without_metres(kept: list[Piece], text: str) -> tuple[str, str]:
    """`5 m`, `9.8 m/s^2`: a bare m set apart from its number at the end is the unit; (text without it, unit or "")."""
    for back in (1, 2, 3, 4):
        at = len(kept) - back
        if at >= 1 and kept[at].text == "m" and kept[at].kind == PLAIN and kept[at].spaced:
            names = [piece.text for piece in kept[at:]]
            rest = names[1:]
            power = rest[:1] if rest and rest[0][0] == "^" else []
            per_second = rest[len(power) :]
            if kept[at - 1].text[-1] in "0123456789})" and per_second in ([], ["/", "s"], ["/", "s", "^2"]):
                return joined(kept[:at]), unit_of(names) or ""
    return text, ""


# ---- units


def unit_of(names: list[str], *, ordinal: bool = False) -> str | None:
    """The one name of a unit, "km/h" or "m^3"; "" for one that says nothing ("units"); None where it is none."""
    powers: dict[str, int] = {}
    sign, ahead, last = 1, 1, ""
    for name in (part for name in names for part in re.split(r"(/|\^-?\d)", name) if part):
        lower = name.casefold()
        if name == "/" or lower == "per":
            sign = -1
        elif (
            name == "*"
            or lower in known.ADJECTIVES
            or (lower in ("of", "in", "the", "each", "total", "a") and len(names) > 1)
        ):
            continue
        elif lower in ("square", "sq", "cubic", "cu"):
            ahead = 2 if lower[0] == "s" else 3
        elif name[0] == "^" or lower in ("squared", "cubed"):
            digits = {"squared": "2", "cubed": "3"}.get(lower) or name[1:].strip("{}")
            if not last or not re.fullmatch(r"-?\d", digits):
                return None
            powers[last] *= int(digits)
        else:
            last = unit_name(name, ordinal=ordinal) or ""
            if not last or last in powers:
                return None
            above, _, below = last.partition("/")
            powers[above] = sign * ahead
            powers |= {below: -sign} if below else {}
            last, ahead = above, 1
    if not last:
        return None
    named = sorted((name, power) for name, power in powers.items() if name != "unit")
    return "*".join(name if power == 1 else f"{name}^{power}" for name, power in named)


def unit_name(word: str, *, ordinal: bool = False) -> str | None:
    if len(word) == 1 and word.isascii():
        return LETTER_UNITS.get(word)
    if not word.isascii() and not re.match(r"[\u00c0-\u024fa-zA-Z]", word):
        return counter(word)
    lower = word.casefold()
    if lower in MEGA_OR_MILLI:
        return word[0] + lower[1:]
    name = known.UNITS.get(lower) or known.COUNTED.get(lower)
    if name or lower in known.CHANGES or not lower.isalpha():
        return name
    if len(lower) > 3 and lower.endswith("s") and not lower.endswith(("ss", "us", "is")) and not word.isupper():
        return re.sub(r"ies$", "y", lower).removesuffix("s")
    return lower if ordinal and word.islower() else None


def counter(word: str) -> str | None:
    """What counts things in Chinese, Japanese or Korean, with their name: 个苹果."""
    longest = max((c for c in known.COUNTERS if word.startswith(c)), key=len, default="")
    rest = word[len(longest) :]
    if not longest or len(rest) > 6 or known.CHANGES_CJK & set(rest):
        return None
    return "unit" if longest in ("です", "である", "だ", "입니다", "이다") else longest + rest


def unit_of_fraction(raw: str) -> str:
    r"""The unit that `{\text{km}}{\text{h}}` is; "" where it is none."""
    match = UNIT_FRACTION.fullmatch(raw)
    if match is None:
        return ""
    above, below = (unit_name(match[i].strip()) for i in (1, 3))
    powers = [f"^{match[i]}" if match[i] else "" for i in (2, 4)]
    return f"{match[1].strip()}{powers[0]}/{match[3].strip()}{powers[1]}" if above and below else ""


# ---- one string


def joined(pieces: list[Piece]) -> str:
    """Pieces side by side; two numbers stay apart, letters behind a command too."""
    text, before = "", None
    for piece in pieces:
        new = piece.text
        if piece.kind == WORD and (len(new) > 1 or not new.isascii()):
            new = f"\\text{{{new}}}"
        elif before is not None and new[:1].isdigit() and text[-1:].isdigit():
            # 2^{4} 3^{2} is a product; two plain numbers side by side are nothing.
            text += "*" if before.text[0] in "^_" else APART
        elif (
            new == "\\infty "
            and before is not None
            and before.text == "+"
            and not ends_value(behind_sign(pieces, piece))
        ):
            text = text[:-1]
        elif piece.kind == BARE and before is not None and before.kind == BARE:
            text += " "
        text += new
        before = piece
    return re.sub(r" (?![a-zA-Z])", "", text)


def behind_sign(pieces: list[Piece], piece: Piece) -> Piece | None:
    at = next(i for i, other in enumerate(pieces) if other is piece)
    return pieces[at - 2] if at > 1 else None


def finished(text: str, units: set[str]) -> str:
    """The whole expression's spelling: connectives, degrees, what is only about equal, what follows from what."""
    if "\\and" in text or "\\or" in text or "\\l" in text:
        text = connected(text)
    if "°" in text and not FUNCTION_SEEN.search(text):
        text, scale = re.sub(r"°([CF])$", "°", text), text[-1]
        units.add({"C": "celsius", "F": "fahrenheit"}.get(scale, "degree"))
        text = text.replace("°", "")
    if "\\approx" in text:
        text = about(text)
    if text.count("[") != text.count("]") or "]" in text.partition("[")[0]:
        # ]2,3] is (2,3], as it is written in French and German
        text = re.sub(r"(?<![\w)}])\]([^\[\]()]*[,;][^\[\]()]*)(?=[\[\]])", r"(\1", text)
        text = re.sub(r"([(\[][^\[\]()]*[,;][^\[\]()]*)\[", r"\1)", text)
    if "\\implies" in text:
        # What follows from an equation is the answer; p \implies q is a statement.
        parts = text.split("\\implies")
        text = parts[-1].strip() if all(RELATING.search(part) for part in parts[:-1]) else text
    return text.replace("\\mathbb{R}-\\{", "\\mathbb{R}\\setminus\\{").rstrip(" ,;:\\").lstrip(" ,;")


def connected(text: str) -> str:
    r"""Lists have commas: `x=1 \or x=2`. Between inequalities "and" and "or" mean sets, between others nothing known."""
    among_inequalities = INEQUALITY.search(text) is not None
    for word in ("and", "or"):
        text = re.sub(rf"[,;]?\\{word}(?![a-zA-Z]) ?[,;]?", rf"\\l{word} " if among_inequalities else ",", text)
        if not among_inequalities and "=" in text:
            text = re.sub(rf"\\l{word}(?![a-zA-Z]) ?", ",", text)
    return re.sub(r" (?![a-zA-Z])", "", text)


def about(text: str) -> str:
    r"""`\sqrt{51}\approx 7.14` says \sqrt{51}; `x\approx 11` says 11."""
    left, _, right = text.partition("\\approx")
    name = re.fullmatch(r"(?:\\text\{[^{}]*\})*(?:(?!\\pi|e$|i$|\\infty)\\?[a-zA-Z]+(?:_(?:\w|\{\w+\}))?)?", left)
    return right.strip() if name else left


# ---- taking spellings apart


def outer(s: str) -> str:
    """Without braces or parentheses that enclose everything and say nothing: (5) -> 5, {5} -> 5."""
    while len(s) > 2 and (s[0], s[-1]) in (("{", "}"), ("(", ")")) and len(split(s[1:-1], ",;")) == 1 and encloses(s):
        s = s[1:-1]
    return s


def encloses(s: str) -> bool:
    """Whether the bracket at the start closes at the end."""
    depth = 0
    for i, character in enumerate(s):
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


__all__ = [
    "APART",
    "BARE",
    "PLAIN",
    "WORD",
    "Piece",
    "ROW",
    "encloses",
    "outer",
    "resolve",
    "split",
    "unit_of_fraction",
]
