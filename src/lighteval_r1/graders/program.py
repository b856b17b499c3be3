"""Programs, judged by tests.

What it asks
    A program that reads standard input, or a function, in the last complete code block of the reply.
How it is graded
    Its public and private tests in their order, up to the first that fails. Each test runs once, in a confined process
    that has run no other test, and what came of it counts; again only where another hand killed the process. What was
    written or returned is compared here, so the expected output is never near the program. A test ends when its
    process ends: exit code 0 proves nothing, an exception fails a test whatever was written before it, sys.exit does
    not. 6 s of CPU time a test, and as much sleep.
What it gets wrong
    Problems with several right outputs. As in LiveCodeBench, input comes through sys.stdin only: a program that reads
    descriptor 0 itself (`open(0)`) finds nothing there.
Where LiveCodeBench differs
    Its harness runs all tests of a program in one process, as the body of one function, within 6 s of wall time a test.
    It fails right programs that pass here: those whose thread still works when the main one is done, names declared
    `global`, `sys.stdin.buffer`, `from sys import stdout`, an `if __name__ == "__main__":` that is not the last
    statement, blank lines at the end. 19 of 2,281 programs with published verdicts differ so, all of them right here,
    2.6 points for one model: DIFFERS says it beside a score.
Source
    LiveCodeBench, https://arxiv.org/abs/2403.07974, and the comparison of its lcb_runner/evaluation/testing_util.py.
"""

import base64
import io
import json
import pickle
import re
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from lighteval_r1.confined.child import RAISED
from lighteval_r1.confined.runner import Program, Ran, Runner
from lighteval_r1.graders.grader import Found, Grader
from lighteval_r1.records import Grade, Outcome

DIFFERS = (
    "LiveCodeBench's own harness fails some right programs that pass here, such as those with a thread that nobody "
    "waits for: 19 of 2,281 with published verdicts, 2.6 points for one model."
)
LIVECODEBENCH = re.compile("lcb|livecodebench|code_generation_lite", re.IGNORECASE)
FENCE = "```"
# "```python", also behind words ("Assistant: ```python"), as LiveCodeBench's extraction has it. What matched is not
# tried again in another way (`*+`): a megabyte of spaces would take an hour.
OPENING = re.compile(r"(?:^|(?<=[^`]))```[ \t]*+(?P<language>[\w+#.-]*+)[ \t\r]*+$|^\s*+```[^`\n]*$")
NUMPY = re.compile(r"^[ \t]*+(?:import|from)[ \t]++numpy\b", re.MULTILINE)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
# Output may be this much longer than what is expected before the program is stopped: other spacing, more digits.
LONGER = 4
SPARE_BYTES = 1 << 20
# A program is limited per test, by what confines it. This only ends a grader that is itself stuck.
STUCK_S = 1800.0
# Decoded tests of the latest problems stay, up to this; those of one problem may be tens of megabytes.
KEPT_TESTS_BYTES = 64 * 2**20
REASONS = {
    "time limit": "time limit",
    "idle": "time limit (it waited)",
    "thread limit": "thread limit",
    "disk limit": "disk limit",
    "output limit": "output limit",
}


class TextOnly(pickle.Unpickler):
    """Admits nothing but text: the data set pickles a JSON string."""

    def find_class(self, module: str, name: str) -> type:
        raise pickle.UnpicklingError(f"{module}.{name} in the tests of a problem")


@dataclass(frozen=True)
class Cases:
    """A problem's tests. function: None for programs that read standard input. behind: code that follows it."""

    function: str | None
    inputs: list[bytes]
    expected: list[str]
    behind: str = ""


class LatestCases:
    """Decoded tests of the problems graded last."""

    def __init__(self) -> None:
        self._tests: OrderedDict[str, Cases] = OrderedDict()
        self._n_bytes = 0

    def of(self, gold: str) -> Cases:
        if gold in self._tests:
            self._tests.move_to_end(gold)
            return self._tests[gold]
        tests = decode_cases(gold)
        self._tests[gold] = tests
        self._n_bytes += size_of(tests)
        while self._n_bytes > KEPT_TESTS_BYTES and len(self._tests) > 1:
            self._n_bytes -= size_of(self._tests.popitem(last=False)[1])
        return tests


@lru_cache(maxsize=1)
def latest_cases() -> LatestCases:
    return LatestCases()


@lru_cache(maxsize=1)
def runner() -> Runner:
    return Runner()


def size_of(tests: Cases) -> int:
    return sum(map(len, tests.inputs)) + sum(map(len, tests.expected))


def decode_cases(gold: str) -> Cases:
    """Raises ValueError where there are no tests: then no program can be right or wrong."""
    record = json.loads(gold)
    private = record["private"]
    if not private.lstrip().startswith("["):
        private = TextOnly(io.BytesIO(zlib.decompress(base64.b64decode(private)))).load()
    tests = json.loads(record["public"]) + json.loads(private)
    if not tests:
        raise ValueError("the problem has no tests")
    return Cases(
        function=record["fn_name"],
        inputs=[test["input"].encode("utf-8", "surrogatepass") for test in tests],
        expected=[test["output"] for test in tests],
        behind=record.get("behind", ""),
    )


