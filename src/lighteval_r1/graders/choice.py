r"""Multiple choice: which letter does the reply settle on?

What it asks
    Nothing itself: GPQA Diamond (A to D) uses it; letters go up to J, as in MMLU-Pro.

How it is graded
    The letter is read behind the thinking, in this order; the first that is found decides:
      box       the last box with one letter (`B`, `(B)`, `\text{B}`, `B) 5 m`, `\text{Option B}`) or an option's text;
      announced what stands last of: an announcement (graders.announcements: "Answer: B", "La réponse est B",
                "答案：B", "**Answer**" on a line of its own, `#### B`, <answer>B</answer>), a choice in other words
                (graders.choosing: "the correct option is B", "option B is correct", "I choose B", "故选B"), and a
                letter alone in the last line (`B`, `**(B)**`, "Option B", "So, B.") or at its end ("…, so B");
      option    an option's own text, announced or alone in the last line (where gold knows the texts).
    Else no answer: never the first capital letter, never an option that was rejected ("not B", "B is incorrect"), never
    one of several ("A or B", "A) 5 B) 6", "(i), (ii)"), never what is supposed ("if the answer is B") or taken back
    behind it ("Wait, that is wrong"). "Not B but C" settles on C.
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
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders import choosing
from lighteval_r1.graders.announcements import LAST_LINE, REASON, TAG, in_sentences, meant, phrases
from lighteval_r1.graders.grader import MALFORMED, Found, Grader, thought_through
from lighteval_r1.graders.latex import spell
from lighteval_r1.graders.numerals import exact
from lighteval_r1.graders.retractions import standing
from lighteval_r1.records import Grade, Outcome

if TYPE_CHECKING:
    from lighteval_r1.graders.statements import Candidate

LIMIT_S = 10.0
# How far from the end an announcement is looked for; a longer tail is a reply that goes on after its answer.
TAIL_LENGTH = 20_000
LETTERS = "ABCDEFGHIJ"
OPTION_ARTICLE = re.compile(r"^\s*(?:the|an?)\s+(?=\w)", re.IGNORECASE)


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
    return Grade(Outcome.CORRECT if answer == read_gold(gold)[0] else Outcome.WRONG, answer, where)


def shown_gold(gold: str) -> str:
    """The letter; of what is no gold, as a file of others may hold it, the text."""
    try:
        return read_gold(gold)[0]
    except MALFORMED:
        return gold


def candidates(thinking: str, *, problem: str, gold: str) -> "list[Candidate]":
    # Imported here: what looks for statements reads letters by this module.
    from lighteval_r1.graders.statements import letters

    return letters.candidates(thinking, problem=problem, gold=gold)


def extract(answer: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
    """The letter that an answer text settles on, "" if none, and the step that found it, or what settles on none."""
    letters = LETTERS[: len(options) or 10]
    answer = standing(answer)
    tail = in_sentences(answer[-TAIL_LENGTH:].translate(choosing.PLAIN_LETTERS))
    tail = choosing.OF_LETTERS.sub(lambda m: letter_of(m[1] or m[2]) or m[0], tail) if "\\" in tail else tail
    box = replies.last_box(answer).translate(choosing.PLAIN_LETTERS)
    if choosing.SEVERAL_LETTERS.match(unwrapped(box)):
        return "", f"several letters in the box ({box[:40]})"
    letter = in_box(box, options) if box else ""
    if letter and letter in letters:
        return letter, "box"
    listed = recited(tail)
    if listed:
        same = listed[0] == listed[-1]
        return (listed[0], "announced") if same else ("", f"a list of answers ({', '.join(listed)[:40]})")
    several = choosing.SEVERAL.search(tail)
    letter = (several and announced(tail[: several.start()], letters, options)) or announced(tail, letters, options)
    if letter:
        return letter, "announced"
    letter = by_text(tail, options)
    return (letter, "option's text") if letter else ("", "")


def unwrapped(content: str) -> str:
    r"""What stands in a box without \text{}, dollars, stars and the like."""
    return " ".join(choosing.UNWRAP.sub(" ", content[:2000]).split())


def in_box(content: str, options: tuple[str, ...]) -> str:
    """The letter in a box: alone, with its option's text, or the text alone; "" if there is none."""
    text = unwrapped(content)
    match = choosing.BOXED.fullmatch(text)
    if match and match[1] != "i":
        return match[1].upper()
    if letter := letter_of(content):
        return letter
    named = choosing.LETTER_AND_TEXT.match(text)
    exact = option_of(content, options) or option_of(text, options)
    return exact or (named.group(1) if named else "")


