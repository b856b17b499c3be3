"""Words that take back what a reply said before them."""

import re

# What takes back all that was said before it: "Wait, that is wrong: it should be 43."
TAKEN_BACK = re.compile(
    r"""(?:^|(?<=[.!?…—:)}$*])[ ])[ \t]*(?:but[ ])?(?:wait|hmm+|actually|oops|sorry|no(?=,|[ ]wait))\b[^.\n]{0,40}?
        (?:(?<!no[ ])\b(?:wrong|incorrect|mistaken?|in[ ]error|an[ ]error)\b
          |(?:\bnot|n['’]t)[ ](?:be[ ])?(?:right|correct)\b
          |(?<!not[ ])(?<!n['’]t[ ])\b(?:(?:double|over|under|mis)-?count(?:s|ed)|forgot|overlooked|neglected|misread
            |miscalculated|missed|dropped)\b
          |\bthe[ ](?:correct|right|actual|true|official)[ ]\w+[ ](?:is|should[ ]be)(?=[ *_`$\\(:]+[-+\d\\])
          |\bshould[ ](?:actually[ ])?be(?=[ *_`$\\(]+[-+\d\\]))
      |(?:^|(?<=[.!?…—:)}$*])[ ])scratch[ ]that\b|(?:抱歉|对不起|等等|等一下|不对)[，,。 ][^\n]{0,12}错
      |^[ \t*_#]*correction\b[ \t*_]*:
      |\bI[ ](?:have[ ])?made[ ](?:an?|some)[ ](?:\w+[ ])?(?:mistake|error)\b""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
# ", but the answer is the same"; "No, that is not wrong."
BUT_STANDS = re.compile(
    r"[^.\n]{0,60}\b(?:same|still|unchanged|stands|anyway|not matter|n['’]t matter|not affect)\b", re.IGNORECASE
)
# What they begin with, but for a first letter of either case, and what they say
OPENERS = ("ait", "mm", "ctually", "ops", "orry", "o,", "orrection", "made", "cratch", "抱歉", "对不起", "等", "不对")
SAYING_SO = (
    "wrong correct right mistake error count forgot overlooked neglected misread calculated missed dropped should"
)
TAKING_BACK = (*SAYING_SO.split(), "orrection", "the actual", "the true", "the official", "that", "错")
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
