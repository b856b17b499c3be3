r"""What announces an answer, one table for expressions and choices: sentences of many languages, headings, tags.

    sentence   "The final answer is therefore 5", "Antwort: 5", "答案是5"
    heading    a line that is only "**Final Answer**" or "## Answer": the answer is the next line that says something
    TAG        <answer>5</answer>; without its end where the reply ends
    LAST_LINE  `#### 18`, as GSM8K writes it, as the last line
    REVERSED   "5 is the final answer"
    TWO_CELLS  | answer | 5 |
Before they are looked for, all ways to set words apart become two stars, tags of HTML that say how a text looks go, and
so does what is struck out (in_sentences). A quantity said again in brackets does not count: "204 minutes (3 h 24 min)".
What this could wrongly accept: an announcement that is taken back ("the answer is not 5"), supposed ("if the answer is
5"), asked ("is the answer 5?") or another's ("the book says the answer is 5"). What is supposed, asked or another's is
no announcement; what is denied announces nothing.
Source of the forms: replies of R1-distilled models to MATH-500 and AIME, to GSM8K in ten languages (MGSM,
https://huggingface.co/datasets/juletxara/mgsm) and to MMLU-Pro.
"""

import re
from collections.abc import Iterator
from functools import cache

from lighteval_r1.graders.refutations import REFUTED_BEHIND, REFUTED_WITHIN, SAID_BY_OTHERS

# An announcement further from the end than this many characters does not stand "at the end".
TAIL_LENGTH = 600

