"""Is this reply right? A Grader per kind of answer; the text behind the thinking and a gold go in, a Grade comes out.

To add a grader: a file with a Grader, and its line in GRADERS. Naming graders imports neither sympy nor mpmath.
"""

from dataclasses import replace

from lighteval_r1.graders.choice import CHOICE
from lighteval_r1.graders.expression import EXPRESSION
from lighteval_r1.graders.grader import Found, Grader
from lighteval_r1.graders.program import PROGRAM
from lighteval_r1.graders.real import REAL
from lighteval_r1.records import Grade, UserError

# For benchmarks that count no answer in a thought, whatever follows it.
EXPRESSION_BEHIND_THINKING = replace(EXPRESSION, name="expression_behind_thinking", answer_in_thinking=False)
GRADERS: dict[str, Grader] = {
    grader.name: grader for grader in (EXPRESSION, EXPRESSION_BEHIND_THINKING, REAL, CHOICE, PROGRAM)
}
# For replies that were graded by others, whose run names no grader of ours: golds and answers are what was written, and
# no statement is looked for in a thinking.
FOREIGN = replace(EXPRESSION, name="", candidates=None)


def grader_named(name: str) -> Grader:
    """The grader that a run names; FOREIGN where it names none that is known."""
    return GRADERS.get(name, FOREIGN)


def grade(reply: str, gold: str, *, grader: str = "expression", thinking_opened: bool = False) -> Grade:
    """The grade of a reply, here and now, without a limit of time: for replies that one trusts.

    thinking_opened: the prompt ended in `<think>`. UserError for a grader that is not known.
    """
    if grader not in GRADERS:
        raise UserError(f"there is no grader {grader!r}. There are: {', '.join(GRADERS)}.")
    return GRADERS[grader].grade_reply(reply, gold, thinking_opened=thinking_opened)


__all__ = [
    "CHOICE",
    "EXPRESSION",
    "EXPRESSION_BEHIND_THINKING",
    "FOREIGN",
    "GRADERS",
    "PROGRAM",
    "REAL",
    "Found",
    "Grader",
    "grade",
    "grader_named",
]
