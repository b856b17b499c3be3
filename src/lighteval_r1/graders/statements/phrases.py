"""Phrases around a stated answer, as tables: what supposes, rejects, asks for, concludes or counts it."""

import re

from lighteval_r1.graders.vocabulary import NUMERALS, ONES, any_of

GAP = r"\s{1,4}"


# Signs that stand for letters where cases are folded.
FOLDED = {"i": "iIİı", "s": "sSſ", "k": "kKK"}


def begun_by(*words: str) -> str:
    r"""`\b(?:word|word)` where cases are folded, begun with the words' first letters, as a search for these is fast."""
    letters = "".join(dict.fromkeys(word[0] for word in words))
    begins = "".join(FOLDED.get(letter, letter + letter.upper()) for letter in letters)
    rests = (any_of(*(word[1:] for word in words if word[0] == letter)) for letter in letters)
    return rf"(?-i:[{begins}])(?<!\w.)(?:{any_of(*(f'(?<={a})(?:{b})' for a, b in zip(letters, rests, strict=True)))})"


# ---- supposing

SUPPOSING = (
    *("let(?:'s)?", "if", "suppose", "assum(?:e|ing)", "say", "consider(?:ing)?", "tak(?:e|ing)", "set(?:ting)?"),
    *("tr(?:y|ying)", "test(?:ing)?", "check(?:ing)?", "(?<!to )choos(?:e|ing)", "(?<!to )pick(?:ing)?", "imagine"),
)
GIVEN = (
    *("when", "for", "where", "with", "given", "since", "because", "using", "substitut(?:e|ing)"),
    rf"plug(?:ging)?(?:{GAP}in)?",
    *("at", "from", "case", "unless", "whether", "until", f"up{GAP}to", "like", f"such{GAP}as"),
)
SIMPLE_SIDE = r"[\\(\[$\s]{0,6}[a-zA-Z\\][\w\\{}'^()|]{0,20}\s{0,4}"
# "if x", "let us set x" before "= 5".
HYPOTHESIS = re.compile(
    rf"(?:\b(?:{any_of(*SUPPOSING)})(?:{GAP}(?:that|say|set|take|try|we|have|let|instead|also))*{GAP}[^,;:.=\n]{{1,30}}"
    rf"|\b(?:{any_of(*GIVEN)})(?:{GAP}(?:that|we|have))*\s{SIMPLE_SIDE})$",
    re.IGNORECASE,
)
# What a sentence says holds on a condition, to its end, where it begins so: "If x = 3, then …", "Suppose …".
OPENERS = "and but so now ok okay well then wait or also maybe alternatively"
CONDITIONAL = re.compile(
    rf"[\s*\-–•\d.)]{{0,8}}(?:(?:{any_of(*OPENERS.split())}),?{GAP}){{0,2}}"
    rf"(?:(?:if|when|unless)\b[^,\n]{{0,80}}?(?:[=<>≤≥]|\b(?:is|are|were|was|has|have)\b)"
    rf"|(?:suppose|assum(?:e|ing)|imagine|what{GAP}if|for{GAP}(?:example|instance)|e\.g\.|say|case|try(?:ing)?"
    rf"|let(?:'s)?{GAP}(?:say|suppose|assume|try|take|test))\b)",
    re.IGNORECASE,
)
# "n = 2: 4 + 1 = 5": a value that is tried.
TRIED = re.compile(r"(?:[\s$*)\]]|\\\)|\\\]){0,6}:")

# ---- rejecting

REJECTIONS = (
    r"n[o']t\b",
    *(rf"{word}\b" for word in ("not", "cannot", "wrong", "incorrect", "invalid", "impossible", "extraneous")),
    *(rf"{word}\b" for word in ("rejected", "excluded", "ruled out", "false")),
    rf"too{GAP}(?:big|large|small|high|low|many|few|long|short)\b",
    *(rf"{words}\b" for words in ("a contradiction", "contradicts", "fails", "doesn't", "isn't", "won't", "can't")),
)
REJECTED = re.compile(
    rf"[\s$\\)\]}},*]{{0,8}}(?:which{GAP}|but{GAP}(?:that|this|it){GAP}|(?:that|this|it){GAP})?"
    r"(?:(?:is|are|was|would be|seems|looks|must be|can|could|does|do|will)\s{0,4})?"
    rf"(?:clearly{GAP}|obviously{GAP}|also{GAP}|definitely{GAP})?"
    rf"(?:{any_of(*REJECTIONS)})",
    re.IGNORECASE,
)
# ---- concluding

# What follows a result at which the reply stops to check it.
BETWEEN = r"(?:[\s$*.,!;)\]]|\\\]|\\\)|\\text\{[^{}\n]{0,40}\}|\\,|[a-zA-Z]{2,12}(?=[.!])){0,12}"
WILL = r"let me|let's|let us|(?:i|we)(?:'ll| will| should| can| must| need to| have to)"
CHECK = r"double[- ]?check|check|verify|confirm|make sure|ensure|recheck|reconsider|test"
CHECKED = re.compile(
    rf"{BETWEEN}(?:\d+\.{GAP})?(?:\*\*)?(?:wait,?{GAP}|hmm,?{GAP}|but{GAP}|now,?{GAP})?(?:{WILL}|to){GAP}"
    rf"(?:now{GAP}|also{GAP}|just{GAP}|quickly{GAP}){{0,2}}(?:{CHECK})",
    re.IGNORECASE,
)
CONCLUSION = re.compile(
    rf"[\s*\-–•\d.)]{{0,6}}(?:{any_of(*(word + GAP for word in ('and', 'but', 'okay,?', 'ok,?', 'yes,?', 'oh,?')))})?"
    r"(?:so\b|thus\b|therefore\b|hence\b|finally\b|in total\b|altogether\b|which (?:is|gives|means|makes)\b"
    r"|that(?:'s| is| gives| means| makes)\b|this (?:is|gives|means|makes|simplifies|yields)\b"
    r"|we (?:get|have|find|obtain)\b|it(?:'s| is)\b|there (?:is|are|were)\b|the\b)",
    re.IGNORECASE,
)

