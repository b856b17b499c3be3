r"""Words beside mathematics: units and remarks that do not decide are taken away, all others stay as `\text{…}`.

resolve() turns the pieces of an expression into its spelling. Dropped are
  units       `5 \text{ cm}`, `50 km/h`, `6 apples`, `12th grade` (graders.units); which they were is kept, for where
    both
              sides name one they must be the same
  remarks     "The answer is 5", "5 in total", "exactly 5", "The area is 5"
Everything else may decide: "not 5", "5 or more", "at least 5", "5 if n is even".
What this could wrongly accept: a sentence that denies its own number in words that are not in NEGATIONS.
"""

import re
from typing import NamedTuple

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.units import unit_of

PLAIN, WORD, BARE = "plain", "word", "bare"
# Marks of these modules, which no answer keeps: the end of a matrix's row, and two numbers with nothing between them.
ROW, APART = "\x04", "␣"


OF_FUNCTION = re.compile(rf"\\(?:{'|'.join(sorted(known.FUNCTIONS))}) ?\^\d$")


class Piece(NamedTuple):
    """A sign or a group of mathematics (plain), a word of text, or letters that stand side by side (bare)."""

    kind: str
    text: str
    spaced: bool = False


# After these a value may begin; before those one may end.
OPENS = frozenset(("(", "[", "\\{", "+", "-", "*", "/", ROW, "&", "\\pm ", "\\mp ", "|"))
RELATIONS = ("leq", "geq", "neq", "approx", "in", "and", "or", "land", "lor", "implies", "iff", "cup", "equiv", "to")
SEPARATES = frozenset((",", ";", "=", "<", ">", ":", *(f"\\{name} " for name in RELATIONS)))
JOINS = ("\\and ", ",")
CLOSES = frozenset((")", "]", "\\}", "+", "-", ROW, "&", "|"))
COPULAS = frozenset(("is", "are", "be", "equals", "was", "equal", "gives"))
NEGATIONS = known.listed("""
    not no non never none neither nor without except cannot can't isn't aren't doesn't impossible wrong incorrect false
    than most least unknown undefined
""")
# Glued to a number these may as well be letters: 5in, 3ms.
AMBIGUOUS = known.listed("in mi ms ev pa pc au ly min bar am pm mv mw hr ns um mol rad deg cal gal cup day t")
# Behind a slash these letters are units: km/h, m/s.
BELOW = tuple("hsmgl")