def last_code_block(text: str) -> str:
    """Content of the last fenced block that is closed; "" if none is. Lines lose the indentation of their fence."""
    found, lines, inside, indent = "", [], False, 0
    for line in text.split("\n"):
        fence = OPENING.search(line)
        if fence and (fence.group("language") or not inside):
            # A fence that names a language opens a block, also where the one before was never closed.
            lines, inside, indent = [], True, len(line) - len(line.lstrip())
        elif inside:
            closed = line.rstrip().endswith(FENCE)
            code = line.rstrip().rstrip("`") if closed else line
            if code.strip() or not closed:
                lines.append(code[min(indent, len(code) - len(code.lstrip())) :])
            if closed:
                found, inside = "\n".join(lines), False
    return found


def find(text: str, gold: str) -> Found:
    code = last_code_block(text)
    return Found(code, "code block") if code.strip() else Found("", "no complete code block after the thinking")


def same_output(mine: str, expected: str) -> bool:
    """Line by line, without the space around them: equal, or equal numbers."""
    a, b = mine.strip().split("\n"), expected.strip().split("\n")
    return len(a) == len(b) and all(same_line(x.strip(), y.strip()) for x, y in zip(a, b, strict=True))


def same_line(a: str, b: str) -> bool:
    if a == b:
        return True
    try:
        return [Decimal(t) for t in a.split()] == [Decimal(t) for t in b.split()]
    except InvalidOperation:
        return False


def decode_value(value: object) -> object:
    """The value that a function returned, from what child.encode made of it."""
    if isinstance(value, list):
        return [decode_value(part) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "tuple":
        return tuple(decode_value(part) for part in content)
    # JSON's keys are texts. Numbers as keys could be chosen to have one hash.
    if kind == "dict" and all(isinstance(key, str) for key, _ in content):
        return {key: decode_value(part) for key, part in content}
    # An object equals nothing that JSON can say.
    return int(content, 16) if kind == "int" else object()


def same_value(told: dict, expected: str) -> bool:
    """Whether the function returned what is expected; a tuple counts as a list, within others it does not."""
    try:
        value = decode_value(told["value"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
    gold = json.loads(expected)
    return (list(value) if isinstance(value, tuple) else value) == gold


def fault(ran: Ran, expected: str, *, function: str | None) -> str:
    """What is wrong with how a test went; "" if nothing is."""
    if ran.end in REASONS:
        return REASONS[ran.end]
    if ran.end == "signal":
        return f"it crashed (signal {ran.code})"
    if ran.code == RAISED:
        return f"it raised {exception_name(ran.told)}"
    if function is None:
        right = same_output(ran.output.decode("utf-8", "replace"), expected)
    else:
        right = same_value(ran.told, expected)
    return "" if right else "wrong output"


def exception_name(told: dict) -> str:
    """A program can say what it likes here, so only what can be a name is repeated."""
    name = told.get("error")
    return name if isinstance(name, str) and NAME.fullmatch(name) else "an exception"


def judge(code: str, tests: Cases, *, runner: Runner) -> Grade:
    """The program's grade: its tests in their order, each run once, up to the first that fails."""
    n_tests = len(tests.inputs)
    whole = f"{code}\n{tests.behind}" if tests.behind else code
    numpy = NUMPY.search(whole) is not None
    with Program(runner, whole.encode("utf-8", "surrogatepass"), function=tests.function, numpy=numpy) as program:
        for number, (given, expected) in enumerate(zip(tests.inputs, tests.expected, strict=True), start=1):
            ran = program.test(given, max_bytes=LONGER * len(expected) + SPARE_BYTES)
            where = f"test {number} of {n_tests}"
            if ran.end == "killed":
                return Grade(Outcome.UNDECIDED, code, f"{where}: killed by another hand, also when tried again")
            if wrong := fault(ran, expected, function=tests.function):
                return Grade(Outcome.WRONG, code, f"{where}: {wrong}")
    return Grade(Outcome.CORRECT, code, f"all {n_tests} tests")


def run_tests(answer: str, where: str, gold: str) -> Grade:
    """Raises GraderDied where tests cannot be run, UserError where nothing here can confine a program."""
    return judge(answer, latest_cases().of(gold), runner=runner())


def hidden(gold: str) -> str:
    """Tests stay hidden, and are nothing to look at."""
    return ""


def note(task: str) -> str:
    return DIFFERS if LIVECODEBENCH.search(task) else ""


PROGRAM = Grader(
    name="program",
    find=find,
    judge=run_tests,
    shown_gold=hidden,
    label=None,
    candidates=None,
    limit_s=STUCK_S,
    confined=True,
    answer_in_thinking=False,
    note=note,
    lettered=False,
    reference=None,
)
