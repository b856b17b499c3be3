"""The bounded part of each reply that the page holds, and the files beside it with the replies in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lighteval_r1.graders.answers import split_thinking
from lighteval_r1.report.page import script_json

# All excerpts of a page together: browsers open 12 million characters of JSON well within a second.
PAGE_CHARACTERS = 12_000_000
LONGEST_EXCERPT = 5_000
SHORTEST_EXCERPT = 300


@dataclass(frozen=True)
class Reply:
    """A reply in its two parts. thinking: "" where there is none. answer: None where thinking never ended."""

    thinking: str
    answer: str | None

    @property
    def lengths(self) -> list[int]:
        return [len(self.thinking), len(self.answer or "")]


def split(reply: str, *, thinking_opened: bool) -> Reply:
    thinking, answer = split_thinking(reply, thinking_opened=thinking_opened)
    if thinking == answer:
        # One text that serves as both is shown once.
        thinking = ""
    return Reply(thinking.strip(), None if answer is None else answer.strip())


def excerpt_characters(n_samples: int) -> int:
    """How many characters of each reply the page may hold."""
    return max(SHORTEST_EXCERPT, min(LONGEST_EXCERPT, PAGE_CHARACTERS // max(n_samples, 1)))


def excerpt(reply: Reply, *, characters: int) -> tuple[list | None, list | None]:
    """(thinking, answer), each as [whole], [head, number of characters left out, tail], or None where there is none.

    The answer has first call on the characters: it is what one looks at.
    """
    answer = reply.answer or ""
    for_thinking = characters - min(len(answer), 2 * characters // 3)
    for_answer = characters - min(len(reply.thinking), for_thinking)
    thinking = _cut(reply.thinking, characters=for_thinking) if reply.thinking else None
    return thinking, None if reply.answer is None else _cut(answer, characters=for_answer)


def _cut(text: str, *, characters: int) -> list:
    if len(text) <= characters:
        return [text]
    head = characters // 2
    tail = characters - head
    return [text[:head], len(text) - characters, text[-tail:]]


def write_replies(path: Path, *, page_id: str, replies: Sequence[Reply | None]) -> None:
    """One problem's replies as a script, which a page opened from a disk can load where it may not read files."""
    texts = [None if reply is None else [reply.thinking or None, reply.answer] for reply in replies]
    arguments = ",".join(script_json(value) for value in (page_id, path.name, texts))
    path.write_text(f"lightevalR1Replies({arguments});\n", encoding="utf-8")
