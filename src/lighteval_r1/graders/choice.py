r"""Multiple choice: which letter does the reply settle on?

What it asks
    Nothing itself: GPQA Diamond (A to D) uses it; letters go up to J, as in MMLU-Pro.

How it is graded
    The letter is read after `</think>`, in this order; the first that is found decides:
      box       the last `\boxed{…}` with one letter (`B`, `(B)`, `\text{B}`, `B) 5 m`, `\text{Option B}`) or an
        option's text; announced the last "Answer: B" or "answer is (B)", in bold, brackets, `\text{}`, dollars or with
        the option's text;
                also "option B is correct", "B is the correct answer" and the "closest option is B";
      alone     a letter that is all there is after the thinking;
      option    an option's own text, behind "answer is" or alone in the last line (where gold knows the texts).
    Else no_answer: never the first capital letter, never an option that was rejected ("not B", "B is incorrect").
    gold is a letter, or JSON {"letter": "B", "options": ["text of A", …]}.

What it gets wrong
    Several announcements: the last one counts, though the reply may have meant another. An option named in words alone
    ("the second one") is no answer. Without the options' texts, an answer in the option's words is no answer.

Source
    Forms of answers: OpenAI simple-evals, https://github.com/openai/simple-evals (its "Answer: $LETTER" instruction),
    and replies to MMLU-Pro, https://huggingface.co/datasets/TIGER-Lab/MMLU-Pro.
"""

import json
import re
from functools import lru_cache

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.grader import Found, Grader
from lighteval_r1.graders.latex import plain
from lighteval_r1.graders.statements import Candidate
from lighteval_r1.records import Grade, Outcome

LIMIT_S = 10.0
# How far from the end an announcement is looked for; a longer tail is a reply that goes on after its answer.
TAIL_LENGTH = 20_000

WRAPPED = r"(?:\\(?:text|textbf|mathbf|mathrm|mbox|boxed|bf|rm)\s*\{\s*|\\[(\[]|[\s*_`\"'“”$(\[{<（【]){0,8}"
ENDED = r"(?![a-zA-Z0-9'’]|\s*\^|\s*=)"
LETTER = WRAPPED + r"(?:(?:option|choice|letter)\s+" + WRAPPED + r")?([A-Ja-j])" + ENDED
ANNOUNCED = re.compile(
    r"\banswer\b(?:\s+(?:choice|option|letter))?(?:\s+(?:to|for)\s+(?:the|this)\s+(?:question|problem))?[\s*_`\"]{0,4}"
    r"(?:(?:is|are|should be|would be|must be|will be)\b(?:\s+(?:therefore|thus|most "
    r"likely|likely|clearly|indeed|option|choice|letter))?"
    r"[\s.…:：]{0,6}|[:：=→]\s*|\s(?=\(?[A-J](?:\)|:|\.?\s*$)))" + r"(not\b|none\b)?" + LETTER,
    re.IGNORECASE,
)
CHOSEN = re.compile(
    r"(?:\b(?:correct|right|best|closest|final|most "
    r"(?:appropriate|accurate|likely|reasonable))\s+(?:option|choice|match|statement|answer)"
    r"(?:\s+(?:among|from|of|in)\s[^.\n]{0,60}?)?\s+(?:is|would be|must be|should be)\s*[:：]?"
    r"|\b(?:I|we)(?:'ll| will| would)?\s+(?:choose|select|pick|go with)\s+)()" + LETTER,
    re.IGNORECASE,
)
NAMED = re.compile(
    WRAPPED + r"\b(?:(?:[Oo]ption|[Cc]hoice|[Aa]nswer)\s+)?[(*\s]{0,3}()([A-J])[)*.:]{0,3}\s+(?:is|must "
    r"be|seems|appears)\s+(?:therefore\s+|thus\s+|the\s+)?"
    r"(?:most\s+)?(?:correct|right|best|closest|answer)\b(?!\s+(?:to|than)\b)"
)
# "The answer is A or B" and "A and B" settle on nothing.
UNDECIDED = re.compile(r"[)*\s.}$]{0,4}(?:or|and|/|,)\s*(?:option\s*)?\(?[A-J]\b(?!\s+[a-z])")
SEVERAL_LETTERS = re.compile(
    r"(?:(?:options?|choices?|answers?)[\s:]*)?(?:[(\[]?[A-J]"
    + UNDECIDED.pattern
    + r"|(?:[(\[]?[A-J][)\]]?[\s;&]+){1,9}[(\[]?[A-J][)\]]?$)"
)
REJECTED_BEFORE = re.compile(
    r"(?:\bnot|n't|\brule out|\beliminate|\breject|\bwrong|\bincorrect)\s*(?:the\s*)?(?:correct\s*)?$", re.IGNORECASE
)
REJECTED_AFTER = re.compile(r"[)*.\s]{0,4}(?:is|would be|are)\s+(?:not|incorrect|wrong|false)\b")
# The next line is another lettered option: a list of options follows "the answer is:", and says nothing.
LISTED = re.compile(r"[^\n]*\n\s*\(?[A-J][.)]\s")
WORDS_AFTER_I = re.compile(
    r"\s+(?:am|was|have|had|would|will|think|believe|can|could|should|do|did|get|got|found|gave)\b"
)
# Models that were shown several questions go on to sum up all of them: that is no longer about this one.
SEVERAL = re.compile(
    r"^[^\n]{0,20}(?:summar\w+|combin\w+|considering|list\w*|review\w*|总结)[^\n]{0,10}"
    r"(?:\ball (?:of )?(?:the |these |your )?(?:questions|answers)|所有|以上)",
    re.IGNORECASE | re.MULTILINE,
)
RECITED = re.compile(
    r"\s*(?:\d{1,2}[.)]\s*)?(?:The (?:correct )?answer is|Answer:)[\s(*]{0,4}([A-J])[\s).*]{0,4}", re.IGNORECASE
)
BOXED = re.compile(r"(?:(?:option|choice|answer)[\s:]*)?[(\[]?([A-Ja-j])(?:[)\].:,\-–].*|)", re.IGNORECASE | re.DOTALL)
UNWRAP = re.compile(r"\\(?:text|textbf|mathbf|mathrm|mbox|bf|rm|quad)(?![a-zA-Z])|\\[,;!]|[{}$*~_]|\\\(|\\\)|\\ ")


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
    """The letter that a reply's answer settles on, "" if none, and the step that found it."""
    letters = "ABCDEFGHIJ"[: len(options) or 10]
    found = replies.boxes(answer)
    box = found[-1][2] if found else ""
    if SEVERAL_LETTERS.match(unwrapped(box)):
        return "", f"several letters in the box ({box[:40]})"
    letter = in_box(box, options) if box else ""
    if letter and letter in letters:
        return letter, "box"
    tail = answer[-TAIL_LENGTH:]
    listed = recited(tail)
    if listed:
        return (
            (listed[0], "announced")
            if listed[0] == listed[-1]
            else ("", f"a list of answers ({', '.join(listed)[:40]})")
        )
    several = SEVERAL.search(tail)
    letter = (several and announced(tail[: several.start()], letters)) or announced(tail, letters)
    if letter:
        return letter, "announced"
    alone = re.fullmatch(r"[\s(\[*]{0,6}([A-J])[\s)\].*]{0,6}", answer)
    if alone and alone[1] in letters:
        return alone[1], "alone"
    letter = by_text(tail, options)
    return (letter, "option's text") if letter else ("", "nothing")


