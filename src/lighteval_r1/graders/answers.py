r"""Where a reply's answer stands: after its thinking, in its last box, or behind an explicit "the answer is".

Everything here is linear in the reply's length: replies are hostile and may be 10 MB of "\boxed{".
"""

import re

from lighteval_r1.records import Sample

CLOSE = "</think>"
OPEN = "<think>"
# How a thought is ended by models that miss the closing tag: the tag misspelt, escaped as in JSON, or R1's mark of the
# next turn (`<｜Assistant｜>`, sometimes cut after its first characters).
# Source: replies of R1-distilled models to MATH-500; the marks are special tokens of R1's chat template.
OTHER_END = re.compile(r"<\\/think>|< ?/ ?think ?>|<｜")

BOX = re.compile(r"\\(?:boxed|fbox)(?![a-zA-Z])|\\\\(?!boxed|fbox)|\\[{}]|[{}]")
# `\boxed 7`: up to white space, the end of the formula or of the sentence.
BARE_BOX = re.compile(r"[ \t]+((?:\\frac)?[^\s{}$\\]{1,100}(?:\{[^\s{}$\\]{1,50}\}){0,2})")
# What may stand between boxes that together are one answer: `\boxed{2}, \boxed{3} \text{ and } \boxed{5}`.
JOINT = re.compile(r"(?:[\s,;$~&]|\\\(|\\\)|\\ |\\[,;]|\\q?quad|\\text\{\s*(?:and|or)\s*\}|\b(?:and|or)\b){0,20}")
CONNECTIVE = re.compile(r"[,;&]|\b(?:and|or)\b|\\q?quad")

# "The final answer is", "**Answer:**", "answer = …": the words that announce an answer.
PHRASE = re.compile(
    r"(?:\banswer\b(?:\s+(?:to|for)\s+(?:the|this)\s+(?:question|problem))?[\s*_`]{0,4}"
    r"(?:(?:is|are|would be|must be|equals)\b\s*[:：]?|[:：=]|\s(?=\\\[|\\\(|\$))"
    r"|\b(?:réponse|respuesta|antwort|risposta|resposta)\b(?:\s+(?:finale|final))?\s*(?:est|es|ist|lautet|è|é|[:：])"
    r"|答案\s*(?:是|为|為|[:：]))[\s*_`]{0,6}",
    re.IGNORECASE,
)
# An announcement further from the end than this many characters does not stand "at the end".
TAIL_LENGTH = 600
CLOSING_WORDS = re.compile(
    r"[\s.*_`]*(?:I hope (?:it|this) is correct|<\|?im_(?:start|end)\|?>|<[|｜]).*$", re.DOTALL | re.IGNORECASE
)
DELIMITED = re.compile(
    r"\$\$(.{1,600}?)\$\$|\$((?:[^$\\]|\\.){1,600})\$|\\\[(.{1,600}?)\\\]|\\\((.{1,600}?)\\\)", re.DOTALL
)


def split_thinking(reply: str, *, thinking_opened: bool) -> tuple[str, str | None]:
    """The thinking, and the answer: what follows the last `</think>`.

    Without any think tag the answer is the whole reply. None: thinking was opened, in the prompt or in the reply, and
    never ended. A thought ended by an escaped tag or by the mark of the next turn is thinking and answer in one, so
    both parts are the whole reply.
    """
    end = reply.rfind(CLOSE)
    if end >= 0:
        answer = reply[end + len(CLOSE) :]
        again = answer.find(OPEN)
        if again >= 0:
            answer = answer[:again]
            if not answer.strip():
                return reply, None
        return reply[:end].replace(OPEN, "", 1), answer
    if not thinking_opened and OPEN not in reply:
        return "", reply
    if OTHER_END.search(reply):
        text = reply.replace(OPEN, "", 1)
        return text, text
    return reply.replace(OPEN, "", 1), None


def answer_text(sample: Sample) -> str | None:
    """What a grader sees of a reply: the text behind its thinking; None where that never ended."""
    return split_thinking(sample.reply, thinking_opened=bool(sample.thinking_opened))[1]


def boxes(text: str) -> list[tuple[int, int, str]]:
    r"""(start, end, content) of each complete, non-empty outermost `\boxed{…}`, `\fbox{…}` or `\boxed 7`, in order."""
    first = re.search(r"\\(?:boxed|fbox)(?![a-zA-Z])", text)
    if first is None:
        return []
    found: list[tuple[int, int, str]] = []
    # Of every open brace: where its box starts and where its content does, or None where it is no box's brace.
    open_braces: list[tuple[int, int] | None] = []
    box_at = -1
    for token in BOX.finditer(text, first.start()):
        mark = token.group()
        if mark in ("\\boxed", "\\fbox"):
            box_at = token.start()
            content = token.end()
            while content < len(text) and text[content] in " \t":
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
    r"""Content of the last box, joined by commas with boxes that stand beside it (`\boxed{2}, \boxed{3}`); "" if
    none."""
    found = boxes(text)
    if not found:
        return ""
    parts = [found[-1][2]]
    for (_, end, content), (start, _, _) in zip(reversed(found[:-1]), reversed(found[1:]), strict=False):
        gap = text[end:start]
        joined = not gap or (len(gap) < 60 and JOINT.fullmatch(gap) and CONNECTIVE.search(gap))
        if not joined or len(parts) >= 50:
            break
        parts.append(content)
    return ", ".join(dict.fromkeys(reversed(parts)))


def announced(text: str) -> str:
    """What follows the last "answer is" or "Answer:" near the end, to the end of its sentence; "" if nothing does."""
    tail = text[-TAIL_LENGTH:]
    matches = list(PHRASE.finditer(tail))
    if not matches:
        return ""
    rest = CLOSING_WORDS.sub("", tail[matches[-1].end() :]).strip(' *_`"“”\n\t')
    formula = DELIMITED.match(rest)
    if formula:
        rest_of_line = rest[formula.end() :].split("\n", 1)[0]
        # `$x=2$ and $x=3$` is one answer; a formula followed by words is the formula.
        if re.match(r"\s*(?:,|and|or)\s*(?:and\s*|or\s*)?(?:\$|\\\()", rest_of_line):
            return (formula.group() + rest_of_line).rstrip(". ")
        return next(group for group in formula.groups() if group is not None).strip()
    sentence = re.split(r"\n|\.(?=\s|$)", rest, maxsplit=1)[0].strip(' *_`"“”')
    if re.match(r"(?:not|none|unknown|unclear)\b", sentence, re.IGNORECASE):
        return ""
    # "Answer: The volume of the box is 120" says 120.
    said = re.fullmatch(r"The [^.]{1,200} (?:is|are|equals) ((?:\S+ ?){1,3})", sentence)
    return said.group(1) if said else sentence


def extract(text: str) -> tuple[str, str]:
    """The answer as written, and where it stood: "box", "announced", or "nothing" (then the answer is "")."""
    box = last_box(text)
    if box:
        return box, "box"
    phrase = announced(text)
    return (phrase, "announced") if phrase else ("", "nothing")
