"""Where sentences begin, and texts without what does not tell them apart. Bounded: replies are hostile."""

import re

# A full stop between digits (3.5) ends nothing; one behind a list's number (2. Next) does no harm.
BOUNDARY = re.compile(r"\n|[.!?…。！？][\"'”’)\]*_]{0,4}(?=\s)")
# A sentence that is longer is cut: nothing here looks further back.
LONGEST = 400
SQUEEZED = re.compile(r"\\[()\[\],;! ]|\\left(?![a-z])|\\right(?![a-z])|[\s$*`\"'“”]")


def sentence_start(text: str, at: int) -> int:
    """Offset at which the sentence around `at` begins."""
    begin = max(0, at - LONGEST)
    start = begin
    for boundary in BOUNDARY.finditer(text, begin, at):
        start = boundary.end()
    return start


def sentence_end(text: str, at: int) -> int:
    """Offset just past the sentence around `at`, its full stop with it."""
    boundary = BOUNDARY.search(text, at, min(len(text), at + LONGEST))
    return boundary.end() if boundary else min(len(text), at + LONGEST)


def squeezed(text: str) -> str:
    """Without white space, dollars, quotes and emphasis, in lower case: equal for two ways of writing one sentence."""
    return SQUEEZED.sub("", text).casefold()
