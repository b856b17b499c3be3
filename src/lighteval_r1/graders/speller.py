r"""One pass over an expression, sign by sign: what it is written with becomes the pieces that words.resolve() puts together.

What this could wrongly accept: digits that only stand side by side. Groups of three behind a thousands separator are one
number, two other numbers stay apart; a comma within brackets always separates.
"""

import re

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders import words
from lighteval_r1.graders.words import BARE, PLAIN, WORD, Piece, outer

# Brackets within brackets; what is nested deeper is compared as it is written.
MAX_DEPTH = 60

TOKEN = re.compile(r"\\([a-zA-Z]+\*?)|\\(.)|([A-Za-z\u00c0-\u024f]+)|([^\W\d_]+)|(\s+)|(.)", re.DOTALL)
DIGITS = re.compile(r"\d+")
# 11,\! 111,\! 100 · 1{,}000 · 7,425,000 · 1 000 · 1\,000 · 1.000.000; within brackets a plain comma separates.
THOUSANDS = re.compile(
    r"[1-9]\d{0,2}(?:(?:(?:,\\! ?|\{,\})\d{3})+|(?P<gap>\\[,;:! ]|~| )\d{3}(?:(?P=gap)\d{3})*(?!(?P=gap)\d)|(?:\.\d{3}){2,}(?!\.))(?!\d)"
)
THOUSANDS_BY_COMMA = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d)")
DECIMALS = re.compile(r"(?:\.|\{,\})(\d+)")
REPEATING = re.compile(
    r"\.(\d{0,50})(?:\\(?:overline|bar)\s*\{(\d{1,50})\}|\\dot\{?(\d)\}?(?:(\d{0,50})\\dot\{?(\d)\}?)?)"
)
SCIENTIFIC = re.compile(r"[eE]([+-]?)(\d{1,4})(?![\da-zA-Z]|\.\d)")
MIXED = re.compile(r"\s+(\d{1,9})\s*/\s*(\d{1,9})(?![\d.])")
DELIMITED = re.compile(r"\$\$?((?:[^$\\]|\\.)+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
SUBSCRIBED = re.compile(r"\\text\{([^{}]*)\}|\\(max|min|sup|inf|lim)(?![a-zA-Z]) ?")
SIMPLE = re.compile(r"\d+(?:\.\d+)?|\\?[a-zA-Z]+|.", re.DOTALL)


def script(sign: str, inner: str) -> str:
    return f"{sign}{inner}" if len(inner) == 1 else f"{sign}{{{inner}}}"


class TooDeep(Exception):
    """More brackets within brackets than are read."""


class Speller:
    """One pass over an expression. by_comma: `1,000` outside brackets is a thousand."""

    def __init__(self, s: str, *, by_comma: bool = True):
        self.s = s
        self.at = 0
        self.depth = 0
        self.brackets = 0
        self.by_comma = by_comma
        self.by_comma_seen = False
        self.units: set[str] = set()
        self.lettered = ""
        self.prose = self.is_prose()

    def is_prose(self) -> bool:
        """Whether words stand around formulas in dollars: outside the dollars it is text."""
        if "$" not in self.s and "\\(" not in self.s and "\\[" not in self.s:
            return False
        return (
            re.search(r"[^\W\d_]{2}", DELIMITED.sub(" ", self.s)) is not None and DELIMITED.search(self.s) is not None
        )

    def text(self) -> str:
        pieces = self.read("", text=self.prose)
        spelling, self.lettered = words.resolve(pieces, self.units, outermost=True)
        return outer(spelling)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep

    # ---- groups

    def read(self, closing: str, *, text: bool = False) -> list[Piece]:
        """Pieces up to the closing sign, which is taken; all that is left where there is none."""
        self.deeper()
        pieces: list[Piece] = []
        spaced = False
        while self.at < len(self.s):
            if closing and self.s.startswith(closing, self.at):
                self.at += len(closing)
                break
            match = TOKEN.match(self.s, self.at)
            command, escaped, letters, others, space, sign = match.groups()
            if space or escaped in tuple(",;:!> ") or sign == "~" or command in known.SPACES:
                self.at, spaced = match.end(), True
                continue
            begin = len(pieces)
            if sign == "$" or (escaped and escaped in "()[]"):
                text = self.dollar(match, pieces, text=text)
            elif command:
                self.at = match.end()
                self.command(command.rstrip("*"), pieces, text=text)
            elif letters or others:
                self.at = match.end()
                self.letters(letters or others, pieces, text=text)
            else:
                self.sign(escaped, sign, pieces, text=text)
            if spaced and len(pieces) > begin:
                pieces[begin] = pieces[begin]._replace(spaced=True)
                spaced = False
        self.depth -= 1
        return pieces

    def group(self, *, text: bool = False) -> str:
        """The spelling of a group whose brace was taken."""
        return words.resolve(self.read("}", text=text), self.units)[0]

    def skip_space(self) -> None:
        while self.at < len(self.s) and self.s[self.at] in " \t\n~":
            self.at += 1

    def argument(self, *, script: bool = False) -> str:
        """The spelling of a group in braces, or of the one sign that TeX would take; of all digits of a script."""
        self.skip_space()
        if self.at >= len(self.s):
            return ""
        if self.s[self.at] == "{":
            self.at += 1
            return self.group()
        if self.s[self.at].isdigit():
            begin, self.at = self.at, DIGITS.match(self.s, self.at).end() if script else self.at + 1
            return self.s[begin : self.at]
        if script and self.s[self.at] in "+-" and re.match(r"[+-][\d\\a-zA-Z]", self.s[self.at : self.at + 2]):
            self.at += 1
            return ("-" if self.s[self.at - 1] == "-" else "") + self.argument(script=True)
        if self.s[self.at] != "\\":
            self.at += 1
            return self.s[self.at - 1]
        match = TOKEN.match(self.s, self.at)
        self.at = match.end()
        pieces: list[Piece] = []
        self.deeper()
        if match[1]:
            self.command(match[1].rstrip("*"), pieces, text=False)
        self.depth -= 1
        return words.resolve(pieces, self.units)[0]

    def raw_argument(self) -> str:
        """What stands in the next braces or brackets, unread; "" where none stand."""
        self.skip_space()
        match = re.compile(r"\{([^{}]*)\}").match(self.s, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[1]

    # ---- signs

    def dollar(self, match: re.Match, pieces: list[Piece], *, text: bool) -> bool:
        r"""A delimiter, or the sign of the currency where no second dollar follows; whether text goes on behind it."""
        self.at = match.end()
        if match[0] != "$":
            return self.prose and match[0] in ("\\)", "\\]")
        if self.s.count("$") % 2 and re.match(r"\s?[\d.]", self.s[self.at : self.at + 2]):
            self.units.add("dollar")
            return text
        # In prose, dollars open and close formulas by turns.
        return self.prose and not text

    def sign(self, escaped: str | None, sign: str | None, pieces: list[Piece], *, text: bool) -> None:
        character = sign or escaped or ""
        following = self.s[self.at + 1 : self.at + 2]
        if character.isdigit() or (character == "." and following.isdigit() and not escaped):
            self.number(pieces)
            return
        self.at += 2 if escaped else 1
        if escaped and escaped in "{}":
            self.brackets += 1 if escaped == "{" else -1
            pieces.append(Piece(PLAIN, "\\" + escaped))
        elif escaped in ("$", "%") or character == "%":
            self.units.add("dollar" if escaped == "$" else "percent")
        elif escaped == "|" or escaped == "#":
            pieces.append(Piece(PLAIN, "\\|" if escaped == "|" else "#"))
        elif escaped == "&":
            pieces.append(Piece(PLAIN, "\\and "))
        elif character == "{":
            self.braces(pieces, text=text)
        elif character in "^_":
            self.script(character, pieces)
        elif character == ".":
            self.dots(pieces)
        elif text and character in "-–'\"!?*`":
            self.mark_in_text(character, pieces)
        elif character not in '}`"?':
            self.brackets += (character in "([") - (character in ")]")
            pieces.append(Piece(PLAIN, character))

    def dots(self, pieces: list[Piece]) -> None:
        if self.s.startswith("..", self.at):
            self.at += 2
            pieces.append(Piece(PLAIN, "\\dots "))

    def mark_in_text(self, character: str, pieces: list[Piece]) -> None:
        """In text a hyphen between words joins them; between anything else it is a minus."""
        if character == "-" and not re.match(r"[^\W\d_]{2}", self.s[self.at : self.at + 2]):
            pieces.append(Piece(PLAIN, "-"))
        elif character in "!'" and pieces and pieces[-1].kind == PLAIN:
            pieces.append(Piece(PLAIN, character))

    def braces(self, pieces: list[Piece], *, text: bool) -> None:
        r"""A group that is no argument: `{5}` is 5, `{5\choose2}` and `{1\over2}` are what they say."""
        inner = self.read("}", text=text)
        for name, new in (("\\choose ", "\\binom"), ("\\over ", "\\frac")):
            places = [i for i, piece in enumerate(inner) if piece.text == name]
            if len(places) == 1:
                sides = inner[: places[0]], inner[places[0] + 1 :]
                pieces.append(Piece(PLAIN, new + "".join(f"{{{words.resolve(s, self.units)[0]}}}" for s in sides)))
                return
        if len(inner) <= 1 or all(piece.kind != PLAIN for piece in inner):
            pieces += inner
            return
        spelling = words.resolve(inner, self.units)[0]
        pieces.append(Piece(PLAIN, spelling if SIMPLE.fullmatch(spelling) else f"{{{spelling}}}"))

    def script(self, sign: str, pieces: list[Piece]) -> None:
        before = pieces[-1] if pieces else None
        inner = self.argument(script=True)
        if sign == "_" and before and before.text == "\\log ":
            # Braces, so that the digits behind it stay apart from the base.
            pieces.append(Piece(PLAIN, f"_{{{inner}}}"))
            return
        bare = inner.removeprefix("\\text{").removesuffix("}")
        if sign == "_" and before and before.text[-1] in "0123456789)ABCDEF":
            # 52_{\text{eight}}, 52_{(8)}, 52_{\text{base }8}
            inner = re.sub(r"\\text\{(?:base)?|[{}()]", "", inner)
            inner = str(known.BASES.get(inner, inner))
        elif sign == "_":
            # I_{\text{max}} is I_{\max}
            inner = SUBSCRIBED.sub(r"\1\2", inner)
        if sign == "^" and inner in ("\\circ ", "\\circ", "°"):
            pieces.append(Piece(PLAIN, "°"))
        elif sign == "^" and inner and not inner.strip("'"):
            pieces.append(Piece(PLAIN, inner))
        elif sign == "^" and bare in known.ORDINALS and before and before.text[-1:].isdigit():
            pieces.append(Piece(WORD, bare))
        elif before and sign == "_" and before.text[0] == "^" and len(pieces) > 1:
            # x^2_1 is x_1^2
            pieces.insert(-1, Piece(PLAIN, script("_", inner)))
        else:
            pieces.append(Piece(PLAIN, script(sign, inner)))

    def letters(self, run: str, pieces: list[Piece], *, text: bool) -> None:
        """A run of letters: a word in text; else a letter, a function's plain name, `and`, or letters side by side."""
        lower = run.casefold()
        while text and self.s[self.at : self.at + 1] == "'" and re.match(r"'[^\W\d_]", self.s[self.at : self.at + 2]):
            match = re.compile(r"'[^\W\d_]+").match(self.s, self.at)
            run, self.at = run + match[0], match.end()
        if lower in ("and", "or") and (pieces or text):
            pieces.append(Piece(PLAIN, f"\\{lower} "))
        elif text or not run[0].isascii():
            pieces.append(Piece(WORD, run))
        elif len(run) == 1:
            pieces.append(Piece(PLAIN, run))
        elif lower in known.FUNCTIONS and (run.islower() or run.istitle()):
            pieces.append(Piece(PLAIN, f"\\{lower} "))
        elif run in known.PLAIN_NAMES:
            self.command(known.PLAIN_NAMES[run][1:], pieces, text=False)
        elif pieces and re.match(r"(?:and|or)[A-Z]", run):
            name = "and" if run[0] == "a" else "or"
            pieces.append(Piece(PLAIN, f"\\{name} "))
            self.letters(run[len(name) :], pieces, text=False)
        else:
            pieces.append(Piece(BARE, run))

    # ---- numbers

    def number(self, pieces: list[Piece]) -> None:
        before = pieces[-1].text[-1:] if pieces else ""
        whole = self.whole(before)
        repeating = REPEATING.match(self.s, self.at)
        if repeating:
            self.at = repeating.end()
            once, again = repeating[1], repeating[2] or (repeating[3] + (repeating[4] or "") + (repeating[5] or ""))
            below = (10 ** len(again) - 1) * 10 ** len(once)
            above = int((whole or "0") + once + again) - int((whole or "0") + once)
            pieces.append(Piece(PLAIN, f"\\frac{{{above}}}{{{below}}}"))
            return
        decimals = DECIMALS.match(self.s, self.at)
        text = whole or "0"
        if decimals:
            self.at = decimals.end()
            text = f"{text}.{decimals[1]}"
        pieces.append(Piece(PLAIN, text))
        power = SCIENTIFIC.match(self.s, self.at)
        mixed = MIXED.match(self.s, self.at)
        if power:
            self.at = power.end()
            sign = "-" if power[1] == "-" else ""
            pieces += [Piece(PLAIN, "*"), Piece(PLAIN, "10"), Piece(PLAIN, script("^", sign + power[2]))]
        elif mixed and not decimals and before not in ("/", "^", "_"):
            self.at = mixed.end()
            pieces.append(Piece(PLAIN, f"\\frac{{{mixed[1]}}}{{{mixed[2]}}}"))

    def whole(self, before: str) -> str:
        """The digits before the decimals, without thousands separators."""
        match = THOUSANDS.match(self.s, self.at)
        if match is None and self.brackets <= 0:
            match = THOUSANDS_BY_COMMA.match(self.s, self.at)
            # `1,10,100` is a list, and so is what commas without gaps have begun.
            match = None if match and before == "," else match
            self.by_comma_seen = self.by_comma_seen or match is not None
            match = match if self.by_comma else None
        if match is None:
            match = DIGITS.match(self.s, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return re.sub(r"\D", "", match[0])

    # ---- commands

    def command(self, name: str, pieces: list[Piece], *, text: bool) -> None:
        # A product of vectors is not any product.
        new = "\\times" if name == "times" and "\\vec" in self.s else known.RENAMED.get(name, "\\" + name)
        name = new[1:]
        if new[0] != "\\":
            for character in new:
                self.brackets += (character in "([") - (character in ")]")
            pieces.append(Piece(PLAIN, new)) if new != "%" else self.units.add("percent")
        elif name in known.TEXT or name in known.FACES:
            self.styled(name, pieces)
        elif name in known.DROPPED:
            if name in ("left", "right") and self.s.startswith(".", self.at):
                self.at += 1
        elif name in known.WITH_ARGUMENT:
            self.raw_argument()
        elif name in ("frac", "binom"):
            self.fraction(name, pieces)
        elif name in ("sqrt", "surd"):
            self.root(name, pieces)
        elif name in ("begin", "end"):
            self.environment(name, pieces)
        elif name in ("euro", "pounds", "yen", "cent"):
            self.units.add(name.rstrip("s"))
        elif name == "degree" or (name == "circ" and pieces and pieces[-1].text[-1:] in "0123456789})"):
            pieces.append(Piece(PLAIN, "°"))
        elif name in ("mathbb", "Bbb"):
            pieces.append(Piece(PLAIN, f"\\mathbb{{{self.argument()}}}"))
        else:
            self.brackets += (name == "{") - (name == "}")
            pieces.append(Piece(PLAIN, new + (" " if name.isalpha() else "")))

    def styled(self, name: str, pieces: list[Piece]) -> None:
        if name in ("textcolor", "colorbox", "fcolorbox"):
            self.raw_argument()
        if name == "fcolorbox":
            self.raw_argument()
        self.skip_space()
        options = re.compile(r"\[[^\[\]{}]*\]").match(self.s, self.at) if name in ("framebox", "bbox") else None
        self.at = options.end() if options else self.at
        if not self.s.startswith("{", self.at):
            return
        self.at += 1
        inner = self.read("}", text=name in known.TEXT)
        plain_name = inner[0].text if len(inner) == 1 and inner[0].kind == WORD else ""
        if name.startswith("operatorname") and plain_name:
            pieces.append(Piece(PLAIN, known.RENAMED.get(plain_name, "\\" + plain_name) + " "))
        elif len(inner) == 1 and plain_name in tuple("ei") and name != "text":
            pieces.append(Piece(PLAIN, plain_name))
        else:
            if inner:
                inner[0] = inner[0]._replace(spaced=True)
            pieces += inner

    def fraction(self, name: str, pieces: list[Piece]) -> None:
        begin = self.at
        top, bottom = self.argument(), self.argument()
        unit = words.unit_of_fraction(self.s[begin : self.at])
        if unit:
            pieces.append(Piece(WORD, unit))
        else:
            pieces.append(Piece(PLAIN, f"\\{name}{{{top}}}{{{bottom}}}"))

    def root(self, name: str, pieces: list[Piece]) -> None:
        self.skip_space()
        degree = ""
        if self.s.startswith("[", self.at):
            self.at += 1
            degree = f"[{words.resolve(self.read(']'), self.units)[0]}]"
            self.skip_space()
        if name == "surd" and self.s.startswith("(", self.at):
            self.at += 1
            inner = words.resolve(self.read(")"), self.units)[0]
        else:
            inner = self.argument(script=name == "surd")
        pieces.append(Piece(PLAIN, f"\\sqrt{degree if degree != '[2]' else ''}{{{inner}}}"))

    def environment(self, name: str, pieces: list[Piece]) -> None:
        kind = self.raw_argument()
        if kind not in known.ALIGNMENTS:
            pieces.append(Piece(PLAIN, f"\\{name}{{{kind}}}"))
            self.brackets += 1 if name == "begin" else -1
        if name == "begin" and kind == "array":
            self.raw_argument()
