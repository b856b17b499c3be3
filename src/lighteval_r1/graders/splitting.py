"""Where a reply thinks and where it answers: the one place that divides replies.

By the marks that its run recorded, where it did; else by the whole table of marks (graders.marks). What stands behind
the last mark that ends thinking is the answer text. Where nothing stands behind a mark that the model wrote, and the
reply ended by itself, the last words of the thinking count: authors of models, LightEval and EvalScope read them as the
answer. Thinking that was cut off, or that stops without a mark, holds no answer.

Linear in the reply's length, as graders.answers is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lighteval_r1.graders.announcements import announced
from lighteval_r1.graders.answers import FINISHED_EARLY, AnswerText, NoAnswer, last_box
from lighteval_r1.graders.marks import ALL, HARMONY, NONE, THINK, Marks
from lighteval_r1.records import REFUSED_BY_SERVER, Sample

Span = tuple[int, int]
# As models misspell or escape the marks. Source: replies of R1-distilled models to MATH-500.
MISSPELT = re.compile(r"<\s?[\\/]{1,2}\s?[\\/_]{0,2}\s?(?:think|thinking|thought|reasoning)\s?>", re.IGNORECASE)
# R1's mark of the next turn, sometimes cut after its first characters, where no other mark ends the thinking. Source:
# the same replies; it is a special token of R1's chat template.
NEXT_TURN = re.compile(r"<｜(?!end)[^｜>\n]{0,20}(?:｜>)?")
# harmony without its special tokens: "analysis… assistantfinal…".
UNMARKED = re.compile(r"\s*analysis(?=[A-Z\W]).*?assistantfinal", re.DOTALL)
# A model that writes its turn's end as text ended its reply there; what follows is another turn.
TURN_ENDED = re.compile(r"<[\\/]{1,2}assistant>|<\|(?:im_end|eot_id|endoftext|end_of_text)\|>|<｜end", re.IGNORECASE)
# An answer text that holds nothing but marks of the end: `</assistant>`, `<|im_end|>`, `</s>`.
NOTHING_SAID = re.compile(r"(?:[\s*_#`]|<[\\/|｜][^<>]{0,30}>|<end_of_turn>)*")
# How far from the end of a thinking its last word is looked for.
LAST_WORDS = 600


@dataclass(frozen=True)
class Split:
    """Spans of a reply's characters, in order.

    thinking: () where it does not think; else at least one, maybe empty. answer: None where its thinking never ended.
    forced: a budget of tokens ended the thinking.
    """

    thinking: tuple[Span, ...]
    answer: tuple[Span, ...] | None
    forced: bool = False

    def texts(self, reply: str) -> tuple[str, str | None]:
        """The thinking, "" where there is none, and the answer text."""
        thinking, answer = ("".join(reply[a:b] for a, b in spans or ()) for spans in (self.thinking, self.answer))
        return thinking, None if self.answer is None else answer

    @property
    def thinking_end(self) -> int:
        return self.thinking[-1][1] if self.thinking else 0

    def packed(self) -> str:
        """ "0:7,9:20|!25:30": thinking, then the answer behind a bar where it has one; "!" where a budget forced it."""
        thinking, answer = (",".join(f"{a}:{b}" for a, b in spans or ()) for spans in (self.thinking, self.answer))
        return thinking + ("" if self.answer is None else f"|{'!' * self.forced}{answer}")

    @classmethod
    def unpacked(cls, text: str) -> "Split":
        thinking, bar, answer = text.partition("|")

        def spans(part: str) -> tuple[Span, ...]:
            pairs = (span.split(":") for span in part.split(",") if span)
            return tuple((int(begin), int(end)) for begin, end in pairs)

        return cls(spans(thinking), spans(answer.lstrip("!")) if bar else None, answer.startswith("!"))


def split_of(sample: Sample) -> Split:
    """As its run recorded it, else by the whole table."""
    if sample.split is not None:
        return Split.unpacked(sample.split)
    return split_unrecorded(sample.reply, bool(sample.thinking_opened))


@lru_cache(maxsize=1)
def split_unrecorded(reply: str, opened: bool) -> Split:
    """The latest is kept: who looks at a sample mostly asks more than once."""
    return split_text(reply, opened=opened)


def parts_of(sample: Sample) -> tuple[str, str | None]:
    """Its thinking, and its answer text: None where its thinking never ended."""
    return split_of(sample).texts(sample.reply)


def split_by(sample: Sample, marks: Marks | None, *, key: str) -> Split:
    """By these marks as they stand in the text. key: of the parser, for none has no marks.

    A server that sends thinking apart leaves no marks of the model's: its thinking stands in `<think>` here.
    """
    if key == NONE:
        return Split((), ((0, len(sample.reply)),))
    opened, early = bool(sample.thinking_opened), sample.finish_reason in FINISHED_EARLY
    if marks is None or (sample.token_ids is None and sample.reply.startswith(THINK.opening)):
        return split_text(sample.reply, opened=opened)
    return split_text(sample.reply, opened=opened, marks=marks, early=early)


def split_text(
    text: str, *, opened: bool, marks: Marks | None = None, at: Sequence[int] | None = None, early: bool = False
) -> Split:
    """marks None: the whole table. at: where tokens that are marks stand in the text; None: marks are found as text.

    opened: in the prompt. early: the reply did not end by itself; then a second thought at the end was cut off.
    """
    known = marks or (HARMONY if "<|channel|>" in text and "<|message|>" in text else None)
    if known and known.headers:
        return split_messages(text, known, opened=opened, at=at)
    return Pairs(text, (marks,) if marks else ALL, at).split(opened=opened, early=early and marks is not None)


def split_messages(text: str, marks: Marks, *, opened: bool, at: Sequence[int] | None) -> Split:
    """Replies in messages: those under a header of thinking, and the last ones under a header of answers."""
    places = None if at is None else sorted(at)
    role, begin = (marks.thinks, 0) if opened else ("", 0)
    thinking: list[Span] = []
    answer: tuple[Span, ...] | None = ()
    seen = False
    for header in marks.headers.finditer(text):
        if places is not None and not any(header.start() <= place < header.end() for place in places):
            continue
        seen = True
        named = header.groupdict()
        if role == marks.thinks:
            thinking.append((begin, header.start()))
            # a turn that ends within a thought did not end the thought
            answer = None if named.get("turn") else ((header.end(), header.end()),)
        elif role == marks.answers:
            answer = ((begin, header.start()),)
        role, begin = named.get("role") or "", header.end()
    if not seen and not opened:
        unmarked = UNMARKED.match(text) if marks is HARMONY and text[:40].lstrip().startswith("analysis") else None
        if unmarked is None:
            return Split((), ((0, len(text)),))
        return Split(((0, unmarked.end() - len("assistantfinal")),), ((unmarked.end(), len(text)),))
    if role == marks.thinks:
        return Split((*thinking, (begin, len(text))), None)
    # what follows an ended thought without a header is meant for the reader
    if role == marks.answers or (not role and thinking and answer is not None and answer[0][0] == answer[0][1]):
        answer = ((begin, len(text)),)
    return Split(tuple(thinking), answer)


def openings_and_endings(families: Sequence[Marks]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Each once, in the order of the families."""
    openings, endings = zip(*((marks.opening, marks.ending) for marks in families), strict=True)
    return tuple(dict.fromkeys(openings)), tuple(dict.fromkeys(endings))


