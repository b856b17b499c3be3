"""Where a thinking settles on an option of a choice, by its letter or its text."""

import re
from collections.abc import Iterator
from operator import attrgetter

from lighteval_r1.graders import answers as replies
from lighteval_r1.graders import choice
from lighteval_r1.graders.announcements import meant
from lighteval_r1.graders.statements import Candidate, restated
from lighteval_r1.graders.statements.expressions import announced
from lighteval_r1.graders.statements.phrases import GAP
from lighteval_r1.graders.statements.sentences import asked, sentence_start
from lighteval_r1.graders.vocabulary import any_of

OPTION = rf"(?:(?:option|choice|answer|letter){GAP})"
POINTING = (
    *("match(?:es|ing)?", "corresponds? to", "corresponding to", "agrees? with", "consistent with", "points? to"),
    *("pointing to", "leads? to", "leaving", "leaves", "supports?", "go(?:ing)? with", "choos(?:e|ing)"),
    *("pick(?:ing)?", "select(?:ing)?", "which is", "that is", "that's", "that would be", "this is", "it's"),
    *("it is", "must be", "should be", "has to be", "would be"),
)
# Group 1 is empty where it is "not" in the patterns of graders.choice; group 2 is the letter.
CONCLUDED = (
    re.compile(
        rf"\b(?:{any_of(*POINTING)}){GAP}(?:only{GAP}|exactly{GAP}|indeed{GAP}|the{GAP})?"
        rf"{OPTION}[(*\s\"']{{0,4}}()([A-J])\b(?![’'])",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:^|[.!?\n]\s{{0,3}})(?:[Ss]o|[Tt]hus|[Tt]herefore|[Hh]ence)\b,?{GAP}"
        rf"(?:it(?:'s| is| must be| should be){GAP}|{OPTION})?"
        r"[(*]{0,3}()([A-J])[)*]{0,3}(?=\s{0,4}(?:[.!\n]|$))"
    ),
    re.compile(rf"\bis{GAP}(?:{OPTION})?[(*]{{0,3}}()([A-J])[)*]{{0,3}}\.?[ \t]*(?=\n|$)"),
)
LETTER_REJECTED = re.compile(
    r"[)*.\s\"']{0,4}(?:\([^()\n]{0,80}\)\s{0,4})?"
    r"(?:is|would be|are|was|seems|looks|can|could|does|do|has)\s{0,4}"
    rf"(?:clearly{GAP}|also{GAP}|probably{GAP})?"
    r"(?:not|n't|wrong|incorrect|false|out|impossible|less|unlikely|eliminated|ruled)\b"
    r"|[)*.\s]{0,4}(?:isn't|doesn't|can't|fails)\b",
    re.IGNORECASE,
)


def candidates(thinking: str, *, problem: str, gold: str) -> list[Candidate]:
    kept = (letter for letter in letters(thinking, gold=gold) if not restated(thinking, letter, problem=problem))
    return sorted(kept, key=attrgetter("end"))


def letters(thinking: str, *, gold: str) -> Iterator[Candidate]:
    """Letters concluded on, and options named by their own text behind "answer is"."""
    _, options = choice.read_gold(gold)
    known = "ABCDEFGHIJ"[: len(options) or 10]
    for _, end, content in replies.boxes(thinking):
        letter = choice.in_box(content, options)
        if letter:
            yield Candidate(end, letter, "box")
    for match, group in (
        *choice.statements(thinking),
        *((m, 1) for form in CONCLUDED for m in form.finditer(thinking)),
    ):
        letter = match[group + 1].upper()
        if letter in known and concluded(match, group, thinking):
            yield Candidate(match.end(group + 1), letter, "letter")
    for statement in announced(thinking) if options else ():
        candidate = statement.look()
        if candidate and (letter := choice.option_of(candidate.answer, options)):
            yield Candidate(candidate.end, letter, "announced")


def concluded(match: re.Match, group: int, thinking: str) -> bool:
    """Whether a letter is what the sentence settles on."""
    before = thinking[sentence_start(thinking, match.start()) : match.start()]
    end = match.end(group + 1)
    return (
        choice.stands(match, group, thinking) is choice.Stands.SETTLED
        and meant(match)
        and not re.search(
            r"\b(?:not|n't|neither|never|eliminat\w*|reject\w*|rul\w* out)\b[^,.;\n]{0,20}$", before, re.IGNORECASE
        )
        and not LETTER_REJECTED.match(thinking, end)
        and not asked(thinking, end)
    )
