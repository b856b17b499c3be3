"""Questions whose options stand behind them, a letter each."""

import json
from collections.abc import Sequence

from lighteval_r1.records import Problem, UserError
from lighteval_r1.tasks.task import row_sha256

LETTERS = "ABCDEFGHIJ"


def lettered(question: str, options: Sequence[str]) -> str:
    """The question with its options behind it, a line each: "A) …"."""
    lines = [f"{letter}) {text}" for letter, text in zip(LETTERS, options, strict=False)]
    return question + "\n\n" + "\n".join(lines)


def choice_problem(prompt: str, *, question: str, options: Sequence[str], letter: str, **more) -> Problem:
    """A lettered question; its gold knows the letter and the options' texts."""
    if not 2 <= len(options) <= len(LETTERS) or letter not in LETTERS[: len(options)]:
        raise UserError(f"a question with {len(options)} options and the gold {letter!r}: 2 to 10, and one of them.")
    return Problem(
        prompt=prompt.format(problem=lettered(question, options)),
        gold=json.dumps({"letter": letter, "options": list(options)}, ensure_ascii=False),
        row_sha256=row_sha256(question, *options, letter),
        **more,
    )
