"""Offsets of characters in a reply as numbers of tokens, by the model's own tokenizer.

Where the engine kept the ids that were sampled, these are counted: a text may be cut into tokens in other ways than the
model wrote it. Else, and where ids do not spell the reply, its text is tokenized anew; what was done is counted and
told.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from lighteval_r1.graders.statements.sentences import whole_characters
from lighteval_r1.outside.hub_files import model_file
from lighteval_r1.records import Run, Sample, UserError, unpack_token_ids

SAMPLED, ANEW, NOT_SPELLING = "sampled", "anew", "not spelling"


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
    return Tokenizer.from_file(str(path)), source


def is_commit(run: Run) -> bool:
    revision = str(run.settings.get("revision") or "")
    return bool(revision) and not revision.startswith("sha256:") and not Path(run.model).expanduser().is_dir()


class Offsets:
    """Token counts of replies by one tokenizer. how: number of replies by what was counted."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
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
            ids = unpack_token_ids(sample.token_ids).tolist()
            begins = self.begins_of_ids(ids, sample.reply)
            self.how[SAMPLED if begins is not None else NOT_SPELLING] += 1
            if begins is not None:
                bytes_before = [len(sample.reply[:offset].encode("utf-8", "surrogatepass")) for offset in offsets]
                return [n_before(begins, before) for before in bytes_before]
        else:
            self.how[ANEW] += 1
        encoded = self.tokenizer.encode(whole_characters(sample.reply[:within]), add_special_tokens=False)
        spans = encoded.offsets
        # a span (begin, end) stands before (offset,) where its begin is less: no array of thousands for two numbers
        return [bisect_left(spans, (offset,)) for offset in offsets]

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


def n_before(begins: np.ndarray, offset: int) -> int:
    """How many tokens begin before an offset: one that reaches over it counts."""
    return int(np.searchsorted(begins, offset, side="left"))
