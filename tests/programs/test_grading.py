"""Programs are graded by LiveCodeBench's rules."""

import base64
import json
import math
import os
import pickle
import zlib
from pathlib import Path

import pytest
import soak
from golds import gold

from lighteval_r1.confined.runner import Program, Runner
from lighteval_r1.graders import PROGRAM
from lighteval_r1.graders.program import Cases, decode_cases, judge, last_code_block, same_output
from lighteval_r1.records import GraderDied, Outcome
from lighteval_r1.sampling.pool import Pool
from lighteval_r1.tasks.livecodebench import LCB

HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("```python\na\n```\nthen\n```python\nb\n```", "b"),
        ("```python\na\n```\nthen\n```python\nb\n", "a"),
        ("```\na\nb\n```", "a\nb"),
        ("```python\nnever closed\n```python\nb\n```", "b"),
        ("```py\n# here\n```\n\nAssistant: ```python\nb\n```", "b"),
        ("1. So:\n   ```python\n   if a:\n       b\n   ```", "if a:\n    b"),
        ("```python\nprint(1)```", "print(1)"),
        ("```python\nprint('```')\nb\n```", "print('```')\nb"),
        ("```python\r\na\r\n```\r\n", "a\r"),
        ("`code` and ```inline```", ""),
        ("no code", ""),
        ("```" * 300_000, ""),
        ("```\n" * 300_000, ""),
        ("```" + " " * 1_000_000 + "!", ""),
        ("\n" * 1_000_000 + " " * 1_000_000 + "```" + "a" * 1_000_000 + "!", ""),
    ],
)
def test_the_last_complete_code_block_is_the_program(text, code):
    assert last_code_block(text) == code


def test_a_megabyte_of_empty_lines_is_a_program_like_any_other(strictest):
    assert judge("\n" * 1_000_000 + "print(1)", Cases(None, [b""], ["1"]), runner=strictest).outcome is Outcome.CORRECT


def test_code_in_a_thought_that_never_ended_is_no_answer():
    found = PROGRAM.grade_reply("<think>```python\nprint(1)\n```", gold([("", "1")]))
    assert found.outcome is Outcome.NO_ANSWER


# Source of the rules: LiveCodeBench, lcb_runner/evaluation/testing_util.py.
@pytest.mark.parametrize(
    ("mine", "expected", "same"),
    [
        ("1\n2\n", "1\n2", True),
        ("  1 \n\t2\n\n", "1\n2", True),
        ("1 2", "1  2", True),  # equal numbers
        ("1.50", "1.5", True),
        ("1e3", "1000", True),
        ("0.30000000000000004", "0.3", False),
        ("50000000000000000", "50000000000000001", False),
        ("a  b", "a b", False),  # not numbers
        ("YES", "yes", False),
        ("1\n\n2", "1\n2", False),
        ("1 2", "1\n2", False),
        ("", "", True),
        ("", "1", False),
        ("nan", "nan", True),
        ("NaN 1", "nan 1", False),
        ("sNaN", "1", False),
        ("1e999999999", "1", False),
    ],
)
def test_output_is_compared_line_by_line_and_numbers_by_value(mine, expected, same):
    assert same_output(mine, expected) is same


