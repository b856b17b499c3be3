"""Where sentences begin, and texts without what does not tell them apart. Bounded: replies are hostile."""

import re
from bisect import bisect_right
from functools import lru_cache

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.statements.phrases import HYPOTHESIS

# A full stop between digits (3.5) ends nothing; one behind a list's number (2. Next) does no harm.
BOUNDARY = re.compile(r"[\n.!?…。！？](?:(?<=\n)|[\"'”’)\]*_]{0,4}(?=\s))")
# A sentence that is longer is cut: nothing here looks further back.
LONGEST, LONGEST_HYPOTHESIS = 400, 100
HALF = re.compile("[\ud800-\udfff]")
# What stands between words and the displayed formula that they lead to.
DISPLAY = re.compile(r"(?:\s|\\\[|\$\$|\\begin\{[a-z]{1,9}\*?\}|[*&]){1,40}\Z")
LEADS_TO = re.compile(r"(?::|,|\b(?:is|are|be|equals|gives|get|have|as|to|by))[*_]{0,3}\Z")

RAISED, LOWERED = (re.compile(f"[{''.join(signs)}]+") for signs in (known.RAISED, known.LOWERED))
PLAIN_DIGITS = str.maketrans(known.RAISED | known.LOWERED)
# Where a sign's command is longer than it is written, or says nothing here.
WRITTEN = known.SIGN_TABLE | str.maketrans({"√": "sqrt", "·": "·", "×": "·", "⋅": "·", "°": "", "∠": ""})
SYNONYMS = (
    (re.compile(r"\\[dt]frac(?![a-z])"), "frac"),
    (re.compile(r"\\([lgn]e)q(?![a-z])"), r"\1"),
    (re.compile(r"\\(?:cdot|times)(?![a-zA-Z])"), "·"),
)
SQUEEZED = re.compile(r"\\[()\[\],;! ]|\\(?:left|right|angle|circ)(?![a-z])|[\s$*`\"'“”{}\\]")


@lru_cache(maxsize=2)
def ends(text: str) -> list[int]:
    """Offsets just past the sentences of a text; the text looked at is kept."""
    return [boundary.end() for boundary in BOUNDARY.finditer(text)]


def sentence_start(text: str, at: int) -> int:
    """Offset at which the sentence around `at` begins."""
    boundaries = ends(text)
    place = bisect_right(boundaries, at)
    return max(boundaries[place - 1] if place else 0, at - LONGEST)


def sentence_end(text: str, at: int) -> int:
    """Offset just past the sentence around `at`, its full stop with it."""
    boundaries = ends(text)
    place = bisect_right(boundaries, at)
    return min(boundaries[place] if place < len(boundaries) else len(text), at + LONGEST)


def statement_start(text: str, at: int) -> int:
    """As sentence_start, with the words that lead to a displayed formula: "So the area is", then the formula."""
    start = sentence_start(text, at)
    shown = DISPLAY.search(text, max(0, start - 60), start)
    if shown is None or not LEADS_TO.search(text, max(0, shown.start() - 12), shown.start()):
        return start
    return max(sentence_start(text, shown.start() - 1), start - LONGEST)


def hypothetical(text: str, at: int) -> bool:
    """Whether what stands directly before an offset supposes what follows: "let x", "if the sum"."""
    return HYPOTHESIS.search(text, max(sentence_start(text, at), at - LONGEST_HYPOTHESIS), at) is not None


def asked(text: str, end: int) -> bool:
    """Whether the sentence goes on to a question mark."""
    return text[end : sentence_end(text, end)].rstrip(" \n\"'*)").endswith("?")


def whole_characters(text: str) -> str:
    """With a mark in the place of each half of a character, which cannot be sent or tokenized; no shorter."""
    return HALF.sub("\ufffd", text)


def squeezed(text: str) -> str:
    r"""Equal for two ways of writing one sentence or formula: `ω³ = 1`, `\omega^{3}=1`.

    Without white space, dollars, quotes, emphasis, braces and backslashes; signs in words; in lower case.
    """
    if not text.isascii():
        text = RAISED.sub(lambda raised: "^" + raised[0].translate(PLAIN_DIGITS), text)
        text = LOWERED.sub(lambda lowered: "_" + lowered[0].translate(PLAIN_DIGITS), text).translate(WRITTEN)
    if "\\" in text:
        for command, word in SYNONYMS:
            text = command.sub(word, text)
    return SQUEEZED.sub("", text).casefold()
