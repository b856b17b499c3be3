"""Words that refute an answer where they stand beside it, or give it as another's or of another case."""

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

# "The answer is not \\boxed{42}": what is denied there is no answer.
DENIED_BOX = re.compile(
    r"(?:\bnot|n['’]t|\bcannot be|\bnever|\bpas|\bnicht|\bno es|\bnon è|不是|不为)"
    r"(?:\s+(?:be|simply|just|exactly))?[\s$:*({]*(?:\\[(\[]\s*)?$"
    rf"|\b(?:{SAID_BY_OTHERS})\b[^,.;:!?\n]{{0,40}}$",
    re.IGNORECASE,
)
# What refutes a box right behind it: "… is wrong", "… . This is not correct", "… ist falsch"
REFUTED_BOX = re.compile(
    r"[\s$.*]{0,4}(?:\\[)\]])?\s*(?:[?？]|~~"
    rf"|(?:is|was|would be|is clearly|is also|seems)\s+{REFUTED}"
    r"|(?:is|was|would be)\s+(?:(?:(?:only|just|merely)\s+)?an?\s+(?:upper|lower)\s+bound"
    r"|what\s+(?:I|we|one)(?:['’]d|\s+would)\b)"
    rf"|{REFUTED_WITHIN}|(?:isn['’]t|is not|can(?:not|['’]t) be)\s+(?:the\s+|a\s+)?(?:\w+\s+)?"
    rf"(?:right|correct|answer|valid)\b|{REFUTED_BEHIND})",
    re.IGNORECASE,
)
# The box of another case, or of another answer, behind the answer's: "If n were even, it would be \\boxed{8}".
OTHER_CASE = re.compile(
    r"(?:^|[.!?\n(*]\s*)(?:if|had|were|without|for (?:reference|comparison))\b[^.\n]{0,150}\bwould\b[^.\n]{0,60}$"
    r"|(?:\\neq?\b|≠|\b(?:instead of|rather than|previously|rejected|discarded|excluding))[\s$:*({]*$",
    re.IGNORECASE,
)
