"""Where sentences begin, and texts without what does not tell them apart. Bounded: replies are hostile."""

import re
from bisect import bisect_right
from functools import lru_cache

# A full stop between digits (3.5) ends nothing; one behind a list's number (2. Next) does no harm.
BOUNDARY = re.compile(r"\n|[.!?…。！？][\"'”’)\]*_]{0,4}(?=\s)")
# A sentence that is longer is cut: nothing here looks further back.
LONGEST = 400
HALF = re.compile("[\ud800-\udfff]")
SQUEEZED = re.compile(r"\\[()\[\],;! ]|\\left(?![a-z])|\\right(?![a-z])|[\s$*`\"'“”]")


@lru_cache(maxsize=2)
def ends(text: str) -> list[int]:
    """Offsets just past the sentences of a text; the one looked at is kept."""
    return [boundary.end() for boundary in BOUNDARY.finditer(text)]


def sentence_start(text: str, at: int) -> int:
    """Offset at which the sentence around `at` begins."""
    found = ends(text)
    place = bisect_right(found, at)
    return max(found[place - 1] if place else 0, at - LONGEST)


def sentence_end(text: str, at: int) -> int:
    """Offset just past the sentence around `at`, its full stop with it."""
    found = ends(text)
    place = bisect_right(found, at)
    return min(found[place] if place < len(found) else len(text), at + LONGEST)


def whole_characters(text: str) -> str:
    """With a mark in the place of each half of a character, which cannot be sent or tokenized; no shorter."""
    return HALF.sub("\ufffd", text)


def squeezed(text: str) -> str:
    """Without white space, dollars, quotes and emphasis, in lower case: equal for two ways of writing one sentence."""
    return SQUEEZED.sub("", text).casefold()
