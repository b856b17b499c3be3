"""Programs, judged by tests.

What it asks: a program that reads standard input, or a function, in the last code block of the reply.
How it is graded: every public and private test is run in a child process; all outputs must match.
What it gets wrong: problems with several right outputs.
Source: LiveCodeBench, https://arxiv.org/abs/2403.07974, and its checker lcb_runner/evaluation/testing_util.py.
"""

import base64
import io
import json
import pickle
import re
import subprocess
import sys
import zlib
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from lighteval_r1.graders.reply import split_thinking
from lighteval_r1.records import Grade, Outcome

CODE_BLOCK = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
LIMIT_S = 6.0


class TextOnly(pickle.Unpickler):
    """Admits nothing but text: the data set pickles a JSON string."""

    def find_class(self, module: str, name: str) -> type:
        raise pickle.UnpicklingError(f"{module}.{name} in the tests of a problem")


@lru_cache(maxsize=8)
def tests_of(gold: str) -> tuple[str | None, list[tuple[str, str]]]:
    """(function name or None, [(input, expected output)])."""
    record = json.loads(gold)
    private = record["private"]
    if not private.lstrip().startswith("["):
        private = TextOnly(io.BytesIO(zlib.decompress(base64.b64decode(private)))).load()
    tests = json.loads(record["public"]) + json.loads(private)
    return record["fn_name"], [(test["input"], test["output"]) for test in tests]


def same_output(mine: str, expected: str) -> bool:
    a, b = mine.strip().split("\n"), expected.strip().split("\n")
    return len(a) == len(b) and all(same_line(x.strip(), y.strip()) for x, y in zip(a, b, strict=True))


def same_line(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return [Decimal(t) for t in a.split()] == [Decimal(t) for t in b.split()]
    except InvalidOperation:
        return False


def grade(reply: str, gold: str, *, thinking_opened: bool = False) -> Grade:
    _, answer = split_thinking(reply, thinking_opened=thinking_opened)
    blocks = CODE_BLOCK.findall(answer or "")
    if not blocks:
        return Grade(Outcome.NO_ANSWER, "", "no code block")
    _, tests = tests_of(gold)
    for number, (given, expected) in enumerate(tests, start=1):
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", blocks[-1]], input=given, capture_output=True, text=True, timeout=LIMIT_S
            )
        except subprocess.TimeoutExpired:
            return Grade(Outcome.WRONG, blocks[-1], f"time limit, test {number}")
        if not same_output(done.stdout, expected):
            return Grade(Outcome.WRONG, blocks[-1], f"test {number}")
    return Grade(Outcome.CORRECT, blocks[-1], f"{len(tests)} tests")
