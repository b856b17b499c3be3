r"""What announces an answer, one table for expressions and choices: sentences of many languages, headings, tags,
`####`.

    PHRASE    "The final answer is therefore", "Antwort:", "答案是": the answer follows in the same sentence
    HEADING   a line that is only "**Final Answer**" or "## Answer": the answer is the next line that says something
    TAG       <answer>5</answer>; without its end where the reply ends
    LAST_LINE `#### 18`, as GSM8K writes it, as the last line
    REVERSED  "5 is the final answer"
What this could wrongly accept: an announcement that is taken back ("the answer is not 5"), supposed ("if the answer is
5") or asked ("is the answer 5?"); these are no announcements. Source of the forms: replies of R1-distilled models to
MATH-500, AIME, GSM8K in ten languages (MGSM, https://huggingface.co/datasets/juletxara/mgsm) and MMLU-Pro.
"""

import re
from collections.abc import Iterator

# An announcement further from the end than this many characters does not stand "at the end".
TAIL_LENGTH = 600

MARKUP = r"[\s*_`\"“”]"
ADVERBS = (
    "therefore|thus|then|hence|so|simply|just|clearly|indeed|likely|most likely|exactly|definitely|actually|also|now"
)
FILLED = rf"(?:,?\s{{1,4}}(?:{ADVERBS})\b,?){{0,4}}"
COLON = r"[:：]"
# Language, what its texts hold, the noun with what may stand around it, and what links it to the answer; a colon links
# in all.
LANGUAGES = (
    (
        "en",
        "answer",
        r"\banswers?\b(?:\s{1,4}(?:choice|option|letter))?"
        r"(?:\s{1,4}(?:to|for|of)\s{1,4}(?:the|this|your|our|part)\s{1,4}(?:\w{1,20}\s{1,4})?(?:question|problem|\w))?",
        r"(?:is|are|was|becomes|equals|=|would be|must be|should be|will be|has to be|comes? out (?:to be|to|as)"
        rf"|turns? out to be|=?=>|→|⇒|[-–—](?=\s)){FILLED}(?:\s{{1,4}}(?:equal to|given by|found to be|as follows|one "
        rf"of))?{FILLED}",
    ),
    (
        "de",
        "antwort|ergebnis|lösung",
        r"\b(?:end)?(?:antwort|ergebnis|lösung)\b(?:\s{1,4}auf\s{1,4}[^.:\n]{1,40})?",
        r"(?:lautet|ist|beträgt|wäre|sind)(?:\s{1,4}(?:also|somit|daher|demnach|damit|folglich))*",
    ),
    (
        "fr",
        "réponse",
        r"\bréponse\b(?:\s{1,4}(?:finale|correcte|exacte|est donc))?",
        r"(?:est|sont|vaut|serait)(?:\s{1,4}(?:donc|alors|bien|par conséquent))*",
    ),
    (
        "es",
        "respuesta",
        r"\brespuesta\b(?:\s{1,4}(?:final|correcta))?",
        r"(?:es|son|sería)(?:\s{1,4}(?:entonces|por lo tanto|por tanto))*",
    ),
    (
        "it",
        "risposta",
        r"\brisposta\b(?:\s{1,4}(?:finale|corretta|esatta))?",
        r"(?:è|e'|sono)(?:\s{1,4}(?:quindi|dunque|pertanto))*",
    ),
    (
        "pt",
        "resposta",
        r"\bresposta\b(?:\s{1,4}(?:final|correta|certa))?",
        r"(?:é|são|seria)(?:\s{1,4}(?:portanto|então))*",
    ),
    ("nl", "antwoord", r"\b(?:eind)?antwoord\b", r"(?:is|luidt)(?:\s{1,4}(?:dus|daarom))*"),
    ("sv da no", "svar", r"\bsvar(?:et)?\b", r"(?:är|er|blir|bliver)(?:\s{1,4}(?:alltså|altså|derfor|därför))*"),
    ("fi", "vastau", r"\b(?:vastaus|vastaukseksi)\b", r"on(?:\s{1,4}siis)*"),
    ("pl cs sk", "odpov|odpow", r"\b(?:odpowiedź|odpowiedzią|odpověď|odpoveď)\b", r"(?:to|jest|brzmi|je|zní)"),
    ("ro", "răspuns", r"\brăspuns(?:ul)?\b(?:\s{1,4}(?:final|corect))?", r"(?:este|e)(?:\s{1,4}deci)?"),
    ("hu", "válasz", r"\b(?:helyes\s{1,4})?válasz\b", r"(?:az?|tehát)"),
    ("tr", "cevap|cevab|yanıt", r"\b(?:cevap|yanıt|cevabı)\b", r"(?:şudur|olarak)"),
    ("id ms", "jawaban", r"\bjawaban(?:nya)?\b(?:\s{1,4}(?:akhir(?:nya)?|yang benar))?", r"(?:adalah|ialah|yaitu)"),
    ("vi", "đáp|trả lời", r"\b(?:đáp án|câu trả lời|đáp số)\b(?:\s{1,4}(?:đúng|cuối cùng))?", r"là"),
    ("sw", "jibu", r"\bjibu\b(?:\s{1,4}(?:sahihi|la mwisho))?", r"ni"),
    ("ru uk", "ответ|відповідь", r"\b(?:ответ(?:ом)?|відповідь)\b", r"(?:—|–|-|равен|равна|является|будет|дорівнює)"),
    ("el", "απάντηση", r"\bαπάντηση\b", r"είναι"),
    ("ar", "جابة|الجواب", r"(?:الإجابة|الاجابة|الجواب)(?:\s{1,4}(?:النهائية|الصحيحة|النهائي|الصحيح))?", r"(?:هي|هو)"),
    ("he fa", "התשובה|پاسخ", r"(?:התשובה|پاسخ)(?:\s{1,4}(?:הסופית|הנכונה|نهایی|صحیح))?", r"(?:היא|برابر|است)"),
    ("hi bn te", "उत्तर|জবাব|উত্তর|సమాధానం", r"(?:उत्तर|জবাব|উত্তর|సమాధానం)", r"(?:है|हैं|হল|হলো|হবে)"),
    ("th", "คำตอบ", r"คำตอบ(?:สุดท้าย|ที่ถูกต้อง)?", r"คือ"),
    ("ja", "答え|解答|正解|回答", r"(?:答え|解答|正解|回答)", r"(?:は|が)、?"),
    ("ko", "답", r"(?:정답|해답|답)", r"(?:은|는|이)"),
    ("zh", "答", r"(?:答案|答)", r"(?:就是|应该是|应该为|应是|应为|是|为|為|等于|选|選)"),
)


