"""Where a thinking states an expression: in boxes, announcements, ends of equations, sentences that say a number."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from heapq import merge
from operator import attrgetter

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.announcements import DELIMITED, DENIED, meant, phrases
from lighteval_r1.graders.statements import Candidate, Statement, deciding, restated, unboxed
from lighteval_r1.graders.statements.chains import LONGEST_ANSWER
from lighteval_r1.graders.statements.equations import clause, equalities
from lighteval_r1.graders.statements.phrases import REJECTED, in_digits
from lighteval_r1.graders.statements.question import Reading
from lighteval_r1.graders.statements.sayings import sayings
from lighteval_r1.graders.statements.sentences import asked, sentence_end, sentence_start
from lighteval_r1.graders.statements.settled import is_common, settled

NOT_BEFORE = re.compile(r"\bnot\W{0,4}$")


def candidates(thinking: str, *, problem: str, gold: str, tolerant: bool) -> list[Candidate]:
    """Those on which the first correct one depends. tolerant: the grader takes a number near gold, too."""
    reading = Reading(thinking, problem, lists="," in gold or "\\text{and" in gold)
    # Each in order, so that what stands behind the place that decides is not looked for.
    by_end = attrgetter("end")
    announcements = sorted(announced(thinking), key=by_end)
    statements = merge(boxed(reading), announcements, equalities(reading), *sayings(reading), key=by_end)
    rare = not is_common(gold, problem=problem)

    def look(statement: Statement, right: bool | None) -> Candidate | None:
        candidate = statement.look()
        if candidate is None or restated(thinking, candidate, problem=problem):
            return None
        return replace(candidate, right=right, linked=candidate.linked or (rare and not candidate.bound))

    return list(deciding(statements, settled=partial(settled, gold=gold, tolerant=tolerant), look=look))


def boxed(reading: Reading) -> Iterator[Statement]:
    for start, end, content in replies.boxes(reading.thinking):
        if len(content) <= 4 * LONGEST_ANSWER:
            # Boxes that stand together are one answer.
            near = reading.thinking[max(0, start - 2 * LONGEST_ANSWER) : end] if reading.lists else ""
            answer = replies.last_box(near) if near else content
            yield Statement(end, answer, "box", partial(box, reading.thinking, start, end, answer))


def box(thinking: str, start: int, end: int, answer: str) -> Candidate | None:
    before = thinking[sentence_start(thinking, start) : start]
    return None if REJECTED.match(thinking, end) or NOT_BEFORE.search(before) else Candidate(end, answer, "box")


def announced(thinking: str) -> Iterator[Statement]:
    for phrase in phrases(thinking):
        at = phrase.end()
        formula = DELIMITED.match(thinking, at, min(len(thinking), at + 3 * LONGEST_ANSWER))
        if formula:
            answer = next(group for group in formula.groups() if group is not None)
            end = formula.end()
        else:
            end = sentence_end(thinking, at)
            answer, end = clause(thinking, at, limit=end)
        if answer and len(answer) <= LONGEST_ANSWER:
            answer = unboxed(answer)
            yield Statement(end, answer, "announced", partial(announcement, phrase, end, answer))


def announcement(phrase: re.Match, end: int, answer: str) -> Candidate | None:
    thinking = phrase.string
    if not meant(phrase) or DENIED.match(answer) or asked(thinking, end) or REJECTED.match(thinking, end):
        return None
    # "The answer is $x = 5$" says 5 as well as x = 5, which the grader knows.
    return Candidate(end, in_digits(answer), "announced")