MARKUP = r"[\s*_`\"“”]"
# What may stand around an answer and says nothing of it.
AROUND = ' *_`"“”«»„‹›\n\t\ufe0f✓✔✅☑🎉🎊👍🎯✨⭐🏆💯'
ADVERBS = (
    "therefore|thus|then|hence|so|simply|just|clearly|indeed|likely|most likely|exactly|definitely|actually|also|now"
)
FILLED = rf"(?:,?\s{{1,4}}(?:{ADVERBS})\b,?){{0,4}}"
COLON = r"[:：]"
ENGLISH = (
    r"(?<![^\W_])(?:answers?(?![^\W_])|ans\b\.?|final result\b)(?:\s{1,4}(?:choice|option|letter))?"
    r"(?:\s{1,4}(?:to|for|of)\s{1,4}(?:the|this|your|our|part)\s{1,4}(?:\w{1,20}\s{1,4})?"
    r"(?:question|problem|\(\w\)|\w))?",
    r"(?:is|are|was|becomes|equals|would be|must be|should be|will be|has to be|comes? out (?:to be|to|as)"
    rf"|turns? out to be|=(?!=)|=?=>|→|⇒|[-–—](?=\s)|(?<=ans\.)(?=\s)){FILLED}"
    rf"(?:\s{{1,4}}(?:equal to|given by|found to be|as follows|one of|that there (?:is|are))){{0,1}}{FILLED}",
)
# Language, what its texts hold, the noun with what may stand around it, and what links it to the answer; a colon links
# in all of them.
LANGUAGES = (
    ("en", "answer|ans:|ans =|ans.|final result", *ENGLISH),
    ("de", "antwort|ergebnis|lösung", r"\b(?:end)?(?:antwort|ergebnis|lösung)\b(?:\s{1,4}auf\s{1,4}[^.:\n]{1,40})?",
     r"(?:lautet|ist|beträgt|wäre|sind)(?:\s{1,4}(?:also|somit|daher|demnach|damit|folglich))*"),
    ("fr", "réponse|résultat", r"\b(?:réponse|résultat)\b(?:\s{1,4}(?:finale?|correcte|exacte|est donc))?",
     r"(?:est|sont|vaut|serait)(?:\s{1,4}(?:donc|alors|bien|par conséquent))*"),
    ("es", "respuesta|resultado|solución", r"\b(?:respuesta|resultado|solución)\b(?:\s{1,4}(?:final|correcta))?",
     r"(?:es|son|sería)(?:\s{1,4}(?:entonces|por lo tanto|por tanto))*"),
    ("it", "risposta|risultato", r"\b(?:risposta|risultato)\b(?:\s{1,4}(?:finale|corretta|esatta))?",
     r"(?:è|e'|sono)(?:\s{1,4}(?:quindi|dunque|pertanto))*"),
    ("pt", "resposta|resultado", r"\b(?:resposta|resultado)\b(?:\s{1,4}(?:final|correta|certa))?",
     r"(?:é|são|seria)(?:\s{1,4}(?:portanto|então))*"),
    ("nl", "antwoord", r"\b(?:eind)?antwoord\b", r"(?:is|luidt)(?:\s{1,4}(?:dus|daarom))*"),
    ("sv da no", "svar", r"\bsvar(?:et)?\b", r"(?:är|er|blir|bliver)(?:\s{1,4}(?:alltså|altså|derfor|därför))*"),
    ("fi", "vastau", r"\b(?:vastaus|vastaukseksi)\b", r"on(?:\s{1,4}siis)*"),
    ("pl cs sk", "odpov|odpow", r"\b(?:odpowiedź|odpowiedzią|odpověď|odpoveď)\b", r"(?:to|jest|brzmi|je|zní)"),
    ("ro", "răspuns", r"\brăspuns(?:ul)?\b(?:\s{1,4}(?:final|corect))?", r"(?:este|e)(?:\s{1,4}deci)?"),
    ("hu", "válasz", r"\b(?:helyes\s{1,4})?válasz\b", r"(?:az?|tehát)"),
    ("tr", "cevap|cevab|yanıt|sonuç", r"\b(?:cevap|yanıt|cevabı|sonuç)\b",
     r"(?:şudur|olarak|(?=\S{1,40}['’][dt][iıuü]r\b))"),
    ("id ms", "jawaban", r"\bjawaban(?:nya)?\b(?:\s{1,4}(?:akhir(?:nya)?|yang benar))?", r"(?:adalah|ialah|yaitu)"),
    ("vi", "đáp|trả lời", r"\b(?:đáp án|câu trả lời|đáp số)\b(?:\s{1,4}(?:đúng|cuối cùng))?", r"là"),
    ("sw", "jibu", r"\bjibu\b(?:\s{1,4}(?:sahihi|la mwisho))?", r"ni"),
    ("ru uk", "ответ|відповідь", r"\b(?:ответ(?:ом)?|відповідь)\b", r"(?:—|–|-|равен|является|будет|дорівнює)"),
    ("el", "απάντηση", r"\bαπάντηση\b", r"είναι"),
    ("ar", "جابة|الجواب", r"(?:الإجابة|الاجابة|الجواب)(?:\s{1,4}(?:النهائية|الصحيحة|النهائي|الصحيح))?", r"(?:هي|هو)"),
    ("he fa", "התשובה|پاسخ", r"(?:התשובה|پاسخ)(?:\s{1,4}(?:הסופית|הנכונה|نهایی|صحیح))?", r"(?:היא|برابر|است)"),
    ("hi bn te", "उत्तर|জবাব|উত্তর|సమాధానం", r"(?:उत्तर|জবাব|উত্তর|సమాధానం)",
     r"(?:है|हैं|হল|হলো|হবে|(?=[\dA-J$(\\*]))"),
    ("th", "คำตอบ", r"คำตอบ(?:สุดท้าย|ที่ถูกต้อง)?", r"คือ"),
    ("ja", "答え|解答|正解|回答", r"(?:答え|解答|正解|回答)", r"(?:は|が)、?"),
    ("ko", "답", r"(?:정답|해답|답)", r"(?:은|는|이)"),
    ("zh", "答|结果|結果", r"(?:答案|答|结果|結果)", r"(?:就是|应该是|应该为|应是|应为|是|为|為|等于|选|選)"),
)  # fmt: skip
SET_WITHOUT_SPACES = frozenset(("th", "ja", "ko", "zh", "hi bn te"))
# `answer $5$`: a formula may follow at once.
AT_ONCE = ENGLISH[0] + r"\s(?=\\\[|\\\(|\$)"
HEADING_BEGINS = (
    r"^[ \t]{0,8}(?:[#*_>\-]{1,6}[ \t]{0,8}){0,3}(?:\d{1,3}[.)][ \t]{0,8})?"
    r"(?:(?:the|my|la|die|das|el|il|o|a|het)[ \t]{1,8})?"
    r"(?:(?:final|correct|short|endgültige|richtige|最终|最終)[ \t]{0,8})?"
)
# A heading may be underlined: "Final Answer\n------------".
HEADING_ENDS = (
    rf"[ \t]{{0,8}}{COLON}?[ \t]{{0,8}}[*_#]{{0,3}}{COLON}?[ \t]{{0,8}}\n(?:\s{{0,4}}[-=_*]{{3,80}}[ \t]{{0,8}}\n)?"
)
Patterns = tuple[tuple[tuple[str, ...], str], ...]


