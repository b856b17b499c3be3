r"""Multiple choice: which letter does the reply settle on?

What it asks
    Nothing itself: GPQA Diamond (A to D) uses it; letters go up to J, as in MMLU-Pro.

How it is graded
    The letter is read behind the thinking, in this order; the first that is found decides:
      box       the last box with one letter (`B`, `(B)`, `\text{B}`, `B) 5 m`, `\text{Option B}`) or an option's text;
      announced what stands last of: an announcement (graders.announcements: "Answer: B", "La réponse est B", "答案：B",
                "**Answer**" on a line of its own, `#### B`, <answer>B</answer>), "the correct option is B", "option B
                is correct", "I choose B", "故选B", and a letter alone in the last line (`B`, `**(B)**`, "Option B",
                "So, B.");
      option    an option's own text, announced or alone in the last line (where gold knows the texts).
    Else no answer: never the first capital letter, never an option that was rejected ("not B", "B is incorrect"), never
    one of several ("A or B", "A) 5 B) 6", "(i), (ii)"), never what is supposed ("if the answer is B").
    gold is a letter, or JSON {"letter": "B", "options": ["text of A", …]}.

What it gets wrong
    Several announcements: the last one counts, though the reply may have meant another. An option named in words alone
    ("the second one") is no answer, nor is a roman numeral. Without the options' texts, an answer in the option's words
    is no answer.

What it could wrongly accept
    A letter in the last line that is no answer: the last of a list of options ("D. Berlin" behind "C. Rome") is none.

Source
    Forms of answers: OpenAI simple-evals, https://github.com/openai/simple-evals (its "Answer: $LETTER" instruction),
    and replies to MMLU-Pro, https://huggingface.co/datasets/TIGER-Lab/MMLU-Pro.
"""

import json
import re
from functools import lru_cache

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.announcements import LAST_LINE, TAG, meant, patterns, phrases
from lighteval_r1.graders.grader import Found, Grader
from lighteval_r1.graders.latex import plain
from lighteval_r1.graders.statements import Candidate
from lighteval_r1.records import Grade, Outcome

LIMIT_S = 10.0
# How far from the end an announcement is looked for; a longer tail is a reply that goes on after its answer.
TAIL_LENGTH = 20_000
LETTERS = "ABCDEFGHIJ"
FULL_WIDTH = str.maketrans({chr(ord("Ａ") + i): chr(ord("A") + i) for i in range(10)})

