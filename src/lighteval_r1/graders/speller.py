r"""One pass over an expression, sign by sign: what it is written with becomes the pieces that graders.words puts
together."""

import re

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.digits import DIGITS, read_number
from lighteval_r1.graders.units import unit_of_fraction
from lighteval_r1.graders.words import BARE, PLAIN, WORD, Piece, resolve, resolve_whole

# Brackets within brackets; what is nested deeper is compared as it is written.
MAX_DEPTH = 60

TOKEN = re.compile(r"\\([a-zA-Z]+\*?)|\\(.)|([A-Za-z\u00c0-\u024f]+)|([^\W\d_]+)|(\s+)|(.)", re.DOTALL)
DELIMITED = re.compile(r"\$\$?((?:[^$\\]|\\.)+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
PLAIN_WORD = re.compile(r"(?<![\\a-zA-Z])[^\W\d_]{2}")
SIMPLE = re.compile(r"\d+(?:\.\d+)?|\\?[a-zA-Z]+|.", re.DOTALL)
IN_BRACES, OPTIONS = re.compile(r"\{([^{}]*)\}"), re.compile(r"\[[^\[\]{}]*\]")
SPACE = re.compile(r"[ \t\n~]*")
APOSTROPHE = re.compile(r"'[^\W\d_]+")
# 52_{\text{eight}}, 52_{(8)}, 52_{\text{base }8}
BASE_MARKS = re.compile(r"\\text\{(?:base)?|[{}()]")
# I_{\text{max}} is I_{\max}
SUBSCRIBED = re.compile(r"\\text\{([^{}]*)\}|\\(max|min|sup|inf|lim)(?![a-zA-Z]) ?")
AT_END = re.compile(r"\s*(?:[.,;)}\]$/]|\\[,;)\]]|\Z)")
ENDS_DIGITS = frozenset("0123456789})")


class TooDeep(Exception):
    """More brackets within brackets than are read."""


def script(sign: str, inner: str) -> str:
    return f"{sign}{inner}" if len(inner) == 1 else f"{sign}{{{inner}}}"


class Speller:
    """Reads an expression once.

    counted: `1,000` outside brackets is a thousand. units, lettered, by_comma: see Spelling.
    """

    def __init__(self, s: str, *, counted: bool = True):
        self.s = s
        self.at = 0
        self.depth = 0
        self.brackets = 0
        self.counted = counted
        self.by_comma = False
        self.units: set[str] = set()
        self.lettered = ""
        self.prose = self.is_prose()

    def is_prose(self) -> bool:
        """Whether words stand around formulas in dollars: outside the dollars it is text."""
        if "$" not in self.s and "\\(" not in self.s and "\\[" not in self.s:
            return False
        around = DELIMITED.sub(" ", self.s)
        return around != self.s and PLAIN_WORD.search(around) is not None

    def text(self) -> str:
        text, self.lettered = resolve_whole(self.read("", text=self.prose), self.units)
        return text

    # ---- groups

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise TooDeep

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
            if space or sign == "~" or (escaped and escaped in ",;:!> ") or command in known.SPACES:
                self.at, spaced = match.end(), True
                continue
            begin = len(pieces)
            if sign == "$" or (escaped and escaped in "()[]"):
                text = self.dollar(match, text=text)
            elif command:
                self.at = match.end()
                self.command(command.rstrip("*"), pieces)
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

    def resolved(self, pieces: list[Piece]) -> str:
        return resolve(pieces, self.units)

    def skip_space(self) -> None:
        self.at = SPACE.match(self.s, self.at).end()

    def argument(self, *, script: bool = False) -> str:
        """The spelling of a group in braces, or of the one sign that TeX would take; of all digits of a script."""
        self.skip_space()
        if self.at >= len(self.s):
            return ""
        first = self.s[self.at]
        if first == "{":
            self.at += 1
            return self.resolved(self.read("}"))
        if first.isdigit() and DIGITS.match(first):
            begin, self.at = self.at, DIGITS.match(self.s, self.at).end() if script else self.at + 1
            return self.s[begin : self.at]
        if script and first in "+-" and re.match(r"[\d\\a-zA-Z]", self.s[self.at + 1 : self.at + 2]):
            self.at += 1
            return ("-" if first == "-" else "") + self.argument(script=True)
        if first != "\\":
            self.at += 1
            return first
        match = TOKEN.match(self.s, self.at)
        self.at = match.end()
        pieces: list[Piece] = []
        self.deeper()
        if match[1]:
            self.command(match[1].rstrip("*"), pieces)
        self.depth -= 1
        return self.resolved(pieces)

    def raw_argument(self) -> str:
        """What stands in the next braces, unread; "" where none stand."""
        self.skip_space()
        match = IN_BRACES.match(self.s, self.at)
        self.at = match.end() if match else self.at
        return match[1] if match else ""

    # ---- signs

    def dollar(self, match: re.Match, *, text: bool) -> bool:
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
        if DIGITS.match(character) or (sign == "." and DIGITS.match(following)):
            self.at += len(escaped or "")  # a backslash before a digit says nothing
            self.number(pieces)
            return
        self.at += 2 if escaped else 1
        if escaped and escaped in "{}":
            self.brackets += 1 if escaped == "{" else -1
            pieces.append(Piece(PLAIN, "\\" + escaped))
        elif escaped == "$" or character == "%":
            self.units.add("dollar" if escaped == "$" else "percent")
        elif escaped == "|":
            pieces.append(Piece(PLAIN, "\\|"))
        elif escaped == "&":
            pieces.append(Piece(PLAIN, "\\and "))
        elif character == "{":
            self.braces(pieces, text=text)
        elif character in "^_":
            self.script(character, pieces)
        elif character == ".":
            if self.s.startswith("..", self.at):
                self.at += 2
                pieces.append(Piece(PLAIN, "\\dots "))
        elif text and character in "-'!?*":
            self.mark_in_text(character, pieces)
        elif character not in '}`"?':
            self.brackets += (character in "([") - (character in ")]")
            pieces.append(Piece(PLAIN, character))

    def mark_in_text(self, character: str, pieces: list[Piece]) -> None:
        """In text a hyphen between words joins them; between anything else it is a minus."""
        if character == "-" and not re.match(r"[^\W\d_]{2}", self.s[self.at : self.at + 2]):
            pieces.append(Piece(PLAIN, "-"))
        elif character in "!'" and pieces and pieces[-1].kind == PLAIN:
            pieces.append(Piece(PLAIN, character))

    def number(self, pieces: list[Piece]) -> None:
        before = pieces[-1].text[-1:] if pieces else ""
        number = read_number(self.s, self.at, before=before, commas=self.brackets <= 0, counted=self.counted)
        self.at = number.end
        self.by_comma = self.by_comma or number.by_comma
        pieces += [Piece(PLAIN, text) for text in number.texts]

    def braces(self, pieces: list[Piece], *, text: bool) -> None:
        r"""A group that is no argument: `{5}` is 5, `{5\choose2}` and `{1\over2}` are what they say."""
        inner = self.read("}", text=text)
        for name, new in (("\\choose ", "\\binom"), ("\\over ", "\\frac")):
            places = [i for i, piece in enumerate(inner) if piece.text == name]
            if len(places) == 1:
                sides = inner[: places[0]], inner[places[0] + 1 :]
                pieces.append(Piece(PLAIN, new + "".join(f"{{{self.resolved(side)}}}" for side in sides)))
                return
        if len(inner) <= 1 or all(piece.kind != PLAIN for piece in inner):
            pieces += inner
            return
        spelling = self.resolved(inner)
        pieces.append(Piece(PLAIN, spelling if SIMPLE.fullmatch(spelling) else f"{{{spelling}}}"))

    def script(self, sign: str, pieces: list[Piece]) -> None:
        before = pieces[-1] if pieces else Piece(PLAIN, "(")
        inner = self.argument(script=True)
        bare = inner.removeprefix("\\text{").removesuffix("}")
        if sign == "_":
            if before.text == "\\log ":
                # Braces, so that the digits behind it stay apart from the base.
                pieces.append(Piece(PLAIN, f"_{{{inner}}}"))
                return
            if before.text[-1] in "0123456789)ABCDEF":
                inner = BASE_MARKS.sub("", inner)
                inner = str(known.BASES.get(inner, inner))
            else:
                inner = SUBSCRIBED.sub(r"\1\2", inner)
            # x^2_1 is x_1^2
            place = len(pieces) - 1 if before.text[0] == "^" and len(pieces) > 1 else len(pieces)
            pieces.insert(place, Piece(PLAIN, script(sign, inner)))
        elif inner in ("\\circ ", "\\circ", "°"):
            pieces.append(Piece(PLAIN, "°"))
        elif inner and not inner.strip("'"):
            pieces.append(Piece(PLAIN, inner))
        elif bare in known.ORDINALS and before.text[-1].isdigit():
            pieces.append(Piece(WORD, bare))
        else:
            pieces.append(Piece(PLAIN, script(sign, inner)))

    def letters(self, run: str, pieces: list[Piece], *, text: bool) -> None:
        """A run of letters: a word in text; else a letter, a function's plain name, `and`, or letters side by side."""
        lower = run.casefold()
        while text and (match := APOSTROPHE.match(self.s, self.at)):
            run, self.at = run + match[0], match.end()
        if lower in ("and", "or") and (pieces or text):
            pieces.append(Piece(PLAIN, f"\\{lower} "))
        elif text and lower in ("mod", "modulo"):
            pieces.append(Piece(PLAIN, "\\mod "))
        elif text or not run[0].isascii():
            pieces.append(Piece(WORD, run))
        elif len(run) == 1:
            pieces.append(Piece(PLAIN, run))
        elif lower in known.FUNCTIONS and (run.islower() or run.istitle()):
            pieces.append(Piece(PLAIN, f"\\{lower} "))
        elif run in known.PLAIN_NAMES:
            self.command(known.PLAIN_NAMES[run][1:], pieces)
        elif pieces and re.match(r"(?:and|or)[A-Z]", run):
            name = "and" if run[0] == "a" else "or"
            pieces.append(Piece(PLAIN, f"\\{name} "))
            self.letters(run[len(name) :], pieces, text=False)
        else:
            pieces.append(Piece(BARE, run))

    # ---- commands

    def command(self, name: str, pieces: list[Piece]) -> None:
        # A product of vectors is not any product.
        new = "\\times" if name == "times" and "\\vec" in self.s else known.RENAMED.get(name, "\\" + name)
        name = new[1:]
        if new == "%":
            self.units.add("percent")
        elif new[0] != "\\" or new in ("\\{", "\\}", "\\|"):
            self.brackets += (new[-1] in "([{") - (new[-1] in ")]}")
            pieces.append(Piece(PLAIN, new))
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
        elif name in ("euro", "pounds", "yen", "cent", "rupee"):
            self.units.add(name.removesuffix("s"))
        elif name == "degree" or (name == "circ" and pieces and pieces[-1].text[-1] in ENDS_DIGITS):
            pieces.append(Piece(PLAIN, "°"))
        elif name in ("mathbb", "Bbb"):
            pieces.append(Piece(PLAIN, f"\\mathbb{{{self.argument()}}}"))
        else:
            pieces.append(Piece(PLAIN, f"{new} " if name.isalpha() else new))

    def styled(self, name: str, pieces: list[Piece]) -> None:
        """Text, or mathematics in another face, colour or frame."""
        for _ in range({"textcolor": 1, "colorbox": 1, "fcolorbox": 2}.get(name, 0)):
            self.raw_argument()
        self.skip_space()
        options = OPTIONS.match(self.s, self.at) if name in ("framebox", "bbox") else None
        self.at = options.end() if options else self.at
        if not self.s.startswith("{", self.at):
            return
        self.at += 1
        inner = self.read("}", text=name in known.TEXT)
        word = inner[0].text if len(inner) == 1 and inner[0].kind == WORD else ""
        if word and (name == "operatorname" or (word in known.FUNCTIONS and not self.is_unit(word, pieces))):
            pieces.append(Piece(PLAIN, known.RENAMED.get(word, "\\" + word) + " "))
        elif word in ("e", "i") and name != "text":
            pieces.append(Piece(PLAIN, word))
        elif inner:
            pieces += [inner[0]._replace(spaced=True), *inner[1:]]

    def is_unit(self, word: str, pieces: list[Piece]) -> bool:
        """Whether `min` or `sec` is no function: a number stands before it, and nothing that it could be of behind."""
        behind = AT_END.match(self.s, self.at) is not None
        return word in known.UNITS and bool(pieces) and pieces[-1].text[-1] in ENDS_DIGITS and behind

    def fraction(self, name: str, pieces: list[Piece]) -> None:
        begin = self.at
        top, bottom = self.argument(), self.argument()
        unit = unit_of_fraction(self.s[begin : self.at])
        pieces.append(Piece(WORD, unit) if unit else Piece(PLAIN, f"\\{name}{{{top}}}{{{bottom}}}"))

    def root(self, name: str, pieces: list[Piece]) -> None:
        self.skip_space()
        degree = ""
        if self.s.startswith("[", self.at):
            self.at += 1
            degree = f"[{self.resolved(self.read(']'))}]"
            self.skip_space()
        if name == "surd" and self.s.startswith("(", self.at):
            self.at += 1
            inner = self.resolved(self.read(")"))
        else:
            inner = self.argument(script=name == "surd")
        pieces.append(Piece(PLAIN, f"\\sqrt{degree if degree != '[2]' else ''}{{{inner}}}"))

    def environment(self, name: str, pieces: list[Piece]) -> None:
        kind = self.raw_argument().replace("smallmatrix", "matrix")
        if kind not in known.ALIGNMENTS:
            pieces.append(Piece(PLAIN, f"\\{name}{{{kind}}}"))
            self.brackets += 1 if name == "begin" else -1
        if name == "begin" and kind == "array":
            self.raw_argument()