@cache
def patterns(behind_phrase: str, behind_heading: str) -> Patterns:
    """(what a text must hold, pattern) of each language's sentences and headings, with what must follow them."""
    made = []
    for name, keys, noun, link in LANGUAGES:
        # A link in letters ends where they end, but in scripts that set no spaces.
        linked = link if name in SET_WITHOUT_SPACES else rf"{link}(?!(?!n['’]t\b|[a-j]\b)[a-zà-ÿ])"
        phrase = rf"{noun}{MARKUP}{{0,4}}(?:{linked}|(?={COLON})){MARKUP}{{0,4}}{COLON}?{MARKUP}{{0,6}}"
        heading = HEADING_BEGINS + noun.replace(r"\b", "") + HEADING_ENDS
        forms = [phrase + behind_phrase, heading + behind_heading]
        forms += [AT_ONCE + behind_phrase] if name == "en" else []
        made.append((tuple(keys.split("|")), "|".join(forms)))
    return tuple(made)


TAGS = "answer|final_answer|finalanswer|final|ans|boxed"
TAG = re.compile(rf"<({TAGS})>(.{{1,600}}?)(?:</\1>|\s*\Z)", re.IGNORECASE | re.DOTALL)
# A last line of words alone is a heading.
LAST_LINE = re.compile(
    r"^#{4}[ \t]*((?=(?:[a-zA-Z][ \t]*=)?[^\na-zA-Z]*[\d\\$]|\S+[ \t]*$)[^#\s][^\n]{0,200})\s*\Z", re.MULTILINE
)
REVERSED = re.compile(
    r"(?:^|[\s:,])(\$[^$\n]{1,200}\$|\\\([^\n]{1,200}?\\\)|\*{0,2}[-+]?\\?\$?\d[\d,./]{0,40}%?\*{0,2})\s+(?:is|are)"
    rf"{FILLED}\s+(?:the|our|my)\s+(?:final\s+|correct\s+|required\s+|desired\s+)?answers?\b"
    r"(?!\s*[?]|\s+(?:to|if|for)\b)",
    re.IGNORECASE,
)
# Before an announcement that is none: supposed, asked, or what was thought before.
SUPPOSITIONS = (
    "if|suppose|supposing|whether|assum\\w+|unless|what|why|how|unlikely|doubt|cannot|can't|could|might|may",
    "not sure|wonder|ne (?:pense|crois) pas|no (?:creo|pienso)|non (?:credo|penso)",
    f"at first|initially|{SAID_BY_OTHERS}",
)
NOT_MEANT = r"(?:n['’]t|\bnot|\bnever) (?:think|believe|see|agree|say|answer|choose|pick|select|go with)"
SUPPOSED = re.compile(
    rf"(?:\b(?:{'|'.join(SUPPOSITIONS)})\b|{NOT_MEANT}\b)[^,.;:!?\n]{{0,60}}$|不(?:认为|觉得|同意|确定)[^，。！？]{{0,20}}$",
    re.IGNORECASE,
)
WRONG_ONE = re.compile(r"\b(?:wrong|incorrect|false|mistaken|naive|previous|earlier|old|former)\s{1,4}$", re.IGNORECASE)
# "If it were hotter, the answer would be 5"
COUNTERFACTUAL = re.compile(
    r"(?:^|[.!?\n(*]\s?)(?:(?:if|had|were)\b[^.\n]{0,120}\b(?:were|had|was)\b|(?:had|were)\b)[^.\n]{0,80}$",
    re.IGNORECASE,
)
DENIALS = (
    "(?:probably )?not|n't|unknown|unclear|unlikely|never|no longer|something|different|impossible|wrong|incorrect|pas"
    "|nicht"
)
# "no", "none" and "neither" are answers where nothing follows them.
DENIED = re.compile(rf"\s*(?:(?:{DENIALS})\b|(?:no|none|neither)\s+(?!(?:real\s+)?solutions?\b)\w)", re.IGNORECASE)
# "not 42 but 43"
INSTEAD = re.compile(
    r"(?:[^.\n]{1,60}?[\s,](?:but(?: rather| instead)?|rather|it['’]s|it is|sondern|mais(?: bien)?|sino|bensì|mas sim)"
    r"|[^。\n]{1,40}?而是)\s*(?=[-+$\\\d(])",
    re.IGNORECASE,
)
# "The answer is 42, which is wrong": what a sentence takes back of its own answer.
DISAGREED = re.compile(rf"{REFUTED_WITHIN}|\bbut I disagree|^.{{0,120}}?[.。!;,，]\s?{REFUTED_BEHIND}", re.IGNORECASE)
# What is said of an answer that was given before.
OF_ANSWERS = (
    "correct|right|obtained|found|computed|calculated|derived|based|consistent|reasonable|verified|confirmed|valid"
)
FURTHER = re.compile(
    rf"(?:{OF_ANSWERS}|in (?:the )?form|expressed|supposed|clear|unique|the same|below|above|shown)\b", re.IGNORECASE
)
CLOSING_WORDS = re.compile(
    r"[\s.*_`]*(?:I hope (?:it|this) is correct|<\|?im_(?:start|end)\|?>|<[|｜]|</(?:response|output)>).*$",
    re.DOTALL | re.IGNORECASE,
)
DELIMITED = re.compile(
    r"\$\$(.{1,600}?)\$\$|\$((?:[^$\\]|\\.){1,600})\$|\\\[(.{1,600}?)\\\]|\\\((.{1,600}?)\\\)", re.DOTALL
)
# A text that is nothing but one formula or number, or says of one thing by its name that it has this value.
VALUE_OF = r"(?:(?:so|thus|hence|therefore),?\s+)?the\s+value\s+of\s+\$?[a-zA-Z]\$?\s+is\s*:?\s+"
ALONE = re.compile(
    rf"[\s*_`>]*(?i:{VALUE_OF})?(?:=\s*)?\*{{0,2}}"
    r"(?:(\$\$?)(?P<dollars>(?:[^$\\]|\\.){1,200})\1|\\\((?P<round>.{1,200})\\\)|\\\[(?P<square>.{1,200})\\\]"
    r"|(?P<number>[-+−]?[\d.,/%]{1,40}))[\s*_`.]*",
    re.DOTALL,
)
# "$5 and $6": two sums of money and no formula.
MONEY = re.compile(r"\$\d[\d,.]*\s[^$\\]*[a-z]{2}[^$\\]*\$", re.IGNORECASE)
SENTENCE_END = re.compile(r"\n|[.!?](?=[\s*_`\"”)]|$)|[。！।؟？]|\s\*\*\s")
COPULA_BEHIND = re.compile(r"(?:\s*(?:है|हैं)|['’][dt][iıuü]r)$")
LINE_BEGINS = re.compile(r"^\s*[-•>]\s+")
# {"answer": "7", "confidence": 0.9}
FURTHER_KEYS = re.compile(r'"?\s*,\s*"\w{1,30}"\s*:.*', re.DOTALL)
# "| answer | 5 |"
TWO_CELLS = re.compile(r"^\|[ \t*]{0,8}([^|\n]{3,60}?)[ \t*]{0,8}\|([^|\n]{1,200})\|[ \t]{0,8}$", re.MULTILINE)
# A few words set apart in another way than by two stars; a product has a factor before its star.
SET_APART = re.compile(
    r"(?<![A-Za-z0-9*`_\\$])(?<![\d)] )(`|\*|__?|==)(?![\s*`_=])([^*`_\n{}$\\]{1,80})(?<!\s)\1(?![A-Za-z0-9*`_])"
)
# HTML that says how a text looks; `a <b then c> d` holds none.
STYLE_TAG = re.compile(
    r"</?(?:b|strong|i|em|u|span|p|div|mark|code|font|center|big|small)(?:\s+[\w-]+=[^<>\n]{0,80})?\s*>|(<br\s*/?>)",
    re.IGNORECASE,
)
STRUCK_OUT = re.compile(r"~~[^~\n]{1,80}~~|<(s|del|strike)>[^<\n]{1,80}</\1>", re.IGNORECASE)
# "| Answer |\n|---|\n| 5 |"
ONE_COLUMN = re.compile(
    r"^\|([^|\n]{3,60})\|[ \t]{0,8}\n\|[-: ]{3,60}\|[ \t]{0,8}\n\|([^|\n]{1,200})\|[ \t]{0,8}$", re.MULTILINE
)
# Between what announces and what is announced: "Answer: = 5", "Answer:\n### 5"
SIGNS_BEFORE = re.compile(
    r"^(?:(?:[=≡→⇒⟹➜➡：]|#{1,6}(?=[ \t])|\\(?:Rightarrow|rightarrow|implies|to)(?![a-zA-Z]))[\s*]*)+"
)
BULLET = re.compile(r"^\s*[-•]\s+(?=\*\*|\$|\\[(\[])")
# "Réponse : il y a 5 solutions"
THERE_ARE = re.compile(
    r"(?:es (?:sind|gibt)|il y (?:en )?a|hay|ci sono|c['’]è|há|er zijn|there (?:is|are)|(?:一?共|总共)有?)"
    r"[\s*]*(?=[-+$\\\d])",
    re.IGNORECASE,
)
# What joins formulas to one answer
JOINT = re.compile(
    r"[ \t]*,?[ \t]*(?:(?P<or>or|或|oder|ou|или|または|또는)|(?P<and>and|和|und|et|и|と|와)|(?<=,)[ \t]*)"
    r"[ \t]*(?=\$|\\\()"
)
# Marks of emphasis around parts of a sentence, as in "is **42** minutes"; 2**10 and 2 ** 10 are powers.
EMPHASIS = re.compile(r"(?<=\S)\*\*(?=[\s.,;:!?%)\]]|[^\x00-\x7f]|$)|(?<![^\s(])\*\*(?=\S)")
# "204 minutes (3 h 24 min)"
SAID_AGAIN = re.compile(
    r"\s\((?![^()]*\b(?:or|and|mod|base|if|when|for|not)\b)"
    r"(?:[=≈~]|about|approximately|roughly)?\s?\d[^()]*[a-z][^()]*\)$"
)
# What a sentence adds to its answer: a reason, a contrast, another form.
REASONS = (
    r"because|since|as|which|due to|given that|so that|weil|denn|da|car|puisque|porque|perché",
    r"see|verified|confirmed|checked|I (?:think|believe|guess|am)|I['’]m",
    r"not|rather than|instead of|or (?:equivalently|about|approximately|roughly|simply)|i\.e|that is",
)
REASON = re.compile(rf"\s*[,(\[—–;]?\s*\b(?:{'|'.join(REASONS)})\b.*", re.IGNORECASE | re.DOTALL)
# "The volume of the box is 120" says 120.
# "The sum is 7 and the product is 12" says two things.
SAYS = re.compile(r"The (?:(?!\b(?:is|are|equals) \S*\d\S* and )[^.]){1,200} (?:is|are|equals) ((?:\S+ ?){1,3})")


