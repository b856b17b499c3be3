"""Replies made by hand, with what their thinking measures worked out by hand: a token is a word between spaces.

"‸" stands in a reply just behind the first correct answer and is taken out before anything is measured; a test holds the
numbers against it, so that a miscount shows. T counts the words before the last </think>, T^ those up to the mark.
"""

from dataclasses import dataclass

MARK = "‸"
SUM = "What is $17 + 25$?"
MOST = "What is the largest number of points at which three circles meet?"
BOATS = "A boat carries 6 people. How many boats are needed for 40 people?"
LETTERS = '{"letter": "C", "options": ["5 m/s", "10 m/s", "20 m/s", "40 m/s"]}'
SPEED = "How fast is the stone after 2 s?\n\nA) 5 m/s\nB) 10 m/s\nC) 20 m/s\nD) 40 m/s"


@dataclass(frozen=True)
class Case:
    """name, problem, gold, reply; T, T^ (None: never reached), thoughts; grader; whether the final answer is right."""

    name: str
    problem: str
    gold: str
    reply: str
    tokens: int
    first: int | None
    thoughts: int = 0
    grader: str = "expression"
    correct: bool = True
    opened: bool = True


CASES = [
    # ---- right at once
    # 17 + 25 = 42. -> five words, the fifth is the gold
    Case("the sum alone", SUM, "42", "17 + 25 = 42‸. </think> 42", 5, 5),
    # So the answer is 42. -> five
    Case("announced alone", SUM, "42", "So the answer is 42‸. </think> \\boxed{42}", 5, 5),
    # \boxed{42} -> one
    Case("a box alone", SUM, "42", "\\boxed{42}‸ </think> \\boxed{42}", 1, 1),
    # $17 + 25 = 42$ -> five
    Case("in a formula", SUM, "42", "$17 + 25 = 42‸$ </think> 42", 5, 5),
    # \[ 17 + 25 = 42 \] Done. -> the sixth of eight
    Case("a displayed formula", SUM, "42", "\\[\n17 + 25 = 42‸\n\\]\nDone. </think> 42", 8, 6),
    # So there are 7 boats. -> the fourth of five
    Case("said in words", BOATS, "7", "So there are 7‸ boats. </think> \\boxed{7}", 5, 4),
    # 17 plus 25 is 42. -> the fifth
    Case("is", SUM, "42", "17 plus 25 is 42‸. </think> \\boxed{42}", 5, 5),
    # <think> is a word of the reply where the model wrote it: <think> 17 + 25 = 42. -> six
    Case("the tag is written by the model", SUM, "42", "<think> 17 + 25 = 42‸. </think> 42", 6, 6, opened=False),
    # The chain's last side counts: 10 + 30 + 2 (5) = 40 + 2 (9) = 42 (11)
    Case("a chain of equalities", SUM, "42", "10 + 30 + 2 = 40 + 2 = 42‸ </think> 42", 11, 11),
    # The sum is \(42\) exactly. -> the fourth of five
    Case("a formula in words", SUM, "42", "The sum is \\(42\\)‸ exactly. </think> 42", 5, 4),
    # ---- right late
    # 17 + 25 = 41. (5) Wait, 7 + 5 = 12, (11) so 42? (13) a question states nothing; Now 17 + 25 = 42. (19) Good. (20)
    Case("a slip mended", SUM, "42", "17 + 25 = 41. Wait, 7 + 5 = 12, so 42? Now 17 + 25 = 42‸. Good. </think> 42", 20, 19, 1),
    # First the tens: 10 + 20 = 30. (8) Then the ones: 7 + 5 = 12. (16) Together 30 + 12 = 42. (22)
    Case("in parts", SUM, "42", "First the tens: 10 + 20 = 30. Then the ones: 7 + 5 = 12. Together 30 + 12 = 42‸. </think> 42", 22, 22),
    # 17 + 25 = 42. (5) Let me check: (8) 42 - 25 = 17. (13) Yes. (14)
    Case("checked afterwards", SUM, "42", "17 + 25 = 42‸. Let me check: 42 - 25 = 17. Yes. </think> 42", 14, 5),
    # 17 + 25 = 42. (5) Hmm, (6) again. (7) Alternatively, (8) 20 + 25 - 3 = 42. (15)
    Case("found twice", SUM, "42", "17 + 25 = 42‸. Hmm, again. Alternatively, 20 + 25 - 3 = 42. </think> 42", 15, 5, 2),
    # I think it might be 43 or 44. (8) But wait, (10) 17 + 25 = 42. (15)
    Case("after a guess", SUM, "42", "I think it might be 43 or 44. But wait, 17 + 25 = 42‸. </think> 42", 15, 15, 1),
    # 40 / 6 = 6.67, (5) so 6 boats do not suffice. (11) Thus we need 7 boats. (16): the 15th
    Case("rounded up", BOATS, "7", "40 / 6 = 6.67, so 6 boats do not suffice. Thus we need 7‸ boats. </think> \\boxed{7}", 16, 15),
    # Half is \frac{1}{2}, (3) and x = \frac{84}{2} (7) is a division to be done; = 42. (9)
    Case("a fraction on the way", SUM, "42", "Half is \\frac{1}{2}, and x = \\frac{84}{2} \n = 42‸. </think> 42", 9, 9),
    # 2 * 21 is on the way: The sum = 2 * 21 (6) and = 42. (9)
    Case("a product on the way", SUM, "42", "The sum = 2 * 21\nand = 42‸. </think> 42", 9, 9),
    # Other spellings: x = 42.0 -> three
    Case("another spelling", SUM, "42", "x = 42.0‸ </think> 42", 3, 3),
    # 1,250 is 1250: total = 1,250 lire. -> third of four
    Case("thousands", "How many lire in all?", "1250", "total = 1,250‸ lire. </think> 1250", 4, 3),
    # ---- other golds
    # x = \dfrac{3}{4} -> three
    Case("a fraction", "Find $x.$", "\\frac{3}{4}", "$x = \\dfrac{3}{4}‸$ </think> 3/4", 3, 3),
    # x = 6/8 (3) is 3/4 for the grader; so x = 3/4 (7)
    Case("unreduced", "Find $x.$", "\\frac{3}{4}", "$x = 6/8‸$ so $x = 3/4$ </think> 3/4", 7, 3),
    # AB = 11\sqrt{2} holds. -> the third of four
    Case("a root", "Find $AB.$", "11\\sqrt{2}", "$AB = 11\\sqrt{2}‸$ holds. </think> $11\\sqrt2$", 4, 3),
    # p = x^2 + 1 -> five
    Case("a polynomial", "Find $p.$", "x^2+1", "$p = x^2 + 1‸$ </think> \\boxed{x^2+1}", 5, 5),
    # $= b(a + 5) + 2(a + 5)$ (8): two terms where gold has one; $= (a + 5)(b + 2)$ (14)
    Case("factored", "Factor $ab+5b+2a+10$.", "(a+5)(b+2)", "$= b(a + 5) + 2(a + 5)$\n$= (a + 5)(b + 2)‸$ </think> $(a+5)(b+2)$", 14, 14),
    # The pair is $(1,2)$ indeed. -> the fourth of five
    Case("a pair", "Find the pair.", "(1,2)", "The pair is $(1,2)$‸ indeed. </think> \\boxed{(1,2)}", 5, 4),
    # \boxed{2}, \boxed{3} together are the answer: Roots: \boxed{2}, \boxed{3} -> third
    Case("two boxes, one answer", "Find the roots.", "2, 3", "Roots: \\boxed{2}, \\boxed{3}‸ </think> \\boxed{2, 3}", 3, 3),
    # mod: 129 \equiv 8 \pmod{11} -> the gold is the third of four words
    Case("a remainder", "What is the remainder of $129$ by $11$?", "8", "$129 \\equiv 8‸ \\pmod{11}$ </think> 8", 4, 3),
    # A = 12.57 (3) \approx 12.6 (5): gold is the rounded one
    Case("about", "Find the area to 3 digits.", "12.6", "$A = 12.57 \\approx 12.6‸$ </think> 12.6", 5, 5),
    # ---- found and lost
    # 17 + 25 = 42. (5) Wait, that is too large. (10) So 17 + 25 = 41. (16)
    Case("given up", SUM, "42", "17 + 25 = 42‸. Wait, that is too large. So 17 + 25 = 41. </think> 41", 16, 5, 1, correct=False),
    # 17 + 25 = 42. (5) Off by one: the answer is 43. (12)
    Case("lost without another thought", SUM, "42", "17 + 25 = 42‸. Off by one: the answer is 43. </think> 43", 12, 5, correct=False),
    # The answer is 42. (4) Alternatively 17 * 25 = 425. (10) Another way: (12) 425 it is. (15)
    Case("two further approaches", SUM, "42", "The answer is 42‸. Alternatively 17 * 25 = 425. Another way: 425 it is. </think> 425", 15, 4, 2, correct=False),
    # 17 + 25 = 42. (5), and 24 behind the thought
    Case("lost behind the thought", SUM, "42", "17 + 25 = 42‸. </think> \\boxed{24}", 5, 5, correct=False),
    # 17 + 25 = 42. (5), and no answer behind the thought
    Case("no answer behind the thought", SUM, "42", "17 + 25 = 42‸. </think> I am done.", 5, 5, correct=False),
    # ---- never
    # 17 + 25 = 41. -> five
    Case("wrong at once", SUM, "42", "17 + 25 = 41. </think> 41", 5, None, correct=False),
    # 17 + 25 = 41. (5) Hmm, no. (7) 17 + 25 = 43. (12)
    Case("wrong twice", SUM, "42", "17 + 25 = 41. Hmm, no. 17 + 25 = 43. </think> 43", 12, None, 1, correct=False),
    # A number that stands there states nothing: Numbers such as 42, 43 and 44 are close. -> nine
    Case("the number among others", SUM, "42", "Numbers such as 42, 43 and 44 are close. </think> 43", 9, None, correct=False),
    # Nothing before the tag: 0
    Case("an empty thought", SUM, "42", "</think> 42", 0, None),
    # I do not know. -> four; the gold stands only behind the thought
    Case("only behind the thought", SUM, "42", "I do not know. </think> \\boxed{42}", 4, None),
    # x = 420 and y = 4.2 -> seven
    Case("digits of others", SUM, "42", "x = 420 and y = 4.2 </think> 41", 7, None, correct=False),
    # ---- gold in the problem
    # We know that $n = 42$. (6) is the problem's own equation; So 84 / 2 = 42. (12)
    Case("given, then found", "Let $n = 42$. What is half of $2n$?", "42", "We know that $n = 42$. So 84 / 2 = 42‸. </think> 42", 12, 12),
    # "AB = 10" is said by the problem: Given $AB = 10$ (4) we see little. (7)
    Case("given, never found", "With $AB = 10$, how long is $AC$?", "10", "Given $AB = 10$ we see little. </think> 9", 7, None, correct=False),
    # The boat is 42 years old. (6) is the problem's own sentence; Its captain is older. (10)
    Case("the problem's sentence", "The boat is 42 years old. How old is the captain?", "42", "The boat is 42 years old. Its captain is older. </think> 50", 10, None, correct=False),
    # Let x = 42. (4) is an assumption; Then x + 1 = 43. (10)
    Case("assumed", SUM, "42", "Let x = 42. Then x + 1 = 43. </think> 43", 10, None, correct=False),
    # If x = 42 then 42 - 25 = 17. (10) It holds, so the answer is 42. (17)
    Case("tried, then concluded", SUM, "42", "If x = 42 then 42 - 25 = 17. It holds, so the answer is 42‸. </think> 42", 17, 17),
    # ---- gold rejected
    # x = 42 is impossible. (5) So x = 41. (9)
    Case("rejected", SUM, "42", "x = 42 is impossible. So x = 41. </think> 41", 9, None, correct=False),
    # The answer is not 42. (5) It is 41. (8)
    Case("the answer is not", SUM, "42", "The answer is not 42. It is 41. </think> 41", 8, None, correct=False),
    # x = 42, which is not right. (7) So x = 40. (11)
    Case("which is not", SUM, "42", "x = 42, which is not right. So x = 40. </think> 40", 11, None, correct=False),
    # Is the answer = 42? (5) No idea. (7)
    Case("asked", SUM, "42", "Is the answer = 42? No idea. </think> 41", 7, None, correct=False),
    # x = 42 is too large, no. (7) But 17 + 25 = 42. (13): rejected first, found later
    Case("rejected, then found", SUM, "42", "x = 42 is too large, no. But 17 + 25 = 42‸. </think> 42", 13, 13),
    # $x = 2$ or $x = 3$ holds. (8) settles on neither; Then 2 + 3 = 5. (14) Then 5 + 0 = 5. (20)
    Case("one of two roots", "Find the sum of the roots, $s$.", "3", "$x = 2$ or $x = 3$ holds. Then 2 + 3 = 5. Then 5 + 0 = 5. </think> 5", 20, None, correct=False),
    # ---- a small gold by chance
    # 2^1 = 2, (3) 2^2 = 4, (6) 2^3 = 8. (9) The largest number of points is 6. (16)
    Case("a power on the way", MOST, "4", "2^1 = 2, 2^2 = 4, 2^3 = 8. The largest number of points is 6. </think> 6", 16, None, correct=False),
    # r = 6 (3) and h = 2 (7) and d = 9. (11) The number of points = 6. (17)
    Case("the same number, then the answer", MOST, "6", "r = 6 and h = 2 and d = 9. The number of points = 6‸. </think> 6", 17, 17),
    # ---- several boxes
    # \boxed{41} (1) Wait, (2) \boxed{42} (3)
    Case("the second box", SUM, "42", "\\boxed{41} \nWait, \\boxed{42}‸ </think> 42", 3, 3, 1),
    # \boxed{42} (1) Wait, (2) \boxed{41} (3)
    Case("the first box", SUM, "42", "\\boxed{42}‸ \nWait, \\boxed{41} </think> 41", 3, 1, 1, correct=False),
    # \boxed{x} (1) \boxed{42} (2) \boxed{42} (3)
    Case("three boxes", SUM, "42", "\\boxed{x} \\boxed{42}‸ \\boxed{42} </think> 42", 3, 2),
    # ---- cut off
    # 17 + 25 = 42. (5) Let me think more about (10)
    Case("cut off after the answer", SUM, "42", "17 + 25 = 42‸. Let me think more about", 10, 5, correct=False),
    # 17 + 25 is (4)
    Case("cut off before it", SUM, "42", "17 + 25 is", 4, None, correct=False),
    # an unfinished box: \boxed{4 (1)
    Case("cut off in a box", SUM, "42", "\\boxed{4", 1, None, correct=False),
    # the reply opens its thought itself and never ends it: <think> 17 + 25 = 42 (6)
    Case("opened by the model, cut off", SUM, "42", "<think> 17 + 25 = 42‸", 6, 6, correct=False, opened=False),
    # two closings: the last one counts. a (1) </think> (2) b = 42 (5)
    Case("closed twice", SUM, "42", "a </think> b = 42‸ </think> 42", 5, 5),
    # no thought at all
    Case("no thinking", SUM, "42", "The answer is 42.", 0, None, opened=False),
    # ended by an escaped tag: 17 + 25 = 42. (5)
    Case("another closing tag", SUM, "42", "17 + 25 = 42‸. <\\/think>", 5, 5),
    # ---- thoughts
    # Wait, Hmm. wait, (nothing between the last two) ALTERNATIVELY, Let me reconsider. -> Wait, a b. (3) Hmm. Wait, c. (6)
    # ALTERNATIVELY, d. (8) Let me reconsider. (11) -> four thoughts
    Case("each phrase", SUM, "42", "Wait, a b. Hmm. Wait, c. ALTERNATIVELY, d. Let me reconsider. </think> 41", 11, None, 4, correct=False),
    # I wait. (2) No wait here. (5) Waiting is hard. (8) -> none begins a sentence with a phrase
    Case("no phrase at a beginning", SUM, "42", "I wait. No wait here. Waiting is hard. </think> 41", 8, None, 0, correct=False),
    # 1. Another approach: a (4) - But wait, b (8) **Hmmm** c (10) -> three thoughts
    Case("behind marks of lists", SUM, "42", "1. Another approach: a\n- But wait, b\n**Hmmm** c </think> 41", 10, None, 3, correct=False),
    # ---- choices; gold C
    # v = 10 * 2 = 20 m/s, (8) so the answer is C. (13)
    Case("a letter announced", SPEED, LETTERS, "v = 10 * 2 = 20 m/s, so the answer is C‸. </think> C", 13, 13, grader="choice"),
    # That matches option C. (4) Wait, (5) let me check. (8)
    Case("a match", SPEED, LETTERS, "That matches option C‸. Wait, let me check. </think> C", 8, 4, 1, grader="choice"),
    # Therefore, C. (2)
    Case("therefore", SPEED, LETTERS, "Therefore, C‸. </think> C", 2, 2, grader="choice"),
    # Option C is wrong, (4) so the answer is B. (9)
    Case("an option rejected", SPEED, LETTERS, "Option C is wrong, so the answer is B. </think> B", 9, None, grader="choice", correct=False),
    # A) is 5, B) is 10, C) is 20, D) is 40. (12) The answer is D. (16)
    Case("options recited", SPEED, LETTERS, "A) is 5, B) is 10, C) is 20, D) is 40. The answer is D. </think> D", 16, None, grader="choice", correct=False),
    # The answer is 20 m/s. (5): the option's own text
    Case("the option's text", SPEED, LETTERS, "The answer is 20 m/s‸. </think> C", 5, 5, grader="choice"),
    # The answer is C. (4) Wait, (5) g is 5, so the answer is A. (13)
    Case("a letter given up", SPEED, LETTERS, "The answer is C‸. Wait, g is 5, so the answer is A. </think> A", 13, 4, 1, grader="choice", correct=False),
    # The answer is B or C. (6) settles on nothing; So option C is correct. (11): the 9th word is C
    Case("undecided, then decided", SPEED, LETTERS, "The answer is B or C. So option C‸ is correct. </think> C", 11, 9, grader="choice"),
    # Could the answer be C? (5) Not sure. (7)
    Case("a letter asked for", SPEED, LETTERS, "Could the answer be C? Not sure. </think> B", 7, None, grader="choice", correct=False),
    # Curve C and curve B cross. (6) So B. (8)
    Case("a letter not concluded", SPEED, LETTERS, "Curve C and curve B cross. So B. </think> B", 8, None, grader="choice", correct=False),
]  # fmt: skip
