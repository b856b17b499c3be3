r"""Where a thinking states an answer: candidates in order, each with the offset just past it. Finds; does not grade.

Forms
  box        `\boxed{5}`
  announced  "the answer is 5", "Answer: 5"
  equals     "… = 5" at the end of a step: of a line, a formula, a clause
  said       "so there are 5 ways", "the sum of the roots is 5", "this gives 5"
  letter     for choices: "so the answer is B", "option B is correct", "matches option C", "Therefore, B."
Strong are boxes, announcements, and what is said of the very thing asked for. An "= 5" alone may be another quantity that
happens to be 5: it is linked where its sentence names what is asked for or the reply stops at it ("Let me check").
Not a candidate
  what the problem says itself (the same equation, the same sentence);
  a hypothesis ("if x = 5", "let n = 5", "substituting x = 5") and a question ("is it 5?");
  what its own sentence rejects ("the answer is not 5", "x = 5 is impossible", "option B is wrong").
What it gets wrong
    A value found in a case that a later sentence throws out; results given in brackets; another quantity of the same value
    in a sentence that also names what is asked for; answers in words alone ("a plane"). Of 40 real replies that were read,
    a reader placed the first correct answer of 2 elsewhere.
Source
    The forms of boxes, announcements and letters are those of the graders; what else is said was read off replies of
    R1-distilled models to MATH-500 and AIME.
Linear in the length of the thinking, with bounded looks around each place.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders import choice
from lighteval_r1.thinking.question import Question, question
from lighteval_r1.thinking.sentences import sentence_end, sentence_start, squeezed

# Answers as they are stated are short; a longer one is a formula on the way.
LONGEST_ANSWER = 250

EQUALS = re.compile(r"(?<![<>!:=≠])=(?![=>])|\\(?:approx|equiv)(?![a-zA-Z])|≈|≡")
STEP_TOKEN = re.compile(
    r"\\\\|\\[()\[\]{}]|\\[,;:! %$&#]|\\(?:implies|Rightarrow|quad|qquad|end|tag|pmod|bmod|mod)(?![a-zA-Z])|\s\(mod\b|[{}()\[\]$\n=;<>]|,(?=\s|$)|[.!?](?=[\s*\"')]|$)|⇒|→"
)
OPENING, CLOSING = {"{", "(", "["}, {"}", ")", "]"}
# Where a statement in prose goes on with something else.
PROSE_GOES_ON = re.compile(
    r"\s(?:and|so|but|or|which|since|because|for|when|if|then|is|are|was|as|where|with|by|from|to|at|on|we|that|this|not|right|again)\b"
    r"|\s\((?=[a-zA-Z])|\s[-–—]\s?(?=[a-zA-Z]{2})|\s\*\*|\*\*|[✓✔✅]|\s\\?\(?√"
)  # fmt: skip
COUNTED = re.compile(
    r"([-+]?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?)\s{1,4}(?!(?:times|plus|minus|over|divided|multiplied|of|squared|cubed|factorial|choose|mod|modulo|x|percent)\b)[a-zA-Z]{2}"
)
SIMPLE_SIDE = r"[\\(\[$\s]{0,6}[a-zA-Z\\][\w\\{}'^()|]{0,20}\s{0,4}"
HYPOTHESIS = re.compile(
    r"(?:\b(?:let(?:'s)?|if|suppose|assum(?:e|ing)|say|consider(?:ing)?|tak(?:e|ing)|set(?:ting)?|tr(?:y|ying)|test(?:ing)?|check(?:ing)?)"
    r"(?:\s{1,4}(?:that|say|set|take|try|we|have|let|instead|also))*\s{1,4}[^,;:.=\n]{1,30}"
    r"|\b(?:when|for|where|with|given|since|because|using|substitut(?:e|ing)|plug(?:ging)?(?:\s{1,4}in)?|at|from|case|unless|whether)"
    r"(?:\s{1,4}(?:that|we|have))*\s" + SIMPLE_SIDE + r")$",
    re.IGNORECASE,
)
ANNOUNCED_HYPOTHESIS = re.compile(
    r"\b(?:if|suppose|whether|assum(?:e|ing)|unless|what|why|how)\b[^,.\n]{0,60}$", re.IGNORECASE
)
REJECTED = re.compile(
    r"[\s$\\)\]},*]{0,8}(?:which\s{1,4}|but\s{1,4}(?:that|this|it)\s{1,4}|(?:that|this|it)\s{1,4})?"
    r"(?:(?:is|are|was|would be|seems|looks|must be|can|could|does|do|will)\s{0,4})?(?:clearly\s{1,4}|obviously\s{1,4}|also\s{1,4}|definitely\s{1,4})?"
    r"(?:n[o']t\b|not\b|cannot\b|wrong\b|incorrect\b|invalid\b|impossible\b|extraneous\b|rejected\b|excluded\b|ruled out\b|false\b"
    r"|too\s{1,4}(?:big|large|small|high|low|many|few|long|short)\b|a contradiction\b|contradicts\b|fails\b|doesn't\b|isn't\b|won't\b|can't\b)",
    re.IGNORECASE,
)
REJECTED_ANSWER = re.compile(
    r"(?:not|n't|never|unlikely|neither|either|supposed|unclear|unknown|something|wrong|incorrect|different|probably not)\b",
    re.IGNORECASE,
)

# What follows a result at which the reply stops: a conclusion, a check, a change of mind.
CONCLUDES = re.compile(
    r"(?:[\s$*.,!;)\]]|\\\]|\\\)|\\text\{[^{}\n]{0,40}\}|\\,|[a-zA-Z]{2,12}(?=[.!])){0,12}(?:\d+\.\s{1,4})?(?:\*\*)?(?:so\b|thus\b|therefore|hence\b|wait\b|hmm|but wait|alternatively"
    r"|(?:now,?\s{1,4})?(?:let me|let's|let us|(?:i|we)(?:'ll| will| should| can| must| need to| have to)|to)\s{1,4}(?:now\s{1,4}|also\s{1,4})?(?:just\s{1,4}|quickly\s{1,4})?(?:double[- ]?check|check|verify|confirm|make sure|ensure|recheck|reconsider|test))",
    re.IGNORECASE,
)
CONCLUSION = re.compile(
    r"[\s*\-–•\d.)]{0,6}(?:and\s{1,4}|but\s{1,4}|okay,?\s{1,4}|ok,?\s{1,4}|yes,?\s{1,4}|oh,?\s{1,4})?(?:so\b|thus\b|therefore\b|hence\b|finally\b|in total\b|altogether\b|which (?:is|gives|means|makes)\b"
    r"|that(?:'s| is| gives| means| makes)\b|this (?:is|gives|means|makes|simplifies|yields)\b|we (?:get|have|find|obtain)\b|it(?:'s| is)\b|there (?:is|are|were)\b|the\b)",
    re.IGNORECASE,
)
SAID = re.compile(
    r"\b(?:is|are|equals?|gives?|giving|becomes?|gets?|getting|obtain|yields?|have|has|be|needs?|totals?|makes?|leaves?|remains?|to)"
    r"(?:\s{1,4}(?:exactly|just|only|then|also|indeed|simply|equal to|a total of|thus|therefore|(?:the|a|an)\s{1,4}[a-z]{3,12}(?:\s{1,4}of)?))*\s{0,4}:?\s{0,4}\*{0,2}"
    r"(?P<answer>\$\$?([^$]{1,100}?)\$\$?|\\\((.{1,100}?)\\\)|\\\[\s{0,4}(.{1,200}?)\s{0,4}\\\]|([-+]?\\?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?))(?![\w^_\\(]|\.\d|,\d)",
    re.IGNORECASE,
)
# "is 5 more than", "is 3 times": the number is not the end of it.
NUMBER_GOES_ON = re.compile(
    r"\s{0,4}(?:[-+*/×·=<>≤≥^]|\\(?:times|cdot|le|ge|pm)|(?:times|more|less|plus|minus|over|divided|multiplied|of|squared|cubed|and|or|to|mod|choose|through|-)\b|,\s{0,4}(?:\d|\$|\\\())",
    re.IGNORECASE,
)


IN_BRACKETS = re.compile(r"(?<!\\)\((?![^()]*\))[^()]*$")
FORMULA_START = re.compile(r"\$|\\\(|\\\[|[:,;]\s")
LETTER_SIDE = re.compile(r"(?<![\w\\])([a-zA-Z])\s{0,4}$")

OPTION = r"(?:(?:option|choice|answer|letter)\s{1,4})"
CONCLUDED = (
    re.compile(
        r"\b(?:match(?:es|ing)?|corresponds? to|corresponding to|agrees? with|consistent with|points? to|pointing to|leads? to|leaving|leaves|"
        r"supports?|go(?:ing)? with|choos(?:e|ing)|pick(?:ing)?|select(?:ing)?|which is|that is|that's|that would be|this is|it's|it is|must be|should be|has to be|would be)"
        r"\s{1,4}(?:only\s{1,4}|exactly\s{1,4}|indeed\s{1,4}|the\s{1,4})?" + OPTION + r"[(*\s\"']{0,4}()([A-J])\b(?![’'])",
        re.IGNORECASE,
    ),
    re.compile(r"(?:^|[.!?\n]\s{0,3})(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence)\b,?\s{1,4}(?:it(?:'s| is| must be| should be)\s{1,4}|" + OPTION + r")?[(*]{0,3}()([A-J])[)*]{0,3}(?=\s{0,4}(?:[.!\n]|$))"),
    re.compile(r"\bis\s{1,4}(?:" + OPTION + r")?[(*]{0,3}()([A-J])[)*]{0,3}\.?[ \t]*(?=\n|$)"),
)  # fmt: skip
LETTER_REJECTED = re.compile(
    r"[)*.\s\"']{0,4}(?:\([^()\n]{0,80}\)\s{0,4})?(?:is|would be|are|was|seems|looks|can|could|does|do|has)\s{0,4}(?:clearly\s{1,4}|also\s{1,4}|probably\s{1,4})?"
    r"(?:not|n't|wrong|incorrect|false|out|impossible|less|unlikely|eliminated|ruled)\b|[)*.\s]{0,4}(?:isn't|doesn't|can't|fails)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """An answer as stated. end: character offset in the thinking just past it. form: box, announced, equals, said, letter.

    strong: it is stated as the answer. linked: for others, the text around it ties it to what is asked for.
    """

    end: int
    answer: str
    form: str
    strong: bool = True
    linked: bool = True


def candidates(thinking: str, *, grader: str, problem: str, gold: str) -> list[Candidate]:
    """In the order of their ends. grader: "expression" or "choice"; others have no candidates."""
    if grader == "choice":
        found = letters(thinking, gold=gold)
    elif grader == "expression":
        lists = "," in gold or "\\text{and" in gold
        asked_for = question(problem)
        found = [*boxed(thinking, lists=lists), *announced(thinking)]
        found += [*equalities(thinking, asked_for=asked_for, lists=lists), *sayings(thinking, asked_for=asked_for)]
    else:
        return []
    said = squeezed(problem)
    kept = (one for one in found if not restated(thinking, one, said=said))
    return sorted(kept, key=lambda one: one.end)


def restated(thinking: str, one: Candidate, *, said: str) -> bool:
    """Whether the sentence or the equation, up to the answer, stands in the problem."""
    start = sentence_start(thinking, one.end)
    sentence = thinking[start : one.end]
    equation = squeezed(FORMULA_START.split(sentence)[-1])
    return one.form != "box" and any(len(words) >= 3 and words in said for words in (squeezed(sentence), equation))


def boxed(thinking: str, *, lists: bool) -> Iterator[Candidate]:
    for start, end, content in replies.boxes(thinking):
        if len(content) > 4 * LONGEST_ANSWER:
            continue
        before = thinking[sentence_start(thinking, start) : start]
        if REJECTED.match(thinking, end) or re.search(r"\bnot\W{0,4}$", before):
            continue
        # Boxes that stand together are one answer.
        answer = replies.last_box(thinking[max(0, start - 2 * LONGEST_ANSWER) : end]) if lists else content
        yield Candidate(end, answer, "box")


def announced(thinking: str) -> Iterator[Candidate]:
    for phrase in replies.PHRASE.finditer(thinking):
        before = thinking[sentence_start(thinking, phrase.start()) : phrase.start()]
        if ANNOUNCED_HYPOTHESIS.search(before):
            continue
        at = phrase.end()
        formula = replies.DELIMITED.match(thinking, at, min(len(thinking), at + 3 * LONGEST_ANSWER))
        if formula:
            answer = next(group for group in formula.groups() if group is not None)
            end = formula.end()
        else:
            end = sentence_end(thinking, at)
            answer, end = clause(thinking, at, limit=end)
        if not answer or len(answer) > LONGEST_ANSWER or REJECTED_ANSWER.match(answer) or asked(thinking, end):
            continue
        if not REJECTED.match(thinking, end):
            # "The answer is $x = 5$" says 5 as well as x = 5, which the grader knows.
            yield Candidate(end, answer, "announced")


def clause(text: str, at: int, *, limit: int) -> tuple[str, int]:
    """What is said from `at` on, to the end of its clause, and the offset of that end."""
    said = text[at:limit]
    cut = PROSE_GOES_ON.search(said)
    comma = re.search(r",\s|[;\n:]|\.\s|[.!?]$", said)
    ends = [match.start() for match in (cut, comma) if match]
    said = said[: min(ends)] if ends else said
    counted = COUNTED.match(said.strip(' *_`"'))
    stripped = said.rstrip(' .*_`"')
    if counted:
        number = counted.group(1)
        return number, at + said.index(number) + len(number)
    return stripped.strip(' *_`"“”'), at + len(stripped)


def asked(text: str, end: int) -> bool:
    """Whether the sentence goes on to a question mark."""
    return text[end : sentence_end(text, end)].rstrip(" \n\"'*)").endswith("?")


def equalities(thinking: str, *, asked_for: Question, lists: bool) -> Iterator[Candidate]:
    """The right side of the last "=" of each step."""
    for sign in EQUALS.finditer(thinking):
        end, closed_by = step_end(thinking, sign.end(), lists=lists)
        if closed_by in ("=", "}", "<", ">", "(", "?"):
            continue
        side = thinking[sign.end() : end]
        if not side.strip() or len(side) > LONGEST_ANSWER:
            continue
        prose = not closed_by.startswith(("$", "\\", " "))
        answer, end = (
            clause(thinking, sign.end(), limit=end)
            if prose and "\\" not in side and not lists
            else (side.strip(), sign.end() + len(side.rstrip()))
        )
        if not answer or asked_at(thinking, end) or REJECTED.match(thinking, end):
            continue
        sentence = thinking[sentence_start(thinking, sign.start()) : sign.start()]
        if HYPOTHESIS.search(sentence):
            continue
        linked = (
            asked_for.is_side(sentence) or asked_for.named_in(sentence) or CONCLUDES.match(thinking, end) is not None
        )
        linked = linked and not one_of_several(thinking, sign.start(), end)
        yield Candidate(end, answer, "equals", strong=False, linked=linked)


def one_of_several(text: str, sign: int, end: int) -> bool:
    """Whether the sentence gives the same letter other values too: "x = 2 or x = 3" settles on neither."""
    side = LETTER_SIDE.search(text, max(0, sign - 20), sign)
    if side is None:
        return False
    sentence = text[sentence_start(text, sign) : sentence_end(text, end)]
    return len(set(re.findall(rf"(?<![\w\\]){re.escape(side.group(1))}\s*=\s*([^\s,.;$\\]+)", sentence))) > 1


def one_of_several_said(text: str, start: int, end: int) -> bool:
    """Whether the sentence says several values: "the one is 2, and the other is 0"."""
    said = {squeezed(match["answer"]) for match in SAID.finditer(text, start, sentence_end(text, end))}
    return len(said) > 1


def sayings(thinking: str, *, asked_for: Question) -> Iterator[Candidate]:
    """What a sentence says in words to be a number or formula, at its end."""
    for match in SAID.finditer(thinking):
        start = sentence_start(thinking, match.start())
        sentence = thinking[start : match.start() + 1]
        named = asked_for.named_in(thinking[start : sentence_end(thinking, match.end())])
        concludes = CONCLUSION.match(thinking, start, match.end()) is not None
        at = match.start("answer")
        answer = next(group for group in match.groups()[1:] if group is not None)
        end = match.end("answer")
        if "=" in answer or HYPOTHESIS.search(sentence) or REJECTED.match(thinking, end) or asked(thinking, end):
            continue
        if NUMBER_GOES_ON.match(thinking, end) or at - start > LONGEST_ANSWER or IN_BRACKETS.search(sentence):
            continue
        named = named and not one_of_several_said(thinking, start, end)
        linked = named or CONCLUDES.match(thinking, end) is not None
        yield Candidate(end, answer.strip(), "said", strong=named and concludes, linked=linked)


def asked_at(text: str, end: int) -> bool:
    return re.match(r"[\s$*)]{0,4}\?", text[end : end + 6]) is not None


def step_end(text: str, at: int, *, lists: bool) -> tuple[int, str]:
    """Where the step that goes on at `at` ends, and the token that ends it ("" at the end or far away)."""
    depth = 0
    limit = min(len(text), at + LONGEST_ANSWER + 1)
    for token in STEP_TOKEN.finditer(text, at, limit):
        mark = token.group()
        if len(mark) == 2 and mark[0] == "\\" and mark[1] in ",;:! %$&#":
            continue
        if mark in OPENING or mark == "\\{":
            depth += 1
        elif mark in CLOSING or mark == "\\}":
            depth -= 1
            if depth < 0:
                return token.start(), mark
        elif mark in ("\\(", "\\["):
            return token.start(), "("
        elif (depth and mark in (",", ".", "<", ">", ";", "=")) or (mark == "," and lists):
            continue
        else:
            return token.start(), mark
    return limit, ""


def letters(thinking: str, *, gold: str) -> Iterator[Candidate]:
    """Letters concluded on, and options named by their own text behind "answer is"."""
    _, options = choice.read_gold(gold)
    known = "ABCDEFGHIJ"[: len(options) or 10]
    for _, end, content in replies.boxes(thinking):
        letter = choice.in_box(content, options)
        if letter:
            yield Candidate(end, letter, "box")
    for pattern in (choice.ANNOUNCED, choice.CHOSEN, choice.NAMED, *CONCLUDED):
        for match in pattern.finditer(thinking):
            letter = match.group(2).upper()
            if letter in known and concluded(match, thinking):
                yield Candidate(match.end(2), letter, "letter")
    for one in announced(thinking) if options else ():
        letter = choice.option_of(one.answer, options)
        if letter:
            yield Candidate(one.end, letter, "announced")


def concluded(match: re.Match, thinking: str) -> bool:
    """Whether a letter is what the sentence settles on."""
    before = thinking[sentence_start(thinking, match.start()) : match.start()]
    end = match.end(2)
    return (
        choice.settled(match, thinking)
        and not ANNOUNCED_HYPOTHESIS.search(before)
        and not re.search(
            r"\b(?:not|n't|neither|never|eliminat\w*|reject\w*|rul\w* out)\b[^,.;\n]{0,20}$", before, re.IGNORECASE
        )
        and not LETTER_REJECTED.match(thinking, end)
        and not asked(thinking, end)
    )
