"""What one reply's thinking measures: tokens, first correct answer, changes of approach, and what follows from them.

    T            tokens of the reply before its last `</think>`; of a thought that never ended, all (a lower bound)
    T^           tokens up to and including the first statement of an answer that the task's own grader accepts
    reflection   T - T^
    efficiency   T^ / T
    thoughts     changes of approach
The names follow ThinkBench of EvalScope, https://evalscope.readthedocs.io/en/latest/best_practice/think_eval.html, and
Wang et al. 2025, "On the Underthinking of o1-Like LLMs", https://arxiv.org/abs/2501.18585.
"""

from dataclasses import dataclass

from lighteval_r1.graders import grader_named
from lighteval_r1.graders.marks import THINK
from lighteval_r1.graders.splitting import split_of
from lighteval_r1.records import Outcome, RunProblem, Sample
from lighteval_r1.thinking.thoughts import changes
from lighteval_r1.thinking.tokens import Offsets

# "T far larger": more than two thirds of the thinking came after the first correct answer.
OVERTHINKING = 3


@dataclass(frozen=True)
class Thinking:
    """Where a reply thinks. text: from its first character to the end of its thinking. cut_off: it never ended."""

    text: str
    there: bool
    cut_off: bool


@dataclass(frozen=True)
class Measured:
    """The measures of one reply. tokens: T. first_correct: T^, None where it is not reached.

    reached: None where that is not known: no such measure for programs, or a judge gave no answer. correct None: not
    graded. changes_after: changes of approach after the first correct answer.
    """

    tokens: int
    first_correct: int | None
    reached: bool | None
    thoughts: int
    changes_after: int
    correct: bool | None
    cut_off: bool
    there: bool

    @property
    def reflection(self) -> int | None:
        return None if self.first_correct is None else self.tokens - self.first_correct

    @property
    def efficiency(self) -> float | None:
        """None where the gold is not reached, and of an empty thought."""
        return None if self.first_correct is None or not self.tokens else self.first_correct / self.tokens

    @property
    def efficiency_of_all(self) -> float | None:
        """The other convention: 0 where the gold is never reached."""
        return None if self.reached is None else self.efficiency or 0.0

    @property
    def lost(self) -> bool:
        """Found, and yet the final answer is not right."""
        return self.first_correct is not None and self.correct is False

    @property
    def underthinking(self) -> bool:
        """Lost because the right thought was given up: the approach was changed after it."""
        return self.lost and self.changes_after > 0

    @property
    def overthinking(self) -> bool:
        """Right, and right early: T is at least OVERTHINKING times T^."""
        return (
            self.correct is True and self.first_correct is not None and self.tokens >= OVERTHINKING * self.first_correct
        )


def thinking_of(sample: Sample) -> Thinking:
    """The part of a reply before the last mark that ends its thinking."""
    split = split_of(sample)
    return Thinking(sample.reply[: split.thinking_end], bool(split.thinking), split.answer is None)


def measured(
    problem: RunProblem, sample: Sample, *, thinking: Thinking, end: int | None, known: bool, offsets: Offsets
) -> Measured:
    """end: character offset in the thinking just past the first correct answer. known: whether it was looked for."""
    text = thinking.text
    at = [len(text)] if end is None else [len(text), end]
    within = min(len(sample.reply), len(text) + len(THINK.ending))
    total, *first = offsets.counts(sample, at, within=within) if thinking.there else [0]
    places = changes(text)
    known = known and grader_named(problem.grader).candidates is not None
    return Measured(
        tokens=total,
        first_correct=first[0] if first and known else None,
        reached=(end is not None) if known else None,
        thoughts=len(places),
        changes_after=0 if end is None else sum(place >= end for place in places),
        correct=None if sample.outcome is None else sample.outcome == Outcome.CORRECT,
        cut_off=thinking.cut_off,
        there=thinking.there,
    )
