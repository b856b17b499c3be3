"""Where a thinking states an expression: in boxes, announcements, ends of equations, sentences that say a number."""

import re
from collections.abc import Iterator
from dataclasses import replace

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.announcements import DELIMITED, phrases
from lighteval_r1.graders.statements import Candidate, not_restated
from lighteval_r1.graders.statements.chains import LONGEST_ANSWER
from lighteval_r1.graders.statements.equations import clause, equalities
from lighteval_r1.graders.statements.phrases import ANNOUNCED_HYPOTHESIS, REJECTED, REJECTED_ANSWER, in_digits
from lighteval_r1.graders.statements.question import question
from lighteval_r1.graders.statements.sayings import sayings
from lighteval_r1.graders.statements.sentences import asked, sentence_end, sentence_start
from lighteval_r1.graders.statements.settled import is_common, settled


def candidates(thinking: str, *, problem: str, gold: str) -> list[Candidate]:
    lists = "," in gold or "\\text{and" in gold
    asked_for = question(problem).with_letters_of(thinking)
    statements = [*boxed(thinking, lists=lists), *announced(thinking)]
    statements += equalities(thinking, asked_for=asked_for, lists=lists)
    statements += sayings(thinking, asked_for=asked_for, lists=lists)
    rare = not is_common(gold, problem=problem)
    return [
        replace(statement, right=settled(statement, gold), linked=statement.linked or (rare and not statement.bound))
        for statement in not_restated(statements, thinking=thinking, problem=problem)
    ]


def boxed(thinking: str, *, lists: bool) -> Iterator[Candidate]:
    for start, end, content in replies.boxes(thinking):
        if len(content) > 4 * LONGEST_ANSWER:
            continue
        before = thinking[sentence_start(thinking, start) : start]
        if REJECTED.match(thinking, end) or re.search(r"\bnot\W{0,4}$", before):
            continue
        # Boxes that stand together are one answer.
        answer = replies.last_box(thinking[max(0, start - 2 * LONGEST_ANSWER) : end]) if lists else content
        yield Candidate(end, answer, "box")


def announced(thinking: str) -> Iterator[Candidate]:
    for phrase in phrases(thinking):
        before = thinking[sentence_start(thinking, phrase.start()) : phrase.start()]
        if ANNOUNCED_HYPOTHESIS.search(before):
            continue
        at = phrase.end()
        formula = DELIMITED.match(thinking, at, min(len(thinking), at + 3 * LONGEST_ANSWER))
        if formula:
            answer = next(group for group in formula.groups() if group is not None)
            end = formula.end()
        else:
            end = sentence_end(thinking, at)
            answer, end = clause(thinking, at, limit=end)
        if not answer or len(answer) > LONGEST_ANSWER or REJECTED_ANSWER.match(answer) or asked(thinking, end):
            continue
        if not REJECTED.match(thinking, end):
            # "The answer is $x = 5$" says 5 as well as x = 5, which the grader knows.
            yield Candidate(end, in_digits(answer), "announced")