@cache
def compiled(pattern: str) -> re.Pattern:
    """Those of twenty languages at once take a third of a second, of which most commands use none."""
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


def phrases(text: str, *, behind_phrase: str = "", behind_heading: str = "") -> Iterator[re.Match]:
    """Every announcing phrase and heading with what must follow it; patterns of languages whose words the text lacks
    are not tried."""
    lower = text.lower()
    for keys, pattern in patterns(behind_phrase, behind_heading):
        if any(key in lower for key in keys):
            yield from compiled(pattern).finditer(text)


def in_sentences(text: str) -> str:
    """A text in which a row of two cells is its first cell, a colon and its second, words set apart are bold, and what
    is struck out is gone."""
    if "|" in text:
        text = TWO_CELLS.sub(r"\1: \2", ONE_COLUMN.sub(r"\1: \2", text))
    if "~~" in text or "<" in text:
        text = STYLE_TAG.sub(lambda tag: "\n" if tag[1] else "", STRUCK_OUT.sub("", text))
    return SET_APART.sub(r"**\2**", text)


def meant(match: re.Match) -> bool:
    """Whether an announcement is one: neither supposed nor asked, nor of a wrong answer."""
    before = match.string[max(0, match.start() - 80) : match.start()]
    if "would" in match[0] and COUNTERFACTUAL.search(match.string, max(0, match.start() - 200), match.start()):
        return False
    clause = before[1 + max(map(before.rfind, ",.;:!?\n")) :]
    return SUPPOSED.search(clause) is None and WRONG_ONE.search(before) is None