@pytest.mark.parametrize(
    ("returned", "expected", "outcome"),
    [
        ("(1, 2)", "[1, 2]", "correct"),
        ("[(1, 2)]", "[[1, 2]]", "wrong"),
        ("[[1, 2], [3]]", "[[1, 2], [3]]", "correct"),
        ("1.0", "1", "correct"),
        ("True", "true", "correct"),
        ("1", "true", "correct"),
        ("None", "null", "correct"),
        ("'a\\n\\u20ac\\ud800'", '"a\\n\\u20ac\\ud800"', "correct"),
        ("0.1 + 0.2", "0.3", "wrong"),
        ("2 ** 100", str(2**100), "correct"),
        ("-2 ** 63 - 1", str(-(2**63) - 1), "correct"),
        ("{'a': 1}", '{"a": 1}', "correct"),
        ("Counter('aab')", '{"a": 2, "b": 1}', "correct"),
        ("{1: 1}", '{"1": 1}', "wrong"),
        ("{1, 2}", "[1, 2]", "wrong"),
        ("deque([1])", "[1]", "wrong"),
        ("range(2)", "[0, 1]", "wrong"),
        ("float('nan')", "NaN", "wrong"),
        ("__import__('fractions').Fraction(1, 2)", "0.5", "correct"),
        ("__import__('decimal').Decimal('0.1')", "0.1", "wrong"),
        ("__import__('numpy').int64(7)", "7", "correct"),
        ("[__import__('numpy').bool_(True)]", "[true]", "correct"),
        ("__import__('numpy').array([1, 2])", "[1, 2]", "wrong"),
        ("a + b", "3", "correct"),
    ],
)
def test_what_a_function_returns_is_compared_as_python_compares_it(returned, expected, outcome, strictest):
    code = f"class Solution:\n    def f(self, a: int, b: int) -> List[int]:\n        return {returned}"
    assert judge(code, Cases("f", [b"1\n2"], [expected]), runner=strictest).outcome == outcome


@pytest.mark.parametrize(
    "code",
    [
        "print(sum(map(int, input().split())))",
        "import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
        "from sys import stdin, stdout\nstdout.write(str(sum(map(int, stdin.readline().split()))))",
        "n = 0\ndef f():\n    global n\n    n += sum(int(x) for x in input().split())\nf()\nprint(n)",
        "def main():\n    print(sum(map(int, input().split())))\nif __name__ == '__main__':\n    main()",
        "print(sum(map(int, input().split())))\nexit(3)",
        "print(reduce(add, map(int, input().split())), end='\\n\\n')",
        "import atexit\natexit.register(lambda: print(sum(map(int, input().split()))))",
        "import io, os, sys\nsys.stdout = io.StringIO()\nprint(sum(map(int, input().split())))\nsys.__stdout__.write(sys.stdout.getvalue())",
        "import os\nos.write(1, str(sum(map(int, input().split()))).encode())\nos._exit(0)",
        "from dataclasses import dataclass\n@dataclass(order=True)\nclass A:\n    x: int\nprint(sum(A(int(x)).x for x in input().split()))",
        "import numpy as np\nprint(np.array(input().split(), dtype=int).sum())",
        "import threading\nthreading.Thread(target=lambda: print(sum(map(int, input().split()))), daemon=False).start()",
    ],
)
def test_programs_read_and_write_as_they_like(code, strictest):
    cases = Cases(None, [b"1 2", b"3 4\n", b"5 6\n"], ["3", "7\n", "11"])
    assert judge(code, cases, runner=strictest).step == "all 3 tests"


IN_A_THREAD = "import threading\nthreading.stack_size(256 * 2**20)\nt = threading.Thread(target=lambda: print(f(10_000)))\nt.start()\nt.join()"


@pytest.mark.parametrize("call", ["print(f(10_000))", "sys.setrecursionlimit(10**6)\n" + IN_A_THREAD])
@pytest.mark.parametrize(
    "code",
    [
        "def f(n): return f(n - 1) + 1 if n else 0",
        "@cache\ndef f(n): return f(n - 1) + 1 if n else 0",
        "@lru_cache(None)\ndef f(n): return f(n - 1) + 1 if n else 0",
        "def f(n): return max(f(m) for m in [n - 1]) + 1 if n else 0",
        "def f(n): return sum(map(f, [n - 1])) + 1 if n else 0",
        "def f(n): return sorted([n], key=lambda m: f(m - 1) if m else 0)[0] if n else 0",
        "class F:\n    def __call__(self, n): return self(n - 1) + 1 if n else 0\nf = F()",
    ],
)
def test_a_program_calls_as_deep_through_what_is_written_in_c(code, call, strictest):
    """Also under a Python that counts such calls apart, which ends them after some hundred."""
    assert judge(f"{code}\n{call}", Cases(None, [b""], ["10000"]), runner=strictest).step == "all 1 tests"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("print(3)\nraise ValueError", "test 1 of 2: it raised ValueError"),
        ("print(3", "test 1 of 2: it raised SyntaxError"),
        ("print(3)", "test 2 of 2: wrong output"),
        ("print(3)\nx = '\ud800'.encode()", "test 1 of 2: it raised UnicodeEncodeError"),
        ("print('\\ud800')", "test 1 of 2: it raised UnicodeEncodeError"),
        ("\0", "test 1 of 2: it raised"),
        ("(" * 100_000, "test 1 of 2: it raised"),
        (
            "def f(): f()\nimport sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())",
            "test 1 of 2: ",
        ),
    ],
)
def test_a_program_that_fails_says_where(code, step, strictest):
    found = judge(code, Cases(None, [b"1 2", b"3 4"], ["3", "7"]), runner=strictest)
    assert found.outcome is Outcome.WRONG and step in found.step, found.step


