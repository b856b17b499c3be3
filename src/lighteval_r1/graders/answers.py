r"""Where an answer stands in a text: in its last box, or behind what announces it; and why a reply has none.

Which text that is, graders.splitting decides. Everything here is linear in the text's length: replies are hostile and
may be 10 MB of "\boxed{".
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from lighteval_r1.graders.announcements import alone, announced
from lighteval_r1.graders.refutations import DENIED_BOX, OTHER_CASE, REFUTED_BOX
from lighteval_r1.graders.retractions import standing

IN_THINKING = "in the thinking: "

# Each begins with a plain character, as a search for these is fast.
BOX_NAMES = r"\\(?:boxed|fbox|framebox|Boxed)(?![a-zA-Z])|<boxed(?=\{)|boxed(?=\{)(?<![\\\w<]boxed)"
BOX = re.compile(rf"{BOX_NAMES}|\\\\(?!boxed|fbox|framebox)|\\[{{}}]|[{{}}]")
# `\boxed 7` and `\boxed7`: up to white space, the end of the formula or of the sentence.
BARE_BOX = re.compile(r"(?:[ \t]+|(?=[\d\\]))((?:\\frac)?[^\s{}$\\]{1,100}(?:\{[^\s{}$\\]{1,50}\}){0,2})")
BOX_OPTIONS = re.compile(r"(?:\[[^\[\]{}\n]{0,30}\]){1,2}")
TAGGED_BOX = re.compile(r"<boxed>([^<]{1,600})</boxed>", re.IGNORECASE)
# What may stand between boxes that together are one answer: `\boxed{2}, \boxed{3} \text{ and } \boxed{5}`.
JOINT = re.compile(
    r"(?:[\s,;$~&]|\\\(|\\\)|\\\[|\\\]|\\ |\\[,;]|\\q?quad|\\text\{\s*(?:and|or)\s*\}"
    r"|\b(?:and|or|maybe|perhaps|possibly|either|also|even|else)\b){0,20}"
    r"(?P<name>\\?[a-zA-Z]+(?:_(?:\w|\{\w+\}))?(?:\([a-zA-Z]\))?\s*=\s*)?"
)
CONNECTIVE = re.compile(r"[,;&]|\b(?:and|or)\b|\\q?quad")
NAME_BEFORE = re.compile(r"(\\?[a-zA-Z]+(?:_(?:\w|\{\w+\}))?(?:\([a-zA-Z]\))?)\s*=\s*$")


class NoAnswer(StrEnum):
    """Why a reply has no answer: the step of a grade without one."""

    CUT_OFF = "cut off"  # by the token limit
    LOOPING = "looping"  # stopped for repeating itself
    REFUSED = "refused by the server"
    UNENDED = "ended without an answer"  # by itself, within its thinking, or with nothing behind it
    NOTHING = "nothing announced"  # an answer text in which nothing stands as the answer


# Finish reasons with which a reply did not end by itself, and why it then has no answer. Others are "stop" and its kin.
FINISHED_EARLY = {
    "length": NoAnswer.CUT_OFF,
    "max_tokens": NoAnswer.CUT_OFF,
    "repetition": NoAnswer.LOOPING,
}


@dataclass(frozen=True)
class AnswerText:
    """What a grader sees of a reply. text: where the answer is looked for, None where its thinking never ended.

    in_thinking: the text is the last words of a thinking with nothing behind it. reason: why there is no answer, if
    none is found.
    """

    text: str | None
    in_thinking: bool = False
    reason: NoAnswer = NoAnswer.NOTHING

    @classmethod
    def of(cls, text: str | None) -> "AnswerText":
        """Of a text about whose reply nothing else is known."""
        return cls(text, reason=NoAnswer.CUT_OFF if text is None else NoAnswer.NOTHING)


def reason_of(step: str) -> NoAnswer:
    """The reason that the step of a grade without an answer begins with; NOTHING for steps of earlier versions."""
    return next((reason for reason in NoAnswer if step.startswith(reason)), NoAnswer.NOTHING)


def boxes(text: str) -> list[tuple[int, int, str]]:
    r"""(start, end, content) of each complete, non-empty outermost `\boxed{…}`, `\fbox{…}` or `\boxed 7`, in order."""
    first = re.search(BOX_NAMES, text)
    if first is None:
        return [(tag.start(), tag.end(), tag[1]) for tag in TAGGED_BOX.finditer(text)] if "<" in text else []
    found: list[tuple[int, int, str]] = []
    # Of every open brace: where its box starts and where its content does, or None where it is no box's brace.
    open_braces: list[tuple[int, int] | None] = []
    box_at = -1
    for token in BOX.finditer(text, first.start()):
        mark = token.group()
        if len(mark) > 2:
            box_at = token.start()
            content = token.end()
            options = BOX_OPTIONS.match(text, content)
            content = options.end() if options else content
            while content < len(text) and text[content] in " \t\n":
                content += 1
            if not text.startswith("{", content):
                bare = BARE_BOX.match(text, token.end())
                if bare and not open_braces:
                    found.append((token.start(), bare.end(), bare.group(1).rstrip(".,;:")))
                box_at = -1
        elif mark == "{":
            open_braces.append((box_at, token.end()) if box_at >= 0 else None)
            box_at = -1
        elif mark == "}" and open_braces:
            opened = open_braces.pop()
            if opened is not None:
                start, content = opened
                while found and found[-1][0] >= start:
                    found.pop()
                if text[content : token.start()].strip(" $\n\t~"):
                    found.append((start, token.end(), text[content : token.start()]))
    return found


def last_box(text: str) -> str:
    r"""Content of the last box, joined by commas with boxes that stand beside it (`\boxed{2}, \boxed{3}`); "" if none.

    Boxes joined by their variables keep them: `$x=\boxed{2}$ and $y=\boxed{3}$` is `x=2, y=3`.
    """
    found = boxes(text)
    while found and is_no_answer(text, *found[-1][:2], alone=len(found) == 1):
        found.pop()
    if not found:
        return ""
    first = len(found) - 1
    while first > 0 and len(found) - first < 50 and joined(text[found[first - 1][1] : found[first][0]]):
        first -= 1
    parts = found[first:]
    if len(parts) == 1:
        return parts[0][2]
    names = [NAME_BEFORE.search(text, max(0, start - 40), start) for start, _, _ in parts]
    if all(names):
        return ", ".join(f"{name[1]}={content}" for name, (_, _, content) in zip(names, parts, strict=True))
    return ", ".join(dict.fromkeys(content for _, _, content in parts))


def is_no_answer(text: str, start: int, end: int, *, alone: bool) -> bool:
    """Whether what stands around a box denies it, asks it or strikes it out; of another case is none that is alone."""
    denied = DENIED_BOX.search(text, max(0, start - 80), start) or REFUTED_BOX.match(text, end)
    return bool(denied or (not alone and OTHER_CASE.search(text, max(0, start - 250), start)))


def joined(gap: str) -> bool:
    """Whether boxes with this between them are one answer."""
    return not gap or (len(gap) < 60 and JOINT.fullmatch(gap) is not None and CONNECTIVE.search(gap) is not None)


def extract(text: str) -> tuple[str, str]:
    """The answer as written, and where it stands: "box", "announced", "alone"; or ("", "")."""
    text = standing(text)
    box = last_box(text)
    if box:
        return box, "box"
    phrase = announced(text)
    # A box that never closed was cut off: what stands in it is a part of an answer.
    if phrase and not re.search(BOX_NAMES, phrase):
        return phrase, "announced"
    answer = alone(text)
    return (answer, "alone") if answer else ("", "")