WRAPPED = (
    r"(?:\\(?:text|textbf|mathbf|mathrm|mbox|boxed|bf|rm)\s{0,4}\{\s{0,4}|\\[(\[]|[\s*_`\"'“”$(\[{<（【「『]){0,8}"
)
ENDED = r"(?![a-zA-Z0-9'’]|\s{0,4}\^|\s{0,4}=|\.[a-zA-Z]\.|[+(]|[-_][a-zA-Z0-9])"
# What an option is called: "option B", "la lettre B", "选项B".
NOUN = (
    r"(?:option|choice|letter|statement|lettre|l'option|buchstabe|antwort|opción|opcion|letra|lettera|opção|alternativa"
    r"|opzione|risposta|вариант|буква|选项|選項|選択肢|选择|보기|đáp án|pilihan)"
)
ARTICLE = r"(?:(?:the|la|le|il|el|a|die|der|das|de|het)\s{1,4})?"
LETTER = WRAPPED + rf"{ARTICLE}(?:{NOUN}\s{{0,4}})?" + WRAPPED + r"([A-Ja-j])" + ENDED
DENIED = r"(not\b|none\b|pas\b|nicht\b|不是|非)?"
ANNOUNCED = patterns(DENIED + LETTER, MARKUP_AND_LETTER := rf"\s{{0,4}}(){LETTER}")
FIRST = r"correct|right|best|closest|final|appropriate|accurate|likely|reasonable|most \w{1,20}|chosen|selected|my|our"
IS = r"(?:is|would be|must be|should be|:|：|=)\s{0,4}[:：]?\s{0,4}(?:therefore\s{1,4}|thus\s{1,4}|clearly\s{1,4})?"
# What chooses an option in words of its own.
CHOOSING = (
    # "the correct option is B", "closest match among these is B"
    rf"\b(?:{FIRST})\s{{1,4}}(?:option|choice|match|statement|answer|letter)(?:\s{{1,4}}(?:among|from|of|in)\s[^.\n]{{0,60}}?)?\s{{0,4}}{IS}",
    r"(?:^|\n)[ \t]{0,8}[*_#]{0,3}(?:option|choice|ans(?:wer)?\.?)[*_]{0,3}\s{0,4}[:：.]\s{0,4}",
    r"\b(?:I|we)(?:'ll|'d| will| would| therefore)?\s{1,4}(?:choose|select|pick|go with|chose)\s{1,4}",
    r"\banswer\s(?=\(?[A-J](?:\)|:|\.?\s{0,4}$))",
    r"(?:bonne|richtige|korrekte|correcta|corretta|correta|juiste)\s{1,4}(?:option|antwort|opción|risposta|alternativa|opção)\s{1,4}(?:est|ist|es|è|é|is)\s{1,4}",
    r"(?:故|应|應|所以|因此|我)?(?:选择|選擇|选|選)(?:项|項)?\s{0,4}[:：]?\s{0,4}",
    r"(?:正确|最佳)(?:的)?(?:选项|選項)(?:是|为|為|[:：])\s{0,4}",
    r"правильный\s{1,4}(?:ответ|вариант)\s{0,4}(?:[:—–-]|это)?\s{0,4}",
)
CHOSEN = re.compile("|".join(f"(?:{form})" for form in CHOOSING), re.IGNORECASE | re.MULTILINE)
AFTER_CHOICE = re.compile(DENIED + LETTER, re.IGNORECASE)
NAMED = re.compile(
    WRAPPED
    + r"\b(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Aa]ntwort|[Ss]tatement)\s{1,4})?[(*\s]{0,3}()([A-J])[)*.:]{0,3}\s{1,4}"
    r"(?:is|must "
    r"be|seems|appears|ist|est|es)\s{1,4}(?:therefore\s{1,4}|thus\s{1,4}|clearly\s{1,4}|the\s{1,4})?(?:most\s{1,4})?"
    r"(?:correct|right|best|closest|answer|richtig|korrekt|correcta|correcte|la bonne "
    r"réponse)\b(?!\s{1,4}(?:to|than|if|for)\b)"
)
NAMED_ELSEWHERE = re.compile(rf"{NOUN}\s{{0,4}}()([A-J])\s{{0,4}}(?:是正确|正确|が正しい|이 정답|가 정답)")
# "The answer is A or B" and "A and B" settle on nothing; nor does the first of options in a line.
UNDECIDED = re.compile(
    r"[)*\s.}$]{0,4}(?:or|and|/|,|&|or possibly|and/or|oder|ou|o|y|和|或|、|及|and "
    r"also)\s{0,4}(?:option\s{0,4})?[(*]{0,2}[A-J]\b(?!\s{1,4}[a-z])"
)
SEVERAL_LETTERS = re.compile(
    r"(?:(?:options?|choices?|answers?)[\s:]*)?(?:[(\[]?[A-J]"
    + UNDECIDED.pattern
    + r"|(?:[(\[]?[A-J][)\]]?[\s;&]+){1,9}[(\[]?[A-J][)\]]?$)"
)
REJECTED_BEFORE = re.compile(
    r"(?:\bnot|n't|\brule "
    r"out|\beliminate|\breject|\bwrong|\bincorrect|\bneither|\beither|\bboth|\bexcept)\s{0,4}(?:the\s{0,4})?(?:correct\s{0,4})?$",
    re.IGNORECASE,
)
# "A, B and C is correct" and "none of A, B, C is correct" settle on none of them.
ONE_OF = re.compile(r"\b[A-J][)*]{0,3}\s{0,3}(?:,|and|or|/|&|nor)\s{0,3}(?:option\s)?$")
REJECTED_AFTER = re.compile(
    r"[)*.\s]{0,4}(?:is|would be|are|was)\s{0,4}(?:n't|not|incorrect|wrong|false|clearly wrong)\b|\s{0,4}\?"
)
CONDITIONAL = re.compile(r"[)*.\s]{0,4}\b(?:if|only if|unless|when|provided)\b")
# The next line is another lettered option: a list of options follows "the answer is:", and says nothing.
LISTED = re.compile(r"[^\n]*\n\s{0,4}\(?[A-J][.)]\s")
ROMAN = re.compile(r"[)\s]{0,3}(?:,|and|or|only|&)|\s{0,4}\)")
WORDS_AFTER_I = re.compile(
    r"\s{1,4}(?:am|was|have|had|would|will|think|believe|can|could|should|do|did|get|got|found|gave|don't|cannot|need)\b"
)
WORDS_AFTER_A = re.compile(r" [a-z]+ (?:of|that|which|in|with|for|is)\b| [a-z]+[.!]?\s{0,4}$")
# Models that were shown several questions go on to sum up all of them: that is no longer about this one.
SEVERAL = re.compile(
    r"^[^\n]{0,20}(?:summar\w+|combin\w+|considering|list\w*|review\w*|总结)[^\n]{0,10}"
    r"(?:\ball (?:of )?(?:the |these |your )?(?:questions|answers)|所有|以上)",
    re.IGNORECASE | re.MULTILINE,
)
RECITED = re.compile(
    r"\s*(?:\d{1,2}[.)]\s*)?(?:The (?:correct )?answer is|Answer:)[\s(*]{0,4}([A-J])[\s).*]{0,4}", re.IGNORECASE
)
BOXED = re.compile(
    r"(?:(?:option|choice|answer|letter)[\s:]*)?[(\[]?([A-Ja-hj])(?:[)\].:,].*|\s?[-–—]\s.*|)",
    re.IGNORECASE | re.DOTALL,
)
# A letter and its option's text; `A = 5` and "A man" are none.
LETTER_AND_TEXT = re.compile(r"([A-J])\s+(?![=<>+*/^_≤≥≠|-]|\\|(?:is|of|and|or|in|to)\b)(?!(?<=A )[a-z])\S")
UNWRAP = re.compile(r"\\(?:text|textbf|mathbf|mathrm|mbox|bf|rm|quad)(?![a-zA-Z])|\\[,;!]|[{}$*~_]|\\\(|\\\)|\\ ")
# A last line that is a letter: `**(B)**`, "Option B.", "So, B."; and one with the option's text behind it.
ALONE = re.compile(
    r"(?:(?:so|thus|therefore|hence|answer|final answer)\b[,:]?\s*(?:it(?:'s| "
    r"is)\s+)?)?(?:(?:the\s+)?(?:option|choice|answer)\s+)?"
    r"[\s(\[]*([A-J])[\s)\]]*[.!。]?",
    re.IGNORECASE,
)
LETTERED = re.compile(r"[\s(\[*]*([A-J])[)\].:：、][\s*]*(\S.*)")


