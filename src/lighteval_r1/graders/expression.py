r"""Mathematics: is the reply's final answer equal to the gold answer?

What it asks
    Nothing itself: AIME and MATH-500 use it. An answer is a number, an expression, a tuple, an interval, a list of
    roots, a matrix, an equation or a word.

How it is graded
    The answer is the last complete `\boxed{…}` after `</think>` (also `\fbox{…}` and `\boxed 7`; boxes joined by commas
    or "and" are one answer), else what follows an explicit "the final answer is" or "Answer:" at the end. Never a
    number that happens to stand in the text. Without an answer, and for a thought that never ended, the outcome is
    no_answer. It is compared in the steps of graders.comparison under this policy:
      exact      Exact values are never rounded: 0.00006712 is not 0.0000672, 0.333 is not 1/3.
      decimal    Decimals are equal when both say the same number, or when gold is a decimal and the answer is the exact
                 value (a fraction, a root), which rounded to gold's digits is gold.
      signs      Percent, degree and dollar signs, thousands separators, units do not decide. 20\% is also 0.2.
      assigned   `x = 5` answers 5, and 5 answers `x = 5`; equations are equal where one is a multiple of the other.
      order      Order matters in tuples and intervals, not in sets and lists of roots.
      brackets   Brackets of intervals matter. A tuple's parentheses may be missing. x > 5 is (5, \infty).
      mixed      Mixed numbers are read as such: 1\frac{4}{5} is 9/5.
      text       Words compare without case and spacing.
      value      Unreduced fractions, unevaluated products and other spellings of one value are equal.
      list       A list that only contains gold is wrong, and so is one of several roots.
      integer    Leading zeros do not matter.
    An answer too large to compute (9^{9^{9^9}}) or too long to read is undecided.

What it gets wrong
    Letters stand for positive numbers, so \sqrt{x^2} equals x. Numbers written as words ("two") and values in other
    bases without their base are wrong. `-2,1` for gold `-2.1` is a list; `1000,99` is a decimal.

Source
    Steps and policy are this project's; the last step is math-verify, https://github.com/huggingface/Math-Verify.
    Golds: https://huggingface.co/datasets/HuggingFaceH4/MATH-500,
    https://huggingface.co/datasets/HuggingFaceH4/aime_2024.
"""

from functools import lru_cache

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.grader import Found, Grader
from lighteval_r1.graders.latex import MAX_LENGTH, plain
from lighteval_r1.graders.numerals import exact
from lighteval_r1.graders.statements import Candidate
from lighteval_r1.records import Grade, Outcome

# Source: LightEval and math-verify give an expression 5 s to parse and 5 s to compare.
LIMIT_S = 10.0
# Longer answers are kept in grades only up to here; the reply itself is in the journal.
SHOWN = 200
OUTCOMES = {True: Outcome.CORRECT, False: Outcome.WRONG, None: Outcome.UNDECIDED}


@lru_cache(maxsize=4096)
def gold_expression(gold: str) -> str:
    """Gold as an expression: data sets write it plain, in dollars, or in a box at the end of a solution."""
    return replies.last_box(gold) or gold.rpartition("\\boxed{")[2]


def find(text: str, gold: str) -> Found:
    return Found(*replies.extract(text))


def judge(answer: str, where: str, gold: str) -> Grade:
    """The grade of a final answer against gold, a LaTeX expression."""
    # Imported here: naming this grader must not cost the arithmetic that it judges with.
    from lighteval_r1.graders import comparison

    same, step = comparison.compare(answer, gold_expression(gold))
    return Grade(OUTCOMES[same], answer[:SHOWN], f"{where}; {step}")


def as_written(gold: str) -> str:
    return gold


def candidates(thinking: str, *, problem: str, gold: str) -> list[Candidate]:
    # Imported here: what looks for statements reads golds by this module.
    from lighteval_r1.graders.statements import expressions

    return expressions.candidates(thinking, problem=problem, gold=gold)


def canonical(answer: str) -> str:
    """A key that equal answers mostly share, without comparing them: their one spelling, numbers reduced."""
    if len(answer) > MAX_LENGTH:
        return answer.strip()
    spelling = plain(answer)
    value = exact(spelling)
    return str(value) if value is not None else spelling


EXPRESSION = Grader(
    name="expression",
    find=find,
    judge=judge,
    shown_gold=as_written,
    label=canonical,
    candidates=candidates,
    limit_s=LIMIT_S,
    confined=False,
    answer_in_thinking=True,
)