class Resolver:
    """One pass over pieces: what is kept of them, the units that were dropped, and whether bare letters were among
    them. within: the pieces are of a group, as in \\frac{2GM}{r}, whose letters a whole expression may not read anew.
    """

    def __init__(self, units: set[str], *, within: bool = False):
        self.units = units
        self.within = within
        self.kept: list[Piece] = []
        self.bare = False

    def resolve(self, pieces: list[Piece]) -> None:
        at = 0
        while at < len(pieces):
            if pieces[at].text == "/" and pieces[at + 1 :] and pieces[at + 1].kind == WORD and self.per(pieces, at):
                return
            if pieces[at].kind == PLAIN:
                self.kept.append(pieces[at])
                at += 1
            else:
                end = phrase_end(pieces, at)
                at = self.phrase(pieces[at:end], pieces[end:], end)

    def per(self, pieces: list[Piece], at: int) -> bool:
        """Drops `/\\text{mol}` at the end, behind a value; whether it stood there."""
        unit = unit_of([piece.text for piece in pieces[at:]])
        if unit is None or not ends_value(self.kept[-1] if self.kept else None):
            return False
        self.units.add(unit)
        return True

    def phrase(self, phrase: list[Piece], rest: list[Piece], end: int) -> int:
        """Keeps what must be kept of words; how far the pieces are read then."""
        following = rest[0] if rest else None
        base = base_of(phrase, self.kept, rest)
        if base is not None:
            self.kept.append(base)
            return end + len(rest)
        if ends_value(self.kept[-1] if self.kept else None):
            return end + self.behind(phrase, rest)
        if following is not None and following.text[0].isdigit() and phrase[0].text in known.CURRENCIES:
            self.units.add(known.CURRENCIES[phrase[0].text])
            return end
        if following is not None and following.text[0].isdigit() and is_minus([piece.text for piece in phrase]):
            self.kept.append(Piece(PLAIN, "-"))
            return end
        if following is not None and announces(phrase, following):
            return end + (following.text in ("=", ":"))
        if following is not None and following.text == ")" and self.kept and self.kept[-1].text == "(":
            return end + self.in_brackets(phrase)
        self.kept += phrase
        return end

    def behind(self, phrase: list[Piece], rest: list[Piece]) -> int:
        """Words behind a value: an ordinal's ending, a multiplier, a remark, a unit; others are kept. How many pieces
        behind them are read, too."""
        following = rest[0] if rest else None
        names = [piece.text for piece in phrase]
        ordinal = names[0] in known.ORDINALS and self.kept[-1].text[-1].isdigit()
        names = self.multiplied(names[1:] if ordinal else names)
        closed = following is None or following.text in SEPARATES or following.text in CLOSES
        larger = self.larger_unit(names, rest)
        if larger:
            # 2 hours (and) 30 minutes is one quantity, whose larger unit stays under its one name.
            self.kept.append(Piece(PLAIN, f"\\text{{{larger}}}"))
            return int(following.text in JOINS)
        letters = is_glued(phrase[0]) or (self.within and phrase[0].kind == BARE and is_product(phrase[0]))
        if closed and not ordinal and letters:
            self.kept += phrase
            return 0
        # `5 in` are inches.
        remark = names != ["in"] and all(name.casefold() in known.SAYS_NOTHING for name in names)
        if not names or (closed and remark):
            return 0
        unit = unit_of(names, ordinal=ordinal) if closed else None
        if unit is None:
            self.kept += phrase
        else:
            self.units |= {unit} - {""}
            self.bare = self.bare or any(piece.kind == BARE for piece in phrase)
        return 0

    def larger_unit(self, names: list[str], rest: list[Piece]) -> str:
        """The unit of the first of two quantities that are one: `2 hours 30 minutes`; "" of all else."""
        further = rest[1:] if rest and rest[0].text in JOINS else rest
        if len(further) < 2 or not further[0].text[0].isdigit() or further[1].kind == PLAIN:
            return ""
        unit, smaller = unit_of(names), unit_of([further[1].text])
        units = next((kind for kind in known.DIVIDED if {unit, smaller} <= set(kind)), ())
        return unit if unit and unit != smaller and units and units.index(unit) < units.index(smaller) else ""

    def multiplied(self, names: list[str]) -> list[str]:
        """The names behind "million", "dozen", 万, which become a factor."""
        first = names[0] if names else ""
        name = first.casefold() if first.casefold() in known.MULTIPLIERS else first[:1]
        factor = known.MULTIPLIERS.get(name)
        if not factor or not self.kept[-1].text[-1].isdigit():
            return names
        self.kept += [Piece(PLAIN, "*"), Piece(PLAIN, str(factor))]
        rest = first[len(name) :]
        return [rest, *names[1:]] if rest else names[1:]

    def in_brackets(self, phrase: list[Piece]) -> int:
        """Drops `(cm)` behind a value with its brackets: 1 where the closing one goes too, else 0."""
        remark = all(piece.text.casefold() in known.SAYS_NOTHING for piece in phrase)
        unit = "" if remark else unit_of([piece.text for piece in phrase])
        letters = all(len(piece.text) == 1 for piece in phrase)
        if unit is None or letters or not ends_value(self.kept[-2] if len(self.kept) > 1 else None):
            self.kept += phrase
            return 0
        self.kept.pop()
        self.units |= {unit} - {""}
        return 1

    def drop_metres(self) -> None:
        """`5 m`, `9.8 m/s^2`: a bare m set apart from its number at the end is the unit."""
        for at in range(max(1, len(self.kept) - 4), len(self.kept)):
            piece = self.kept[at]
            if piece.text != "m" or piece.kind != PLAIN or not piece.spaced:
                continue
            names = [piece.text for piece in self.kept[at:]]
            rest = names[2:] if names[1:2] and names[1][0] == "^" else names[1:]
            if self.kept[at - 1].text[-1] in "0123456789})" and rest in ([], ["/", "s"], ["/", "s", "^2"]):
                self.units |= {unit_of(names) or ""} - {""}
                del self.kept[at:]
                self.bare = True
                return


def resolve(pieces: list[Piece], units: set[str]) -> str:
    """The spelling of pieces; units: grows by those that were dropped."""
    resolver = Resolver(units, within=True)
    resolver.resolve(pieces)
    return joined(resolver.kept)


