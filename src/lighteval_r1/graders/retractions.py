"""Words that take back what a reply said before them."""

import re

# Of an answer before it, in its sentence or behind its box.
REFUTED = (
    r"(?:wrong|incorrect|false|impossible(?! to)|rejected|extraneous|discarded|invalid|inadmissible|ruled out"
    r"|not (?:the |a )?(?:right|correct|answer|possible|valid))\b"
)
# "…, which is wrong", "… but this is wrong"
REFUTED_WITHIN = rf",?\s?\b(?:which|but (?:this|that|it)) (?:is|was|would be|seems) (?:\w+ )?{REFUTED}"
# What others say, and what was thought before, of the words behind it
SAID_BY_OTHERS = (
    r"(?:I|we) (?:(?:first|initially|originally) (?:thought|guessed|got|found|wrote|said)|thought)"
    r"|tempting|mistakenly|wrongly|incorrectly|(?:some|no ?one|nobody) (?:would|will|can) say"
    r"|(?:common|typical|frequent|usual) (?:mistake|error)|previous attempt"
    r"|(?:question|problem|prompt|key|book|textbook|student|friend|user|someone|others?|people|they|attempt)(?: \w)?"
    r" (?:says?|said|answered|claims?|claimed|states?|stated|suggests?|suggested|asserts?|told)"
)
# What takes back all that was said before it: "Wait, that is wrong: it should be 43."
TAKEN_BACK = re.compile(
    r"""(?:^|(?<=[.!?…—:)}$*])[ ])[ \t]*(?:but[ ])?(?:wait|hmm+|actually|oops|sorry|no(?=,|[ ]wait))\b[^.\n]{0,40}?
        (?:(?<!no[ ])\b(?:wrong|incorrect|mistaken?|in[ ]error|an[ ]error|(?:not|n['’]t)[ ](?:right|correct))\b
          |(?<!not[ ])(?<!n['’]t[ ])\b(?:(?:double|over|under|mis)-?count(?:s|ed)|forgot|overlooked|neglected|misread
            |miscalculated|missed|dropped)\b
          |\bthe[ ](?:correct|right|actual|true)[ ]\w+[ ](?:is|should[ ]be)(?=[ *$\\(:]+[-+\d\\])
          |\bshould[ ](?:actually[ ])?be(?=[ *$\\(]+[-+\d\\]))
      |^[ \t*_#]*correction\b[ \t*_]*:
      |\bI[ ](?:have[ ])?made[ ](?:an?|some)[ ](?:\w+[ ])?(?:mistake|error)\b""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# ", but the answer is the same"; "No, that is not wrong."
BUT_STANDS = re.compile(
    r"[^.\n]{0,60}\b(?:same|still|unchanged|stands|anyway|not matter|n['’]t matter|not affect)\b", re.IGNORECASE
)
# What they begin with, but for a first letter of either case, and what they say
OPENERS = ("ait", "mm", "ctually", "ops", "orry", "o,", "o wait", "orrection", "I made", "I have made")
TAKING_BACK = (
    *("wrong", "incorrect", "t correct", "t right", "mistake", "error", "orrection", "count", "forgot", "overlooked"),
    *("neglected", "misread", "miscalculated", "missed", "dropped", "should", "the correct", "the right", "the actual"),
    "the true",
)
TAKEN_BACK_WITHIN = 3_000


def standing(text: str) -> str:
    """What is said behind the last words that take back what was said before; all of it where there are none."""
    begin = max(0, len(text) - TAKEN_BACK_WITHIN)
    tail = text[begin:]
    # Plain scans first: hardly a reply takes anything back.
    if not (any(word in tail for word in OPENERS) and any(word in tail for word in TAKING_BACK)):
        return text
    taken = [m for m in TAKEN_BACK.finditer(text, begin) if not BUT_STANDS.match(text, m.end())]
    return text[taken[-1].end() :] if taken else text
