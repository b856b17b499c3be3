"""Offsets of characters in a reply as numbers of tokens, by the model's own tokenizer.

Where the engine kept the ids that were sampled, these are counted: a text may be cut into tokens in other ways than the
model wrote it. Else, and where ids do not spell the reply, its text is tokenized anew; what was done is counted and
told. Most tokenizers cut a text at its spaces first: their words are tokenized once and remembered, as replies say few
words often.
"""

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.normalizers import NFC

from lighteval_r1.graders.statements.sentences import whole_characters
from lighteval_r1.outside.hub_files import model_file
from lighteval_r1.records import Run, Sample, UserError, unpack_token_ids

SAMPLED, ANEW, NOT_SPELLING = "sampled", "anew", "not spelling"
# A space alone between words. It stands first in the pattern, as a search for a plain character is the fastest.
BETWEEN_WORDS = re.compile(r" (?<=\S )(?=\S)")
# One of each kind of character that tokenizers tell apart: cases, scripts, marks, digits, punctuation, signs.
KINDS = "aZéßж中あ\u0301\u200d1٣².,'’(\"-_$+=<\\…·😀"
# Words that are remembered, and how long they may be.
MOST_WORDS, LONGEST_WORD = 500_000, 64


class NoTokenizer(UserError):
    """A run's tokenizer is not at hand."""


def load_tokenizer(run: Run, *, named: str = "", fetch: bool = True) -> tuple[Tokenizer, str]:
    """The tokenizer, and where it is from: as named, else of the run's model. UserError, saying what to do, without
    one.

    fetch False: nothing that was not named is asked of the Hub.
    """
    source = named or run.model
    revision = str(run.settings["revision"]) if not named and is_commit(run) else None
    path = model_file(source, "tokenizer.json", revision=revision, fetch=fetch or bool(named))
    if path is None:
        raise NoTokenizer(
            f"there is no tokenizer of {source} here (tokenizer.json). Tokens are counted by the model's own: name "
            "its folder or Hub id "
            "with --tokenizer."
        )
    try:
        whole = isinstance(json.loads(path.read_text(encoding="utf-8")).get("model"), dict)
    except (OSError, ValueError, AttributeError):
        whole = False
    if not whole:
        raise NoTokenizer(f"{path} is damaged: it describes no tokenizer. Name another with --tokenizer.")
    return tokenizer_at(path, path.stat().st_mtime_ns), source


@lru_cache(maxsize=4)
def tokenizer_at(path: Path, changed_ns: int) -> Tokenizer:
    """The same for runs of one tokenizer, as those of a training are."""
    tokenizer = Tokenizer.from_file(str(path))
    # Some files say how prompts of a batch are to be cut and filled.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def is_commit(run: Run) -> bool:
    revision = str(run.settings.get("revision") or "")
    return bool(revision) and not revision.startswith("sha256:") and not Path(run.model).expanduser().is_dir()


def cuts_at_spaces(tokenizer: Tokenizer) -> bool:
    """Whether its tokens never reach over a space between words, so that words can be tokenized one by one."""
    added = tokenizer.get_added_tokens_decoder().values()
    if tokenizer.pre_tokenizer is None or not isinstance(tokenizer.normalizer, NFC | None):
        return False
    if any(" " in token.content or token.lstrip or token.rstrip for token in added):
        return False
    words = " ".join(first + last for first in KINDS for last in KINDS)
    begins = {begin for _, (begin, _) in tokenizer.pre_tokenizer.pre_tokenize_str(words)}
    return all(space.start() in begins for space in BETWEEN_WORDS.finditer(words))