def phrase_of(noun: str, link: str) -> str:
    """A noun with its link or a colon, up to the answer."""
    # A link in letters ends where they end; Chinese, Japanese, Korean and Thai set no spaces.
    end = "" if "\u0e00" <= link.strip("(?:")[0] < "\u0e7f" or link.strip("(?:")[0] >= "\u3040" else "(?![a-zà-ÿ])"
    return rf"{noun}{MARKUP}{{0,4}}(?:{link}{end}|(?={COLON})){MARKUP}{{0,4}}{COLON}?{MARKUP}{{0,6}}"


# `answer $5$`: a formula may follow at once.
AT_ONCE = LANGUAGES[0][2] + r"\s(?=\\\[|\\\(|\$)"
HEADING_BEGINS = (
    r"^[ \t]{0,8}(?:[#*_>\-]{1,6}[ \t]{0,8}){0,3}(?:\d{1,3}[.)][ \t]{0,8})?(?:(?:the|my|la|die|das|el|il|o|a|het)[ "
    r"\t]{1,8})?"
    r"(?:(?:final|correct|short|endgültige|richtige|最终|最終)[ \t]{0,8})?"
)
HEADING_ENDS = rf"[ \t]{{0,8}}{COLON}?[ \t]{{0,8}}[*_#]{{0,3}}{COLON}?[ \t]{{0,8}}\n"


def patterns(behind_phrase: str = "", behind_heading: str = "") -> tuple[tuple[tuple[str, ...], re.Pattern], ...]:
    """(what a text must hold, pattern) of each language's sentences and headings, with what must follow them."""
    made = []
    for name, keys, noun, link in LANGUAGES:
        heading = noun.replace(r"\b", "")
        forms = [phrase_of(noun, link) + behind_phrase, f"{HEADING_BEGINS}{heading}{HEADING_ENDS}{behind_heading}"]
        forms += [AT_ONCE + behind_phrase] if name == "en" else []
        made.append((tuple(keys.split("|")), re.compile("|".join(forms), re.IGNORECASE | re.MULTILINE)))
    return tuple(made)


PATTERNS = patterns()


def phrases(text: str, among: tuple[tuple[tuple[str, ...], re.Pattern], ...] = PATTERNS) -> Iterator[re.Match]:
    """Every announcing phrase and heading; patterns of languages whose words the text lacks are not tried."""
    lower = text.lower()
    for keys, pattern in among:
        if any(key in lower for key in keys):
            yield from pattern.finditer(text)