@lru_cache(maxsize=4096)
def read_gold(gold: str) -> tuple[str, tuple[str, ...]]:
    """Letter and texts of the options; () where gold is a letter alone. ValueError where it is neither."""
    if gold.lstrip().startswith("{"):
        record = json.loads(gold)
        return record["letter"].strip().upper(), tuple(record.get("options", ()))
    letter = gold.strip().strip("()").upper()
    if len(letter) != 1 or not "A" <= letter <= "J":
        raise ValueError(f"gold {gold!r} is no letter from A to J. Give a letter, or JSON with letter and options.")
    return letter, ()


def find(text: str, gold: str) -> Found:
    """The letter that the text settles on. ValueError where the gold is none."""
    _, options = read_gold(gold)
    return Found(*extract(text, options))


def judge(answer: str, where: str, gold: str) -> Grade:
    return Grade(Outcome.CORRECT if answer == gold_letter(gold) else Outcome.WRONG, answer, where)


def gold_letter(gold: str) -> str:
    letter, _ = read_gold(gold)
    return letter


def as_letter(answer: str) -> str:
    return answer


def candidates(thinking: str, *, problem: str, gold: str) -> list[Candidate]:
    # Imported here: what looks for statements reads letters by this module.
    from lighteval_r1.graders.statements import letters

    return letters.candidates(thinking, problem=problem, gold=gold)