def letter_of(formula: str) -> str:
    r"""The letter that a formula is, without what says how it looks (`\bm{B}`); "" where it is none."""
    spelling = spell(formula[:200])
    return spelling.text if choosing.ONE_LETTER.fullmatch(spelling.text) and not spelling.units else ""


def announced(tail: str, letters: str, options: tuple[str, ...] = ()) -> str:
    """The letter that is announced last; "" if there is none, or if the last one settles on nothing."""
    places = [
        (match.start(group + 1), match[group + 1], stands(match, group, tail)) for match, group in statements(tail)
    ]
    for match in (*TAG.finditer(tail), *LAST_LINE.finditer(tail)):
        content = match[match.lastindex]
        several = choosing.SEVERAL_LETTERS.match(unwrapped(content))
        how = Stands.OPEN if several else Stands.SETTLED
        places.append((match.start(match.lastindex), in_box(content, options), how))
    places.append((len(tail), alone(tail, options), Stands.SETTLED))
    denied = set()
    for _, letter, how in sorted(places, key=lambda place: (place[0], place[2] is not Stands.SETTLED), reverse=True):
        letter = letter.upper()
        if how is Stands.OPEN:
            return ""
        if how is Stands.DENIED:
            denied.add(letter)
        elif how is Stands.SETTLED and letter and letter in letters and letter not in denied:
            return letter
    return ""


def statements(tail: str) -> Iterator[tuple[re.Match, int]]:
    """(match, group of its denial) of every announcement; the letter is the next group."""
    announced = phrases(tail, behind_phrase=choosing.BEHIND_PHRASE, behind_heading=choosing.BEHIND_HEADING)
    for match in announced:
        group = next((i for i in range(2, len(match.groups()) + 1, 2) if match[i] is not None), 0)
        if group and meant(match):
            yield match, group - 1
    plain = tail.isascii()
    for pattern in (choosing.CHOSEN,) if plain else (choosing.CHOSEN, choosing.CHOSEN_ELSEWHERE):
        for match in pattern.finditer(tail):
            chosen = choosing.AFTER_CHOICE.match(tail, match.end())
            if chosen and meant(match):
                yield chosen, 1
    for pattern in (choosing.NAMED,) if plain else (choosing.NAMED, choosing.NAMED_ELSEWHERE, choosing.NAMED_BEHIND):
        yield from ((match, 1) for match in pattern.finditer(tail) if meant(match))


def recited(tail: str) -> list[str]:
    """The letters of a reply that is nothing but three or more answers, one a line; [] for all others."""
    lines = [line for line in tail.splitlines() if line.strip()]
    if len(lines) < 3:
        return []
    matches = [choosing.RECITED.fullmatch(line) for line in lines[:100]]
    return [match.group(1) for match in matches if match] if all(matches) else []


class Stands(Enum):
    """How an announcement of a letter stands: for it, against it, for several, or it is none at all."""

    SETTLED, DENIED, OPEN, NOT = range(4)


def stands(match: re.Match, group: int, tail: str) -> Stands:
    """Not settled are "not B", "A or B", a list of options, the words "a" and "I", the roman "(i)"."""
    letter, end = match[group + 1], match.end(group + 1)
    before, after = tail[max(0, match.start() - 30) : match.start()], tail[end : end + 300]
    if letter == "i" or (letter.islower() and re.match(r" [a-z]", after) and match[0][-2:-1] not in tuple("(*[")):
        return Stands.NOT
    if (letter == "I" and choosing.WORDS_AFTER_I.match(after)) or (
        letter == "A" and choosing.WORDS_AFTER_A.match(after)
    ):
        return Stands.NOT
    if match[group] or choosing.REJECTED_BEFORE.search(before) or choosing.REJECTED_AFTER.match(after):
        return Stands.DENIED
    if choosing.UNDECIDED.match(after) or choosing.ONE_OF.search(before):
        return Stands.OPEN
    listed = (choosing.LISTED.match(after) and "\n" in match[0]) or options_go_on(letter, after)
    return Stands.NOT if listed or choosing.CONDITIONAL.match(after) else Stands.SETTLED