def test_what_one_test_leaves_behind_does_not_decide_the_next(strictest):
    left = "import builtins\nprint(getattr(builtins, 'left', 'nothing'))\nbuiltins.left = 'something'\n"
    assert judge(left, Cases(None, [b""] * 4, ["nothing"] * 4), runner=strictest).outcome is Outcome.CORRECT
    daemon = "import threading, time\nthreading.Thread(target=lambda: [print('late', flush=True) for _ in iter(lambda: time.sleep(0.01), 1)], daemon=True).start()\nprint(1)"
    assert judge(daemon, Cases(None, [b""] * 3, ["1"] * 3), runner=strictest).outcome is Outcome.CORRECT


def test_a_function_finds_ready_what_each_of_its_tests_would_make_anew(strictest):
    function = "class Solution:\n    def f(self, a: List[int]) -> int:\n        return a[0]"
    script = "print(json.loads(input())[0])"
    assert pages_copied(function, "f", runner=strictest) < 1.4 * pages_copied(script, None, runner=strictest)


def pages_copied(code: str, function: str | None, *, runner: Runner) -> int:
    """By the processes of ten tests of a program: half of what a test costs."""
    n_faults = []
    with Program(runner, code.encode(), function=function, numpy=False) as program:
        for _ in range(11):
            assert (ran := program.test(b"[5]", max_bytes=100)).end == "exited" and ran.code == 0
            stat = Path(f"/proc/{runner.connection().processes()[-1]}/stat").read_text()
            n_faults.append(int(stat.rpartition(")")[2].split()[8]))
    return n_faults[-1] - n_faults[0]


def test_packed_tests_are_read_and_nothing_but_text_is_unpickled():
    tests = json.dumps([{"input": "", "output": "2"}])
    packed = base64.b64encode(zlib.compress(pickle.dumps(tests))).decode()
    record = {"fn_name": None, "public": json.dumps([{"input": "", "output": "1"}]), "private": packed}
    assert decode_cases(json.dumps(record)).expected == ["1", "2"]
    hostile = base64.b64encode(zlib.compress(b"cos\nsystem\n(S'true'\ntR.")).decode()
    with pytest.raises(pickle.UnpicklingError, match="os.system"):
        decode_cases(json.dumps(record | {"private": hostile}))


def test_a_problem_without_tests_grades_nothing():
    with Pool(1) as pool:
        (died,) = pool.grade_many([(PROGRAM, "```\nprint(1)\n```", gold([]))])
    assert isinstance(died, GraderDied) and "no tests" in str(died)


@pytest.mark.soak("programs")
def test_replies_with_official_verdicts_are_graded_as_they_were(shared, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")]))
    rows, replies = (
        [json.loads(line) for line in (shared / "grading" / name).read_text().splitlines()]
        for name in ("livecodebench_rows_dev.jsonl", "livecodebench_replies_dev.jsonl")
    )
    assert len(replies) == 671
    golds = {row["question_id"]: LCB.problem(row).gold for row in rows}
    every = soak.count("programs") >= len(replies)
    replies = replies[:: math.ceil(len(replies) / soak.count("programs"))]
    with Pool() if every else Pool(module="quick_worker") as pool:
        grades = pool.grade_many([(PROGRAM, row["output"], golds[row["question_id"]]) for row in replies])
    wrong = [
        (row["uid"], found)
        for row, found in zip(replies, grades, strict=True)
        if (found.outcome == "correct") != row["expected"]
    ]
    assert not wrong
