"""The bounded part of each reply that the page holds, and the files beside it with the replies in full."""

from collections.abc import Sequence
from pathlib import Path

from lighteval_r1.graders import splitting
from lighteval_r1.records import Sample
from lighteval_r1.report.page import script_json

# All excerpts of a page together: browsers open 12 million characters of JSON well within a second.
PAGE_CHARACTERS = 12_000_000
LONGEST_EXCERPT = 5_000
SHORTEST_EXCERPT = 300


# A reply's thinking, "" where there is none, and its answer, None where the thinking never ended.
Parts = tuple[str, str | None]


def parts_of(sample: Sample) -> Parts:
    thinking, answer = splitting.parts_of(sample)
    if thinking == answer:
        # One text that serves as both is shown once.
        thinking = ""
    return thinking.strip(), None if answer is None else answer.strip()


def excerpt_characters(n_samples: int) -> int:
    """How many characters of each reply the page may hold."""
    return max(SHORTEST_EXCERPT, min(LONGEST_EXCERPT, PAGE_CHARACTERS // max(n_samples, 1)))


def excerpt(parts: Parts, *, characters: int) -> tuple[list | None, list | None]:
    """(thinking, answer), each as [whole], [head, number of characters left out, tail], or None where there is none.

    The answer has first call on the characters: it is what one looks at.
    """
    thinking, answer = parts
    for_thinking = characters - min(len(answer or ""), 2 * characters // 3)
    for_answer = characters - min(len(thinking), for_thinking)
    return (
        _cut(thinking, characters=for_thinking) if thinking else None,
        None if answer is None else _cut(answer, characters=for_answer),
    )


def _cut(text: str, *, characters: int) -> list:
    if len(text) <= characters:
        return [text]
    head = characters // 2
    tail = characters - head
    return [text[:head], len(text) - characters, text[-tail:]]


def write_replies(path: Path, *, page_id: str, replies: Sequence[Parts | None]) -> None:
    """One problem's replies as a script, which a page opened from a disk can load where it may not read files."""
    texts = [None if parts is None else [parts[0] or None, parts[1]] for parts in replies]
    arguments = ",".join(script_json(value) for value in (page_id, path.name, texts))
    path.write_text(f"lightevalR1Replies({arguments});\n", encoding="utf-8")
