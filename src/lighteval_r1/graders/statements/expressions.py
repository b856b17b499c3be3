"""Where a thinking states an expression: in boxes, announcements, ends of equations, sentences that say a number."""

import re
from collections.abc import Iterator
from dataclasses import replace

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders.announcements import DELIMITED, phrases
from lighteval_r1.graders.statements import Candidate, not_restated
from lighteval_r1.graders.statements.question import Question, question
from lighteval_r1.graders.statements.sentences import sentence_end, sentence_start, squeezed
from lighteval_r1.graders.statements.settled import is_small, settled

# Answers as they are stated are short; a longer one is a formula on the way.
LONGEST_ANSWER = 250

GAP = r"\s{1,4}"


def any_of(*phrases: str) -> str:
    return "|".join(phrases)


EQUALS = re.compile(r"(?<![<>!:=≠])=(?![=>])|\\(?:approx|equiv)(?![a-zA-Z])|≈|≡")
STEP_TOKEN = re.compile(
    any_of(
        r"\\\\",
        r"\\[()\[\]{}]",
        r"\\[,;:! %$&#]",
        r"\\(?:implies|Rightarrow|quad|qquad|end|tag|pmod|bmod|mod)(?![a-zA-Z])",
        r"\s\(mod\b",
        r"[{}()\[\]$\n=;<>]",
        r",(?=\s|$)",
        r"[.!?](?=[\s*\"')]|$)",
        "⇒",
        "→",
    )
)
OPENING, CLOSING = {"{", "(", "["}, {"}", ")", "]"}
# Where a statement in prose goes on with something else.
GOES_ON = "and so but or which since because for when if then is are was as where with by from to at on we that this"
PROSE_GOES_ON = re.compile(
    any_of(
        rf"\s(?:{any_of(*GOES_ON.split(), 'not', 'right', 'again')})\b",
        r"\s\((?=[a-zA-Z])",
        r"\s[-–—]\s?(?=[a-zA-Z]{2})",
        r"\s\*\*",
        r"\*\*",
        "[✓✔✅]",
        r"\s\\?\(?√",
    )
)
# "5 ways" is 5; "5 times" is on the way.
OPERATIONS = "times plus minus over divided multiplied of squared cubed factorial choose mod modulo x percent"
COUNTED = re.compile(rf"([-+]?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?){GAP}(?!(?:{any_of(*OPERATIONS.split())})\b)[a-zA-Z]{{2}}")
SIMPLE_SIDE = r"[\\(\[$\s]{0,6}[a-zA-Z\\][\w\\{}'^()|]{0,20}\s{0,4}"
SUPPOSING = (
    "let(?:'s)?",
    "if",
    "suppose",
    "assum(?:e|ing)",
    "say",
    "consider(?:ing)?",
    "tak(?:e|ing)",
    "set(?:ting)?",
    "tr(?:y|ying)",
    "test(?:ing)?",
    "check(?:ing)?",
)
GIVEN = (
    *("when", "for", "where", "with", "given", "since", "because", "using", "substitut(?:e|ing)"),
    rf"plug(?:ging)?(?:{GAP}in)?",
    *("at", "from", "case", "unless", "whether"),
)
HYPOTHESIS = re.compile(
    rf"(?:\b(?:{any_of(*SUPPOSING)})(?:{GAP}(?:that|say|set|take|try|we|have|let|instead|also))*{GAP}[^,;:.=\n]{{1,30}}"
    rf"|\b(?:{any_of(*GIVEN)})(?:{GAP}(?:that|we|have))*\s{SIMPLE_SIDE})$",
    re.IGNORECASE,
)
ANNOUNCED_HYPOTHESIS = re.compile(
    r"\b(?:if|suppose|whether|assum(?:e|ing)|unless|what|why|how)\b[^,.\n]{0,60}$", re.IGNORECASE
)
REJECTIONS = (
    r"n[o']t\b",
    *(rf"{word}\b" for word in ("not", "cannot", "wrong", "incorrect", "invalid", "impossible", "extraneous")),
    *(rf"{word}\b" for word in ("rejected", "excluded", "ruled out", "false")),
    rf"too{GAP}(?:big|large|small|high|low|many|few|long|short)\b",
    *(rf"{words}\b" for words in ("a contradiction", "contradicts", "fails", "doesn't", "isn't", "won't", "can't")),
)
REJECTED = re.compile(
    rf"[\s$\\)\]}},*]{{0,8}}(?:which{GAP}|but{GAP}(?:that|this|it){GAP}|(?:that|this|it){GAP})?"
    r"(?:(?:is|are|was|would be|seems|looks|must be|can|could|does|do|will)\s{0,4})?"
    rf"(?:clearly{GAP}|obviously{GAP}|also{GAP}|definitely{GAP})?"
    rf"(?:{any_of(*REJECTIONS)})",
    re.IGNORECASE,
)
REJECTED_ANSWER = re.compile(
    r"(?:not|n't|never|unlikely|neither|either|supposed|unclear|unknown|something|wrong|incorrect|different"
    r"|probably not)\b",
    re.IGNORECASE,
)

