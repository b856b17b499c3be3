"""What a problem asks for, to tell its answer from another quantity that happens to be the same number."""

import re
from dataclasses import dataclass

from lighteval_r1.graders.statements.sentences import squeezed

TASK_WORDS = re.compile(
    r"boxed|step[- ]by[- ]step|final answer|\banswer:|respond|show your (?:work|steps)", re.IGNORECASE
)
ASKING = re.compile(
    r"\b(?:find|compute|determine|calculate|evaluate|simplify|express|solve|write|what|how|give|factor|expand|convert|enter)\b",
    re.IGNORECASE,
)
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


@dataclass(frozen=True)
class Question:
    """What a problem asks for: its words, and the formulas in it."""

    words: frozenset[str]
    formulas: frozenset[str]

    def named_in(self, sentence: str) -> bool:
        """Whether a sentence names at least two of the words (or all, where there are fewer)."""
        return bool(self.words) and len(stems(sentence) & self.words) >= min(2, len(self.words))

    def is_side(self, sentence: str) -> bool:
        """Whether the first side of the equation that a sentence ends in is a formula asked for."""
        side = squeezed(re.split(r"\n|[.,:;]\s|\$|\\\[|\\\(", sentence.rstrip(" $"))[-1].split("=")[0]).lstrip("&")
        return side in self.formulas


def question(problem: str) -> Question:
    """Of the problem's last question, or of its last sentence that tells to find something."""
    sentences = [each for each in re.split(r"(?<=[.?!])\s+|\n", problem[-4000:]) if not TASK_WORDS.search(each)]
    asking = [each for each in sentences if each.rstrip().endswith("?")] or [
        each for each in sentences if ASKING.search(each)
    ]
    text = (asking or sentences or [""])[-1]
    formulas = {
        squeezed(part).rstrip(".,?:") for each in FORMULA.findall(text) for part in (each, each.partition(":")[0])
    }
    return Question(stems(re.sub(r"\$.*?\$", " ", text)), frozenset(formulas - {""}))


def stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in WORD.findall(text.casefold()) if word not in EMPTY_WORDS)
