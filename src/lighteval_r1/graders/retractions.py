"""Words that take back what a reply said before them."""

import re

# Of an answer before it, in its sentence or behind its box.
REFUTED = (
    r"(?:wrong|incorrect|false|impossible(?! to)|rejected|extraneous|discarded|invalid|inadmissible|ruled out"
    r"|not (?:the |a )?(?:right|correct|answer|possible|valid))\b"
)
# "…, which is wrong", "… but this is wrong"
REFUTED_WITHIN = rf",?\s?\b(?:which|but (?:this|that|it)) (?:is|was|would be|seems) (?:\w+ )?{REFUTED}"
REFUTED_ELSEWHERE = (
    r"(?:ist|wäre)\s+(?:falsch|nicht\b)|(?:est|serait)\s+(?:faux|fausse|incorrecte?)\b|n['’](?:est|était)\s+pas\b"
    r"|no\s+es\b|es\s+(?:incorrect|fals|erróne)[ao]|non\s+è\b|è\s+(?:sbagliat|errat)[ao]|não\s+é\b"
    r"|(?:это\s+)?(?:не\s?верн|не\s?правильн|ошиб)|(?:是|并)?(?:错|不对|不正确|不是)"
    r"|(?:は|が)?(?:間違|違い|誤り|正しくな|ではな|ではありません)|[은는이가]?\s?(?:틀|아닙|아니|정답이\s아)"
)
# In a sentence of its own: "That's wrong.", "Das ist falsch.", "C'est faux."
REFUTED_BEHIND = (
    rf"(?:(?:this|that|it)(?:\s+(?:is|was|seems)|['’]s)\s+(?:\w+\s+)?{REFUTED}"
    rf"|(?:(?:das|dies|ce|c['’]|eso|esto|questo|это|这|這|いや)[,、]?\s?)?(?:{REFUTED_ELSEWHERE}))"
)
# What others say, and what was thought before, of the words behind it
SAID_BY_OTHERS = (
    r"(?:I|we) (?:(?:first|initially|originally) (?:thought|guessed|got|found|wrote|said)|thought)"
    r"|tempting|mistakenly|wrongly|incorrectly|(?:some|no ?one|nobody) (?:would|will|can) say"
    r"|(?:common|typical|frequent|usual) (?:mistake|error)|naive (?:\w+ )?(?:gives|yields)|previous attempt"
    r"|(?:question|problem|prompt|key|book|textbook|student|friend|user|someone|others?|people|they|attempt|sources?)"
    r"(?: \w)?"
    r" (?:says?|said|answered|claims?|claimed|states?|stated|suggests?|suggested|asserts?|told)"
)
# What takes back all that was said before it: "Wait, that is wrong: it should be 43."
TAKEN_BACK = re.compile(
    r"""(?:^|(?<=[.!?…—:)}$*])[ ])[ \t]*(?:but[ ])?(?:wait|hmm+|actually|oops|sorry|no(?=,|[ ]wait))\b[^.\n]{0,40}?
        (?:(?<!no[ ])\b(?:wrong|incorrect|mistaken?|in[ ]error|an[ ]error)\b
          |(?:\bnot|n['’]t)[ ](?:be[ ])?(?:right|correct)\b
          |(?<!not[ ])(?<!n['’]t[ ])\b(?:(?:double|over|under|mis)-?count(?:s|ed)|forgot|overlooked|neglected|misread
            |miscalculated|missed|dropped)\b
          |\bthe[ ](?:correct|right|actual|true|official)[ ]\w+[ ](?:is|should[ ]be)(?=[ *$\\(:]+[-+\d\\])
          |\bshould[ ](?:actually[ ])?be(?=[ *$\\(]+[-+\d\\]))
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
OPENERS = (
    *("ait", "mm", "ctually", "ops", "orry", "o,", "o wait", "orrection", "I made", "I have made", "cratch", "抱歉"),
    *("对不起", "等", "不对"),
)
TAKING_BACK = (
    *("wrong", "incorrect", "t correct", "t right", "mistake", "error", "orrection", "count", "forgot", "overlooked"),
    *("neglected", "misread", "miscalculated", "missed", "dropped", "should", "the correct", "the right", "the actual"),
    *("the true", "the official", "be right", "be correct", "cratch that", "错"),
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
