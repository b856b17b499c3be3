r"""Where a thinking states an answer: candidates in order, each with the offset just past it. Finds; does not grade.

Forms
  box        `\boxed{5}`
  announced  "the answer is 5", "Answer: 5"
  equals     "… = 5" at the end of a step: of a line, a formula, a clause
  said       "so there are 5 ways", "the sum of the roots is 5", "this gives 5"
  letter     for choices: "so the answer is B", "option B is correct", "matches option C", "Therefore, B."
Strong are boxes, announcements, and what is said of the very thing asked for. An "= 5" alone may be another quantity
that happens to be 5: it is linked where its sentence names what is asked for or the reply stops at it ("Let me check").
Not a candidate
  what the problem says itself (the same equation, the same sentence);
  a hypothesis ("if x = 5", "let n = 5", "substituting x = 5") and a question ("is it 5?");
  what its own sentence rejects ("the answer is not 5", "x = 5 is impossible", "option B is wrong").
What it gets wrong
    A value found in a case that a later sentence throws out; results given in brackets; another quantity of the same
    value in a sentence that also names what is asked for; answers in words alone ("a plane"). Of 100 real replies
    that were read, a reader placed the first correct answer of 8 elsewhere; of 60 that the rules were not made with, of
    9 (4 too early, 5 too late).
Source
    The forms of boxes, announcements and letters are those of the graders; what else is said was read off replies of
    R1-distilled models to MATH-500 and AIME.
Linear in the length of the thinking, with bounded looks around each place.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from lighteval_r1.graders.statements.sentences import sentence_start, squeezed

# Nothing but a box, which may hold braces within braces.
BOX_ALONE = re.compile(r"\s*\\boxed\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}[\s.]*")
PART_START = re.compile(r"\$|\\\(|\\\[|[:,;]\s")


@dataclass(frozen=True)
class Candidate:
    """An answer as stated. end: character offset in the thinking just past it.

    form: box, announced, equals, said, letter. strong: it is stated as the answer. linked: for others, it is tied to
    what is asked for, by the text around it or because hardly another quantity has its value. supposed: it holds on a
    condition. bound: it is said of a bound ("n ≥ 72/4 = 18") where none is asked for. right: whether it is the gold;
    None where the grader must say.
    """

    end: int
    answer: str
    form: str
    strong: bool = True
    linked: bool = True
    supposed: bool = False
    bound: bool = False
    right: bool | None = None


class Statement(NamedTuple):
    """What may be a candidate. look: at what stands around it; None where that makes it none.

    Most statements are not the gold, so that hardly any need this look, which costs the most.
    """

    end: int
    answer: str
    form: str
    look: Callable[[], Candidate | None]


def deciding(
    statements: Iterable[Statement],
    *,
    settled: Callable[[Statement], bool | None],
    look: Callable[[Statement, bool | None], Candidate | None],
) -> Iterator[Candidate]:
    """Of statements in order the candidates on which the first correct one depends. settled: whether one is the gold.

    Of others than the gold these are the first behind a statement of it that only stands if it is taken up: the next
    does no more harm. What was stated as the answer before is either not the gold, or not the first. Behind a certain
    one there are none.
    """
    waits, certain = False, False
    known: set[str] = set()
    for statement in statements:
        right = settled(statement)
        other = right is False or (right is None and statement.answer in known)
        if (other and not waits) or (candidate := look(statement, right)) is None:
            continue
        yield candidate
        if other:
            waits = False
        elif not (candidate.strong or candidate.linked):
            waits = waits or not candidate.supposed
        elif right:
            certain, waits = True, waits and not candidate.strong
        else:
            known.add(statement.answer)
        if certain and not waits:
            return


def unboxed(answer: str) -> str:
    """What stands in a box that is all that is stated: the box says the same itself."""
    alone = BOX_ALONE.fullmatch(answer) if "\\boxed" in answer else None
    return alone[1].strip() if alone else answer


@lru_cache(maxsize=512)
def squeezed_problem(problem: str) -> str:
    return squeezed(problem)


def restated(thinking: str, statement: Candidate, *, problem: str) -> bool:
    """Whether the problem says it itself: the sentence, or its last part, stands in the problem up to the answer."""
    if statement.form in ("box", "equals"):
        return False
    given = squeezed_problem(problem)
    sentence = thinking[sentence_start(thinking, statement.end) : statement.end]
    parts = (squeezed(sentence), squeezed(PART_START.split(sentence)[-1]))
    return any(
        len(words) >= 3 and words in given and re.search(re.escape(words) + r"(?!\.?\d)", given) for words in parts
    )
