r"""Where a reply's answer stands: behind its thinking, in its last box, or behind what announces it.

Where thinking ends is decided by MARKS, for replies that were drawn elsewhere; all endings are treated alike. What
stands behind the last mark counts. Where nothing stands behind a mark that the model wrote, and the reply ended by
itself, the last words of the thinking count: authors of models, LightEval and EvalScope read them as the answer.
Thinking that was cut off, or that stops without a mark, holds no answer.

Everything here is linear in the reply's length: replies are hostile and may be 10 MB of "\boxed{".
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from lighteval_r1.graders.announcements import alone, announced
from lighteval_r1.records import REFUSED_BY_SERVER, Sample

OPEN = "<think>"
CLOSE = "</think>"
# Marks of thinking, opening and closing, by the models that write them.
MARKS = (
    (OPEN, CLOSE),  # DeepSeek-R1 and its distilled models, Qwen3, QwQ, GLM, Phi, Olmo, MiniMax, ERNIE, …
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),  # EXAONE, Marco-o1
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<mm:think>", "</mm:think>"),  # MiniMax
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),  # harmony: gpt-oss
    ("Here is my thought process:", "Here is my response:"),  # Granite
)
OPENINGS, ENDINGS = tuple(mark for mark, _ in MARKS), tuple(mark for _, mark in MARKS)
# As models misspell or escape them. Source: replies of R1-distilled models to MATH-500.
MISSPELT = re.compile(r"<\s?[\\/]{1,2}\s?[\\/_]{0,2}\s?(?:think|thinking|thought|reasoning)\s?>", re.IGNORECASE)
# R1's mark of the next turn, sometimes cut after its first characters, where no other mark ends the thinking. Source:
# the
# same replies; it is a special token of R1's chat template.
NEXT_TURN = re.compile(r"<｜(?!end)[^｜>\n]{0,20}(?:｜>)?")
# harmony without its special tokens: "analysis… assistantfinal…".
UNMARKED = re.compile(r"\s*analysis(?=[A-Z\W]).*?assistantfinal", re.DOTALL)
# An answer text that holds nothing but marks of the end: `</assistant>`, `<|im_end|>`, `</s>`.
# A model that writes its turn's end as text ended its reply there; what follows is another turn.
TURN_ENDED = re.compile(r"<[\\/]{1,2}assistant>|<\|(?:im_end|eot_id|endoftext|end_of_text)\|>|<｜end", re.IGNORECASE)
NOTHING_SAID = re.compile(r"(?:[\s*_#`]|<[\\/|｜][^<>]{0,30}>|<end_of_turn>)*")
# How far from the end of a thinking its last word is looked for.
LAST_WORDS = 600
IN_THINKING = "in the thinking: "

BOX_NAMES = r"\\(?:boxed|fbox|framebox|Boxed)(?![a-zA-Z])|<boxed(?=\{)"
BOX = re.compile(rf"{BOX_NAMES}|\\\\(?!boxed|fbox|framebox)|\\[{{}}]|[{{}}]")
# `\boxed 7` and `\boxed7`: up to white space, the end of the formula or of the sentence.
BARE_BOX = re.compile(r"(?:[ \t]+|(?=[\d\\]))((?:\\frac)?[^\s{}$\\]{1,100}(?:\{[^\s{}$\\]{1,50}\}){0,2})")
BOX_OPTIONS = re.compile(r"(?:\[[^\[\]{}\n]{0,30}\]){1,2}")
TAGGED_BOX = re.compile(r"<boxed>([^<]{1,600})</boxed>", re.IGNORECASE)
# What may stand between boxes that together are one answer: `\boxed{2}, \boxed{3} \text{ and } \boxed{5}`.
JOINT = re.compile(
    r"(?:[\s,;$~&]|\\\(|\\\)|\\\[|\\\]|\\ |\\[,;]|\\q?quad|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b){0,20}"
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


def answer_text(sample: Sample, *, in_thinking: bool, forced: bool = False) -> AnswerText:
    """What a grader sees of a sample. in_thinking: whether an answer counts that stands in a thinking with nothing
    behind it.

    forced: its thinking was ended by a budget. A reply that did not end by itself has its answer behind its thinking
    only; one that the server refused has none, whatever text stands there.
    """
    if sample.finish_reason in REFUSED_BY_SERVER:
        return AnswerText(None, reason=NoAnswer.REFUSED)
    thinking, text = split_thinking(sample.reply, thinking_opened=bool(sample.thinking_opened))
    early = FINISHED_EARLY.get(sample.finish_reason or "")
    empty = text is not None and not says_something(text)
    if early is not None:
        reason = early
    elif text is None:
        # Who does not say how a reply ended says nothing against the commonest way.
        reason = NoAnswer.UNENDED if sample.finish_reason else NoAnswer.CUT_OFF
    else:
        reason = NoAnswer.UNENDED if empty else NoAnswer.NOTHING
    if in_thinking and empty and thinking and early is None and not forced:
        return AnswerText(thinking[-LAST_WORDS:], in_thinking=True, reason=reason)
    return AnswerText(text, reason=reason)


def reason_of(step: str) -> NoAnswer:
    """The reason that the step of a grade without an answer begins with; NOTHING for steps of earlier versions."""
    return next((reason for reason in NoAnswer if step.startswith(reason)), NoAnswer.NOTHING)


def opening(text: str) -> tuple[int, int] | None:
    """Where thinking is opened first."""
    places = [(at, at + len(mark)) for mark in OPENINGS if (at := text.find(mark)) >= 0]
    return min(places, default=None)


def thinking_mark(reply: str, *, thinking_opened: bool) -> tuple[int, int] | None:
    """Where the last mark that ends thinking begins and ends; None where there is none."""
    # Plain searches first: a thinking may be long, and nearly all end with the first of the marks.
    begin = reply.rfind(CLOSE)
    known = (begin, begin + len(CLOSE)) if begin >= 0 else (0, 0)
    tail = reply[known[1] :]
    found = [(at, at + len(mark)) for mark in ENDINGS if (at := tail.rfind(mark)) >= 0]
    found += [match.span() for match in MISSPELT.finditer(tail)]
    if found:
        return known[1] + max(found)[0], known[1] + max(found)[1]
    if begin >= 0:
        return known
    turn = NEXT_TURN.search(reply)
    if turn and is_opened(reply, thinking_opened=thinking_opened):
        return turn.span()
    unmarked = UNMARKED.match(reply) if reply[:40].lstrip().startswith("analysis") else None
    return (unmarked.end() - len("assistantfinal"), unmarked.end()) if unmarked else None


def is_opened(reply: str, *, thinking_opened: bool) -> bool:
    return thinking_opened or any(mark in reply for mark in OPENINGS)


def split_thinking(reply: str, *, thinking_opened: bool) -> tuple[str, str | None]:
    """The thinking, and the answer text: what follows the last mark that ends thinking.

    Without any mark the answer text is the whole reply. None: thinking was opened, in the prompt or in the reply, and
    never ended.
    """
    mark = thinking_mark(reply, thinking_opened=thinking_opened)
    if mark is not None:
        return without_opening(reply[: mark[0]]), of_its_turn(reply[mark[1] :])
    if is_opened(reply, thinking_opened=thinking_opened):
        return without_opening(reply), None
    return "", reply


def without_opening(thinking: str) -> str:
    """The thinking without the mark that it begins with, or that is its only one."""
    begun = next((mark for mark in OPENINGS if thinking.startswith(mark)), OPEN)
    return thinking.replace(begun, "", 1)


def of_its_turn(text: str) -> str:
    """What of the text behind a thinking is its answer: up to the end of its turn, or to a second thought that never
    ended.

    What stands before an answer text's second thought counts if it holds an answer. Else an opening that follows the
    ending at once, or stands within a line, is a stray, and what follows it is the answer text.
    """
    ended = TURN_ENDED.search(text)
    text = text[: ended.start()] if ended else text
    opened = opening(text)
    if opened is None:
        return text
    before, after = text[: opened[0]], text[opened[1] :]
    if last_box(before) or announced(before):
        return before
    stray = not before.strip() or before[-1] not in "\n"
    return before + after if stray else before


def says_something(text: str) -> bool:
    return NOTHING_SAID.match(text).end() < len(text)


def boxes(text: str) -> list[tuple[int, int, str]]:
    r"""(start, end, content) of each complete, non-empty outermost `\boxed{…}`, `\fbox{…}` or `\boxed 7`, in order."""
    first = re.search(BOX_NAMES, text)
    if first is None:
        return tagged_boxes(text) if "<" in text else []
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


def tagged_boxes(text: str) -> list[tuple[int, int, str]]:
    return [(match.start(), match.end(), match[1]) for match in TAGGED_BOX.finditer(text)]


def last_box(text: str) -> str:
    r"""Content of the last box, joined by commas with boxes that stand beside it (`\boxed{2}, \boxed{3}`); "" if none.

    Boxes joined by their variables keep them: `$x=\boxed{2}$ and $y=\boxed{3}$` is `x=2, y=3`.
    """
    found = boxes(text)
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


def joined(gap: str) -> bool:
    """Whether boxes with this between them are one answer."""
    return not gap or (len(gap) < 60 and JOINT.fullmatch(gap) is not None and CONNECTIVE.search(gap) is not None)


def extract(text: str) -> tuple[str, str]:
    """The answer as written, and where it stands: "box", "announced", "alone"; or ("", "")."""
    box = last_box(text)
    if box:
        return box, "box"
    phrase = announced(text)
    if phrase:
        return phrase, "announced"
    answer = alone(text)
    return (answer, "alone") if answer else ("", "")
