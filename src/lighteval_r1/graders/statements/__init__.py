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
from collections.abc import Iterable
from dataclasses import dataclass

from lighteval_r1.graders.statements.sentences import sentence_start, squeezed

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


def not_restated(statements: Iterable[Candidate], *, thinking: str, problem: str) -> list[Candidate]:
    """Those that the problem does not say itself, in the order of their ends."""
    given = squeezed(problem)
    kept = (statement for statement in statements if not restated(thinking, statement, given=given))
    return sorted(kept, key=lambda statement: statement.end)


def restated(thinking: str, statement: Candidate, *, given: str) -> bool:
    """Whether the sentence, or its last part, stands in the problem up to the answer."""
    if statement.form in ("box", "equals"):
        return False
    sentence = thinking[sentence_start(thinking, statement.end) : statement.end]
    parts = (squeezed(sentence), squeezed(PART_START.split(sentence)[-1]))
    return any(
        len(words) >= 3 and words in given and re.search(re.escape(words) + r"(?!\.?\d)", given) for words in parts
    )
