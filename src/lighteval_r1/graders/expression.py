r"""Mathematics: is the reply's final answer equal to the gold answer?

What it asks
    Nothing itself: AIME and MATH-500 use it. An answer is a number, an expression, a tuple, an interval, a list of
    roots, a matrix, an equation or a word.

How it is graded
    The answer is the last complete `\boxed{…}` after `</think>` (also `\fbox{…}` and `\boxed 7`; boxes joined by commas
    or "and" are one answer), else what follows an explicit "the final answer is" or "Answer:" at the end. Never a number
    that happens to stand in the text. Without an answer, and for a thought that never ended, the outcome is no_answer.
    It is compared in the steps of graders.comparison under this policy:
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
    Golds: https://huggingface.co/datasets/HuggingFaceH4/MATH-500, https://huggingface.co/datasets/HuggingFaceH4/aime_2024.
"""

from functools import lru_cache

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders import comparison
from lighteval_r1.graders.latex import MAX_LENGTH, plain
from lighteval_r1.records import Grade, Outcome

# Longer answers are kept in grades only up to here; the reply itself is in the journal.
SHOWN = 200
OUTCOMES = {True: Outcome.CORRECT, False: Outcome.WRONG, None: Outcome.UNDECIDED}


@lru_cache(maxsize=4096)
def gold_expression(gold: str) -> str:
    """Gold as an expression: data sets write it plain, in dollars, or in a box at the end of a solution."""
    return replies.last_box(gold) or gold.rpartition("\\boxed{")[2]


def grade(reply: str, gold: str, *, thinking_opened: bool = False) -> Grade:
    """The grade of a reply's final answer against gold, a LaTeX expression."""
    answer, where = replies.extract(reply, thinking_opened=thinking_opened)
    if not answer:
        return Grade(Outcome.NO_ANSWER, "", where)
    same, step = comparison.compare(answer, gold_expression(gold))
    return Grade(OUTCOMES[same], answer[:SHOWN], f"{where}; {step}")


def equivalent(answer: str, gold: str) -> bool | None:
    """Whether two answers are the same under the policy above; None where that is too much to find out."""
    return comparison.compare(answer, gold_expression(gold))[0]


def canonical(answer: str) -> str:
    """A key that equal answers mostly share, without comparing them: their one spelling, numbers reduced."""
    if len(answer) > MAX_LENGTH:
        return answer.strip()
    spelling = plain(answer)
    value = comparison.exact(spelling)
    return str(value) if value is not None else spelling


def explain(reply: str, gold: str, *, thinking_opened: bool = False) -> list[str]:
    """What was extracted, what was compared and which step decided, a line each."""
    thinking, after = replies.split_thinking(reply, thinking_opened=thinking_opened)
    found = grade(reply, gold, thinking_opened=thinking_opened)
    lines = [
        f"reply: {len(reply)} characters, of which thinking {len(thinking)}",
        "after the thinking: nothing, it never ended" if after is None else f"after the thinking: …{after[-SHOWN:]!r}",
        f"answer ({found.step.split(';')[0]}): {found.answer!r}",
    ]
    if found.answer:
        answer, _ = replies.extract(reply, thinking_opened=thinking_opened)
        lines.append(f"compared: {canonical(answer)[:SHOWN]!r} with gold {canonical(gold_expression(gold))[:SHOWN]!r}")
        lines.append(f"decided by: {found.step.split('; ', 1)[-1]}")
    return [*lines, f"outcome: {found.outcome}"]