def options_go_on(letter: str, after: str) -> bool:
    """Whether the next letter follows in the same line with the same sign: "A) Paris B) Rome" lists options."""
    sign = re.match(r"\s*([).:])", after)
    if sign is None or letter.upper() == "J":
        return False
    following = chr(ord(letter.upper()) + 1)
    # No other option stands between: "(C) because (A), (B) and (D) fail" lists none.
    between = rf"(?:(?![A-J]\{sign[1]}).)*?"
    return re.match(rf"{between}[\s(,;]{following}\{sign[1]}\s", after.partition("\n")[0]) is not None


def alone(tail: str, options: tuple[str, ...]) -> str:
    """The letter that the last line is, alone or with its option's text; "" in a list of letters or options."""
    lines = [
        choosing.UNWRAP.sub("", line).strip(" \t`\"'“”#>-=⇒→∴") for line in tail[-2_000:].splitlines() if line.strip()
    ]
    if not lines:
        return ""
    match = choosing.ALONE.fullmatch(lines[-1])
    before = lines[-2] if len(lines) > 1 else ""
    if match and (match[1].isupper() or len(lines) == 1):
        return "" if choosing.ALONE.fullmatch(before) or choosing.LETTERED.match(before) else match[1].upper()
    concluded = choosing.CONCLUDED.search(lines[-1])
    if concluded:
        return concluded[1]
    option = choosing.LETTERED.fullmatch(lines[-1])
    if (
        option is None
        or any(choosing.LETTERED.match(line) for line in lines[:-1])
        or options_go_on(option[1], lines[-1][1:])
        or choosing.SAID_OF_LETTER.match(option[2])
    ):
        return ""
    if options:
        return option[1] if option_of(option[2], options) == option[1] else ""
    return option[1] if len(option[2]) <= 60 and not re.search(r"[.!?]\s", option[2]) else ""


def folded(text: str) -> tuple[str, frozenset[str]]:
    """An option's text in its one spelling, a number reduced, without case and spacing; and its units."""
    spelling = spell(OPTION_ARTICLE.sub("", text[:2000]))
    value = exact(spelling.text)
    return (
        str(value) if value is not None else re.sub(r"[^\w+\-./^\\]", "", spelling.text).casefold(),
        spelling.units,
    )


def option_of(text: str, options: tuple[str, ...]) -> str:
    """The letter of the one option whose text this is; "" if none or several."""
    wanted, units = folded(text)
    if not wanted:
        return ""
    known = [(letter, *folded(option)) for letter, option in zip(LETTERS, options, strict=False)]
    found = [
        letter for letter, spelling, named in known if spelling == wanted and (named == units or not named or not units)
    ]
    return found[0] if len(found) == 1 else ""


def by_text(tail: str, options: tuple[str, ...]) -> str:
    """The option whose text is announced, or stands alone in the last line; "" if none."""
    if not options:
        return ""
    lines = [line.strip(" *_`.") for line in tail.strip().splitlines() if line.strip(" *_`.")]
    # The last of several options' texts recites them.
    recites = len(lines) > 1 and option_of(re.sub(r"^\(?[A-J][).:]\s+", "", lines[-2]), options)
    last = lines[-1] if lines and not recites else ""
    concluded = choosing.CONCLUDED_IN_WORDS.fullmatch(last[-300:])
    said = [replies.announced(tail), last, concluded["option"] if concluded else ""]
    for candidate in dict.fromkeys(form for text in said for form in (text, REASON.sub("", text))):
        named = re.match(r"\(?([A-J])\)?(?:[).:]|\s[-–—])\s+(.+)", candidate)
        if named and option_of(named[2], options) == named[1]:
            return named[1]
        behind = re.match(r"(.+?)\s*\(([A-J])\)$", candidate)
        if behind and option_of(behind[1], options) == behind[2]:
            return behind[2]
        letter = option_of(candidate, options)
        if letter:
            return letter
    return ""


def reference(gold: str) -> str:
    return thought_through(f"Answer: {read_gold(gold)[0]}")


CHOICE = Grader(
    name="choice",
    find=find,
    judge=judge,
    shown_gold=shown_gold,
    label=str,
    candidates=candidates,
    limit_s=LIMIT_S,
    confined=False,
    answer_in_thinking=True,
    note=None,
    lettered=True,
    reference=reference,
)