def announced(text: str) -> str:
    """What the last announcement near the end announces; "" where there is none, or where it denies."""
    tail = in_sentences(CLOSING_WORDS.sub("", text[-TAIL_LENGTH:])) + "\n"
    found = [
        (match.end(), content_of(tail[match.end() :], heading="\n" in match[0]))
        for match in phrases(tail)
        if meant(match)
    ]
    found += [(match.end(), match[2].strip()) for match in TAG.finditer(tail)]
    found += [(match.end(), match[1].strip()) for match in LAST_LINE.finditer(tail)]
    found += [(match.end(), match[1].strip("*")) for match in REVERSED.finditer(tail) if meant(match)]
    announcements = [(place, content) for place, content in found if content is not None]
    return max(announcements)[1] if announcements else ""


def alone(text: str) -> str:
    """The formula or number that a text is, and nothing else; "" where it says more."""
    match = ALONE.fullmatch(text) if len(text) < 300 else None
    return match[match.lastgroup].strip() if match else ""


def with_further(rest: str, formula: re.Match) -> str:
    """A formula with those that are joined to it: `$x=2$ and $x=3$` is one answer; "" where it stands alone."""
    said, end = formula.group(), formula.end()
    while (joint := JOINT.match(rest, end)) and (further := DELIMITED.match(rest, joint.end())):
        word = " or " if joint["or"] else " and " if joint["and"] else ", "
        said, end = said + word + further.group(), further.end()
    return said if end > formula.end() else ""