class WordCounts(dict[str, int]):
    """The number of tokens of a space and the word behind it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer

    def __missing__(self, word: str) -> int:
        n = len(self.tokenizer.encode(f" {word}", add_special_tokens=False))
        if len(word) <= LONGEST_WORD and len(self) < MOST_WORDS:
            self[word] = n
        return n


class Offsets:
    """Token counts of replies by one tokenizer. like: of whose words the counts are shared where it is the same.

    how: number of replies by what was counted.
    """

    def __init__(self, tokenizer: Tokenizer, *, like: Iterable["Offsets"] = ()) -> None:
        self.tokenizer = tokenizer
        same = [offsets.remembered for offsets in like if offsets.tokenizer is tokenizer]
        self.remembered = same[0] if same else WordCounts(tokenizer) if cuts_at_spaces(tokenizer) else None
        self.how: Counter[str] = Counter()
        self._pieces: dict[int, str] = {}
        self._added = tokenizer.get_added_tokens_decoder()
        self._byte_level = "ByteLevel" in repr(tokenizer.decoder)

    def counts(self, sample: Sample, offsets: Sequence[int], *, within: int) -> list[int]:
        """For each character offset the number of tokens that cover the reply up to it.

        within: nothing behind this offset is asked for, so that an answer need not be tokenized.
        """
        if sample.token_ids:
            # unpacked here: 1,920 replies of 32,768 tokens as Python integers would fill 2 GB
            ids = unpack_token_ids(sample.token_ids)
            begins = None if ids is None else self.begins_of_ids(ids.tolist(), sample.reply)
            self.how[SAMPLED if begins is not None else NOT_SPELLING] += 1
            if begins is not None:
                bytes_before = [len(sample.reply[:offset].encode("utf-8", "surrogatepass")) for offset in offsets]
                return [n_before(begins, before) for before in bytes_before]
        else:
            self.how[ANEW] += 1
        text = whole_characters(sample.reply[:within])
        return self.n_begun(text, offsets)

    def n_begun(self, text: str, offsets: Sequence[int]) -> list[int]:
        """How many tokens of a text begin before each offset."""
        n, begin, end = 0, 0, len(text)
        counts = {}
        for offset in sorted(offsets):
            if self.remembered is not None:
                n += self.n_between(text, begin, space := space_before(text, offset))
                begin = space
                following = BETWEEN_WORDS.search(text, offset)
                end = following.start() if following else len(text)
            spans = self.tokenizer.encode(text[begin:end], add_special_tokens=False).offsets
            # a span (begin, end) stands before (offset,) where its begin is less
            counts[offset] = n + bisect_left(spans, (offset - begin,))
        return [counts[offset] for offset in offsets]

    def n_between(self, text: str, begin: int, end: int) -> int:
        """The number of tokens between two spaces that stand between words; 0 stands for such a space, too."""
        if begin >= end:
            return 0
        words = BETWEEN_WORDS.split(text[begin + 1 if begin else 0 : end])
        n = 0 if begin else len(self.tokenizer.encode(words.pop(0), add_special_tokens=False))
        return n + sum(map(self.remembered.__getitem__, words))

    def begins_of_ids(self, ids: Sequence[int], reply: str) -> np.ndarray | None:
        """[n_tokens]: where each token begins in the reply's UTF-8; None where the ids do not spell the reply."""
        if not self._byte_level:
            return self.begins_by_decoding(ids, reply)
        lengths = np.array([len(self.piece(token_id)) for token_id in ids])
        ends = np.cumsum(lengths)
        n_bytes = len(reply.encode("utf-8", "surrogatepass"))
        # The engine takes away a stop string, and the end token says nothing.
        if ends[-1] < n_bytes or self.tokenizer.decode(list(ids), skip_special_tokens=True)[: len(reply)] != reply:
            return None
        return ends - lengths

    def piece(self, token_id: int) -> str:
        """A token of a byte-level vocabulary: one character per byte; "" for special ones, which replies leave out."""
        if token_id not in self._pieces:
            added = self._added.get(token_id)
            if added is not None:
                self._pieces[token_id] = "" if added.special else "x" * len(added.content.encode())
            else:
                self._pieces[token_id] = self.tokenizer.id_to_token(token_id) or ""
        return self._pieces[token_id]

    def begins_by_decoding(self, ids: Sequence[int], reply: str) -> np.ndarray | None:
        """The same for other vocabularies: the text of growing beginnings, at most 64 of them, evenly between."""
        if self.tokenizer.decode(list(ids), skip_special_tokens=True)[: len(reply)] != reply:
            return None
        marks = np.unique(np.linspace(0, len(ids), min(len(ids), 64) + 1).astype(int))
        begins = [
            len(self.tokenizer.decode(list(ids[:mark]), skip_special_tokens=True).encode("utf-8", "surrogatepass"))
            for mark in marks
        ]
        return np.interp(np.arange(len(ids)), marks, begins)


def space_before(text: str, offset: int) -> int:
    """Where the last space between words stands before an offset; 0 where there is none.

    Not the space directly before it: some tokenizers tell of a first token that its space is its own.
    """
    at = text.rfind(" ", 0, max(0, offset - 1))
    while at > 0 and not BETWEEN_WORDS.match(text, at):
        at = text.rfind(" ", 0, at)
    return max(at, 0)


def n_before(begins: np.ndarray, offset: int) -> int:
    """How many tokens begin before an offset: one that reaches over it counts."""
    return int(np.searchsorted(begins, offset, side="left"))
