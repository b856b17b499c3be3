"""What sentences say in words: "is 5", "there are 5 ways", "has two roots", "are 3, 5 and 7"."""

import re
from collections.abc import Iterator
from functools import partial

from lighteval_r1.graders.statements import Candidate, Statement, unboxed
from lighteval_r1.graders.statements.chains import LONGEST_ANSWER
from lighteval_r1.graders.statements.phrases import (
    CHECKED,
    CONCLUSION,
    CONDITIONAL,
    IN_BRACKETS,
    LISTED,
    NUMBER_GOES_ON,
    NUMBER_OF_THINGS,
    REJECTED,
    SAID,
    TOTAL,
    in_digits,
)
from lighteval_r1.graders.statements.question import Reading, stems
from lighteval_r1.graders.statements.sentences import (
    asked,
    hypothetical,
    sentence_end,
    sentence_start,
    squeezed,
    statement_start,
)

MODAL = re.compile(r"(?:\s{1,4}(?:must|should|will|would|can|has|have|needs?|only|to|also|then|indeed)){0,3}\s{0,4}\Z")
ITEM_MARKS = re.compile(r"\$|\\[()]")
ITEM_LETTER = re.compile(r"([a-zA-Z])\s*=\s*")


def sayings(reading: Reading) -> Iterator[Iterator[Statement]]:
    """What a sentence says in words to be a number, a formula, or several of them: of each kind those in order."""
    yield values(reading)
    if reading.counted:
        yield numbers_of_things(reading)
    if reading.lists:
        yield listed(reading.thinking)


def values(reading: Reading) -> Iterator[Statement]:
    for match in SAID.finditer(reading.thinking):
        answer = next(group for group in match.groups()[1:] if group is not None)
        if "=" not in answer:
            answer = unboxed(answer.strip())
            yield Statement(match.end("answer"), answer, "said", partial(value, reading, match, answer))


def value(reading: Reading, match: re.Match, answer: str) -> Candidate | None:
    thinking, at, end = reading.thinking, *match.span("answer")
    if NUMBER_GOES_ON.match(thinking, end) or at - sentence_start(thinking, match.start()) > LONGEST_ANSWER:
        return None
    return saying(reading, match, end, answer, counts=False)


def numbers_of_things(reading: Reading) -> Iterator[Statement]:
    """Numbers of what is counted, in digits and in words: "there are two y-intercepts"."""
    for match in NUMBER_OF_THINGS.finditer(reading.thinking):
        if reading.counted in stems(match["things"]):
            end, number = match.end("number"), in_digits(match["number"])
            yield Statement(end, number, "said", partial(saying, reading, match, end, number, counts=True))


def listed(thinking: str) -> Iterator[Statement]:
    """Several values: "x = 3, x = 5, and x = 7"."""
    for match in LISTED.finditer(thinking):
        items = ITEM_MARKS.sub("", match[0])
        if len(set(ITEM_LETTER.findall(items))) < 2:
            items = ITEM_LETTER.sub("", items)
            yield Statement(match.end(), items, "said", partial(several, thinking, match.start(), match.end(), items))


def several(thinking: str, begin: int, end: int, items: str) -> Candidate | None:
    return Candidate(end, items, "said", strong=False) if settles(thinking, begin, end) else None


def settles(thinking: str, begin: int, end: int) -> bool:
    """Whether a sentence neither supposes nor rejects nor asks what it says, nor says it in brackets."""
    sentence = thinking[sentence_start(thinking, begin) : begin + 1]
    return not (
        hypothetical(thinking, begin + 1)
        or REJECTED.match(thinking, end)
        or asked(thinking, end)
        or IN_BRACKETS.search(sentence)
    )


def saying(reading: Reading, match: re.Match, end: int, answer: str, *, counts: bool) -> Candidate | None:
    """A candidate with its ties to what is asked for. counts: it is a number of what is counted."""
    thinking, asked_for = reading.thinking, reading.asked_for
    if not settles(thinking, match.start(), end):
        return None
    start = sentence_start(thinking, match.start())
    sentence = thinking[start : sentence_end(thinking, match.end())]
    subject = MODAL.sub("", thinking[start : match.start()])
    concludes = CONCLUSION.match(thinking, start, match.end()) is not None
    conditional = CONDITIONAL.match(thinking, statement_start(thinking, match.start())) is not None
    supposed = conditional or one_of_several(thinking, start, end)
    named = asked_for.named_in(sentence) or asked_for.is_subject(subject)
    counts = counts or (bool(asked_for.counted) and TOTAL.search(subject) is not None)
    linked = named or (concludes and counts) or CHECKED.match(thinking, end) is not None
    return Candidate(
        end,
        answer,
        "said",
        strong=named and concludes and not supposed,
        linked=linked and not supposed,
        supposed=supposed,
    )


def one_of_several(text: str, start: int, end: int) -> bool:
    """Whether the sentence says several values: "the one is 2, and the other is 0"."""
    values = {squeezed(match["answer"]) for match in SAID.finditer(text, start, sentence_end(text, end))}
    return len(values) > 1