TAG = re.compile(
    r"<(answer|final_answer|finalanswer|final|ans|boxed)>(.{1,600}?)(?:</\1>|\s*\Z)", re.IGNORECASE | re.DOTALL
)
# A last line of words alone is a heading.
LAST_LINE = re.compile(r"^#{4}[ \t]*((?=[^\n]*[\d\\$]|\S+[ \t]*$)[^#\s][^\n]{0,200})\s*\Z", re.MULTILINE)
REVERSED = re.compile(
    r"(?:^|[\s:,])(\$[^$\n]{1,200}\$|\\\([^\n]{1,200}?\\\)|\*{0,2}[-+]?\\?\$?\d[\d,./]{0,40}%?\*{0,2})\s+(?:is|are)"
    rf"{FILLED}\s+(?:the|our|my)\s+(?:final\s+|correct\s+|required\s+|desired\s+)?answers?\b(?!\s*[?]|\s+(?:to|if|for)\b)",
    re.IGNORECASE,
)
# Before an announcement that is no announcement: supposed, asked, denied.
SUPPOSED = re.compile(
    r"\b(?:if|suppose|supposing|whether|assum\w+|unless|what|why|how|unlikely|doubt|cannot|can't|could|might|may|not "
    r"sure|wonder"
    r"|at first|initially|(?:I|we) (?:first )?thought|tempting|mistakenly|wrongly|incorrectly|some would say)\b"
    r"[^,.;:!?\n]{0,60}$",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\s*(?:not|n't|none|unknown|unclear|never|no longer|neither|something|impossible|wrong|incorrect|pas|nicht|no)\b",
    re.IGNORECASE,
)
CLOSING_WORDS = re.compile(
    r"[\s.*_`]*(?:I hope (?:it|this) is correct|<\|?im_(?:start|end)\|?>|<[|｜]|</(?:response|output)>).*$",
    re.DOTALL | re.IGNORECASE,
)
DELIMITED = re.compile(
    r"\$\$(.{1,600}?)\$\$|\$((?:[^$\\]|\\.){1,600})\$|\\\[(.{1,600}?)\\\]|\\\((.{1,600}?)\\\)", re.DOTALL
)
SENTENCE_END = re.compile(r"\n|[.!](?=[\s*_`\"”)]|$)|[。！।؟]|\s\*\*\s")
# What a sentence adds to its answer: a reason, a contrast.
REASON = re.compile(
    r"\s*[,(—–;]?\s*\b(?:because|since|as|which|due to|given that|so that|not|rather than|instead "
    r"of|weil|denn|da|car|puisque|porque|perché)\b.*",
    re.IGNORECASE | re.DOTALL,
)
# "The volume of the box is 120" says 120.
SAYS = re.compile(r"The [^.]{1,200} (?:is|are|equals) ((?:\S+ ?){1,3})")


def announced(text: str) -> str:
    """What the last announcement near the end announces; "" where there is none."""
    tail = CLOSING_WORDS.sub("", text[-TAIL_LENGTH:]) + "\n"
    found = [
        (match.end(), content_of(tail[match.end() :], heading="\n" in match[0]))
        for match in phrases(tail)
        if meant(match)
    ]
    found += [(match.end(), match[2].strip()) for match in TAG.finditer(tail)]
    found += [(match.end(), match[1].strip()) for match in LAST_LINE.finditer(tail)]
    found += [(match.end(), match[1].strip("*")) for match in REVERSED.finditer(tail) if meant(match)]
    return max(found, key=lambda place: place[0])[1] if found else ""


def meant(match: re.Match) -> bool:
    """Whether an announcement is one: neither supposed nor asked."""
    return SUPPOSED.search(match.string, max(0, match.start() - 80), match.start()) is None


def content_of(rest: str, *, heading: bool = False) -> str:
    """The answer that a sentence or a heading goes on with; "" where it denies one."""
    rest = rest.strip(' *_`"“”\n\t')
    if DENIED.match(rest):
        return ""
    formula = DELIMITED.match(rest)
    if formula:
        rest_of_line = rest[formula.end() :].split("\n", 1)[0]
        # `$x=2$ and $x=3$` is one answer, so is `$5$ cm`; a formula followed by other words is the formula.
        if re.match(r"\s*(?:,|and|or)\s*(?:and\s*|or\s*)?(?:\$|\\\()", rest_of_line):
            return (formula.group() + rest_of_line).rstrip(". ")
        return next(group for group in formula.groups() if group is not None).strip()
    sentence = SENTENCE_END.split(rest, maxsplit=1)[0].partition("</")[0].strip(' *_`"“”')
    if sentence[:1].isdigit() or sentence[:1] in "-+$\\":
        sentence = REASON.sub("", sentence)
    says = SAYS.fullmatch(sentence)
    if says:
        return says[1]
    if heading and len(sentence.split()) > 12:
        return ""
    return sentence