OF_ALL = openings_and_endings(ALL)


class Pairs:
    """A text whose marks stand in pairs. families: whose. at: as in split_text."""

    def __init__(self, text: str, families: Sequence[Marks], at: Sequence[int] | None) -> None:
        self.text = text
        self.families = families
        self.at = at
        self.openings, self.endings = OF_ALL if families is ALL else openings_and_endings(families)

    def first(self, marks: tuple[str, ...], begin: int, end: int) -> Span | None:
        """Where the first of the marks between these places stands."""
        if self.at is not None:
            found = (
                (at, at + len(mark))
                for mark in marks
                for at in self.at
                if begin <= at < end and self.text.startswith(mark, at)
            )
            return min(found, default=None)
        first: Span | None = None
        # A plain sign is found at once, and most texts hold none, or late: no mark of it stands before.
        signs: dict[str, int] = {}
        for mark in marks:
            if (sign := mark[0]) not in signs:
                signs[sign] = self.text.find(sign, begin, end)
            # no further than the first so far
            last = min(end, first[0] + len(mark)) if first else end
            at = self.text.find(mark, signs[sign], last) if signs[sign] >= 0 else -1
            if at >= 0:
                first = min(first or (at, at + len(mark)), (at, at + len(mark)))
        return first

    def last(self, mark: str, begin: int = 0) -> Span | None:
        if self.at is None:
            at = self.text.rfind(mark, begin)
        else:
            at = max((at for at in self.at if at >= begin and self.text.startswith(mark, at)), default=-1)
        return (at, at + len(mark)) if at >= 0 else None

    def split(self, *, opened: bool, early: bool) -> Split:
        opened = opened or self.first(self.openings, 0, len(self.text)) is not None
        ending = self.ending(opened=opened)
        if ending is not None:
            return Split(self.thinking(ending[0]), self.answer(ending[1], early=early))
        if opened:
            return Split(self.thinking(len(self.text)), None)
        ended = TURN_ENDED.search(self.text)
        answered = ended and (last_box(self.text[: ended.start()]) or announced(self.text[: ended.start()]))
        return Split((), (self.unwrapped(0, ended.start() if answered else len(self.text)),))

    def ending(self, *, opened: bool) -> Span | None:
        """Where the last mark that ends thinking begins and ends; None where there is none."""
        # A plain search first: a thinking may be long, and nearly all end with the first of the marks.
        first = self.last(self.endings[0])
        tail = first[1] if first else 0
        behind = self.text[tail:]
        found = [place for mark in self.endings[1:] if mark[0] in behind and (place := self.last(mark, tail))]
        if THINK in self.families:
            found += [match.span() for match in MISSPELT.finditer(self.text, tail) if self.is_misspelt(match)]
        if found or first:
            return max(found) if found else first
        turn = NEXT_TURN.search(self.text) if opened and THINK in self.families else None
        if turn or len(self.families) == 1 or not self.text[:40].lstrip().startswith("analysis"):
            return turn.span() if turn else None
        unmarked = UNMARKED.match(self.text)
        return (unmarked.end() - len("assistantfinal"), unmarked.end()) if unmarked else None

    def is_misspelt(self, match: re.Match[str]) -> bool:
        """Not the mark itself, spelled by other tokens than its own."""
        return self.at is None or match[0] != THINK.ending

    def thinking(self, end: int) -> tuple[Span, ...]:
        """What of the text up to there is thinking: without the first mark that opens it."""
        opening = self.first(self.openings, 0, end)
        if opening is None:
            return ((0, end),)
        return (*(((0, opening[0]),) if opening[0] else ()), (opening[1], end))

    def answer(self, begin: int, *, early: bool) -> tuple[Span, ...] | None:
        """What of the text behind a thinking is its answer: up to the end of its turn, or to a second thought that
        never ended.

        What stands before an answer text's second thought counts if it holds an answer. Else an opening that follows
        the ending at once, or stands within a line, is a stray, and what follows it is the answer text; but where the
        reply was cut off it opened a thought.
        """
        ended = TURN_ENDED.search(self.text, begin)
        end = ended.start() if ended else len(self.text)
        opening = self.first(self.openings, begin, end)
        if opening is None:
            return (self.unwrapped(begin, end),)
        before = self.text[begin : opening[0]]
        if last_box(before) or announced(before) or (before.strip() and before[-1] == "\n"):
            return ((begin, opening[0]),)
        return None if early else ((begin, opening[0]), (opening[1], end))

    def unwrapped(self, begin: int, end: int) -> Span:
        """The answer without the marks that its family puts around it."""
        text = self.text[begin:end].strip()
        for opening, ending in (marks.answer for marks in self.families if marks.answer[0]):
            # A tag that announces an answer where nothing is known of a model.
            if opening == "<answer>" and len(self.families) > 1:
                continue
            if text.startswith(opening):
                begin = self.text.index(opening, begin) + len(opening)
            if text.endswith(ending):
                end = self.text.rindex(ending, begin, end)
        return begin, end


def says_something(text: str) -> bool:
    return NOTHING_SAID.match(text).end() < len(text)


def answer_text(sample: Sample, *, in_thinking: bool) -> AnswerText:
    """What a grader sees of a sample. in_thinking: whether an answer counts that stands in a thinking with nothing
    behind it.

    A reply that did not end by itself has its answer behind its thinking only; one that the server refused has none,
    whatever text stands there.
    """
    if sample.finish_reason in REFUSED_BY_SERVER:
        return AnswerText(None, reason=NoAnswer.REFUSED)
    split = split_of(sample)
    thinking, text = split.texts(sample.reply)
    early = FINISHED_EARLY.get(sample.finish_reason or "")
    empty = text is not None and not says_something(text)
    if early is not None:
        reason = early
    elif text is None:
        # Who does not say how a reply ended says nothing against the commonest way.
        reason = NoAnswer.UNENDED if sample.finish_reason else NoAnswer.CUT_OFF
    else:
        reason = NoAnswer.UNENDED if empty else NoAnswer.NOTHING
    if in_thinking and empty and thinking and early is None and not split.forced:
        return AnswerText(thinking[-LAST_WORDS:], in_thinking=True, reason=reason)
    return AnswerText(text, reason=reason)