# What follows a result at which the reply stops: a conclusion, a check, a change of mind.
BETWEEN = r"(?:[\s$*.,!;)\]]|\\\]|\\\)|\\text\{[^{}\n]{0,40}\}|\\,|[a-zA-Z]{2,12}(?=[.!])){0,12}"
WILL = r"let me|let's|let us|(?:i|we)(?:'ll| will| should| can| must| need to| have to)"
CHECK = r"double[- ]?check|check|verify|confirm|make sure|ensure|recheck|reconsider|test"
CONCLUDES = re.compile(
    rf"{BETWEEN}(?:\d+\.{GAP})?(?:\*\*)?(?:so\b|thus\b|therefore|hence\b|wait\b|hmm|but wait|alternatively"
    rf"|(?:now,?{GAP})?(?:{WILL}|to){GAP}(?:now{GAP}|also{GAP})?(?:just{GAP}|quickly{GAP})?(?:{CHECK}))",
    re.IGNORECASE,
)
CONCLUSION = re.compile(
    rf"[\s*\-–•\d.)]{{0,6}}(?:{any_of(*(word + GAP for word in ('and', 'but', 'okay,?', 'ok,?', 'yes,?', 'oh,?')))})?"
    r"(?:so\b|thus\b|therefore\b|hence\b|finally\b|in total\b|altogether\b|which (?:is|gives|means|makes)\b"
    r"|that(?:'s| is| gives| means| makes)\b|this (?:is|gives|means|makes|simplifies|yields)\b"
    r"|we (?:get|have|find|obtain)\b|it(?:'s| is)\b|there (?:is|are|were)\b|the\b)",
    re.IGNORECASE,
)
SAYING = (
    *("is", "are", "equals?", "gives?", "giving", "becomes?", "gets?", "getting", "obtain", "yields?", "have", "has"),
    *("be", "needs?", "totals?", "makes?", "leaves?", "remains?", "to"),
)
SAYING_MORE = (
    *("exactly", "just", "only", "then", "also", "indeed", "simply", "equal to", "a total of", "thus", "therefore"),
    rf"(?:the|a|an){GAP}[a-z]{{3,12}}(?:{GAP}of)?",
)
STATED = (
    r"\$\$?([^$]{1,100}?)\$\$?",
    r"\\\((.{1,100}?)\\\)",
    r"\\\[\s{0,4}(.{1,200}?)\s{0,4}\\\]",
    r"([-+]?\\?\$?\d[\d,]*(?:\.\d+)?(?:/\d+)?%?)",
)
SAID = re.compile(
    rf"\b(?:{any_of(*SAYING)})(?:{GAP}(?:{any_of(*SAYING_MORE)}))*\s{{0,4}}:?\s{{0,4}}\*{{0,2}}"
    rf"(?P<answer>{any_of(*STATED)})(?![\w^_\\(]|\.\d|,\d)",
    re.IGNORECASE,
)
# "is 5 more than", "is 3 times": the number is not the end of it.
COMPUTING = "times more less plus minus over divided multiplied of squared cubed and or to mod choose through -"
NUMBER_GOES_ON = re.compile(
    r"\s{0,4}(?:[-+*/×·=<>≤≥^]|\\(?:times|cdot|le|ge|pm)"
    rf"|(?:{any_of(*COMPUTING.split())})\b|,\s{{0,4}}(?:\d|\$|\\\())",
    re.IGNORECASE,
)
IN_BRACKETS = re.compile(r"(?<!\\)\((?![^()]*\))[^()]*$")
LETTER_SIDE = re.compile(r"(?<![\w\\])([a-zA-Z])\s{0,4}$")


def candidates(thinking: str, *, problem: str, gold: str) -> list[Candidate]:
    lists = "," in gold or "\\text{and" in gold
    asked_for = question(problem)
    statements = [*boxed(thinking, lists=lists), *announced(thinking)]
    statements += [*equalities(thinking, asked_for=asked_for, lists=lists), *sayings(thinking, asked_for=asked_for)]
    large = not is_small(gold)
    return [
        replace(statement, right=settled(statement, gold), linked=statement.linked or large)
        for statement in not_restated(statements, thinking=thinking, problem=problem)
    ]


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
    for phrase in phrases(thinking):
        before = thinking[sentence_start(thinking, phrase.start()) : phrase.start()]
        if ANNOUNCED_HYPOTHESIS.search(before):
            continue
        at = phrase.end()
        formula = DELIMITED.match(thinking, at, min(len(thinking), at + 3 * LONGEST_ANSWER))
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