def resolve_whole(pieces: list[Piece], units: set[str]) -> tuple[str, str]:
    """The spelling of a whole expression, and what it is with a bare unit read as letters ("" where there is none)."""
    resolver = Resolver(units)
    if any(piece.kind == PLAIN for piece in pieces):
        resolver.resolve(pieces)
        resolver.drop_metres()
    else:
        resolver.kept = pieces
    return joined(resolver.kept), joined(pieces) if resolver.bare else ""


def phrase_end(pieces: list[Piece], at: int) -> int:
    """Where words end that began there; a power, or a slash between words, belongs to them."""
    end = at + 1
    while end < len(pieces):
        piece = pieces[end]
        if piece.text in ("/", "*"):
            below = pieces[end + 1] if end + 1 < len(pieces) else None
            if below is None or (below.kind == PLAIN and below.text not in BELOW):
                break
        elif piece.kind == PLAIN and piece.text[0] != "^" and not (pieces[end - 1].text == "/" and piece.text in BELOW):
            break
        end += 1
    return end


def ends_value(piece: Piece | None) -> bool:
    return piece is not None and piece.kind == PLAIN and piece.text not in OPENS and piece.text not in SEPARATES


def base_of(phrase: list[Piece], kept: list[Piece], rest: list[Piece]) -> Piece | None:
    """`52 in base 8`, `52 (base eight)`, at the end: the base as a subscript."""
    said = "".join(piece.text for piece in [*phrase, *rest]).removeprefix("in").removesuffix(")")
    digits = str(known.BASES.get(said[4:], said[4:]))
    number = -2 if kept and kept[-1].text == "(" else -1
    if said[:4] != "base" or not re.fullmatch(r"\d{1,2}", digits):
        return None
    if len(kept) < -number or not kept[number].text[-1].isdigit():
        return None
    del kept[len(kept) + number + 1 :]
    return Piece(PLAIN, f"_{{{digits}}}" if len(digits) > 1 else f"_{digits}")


def is_glued(piece: Piece) -> bool:
    """Letters without a gap behind a number that are rather letters than a unit."""
    name = piece.text.casefold()
    return piece.kind == BARE and not piece.spaced and (name in AMBIGUOUS or name not in known.UNITS)


def is_minus(names: list[str]) -> bool:
    *others, last = (name.casefold() for name in names)
    return last in known.MINUS and known.SAYS_NOTHING.issuperset(others)


def is_product(piece: Piece) -> bool:
    """Letters behind a number within a group that are rather factors than a unit: 2GM, 3kg."""
    return not piece.spaced or piece.text.isupper()


def announces(phrase: list[Piece], following: Piece) -> bool:
    """Whether words before a value only announce it."""
    names = [piece.text.casefold() for piece in phrase]
    bare = all(piece.kind == BARE for piece in phrase)
    if len(names) == 1 and (
        (len(names[0]) == 1 and names[0].isascii()) or (bare and names[0] not in ("answer", "result", "total"))
    ):
        return False
    if NEGATIONS & set(names):
        return False
    if all(name in known.SAYS_NOTHING for name in names):
        return following.text not in CLOSES or following.text in ("+", "-")
    return following.text == ":" or (names[-1] in COPULAS and following.text not in SEPARATES)


def joined(pieces: list[Piece]) -> str:
    """Pieces side by side; two numbers stay apart, letters behind a command too."""
    text = ""
    before = Piece(PLAIN, "(")
    opened = True
    for piece in pieces:
        new = piece.text
        if piece.kind == WORD and (len(new) > 1 or not new.isascii()):
            new = f"\\text{{{new}}}"
        elif new[:1].isdigit() and text[-1:].isdigit() and OF_FUNCTION.search(text):
            text = f"{text[: -len(before.text)]}^{{{before.text[1:]}}}"  # \sin^2 3 is (\sin 3)^2
        elif new[:1].isdigit() and text[-1:].isdigit():
            # 2^{4} 3^{2} is a product; two plain numbers side by side are nothing.
            text += "*" if before.text[0] in "^_" else APART
        elif new == "\\infty " and before.text == "+" and opened:
            text = text[:-1]
        elif piece.kind == BARE and before.kind == BARE:
            text += " "
        text += new
        # Whether what now follows a sign would begin a value.
        opened = opened if new == "+" else new in OPENS or new in SEPARATES
        before = piece
    return re.sub(r" (?![a-zA-Z])", "", text)
