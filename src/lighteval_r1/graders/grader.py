"""Grader: everything that the rest of the house needs to know of a kind of answer, so that nobody asks for its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lighteval_r1.graders.answers import IN_THINKING, AnswerText
from lighteval_r1.graders.splitting import answer_text
from lighteval_r1.records import Grade, Outcome, Sample

if TYPE_CHECKING:
    from lighteval_r1.graders.statements import Candidate


# What taking apart a gold may raise that stands in a file of others. It is shown as it is.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True)
class Found:
    """What stands as the answer, "" where nothing does; and where it stood, or why nothing stands."""

    answer: str
    where: str


def thought_through(answer: str) -> str:
    """A reply that thinks, and then says this."""
    return f"<think>\nThis is known.\n</think>\n\n{answer}"


class Candidates(Protocol):
    def __call__(self, thinking: str, *, problem: str, gold: str) -> "list[Candidate]": ...


@dataclass(frozen=True)
class Grader:
    """How answers of one kind are found, judged, shown and counted. A new grader is one of these, listed in GRADERS.

    find: (answer text, gold) -> Found. Cheap and linear: it also runs outside the grading processes.
    judge: (answer, where, gold) -> Grade. May take long, or run generated code: only grading processes call it.
    shown_gold: what people may see of a gold; it raises nothing, whatever the text. label: the normal form of a wrong
    answer, under which it is counted in a majority vote; None where votes have no meaning. candidates: where a thinking
    states an answer; None where it states none. limit_s: CPU seconds for one judgement. confined: it runs code that a
    model wrote. answer_in_thinking: whether an answer counts that stands in a thought that ended, with nothing behind
    it. note: what must be said beside the score of a task of that name, "" if nothing. lettered: answers are letters of
    options. reference: a reply that answers with this gold, which `check` grades; None where none can be made of it.
    """

    name: str
    find: Callable[[str, str], Found]
    judge: Callable[[str, str, str], Grade]
    shown_gold: Callable[[str], str]
    label: Callable[[str], str] | None
    candidates: Candidates | None
    limit_s: float
    confined: bool
    answer_in_thinking: bool = True
    lettered: bool = False
    note: Callable[[str], str] | None = None
    reference: Callable[[str], str] | None = None

    def answer_text(self, sample: Sample) -> AnswerText:
        """What this grader sees of a sample."""
        return answer_text(sample, in_thinking=self.answer_in_thinking)

    def found(self, text: AnswerText | str | None, gold: str) -> Found:
        """What stands as the answer in what is seen of a reply; a text alone: nothing else is known; None: it never
        ended."""
        seen = text if isinstance(text, AnswerText) else AnswerText.of(text)
        found = Found("", "") if seen.text is None else self.find(seen.text, gold)
        if found.answer:
            return Found(found.answer, IN_THINKING + found.where) if seen.in_thinking else found
        return Found("", f"{seen.reason}: {found.where}" if found.where else str(seen.reason))

    def grade_found(self, found: Found, gold: str) -> Grade:
        if not found.answer:
            return Grade(Outcome.NO_ANSWER, "", found.where)
        return self.judge(found.answer, found.where, gold)

    def grade(self, text: AnswerText | str | None, gold: str) -> Grade:
        """The grade of what is seen of a reply."""
        return self.grade_found(self.found(text, gold), gold)

    def grade_reply(self, reply: str, gold: str, *, thinking_opened: bool = False, finish_reason: str = "") -> Grade:
        """The grade of a whole reply, here and now, whatever it costs: for replies that are not hostile."""
        sample = Sample("", "", 0, None, reply, thinking_opened=thinking_opened, finish_reason=finish_reason or None)
        return self.grade(self.answer_text(sample), gold)