# ---- saying

# Where a statement in prose goes on with something else.
GOES_ON = "and so but or which since because for when if then is are was as where with by from to at on we that this"
PROSE_GOES_ON = re.compile(
    any_of(
        rf"\s(?:{any_of(*GOES_ON.split(), 'not', 'right', 'again')})\b",
        r"\s\((?=[a-zA-Z])",
        r"\s[-–—]\s?(?=[a-zA-Z]{2})",
        r"\s\*\*",
        r"\*\*",
        "[✓✔✅]",
        r"\s\\?\(?√",
    )
)
# "5 ways" is 5; "5 times" is on the way.
OPERATIONS = "times plus minus over divided multiplied of squared cubed factorial choose mod modulo x percent"
COUNTED = re.compile(rf"([-+]?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?){GAP}(?!(?:{any_of(*OPERATIONS.split())})\b)[a-zA-Z]{{2}}")
SAYING = (
    *("is", "are", "equals?", "gives?", "giving", "becomes?", "gets?", "getting", "obtain", "yields?", "have", "has"),
    *("be", "needs?", "totals?", "makes?", "leaves?", "remains?", "to", "that['’]s", "it['’]s", "there['’]s"),
)
SAYING_MORE = (
    *("exactly", "just", "only", "then", "also", "indeed", "simply", "equal to", "a total of", "thus", "therefore"),
    rf"(?:the|a|an){GAP}[a-z]{{3,12}}(?:{GAP}of)?",
)
STATED = (
    r"\$\$?([^$]{1,100}?)\$\$?",
    r"\\\((.{1,100}?)\\\)",
    r"\\\[\s{0,4}(.{1,200}?)\s{0,4}\\\]",
    r"([-+]?\d{0,9}(?:√\(?\d{1,9}\)?|π)(?:/\d{1,9})?)",
    r"([-+]?\\?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?)",
)
SAYS = rf"{begun_by(*SAYING)}(?:{GAP}(?:{any_of(*SAYING_MORE)}))*\s{{0,4}}:?\s{{0,4}}\*{{0,2}}"
SAID = re.compile(rf"{SAYS}(?P<answer>{any_of(*STATED)})(?![\w^_\\(]|\.\d|,\d)", re.IGNORECASE)
# "is 5 more than", "is 3 times": the number is not the end of it.
COMPUTING = "times more less plus minus over divided multiplied of squared cubed and or to mod choose through -"
NUMBER_GOES_ON = re.compile(
    r"\s{0,4}(?:[-+*/×·=<>≤≥^]|\\(?:times|cdot|le|ge|pm)"
    rf"|(?:{any_of(*COMPUTING.split())})\b|,\s{{0,4}}(?:\d|\$|\\\())",
    re.IGNORECASE,
)
IN_BRACKETS = re.compile(r"(?<!\\)\((?![^()]*\))[^()]*$")

# ---- lists: "x = 3, x = 5, and x = 7"; "are 3, 5 and 7"

ITEM = any_of(
    r"\$[^$\n]{1,60}\$",
    r"\\\((?:(?!\\\)).){1,60}\\\)",
    r"(?:[a-zA-Z]\s{0,2}=\s{0,2})?[-+−]?(?:\d{1,12}(?:\.\d{1,9})?(?:/\d{1,9})?|\\frac\{\d{1,9}\}\{\d{1,9}\})"
    r"(?![\w^(]|\.\d)",
)
SEPARATOR = rf"(?:\s{{0,3}}[,;]\s{{0,3}}(?:(?:and|or){GAP})?|{GAP}(?:and|or){GAP})"
LISTED = re.compile(rf"(?<![\w.,$)\\])(?:{ITEM})(?:{SEPARATOR}(?:{ITEM})){{1,11}}", re.IGNORECASE)

# ---- numbers in words

# "there are exactly two y-intercepts", "so 12 ways"; what is counted stands within the next three words.
NUMBER_OF_THINGS = re.compile(
    rf"(?:{SAYS}|\b(?:(?:so|thus|hence|therefore|total),?{GAP}(?!one\b)|(?:only|exactly){GAP}))"
    rf"(?P<number>{any_of(*ONES, 'twenty')}|\d{{1,9}})\b(?!{GAP}(?:{any_of(*COMPUTING.split())})\b)"
    rf"(?P<things>(?:{GAP}[a-zA-Z][a-zA-Z-]{{0,20}}){{1,3}})",
    re.IGNORECASE,
)
TOTAL = re.compile(r"\b(?:total|altogether|in all)\b", re.IGNORECASE)


def in_digits(answer: str) -> str:
    """An answer that is a number in words, in digits; others as they are."""
    return NUMERALS.get(answer.strip(" .*").casefold(), answer)
