"""Replies divided by the marks of their model, which are found in the ids of the tokens that it drew.

A mark that is a single token counts where that token stands, not where its letters do; many are special tokens, which
a reply's text leaves out. Marks that are no single tokens are found in the text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from lighteval_r1.graders.answers import FINISHED_EARLY
from lighteval_r1.graders.marks import Chosen
from lighteval_r1.graders.splitting import Span, Split, split_by, split_text
from lighteval_r1.records import Sample, unpack_token_ids

# Of more tokens that are marks, only the first and the last ones are looked at: each costs a decoding up to it.
FIRST, LAST = 16, 48


@dataclass(frozen=True)
class Written:
    """A reply with the marks in it that its text leaves out. at: where tokens that are marks stand, and their numbers.

    hidden: (place in the reply, length) of what was put in.
    """

    text: str
    at: Mapping[int, int]
    hidden: Sequence[Span]

    def span(self, span: Span) -> Span:
        """In the reply itself."""
        begin, end = (self._place(place) for place in span)
        return begin, end

    def _place(self, place: int) -> int:
        for at, length in self.hidden:
            if place <= at:
                break
            place = max(at, place - length)
        return place


@dataclass(frozen=True)
class Divider:
    """Divides a run's replies. tokenizer: transformers' one, None where there is none. budget: of tokens to think."""

    chosen: Chosen = field(default_factory=Chosen)
    tokenizer: Any = None
    budget: int | None = None

    @cached_property
    def ids(self) -> dict[int, str]:
        """The tokens that are marks, by id."""
        marks = self.chosen.marks
        if marks is None or not self.chosen.tokens or self.tokenizer is None:
            return {}
        vocabulary = self.tokenizer.get_vocab()
        return {vocabulary[token]: token for token in marks.tokens if token in vocabulary}

    def divided(self, sample: Sample) -> Sample:
        """The sample with its split, whose marks it was made by, and the number of its tokens that are thinking."""
        if not self.chosen.parser:
            return replace(sample, marks="", split=None, n_thinking_tokens=None)
        packed_ids = unpack_token_ids(sample.token_ids)
        ids = None if packed_ids is None else packed_ids.tolist()
        written = self.written(sample.reply, ids) if ids is not None and self.ids else None
        if written is None:
            split = split_by(sample, self.chosen.marks, key=self.chosen.parser)
            n_tokens = self.count(split, sample.reply, ids, {})
        else:
            early = sample.finish_reason in FINISHED_EARLY
            opened = bool(sample.thinking_opened)
            whole = split_text(written.text, opened=opened, marks=self.chosen.marks, at=list(written.at), early=early)
            n_tokens = self.count(whole, sample.reply, ids, written.at, written)
            thinking, answer = (spans and tuple(map(written.span, spans)) for spans in (whole.thinking, whole.answer))
            split = Split(thinking, answer)
        forced = self.budget is not None and split.answer is not None and (n_tokens or 0) >= self.budget
        packed = replace(split, forced=forced and bool(split.thinking)).packed()
        return replace(sample, marks=self.chosen.key, split=packed, n_thinking_tokens=n_tokens)

    def written(self, reply: str, ids: list[int]) -> Written | None:
        """None where the ids do not spell the reply, as where a server's text was altered."""
        places = np.flatnonzero(np.isin(ids, list(self.ids))).tolist()
        if shown := self.shown(reply, [self.ids[ids[place]] for place in places]):
            return Written(reply, dict(zip(shown, places, strict=True)), ())
        if len(places) > FIRST + LAST:
            places = places[:FIRST] + places[-LAST:]
        pieces, hidden, at, before, put_in = [], [], {}, 0, 0
        for place in places:
            begun = self.decoded(ids[:place])
            if len(begun) < before or not reply.startswith(begun[before:], before):
                return None
            mark = self.ids[ids[place]]
            pieces.append(reply[before : len(begun)])
            at[len(begun) + put_in] = place
            before = len(begun)
            if not reply.startswith(mark, before):
                pieces.append(mark)
                hidden.append((before, len(mark)))
                put_in += len(mark)
        return Written("".join(pieces) + reply[before:], at, hidden)

    @staticmethod
    def shown(reply: str, marks: list[str]) -> list[int]:
        """Where these marks stand in the text; [] where it does not show just them, in this order."""
        places, end = [], 0
        for mark in marks:
            place = reply.find(mark, end)
            if place < 0:
                return []
            places.append(place)
            end = place + len(mark)
        return places if all(reply.count(mark) == marks.count(mark) for mark in set(marks)) else []

    def decoded(self, ids: list[int]) -> str:
        # half a character at the end is not yet in the reply
        return self.tokenizer.decode(ids, skip_special_tokens=True).rstrip("\ufffd") if ids else ""

    def count(
        self, split: Split, reply: str, ids: list[int] | None, at: Mapping[int, int], written: Written | None = None
    ) -> int | None:
        """The tokens of the thinking, without the marks; None where the ids are not known."""
        if ids is None or self.tokenizer is None:
            return None
        ends = {place + len(self.ids[ids[number]]): number + 1 for place, number in at.items()}
        length = len(written.text if written else reply)

        def n_before(place: int) -> int:
            if place in at or place in ends:
                return at[place] if place in at else ends[place]
            if place in (0, length):
                return len(ids) if place else 0
            return self.n_tokens_before(written.span((place, place))[0] if written else place, reply, ids)

        spans = [(n_before(begin), n_before(end)) for begin, end in split.thinking]
        return sum(max(0, b - a) - sum(a <= number < b for number in at.values()) for a, b in spans)

    def n_tokens_before(self, offset: int, reply: str, ids: list[int]) -> int:
        """How many tokens begin before this place of the reply. Decodes from the nearer end, about once."""
        low, high = 0, len(ids)
        near_begin = 2 * offset < len(reply)
        while low < high:
            middle = (low + high) // 2
            if near_begin:
                short = len(self.decoded(ids[:middle])) < offset
            else:
                short = len(self.decoded(ids[middle:])) > len(reply) - offset
            low, high = (middle + 1, high) if short else (low, middle)
        return low
