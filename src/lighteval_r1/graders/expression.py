r"""Mathematics: is the reply's final answer equal to the gold answer?

What it asks
    Nothing itself: AIME and MATH-500 use it. An answer is a number, an expression, a tuple, an interval, a list of
    roots, a matrix, an equation or a word.

How it is graded
    The answer is the last complete `\boxed{…}` behind the thinking (also `\fbox{…}`, `<boxed>…</boxed>`, `\boxed 7`;
    boxes joined by commas, "and" or their variables are one answer), else what is announced at the end
    (graders.announcements), else a formula or number that is all that is said ("5", "The value of x is 5"). Of a
    thought that ended with nothing behind it, it is what stands so in its last words. Never a number that happens to
    stand in the text, never what is denied ("isn't \boxed{7}"), asked, struck out, or taken back behind it ("Wait, that
    is wrong"). It is compared in the steps of graders.comparison:
      exact      Exact values are never rounded: 0.00006712 is not 0.0000672, 0.333 is not 1/3.
      decimal    Decimals are equal when both say the same number, or when gold is a decimal and the answer is the exact
                 value (a fraction, a root), which rounded to gold's digits is gold. 16,00 is 16, and 2,5 is 2.5.
      signs      Percent, degree and dollar signs and thousands separators do not decide. 20\% is also 0.2; for a
                 gold between 0 and 1 a percent sign means what it says.
      units      A unit on one side alone does not decide. Where both name one they must be the same: 5 cm is not 5 m.
      words      "not 5" and "5 or more" are not 5: beside mathematics only units, ordinals and announcements drop.
      assigned   `x = 5` answers 5, and 5 answers `x = 5`; `x^2=4` does not answer 4, nor x_1=3 x_2=3. Equations are
                 equal where one is a multiple of the other.
      order      Order matters in tuples and intervals, not in sets and lists of roots.
      brackets   Brackets of intervals matter. A tuple's parentheses may be missing. x > 5 is (5, \infty).
      mixed      Mixed numbers are read as such: 1\frac{4}{5} is 9/5.
      apart      `1 2` is not 12, and `2^6 3` is 2^6 times 3.
      text       Words compare without case, spacing and article. Numbers below a thousand million may be words.
      angles     \frac{\pi}{3} is 60^\circ where one side says degrees. \overline{AB} is AB.
      letters    What the letters are ("for all x", `k\in\mathbb{Z}`) does not decide where one side alone says it.
      value      Unreduced fractions, unevaluated products and other spellings of one value are equal.
      list       A list that only contains gold is wrong, and so is one of several roots.
      bases      A numeral is its digits and its base; where gold leaves out the base, the digits alone.
      integer    Leading zeros do not matter.
    An answer too large to compute (9^{9^{9^9}}) or too long to read is undecided.

What it gets wrong
    Wrongly wrong: a value in another base, or without gold's base; a unit that was converted, but for radians and
    degrees; y' for dy/dt; |x-1|<4 and x^2<4
    for their intervals; a condition in other words ("for x>0", "if x>0"), and a case that is else "otherwise";
    what TeX itself reads otherwise (\sqrt12, 2^43^2); boxes of parts (a)
    and (b) where gold wants both; a last sentence that only says "Therefore x = 5".
    Wrongly right: a box behind the answer that shows another case ("for n = 5 it would be \boxed{10}"; one that begins
    with "if" is no answer); n2 as 2n; a
    percent sign on a gold from 1 on; a numeral in a base that gold does not name; what other readings
    (graders.readings) accept; letters stand for positive numbers, so \sqrt{x^2} equals x; a gold like `1,22` is also
    the decimal 1.22; x+c for a gold x+C and n\pi for k\pi, though the problem may know both letters; a plural in -s
    behind a number is a thing that is counted, whatever it means; signs that may be taken together or one by one, as
    in (\pm1,\pm2), are taken as gold takes them.

Source
    Steps and policy are this project's; the last step is math-verify, https://github.com/huggingface/Math-Verify.
    Golds: https://huggingface.co/datasets/HuggingFaceH4/MATH-500,
    https://huggingface.co/datasets/HuggingFaceH4/aime_2024.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.grader import Found, Grader, thought_through
from lighteval_r1.graders.latex import MAX_LENGTH, plain
from lighteval_r1.graders.numerals import exact
from lighteval_r1.records import Grade, Outcome

if TYPE_CHECKING:
    from lighteval_r1.graders.statements import Candidate

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


def candidates(thinking: str, *, problem: str, gold: str, tolerant: bool = False) -> "list[Candidate]":
    # Imported here: what looks for statements reads golds by this module.
    from lighteval_r1.graders.statements import expressions

    return expressions.candidates(thinking, problem=problem, gold=gold, tolerant=tolerant)


def canonical(answer: str) -> str:
    """A key that equal answers mostly share, without comparing them: their one spelling, numbers reduced."""
    if len(answer) > MAX_LENGTH:
        return answer.strip()
    spelling = plain(answer)
    value = exact(spelling)
    return str(value) if value is not None else spelling


def reference(gold: str) -> str:
    return thought_through(f"The answer is $\\boxed{{{gold}}}$.")


EXPRESSION = Grader(
    name="expression",
    find=find,
    judge=judge,
    shown_gold=str,
    label=canonical,
    candidates=candidates,
    limit_s=LIMIT_S,
    confined=False,
    answer_in_thinking=True,
    note=None,
    lettered=False,
    reference=reference,
)
