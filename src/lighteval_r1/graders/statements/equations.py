"""What equations state: "… = 5" at the end of a step, and "x = 3, x = 5, and x = 7"."""

import re
from collections.abc import Iterator
from functools import partial
from operator import attrgetter

from lighteval_r1.graders.statements import Candidate, Statement
from lighteval_r1.graders.statements.chains import EQUALS, LONGEST_ANSWER, chain_before, side, step_end
from lighteval_r1.graders.statements.phrases import (
    CHECKED,
    CONDITIONAL,
    COUNTED,
    PROSE_GOES_ON,
    REJECTED,
    TRIED,
)
from lighteval_r1.graders.statements.question import Reading
from lighteval_r1.graders.statements.sentences import asked, hypothetical, sentence_end, sentence_start, statement_start

LETTER_SIDE = re.compile(r"(?<![\w\\])([a-zA-Z])\s{0,4}$")
FRACTION = r"\\frac\{[^{}]{1,30}\}\{[^{}]{1,30}\}"
# What stands between the values of a list: "x = 2 \\quad \\text{or} \\quad x = 3".
JOINED = r"(?:[\s,;$]|\\[()\[\],; ]|\\q?quad|\\text\{\s?(?:or|and|,)\s?\}|\b(?:or|and)\b){1,12}"
# What stands behind these is no end of a step.
NO_END = frozenset("=}<>(?")
END = attrgetter("end")
# Other values of a letter stand beside it.
NEAR = 50


def equalities(reading: Reading) -> Iterator[Statement]:
    """The right side of the last "=" of each step, in the order of their ends."""
    thinking, lists = reading.thinking, reading.lists
    held: list[Statement] = []
    for sign in EQUALS.finditer(thinking):
        begin = sign.end()
        # A step within brackets ends before the one around it.
        if held and max(map(END, held)) < begin:
            yield from sorted(held, key=END)
            held = []
        end, closed_by = step_end(thinking, begin, lists=lists)
        right = thinking[begin:end]
        if closed_by in NO_END or not (bare := right.rstrip()) or len(right) > LONGEST_ANSWER:
            continue
        if "\\" in right or lists or closed_by.startswith(("$", "\\", " ")):
            answer, end = bare.lstrip(), begin + len(bare)
        else:
            answer, end = clause(thinking, begin, limit=end)
        if answer:
            held.append(Statement(end, answer, "equals", partial(equality, reading, sign.start(), end, answer)))
    yield from sorted(held, key=END)


def equality(reading: Reading, sign: int, end: int, answer: str) -> Candidate | None:
    thinking, asked_for = reading.thinking, reading.asked_for
    if asked(thinking, end) or REJECTED.match(thinking, end) or TRIED.match(thinking, end):
        return None
    if hypothetical(thinking, sign):
        return None
    chain = chain_before(thinking, sign)
    if {(chain.first, side(answer)), (chain.last, side(answer))} & asked_for.given:
        return None
    words = thinking[statement_start(thinking, sign) : sign]
    supposed = CONDITIONAL.match(words) is not None or one_of_several(thinking, sign, end)
    bound = chain.bound and not asked_for.extreme
    tied = asked_for.named_in(words) or chain.first in asked_for.formulas
    linked = not supposed and not bound and (tied or CHECKED.match(thinking, end) is not None)
    return Candidate(end, answer, "equals", strong=False, linked=linked, supposed=supposed, bound=bound)


def one_of_several(text: str, sign: int, end: int) -> bool:
    """Whether the sentence gives the same letter other values beside it: "x = 2 or x = 3" settles on neither."""
    letter = LETTER_SIDE.search(text, max(0, sign - 20), sign)
    if letter is None:
        return False
    near = text[max(sentence_start(text, sign), sign - NEAR) : min(sentence_end(text, end), end + NEAR)]
    value = rf"(?<![\w\\]){letter[1]}\s{{0,3}}=\s{{0,3}}((?:{FRACTION}|[^\s,;$\\]){{1,60}})"
    return any(first != second for first, second in re.findall(rf"{value}(?={JOINED}{value})", near))


def clause(text: str, at: int, *, limit: int) -> tuple[str, int]:
    """What is stated from `at` on, to the end of its clause, and the offset of that end."""
    statement = text[at:limit]
    cut = PROSE_GOES_ON.search(statement)
    comma = re.search(r",\s|[;\n:。，；]|\.\s|[.!?]$", statement)
    ends = [match.start() for match in (cut, comma) if match]
    statement = statement[: min(ends)] if ends else statement
    counted = COUNTED.match(statement.strip(' *_`"'))
    stripped = statement.rstrip(' .*_`"')
    if counted:
        number = counted.group(1)
        return number, at + statement.index(number) + len(number)
    return stripped.strip(' *_`"“”'), at + len(stripped)