def content_of(rest: str, *, heading: bool = False) -> str | None:
    """The answer that a sentence or a heading goes on with; "" where it denies one, None where it says none."""
    rest = (LINE_BEGINS if heading else BULLET).sub("", rest).strip(AROUND)
    rest = THERE_ARE.sub("", SIGNS_BEFORE.sub("", rest))
    if DENIED.match(rest):
        instead = INSTEAD.match(rest)
        return content_of(rest[instead.end() :]) if instead else ""
    if DISAGREED.search(rest.partition("\n")[0]):
        return ""
    if not rest or FURTHER.match(rest):
        return None
    formula = None if MONEY.match(rest) else DELIMITED.match(rest)
    if formula:
        said = with_further(rest, formula)
        if said:
            return said
        return next(group for group in formula.groups() if group is not None).strip()
    end = SENTENCE_END.search(rest)
    if end and end[0] in ("?", "？"):
        return None
    sentence = rest[: end.start() if end else len(rest)].partition("</")[0]
    sentence = EMPHASIS.sub("", sentence).strip(AROUND)
    if sentence[:1].isdigit() or sentence[:1] in "-+$\\":
        sentence = SAID_AGAIN.sub("", REASON.sub("", sentence))
    sentence = COPULA_BEHIND.sub("", FURTHER_KEYS.sub("", sentence))
    says = SAYS.fullmatch(sentence)
    if says:
        return says[1]
    return None if heading and len(sentence.split()) > 12 else sentence
