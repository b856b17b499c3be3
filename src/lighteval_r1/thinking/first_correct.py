"""The first place where a thinking states an answer that the task's own grader accepts as the gold.

Equal pairs of a candidate and a gold are graded once, in grading processes with their limit; what a grader settles at
a look, it has settled where it found the candidate.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lighteval_r1.graders import Grader
from lighteval_r1.graders.statements import Candidate
from lighteval_r1.records import GraderDied, Outcome, UserError
from lighteval_r1.sampling.pool import Pool


@dataclass(frozen=True)
class Stated:
    """The candidates of one reply's thinking, with what they are to be graded by."""

    grader: Grader
    gold: str
    candidates: Sequence[Candidate]


Accepted = dict[tuple[Grader, str, str], bool]  # grader, answer, gold -> whether it is right


def first_correct(stated: Sequence[Stated], *, pool: Pool) -> tuple[list[Candidate | None], int]:
    """Per reply its first accepted candidate, None where there is none; and how many candidates a limit stopped."""
    accepted: Accepted = {
        (reply.grader, candidate.answer, reply.gold): False
        for reply in stated
        for candidate in reply.candidates
        if candidate.right is None
    }
    grades = pool.grade_many((grader, f"\\boxed{{{answer}}}", gold) for grader, answer, gold in accepted)
    stopped = 0
    for key, grade in zip(accepted, grades, strict=True):
        if isinstance(grade, GraderDied):
            _, answer, gold = key
            raise UserError(
                f"an answer stated in a thinking has no grade ({answer[:80]!a} for gold {gold[:80]!a}): {grade}. "
                "Run again."
            )
        accepted[key] = grade.outcome is Outcome.CORRECT
        stopped += grade.outcome is Outcome.UNDECIDED
    return [first(reply, accepted) for reply in stated], stopped


def first(reply: Stated, accepted: Accepted) -> Candidate | None:
    right = [
        accepted[reply.grader, candidate.answer, reply.gold] if candidate.right is None else candidate.right
        for candidate in reply.candidates
    ]
    for place, candidate in enumerate(reply.candidates):
        if right[place] and (
            candidate.strong
            or candidate.linked
            or (not candidate.supposed and taken_up(reply.candidates, right=right, place=place))
        ):
            return candidate
    return None


def taken_up(candidates: Sequence[Candidate], *, right: Sequence[bool], place: int) -> bool:
    """Whether a strong statement of the gold, or the end, follows with no other result between."""
    for candidate, is_gold in zip(candidates[place + 1 :], right[place + 1 :], strict=True):
        if not is_gold:
            return False
        if candidate.strong:
            return True
    return True
