"""Grader: everything that the rest of the house needs to know of a kind of answer, so that nobody asks for its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lighteval_r1.graders.answers import split_thinking
from lighteval_r1.graders.statements import Candidate
from lighteval_r1.records import Grade, Outcome


@dataclass(frozen=True)
class Found:
    """What stands as the answer, "" where nothing does; and where it stood, or why nothing stands."""

    answer: str
    where: str


CUT_OFF = Found("", "cut off")


class Candidates(Protocol):
    def __call__(self, thinking: str, *, problem: str, gold: str) -> list[Candidate]: ...


@dataclass(frozen=True)
class Grader:
    """How answers of one kind are found, judged, shown and counted. A new grader is one of these, listed in GRADERS.

    find: (answer text, gold) -> Found. Cheap and linear: it also runs outside the grading processes.
    judge: (answer, where, gold) -> Grade. May take long, or run generated code: only grading processes call it.
    shown_gold: what people may see of a gold. label: the normal form of a wrong answer, under which it is counted in a
    majority vote; None where votes have no meaning. candidates: where a thinking states an answer; None where it
    states none. limit_s: CPU seconds for one judgement. confined: it runs code that a model wrote. answer_in_thinking:
    whether an answer counts that stands in a thought that ended, with nothing behind it.
    """

    name: str
    find: Callable[[str, str], Found]
    judge: Callable[[str, str, str], Grade]
    shown_gold: Callable[[str], str]
    label: Callable[[str], str] | None
    candidates: Candidates | None
    limit_s: float
    confined: bool
    answer_in_thinking: bool = False

    def found(self, text: str | None, gold: str) -> Found:
        """What stands as the answer in the text behind a thinking; text None: the thought never ended."""
        return CUT_OFF if text is None else self.find(text, gold)

    def grade_found(self, found: Found, gold: str) -> Grade:
        if not found.answer:
            return Grade(Outcome.NO_ANSWER, "", found.where)
        return self.judge(found.answer, found.where, gold)

    def grade(self, text: str | None, gold: str) -> Grade:
        """The grade of the text behind a thinking."""
        return self.grade_found(self.found(text, gold), gold)

    def grade_reply(self, reply: str, gold: str, *, thinking_opened: bool = False) -> Grade:
        """The grade of a whole reply, here and now, whatever it costs: for replies that are not hostile."""
        _, text = split_thinking(reply, thinking_opened=thinking_opened)
        return self.grade(text, gold)
