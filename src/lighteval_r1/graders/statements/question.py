"""What a problem asks for and what it gives, to tell its answer from another quantity of the same value."""

import re
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from lighteval_r1.graders.statements.chains import equations
from lighteval_r1.graders.statements.phrases import GAP, begun_by
from lighteval_r1.graders.statements.sentences import sentence_end, sentence_start, squeezed
from lighteval_r1.graders.vocabulary import any_of

# Of a problem that is longer its end is read.
LONGEST = 4000
# Sentences about how to answer ask for nothing.
TASK_WORDS = re.compile(
    r"boxed|step[- ]by[- ]step|final answer|\banswer:|respond|show your (?:work|steps)"
    r"|\b(?:express|enter|give|write|round|state|leave|list|report)"
    r" (?:it|them|(?:your|the|all|any) (?:final )?(?:answers?|solutions?))\b",
    re.IGNORECASE,
)
ASKING = (
    *("find", "compute", "determine", "calculate", "evaluate", "simplify", "express", "solve", "write", "what", "how"),
    *("give", "factor", "expand", "convert", "enter"),
)
ASKS = re.compile(rf"\b(?:{any_of(*ASKING)})\b", re.IGNORECASE)
FORMULA = re.compile(r"\$\$?.+?\$\$?|\\\(.+?\\\)|\\\[.+?\\\]")
WORD = re.compile(r"[a-z]{3,}")
EMPTY_WORDS = frozenset(
    (
        "what which that this these those with from find compute determine calculate evaluate express simplify "
        "value answer there their have does the and are for how many much was were can could will would his her "
        "its they than then into over all each has had not you your let give terms simplest form text frac sqrt "
        "left right cdot times"
    ).split()
)
# "What is the total area of": the last word before "of" is what is asked for; "the number of pencils" asks for pencils.
HEAD = re.compile(
    rf"\b(?:what{GAP}(?:is|are|was|were|would{GAP}be)|find|compute|determine|calculate|give|evaluate){GAP}"
    rf"(?:the|a|an|all|its|his|her){GAP}"
    rf"(?P<head>(?:[a-z-]{{1,20}}{GAP}){{0,5}}?[a-z-]{{3,20}})"
    r"(?=\s*(?:[$?.,\\]|$|\b(?:of|in|that|for|when|if|such|which|between|from|to|at|on|with|he|she|they|you)\b))",
    re.IGNORECASE,
)
COUNTING = re.compile(
    rf"\b(?:how{GAP}many|number{GAP}of){GAP}(?P<counted>[a-z-]{{1,20}}(?:{GAP}[a-z-]{{1,20}}){{0,3}})", re.IGNORECASE
)
# In a question with these a letter is no more than a part of what is asked for.
AGGREGATES = (
    "sum product many average mean difference ratio probability area volume perimeter distance remainder "
    "coefficient degree digit digits squares"
)
AGGREGATE = re.compile(rf"\b(?:{any_of(*AGGREGATES.split(), f'number{GAP}of')})\b", re.IGNORECASE)
EXTREME = re.compile(
    r"\b(?:least|most|greatest|largest|biggest|highest|longest|smallest|lowest|shortest|maxim\w*|minim\w*|bound)\b",
    re.IGNORECASE,
)
DEFINING = re.compile(begun_by("let", "denote[sd]?", "call", "represents?", "define") + r"\b", re.IGNORECASE)
SINGLE_LETTER = re.compile(r"(?<![\w\\^'’])(?:([b-zB-HJ-Z])|(?<=[$(])\s?([aAI])(?=\s?(?:\$|\\\))))(?![\w'’(^])")


@dataclass(frozen=True)
class Question:
    """What a problem asks for: its words, the head of them, what is counted ("" where nothing is), its formulas.

    given: pairs of sides that the problem says to be equal. extreme: the least or greatest of something is asked for.
    """

    words: frozenset[str]
    head: str
    counted: str
    formulas: frozenset[str]
    given: frozenset[tuple[str, str]]
    extreme: bool

    def named_in(self, sentence: str) -> bool:
        """Whether a sentence names the head, and at least two of the words (or all, where there are fewer)."""
        stems_in = stems(sentence)
        return (
            bool(self.words)
            and len(stems_in & self.words) >= min(2, len(self.words))
            and (not self.head or self.head in stems_in)
        )

    def is_subject(self, words: str) -> bool:
        """Whether words end in a formula that is asked for: "so the value of x"."""
        ending = squeezed(words[-60:])
        letter = re.search(r"(?<![a-zA-Z\\])([a-zA-Z])[\s$)\\*]{0,6}$", words[-12:])
        return any(
            ending.endswith(formula) if len(formula) > 1 else letter is not None and letter[1].casefold() == formula
            for formula in self.formulas
        )

    def with_letters_of(self, thinking: str) -> "Question":
        """With the letters that a thinking introduces for what is asked for: "Let n be the number of …"."""
        letters = set()
        read = 0
        for verb in DEFINING.finditer(thinking):
            if verb.start() < read:
                continue
            read = sentence_end(thinking, verb.end())
            sentence = thinking[sentence_start(thinking, verb.start()) : read]
            names = {first or second for first, second in SINGLE_LETTER.findall(sentence)}
            if len(names) == 1 and self.named_in(sentence):
                letters |= names
        return replace(self, formulas=self.formulas | {letter.casefold() for letter in letters})


@dataclass(frozen=True)
class Reading:
    """A thinking about a problem. lists: the gold is a list."""

    thinking: str
    problem: str
    lists: bool

    @property
    def counted(self) -> str:
        return question(self.problem).counted

    @cached_property
    def asked_for(self) -> Question:
        return question(self.problem).with_letters_of(self.thinking)


@lru_cache(maxsize=512)
def question(problem: str) -> Question:
    """Of the problem's last question, or of its last sentence that tells to find something."""
    problem = problem[-LONGEST:]
    sentences = [words for words in re.split(r"(?<=[.?!])\s+|\n", problem) if not TASK_WORDS.search(words)]
    asking = [words for words in sentences if words.rstrip().endswith("?")] or [
        words for words in sentences if ASKS.search(words)
    ]
    text = (asking or sentences or [""])[-1]
    formulas = {
        squeezed(part).rstrip(".,?:")
        for formula in FORMULA.findall(text)
        for part in (formula, formula.partition(":")[0])
    }
    if AGGREGATE.search(text):
        formulas = {formula for formula in formulas if len(formula) > 1}
    words = re.sub(r"\$.*?\$", " ", text)
    return Question(
        words=stems(words),
        head=head(words),
        counted=counted(words),
        formulas=frozenset(formulas - {""}),
        given=frozenset(equations(problem)),
        extreme=EXTREME.search(text) is not None,
    )


def head(words: str) -> str:
    """The stem of the noun asked for; "" where none is known."""
    phrase = HEAD.search(words)
    noun = phrase["head"].split()[-1].casefold() if phrase else ""
    if noun in ("number", ""):
        return counted(words)
    return noun[:5] if noun not in EMPTY_WORDS else ""


def counted(words: str) -> str:
    """The stem of what is counted: "how many distinct integers"; "" where nothing is."""
    phrase = COUNTING.search(words)
    if phrase is None:
        return ""
    nouns = [word.casefold().rpartition("-")[2] for word in phrase["counted"].split()]
    noun = next((word for word in nouns if word.endswith("s") or word in ("people", "feet", "children")), nouns[0])
    return noun[:5] if len(noun) > 2 and noun not in EMPTY_WORDS else ""


def stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in WORD.findall(text.casefold()) if word not in EMPTY_WORDS)
