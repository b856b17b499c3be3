r"""Words as answers: the same without case and spacing, and with the same mathematics between them.

What this could wrongly accept: letters that are no word. `AB` is not `ab`: letters side by side that differ by their
case are a word only where one side is set as text, is a title, or is long and has vowels.
"""

import re

from lighteval_r1.graders import vocabulary as known
from lighteval_r1.graders.brackets import Decide, all_equal

WORD = re.compile(r"[^\W\d_]{2,}(?: [^\W\d_]{2,})*")
SAID = re.compile(r"((?:\\text\{[^{}]*\} ?)+)")
SPOKEN = re.compile(r"\\text\{([^{}]*)\} ?")
# "an ellipse", "Option B"; and the kind of thing that is asked about, behind which nothing is said.
ARTICLE = re.compile(
    r"^(?:\\text\{on\} ?(?=\\text)|(?:a|\\text\{(?:an|the)\} ?)(?=\\text\{[^\W\d_]{3})|(?:an|the) (?=[^\W\d_]{3})"
    r"|\\text\{(?:option|choice)\} ?(?=[A-J]$))",
    re.IGNORECASE,
)
KIND = re.compile(r"(?:(?<=[a-z]) |\\text\{)(?:function|triangle|number|solutions)\}? ?$")
# "The function is even"
SUBJECT = re.compile(r"^\\text\{(?:the|it|this)\} ?(?:\\text\{\w+\} ?){0,2}?\\text\{(?:is|are)\} ?", re.IGNORECASE)
# "Yes, it converges"
YES_OR_NO = re.compile(r"\\text\{(yes|no|true|false)\} ?[,;:-]((?:\\text\{[^{}]*\} ?)+)", re.IGNORECASE)
MONTHS = known.words_of("jan feb mar apr may jun jul aug sep oct nov dec")
NAME_OF_MONTH = r"(?:\\text\{)?(?P<%s>[A-Z][a-z]{2,8})\.?\}? ?"
DAY = r"(?P<%s>\d{1,2})(?:\\text\{(?:st|nd|rd|th)\} ?)?"
DATE = re.compile(
    rf"(?:{NAME_OF_MONTH % 'month'}(?:\\text\{{the\}} ?)?{DAY % 'day'}"
    rf"|(?:\\text\{{the\}} ?)?{DAY % 'before'}(?:\\text\{{of\}} ?)?{NAME_OF_MONTH % 'later'})(?:,? ?(?P<year>\d{{4}}))?"
)
ISO_DATE = re.compile(r"(\d{4})-0?(\d{1,2})-0?(\d{1,2})")
NOT_SPOKEN = re.compile(r"\\(?!text)|[=\d<>+*/^_()\[\]|,]")
NO_LETTER = re.compile(r"[\s'.\"-]")


def compare_words(a: str, g: str, decide: Decide) -> bool | None:
    """None where neither side holds words, or they do not decide."""
    if meaning(a) == meaning(g) != "":
        return True
    day = date(g) if "\\text" in g else ""
    if day and date(a):
        return date(a) == day
    mine, theirs = in_figures(fold(a)) or a, in_figures(fold(g)) or g
    if (mine, theirs) != (a, g):
        return decide(mine, theirs)
    spoken = "\\text{" in a or "\\text{" in g
    if not spoken and not (WORD.fullmatch(a) and WORD.fullmatch(g)):
        return None
    if fold(SUBJECT.sub("", g)) in (fold(a), fold(KIND.sub("", a)), fold(SUBJECT.sub("", a))) and (
        spoken or " " in a + g or is_written_word(a, g)
    ):
        return True
    reasoned = YES_OR_NO.fullmatch(a)
    if reasoned and fold(g) == reasoned[1].casefold():
        denied = {"not", "no"} if fold(g) in ("no", "false") else set()
        return not {word.casefold() for word in SPOKEN.findall(reasoned[2])} & known.CHANGES - denied
    mine, theirs = SAID.split(a), SAID.split(g)
    if len(mine) != len(theirs) or len(mine) == 1:
        return None
    if any(fold(x) != fold(y) for x, y in zip(mine[1::2], theirs[1::2], strict=True)):
        return False
    return all_equal(((x, y) for x, y in zip(mine[::2], theirs[::2], strict=True) if x or y), decide)


def date(s: str) -> str:
    """Month, day and year, in this order, of a day as it is written: "July 4, 2020", "4th of July"; "" of all else."""
    iso, match = ISO_DATE.fullmatch(s), DATE.fullmatch(s) if len(s) < 80 else None
    if iso and 0 < int(iso[2]) < 13:
        return f"{MONTHS[int(iso[2]) - 1]} {int(iso[3])} {iso[1]}"
    if match is None:
        return ""
    month = (match["month"] or match["later"]).casefold()[:3]
    return f"{month} {int(match['day'] or match['before'])} {match['year'] or ''}".strip() if month in MONTHS else ""


def in_figures(folded: str) -> str:
    """The number that folded words say: "onehundredfive" is 105; "" of all else."""
    for sign in known.MINUS:
        if folded.startswith(sign):
            figures = in_figures(folded.removeprefix(sign))
            return f"-{figures}" if figures else ""
    for name, size in known.LARGE.items():
        above, found, below = folded.partition(name)
        if found:
            count, rest = in_figures(above) if above else "1", in_figures(below.lstrip(",")) if below else "0"
            fits = count.isdigit() and rest.isdigit() and 0 < int(count) < 1000 and int(rest) < size
            return str(int(count) * size + int(rest)) if fits else ""
    return known.NUMERALS.get(folded, "")


def fold(s: str) -> str:
    """Words without case and marks; single letters keep their case: they are names."""
    s = SPOKEN.sub(r"\1 ", ARTICLE.sub("", s))
    marks = NO_LETTER if WORD.search(s) and not re.search(r"\d", s) else re.compile(r"\s")
    return marks.sub("", WORD.sub(lambda match: match[0].casefold(), s))


def is_written_word(a: str, g: str) -> bool:
    """Whether letters side by side that differ by their case are a word, and no product."""
    short = a.casefold() in ("no", "yes")
    title = len(a) > 2 and (a.istitle() or g.istitle())
    return short or title or (len(a) > 3 and len(re.findall("[aeiouy]", a.casefold())) > 1)


def meaning(s: str) -> str:
    """One name for words and signs that say the same of an answer: that there is none, every number, or infinity."""
    if s in known.MEANINGS:
        return known.MEANINGS[s]
    if len(s) > 120 or NOT_SPOKEN.search(s):
        return ""
    return known.MEANINGS.get(re.sub(r"[^a-z]", "", SPOKEN.sub(r"\1", s).casefold()), "")