def extract(answer: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
    """The letter that an answer text settles on, "" if none, and the step that found it, or what settles on none."""
    letters = LETTERS[: len(options) or 10]
    tail = answer[-TAIL_LENGTH:].translate(FULL_WIDTH)
    boxes = replies.boxes(answer)
    box = boxes[-1][2].translate(FULL_WIDTH) if boxes else ""
    if SEVERAL_LETTERS.match(unwrapped(box)):
        return "", f"several letters in the box ({box[:40]})"
    letter = in_box(box, options) if box else ""
    if letter and letter in letters:
        return letter, "box"
    listed = recited(tail)
    if listed:
        same = listed[0] == listed[-1]
        return (listed[0], "announced") if same else ("", f"a list of answers ({', '.join(listed)[:40]})")
    several = SEVERAL.search(tail)
    letter = (several and announced(tail[: several.start()], letters, options)) or announced(tail, letters, options)
    if letter:
        return letter, "announced"
    letter = by_text(tail, options)
    return (letter, "option's text") if letter else ("", "")


def unwrapped(content: str) -> str:
    r"""What stands in a box without \text{}, dollars, stars and the like."""
    return " ".join(UNWRAP.sub(" ", content[:2000]).split())


def in_box(content: str, options: tuple[str, ...]) -> str:
    """The letter in a box: alone, with its option's text, or the text alone; "" if there is none."""
    text = unwrapped(content)
    match = BOXED.fullmatch(text)
    if match:
        return match.group(1).upper()
    named = LETTER_AND_TEXT.match(text)
    exact = option_of(content, options)
    return exact or (named.group(1) if named else "")


def announced(tail: str, letters: str, options: tuple[str, ...] = ()) -> str:
    """The letter that is announced last; "" if there is none, or if the last one settles on nothing."""
    places = [
        (match.start(group + 1), match[group + 1]) for match, group in statements(tail) if settled(match, group, tail)
    ]
    for match in (*TAG.finditer(tail), *LAST_LINE.finditer(tail)):
        content = match[match.lastindex]
        letter = "" if SEVERAL_LETTERS.match(unwrapped(content)) else in_box(content, options)
        places.append((match.start(match.lastindex), letter))
    places.append((len(tail), alone(tail, options)))
    return next(
        (letter.upper() for _, letter in sorted(places, reverse=True) if letter and letter.upper() in letters), ""
    )


def statements(tail: str):
    """(match, group of its denial) of every announcement; the letter is the next group."""
    for match in phrases(tail, ANNOUNCED):
        group = next((i for i in range(2, len(match.groups()) + 1, 2) if match[i] is not None), 0)
        if group and meant(match):
            yield match, group - 1
    for match in CHOSEN.finditer(tail):
        chosen = AFTER_CHOICE.match(tail, match.end())
        if chosen and meant(match):
            yield chosen, 1
    for pattern in (NAMED, NAMED_ELSEWHERE):
        for match in pattern.finditer(tail):
            if meant(match):
                yield match, 1


def recited(tail: str) -> list[str]:
    """The letters of a reply that is nothing but three or more answers, one a line; [] for all others."""
    lines = [line for line in tail.splitlines() if line.strip()]
    if len(lines) < 3:
        return []
    matches = [RECITED.fullmatch(line) for line in lines[:100]]
    return [match.group(1) for match in matches if match] if all(matches) else []


def settled(match: re.Match, group: int, tail: str) -> bool:
    """Whether an announcement stands: not "not B", not "A or B", not a list, not the word "a" or "I", not "(i)"."""
    before = max(0, match.start() - 30)
    if (
        match[group]
        or REJECTED_BEFORE.search(tail, before, match.start())
        or ONE_OF.search(tail, before, match.start())
    ):
        return False
    letter, end = match[group + 1], match.end(group + 1)
    after = tail[end : end + 300]
    if UNDECIDED.match(after) or REJECTED_AFTER.match(after) or CONDITIONAL.match(after):
        return False
    if (LISTED.match(after) and "\n" in match[0]) or options_go_on(letter, after):
        return False
    if letter.islower():
        # "(i), (ii)" are roman, "a matter of taste" is a word.
        return letter != "i" and (not re.match(r" [a-z]", after) or match[0][-2:-1] in "(*[")
    # "The answer is A because" is a letter; "The answer is A matter of" and "I think" are words.
    return not (
        letter == "I" and (WORDS_AFTER_I.match(after) or re.match(r"[),\s]{0,3}(?:and|or|&)?\s{0,3}II", after))
    ) and not (letter == "A" and WORDS_AFTER_A.match(after) and not re.match(r" (?:because|since|as)\b", after))


def options_go_on(letter: str, after: str) -> bool:
    """Whether the next letter follows in the same line with the same sign: "A) Paris B) Rome" lists options."""
    sign = re.match(r"\s*([).:])", after)
    if sign is None or letter.upper() == "J":
        return False
    following = chr(ord(letter.upper()) + 1)
    return re.search(rf"[\s(,;]{following}\{sign[1]}\s", after.partition("\n")[0]) is not None


def alone(tail: str, options: tuple[str, ...]) -> str:
    """The letter that the last line is, alone or with its option's text; "" in a list of letters or options."""
    lines = [UNWRAP.sub("", line).strip(" \t`\"'“”#>-") for line in tail[-2_000:].splitlines() if line.strip()]
    if not lines:
        return ""
    match = ALONE.fullmatch(lines[-1])
    before = lines[-2] if len(lines) > 1 else ""
    if match and (match[1].isupper() or len(lines) == 1):
        return "" if ALONE.fullmatch(before) or LETTERED.match(before) else match[1].upper()
    lettered = LETTERED.fullmatch(lines[-1])
    if (
        lettered is None
        or any(LETTERED.match(line) for line in lines[:-1])
        or options_go_on(lettered[1], lines[-1][1:])
    ):
        return ""
    if options:
        return lettered[1] if option_of(lettered[2], options) == lettered[1] else ""
    return lettered[1] if len(lettered[2]) <= 60 and len(lines) > 1 and not re.search(r"[.!?]\s", lettered[2]) else ""


def fold(text: str) -> str:
    return re.sub(r"[^\w+\-./^\\]", "", plain(text[:2000])).casefold()


def option_of(text: str, options: tuple[str, ...]) -> str:
    """The letter of the one option whose text this is; "" if none or several."""
    wanted = fold(text)
    if not wanted:
        return ""
    found = [letter for letter, option in zip(LETTERS, options, strict=False) if fold(option) == wanted]
    return found[0] if len(found) == 1 else ""


def by_text(tail: str, options: tuple[str, ...]) -> str:
    """The option whose text is announced, or stands alone in the last line; "" if none."""
    if not options:
        return ""
    lines = [line.strip(" *_`.") for line in tail.strip().splitlines() if line.strip(" *_`.")]
    candidates = [replies.announced(tail), lines[-1] if lines else ""]
    for candidate in candidates:
        lettered = re.match(r"\(?([A-J])\)?[).:]\s+(.+)", candidate)
        if lettered and option_of(lettered.group(2), options) == lettered.group(1):
            return lettered.group(1)
        letter = option_of(candidate, options)
        if letter:
            return letter
    return ""


CHOICE = Grader(
    name="choice",
    find=find,
    judge=judge,
    shown_gold=gold_letter,
    label=as_letter,
    candidates=candidates,
    limit_s=LIMIT_S,
    confined=False,
    answer_in_thinking=True,
)