def unwrapped(content: str) -> str:
    r"""What stands in a box without \text{}, dollars, stars and the like."""
    return " ".join(UNWRAP.sub(" ", content[:2000]).split())


def in_box(content: str, options: tuple[str, ...]) -> str:
    """The letter in a box: alone, with its option's text, or the text alone; "" if there is none."""
    text = unwrapped(content)
    match = BOXED.fullmatch(text)
    if match:
        return match.group(1).upper()
    named = re.match(r"([A-J])\s+\S", text)
    exact = option_of(content, options)
    return exact or (named.group(1) if named else "")


def announced(tail: str, letters: str) -> str:
    """The letter of the last announcement; "" if there is none, or if the last one settles on nothing."""
    matches = [match for pattern in (ANNOUNCED, CHOSEN, NAMED) for match in pattern.finditer(tail)]
    matches = [match for match in matches if settled(match, tail)]
    for match in sorted(matches, key=lambda match: match.start(2), reverse=True):
        letter = match.group(2).upper()
        if letter in letters:
            return letter
    return ""


def recited(tail: str) -> list[str]:
    """The letters of a reply that is nothing but three or more answers, one a line; [] for all others."""
    lines = [line for line in tail.splitlines() if line.strip()]
    if len(lines) < 3:
        return []
    matches = [RECITED.fullmatch(line) for line in lines[:100]]
    return [match.group(1) for match in matches if match] if all(matches) else []


def settled(match: re.Match, tail: str) -> bool:
    """Whether an announcement stands: not "not B", not "A or B", not a list, not the word "a" or "I"."""
    if match.group(1) or REJECTED_BEFORE.search(tail[max(0, match.start() - 30) : match.start()]):
        return False
    letter, after = match.group(2), tail[match.end(2) : match.end(2) + 300]
    if UNDECIDED.match(after) or REJECTED_AFTER.match(after) or (LISTED.match(after) and "\n" in match.group()):
        return False
    if letter.islower():
        return not re.match(r" [a-z]", after) or match.group()[-2:-1] in "(*["
    # "The answer is A because" is a letter; "The answer is A matter of" and "I think" are words.
    return not (letter == "I" and WORDS_AFTER_I.match(after)) and not (
        letter == "A" and re.match(r" [a-z]+ (?:of|that|which)\b", after)
    )


def fold(text: str) -> str:
    return re.sub(r"[^\w+\-./^\\]", "", plain(text[:2000])).casefold()


def option_of(text: str, options: tuple[str, ...]) -> str:
    """The letter of the one option whose text this is; "" if none or several."""
    wanted = fold(text)
    if not wanted:
        return ""
    found = [letter for letter, option in zip("ABCDEFGHIJ", options, strict=False) if fold(option) == wanted]
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
    answer_in_thinking=False,
)
